package cdecl

import (
	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// typ is a type of the front end's as the tree has it; n is where a type without code is told of.
func (b *bodies) typ(n cc.Node, t cc.Type) *ctree.Type {
	if known := b.types[t]; known != nil {
		return known
	}
	out := &ctree.Type{}
	b.types[t] = out // pointers lead back
	*out = b.convertType(n, t)
	return out
}

func (b *bodies) convertType(n cc.Node, t cc.Type) ctree.Type {
	size, align := uint32(max(t.Size(), 0)), uint32(max(t.Align(), 1))
	switch t := t.(type) {
	case *cc.PointerType:
		return ctree.Type{Kind: ctree.Pointer, Size: 8, Align: 8, Elem: b.typ(n, t.Elem())}
	case *cc.ArrayType:
		if t.VectorSize() > 0 {
			b.unsupported(n, "a vector")
		}
		if t.IsVLA() {
			b.unsupported(n, "an array whose length isn't a constant")
		}
		return ctree.Type{Kind: ctree.Array, Size: size, Align: align, Elem: b.typ(n, t.Elem())}
	case *cc.FunctionType:
		return *ctree.FuncType
	case *cc.StructType, *cc.UnionType:
		return ctree.Type{Kind: ctree.Struct, Size: size, Align: align}
	case *cc.EnumType:
		return ctree.Type{Kind: ctree.Int, Size: size, Align: align, Signed: t.Min() < 0}
	}
	switch {
	case t.Kind() == cc.Void:
		return *ctree.VoidType
	case t.Kind() == cc.Bool:
		return *ctree.BoolType
	case cc.IsIntegerType(t) && size <= 8:
		return ctree.Type{Kind: ctree.Int, Size: size, Align: align, Signed: cc.IsSignedInteger(t)}
	case cc.IsFloatingPointType(t) || cc.IsComplexType(t):
		b.fail(codeFloat, n, "BPF has no floating-point numbers")
	}
	b.unsupported(n, "the type `%s`", t)
	return ctree.Type{}
}

// promote is C's integer promotion: what's narrower than an int becomes one.
func promote(x ctree.Expr) ctree.Expr {
	t := x.Type()
	switch {
	case t.Kind == ctree.Bool, t.Kind == ctree.Int && t.Size < 4:
		return ctree.NewConvert(x.Where(), x, ctree.IntType)
	}
	if m := bitFieldOf(x); m != nil && m.Bits <= 32 {
		if m.Bits == 32 && !t.Signed {
			return ctree.NewConvert(x.Where(), x, ctree.UIntType)
		}
		return ctree.NewConvert(x.Where(), x, ctree.IntType)
	}
	return x
}

// bitFieldOf is the bit-field whose value x is; nil: it's none's.
func bitFieldOf(x ctree.Expr) *ctree.Member {
	switch x := x.(type) {
	case *ctree.Member:
		if x.Bits > 0 {
			return x
		}
	case *ctree.Assign:
		return bitFieldOf(x.Dst)
	case *ctree.Update:
		if !x.Post {
			return bitFieldOf(x.Dst)
		}
	case *ctree.Comma:
		return bitFieldOf(x.Y)
	}
	return nil
}

// balance makes two numbers one type: C's usual arithmetic conversions.
func balance(x, y ctree.Expr) (ctree.Expr, ctree.Expr) {
	x, y = promote(x), promote(y)
	a, b := x.Type(), y.Type()
	t := a
	switch {
	case a.Size == b.Size:
		if !b.Signed {
			t = b
		}
	case b.Size > a.Size:
		t = b
	}
	return ctree.NewConvert(x.Where(), x, t), ctree.NewConvert(y.Where(), y, t)
}
