package kern

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// TypeID numbers a type of a BTF; 0 is void.
type TypeID uint32

// TypeKind is a BTF_KIND_…
type TypeKind = btf.Kind

// The kinds.
const (
	KindVoid      = btf.KindVoid
	KindInt       = btf.KindInt
	KindPtr       = btf.KindPtr
	KindArray     = btf.KindArray
	KindStruct    = btf.KindStruct
	KindUnion     = btf.KindUnion
	KindEnum      = btf.KindEnum
	KindFwd       = btf.KindFwd
	KindTypedef   = btf.KindTypedef
	KindVolatile  = btf.KindVolatile
	KindConst     = btf.KindConst
	KindRestrict  = btf.KindRestrict
	KindFunc      = btf.KindFunc
	KindFuncProto = btf.KindFuncProto
	KindVar       = btf.KindVar
	KindDatasec   = btf.KindDatasec
	KindFloat     = btf.KindFloat
	KindDeclTag   = btf.KindDeclTag
	KindTypeTag   = btf.KindTypeTag
	KindEnum64    = btf.KindEnum64
)

// ErrBadBTF: the data isn't BTF as this package knows it.
var ErrBadBTF = errors.New("malformed BTF")

// Layout of BTF data: struct btf_header, struct btf_type.
const (
	btfHeaderLen = 24
	typeLen      = 12
)

// stride is how many types are a block.
const stride = 64

// block is where stride types begin, and which names they have. Strings stand in the order in
// which types first name them, or nearly so: a name's offset is in the range of few blocks.
type block struct {
	off             uint32 // in types
	least, greatest uint32 // name_off of those that have names; least is the greater if none has
}

// BTF reads the type information of the kernel or of a module. Opening it makes one
// pass over the records and keeps the place of each 64th; all else is read from the data
// when it's asked for. That's orders of magnitude less memory, and work, than decoding it,
// which matters as a script starts: scripts ask for a few types of a hundred thousand. A
// BTF isn't changed once made, and may be used by several goroutines.
type BTF struct {
	Name  string // "vmlinux" or the module's
	base  *BTF   // of a module: vmlinux
	types []byte
	strs  []byte
	index []block // of the ids first, first+stride, …
	enums []place // the enums, for a search by an enumerator's name
	first TypeID  // the first own id: 1, or the number after the base's last
	end   TypeID  // the number after the last id
	funcs TypeID  // the first function
	// strBase is where own strings begin among all: the length of the base's.
	strBase uint32
}

// place is where a type's record is.
type place struct {
	id  TypeID
	off uint32
}

// meanRecord is about the bytes of a record in the kernel's BTF, of vmlinux 5.10 to 7.3.
const meanRecord = 22

// ParseBTF makes a BTF over data, which must stay as it is. base is vmlinux's for a
// module, nil for vmlinux.
func ParseBTF(name string, data []byte, base *BTF) (*BTF, error) {
	if len(data) < btfHeaderLen || binary.NativeEndian.Uint16(data) != btf.Magic {
		return nil, fmt.Errorf("read BTF of %s: no BTF header: %w", name, ErrBadBTF)
	}
	word := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(data[i:])) }
	hdr, size := word(4), uint64(len(data))
	typeOff, typeSize, strOff, strSize := hdr+word(8), word(12), hdr+word(16), word(20)
	if typeOff+typeSize > size || strOff+strSize > size || strSize == 0 || data[strOff+strSize-1] != 0 {
		return nil, fmt.Errorf("read BTF of %s: sections exceed %d bytes: %w", name, size, ErrBadBTF)
	}
	b := &BTF{Name: name, base: base, first: 1,
		types: data[typeOff : typeOff+typeSize], strs: data[strOff : strOff+strSize]}
	if base != nil {
		b.first, b.strBase = base.end, base.strBase+uint32(len(base.strs))
	}
	if err := b.makeIndex(); err != nil {
		return nil, fmt.Errorf("read BTF of %s: %w", name, err)
	}
	return b, nil
}

