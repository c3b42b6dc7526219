package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// bad reports whether t is no type to go on with: not known yet (nil) or reported.
func bad(t *Type) bool { return t == nil || t.Kind == Invalid }

// worse is the type of what has an operand that is bad: not known yet, unless an error
// makes knowing useless.
func worse(list ...*Type) *Type {
	for _, t := range list {
		if t != nil && t.Kind == Invalid {
			return t
		}
	}
	return nil
}

// wrong is the type of what has an operand of type t that was found wrong, unless it's not known
// yet.
func wrong(t *Type) *Type {
	if t == nil {
		return nil
	}
	return invalidType()
}

// record enters the type of an expression.
func (c *checker) record(e syntax.Expr, t *Type) *Type {
	if t == nil && !c.quiet {
		t = invalidType()
	}
	c.info.Types[e.ID()] = t
	return t
}

// setConst enters the value of an expression; lit says that it counts as a literal.
func (c *checker) setConst(e syntax.Expr, k *Const, lit bool) {
	c.info.Consts[e.ID()] = k
	c.lits[e.ID()] = lit
}

// literal enters an integer literal's value and gives its type.
func (c *checker) literal(e syntax.Expr, v uint64, neg bool) *Type {
	c.setConst(e, &Const{Int: v}, true)
	return litType(v, neg)
}

func (c *checker) stringConst(e syntax.Expr, s string) *Type {
	c.setConst(e, &Const{Str: s, IsStr: true}, true)
	return StringType(uint32(len(s)) + 1).In(SpaceKernel)
}

func (c *checker) boolConst(e syntax.Expr, b bool) *Type {
	c.setConst(e, &Const{Int: bit(b)}, true)
	return boolType()
}

// expr types an expression and records its type. Nil: it isn't known yet.
func (c *checker) expr(e syntax.Expr) *Type {
	c.info.Consts[e.ID()], c.lits[e.ID()] = nil, false
	return c.record(e, c.exprType(e))
}

func (c *checker) exprType(e syntax.Expr) *Type {
	switch e := e.(type) {
	case *syntax.IntLit:
		return c.literal(e, e.Val, e.Neg)
	case *syntax.BoolLit:
		return c.boolConst(e, e.Val)
	case *syntax.StringLit:
		return c.stringLit(e)
	case *syntax.Ident:
		return c.ident(e)
	case *syntax.VarExpr:
		return c.varExpr(e)
	case *syntax.MapExpr:
		return c.mapExpr(e)
	case *syntax.ParenExpr:
		return c.transparent(e, e.X)
	case *syntax.ComptimeExpr:
		return c.comptimeExpr(e)
	case *syntax.Block:
		return c.block(e)
	case *syntax.IndexExpr:
		return c.index(e)
	case *syntax.FieldExpr:
		return c.field(e)
	case *syntax.TupleIndex:
		return c.tupleIndex(e)
	case *syntax.CallExpr:
		return c.call(e)
	case *syntax.UnaryExpr:
		return c.unary(e)
	case *syntax.BinaryExpr:
		return c.binary(e)
	case *syntax.CondExpr:
		return c.condExpr(e)
	case *syntax.IfExpr:
		return c.ifExpr(e, false)
	case *syntax.CastExpr:
		return c.cast(e)
	case *syntax.TupleExpr:
		return c.tupleOf(e.Elems)
	case *syntax.RecordExpr:
		return c.recordExpr(e)
	default:
		return c.metaExpr(e)
	}
}

// metaExpr types what is computed from types alone.
func (c *checker) metaExpr(e syntax.Expr) *Type {
	switch e := e.(type) {
	case *syntax.SizeofExpr:
		return c.sizeof(e)
	case *syntax.OffsetofExpr:
		return c.offsetof(e)
	case *syntax.TypeinfoExpr:
		return c.typeinfo(e)
	case *syntax.TypeExpr:
		t := c.typeExpr(e)
		if bad(t) || c.meta > 0 { // what only asks for a type takes one, too
			return t
		}
		c.misplacedType(e)
		return invalidType()
	case *syntax.ParamExpr:
		panic("BUG: a positional parameter is left after expansion")
	}
	return invalidType() // BadExpr: the parser reported it
}

