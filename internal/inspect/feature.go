package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// progTrial is what a program type takes to be loaded for trying it.
type progTrial struct {
	attach uint32 // expected attach type
	flags  uint32
	// target: it attaches to a type of vmlinux; a wrong one is refused in these words.
	target  uint32
	refusal string
}

// sleepable is BPF_F_SLEEPABLE.
const sleepable = 1 << 4

// progTrials are the types that take more than a license.
var progTrials = map[string]progTrial{
	"cgroup_sock_addr": {attach: 10}, "cgroup_sockopt": {attach: 21}, "sk_lookup": {attach: 36}, "netfilter": {attach: 45},
	"syscall":    {flags: sleepable},
	"struct_ops": {target: 1, refusal: "is not a supported struct"},
	"ext":        {target: 1, refusal: "Cannot replace kernel functions"},
	"lsm":        {attach: 27, target: 1, refusal: "attach_btf_id 1 is not a function"},
}

// tryLoad loads a program and returns the verifier's words.
func tryLoad(typ uint32, prog []isa.Insn, t progTrial, log bool) (string, error) {
	code, err := isa.Encode(prog, binary.NativeEndian)
	if err != nil {
		return "", err
	}
	license := []byte("GPL\x00")
	a := &sys.ProgLoadAttr{Type: typ, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), ExpectedAttachType: t.attach, Flags: t.flags, AttachBTFID: t.target}
	text := make([]byte, 4096)
	if log {
		a.LogLevel, a.LogSize, a.LogBuf = 1, uint32(len(text)), unsafe.Pointer(&text[0])
	}
	fd, err := sys.ProgLoad(a)
	if err != nil {
		return cString(text), err
	}
	return cString(text), sys.Close(fd)
}

// HasSyscall tries whether there is bpf(2).
func (r *Reader) HasSyscall() bool {
	_, err := sys.MapCreate(&sys.MapCreateAttr{})
	return !errors.Is(err, sys.ENOSYS)
}

// HasProgType tries whether the kernel takes programs of a type.
func (r *Reader) HasProgType(typ uint32) bool {
	name, _ := TypeName(ProgTypes, typ)
	prog := []isa.Insn{isa.MovImm(isa.R0, 0), isa.Exit()}
	if name == "tracing" {
		return r.hasTracing()
	}
	t := progTrials[name]
	log, err := tryLoad(typ, prog, t, t.refusal != "")
	return err == nil || t.refusal != "" && strings.Contains(log, t.refusal)
}

// hasTracing loads an iterator, the kind of tracing program that every kernel of 5.8 has.
func (r *Reader) hasTracing() bool {
	b, err := r.Vmlinux()
	if err != nil {
		return false
	}
	fn, ok := b.Find("bpf_iter_task", kern.KindFunc)
	if !ok {
		return false
	}
	_, err = tryLoad(progTracing, []isa.Insn{isa.MovImm(isa.R0, 0), isa.Exit()}, progTrial{attach: attachTraceIter, target: uint32(fn.ID)}, false)
	return err == nil
}

// mapTrial is what a map type takes to be made: sizes, entries, flags.
type mapTrial struct {
	key, value, entries, flags uint32
	inner, types               bool // it holds maps; its key and value need types
}

// Flags of maps (include/uapi/linux/bpf.h).
const (
	noPrealloc = 1 << 0
	mmapable   = 1 << 10
)

// mapTrials are the types that take other than an element of 4 and 4 bytes.
var mapTrials = map[string]mapTrial{
	"stack_trace": {key: 4, value: 8, entries: 1}, "lpm_trie": {key: 8, value: 8, entries: 1, flags: noPrealloc},
	"cgroup_storage": {key: 16, value: 8}, "percpu_cgroup_storage": {key: 16, value: 8},
	"queue": {value: 4, entries: 1}, "stack": {value: 4, entries: 1}, "bloom_filter": {value: 4, entries: 1},
	"ringbuf": {entries: 4096}, "user_ringbuf": {entries: 4096}, "arena": {entries: 1, flags: mmapable},
	"array_of_maps": {key: 4, value: 4, entries: 1, inner: true}, "hash_of_maps": {key: 4, value: 4, entries: 1, inner: true},
	"sk_storage": {key: 4, value: 4, flags: noPrealloc, types: true}, "inode_storage": {key: 4, value: 4, flags: noPrealloc, types: true},
	"task_storage": {key: 4, value: 4, flags: noPrealloc, types: true}, "cgrp_storage": {key: 4, value: 4, flags: noPrealloc, types: true},
	"insn_array": {key: 4, value: 16, entries: 1}, "rhash": {key: 4, value: 4, entries: 1, flags: noPrealloc},
}

