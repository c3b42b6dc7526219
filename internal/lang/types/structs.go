package types

import (
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// A struct is written out as a tuple of its members, in order, or as a record of some of them by
// name; the others are zero.

// tupleMembers are the members of t that the n values of a tuple go into: all of a struct's, the
// first of a union's; nil: there's another number of them.
func tupleMembers(t *Type, n int) []Field {
	fields := t.S.Fields()
	if t.S.Union {
		fields = fields[:min(1, len(fields))]
	}
	if len(fields) != n {
		return nil
	}
	return fields
}

// fitStruct: x of type t, a tuple or record that is written out, goes into a struct.
func (c *checker) fitStruct(x syntax.Expr, t, want *Type) bool {
	switch e := unparen(x).(type) {
	case *syntax.TupleExpr:
		members := tupleMembers(want, len(e.Elems))
		for i, f := range members {
			if !c.fitMember(e.Elems[i], t.Fields[i].Type, f.Type) {
				return false
			}
		}
		return members != nil
	case *syntax.RecordExpr:
		for i, f := range e.Fields {
			sel := Select(want.S, f.Name.Name)
			if sel == nil {
				c.noField(f.Name, want.String(), want.S.Fields())
				continue
			}
			if !c.fitMember(f.X, t.Fields[i].Type, sel.Field.Type) {
				return false
			}
		}
		return true
	}
	return false
}

// fitMember: x of type t goes into a member. An array of char takes a string, or its elements.
func (c *checker) fitMember(x syntax.Expr, t, want *Type) bool {
	if t.Kind != Tuple {
		want = c.loaded(want, SpaceNone, false)
	}
	return c.assignable(x, t, want)
}

// Mask has the bits set that values of type t consist of: padding isn't compared.
func (t *Type) Mask() []byte {
	mask := make([]byte, t.Bytes())
	t.cover(mask)
	return mask
}

func (t *Type) cover(mask []byte) {
	switch {
	case t.Kind == Array:
		for i := range t.Len {
			t.Elem.cover(mask[i*t.Elem.Bytes():][:t.Elem.Bytes()])
		}
	case t.Kind == Struct && t.S != nil && !t.S.Union:
		for _, f := range t.S.Fields() {
			if f.BitLen == 0 {
				f.Type.cover(mask[f.Offset:][:f.Type.Bytes()])
				continue
			}
			for i := range uint32(f.BitLen) {
				bit := uint32(f.BitOff) + i
				mask[f.Offset+bit/8] |= 1 << (bit % 8)
			}
		}
	default:
		for i := range mask {
			mask[i] = 0xff
		}
	}
}
