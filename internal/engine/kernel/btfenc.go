package kernel

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
)

// Kinds of BTF types in use (include/uapi/linux/btf.h).
const (
	btfInt       = 1
	btfPtr       = 2
	btfArray     = 3
	btfStruct    = 4
	btfFunc      = 12
	btfFuncProto = 13
)

// Encodings of an integer and linkages of a function.
const (
	btfSigned = 1
	btfChar   = 2
	btfBool   = 4

	btfStatic = 0
	btfGlobal = 1
)

const (
	btfMagic     = 0xeb9f
	btfHeaderLen = 24
)

// Sizes of struct bpf_func_info and struct bpf_line_info (include/uapi/linux/bpf.h).
const (
	funcInfoSize = 8
	lineInfoSize = 16
)

// btfInfo is an object's type information as the kernel takes it: one blob for all
// maps and programs, and the records that refer to it.
type btfInfo struct {
	data  []byte
	maps  []btfKV
	progs []progInfo
}

// btfKV is a map's key and value type; key 0: the map has none.
type btfKV struct{ key, value uint32 }

// progInfo is a program's func_info and line_info, as arrays of the kernel's structs.
type progInfo struct{ funcs, lines []byte }

// btfEncoder builds the blob.
type btfEncoder struct {
	types   []byte
	strings []byte
	offsets map[string]uint32 // of strings
	n       uint32            // types so far; the next one's id is n+1
	ints    map[intSpec]uint32
	ctx     uint32              // "void *"
	protos  map[protoKey]uint32 // function prototypes
	lines   map[diag.Pos]lineRef
	sources *diag.Sources
}

type intSpec struct {
	name     string
	size     uint32
	encoding uint32
}

type protoKey struct {
	args int
	main bool
}

// lineRef is a position as line_info holds it.
type lineRef struct{ file, text, lineCol uint32 }

// encodeBTF makes the type information of o.
func encodeBTF(o *object.Object) *btfInfo {
	e := &btfEncoder{
		strings: []byte{0}, offsets: map[string]uint32{"": 0},
		ints: map[intSpec]uint32{}, protos: map[protoKey]uint32{},
		lines: map[diag.Pos]lineRef{}, sources: o.Sources,
	}
	info := &btfInfo{maps: make([]btfKV, len(o.Maps)), progs: make([]progInfo, len(o.Programs))}
	for i, m := range o.Maps {
		info.maps[i] = e.mapTypes(m)
	}
	for i, p := range o.Programs {
		info.progs[i] = e.program(p, i)
	}
	info.data = e.blob()
	return info
}

// blob is the header, the types and the strings.
func (e *btfEncoder) blob() []byte {
	b := make([]byte, 0, btfHeaderLen+len(e.types)+len(e.strings))
	b = binary.NativeEndian.AppendUint16(b, btfMagic)
	b = append(b, 1, 0) // version, flags
	for _, v := range []uint32{btfHeaderLen, 0, uint32(len(e.types)), uint32(len(e.types)), uint32(len(e.strings))} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	b = append(b, e.types...)
	return append(b, e.strings...)
}

// str is the offset of s among the strings.
func (e *btfEncoder) str(s string) uint32 {
	if off, ok := e.offsets[s]; ok {
		return off
	}
	off := uint32(len(e.strings))
	e.strings = append(append(e.strings, s...), 0)
	e.offsets[s] = off
	return off
}

// add appends a type: struct btf_type and the words after it. It returns the type's id.
func (e *btfEncoder) add(name string, kind, vlen, sizeOrType uint32, words ...uint32) uint32 {
	for _, w := range append([]uint32{e.str(name), kind<<24 | vlen, sizeOrType}, words...) {
		e.types = binary.NativeEndian.AppendUint32(e.types, w)
	}
	e.n++
	return e.n
}

func (e *btfEncoder) int(name string, size, encoding uint32) uint32 {
	spec := intSpec{name, size, encoding}
	if id, ok := e.ints[spec]; ok {
		return id
	}
	id := e.add(name, btfInt, 0, size, encoding<<24|size*8)
	e.ints[spec] = id
	return id
}

