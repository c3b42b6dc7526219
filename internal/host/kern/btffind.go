package kern

import (
	"bytes"
	"encoding/binary"
	"strings"
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
	pattern := make([]byte, 0, len(s)+2)
	pattern = append(append(append(pattern, 0), s...), 0)
	i := bytes.Index(b.strs, pattern)
	switch {
	case i >= 0:
		return b.strBase + uint32(i) + 1
	case b.base != nil && bytes.HasPrefix(b.strs, pattern[1:]):
		return b.strBase // a module's strings don't begin with the empty one
	}
	return noString
}

// each calls f with the id, the info word and the record of each own type, in order,
// until it returns false.
func (b *BTF) each(f func(id TypeID, info uint32, rec []byte) bool) {
	off := 0
	for id := b.first; id < b.end; id++ {
		rec := b.types[off:]
		info := binary.NativeEndian.Uint32(rec[4:])
		if !f(id, info, rec) {
			return
		}
		off += recordLen(info)
	}
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
	t = Type{b: b}
	want := b.stringOff(name)
	if want == noString {
		return t, false
	}
	set := kindSet(kinds)
	b.each(func(id TypeID, info uint32, rec []byte) bool {
		if binary.NativeEndian.Uint32(rec) == want && set&(1<<(info>>24&0x1f)) != 0 {
			t, ok = Type{b, id, rec}, true
		}
		return !ok
	})
	return t, ok
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
	b.each(func(id TypeID, info uint32, rec []byte) bool {
		step := 0
		switch TypeKind(info >> 24 & 0x1f) {
		case KindEnum:
			step = 8
		case KindEnum64:
			step = 12
		}
		for i := 0; step > 0 && i < int(info&0xffff); i++ {
			if binary.NativeEndian.Uint32(rec[typeLen+step*i:]) == want {
				enum, ok = Type{b, id, rec}, true
				return false
			}
		}
		return true
	})
	if !ok {
		return 0, Type{b: b}, false
	}
	enum.Enumerators(func(n string, val uint64) bool {
		v = val
		return n != name
	})
	return v, enum, true
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
	tag, rest, ok := strings.Cut(name, " ")
	if ok {
		switch tag {
		case "struct":
			return b.Find(rest, KindStruct)
		case "union":
			return b.Find(rest, KindUnion)
		case "enum":
			return b.Find(rest, KindEnum, KindEnum64)
		}
	}
	return b.Find(name, KindTypedef, KindInt, KindFloat)
}
