//go:build linux

// Package swarm loads many small BPF programs, as they are found on a machine where many
// agents trace: of several types, some with maps, type information and long names.
package swarm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Swarm are loaded programs. Close unloads them.
type Swarm struct {
	Progs []int // descriptors
	fds   []int // of all objects
}

// perObject are the programs that are loaded together: they share a map and their types.
const perObject = 8

// types are the programs' types, in turn: sched_cls, tracepoint, xdp, perf_event,
// cgroup_skb, raw_tracepoint, socket_filter.
var types = [...]uint32{3, 5, 6, 7, 8, 17, 1}

// Load loads n programs. Every second object has type information, and names in it that
// the kernel cuts.
func Load(n int) (*Swarm, error) {
	s := &Swarm{}
	if err := sys.LiftNofile(uint64(2*n + 256)); err != nil {
		return nil, err
	}
	for i := 0; i < n; i += perObject {
		if err := s.object(i, min(perObject, n-i)); err != nil {
			return nil, errors.Join(fmt.Errorf("load program %d of %d: %w", i, n, err), s.Close())
		}
	}
	return s, nil
}

// Close unloads the programs.
func (s *Swarm) Close() error {
	var errs []error
	for _, fd := range s.fds {
		errs = append(errs, sys.Close(fd))
	}
	return errors.Join(errs...)
}

func (s *Swarm) keep(fd int, err error) (int, error) {
	if err == nil {
		s.fds = append(s.fds, fd)
	}
	return fd, err
}

func (s *Swarm) object(first, n int) error {
	m, err := s.keep(sys.MapCreate(&sys.MapCreateAttr{Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 1, Name: sys.ObjName(fmt.Sprintf("m%d", first))}))
	if err != nil {
		return err
	}
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("bee_%d", first+i))
	}
	btf := 0
	if first/perObject%2 == 0 {
		for i := range names {
			names[i] += "_of_a_long_name"
		}
		if btf, err = s.keep(sys.BTFLoad(functions(names))); err != nil {
			return err
		}
	}
	for i, name := range names {
		// Each has a map in every second object, and code of its own.
		insns := []isa.Insn{isa.MovImm(isa.R0, int32(i&1)), isa.Exit()}
		if i%2 == 0 {
			insns = append([]isa.Insn{isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(m))}, insns...)
		}
		if err := s.program(types[(first+i)%len(types)], name, btf, firstFunction+i, insns); err != nil {
			return err
		}
	}
	return nil
}

func (s *Swarm) program(typ uint32, name string, btf, function int, insns []isa.Insn) error {
	code, err := isa.Encode(insns, binary.NativeEndian)
	if err != nil {
		return err
	}
	license := []byte("GPL\x00")
	a := &sys.ProgLoadAttr{Type: typ, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), Name: sys.ObjName(name)}
	if btf != 0 {
		info := [2]uint32{0, uint32(function)} // struct bpf_func_info
		a.BTFFD, a.FuncInfo, a.FuncInfoRecSize, a.FuncInfoCnt = uint32(btf), unsafe.Pointer(&info), uint32(unsafe.Sizeof(info)), 1
	}
	fd, err := s.keep(sys.ProgLoad(a))
	if err == nil {
		s.Progs = append(s.Progs, fd)
	}
	return err
}

// firstFunction is the type id of the first name of functions.
const firstFunction = 4

// functions are BTF of functions "int NAME(void *ctx)".
func functions(names []string) []byte {
	strs := []byte("\x00int\x00ctx\x00")
	const intName, ctxName = 1, 5
	const kindInt, kindPtr, kindFunc, kindProto = 1 << 24, 2 << 24, 12 << 24, 13 << 24
	types := []uint32{
		intName, kindInt, 4, 1<<24 | 32, // 1: int
		0, kindPtr, 0, // 2: void *
		0, kindProto | 1, 1, ctxName, 2, // 3: int (void *ctx)
	}
	for _, name := range names {
		types = append(types, uint32(len(strs)), kindFunc|1, 3)
		strs = append(append(strs, name...), 0)
	}
	const magic, version, headerLen = 0xeb9f, 1, 24
	b := binary.NativeEndian.AppendUint16(nil, magic)
	b = append(b, version, 0)
	n := uint32(4 * len(types))
	for _, v := range append([]uint32{headerLen, 0, n, n, uint32(len(strs))}, types...) {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return append(b, strs...)
}