// transparent is an expression that is what stands in it.
func (c *checker) transparent(e, x syntax.Expr) *Type {
	t := c.expr(x)
	c.setConst(e, c.info.Consts[x.ID()], c.lits[x.ID()])
	return t
}

func (c *checker) comptimeExpr(e *syntax.ComptimeExpr) *Type {
	t := c.transparent(e, e.X)
	if !bad(t) && c.info.Consts[e.X.ID()] == nil {
		c.errorf(diag.CodeComptime, e.Span(), "this can't be computed at compile time")
	}
	return t
}

func (c *checker) stringLit(e *syntax.StringLit) *Type {
	if limit := c.info.Config.MaxStrlen; uint64(len(e.Val)) > limit-1 {
		c.errorf(diag.CodeStringLong, e.Span(), "the string has %d bytes, more than max_strlen (%d) holds", len(e.Val), limit)
	}
	return c.stringConst(e, e.Val)
}

func (c *checker) varExpr(e *syntax.VarExpr) *Type {
	v := c.info.Locals[e.ID()]
	if v == nil {
		return invalidType()
	}
	if v.Type == nil && (c.failed[v] || v.LoopVar && !c.quiet) {
		return invalidType() // what it's made of was reported
	}
	if v.Type == nil && !c.quiet {
		c.errorf(diag.CodeNoType, e.Span(), "the type of %s isn't known: nothing is assigned to it", e.Name)
	}
	return v.Type
}

// mapExpr is a map without a key: its one value.
func (c *checker) mapExpr(e *syntax.MapExpr) *Type {
	m := c.mapNamed(e.Name)
	if c.meta > 0 && m.known && !m.scalar {
		return m.Key // typeof(@m) is what a key of it is
	}
	if m.known && !m.scalar {
		return invalidType() // reported where it was bound
	}
	m.read = true
	return c.valueOf(m)
}

// valueOf is the type of a map's values; Invalid, where only what couldn't be read gives it one.
func (c *checker) valueOf(m *mapVar) *Type {
	if m.Value == nil && c.opt.Unsure[m.Name] {
		return invalidType()
	}
	return m.Value
}

// tupleOf is the tuple of the values of elems.
func (c *checker) tupleOf(elems []syntax.Expr) *Type {
	types := make([]*Type, len(elems))
	for i, e := range elems {
		types[i] = c.expr(e)
	}
	for i, t := range types {
		if bad(t) {
			return worse(types...)
		}
		if types[i] = c.elementType(elems[i], t); types[i].Kind == Invalid {
			return types[i]
		}
	}
	size := uint64(0)
	for _, t := range types {
		size += uint64(t.Bytes())
	}
	if size > maxTuple {
		c.tooLarge(elems[0].Span().To(elems[len(elems)-1].Span()), size, maxTuple)
		return invalidType()
	}
	return TupleOf(types...)
}

// elementType is what a value of type t is as an element of a tuple or record.
func (c *checker) elementType(e syntax.Expr, t *Type) *Type {
	switch {
	case t.Kind == Void, t.IsAggregate() && !t.Castable():
		c.errorf(diag.CodeAggregate, e.Span(), "%s can't be an element", describe(t))
		return invalidType()
	case t.Castable():
		return IntType(8, t.Signed)
	}
	return t
}

func (c *checker) recordExpr(e *syntax.RecordExpr) *Type {
	fields, size := make([]Field, len(e.Fields)), uint64(0)
	types := make([]*Type, len(e.Fields))
	for i, f := range e.Fields {
		types[i] = c.expr(f.X)
	}
	for i, t := range types {
		if bad(t) {
			return worse(types...)
		}
		if t = c.elementType(e.Fields[i].X, t); t.Kind == Invalid {
			return t
		}
		fields[i] = Field{Name: e.Fields[i].Name.Name, Type: t}
		size += uint64(t.Bytes())
	}
	if size > maxTuple {
		c.tooLarge(e.Span(), size, maxTuple)
		return invalidType()
	}
	return RecordOf(fields)
}

