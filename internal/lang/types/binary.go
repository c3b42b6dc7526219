package types

import (
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// comparison reports whether op gives a bool.
func comparison(op syntax.Op) bool {
	return op >= syntax.Eq && op <= syntax.Ge || logical(op)
}

func logical(op syntax.Op) bool { return op == syntax.LAnd || op == syntax.LOr }

func equality(op syntax.Op) bool { return op == syntax.Eq || op == syntax.Ne }

func (c *checker) binary(e *syntax.BinaryExpr) *Type {
	x, y := c.expr(e.X), c.expr(e.Y)
	if _, ok := e.X.(*syntax.StringLit); ok && (e.Op == syntax.Mul || e.Op == syntax.Sub || e.Op == syntax.And) && !bad(y) {
		c.badOperands(e.Op, e.Span(), x, y).Note("a comma may be missing before the `%s`", e.Op)
		return invalidType()
	}
	if bad(x) || bad(y) {
		return worse(x, y)
	}
	if t, ok := c.fold(e, x, y); ok {
		return t
	}
	if t, ok := c.matchCgroup(e, x, y); ok {
		return t
	}
	t := c.binaryType(e.Op, e.Span(), e.X, e.Y, x, y)
	c.compute(e, t, x, y)
	return t
}

// binaryType is the type of `x op y`. Both sides are converted: of arithmetic to the
// result's type, of a comparison to what Promote makes of them.
func (c *checker) binaryType(op syntax.Op, at diag.Span, ex, ey syntax.Expr, x, y *Type) *Type {
	switch {
	case bad(x) || bad(y):
		return worse(x, y)
	case x.Kind == Pointer || y.Kind == Pointer:
		return c.pointerOp(op, at, x, y)
	case x.Kind == Bool && y.Kind == Bool:
		return boolType()
	case number64(x) && number64(y):
		return c.intOp(op, at, ex, ey, x, y)
	}
	return c.compareOp(op, at, ex, ey, x, y)
}

// number64: what arithmetic takes.
func number64(t *Type) bool { return t.IsInt() || t.Kind == Bool || t.Castable() }

// intOp: every arithmetic is done in 64 bits. The result is signed when one side is, and
// always of a subtraction.
func (c *checker) intOp(op syntax.Op, at diag.Span, ex, ey syntax.Expr, x, y *Type) *Type {
	if comparison(op) {
		if !logical(op) {
			c.compareSigns(at, ex, ey, x, y)
		}
		return boolType()
	}
	xs, ys := x.Signed, y.Signed
	switch {
	case x.Flex && !y.Flex:
		xs = ys
	case y.Flex && !x.Flex:
		ys = xs
	}
	if (op == syntax.Div || op == syntax.Mod) && (xs || ys) && !(x.Flex && y.Flex) && !sameInt(x, y, xs, ys) {
		c.warnf(diag.CodeSignedDiv, at, "signed %s: BPF divides unsigned numbers, so negative ones give nonsense", op).
			Note("a cast to an unsigned type silences this")
	}
	t := IntType(8, xs || ys || op == syntax.Sub)
	t.Space = joinSpace(x.Space, y.Space)
	return t
}

// sameInt: equal types are divided without a word, as bpftrace does.
func sameInt(x, y *Type, xs, ys bool) bool { return x.Size == y.Size && xs == ys }

// compareSigns warns of a comparison in which a side changes its value.
func (c *checker) compareSigns(at diag.Span, ex, ey syntax.Expr, x, y *Type) {
	if !x.IsInt() || !y.IsInt() {
		return
	}
	t := Promote(x, y)
	c.fitSide(ex, x, t)
	c.fitSide(ey, y, t)
}

func (c *checker) fitSide(e syntax.Expr, t, want *Type) {
	if e != nil && !c.lits[e.ID()] && !Fits(t, want) {
		c.warnf(diag.CodeNarrow, e.Span(), "%s becomes %s here, which doesn't hold all of its values", t, want).
			Note("an explicit cast silences this")
	}
}

// joinSpace: a number computed from addresses of two spaces is in none.
func joinSpace(x, y Space) Space {
	switch {
	case x == SpaceNone || x == y:
		return noBTF(y)
	case y == SpaceNone:
		return noBTF(x)
	}
	return SpaceNone
}

func (c *checker) pointerOp(op syntax.Op, at diag.Span, x, y *Type) *Type {
	p, o := x, y
	if x.Kind != Pointer {
		p, o = y, x
	}
	switch {
	case o.Kind == Pointer && comparison(op):
		if !logical(op) && !Identical(x.Elem, y.Elem) {
			c.warnf(diag.CodePointers, at, "pointers to different types are compared: %s and %s", x.Elem, y.Elem)
		}
		return boolType()
	case (o.IsInt() || o.Kind == Bool) && (op == syntax.Add || op == syntax.Sub && p == x):
		return PointerTo(p.Elem, noBTF(p.Space))
	case number64(o) && comparison(op):
		return boolType()
	}
	c.badOperands(op, at, x, y)
	return invalidType()
}

func (c *checker) badOperands(op syntax.Op, at diag.Span, x, y *Type) *diag.Diagnostic {
	return c.errorf(diag.CodeOperand, at, "%s doesn't work on %s and %s", op, x, y)
}

// compareOp: strings, arrays, tuples, records … can be compared for equality.
func (c *checker) compareOp(op syntax.Op, at diag.Span, ex, ey syntax.Expr, x, y *Type) *Type {
	switch {
	case !equality(op):
		c.badOperands(op, at, x, y)
		return invalidType()
	case x.Kind == Array && y.Kind == Array:
		if !inBytes(x) || !Identical(x, y) {
			c.errorf(diag.CodeOperand, at, "arrays of one type and length can be compared, not %s with %s", x, y)
			return invalidType()
		}
	case !Compatible(x, y):
		c.errorf(diag.CodeOperand, at, "%s can't be compared with %s", x, y)
		return invalidType()
	case x.Kind == Struct && !inBytes(x) || x.IsAggregate():
		c.badOperands(op, at, x, y)
		return invalidType()
	case x.Kind == Tuple || x.Kind == Record:
		if Promote(x, y) == nil {
			c.badOperands(op, at, x, y)
			return invalidType()
		}
	}
	return boolType()
}

// inBytes reports whether all of an array or a struct is in its bytes, floating-point numbers
// aside.
func inBytes(t *Type) bool {
	switch {
	case t.IsFloat():
		return false
	case t.Kind == Array:
		return inBytes(t.Elem)
	case t.Kind == Struct:
		return t.S != nil && t.Size > 0 && !t.Ctx && !slices.ContainsFunc(t.S.Fields(), func(f Field) bool { return !inBytes(f.Type) })
	}
	return true
}

func (c *checker) unary(e *syntax.UnaryExpr) *Type {
	switch e.Op {
	case syntax.AddrOf:
		return c.addrOf(e)
	case syntax.PreInc, syntax.PreDec, syntax.PostInc, syntax.PostDec:
		return c.incDec(e)
	}
	t := c.expr(e.X)
	if bad(t) {
		return t
	}
	if e.Op == syntax.Deref {
		return c.deref(e, t)
	}
	if u, ok := c.foldUnary(e, t); ok {
		return u
	}
	switch {
	case e.Op == syntax.Not && (t.IsInt() || t.Kind == Bool || t.Kind == Pointer || t.Castable()):
		return boolType()
	case e.Op != syntax.Not && (t.IsInt() || t.Castable()):
		return IntType(8, t.Signed)
	}
	c.errorf(diag.CodeOperand, e.Span(), "%s doesn't work on %s", e.Op, t)
	return invalidType()
}

// deref types `*x`: what a pointer leads to, or the 8 bytes at an integer.
func (c *checker) deref(e *syntax.UnaryExpr, t *Type) *Type {
	switch {
	case t.Kind == Struct && t.Ctx:
		return t // *args is args
	case t.IsInt():
		return IntType(8, false).In(t.Space)
	case t.Kind != Pointer:
		c.errorf(diag.CodeDeref, e.Span(), "%s is no pointer", t)
		return invalidType()
	case t.Elem.Kind == Void || t.Elem.Size == 0 && t.Elem.Kind != Struct:
		c.errorf(diag.CodeDeref, e.Span(), "what %s points to has no size", t).
			Note("cast it to a pointer to a sized type")
		return invalidType()
	}
	t.Elem.complete()
	return c.loaded(t.Elem, t.Space, t.Space == SpaceCtx)
}

func (c *checker) addrOf(e *syntax.UnaryExpr) *Type {
	switch x := unparen(e.X).(type) {
	case *syntax.MapExpr:
		m := c.mapNamed(x.Name)
		c.record(e.X, voidType())
		if m.Value == nil {
			return nil
		}
		return PointerTo(m.Value, SpaceLocal)
	case *syntax.VarExpr:
		t := c.expr(e.X)
		if bad(t) {
			return t
		}
		return PointerTo(t, SpaceLocal)
	}
	c.errorf(diag.CodeOperand, e.Span(), "only variables and maps have an address")
	return invalidType()
}

// incDec types ++ and --, which assign an int64, or a uint64 where an unsigned one is
// counted up.
func (c *checker) incDec(e *syntax.UnaryExpr) *Type {
	down := e.Op == syntax.PreDec || e.Op == syntax.PostDec
	if m := c.target(unparen(e.X)); m != nil {
		t := m.Value
		c.record(e.X, t)
		if bad(t) || t.Kind == Pointer {
			return t
		}
		if t.IsAggregate() || !t.IsInt() {
			return c.badIncDec(e, t)
		}
		u := IntType(8, t.Signed || down)
		c.growMap(m, e.Span(), nil, u)
		return u
	}
	v, ok := unparen(e.X).(*syntax.VarExpr)
	if !ok && syntax.PlaceVar(e.X) != nil {
		t := c.part(e.X)
		if !bad(t) && !t.IsInt() {
			return c.badIncDec(e, t)
		}
		return t
	}
	if !ok {
		c.expr(e.X)
		c.errorf(diag.CodeIncDec, e.Span(), "%s needs a variable or a map", e.Op)
		return invalidType()
	}
	t := c.expr(e.X)
	switch l := c.info.Locals[v.ID()]; {
	case bad(t) || t.Kind == Pointer:
		return t
	case !t.IsInt():
		return c.badIncDec(e, t)
	case c.declared[l]:
		return t
	default:
		u := IntType(8, t.Signed || down)
		if up := Promote(l.Type, u); up != nil {
			c.grow(&l.Type, up)
		}
		return u
	}
}

func (c *checker) badIncDec(e *syntax.UnaryExpr, t *Type) *Type {
	c.errorf(diag.CodeOperand, e.Span(), "%s doesn't work on %s", e.Op, t)
	return invalidType()
}