func (b *BTF) makeIndex() error {
	types, id, off := b.types, b.first, 0
	b.index = make([]block, 0, len(types)/meanRecord/stride+1)
	var last *block
	for ; off < len(types); id++ {
		if len(types)-off < typeLen {
			return fmt.Errorf("type %d cut off: %w", id, ErrBadBTF)
		}
		if (id-b.first)%stride == 0 {
			b.index = append(b.index, block{off: uint32(off), least: noString})
			last = &b.index[len(b.index)-1]
		}
		info := binary.NativeEndian.Uint32(types[off+4:])
		kind := btf.KindOf(info)
		if kind >= btf.NumKinds {
			return fmt.Errorf("type %d is of unknown kind %d: %w", id, kind, ErrBadBTF)
		}
		if kind.Enum() {
			b.enums = append(b.enums, place{id, uint32(off)})
		}
		if kind == KindFunc && b.funcs == 0 {
			b.funcs = id
		}
		if name := binary.NativeEndian.Uint32(types[off:]); name != 0 {
			last.least, last.greatest = min(last.least, name), max(last.greatest, name)
		}
		// A branch that's foreseen is faster than waiting for this record's length.
		if kind.Bare() {
			off += typeLen
		} else {
			off += btf.RecordLen(info)
		}
	}
	if off != len(types) {
		return fmt.Errorf("type %d cut off: %w", id-1, ErrBadBTF)
	}
	b.end = id
	return nil
}

// Len is the number after the last type id.
func (b *BTF) Len() TypeID { return b.end }

// First is the first type id that is this BTF's own and not its base's.
func (b *BTF) First() TypeID { return b.first }

// Type is a record of a BTF. The zero Type is void.
type Type struct {
	b   *BTF
	ID  TypeID
	rec []byte // from struct btf_type on; nil for void
}

// Type returns the type with an id. An id that there isn't gives void, so that
// walking damaged data ends.
func (b *BTF) Type(id TypeID) Type {
	for b.base != nil && id < b.first {
		b = b.base
	}
	if id == 0 || id >= b.end {
		return Type{b: b}
	}
	n := id - b.first
	off := int(b.index[n/stride].off)
	for range n % stride {
		off += btf.RecordLen(binary.NativeEndian.Uint32(b.types[off+4:]))
	}
	return Type{b, id, b.types[off:]}
}

// str returns the string at off among the BTF's and its base's.
func (b *BTF) str(off uint32) string {
	s := b.strFrom(off)
	return string(s[:max(0, bytes.IndexByte(s, 0))])
}

// is reports whether s is the string at off.
func (b *BTF) is(off uint32, s string) bool {
	at := b.strFrom(off)
	return len(at) > len(s) && at[len(s)] == 0 && string(at[:len(s)]) == s
}

// strFrom are the strings from the one at off on; nil for an offset that there isn't.
func (b *BTF) strFrom(off uint32) []byte {
	for b.base != nil && off < b.strBase {
		b = b.base
	}
	off -= b.strBase
	if uint64(off) >= uint64(len(b.strs)) {
		return nil
	}
	return b.strs[off:]
}

func (t Type) word(off int) uint32 { return binary.NativeEndian.Uint32(t.rec[off:]) }

// BTF is what the type is read from: a module's own, or vmlinux's.
func (t Type) BTF() *BTF { return t.b }

// Kind is the type's kind.
func (t Type) Kind() TypeKind {
	if t.rec == nil {
		return KindVoid
	}
	return btf.KindOf(t.word(4))
}

// Name is the type's name, without struct, union or enum; "" for anonymous ones.
func (t Type) Name() string {
	if t.rec == nil {
		return ""
	}
	return t.b.str(t.word(0))
}

// Anonymous reports whether the type has no name.
func (t Type) Anonymous() bool { return t.rec == nil || t.word(0) == 0 }

// Flag is the record's kind_flag: bit-fields in a struct, signed in an enum, union of a forward.
func (t Type) Flag() bool { return t.rec != nil && t.word(4)>>31 != 0 }

func (t Type) vlen() int {
	if t.rec == nil {
		return 0
	}
	return int(t.word(4) & 0xffff)
}

// Ref is the type that a pointer, typedef, qualifier, tag, function or variable
// refers to, and a function prototype's result.
func (t Type) Ref() Type {
	switch t.Kind() {
	case KindPtr, KindTypedef, KindVolatile, KindConst, KindRestrict, KindFunc,
		KindFuncProto, KindVar, KindDeclTag, KindTypeTag:
		return t.b.Type(TypeID(t.word(8)))
	}
	return Type{b: t.b}
}

// maxDepth bounds the walks along Ref, which damaged data may bend into a ring.
const maxDepth = 64

// Unqualified takes typedefs, const, volatile, restrict and type tags off.
func (t Type) Unqualified() Type {
	for range maxDepth {
		switch t.Kind() {
		case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
			t = t.Ref()
		default:
			return t
		}
	}
	return Type{b: t.b}
}