// condExpr types `c ? a : b` and `c ?: b`.
func (c *checker) condExpr(e *syntax.CondExpr) *Type {
	c.cond(e.Cond)
	a := e.A
	if a == nil {
		a = e.Cond
	}
	x := c.info.Types[a.ID()]
	if e.A != nil {
		x = c.expr(a)
	}
	y := c.expr(e.B)
	if k := c.info.Consts[e.Cond.ID()]; k != nil && c.lits[a.ID()] && c.lits[e.B.ID()] {
		pick, t := e.B, y
		if truthy(k) {
			pick, t = a, x
		}
		c.setConst(e, c.info.Consts[pick.ID()], true)
		return t
	}
	return c.branches(e, e.Cond, x, y)
}

// branches is the type that the values of both branches have. When they have none in common,
// a literal as the condition decides.
func (c *checker) branches(e, cond syntax.Expr, x, y *Type) *Type {
	switch {
	case x == nil || y == nil:
		if t := worse(x, y); t != nil {
			return t
		}
		if x == nil {
			return y // the other follows: $x = cond ? $x + 1 : 0
		}
		return x
	case bad(x) || bad(y):
		return worse(x, y)
	}
	if x.Kind == Void && y.Kind == Void {
		return x
	}
	t := Promote(fresh(x), y)
	k := c.info.Consts[cond.ID()]
	switch {
	case t != nil:
	case k != nil && c.lits[cond.ID()] && truthy(k):
		return x
	case k != nil && c.lits[cond.ID()]:
		return y
	default:
		c.errorf(diag.CodeBranches, e.Span(), "one branch is %s, the other %s", x, y)
		return invalidType()
	}
	return t
}

// ifExpr types if/else as a statement, or for its value.
func (c *checker) ifExpr(e *syntax.IfExpr, stmt bool) *Type {
	if cond, ok := unparen(e.Cond).(*syntax.ComptimeExpr); e.Comptime || ok {
		if !e.Comptime {
			c.expr(cond.X)
		}
		return c.comptimeIf(e, stmt)
	}
	c.cond(e.Cond)
	x := c.branch(e.Then, stmt)
	y := c.branch(e.Else, stmt)
	if stmt {
		return c.record(e, voidType())
	}
	return c.record(e, c.branches(e, e.Cond, x, y))
}

// branch types a branch: nil, a block or another if.
func (c *checker) branch(e syntax.Expr, stmt bool) *Type {
	switch b := e.(type) {
	case nil:
		return voidType()
	case *syntax.Block:
		if stmt {
			c.body(b)
			return voidType()
		}
		return c.block(b)
	case *syntax.IfExpr:
		return c.ifExpr(b, stmt)
	}
	return c.expr(e)
}

// comptimeIf types the one branch that exists. Its condition may rest on types that are
// still being inferred, so it's decided once all that doesn't wait for it stands still.
func (c *checker) comptimeIf(e *syntax.IfExpr, stmt bool) *Type {
	t := c.expr(e.Cond)
	k := c.info.Consts[e.Cond.ID()]
	if k == nil {
		if !bad(t) || !c.quiet && !c.rep.Failed() {
			c.errorf(diag.CodeComptime, e.Cond.Span(), "the condition can't be computed at compile time")
			return c.record(e, invalidType())
		}
		return c.record(e, worse(t))
	}
	then, decided := c.comptime[e.ID()]
	switch {
	case !decided && c.quiet && !c.decide:
		c.pending++
		return c.record(e, nil)
	case !decided:
		then = truthy(k)
		c.comptime[e.ID()] = then
		c.changed = true
	case then != truthy(k) && !c.quiet:
		c.errorf(diag.CodeComptime, e.Cond.Span(), "the condition depends on a type that its own branch changes")
		return c.record(e, invalidType())
	}
	taken := e.Else
	if then {
		taken = e.Then
	}
	t = c.branch(taken, stmt)
	if stmt {
		t = voidType()
	}
	return c.record(e, t)
}

func truthy(k *Const) bool {
	if k.IsStr {
		return k.Str != ""
	}
	return k.Int != 0
}
