package types

import (
	"math/bits"
	"strconv"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// Literals fold as numbers without a width: a negative one is an int64, others uint64,
// and what leaves both is an error. Everything else that is constant (casts, conditions)
// is computed in the exact width of its type by compute.

// number writes a constant of type t.
func number(k *Const, t *Type) string {
	if t.Signed {
		return strconv.FormatInt(int64(k.Int), 10)
	}
	return strconv.FormatUint(k.Int, 10)
}

// lit is an operand of folding.
type lit struct {
	v   uint64
	neg bool // v is a negative int64
}

func (c *checker) litOf(e syntax.Expr, t *Type) (lit, bool) {
	k := c.info.Consts[e.ID()]
	if k == nil || k.IsStr || !c.lits[e.ID()] || t.Kind != Int && t.Kind != Bool {
		return lit{}, false
	}
	return lit{k.Int, t.Signed && int64(k.Int) < 0}, true
}

// fold computes `x op y` of literals; ok is false when they aren't.
func (c *checker) fold(e *syntax.BinaryExpr, x, y *Type) (t *Type, ok bool) {
	if x.Kind == String || y.Kind == String {
		return c.foldString(e, x, y)
	}
	a, okA := c.litOf(e.X, x)
	b, okB := c.litOf(e.Y, y)
	if !okA || !okB {
		return c.foldElems(e)
	}
	mixed := (x.Kind == Bool) != (y.Kind == Bool)
	switch {
	case mixed && !logical(e.Op):
		return nil, false
	case comparison(e.Op):
		return c.boolConst(e, compareLits(e.Op, a, b)), true
	}
	v, neg, fits := foldLits(e.Op, a, b)
	switch {
	case !fits:
		why := "the result doesn't fit 64 bits"
		if b.v == 0 && (e.Op == syntax.Div || e.Op == syntax.Mod) {
			why = "division by zero"
		}
		c.errorf(diag.CodeFold, e.Span(), "%s", why)
		return invalidType(), true
	case x.Kind == Bool:
		return c.boolConst(e, v != 0), true
	}
	return c.literal(e, v, neg), true
}

func compareLits(op syntax.Op, a, b lit) bool {
	less := a.neg && !b.neg || a.neg == b.neg && (a.neg && int64(a.v) < int64(b.v) || !a.neg && a.v < b.v)
	return compare(op, less, a == b, a.v != 0, b.v != 0)
}

// compare gives a comparison's value: less and same are how x stands to y, tx and ty
// their truth.
func compare(op syntax.Op, less, same, tx, ty bool) bool {
	switch op {
	case syntax.Eq:
		return same
	case syntax.Ne:
		return !same
	case syntax.Lt:
		return less
	case syntax.Le:
		return less || same
	case syntax.Gt:
		return !less && !same
	case syntax.Ge:
		return !less
	case syntax.LAnd:
		return tx && ty
	}
	return tx || ty
}

// foldLits computes with all the range of int64 and uint64 together.
func foldLits(op syntax.Op, a, b lit) (v uint64, neg, ok bool) {
	switch op {
	case syntax.Add:
		return addSums(a.sum(), b.sum())
	case syntax.Sub:
		return addSums(a.sum(), b.sum().negated())
	case syntax.Mul:
		return mulLits(a, b)
	case syntax.Div, syntax.Mod:
		return divLits(op, a, b)
	case syntax.Shl, syntax.Shr:
		return shiftLits(op, a, b)
	}
	switch op {
	case syntax.And:
		v = a.v & b.v
	case syntax.Or:
		v = a.v | b.v
	case syntax.Xor:
		v = a.v ^ b.v
	}
	return v, (a.neg || b.neg) && int64(v) < 0, true
}

// sum is a number's magnitude and sign.
type sum struct {
	mag uint64
	neg bool
}

func (l lit) sum() sum {
	if l.neg {
		return sum{-l.v, true}
	}
	return sum{l.v, false}
}

func (s sum) negated() sum { return sum{s.mag, !s.neg && s.mag != 0} }

func addSums(x, y sum) (uint64, bool, bool) {
	switch {
	case x.neg == y.neg:
		mag, carry := bits.Add64(x.mag, y.mag, 0)
		return fit(sum{mag, x.neg}, carry == 0)
	case x.mag >= y.mag:
		return fit(sum{x.mag - y.mag, x.neg}, true)
	}
	return fit(sum{y.mag - x.mag, y.neg}, true)
}

// fit turns a magnitude and sign into bits, if 64 hold it.
func fit(s sum, ok bool) (uint64, bool, bool) {
	if s.neg && s.mag != 0 {
		return -s.mag, true, ok && s.mag <= 1<<63
	}
	return s.mag, false, ok
}

func mulLits(a, b lit) (uint64, bool, bool) {
	x, y := a.sum(), b.sum()
	hi, lo := bits.Mul64(x.mag, y.mag)
	return fit(sum{lo, x.neg != y.neg}, hi == 0)
}

// divLits truncates toward zero; the remainder has the dividend's sign.
func divLits(op syntax.Op, a, b lit) (uint64, bool, bool) {
	x, y := a.sum(), b.sum()
	if y.mag == 0 {
		return 0, false, false
	}
	if op == syntax.Div {
		return fit(sum{x.mag / y.mag, x.neg != y.neg}, true)
	}
	return fit(sum{x.mag % y.mag, x.neg}, true)
}

func shiftLits(op syntax.Op, a, b lit) (uint64, bool, bool) {
	switch {
	case b.neg || b.v >= 64:
		return 0, false, false
	case op == syntax.Shl:
		v := a.v << b.v
		return v, a.neg && int64(v) < 0, true
	case a.neg:
		return uint64(int64(a.v) >> b.v), true, true
	}
	return a.v >> b.v, false, true
}

// foldString: literals can be joined and compared, and a number cuts off that many bytes
// at the front, as it moves a pointer in C.
func (c *checker) foldString(e *syntax.BinaryExpr, x, y *Type) (*Type, bool) {
	a, b := c.info.Consts[e.X.ID()], c.info.Consts[e.Y.ID()]
	if a == nil || b == nil || !c.lits[e.X.ID()] || !c.lits[e.Y.ID()] {
		return nil, false
	}
	switch {
	case a.IsStr && b.IsStr && e.Op == syntax.Add:
		return c.stringConst(e, a.Str+b.Str), true
	case a.IsStr && b.IsStr && comparison(e.Op):
		return c.boolConst(e, compare(e.Op, a.Str < b.Str, a.Str == b.Str, a.Str != "", b.Str != "")), true
	case a.IsStr && b.IsStr:
		return nil, false
	}
	s, n, other := a, b, y
	if b.IsStr {
		s, n, other = b, a, x
	}
	switch {
	case e.Op == syntax.Add && other.IsInt() && int64(n.Int) >= 0:
		if n.Int >= uint64(len(s.Str)) {
			c.warnf(diag.CodeEmptyString, e.Span(), "this is always the empty string")
			return c.stringConst(e, ""), true
		}
		return c.stringConst(e, s.Str[n.Int:]), true
	case logical(e.Op) && other.Kind == Bool:
		return c.boolConst(e, compare(e.Op, false, false, truthy(a), truthy(b))), true
	}
	return nil, false
}

// foldElems compares tuples and records of literals that are written out.
func (c *checker) foldElems(e *syntax.BinaryExpr) (*Type, bool) {
	if !equality(e.Op) {
		return nil, false
	}
	same, ok := c.sameElems(unparen(e.X), unparen(e.Y))
	if !ok {
		return nil, false
	}
	return c.boolConst(e, same == (e.Op == syntax.Eq)), true
}

// sameElems compares two written tuples; ok is false when they aren't, or not of literals.
func (c *checker) sameElems(x, y syntax.Expr) (same, ok bool) {
	a, okA := x.(*syntax.TupleExpr)
	b, okB := y.(*syntax.TupleExpr)
	if !okA || !okB {
		return false, false
	}
	if len(a.Elems) != len(b.Elems) {
		return false, true
	}
	same = true
	for i, p := range a.Elems {
		q := b.Elems[i]
		k, l := c.info.Consts[p.ID()], c.info.Consts[q.ID()]
		switch {
		case k != nil && l != nil && c.lits[p.ID()] && c.lits[q.ID()] && k.IsStr == l.IsStr:
			same = same && *k == *l
		default:
			s, ok := c.sameElems(unparen(p), unparen(q))
			if !ok {
				return false, false
			}
			same = same && s
		}
	}
	return same, true
}

func (c *checker) foldUnary(e *syntax.UnaryExpr, t *Type) (*Type, bool) {
	l, ok := c.litOf(e.X, t)
	if !ok {
		return nil, false
	}
	switch e.Op {
	case syntax.Not:
		return c.boolConst(e, l.v == 0), true
	case syntax.BitNot:
		if t.Kind == Bool {
			return nil, false
		}
		return c.literal(e, ^l.v, false), true
	case syntax.Neg:
		if t.Kind == Bool {
			return nil, false
		}
		v, neg, ok := fit(l.sum().negated(), true)
		if !ok {
			c.errorf(diag.CodeFold, e.Span(), "the result doesn't fit 64 bits")
			return invalidType(), true
		}
		return c.literal(e, v, neg), true
	}
	return nil, false
}

// compute enters the value of `x op y` when both are constants, though not literals.
func (c *checker) compute(e *syntax.BinaryExpr, t, x, y *Type) {
	a, b := c.info.Consts[e.X.ID()], c.info.Consts[e.Y.ID()]
	if a == nil || b == nil || a.IsStr || b.IsStr || bad(t) || !number64(x) || !number64(y) {
		return
	}
	if comparison(e.Op) {
		u := Promote(x, y)
		if u == nil || logical(e.Op) {
			u = IntType(8, false)
		}
		p, q := truncate(a.Int, u), truncate(b.Int, u)
		less := p < q
		if u.Signed {
			less = int64(p) < int64(q)
		}
		c.setConst(e, &Const{Int: bit(compare(e.Op, less, p == q, a.Int != 0, b.Int != 0))}, false)
		return
	}
	if v, ok := wrap(e.Op, a.Int, b.Int); ok {
		c.setConst(e, &Const{Int: truncate(v, t)}, false)
	}
}

// wrap computes as BPF does: in 64 bits without a sign.
func wrap(op syntax.Op, a, b uint64) (uint64, bool) {
	switch op {
	case syntax.Add:
		return a + b, true
	case syntax.Sub:
		return a - b, true
	case syntax.Mul:
		return a * b, true
	case syntax.And:
		return a & b, true
	case syntax.Or:
		return a | b, true
	case syntax.Xor:
		return a ^ b, true
	case syntax.Shl:
		return a << (b & 63), true
	case syntax.Shr:
		return a >> (b & 63), true
	case syntax.Div:
		if b != 0 {
			return a / b, true
		}
	case syntax.Mod:
		if b != 0 {
			return a % b, true
		}
	}
	return 0, false // a division by zero is left to the program, which reports it
}

// FoldInt computes an expression of integer literals before anything has a type. known are
// names and what they stand for.
func FoldInt(e syntax.Expr, known map[string]*syntax.IntLit) (*syntax.IntLit, bool) {
	l, ok := foldInt(e, known)
	return &syntax.IntLit{Val: l.v, Neg: l.neg}, ok
}

func foldInt(e syntax.Expr, known map[string]*syntax.IntLit) (lit, bool) {
	switch e := unparen(e).(type) {
	case *syntax.IntLit:
		return lit{e.Val, e.Neg}, true
	case *syntax.Ident:
		if k := known[e.Name]; k != nil {
			return lit{k.Val, k.Neg}, true
		}
	case *syntax.UnaryExpr:
		if x, ok := foldInt(e.X, known); ok && e.Op == syntax.Neg {
			v, neg, ok := fit(x.sum().negated(), true)
			return lit{v, neg}, ok
		}
	case *syntax.BinaryExpr:
		x, ok1 := foldInt(e.X, known)
		y, ok2 := foldInt(e.Y, known)
		if ok1 && ok2 && !comparison(e.Op) && !logical(e.Op) {
			v, neg, ok := foldLits(e.Op, x, y)
			return lit{v, neg}, ok
		}
	}
	return lit{}, false
}
