package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Helpers that the iterators' programs call (enum bpf_func_id), and the attach type.
const (
	helperProbeReadKernel    = 113
	helperProbeReadKernelStr = 115
	helperSeqWrite           = 127
	helperMapLookupPerCPU    = 195
	attachTraceIter          = 28
)

// assembly is a program that is written with names for the places that it jumps to.
type assembly struct {
	insns  []isa.Insn
	labels map[string]int // instruction
	jumps  map[int]string // by instruction
}

func newAssembly() *assembly {
	return &assembly{labels: map[string]int{}, jumps: map[int]string{}}
}

func (a *assembly) add(in ...isa.Insn) { a.insns = append(a.insns, in...) }

func (a *assembly) label(name string) { a.labels[name] = len(a.insns) }

// jump adds a jump whose offset goes to a label.
func (a *assembly) jump(in isa.Insn, label string) {
	a.jumps[len(a.insns)] = label
	a.add(in)
}

// encode resolves the jumps.
func (a *assembly) encode() ([]byte, error) {
	offs := isa.SlotOffsets(a.insns)
	for n, label := range a.jumps {
		to, ok := a.labels[label]
		if !ok {
			panic("BUG: no label " + label)
		}
		a.insns[n].Off = int16(offs[to] - offs[n] - 1)
	}
	return isa.Encode(a.insns, binary.NativeEndian)
}

// readKernel adds a read of size bytes at the address in src + off to the stack at fp + to.
func (a *assembly) readKernel(to int16, size int32, src isa.Reg, off uint32) {
	a.read(helperProbeReadKernel, to, size, src, off)
}

// number makes a number of a pointer and puts it on the stack at fp + to: what is read as the
// kernel's memory is a number for the verifier, and can be reckoned with.
func (a *assembly) number(pointer isa.Reg, to int16) {
	a.add(isa.Store(isa.SizeDW, isa.R10, to, pointer), isa.Mov(isa.R4, isa.R10), isa.ALUImm(isa.AluADD, isa.R4, int32(to)))
	a.readKernel(to, 8, isa.R4, 0)
}

// readKernelText is readKernel of text that ends with a NUL.
func (a *assembly) readKernelText(to int16, size int32, src isa.Reg, off uint32) {
	a.read(helperProbeReadKernelStr, to, size, src, off)
}

func (a *assembly) read(helper int32, to int16, size int32, src isa.Reg, off uint32) {
	if src != isa.R3 {
		a.add(isa.Mov(isa.R3, src))
	}
	if off != 0 {
		a.add(isa.ALUImm(isa.AluADD, isa.R3, int32(off)))
	}
	a.add(isa.Mov(isa.R1, isa.R10), isa.ALUImm(isa.AluADD, isa.R1, int32(to)), isa.MovImm(isa.R2, size), isa.Call(helper))
}

// seq loads the file that an iterator writes to; r6 has the context. The verifier searches all
// of the kernel's types then.
func (a *assembly) seq(c iterContext, to isa.Reg) {
	a.add(isa.Load(isa.SizeDW, to, isa.R6, int16(c.meta)), isa.Load(isa.SizeDW, to, to, int16(c.seq)))
}

// seqWrite adds the output of bytes of the stack at fp + at, as many as r3 says, to the file
// in r1.
func (a *assembly) seqWrite(at int16) {
	a.add(isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, int32(at)), isa.Call(helperSeqWrite))
}

// iterContext are offsets in an iterator's context: of its meta, and in that, struct
// bpf_iter_meta, of the file that's written to and of the object's number.
type iterContext struct{ meta, seq, seqNum uint32 }

func (l *layout) context(name string) iterContext {
	return iterContext{meta: l.off(name, "meta"), seq: l.off("bpf_iter_meta", "seq"), seqNum: l.off("bpf_iter_meta", "seq_num")}
}

// layout finds members' offsets in vmlinux's types; err is the first that failed. A search
// reads all names of types, so a struct is searched for once, and not at all after a member
// that points to it.
type layout struct {
	btf     *kern.BTF
	structs map[string]kern.Type
	err     error
}

func newLayout(btf *kern.BTF) *layout { return &layout{btf: btf, structs: map[string]kern.Type{}} }

// off is the offset in bytes of a struct's member, that of an anonymous struct included.
func (l *layout) off(structName, member string) uint32 { return l.bit(structName, member) / 8 }

