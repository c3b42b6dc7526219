package ctree

import "github.com/skep-bpf/skep/internal/diag"

// The constructors below fold constants, so that what C calls a constant expression is a
// Const. Operations without a value in C (a division by zero, a shift by more than the width)
// stay what they are.

// NewConst is a number of type t.
func NewConst(at diag.Span, t *Type, val int64) *Const {
	return &Const{Node{at}, t, Wrap(t, val)}
}

// Wrap is val as a value of type t has it: cut and extended.
func Wrap(t *Type, val int64) int64 {
	switch {
	case t.Kind == Bool:
		if val != 0 {
			return 1
		}
		return 0
	case t.Kind == Int && t.Size < 8:
		shift := 64 - 8*t.Size
		if t.Signed {
			return val << shift >> shift
		}
		return int64(uint64(val) << shift >> shift)
	}
	return val
}

// NewConvert is x as a value of type t.
func NewConvert(at diag.Span, x Expr, t *Type) Expr {
	from := x.Type()
	if m, ok := x.(*Member); (from == t || same(from, t)) && !(ok && m.Bits > 0) {
		return x // a bit-field becomes a value of its type, which is promoted otherwise
	}
	if k, ok := x.(*Const); ok && t.Scalar() {
		return NewConst(at, t, k.Val)
	}
	return &Convert{Node{at}, x, t}
}

// same reports whether values of both types are the same bits and mean the same.
func same(a, b *Type) bool {
	return a.Kind == b.Kind && a.Size == b.Size && a.Signed == b.Signed && (a.Kind == Bool || a.Kind == Int)
}

// NewNeg is -x.
func NewNeg(at diag.Span, x Expr) Expr {
	if k, ok := x.(*Const); ok {
		return NewConst(at, k.T, -k.Val)
	}
	return &Neg{unary{Node{at}, x, x.Type()}}
}

// NewCompl is ~x.
func NewCompl(at diag.Span, x Expr) Expr {
	if k, ok := x.(*Const); ok {
		return NewConst(at, k.T, ^k.Val)
	}
	return &Compl{unary{Node{at}, x, x.Type()}}
}

// NewNot is !x.
func NewNot(at diag.Span, x Expr) Expr {
	if k, ok := x.(*Const); ok {
		return NewConst(at, IntType, truth(k.Val == 0))
	}
	return &Not{unary{Node{at}, x, IntType}}
}

// NewBinary is x op y, whose types fit.
func NewBinary(at diag.Span, op Op, x, y Expr) Expr {
	t := x.Type()
	result := t
	if op.IsCompare() {
		result = IntType
	}
	a, aok := x.(*Const)
	b, bok := y.(*Const)
	if aok && bok {
		if v, ok := compute(op, t, a.Val, b.Val); ok {
			return NewConst(at, result, v)
		}
	}
	return &Binary{Node{at}, op, x, y, result}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// compute is a op b in type t; ok is false where C gives it no value.
func compute(op Op, t *Type, a, b int64) (v int64, ok bool) {
	signed := t.Kind == Int && t.Signed
	switch op {
	case Add:
		return a + b, true
	case Sub:
		return a - b, true
	case Mul:
		return a * b, true
	case And:
		return a & b, true
	case Or:
		return a | b, true
	case Xor:
		return a ^ b, true
	case Div, Mod:
		return divide(op, signed, a, b)
	case Shl, Shr:
		return shift(op, t, a, b)
	case Eq:
		return truth(a == b), true
	case Ne:
		return truth(a != b), true
	}
	less, equal := uint64(a) < uint64(b), a == b
	if signed {
		less = a < b
	}
	switch op {
	case Lt:
		return truth(less), true
	case Le:
		return truth(less || equal), true
	case Gt:
		return truth(!less && !equal), true
	}
	return truth(!less), true
}

func divide(op Op, signed bool, a, b int64) (int64, bool) {
	switch {
	case b == 0, signed && b == -1 && a == -a && a != 0:
		return 0, false
	case signed && op == Div:
		return a / b, true
	case signed:
		return a % b, true
	case op == Div:
		return int64(uint64(a) / uint64(b)), true
	}
	return int64(uint64(a) % uint64(b)), true
}

func shift(op Op, t *Type, a, n int64) (int64, bool) {
	switch {
	case n < 0 || n >= int64(t.Size)*8:
		return 0, false
	case op == Shl:
		return a << n, true
	case t.Signed:
		return a >> n, true
	}
	return int64(uint64(a) >> n), true
}

// NewLogic is x && y, or x || y.
func NewLogic(at diag.Span, or bool, x, y Expr) Expr {
	if a, ok := x.(*Const); ok {
		if (a.Val != 0) == or {
			return NewConst(at, IntType, truth(or))
		}
		if b, ok := y.(*Const); ok {
			return NewConst(at, IntType, truth(b.Val != 0))
		}
	}
	return &Logic{Node{at}, or, x, y}
}

// NewCond is c ? x : y, both of type t.
func NewCond(at diag.Span, c, x, y Expr, t *Type) Expr {
	if k, ok := c.(*Const); ok && t.Scalar() {
		if k.Val != 0 {
			return x
		}
		return y
	}
	return &Cond{Node{at}, c, x, y, t}
}

// NewPtrAdd is x plus n elements of size bytes; n is a long.
func NewPtrAdd(at diag.Span, x, n Expr, size int64) Expr {
	bytes := NewBinary(at, Mul, n, NewConst(at, LongType, size))
	k, ok := bytes.(*Const)
	switch a, isConst := x.(*Const); {
	case ok && k.Val == 0:
		return x
	case ok && isConst:
		return NewConst(at, a.T, a.Val+k.Val)
	}
	return &PtrAdd{Node{at}, x, bytes}
}

// NewAddrOf is the address of what x designates, a pointer of type t.
func NewAddrOf(at diag.Span, x Expr, t *Type) Expr {
	switch x := x.(type) {
	case *Deref:
		return retype(at, x.X, t)
	case *Member: // offsetof(…): &((struct s *)0)->m
		if base, ok := NewAddrOf(at, x.X, t).(*Const); ok {
			return NewConst(at, t, base.Val+x.Off)
		}
	}
	return &AddrOf{Node{at}, x, t}
}

func retype(at diag.Span, x Expr, t *Type) Expr {
	if k, ok := x.(*Const); ok {
		return NewConst(at, t, k.Val)
	}
	return &Convert{Node{at}, x, t}
}
