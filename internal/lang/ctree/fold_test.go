package ctree

import (
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

var nowhere diag.Span

func number(t *Type, n int64) Expr { return NewConst(nowhere, t, n) }

// TestFoldsAsCReckons: constants of a type wrap around, are cut and extended as that type.
func TestFoldsAsCReckons(t *testing.T) {
	char := &Type{Kind: Int, Size: 1, Align: 1, Signed: true}
	ushort := &Type{Kind: Int, Size: 2, Align: 2}
	for _, c := range []struct {
		name string
		x    Expr
		want int64
	}{
		{"sum", NewBinary(nowhere, Add, number(IntType, 1<<31-1), number(IntType, 1)), -1 << 31},
		{"unsigned sum", NewBinary(nowhere, Add, number(UIntType, 1<<32-1), number(UIntType, 2)), 1},
		{"quotient", NewBinary(nowhere, Div, number(IntType, -7), number(IntType, 2)), -3},
		{"unsigned quotient", NewBinary(nowhere, Div, number(UIntType, -7), number(UIntType, 2)), 0x7ffffffc},
		{"remainder", NewBinary(nowhere, Mod, number(LongType, -7), number(LongType, 2)), -1},
		{"right shift", NewBinary(nowhere, Shr, number(IntType, -8), number(IntType, 1)), -4},
		{"unsigned right shift", NewBinary(nowhere, Shr, number(UIntType, -8), number(IntType, 1)), 0x7ffffffc},
		{"signed order", NewBinary(nowhere, Lt, number(IntType, -1), number(IntType, 1)), 1},
		{"unsigned order", NewBinary(nowhere, Lt, number(ULongType, -1), number(ULongType, 1)), 0},
		{"cut", NewConvert(nowhere, number(IntType, 0x1ff), char), -1},
		{"extended", NewConvert(nowhere, number(char, -1), ushort), 0xffff},
		{"bool", NewConvert(nowhere, number(IntType, 256), BoolType), 1},
		{"complement", NewCompl(nowhere, number(UIntType, 1)), 0xfffffffe},
		{"or decides", NewLogic(nowhere, true, number(IntType, 2), &VarRef{Var: &Var{Type: IntType}}), 1},
		{"choice", NewCond(nowhere, number(IntType, 0), number(IntType, 1), number(IntType, 2), IntType), 2},
		{"offset", NewAddrOf(nowhere, &Member{X: &Deref{X: number(PointerTo(IntType), 16), T: IntType}, T: IntType, Off: 4}, PointerTo(IntType)), 20},
	} {
		k, ok := c.x.(*Const)
		if !ok {
			t.Errorf("%s: %T is no constant", c.name, c.x)
		} else if k.Val != c.want {
			t.Errorf("%s is %d, not %d", c.name, k.Val, c.want)
		}
	}
}

// TestFoldsOnlyWhatHasAValue: what C leaves undefined is left to the machine, and a bit-field
// that's converted to its own type is none any more.
func TestFoldsOnlyWhatHasAValue(t *testing.T) {
	for name, x := range map[string]Expr{
		"by zero":      NewBinary(nowhere, Div, number(IntType, 1), number(IntType, 0)),
		"too far":      NewBinary(nowhere, Shl, number(IntType, 1), number(IntType, 32)),
		"least by -1":  NewBinary(nowhere, Mod, number(LongType, -1<<63), number(LongType, -1)),
		"the bitfield": NewConvert(nowhere, &Member{X: &VarRef{Var: &Var{Type: UIntType}}, T: UIntType, BitField: BitField{Bits: 3, Unit: 1}}, UIntType),
	} {
		switch x.(type) {
		case *Binary, *Convert:
		default:
			t.Errorf("%s is %T", name, x)
		}
	}
}
