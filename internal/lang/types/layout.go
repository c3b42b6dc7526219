package types

// Tuples and records are laid out as C lays out a struct of their elements: each at the
// next multiple of its alignment, the whole rounded up to the largest one. Padding is
// part of a map's key, so it has to be written as zeroes.

// Align is the alignment of t's values in tuples and records, in bytes.
func (t *Type) Align() uint32 {
	switch t.Kind {
	case String, Mac, Bool, Void, Invalid:
		return 1
	case Buf, Inet:
		return 4
	case Array:
		return t.Elem.Align()
	case Tuple, Record:
		return alignFields(t.Fields)
	case Int, Enum:
		return max(t.Size, 1)
	case Struct:
		return structAlign(t.Size)
	}
	return 8
}

// structAlign needs no look at the members, of which a kernel struct has hundreds: every
// size is a multiple of the struct's own alignment.
func structAlign(size uint32) uint32 {
	for a := uint32(8); a > 1; a /= 2 {
		if size%a == 0 {
			return a
		}
	}
	return 1
}

func alignFields(fields []Field) uint32 {
	a := uint32(1)
	for _, f := range fields {
		a = max(a, f.Type.Align())
	}
	return a
}

// TupleOf makes the type of a tuple of elems.
func TupleOf(elems ...*Type) *Type {
	fields := make([]Field, len(elems))
	for i, e := range elems {
		fields[i].Type = e
	}
	return layOut(Tuple, fields)
}

// RecordOf makes the type of a record; fields have Name and Type.
func RecordOf(fields []Field) *Type { return layOut(Record, fields) }

func layOut(k Kind, fields []Field) *Type {
	off := uint32(0)
	for i := range fields {
		off = roundUp(off, fields[i].Type.Align())
		fields[i].Offset = off
		off += fields[i].Type.Bytes()
	}
	return &Type{Kind: k, Fields: fields, Size: roundUp(off, alignFields(fields))}
}

func roundUp(n, align uint32) uint32 { return (n + align - 1) / align * align }
