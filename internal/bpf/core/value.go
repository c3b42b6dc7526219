package core

import (
	"fmt"
	"math/bits"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// value is what a relocation of an access puts into the instruction, as far as several types
// of the kernel's may differ in it.
func value(t *btf.Types, a *access, kind Kind) (uint64, error) {
	switch kind {
	case TypeIDTarget:
		return uint64(a.root), nil
	case TypeSize:
		n, ok := t.SizeOf(a.root)
		if !ok {
			return 0, fmt.Errorf("type %s has no size", t.Name(a.root))
		}
		return uint64(n), nil
	case EnumvalValue:
		_, v := t.Record(a.steps[0].typ).Enumerator(a.steps[0].index)
		return v, nil
	case FieldByteOffset, FieldByteSize, FieldSigned, FieldLShift, FieldRShift:
		return fieldValue(t, a, kind)
	}
	return 1, nil
}

func fieldValue(t *btf.Types, a *access, kind Kind) (uint64, error) {
	last := a.steps[len(a.steps)-1]
	typ, width := last.typ, uint32(0)
	if last.member {
		_, typ, _, width = t.Record(last.typ).Member(last.index)
	}
	_, r := t.Unqualified(typ)
	n, ok := t.SizeOf(typ)
	if !ok {
		return 0, fmt.Errorf("%s has no size", t.Strings.At(last.name))
	}
	size, bitsWide := uint64(n), uint64(width)
	if width == 0 {
		bitsWide = 8 * size
	}
	at := a.bit / 8
	if width != 0 {
		// The least aligned load that has all of a bit-field.
		for size = max(size, 1); ; size *= 2 {
			at = a.bit / 8 / size * size
			if a.bit+bitsWide <= 8*(at+size) {
				break
			}
			if bits.Len64(size) > 3 {
				return 0, fmt.Errorf("bit-field %s can't be loaded at once", t.Strings.At(last.name))
			}
		}
	}
	switch kind {
	case FieldByteSize:
		return size, nil
	case FieldSigned:
		if r.Kind() != btf.KindInt {
			return b2u(r.Kind().Enum() && r.Flag()), nil
		}
		enc, _ := r.IntEncoding()
		return uint64(enc & 1), nil
	case FieldLShift:
		return 64 - (a.bit + bitsWide - 8*at), nil
	case FieldRShift:
		return 64 - bitsWide, nil
	}
	return at, nil
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
