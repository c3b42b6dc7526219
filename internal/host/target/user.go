package target

import (
	"debug/dwarf"
	"errors"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// UserFunc is the signature of a function in a binary with DWARF. Arg counts the
// integer arguments: those that arg0… are.
func (e *Env) UserFunc(path, name string) (*types.Signature, bool) {
	f, err := e.files.Open(path)
	if err != nil {
		e.trouble(err)
		return nil, false
	}
	proto, ok, err := f.Func(name)
	if err != nil && !errors.Is(err, exe.ErrNoDWARF) {
		e.trouble(err)
	}
	if !ok {
		return nil, false
	}
	c := dwarfTypes{known: map[dwarf.Type]*types.Type{}}
	sig := &types.Signature{Name: name, Result: c.convert(proto.Result), Variadic: proto.Variadic}
	words := func(t dwarf.Type) int {
		if isFloat(t) {
			return 0
		}
		return 1
	}
	if f.GoFunc(name) {
		words = goWords
	}
	arg := 0
	for _, p := range proto.Params {
		sig.Args = append(sig.Args, types.Field{Name: p.Name, Type: c.convert(p.Type), Arg: arg, Offset: uint32(arg) * 8})
		arg += words(p.Type)
	}
	return sig, true
}

// UserType looks up a type in a binary with DWARF, by its name in C.
func (e *Env) UserType(path, name string) (*types.Type, bool) {
	f, err := e.files.Open(path)
	if err != nil {
		e.trouble(err)
		return nil, false
	}
	t, ok, err := f.Type(name)
	if err != nil && !errors.Is(err, exe.ErrNoDWARF) {
		e.trouble(err)
	}
	if !ok {
		return nil, false
	}
	c := dwarfTypes{known: map[dwarf.Type]*types.Type{}}
	return c.convert(t), true
}

func isFloat(t dwarf.Type) bool {
	switch u := underlying(t).(type) {
	case *dwarf.FloatType, *dwarf.ComplexType:
		return u != nil
	}
	return false
}

// underlying takes typedefs and qualifiers off.
func underlying(t dwarf.Type) dwarf.Type {
	for {
		switch u := t.(type) {
		case *dwarf.TypedefType:
			t = u.Type
		case *dwarf.QualType:
			t = u.Type
		default:
			return t
		}
	}
}

// dwarfTypes turns DWARF's types into the language's. Pointers are the process's.
type dwarfTypes struct{ known map[dwarf.Type]*types.Type }

func (c dwarfTypes) convert(t dwarf.Type) *types.Type {
	if t == nil {
		return &types.Type{Kind: types.Void}
	}
	if k := c.known[t]; k != nil {
		return k
	}
	made := c.make(t)
	c.known[t] = made
	return made
}

func (c dwarfTypes) make(t dwarf.Type) *types.Type {
	size := uint32(max(t.Size(), 0))
	integer := func(signed bool) *types.Type {
		return &types.Type{Kind: types.Int, Size: size, Signed: signed, Name: t.Common().Name}
	}
	switch t := t.(type) {
	case *dwarf.TypedefType:
		return c.convert(t.Type)
	case *dwarf.QualType:
		return c.convert(t.Type)
	case *dwarf.BoolType:
		return &types.Type{Kind: types.Bool, Size: size}
	case *dwarf.CharType, *dwarf.IntType:
		return integer(true)
	case *dwarf.UcharType, *dwarf.UintType, *dwarf.AddrType:
		return integer(false)
	case *dwarf.EnumType:
		return dwarfEnum(t, size)
	case *dwarf.PtrType:
		return &types.Type{Kind: types.Pointer, Size: 8, Elem: c.convert(t.Type), Space: types.SpaceUser}
	case *dwarf.ArrayType:
		elem := c.convert(t.Type)
		n := uint32(max(t.Count, 0))
		return &types.Type{Kind: types.Array, Elem: elem, Len: n, Size: elem.Size * n}
	case *dwarf.StructType:
		return c.structure(t, size)
	case *dwarf.FuncType:
		return &types.Type{Kind: types.Func}
	case *dwarf.VoidType:
		return &types.Type{Kind: types.Void}
	}
	// Floats and what the language has no type for: bytes to look at.
	u8 := &types.Type{Kind: types.Int, Size: 1}
	bytes := &types.Type{Kind: types.Array, Elem: u8, Len: size, Size: size}
	if f, ok := t.(*dwarf.FloatType); ok {
		bytes.Name = f.Name
	}
	return bytes
}

func dwarfEnum(t *dwarf.EnumType, size uint32) *types.Type {
	e := &types.EnumType{Name: t.EnumName}
	signed := false
	for _, v := range t.Val {
		e.Values = append(e.Values, types.Enumerator{Name: v.Name, Val: uint64(v.Val)})
		signed = signed || v.Val < 0
	}
	return &types.Type{Kind: types.Enum, Size: size, Signed: signed, Name: e.Name, Enum: e}
}

func (c dwarfTypes) structure(t *dwarf.StructType, size uint32) *types.Type {
	s := &types.StructType{Size: size, Union: t.Kind == "union"}
	if t.StructName != "" {
		tag := "struct "
		if s.Union {
			tag = "union "
		}
		s.Name = tag + t.StructName
	}
	s.Load = func() []types.Field {
		var fields []types.Field
		for _, m := range t.Field {
			f := types.Field{Name: m.Name, Type: c.convert(m.Type), Offset: uint32(m.ByteOffset)}
			if m.BitSize > 0 {
				bit := uint32(m.ByteOffset*8 + m.DataBitOffset)
				placeBits(&f, bit, uint8(m.BitSize))
			}
			fields = append(fields, f)
		}
		return fields
	}
	return &types.Type{Kind: types.Struct, Size: size, S: s}
}
