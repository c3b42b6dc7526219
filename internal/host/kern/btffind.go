package kern

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// noString is the offset of a string that the BTF doesn't have.
const noString = ^uint32(0)

// stringOff finds the offset of a whole string. BTF holds each string once.
func (b *BTF) stringOff(s string) uint32 {
	if b.base != nil {
		if off := b.base.stringOff(s); off != noString {
			return off
		}
	}
	return b.ownStringOff(s)
}

// ownStringOff is stringOff without the base.
func (b *BTF) ownStringOff(s string) uint32 {
	// With a leading NUL, which is everywhere, the search would be slower.
	pattern := append(append(make([]byte, 0, len(s)+1), s...), 0)
	for at := 0; ; {
		i := bytes.Index(b.strs[at:], pattern)
		if i < 0 {
			return noString
		}
		if at += i; at == 0 || b.strs[at-1] == 0 {
			return b.strBase + uint32(at)
		}
		at++
	}
}

// each calls f with the id, the info word and the record of each own type, in order,
// until it returns false.
func (b *BTF) each(f func(id TypeID, info uint32, rec []byte) bool) { b.eachFrom(0, len(b.index), f) }

// eachFrom is each of the blocks from one to another. It reports whether f wants more.
func (b *BTF) eachFrom(block, end int, f func(id TypeID, info uint32, rec []byte) bool) bool {
	if block >= end {
		return true
	}
	off := int(b.index[block].off)
	for id := b.first + TypeID(block)*stride; id < min(b.end, b.first+TypeID(end)*stride); id++ {
		rec := b.types[off:]
		info := binary.NativeEndian.Uint32(rec[4:])
		if !f(id, info, rec) {
			return false
		}
		off += btf.RecordLen(info)
	}
	return true
}

// Find looks a type up by name and kind, in the base first. ok is false when
// there's none.
func (b *BTF) Find(name string, kinds ...TypeKind) (t Type, ok bool) {
	if name == "" {
		return Type{b: b}, false
	}
	if b.base != nil {
		if t, ok := b.base.Find(name, kinds...); ok {
			return t, true
		}
	}
	return b.FindOwn(name, kinds...)
}

// FindOwn is Find without the base.
func (b *BTF) FindOwn(name string, kinds ...TypeKind) (t Type, ok bool) {
	set := kindSet(kinds)
	if set == 1<<KindFunc {
		return b.findFunc(name)
	}
	return b.findNamed(b.stringOff(name), set)
}

// findNamed is FindOwn of a name that the strings have at an offset.
func (b *BTF) findNamed(want, set uint32) (t Type, ok bool) {
	if want == noString {
		return Type{b: b}, false
	}
	match := func(id TypeID, info uint32, rec []byte) bool {
		ok = binary.NativeEndian.Uint32(rec) == want && set&(1<<btf.KindOf(info)) != 0
		if ok {
			t = Type{b, id, rec}
		}
		return !ok
	}
	for i, k := range b.index {
		if want >= k.least && want <= k.greatest && !b.eachFrom(i, i+1, match) {
			return t, true
		}
	}
	return Type{b: b}, false
}

// findFunc is FindOwn of a function. Functions' names are the last of all strings, so that a
// search through the strings takes longer than a comparison with each function's. Most stand
// in their alphabetical order: the blocks that should have the name then come first.
func (b *BTF) findFunc(name string) (t Type, ok bool) {
	if b.funcs == 0 {
		return Type{b: b}, false
	}
	match := func(id TypeID, info uint32, rec []byte) bool {
		ok = btf.KindOf(info) == KindFunc && b.is(binary.NativeEndian.Uint32(rec), name)
		if ok {
			t = Type{b, id, rec}
		}
		return !ok
	}
	first := int(b.funcs-b.first) / stride
	for i := first; i < len(b.index); i++ {
		k := b.index[i]
		if string(b.start(k.least, len(name))) <= name && string(b.start(k.greatest, len(name))) >= name && !b.eachFrom(i, i+1, match) {
			return t, true
		}
	}
	if b.eachFrom(first, len(b.index), match) {
		return Type{b: b}, false
	}
	return t, true
}

// start is the beginning of the string at off, n bytes at most, which may reach into the next.
func (b *BTF) start(off uint32, n int) []byte {
	s := b.strFrom(off)
	return s[:min(n, len(s))]
}

// FindEnumerator looks a name up in every enum and returns its value and enum.
func (b *BTF) FindEnumerator(name string) (v uint64, enum Type, ok bool) {
	if b.base != nil {
		if v, enum, ok = b.base.FindEnumerator(name); ok {
			return v, enum, ok
		}
	}
	want := b.stringOff(name)
	if want == noString || name == "" {
		return 0, Type{b: b}, false
	}
	for _, p := range b.enums {
		enum = Type{b, p.id, b.types[p.off:]}
		if i := enum.enumerator(want); i >= 0 {
			_, v := enum.enumeratorAt(i)
			return v, enum, true
		}
	}
	return 0, Type{b: b}, false
}

// Named calls f for each of the BTF's own named types of the kinds until it returns
// false; those of its base are left out.
func (b *BTF) Named(f func(Type) bool, kinds ...TypeKind) {
	set := kindSet(kinds)
	b.each(func(id TypeID, info uint32, rec []byte) bool {
		if set&(1<<(info>>24&0x1f)) == 0 || binary.NativeEndian.Uint32(rec) == 0 {
			return true
		}
		return f(Type{b, id, rec})
	})
}

func kindSet(kinds []TypeKind) (set uint32) {
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Lookup finds a type by its C name: "struct s", "union u", "enum e", a typedef, or an
// integer such as "unsigned int".
func (b *BTF) Lookup(name string) (Type, bool) {
	rest, kinds := tagged(name)
	return b.Find(rest, kinds...)
}

// tagged takes a C name apart: the name without its tag, and the kinds that it may be of.
func tagged(name string) (rest string, kinds []TypeKind) {
	tag, rest, _ := strings.Cut(name, " ")
	switch tag {
	case "struct":
		return rest, []TypeKind{KindStruct}
	case "union":
		return rest, []TypeKind{KindUnion}
	case "enum":
		return rest, []TypeKind{KindEnum, KindEnum64}
	}
	return name, []TypeKind{KindTypedef, KindInt, KindFloat}
}

// maxAnonymous bounds how deep anonymous structs are looked into.
const maxAnonymous = 8

// Member finds a struct's or union's member by name. One of an anonymous struct or union in
// it is found too; its offset is from the outer one's start. Only what's found is decoded.
func (t Type) Member(name string) (Member, bool) { return t.member(name, maxAnonymous) }

func (t Type) member(name string, depth int) (Member, bool) {
	if k := t.Kind(); k != KindStruct && k != KindUnion {
		return Member{}, false
	}
	for i := range t.vlen() {
		off := t.word(typeLen + 12*i)
		if off != 0 {
			if t.b.is(off, name) {
				return t.memberAt(i), true
			}
			continue
		}
		if depth > 0 {
			outer := t.memberAt(i)
			if m, ok := outer.Type.Unqualified().member(name, depth-1); ok {
				m.Bit += outer.Bit
				return m, true
			}
		}
	}
	return Member{}, false
}
