package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// block types a block's statements and gives the type of its value; Void without one.
func (c *checker) block(b *syntax.Block) *Type {
	for i, s := range b.Stmts {
		c.stmt(s)
		if leaves(s) && i+1 < len(b.Stmts) {
			c.warnf(diag.CodeUnreachable, b.Stmts[i+1].Span(), "Unreachable statement: it can never run")
		}
	}
	t := voidType()
	if b.Value != nil {
		t = c.expr(b.Value)
		if len(b.Stmts) == 0 && c.lits[b.Value.ID()] {
			c.setConst(b, c.info.Consts[b.Value.ID()], true)
		}
	}
	return c.record(b, t)
}

// leaves reports whether a statement is the last to be run: a jump, or exit(), which ends
// the probe, too.
func leaves(s syntax.Stmt) bool {
	switch s := s.(type) {
	case *syntax.Jump:
		return true
	case *syntax.ExprStmt:
		call, ok := unparen(s.X).(*syntax.CallExpr)
		return ok && call.Fun.Name == "exit"
	}
	return false
}

// body types a block whose value nobody takes.
func (c *checker) body(b *syntax.Block) {
	t := c.block(b)
	if b.Value != nil {
		c.discarded(b.Value, t)
	}
}

func (c *checker) stmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.ExprStmt:
		c.discarded(s.X, c.expr(s.X))
	case *syntax.Discard:
		c.expr(s.X)
	case *syntax.Let:
		c.let(s)
	case *syntax.Assign:
		c.assign(s)
	case *syntax.If:
		c.ifExpr(s.X, true)
	case *syntax.BlockStmt:
		c.body(s.X)
	case *syntax.While:
		c.warnf(diag.CodeWhile, s.Span(), "while is deprecated").Note("`for ($i : 0..n) { … }` is a loop whose end the verifier sees")
		c.cond(s.Cond)
		c.loop(s.Body)
	case *syntax.Unroll:
		c.unroll(s)
	case *syntax.For:
		c.forStmt(s)
	case *syntax.Jump:
		c.jump(s)
	}
}

// discarded warns of a value that nobody takes. A block's own value was seen inside.
func (c *checker) discarded(e syntax.Expr, t *Type) {
	if t == nil || t.Kind == Void || t.Kind == Invalid {
		return
	}
	switch x := unparen(e).(type) {
	case *syntax.UnaryExpr:
		if x.Op >= syntax.PreInc {
			return
		}
	case *syntax.CallExpr:
		// delete and others say more at run time when their result isn't taken.
		if b := c.info.Calls[x.ID()]; b != nil && b.ID == BuiltinDelete && !c.opt.Bpftrace {
			return
		}
	case *syntax.CondExpr:
		if x.A != nil {
			c.discarded(x.A, c.info.Types[x.A.ID()])
		}
		c.discarded(x.B, c.info.Types[x.B.ID()])
		return
	}
	d := c.warnf(diag.CodeDiscarded, e.Span(), "Return value discarded.")
	if !c.opt.Bpftrace {
		d.Note("`_ = …;` says that this is meant")
	}
}

func (c *checker) loop(body *syntax.Block) {
	c.loops++
	c.body(body)
	c.loops--
}

// maxUnroll is how often a block can be unrolled.
const maxUnroll = 100

func (c *checker) unroll(s *syntax.Unroll) {
	t := c.expr(s.N)
	n := c.info.Consts[s.N.ID()]
	switch {
	case bad(t):
	case n == nil || n.IsStr || !t.IsInt():
		c.errorf(diag.CodeLiteral, s.N.Span(), "unroll needs a number that is known at compile time")
	case n.Int < 1 || t.Signed && int64(n.Int) < 0:
		c.errorf(diag.CodeRange, s.N.Span(), "unroll minimum value is 1, not %s", number(n, t))
	case n.Int > maxUnroll:
		c.errorf(diag.CodeRange, s.N.Span(), "unroll maximum value is %d, not %s", maxUnroll, number(n, t))
	}
	c.body(s.Body) // it's no loop for break and continue
}

