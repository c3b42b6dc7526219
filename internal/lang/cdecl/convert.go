package cdecl

import (
	"math"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// converter makes the language's types of the front end's.
type converter struct {
	prelude *prelude
	lookup  func(name string) (*types.Type, bool)
	done    map[string]*types.Type // "struct x", and typedefs of structs without a tag
	// report reports at a node, or at the last word before it if that isn't "".
	report func(code diag.Code, n cc.Node, word, format string, args ...any)
}

// typ converts t.
func (c *converter) typ(t cc.Type) *types.Type {
	if d := t.Typedef(); d != nil && fileOf(d) == preludeName {
		if known, ok := c.prelude.types[d.Name()]; ok && known.Kind != types.Bool {
			return known
		}
	}
	switch t := t.(type) {
	case *cc.PointerType:
		return types.PointerTo(c.typ(t.Elem()), types.SpaceNone)
	case *cc.ArrayType:
		if t.VectorSize() > 0 {
			return opaque(t.String(), t.Size())
		}
		return types.ArrayOf(c.typ(t.Elem()), uint32(max(t.Len(), 0)))
	case *cc.FunctionType:
		return &types.Type{Kind: types.Func}
	case *cc.StructType:
		return c.structure(t, "struct ", t)
	case *cc.UnionType:
		return c.structure(t, "union ", t)
	case *cc.EnumType:
		return c.enum(t)
	}
	return named(basic(t), t)
}

// basic converts an arithmetic type or void.
func basic(t cc.Type) *types.Type {
	switch t.Kind() {
	case cc.Void:
		return &types.Type{Kind: types.Void}
	case cc.Bool:
		// bpftrace has them as numbers, unlike the kernel's own.
		u := types.IntType(1, false)
		u.Name = "bool"
		return u
	case cc.Char:
		u := types.IntType(1, true)
		u.Name = "char"
		return u
	case cc.SChar, cc.Short, cc.Int, cc.Long, cc.LongLong:
		return types.IntType(uint32(t.Size()), true)
	case cc.UChar, cc.UShort, cc.UInt, cc.ULong, cc.ULongLong:
		return types.IntType(uint32(t.Size()), false)
	}
	return opaque(t.String(), t.Size())
}

// opaque is the type of what the language can't compute with: its bytes.
func opaque(name string, size int64) *types.Type {
	t := types.ArrayOf(types.IntType(1, false), uint32(max(size, 0)))
	t.Name = name
	return t
}

// named gives an integer the name of the typedef it was found by.
func named(t *types.Type, from cc.Type) *types.Type {
	if d := from.Typedef(); d != nil && t.Kind == types.Int && d.Name() != "" {
		t.Name = d.Name()
	}
	return t
}

// compound is a struct or union of the front end.
type compound interface {
	cc.Type
	Tag() cc.Token
	NumFields() int
	FieldByIndex(i int) *cc.Field
}

// structure converts a struct or union. One that the text doesn't complete is the kernel's.
func (c *converter) structure(s compound, word string, t cc.Type) *types.Type {
	key, name := "", ""
	if tag := s.Tag(); tag.SrcStr() != "" {
		name = word + tag.SrcStr()
		key = name
	} else if d := t.Typedef(); d != nil {
		key = d.Name()
	}
	if known, ok := c.prelude.types[name]; ok && name != "" {
		return known
	}
	if old, ok := c.done[key]; ok && key != "" {
		return old
	}
	u := &types.Type{Kind: types.Struct, S: &types.StructType{Name: name, Union: word == "union "}}
	complete := s.NumFields() > 0 || s.Size() >= 0 && !s.IsIncomplete()
	if !complete && c.lookup != nil && name != "" {
		if known, ok := c.lookup(name); ok {
			u = known
		}
	}
	if key != "" {
		c.done[key] = u
	}
	if complete {
		u.Size = uint32(max(s.Size(), 0))
		u.S.Size = u.Size
		fields := c.fields(s)
		u.S.Load = func() []types.Field { return fields }
	}
	return u
}

// fields converts the members. Bit-fields without a name only pad.
func (c *converter) fields(s compound) []types.Field {
	var out []types.Field
	for i := range s.NumFields() {
		f := s.FieldByIndex(i)
		if f.IsBitfield() && f.Name() == "" {
			continue
		}
		m := types.Field{Name: f.Name(), Type: c.typ(f.Type()), Offset: uint32(f.Offset())}
		c.check(f, m.Type)
		if f.IsBitfield() {
			m.Offset, m.BitOff, m.BitLen = bits(f, m.Type)
		}
		out = append(out, m)
	}
	return out
}

// bits is where a bit-field is: in a unit of its type's size, or if it crosses the border of
// such a one, from the byte in which it begins.
func bits(f *cc.Field, t *types.Type) (offset uint32, off, length uint8) {
	at := uint64(f.Offset())*8 + uint64(f.OffsetBits())
	width, unit := uint64(f.ValueBits()), max(uint64(t.Size), 1)*8
	base := at / unit * unit
	if at+width > base+unit {
		base = at / 8 * 8
	}
	return uint32(base / 8), uint8(at - base), uint8(width)
}

// check reports a member that can't be one.
func (c *converter) check(f *cc.Field, t *types.Type) {
	d := f.Declarator()
	if d == nil {
		return
	}
	of := f.Type()
	for a, ok := of.(*cc.ArrayType); ok && of.Typedef() == nil; a, ok = of.(*cc.ArrayType) {
		of = a.Elem()
	}
	if td := of.Typedef(); td != nil && c.prelude.unknown[td.Name()] && fileOf(td) == preludeName {
		c.report(diag.CodeCType, d, td.Name(), "unknown type `%s`", td.Name())
		return
	}
	for a, ok := f.Type().(*cc.ArrayType); ok; a, ok = a.Elem().(*cc.ArrayType) {
		if n := a.SizeExpression(); n != nil && a.Len() < 0 {
			c.report(diag.CodeCSyntax, n, "", "the length of the array isn't a constant")
			return
		}
	}
	elem := t
	for elem.Kind == types.Array && elem.Name == "" {
		elem = elem.Elem
	}
	switch {
	case f.Type().VectorSize() > 0:
		c.report(diag.CodeCUnsupported, d, "", vectorMember)
	case elem.Kind == types.Void, elem.Kind == types.Func, elem.Kind == types.Struct && elem.Size == 0 && f.Type().IsIncomplete():
		c.report(diag.CodeCType, d, "", "member `%s` has the incomplete type `%s`", f.Name(), t)
	case f.IsBitfield() && (f.ValueBits() > int64(t.Size)*8 || f.ValueBits() <= 0):
		c.report(diag.CodeCSyntax, d, "", "width %d doesn't fit the bit-field's type", f.ValueBits())
	case f.Offset()+f.Type().Size() > math.MaxInt32:
		c.report(diag.CodeCUnsupported, d, "", "member `%s` ends at byte %d, and structs have at most %d", f.Name(), f.Offset()+f.Type().Size(), math.MaxInt32)
	}
}

// enum converts an enum with its enumerators.
func (c *converter) enum(t *cc.EnumType) *types.Type {
	name := ""
	if tag := t.Tag(); tag.SrcStr() != "" {
		name = "enum " + tag.SrcStr()
		if known, ok := c.prelude.types[name]; ok {
			return known
		}
		if old, ok := c.done[name]; ok {
			return old
		}
	}
	e := &types.EnumType{Name: name}
	u := &types.Type{Kind: types.Enum, Name: name, Enum: e, Size: uint32(max(t.Size(), 0)), Signed: t.Min() < 0}
	for _, v := range t.Enumerators() {
		if val, ok := integer(v.Value()); ok {
			e.Values = append(e.Values, types.Enumerator{Name: v.Token.SrcStr(), Val: uint64(val)})
		}
	}
	if name != "" {
		c.done[name] = u
	}
	return u
}

// integer is a constant as an integer.
func integer(v cc.Value) (int64, bool) {
	switch v := v.(type) {
	case cc.Int64Value:
		return int64(v), true
	case cc.UInt64Value:
		return int64(v), true
	}
	return 0, false
}

// fileOf is the name of the source where a node stands.
func fileOf(n cc.Node) string { return n.Position().Filename }