// bit is the offset in bits.
func (l *layout) bit(structName, member string) uint32 {
	t, ok := l.structs[structName]
	if !ok {
		t, _ = l.btf.Find(structName, kern.KindStruct)
		l.structs[structName] = t
	}
	if m, ok := t.Member(member); ok {
		l.know(m.Type)
		return m.Bit
	}
	if l.err == nil {
		l.err = fmt.Errorf("find %s.%s in BTF: %w", structName, member, fs.ErrNotExist)
	}
	return 0
}

// know keeps the struct that a member is or points to.
func (l *layout) know(t kern.Type) {
	t = t.Unqualified()
	for t.Kind() == kern.KindPtr {
		t = t.Ref().Unqualified()
	}
	if t.Kind() == kern.KindStruct {
		l.structs[t.Name()] = t
	}
}

// iterator is a loaded and linked iterator.
type iterator struct{ prog, link int }

// loadIterator loads a program for an iterator's target, "task_file" for instance. pid is the
// process that an iterator over tasks keeps to, where the kernel can (6.1); 0: all.
func (r *Reader) loadIterator(target string, a *assembly, pid int) (*iterator, error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	fn, ok := btf.Find("bpf_iter_"+target, kern.KindFunc)
	if !ok {
		return nil, fmt.Errorf("find iterator %s: %w", target, fs.ErrNotExist)
	}
	code, err := a.encode()
	if err != nil {
		return nil, err
	}
	license := []byte("GPL\x00")
	r.own.making.RLock()
	defer r.own.making.RUnlock()
	prog, err := sys.ProgLoad(&sys.ProgLoadAttr{
		Type: progTracing, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), ExpectedAttachType: attachTraceIter, AttachBTFID: uint32(fn.ID),
		Name: sys.ObjName(iteratorName(target)),
	})
	if err != nil {
		return nil, fmt.Errorf("load iterator %s: %w", target, err)
	}
	info, err := sys.ProgInfoByFD(prog)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read iterator %s: %w", target, err), sys.Close(prog))
	}
	r.own.hide(KindProg, info.ID)
	link, err := sys.LinkIter(prog, attachTraceIter, pid)
	if err != nil && pid != 0 {
		link, err = sys.LinkIter(prog, attachTraceIter, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("attach iterator %s: %w", target, err), sys.Close(prog))
	}
	return &iterator{prog, link}, nil
}

// relink makes the iterator walk over all tasks.
func (it *iterator) relink() error {
	link, err := sys.LinkIter(it.prog, attachTraceIter, 0)
	if err != nil {
		return fmt.Errorf("attach iterator: %w", err)
	}
	err = sys.Close(it.link)
	it.link = link
	return err
}

func (it *iterator) Close() error { return errors.Join(sys.Close(it.link), sys.Close(it.prog)) }

// iteratorRead is what the kernel gives at once: its buffer's size (kernel/bpf/bpf_iter.c).
const iteratorRead = 32 << 10

// run walks the objects and calls f with what a read gave, and what f left of the one before
// it. f returns what it has taken.
func (it *iterator) run(f func(data []byte) (taken int)) error {
	fd, err := sys.IterCreate(it.link)
	if err != nil {
		return fmt.Errorf("start iterator: %w", err)
	}
	defer sys.Close(fd)
	buf := make([]byte, iteratorRead)
	for have := 0; ; {
		n, err := sys.Read(fd, buf[have:])
		if err != nil {
			return fmt.Errorf("read iterator: %w", err)
		}
		if n == 0 {
			return nil
		}
		have = copy(buf, buf[f(buf[:have+n]):have+n])
	}
}

// newScratch makes a map of one element for an iterator's program. The kernel frees it some
// time after the program, so lists leave it out.
func (r *Reader) newScratch(typ, size uint32) (fd int, err error) {
	r.own.making.RLock()
	defer r.own.making.RUnlock()
	fd, err = sys.MapCreate(&sys.MapCreateAttr{Type: typ, KeySize: 4, ValueSize: size, MaxEntries: 1})
	if err != nil {
		return -1, fmt.Errorf("create map: %w", err)
	}
	info, err := sys.MapInfoByFD(fd)
	if err != nil {
		return -1, errors.Join(fmt.Errorf("read map: %w", err), sys.Close(fd))
	}
	r.own.hide(KindMap, info.ID)
	return fd, nil
}

// iteratorName is the name of the program for an iterator's target.
func iteratorName(target string) string { return "skep_" + target }