func (c *checker) forStmt(s *syntax.For) {
	v := c.info.Locals[s.Var.ID()]
	var t *Type
	if s.Map != nil {
		t = c.mapLoop(s)
	} else {
		t = c.rangeLoop(s)
	}
	switch {
	case v == nil:
	case !bad(t):
		c.grow(&v.Type, t)
	case t != nil:
		c.failed[v] = true
	}
	c.record(s.Var, t)
	c.loops++
	c.body(s.Body)
	c.loops--
}

// mapLoop gives the type of a loop's variable over a map: (key, value).
func (c *checker) mapLoop(s *syntax.For) *Type {
	m := c.mapNamed(s.Map.Name)
	c.record(s.Map, voidType())
	switch {
	case m.failed && m.Value == nil:
		return invalidType()
	case m.Key == nil || m.Value == nil:
		return nil
	case m.Value.IsAggregate() && !m.Value.Castable():
		c.errorf(diag.CodeLoopType, s.Map.Span(), "can't loop over %s: its values are %s", m.Name, m.Value)
		return invalidType()
	}
	return TupleOf(m.Key, m.Value)
}

// rangeLoop gives the type of a loop's variable over a range: one that holds both ends.
func (c *checker) rangeLoop(s *syntax.For) *Type {
	from, to := c.expr(s.From), c.expr(s.To)
	if bad(from) || bad(to) {
		return worse(from, to)
	}
	for _, end := range []struct {
		e syntax.Expr
		t *Type
	}{{s.From, from}, {s.To, to}} {
		if !end.t.IsInt() && !end.t.Castable() {
			c.errorf(diag.CodeLoopType, end.e.Span(), "a range goes over integers, not %s", end.t)
			return invalidType()
		}
	}
	if from.Size == to.Size {
		return promoteInt(from, to)
	}
	return Promote(from, to)
}

func (c *checker) jump(s *syntax.Jump) {
	if s.Kind != syntax.Return {
		if c.loops == 0 {
			word := map[syntax.JumpKind]string{syntax.Break: "break", syntax.Continue: "continue"}[s.Kind]
			c.errorf(diag.CodeJump, s.Span(), "%s outside of a loop", word)
		}
		return
	}
	var t *Type
	if s.X != nil {
		t = c.expr(s.X)
	}
	if c.fn != nil {
		c.returnValue(s, t)
		return
	}
	if s.X != nil && !bad(t) && !t.IsInt() && t.Kind != Bool {
		c.errorf(diag.CodeReturn, s.X.Span(), "a probe returns an integer, not %s", t)
	}
}

func (c *checker) returnValue(s *syntax.Jump, t *Type) {
	want := c.fn.Result
	switch {
	case want == nil:
	case s.X == nil && want.Kind != Void:
		c.errorf(diag.CodeReturn, s.Span(), "the value is missing: %s returns %s", c.fn.Decl.Name.Name, want)
	case s.X != nil && want.Kind == Void && !bad(t):
		c.errorf(diag.CodeReturn, s.X.Span(), "%s returns nothing", c.fn.Decl.Name.Name).Note("a result has its type behind the parameters: `fn %s(…): %s`", c.fn.Decl.Name.Name, t)
	case s.X != nil && !bad(t) && !c.fits(&c.fn.Result, c.fn.Decl.Result, s.X, t):
		c.errorf(diag.CodeReturn, s.X.Span(), "%s returns %s, not %s", c.fn.Decl.Name.Name, want, t)
	}
}

// cond types a condition: an integer, pointer or bool.
func (c *checker) cond(e syntax.Expr) {
	t := c.expr(e)
	if bad(t) || t.IsInt() || t.Kind == Pointer || t.Kind == Bool || t.Castable() {
		return
	}
	if t.Kind == String && c.lits[e.ID()] {
		return
	}
	c.errorf(diag.CodeCond, e.Span(), "a condition is an integer, a pointer or a bool, not %s", t)
}

// kindIs reports whether the probe being walked is one of kinds.
func (c *checker) kindIs(kinds ...probe.Kind) bool {
	k := c.kind()
	for _, x := range kinds {
		if k == x {
			return true
		}
	}
	return false
}