// proto is the type of a function of the object: the main function of a program is
// int(void *ctx), others take and return 64-bit numbers.
func (e *btfEncoder) proto(args int, main bool) uint32 {
	key := protoKey{args, main}
	if id, ok := e.protos[key]; ok {
		return id
	}
	var words []uint32
	result := e.int("u64", 8, 0)
	if main {
		result = e.int("int", 4, btfSigned)
		if e.ctx == 0 {
			e.ctx = e.add("", btfPtr, 0, 0)
		}
		words = []uint32{e.str("ctx"), e.ctx}
	} else {
		arg := e.int("u64", 8, 0)
		for i := range args {
			words = append(words, e.str("a"+string(rune('1'+i))), arg)
		}
	}
	id := e.add("", btfFuncProto, uint32(len(words)/2), result, words...)
	e.protos[key] = id
	return id
}

// mainName is the BTF name of a program's main function: what scripts for bpftrace attach
// to (fentry:bpf:NAME), the first point's text and the program's number from 1. The kernel's
// symbols are called by it, too, and so are kept within their length.
func mainName(p *object.Program, index int) string {
	if len(p.Points) == 0 {
		return p.Name
	}
	text := p.Points[0].Text
	return fmt.Sprintf("%s_%d", text[:min(len(text), mainNameMax)], index+1)
}

// mainNameMax leaves room in a kernel symbol for "bpf_prog_", the tag and the number
// (KSYM_NAME_LEN is 128 before Linux 6.1).
const mainNameMax = 90

// program makes the func_info and line_info of p, the object's program of that index.
func (e *btfEncoder) program(p *object.Program, index int) progInfo {
	var out progInfo
	slots := slotsOf(p.Insns)
	funcs := p.Funcs
	if len(funcs) == 0 {
		funcs = []object.FuncInfo{{Name: p.Name}}
	}
	starts := map[int]bool{}
	for i, f := range funcs {
		starts[f.Insn] = true
		name, linkage := f.Name, uint32(btfStatic)
		if i == 0 {
			name, linkage = mainName(p, index), btfGlobal
		}
		id := e.add(identifier(name), btfFunc, linkage, e.proto(f.Args, i == 0))
		out.funcs = binary.NativeEndian.AppendUint32(out.funcs, uint32(slots[f.Insn]))
		out.funcs = binary.NativeEndian.AppendUint32(out.funcs, id)
	}
	out.lines = e.lineInfo(p, slots, starts)
	return out
}

// lineInfo says for each run of instructions which line of the script made them. The
// kernel wants ascending offsets and a record at the start of each function.
func (e *btfEncoder) lineInfo(p *object.Program, slots []int, starts map[int]bool) []byte {
	if e.sources == nil || len(p.Lines) == 0 {
		return nil
	}
	var b []byte
	var last lineRef
	line := 0
	cur := e.line(p.Lines[0].Pos)
	for insn := range p.Insns {
		for line < len(p.Lines) && p.Lines[line].Insn <= insn {
			if ref := e.line(p.Lines[line].Pos); ref != (lineRef{}) {
				cur = ref
			}
			line++
		}
		if cur == last && !starts[insn] {
			continue
		}
		last = cur
		for _, w := range []uint32{uint32(slots[insn]), cur.file, cur.text, cur.lineCol} {
			b = binary.NativeEndian.AppendUint32(b, w)
		}
	}
	return b
}

// Limits of line_info's line and column (BPF_LINE_INFO_LINE_NUM, …_LINE_COL).
const (
	lineMax   = 1<<22 - 1
	columnMax = 1<<10 - 1
)

// line is pos as a record holds it; the zero value when pos is in no source.
func (e *btfEncoder) line(pos diag.Pos) lineRef {
	if ref, ok := e.lines[pos]; ok {
		return ref
	}
	var ref lineRef
	if f, at, _ := e.sources.Resolve(pos); f != nil {
		line, col := f.LineCol(at)
		ref = lineRef{
			file:    e.str(f.Name),
			text:    e.str(strings.TrimSpace(f.Line(line))),
			lineCol: uint32(min(line, lineMax))<<10 | uint32(min(col, columnMax)),
		}
	}
	e.lines[pos] = ref
	return ref
}

// identifier is s as a C identifier, which BTF wants of a function's name.
func identifier(s string) string {
	b := []byte(s)
	for i, c := range b {
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "_"
	}
	return string(b)
}

// slotsOf is the slot at which each instruction begins, and the number of slots last.
func slotsOf(insns []isa.Insn) []int {
	slots := make([]int, len(insns)+1)
	for i, in := range insns {
		slots[i+1] = slots[i] + 1
		if in.Wide() {
			slots[i+1]++
		}
	}
	return slots
}
