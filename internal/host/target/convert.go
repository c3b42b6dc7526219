package target

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// converter turns BTF into the language's types. A type is made once, so that a struct
// which refers to itself ends, and equal types are the same pointer.
type converter struct {
	cache map[typeKey]*types.Type
	// lookup finds the definition of a struct that's declared only.
	lookup func(name string) (*types.Type, bool)
}

type typeKey struct {
	btf *kern.BTF
	id  kern.TypeID
}

// convert returns the language's type of t. The fields of structs are
// made when they are first asked for.
func (c *converter) convert(t kern.Type) *types.Type {
	if t.ID == 0 {
		return &types.Type{Kind: types.Void}
	}
	key := typeKey{t.BTF(), t.ID}
	if known := c.cache[key]; known != nil {
		return known
	}
	made := c.make(t)
	c.cache[key] = made
	return made
}

func (c *converter) make(t kern.Type) *types.Type {
	switch t.Kind() {
	case kern.KindInt:
		return integer(t)
	case kern.KindEnum, kern.KindEnum64:
		return enum(t)
	case kern.KindPtr:
		return c.pointer(t)
	case kern.KindArray:
		elem, n := t.Array()
		el := c.convert(elem)
		return &types.Type{Kind: types.Array, Elem: el, Len: n, Size: el.Size * n}
	case kern.KindStruct, kern.KindUnion, kern.KindFwd:
		return c.structure(t)
	case kern.KindTypedef:
		return c.typedef(t)
	case kern.KindConst, kern.KindVolatile, kern.KindRestrict, kern.KindTypeTag:
		return c.convert(t.Ref())
	case kern.KindFuncProto, kern.KindFunc:
		return &types.Type{Kind: types.Func}
	case kern.KindFloat:
		// The language has no floats: their bytes can be looked at.
		u8 := &types.Type{Kind: types.Int, Size: 1}
		return &types.Type{Kind: types.Array, Elem: u8, Len: t.Size(), Size: t.Size(), Name: t.Name()}
	}
	return &types.Type{Kind: types.Void}
}

func integer(t kern.Type) *types.Type {
	signed, char, boolean, _ := t.Int()
	if boolean {
		return &types.Type{Kind: types.Bool, Size: t.Size()}
	}
	name := t.Name()
	if char {
		name = "char"
	}
	return &types.Type{Kind: types.Int, Size: t.Size(), Signed: signed, Name: name}
}

func enum(t kern.Type) *types.Type {
	e := &types.EnumType{Name: t.Name()}
	t.Enumerators(func(name string, v uint64) bool {
		e.Values = append(e.Values, types.Enumerator{Name: name, Val: v})
		return true
	})
	return &types.Type{Kind: types.Enum, Size: t.Size(), Signed: t.Flag(), Name: e.Name, Enum: e}
}

// typedef gives an integer the name it was found by; other types keep theirs.
func (c *converter) typedef(t kern.Type) *types.Type {
	under := c.convert(t.Ref())
	if under.Kind != types.Int {
		return under
	}
	named := *under
	named.Name = t.Name()
	return &named
}

// pointer reads the tag that the kernel's source puts on pointers into user memory.
func (c *converter) pointer(t kern.Type) *types.Type {
	space := types.SpaceKernel
	to := t.Ref()
	for to.Kind() == kern.KindTypeTag || to.Kind() == kern.KindConst || to.Kind() == kern.KindVolatile {
		if to.Kind() == kern.KindTypeTag && to.Name() == "user" {
			space = types.SpaceUser
		}
		to = to.Ref()
	}
	return &types.Type{Kind: types.Pointer, Size: 8, Elem: c.convert(to), Space: space}
}