// intBTF is type information of one int, for maps that must have types.
func intBTF() []byte {
	strs := []byte("\x00int\x00")
	var b bytes.Buffer
	for _, v := range []any{uint16(0xeb9f), uint8(1), uint8(0), uint32(24), uint32(0), uint32(16), uint32(16), uint32(len(strs)),
		uint32(1), uint32(1) << 24, uint32(4), uint32(1)<<24 | 32} {
		// A bytes.Buffer takes all.
		_ = binary.Write(&b, binary.NativeEndian, v)
	}
	b.Write(strs)
	return b.Bytes()
}

// HasMapType tries whether the kernel makes maps of a type.
func (r *Reader) HasMapType(typ uint32) bool {
	name, _ := TypeName(MapTypes, typ)
	t, ok := mapTrials[name]
	if !ok {
		t = mapTrial{key: 4, value: 4, entries: 1}
	}
	a := &sys.MapCreateAttr{Type: typ, KeySize: t.key, ValueSize: t.value, MaxEntries: t.entries, Flags: t.flags}
	if name == "struct_ops" {
		a.VmlinuxValue = 1 // the kernel knows the type of map, and not this type of value
		_, err := sys.MapCreate(a)
		return errors.Is(err, sys.ENOTSUPP)
	}
	if t.inner {
		fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			return false
		}
		defer sys.Close(fd)
		a.InnerMapFD = uint32(fd)
	}
	if t.types {
		fd, err := sys.BTFLoad(intBTF())
		if err != nil {
			return false
		}
		defer sys.Close(fd)
		a.BTFFD, a.BTFKey, a.BTFValue = uint32(fd), 1, 1
	}
	fd, err := sys.MapCreate(a)
	if err != nil {
		return false
	}
	return sys.Close(fd) == nil
}

// noHelperTrials are program types whose helpers can't be tried without a target.
var noHelperTrials = map[string]bool{"unspec": true, "tracing": true, "ext": true, "lsm": true, "struct_ops": true}

// loudHelpers write to the kernel's log when they are used, and are tried on request only.
var loudHelpers = map[string]bool{"trace_printk": true, "trace_vprintk": true, "probe_write_user": true}

// TriedHelpers are the helpers that are tried; full: those too whose use the kernel logs.
func TriedHelpers(full bool) (tried []*helper.Helper) {
	all := helper.All()
	for i := range all {
		if full || !loudHelpers[all[i].Name] {
			tried = append(tried, &all[i])
		}
	}
	return tried
}

// AvailableHelpers tries which helpers programs of a type may call; full: those too whose
// use the kernel logs.
func (r *Reader) AvailableHelpers(typ uint32, full bool) []string {
	name, _ := TypeName(ProgTypes, typ)
	if noHelperTrials[name] {
		return nil
	}
	var names []string
	for _, h := range TriedHelpers(full) {
		log, err := tryLoad(typ, []isa.Insn{isa.Call(int32(h.ID)), isa.Exit()}, progTrials[name], true)
		if err == nil || log != "" && !refusesHelper(log) {
			names = append(names, h.String())
		}
	}
	return names
}

// refusesHelper reports whether the verifier says that there's no such helper for the program.
func refusesHelper(log string) bool {
	for _, s := range []string{"invalid func ", "unknown func ", "program of this type cannot use helper "} {
		if strings.Contains(log, s) {
			return true
		}
	}
	return false
}

// Misc is something else that kernels came to allow.
type Misc struct {
	Name string // in JSON
	Text string
	Have bool
}

// oldInsnLimit is how many instructions programs could have before 5.2 (BPF_MAXINSNS).
const oldInsnLimit = 4096

// MiscFeatures tries large programs, loops and the extensions of the instruction set.
func (r *Reader) MiscFeatures() []Misc {
	const socketFilter = 1
	large := make([]isa.Insn, oldInsnLimit+1)
	for i := range large {
		large[i] = isa.MovImm(isa.R0, 1)
	}
	large[oldInsnLimit] = isa.Exit()
	zero, end := isa.MovImm(isa.R0, 0), isa.Exit()
	try := func(prog ...isa.Insn) bool {
		_, err := tryLoad(socketFilter, prog, progTrial{}, false)
		return err == nil
	}
	return []Misc{
		{"have_large_insn_limit", "Large program size limit", try(large...)},
		{"have_bounded_loops", "Bounded loop support",
			try(isa.MovImm(isa.R0, 10), isa.ALUImm(isa.AluSUB, isa.R0, 1), isa.JumpIfImm(isa.JmpJNE, isa.R0, 0, -2), end)},
		{"have_v2_isa_extension", "ISA extension v2", try(zero, isa.JumpIfImm(isa.JmpJLT, isa.R0, 0, 1), isa.MovImm(isa.R0, 1), end)},
		{"have_v3_isa_extension", "ISA extension v3", try(zero, isa.JumpIf32Imm(isa.JmpJLT, isa.R0, 0, 1), isa.MovImm(isa.R0, 1), end)},
		{"have_v4_isa_extension", "ISA extension v4", try(zero, isa.JumpIf32Imm(isa.JmpJNE, isa.R0, 1, 1), isa.JumpLong(1), isa.MovImm(isa.R0, 1), end)},
	}
}