// Size is the bytes that a value takes; 0 for void, functions and forwards.
func (t Type) Size() uint32 {
	t = t.Unqualified()
	switch t.Kind() {
	case KindInt, KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindDatasec:
		return t.word(8)
	case KindPtr:
		return 8
	case KindArray:
		elem, n := t.Array()
		return elem.Size() * n
	case KindVar:
		return t.Ref().Size()
	}
	return 0
}

// Int is an integer's encoding: its bits when it's narrower than its size.
func (t Type) Int() (signed, char, boolean bool, bits uint32) {
	w := t.word(typeLen)
	enc := w >> 24
	return enc&1 != 0, enc&2 != 0, enc&4 != 0, w & 0xff
}

// Array is an array's element type and length.
func (t Type) Array() (elem Type, n uint32) {
	return t.b.Type(TypeID(t.word(typeLen))), t.word(typeLen + 8)
}

// Member is a member of a struct or union.
type Member struct {
	Name string
	Type Type
	Bit  uint32 // offset from the struct's start in bits
	Bits uint8  // width of a bit-field; 0 for others
}

// Members calls f for each member in order until it returns false.
func (t Type) Members(f func(Member) bool) {
	for i := range t.vlen() {
		if !f(t.memberAt(i)) {
			return
		}
	}
}

func (t Type) memberAt(i int) Member {
	at := typeLen + 12*i
	m := Member{Name: t.b.str(t.word(at)), Type: t.b.Type(TypeID(t.word(at + 4))), Bit: t.word(at + 8)}
	if t.Flag() {
		m.Bits, m.Bit = uint8(m.Bit>>24), m.Bit&0xffffff
	}
	return m
}

// Param is a parameter of a function; Type void and Name "" is "...".
type Param struct {
	Name string
	Type Type
}

// Params are the parameters of a function prototype.
func (t Type) Params() []Param {
	ps := make([]Param, t.vlen())
	for i := range ps {
		at := typeLen + 8*i
		ps[i] = Param{t.b.str(t.word(at)), t.b.Type(TypeID(t.word(at + 4)))}
	}
	return ps
}

// Enumerators calls f for each name of an enum until it returns false. v holds the
// bits of an int64 when the enum is signed.
func (t Type) Enumerators(f func(name string, v uint64) bool) {
	for i := range t.vlen() {
		off, v := t.enumeratorAt(i)
		if !f(t.b.str(off), v) {
			return
		}
	}
}

// enumeratorAt reads an enumerator: its name's offset and value.
func (t Type) enumeratorAt(i int) (name uint32, v uint64) {
	if t.Kind() == KindEnum64 {
		at := typeLen + 12*i
		return t.word(at), uint64(t.word(at+4)) | uint64(t.word(at+8))<<32
	}
	at := typeLen + 8*i
	v = uint64(t.word(at + 4))
	if t.Flag() {
		v = uint64(int64(int32(v)))
	}
	return t.word(at), v
}

// enumerator is the number of the enumerator whose name is at an offset, or -1.
func (t Type) enumerator(name uint32) int {
	step := 8
	if t.Kind() == KindEnum64 {
		step = 12
	}
	for i := range t.vlen() {
		if t.word(typeLen+step*i) == name {
			return i
		}
	}
	return -1
}

// SecVar is a variable of a section.
type SecVar struct {
	Var          Type
	Offset, Size uint32
}

// Record is the type as it's encoded: a part of the data that the BTF was made of.
func (t Type) Record() []byte { return t.rec[:btf.RecordLen(t.word(4))] }

// Vars are the variables of a section (KindDatasec).
func (t Type) Vars() []SecVar {
	if t.Kind() != KindDatasec {
		return nil
	}
	vars := make([]SecVar, t.vlen())
	for i := range vars {
		at := typeLen + 12*i
		vars[i] = SecVar{t.b.Type(TypeID(t.word(at))), t.word(at + 4), t.word(at + 8)}
	}
	return vars
}

// String is the string at an offset of the string section, which line information uses.
func (b *BTF) String(off uint32) string { return b.str(off) }

// Vlen is the number of a type's members, enumerators, parameters or variables; a
// function's linkage.
func (t Type) Vlen() int { return t.vlen() }

// Index is an array's index type.
func (t Type) Index() Type { return t.b.Type(TypeID(t.word(typeLen + 4))) }

// Linkage is a variable's linkage (BTF_VAR_STATIC …).
func (t Type) Linkage() uint32 { return t.word(typeLen) }

// Component is which member or parameter a declaration tag is about; -1: the whole.
func (t Type) Component() int32 { return int32(t.word(typeLen)) }

// IntOffset is an integer's offset in bits, as old compilers told bit-fields.
func (t Type) IntOffset() uint32 { return t.word(typeLen) >> 16 & 0xff }