func (c *converter) structure(t kern.Type) *types.Type {
	union := t.Kind() == kern.KindUnion || t.Kind() == kern.KindFwd && t.Flag()
	s := &types.StructType{Size: t.Size(), Union: union, BTFID: uint32(t.ID)}
	if name := t.Name(); name != "" {
		tag := "struct "
		if union {
			tag = "union "
		}
		s.Name = tag + name
	}
	s.Load = func() []types.Field { return c.fields(t) }
	if t.Kind() == kern.KindFwd {
		s.Forward = true
		s.Load = func() []types.Field { return c.definedFields(s) }
	}
	return &types.Type{Kind: types.Struct, Size: s.Size, S: s}
}

// definedFields are the fields of a struct that's declared only; none when nothing defines it.
func (c *converter) definedFields(s *types.StructType) []types.Field {
	t, ok := c.lookup(s.Name)
	if !ok {
		return nil
	}
	s.Size = t.Size
	return t.S.Fields()
}

func (c *converter) fields(t kern.Type) []types.Field {
	var fields []types.Field
	t.Members(func(m kern.Member) bool {
		f := types.Field{Name: m.Name, Type: c.convert(m.Type), Offset: m.Bit / 8}
		if m.Bits != 0 {
			placeBits(&f, m.Bit, m.Bits)
		}
		fields = append(fields, f)
		return true
	})
	return fields
}

// placeBits puts a bit-field into a unit of its type's size and alignment, as
// compilers do; one that crosses it (packed) is counted from its first byte.
func placeBits(f *types.Field, bit uint32, width uint8) {
	unit := max(f.Type.Size, 1) * 8
	f.Offset = bit / unit * (unit / 8)
	f.BitOff, f.BitLen = uint8(bit%unit), width
	if bit%unit+uint32(width) > unit {
		f.Offset, f.BitOff = bit/8, uint8(bit%8)
	}
}

// iterContext makes an iterator's context. Its pointers are kernel objects that the
// verifier knows; each may be NULL, at the end of the walk.
func (c *converter) iterContext(t kern.Type) *types.Type {
	var fields []types.Field
	t.Members(func(m kern.Member) bool {
		if m.Type.Kind() == kern.KindUnion && m.Name == "" {
			base := m.Bit
			m.Type.Members(func(inner kern.Member) bool {
				m = inner
				m.Bit += base
				return false
			})
		}
		if m.Name != "" {
			fields = append(fields, types.Field{Name: m.Name, Type: c.object(m.Type), Offset: m.Bit / 8})
		}
		return true
	})
	s := types.NewStruct("struct "+t.Name(), t.Size(), fields)
	s.BTFID = uint32(t.ID)
	return &types.Type{Kind: types.Struct, Size: t.Size(), S: s, Ctx: true}
}

// object is convert for a value that the kernel hands to a program with its BTF
// type: a pointer to a struct may be followed by plain loads. The
// verifier takes all other pointers for numbers (btf_ctx_access, kernel/bpf/btf.c).
func (c *converter) object(t kern.Type) *types.Type {
	conv := c.convert(t)
	if conv.Kind != types.Pointer || conv.Space != types.SpaceKernel || conv.Elem.Kind != types.Struct {
		return conv
	}
	known := *conv
	known.Space = types.SpaceBTF
	return &known
}

// signature makes a function's signature of its prototype, without the first skip parameters.
// Args' Offset and Arg count the 8-byte slots of the context: an argument wider
// than 8 bytes takes several.
func (c *converter) signature(name string, proto kern.Type, skip int) *types.Signature {
	sig := &types.Signature{Name: name, Result: c.object(proto.Ref())}
	slot := 0
	for i, p := range proto.Params() {
		if i < skip {
			continue
		}
		if p.Type.ID == 0 {
			sig.Variadic = true
			break
		}
		f := types.Field{Name: p.Name, Type: c.object(p.Type), Offset: uint32(slot) * 8, Arg: slot}
		if f.Name == "" {
			f.Name = "arg" + strconv.Itoa(i-skip)
		}
		sig.Args = append(sig.Args, f)
		slot += max(1, int(f.Type.Size+7)/8)
	}
	return sig
}
