package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// blockStmts runs a block for its effect.
func (c *fn) blockStmts(b *syntax.Block) {
	for _, s := range b.Stmts {
		c.stmt(s)
	}
	if b.Value != nil {
		c.effect(b.Value)
	}
}

// blockValue runs a block and gives the value of its last expression.
func (c *fn) blockValue(b *syntax.Block, t *types.Type) operand {
	for _, s := range b.Stmts {
		c.stmt(s)
	}
	if b.Value == nil || c.b == nil {
		return operand{t: t}
	}
	return c.convert(c.expr(b.Value), t)
}

// effect evaluates an expression whose value nobody wants.
func (c *fn) effect(e syntax.Expr) {
	if c.b == nil {
		return
	}
	switch x := unparen(e).(type) {
	case *syntax.Block:
		c.blockStmts(x)
	case *syntax.IfExpr:
		c.ifStmt(x)
	case *syntax.CallExpr, *syntax.Ident:
		defer c.at(e)()
		if b := c.builtin(x); b != nil {
			if g := c.builtins.effect[b.Name]; g != nil {
				g(c, x, callArgs(x))
				return
			}
		}
		c.expr(x)
	default:
		c.expr(e)
	}
}

func (c *fn) ifStmt(x *syntax.IfExpr) {
	if k := c.constant(x.Cond); k != nil && !k.IsStr {
		switch {
		case k.Int != 0:
			c.blockStmts(x.Then)
		case x.Else != nil:
			c.effect(x.Else)
		}
		return
	}
	yes, join := c.block(), c.block()
	no := join
	if x.Else != nil {
		no = c.block()
	}
	before := c.found
	c.cond(x.Cond, yes, no)
	c.b = yes
	c.branching(func() { c.blockStmts(x.Then) })
	c.jump(join)
	c.b = no
	c.otherwise(before, func() {
		if x.Else != nil {
			c.effect(x.Else)
		}
	})
	if x.Else != nil {
		c.jump(join)
	}
	c.b = join
	if len(join.Preds) == 0 {
		c.b = nil
	}
}

func (c *fn) stmt(s syntax.Stmt) {
	if c.b == nil {
		return // unreachable
	}
	defer c.at(s)()
	switch s := s.(type) {
	case *syntax.ExprStmt:
		c.effect(s.X)
	case *syntax.Let:
		c.let(s)
	case *syntax.Assign:
		c.assign(s)
	case *syntax.Discard:
		c.effect(s.X)
	case *syntax.If:
		c.effect(s.X)
	case *syntax.While:
		c.while(s)
	case *syntax.Unroll:
		c.unroll(s)
	case *syntax.For:
		c.forLoop(s)
	case *syntax.Jump:
		c.jumpStmt(s)
	case *syntax.BlockStmt:
		c.blockStmts(s.X)
	case *syntax.ImportStmt:
	default:
		c.unsupported(s.Span(), "this statement")
	}
}

// local is where l lives; it's made at first sight, zeroed.
func (c *fn) local(l *types.Local) *local {
	if l == nil {
		return nil
	}
	if v := c.locals[l]; v != nil {
		return v
	}
	if c.outer != nil {
		if v := c.captured(l); v != nil {
			c.locals[l] = v
			return v
		}
	}
	v := &local{t: l.Type, slot: c.slotFor(l)}
	c.locals[l] = v
	return v
}

func (c *fn) slotFor(l *types.Local) *ssa.Slot {
	n := max(1, bytesOf(l.Type))
	align := alignOf(l.Type)
	if n >= 8 {
		align = 8
	}
	s := c.f.NewSlot(l.Name, n, align)
	s.Pos = l.Decl.Start
	if c.info.Facts.Kernel < v5_12StackIndex && (l.Type.Kind == types.Array || l.Type.Kind == types.Struct) {
		s.Scratch = c.used.indexed[l]
	}
	return s
}

func (c *fn) localAddr(l *local) *ssa.Value {
	if l.slot == nil {
		return c.addI(l.addr, l.off)
	}
	return c.slotAddr(l.slot, l.off)
}

func (c *fn) let(s *syntax.Let) {
	info := c.info.Locals[s.Name.ID()]
	if info == nil || info.Type == nil {
		return // it's never assigned, which the checker warns of
	}
	l := c.local(info)
	if s.X != nil {
		c.assignLocal(l, info, s.X)
		return
	}
	c.zero(c.localAddr(l), bytesOf(l.t), ssa.MemSlot, min(8, alignOf(l.t)))
}

// assignLocal sets a scratch variable.
func (c *fn) assignLocal(l *local, info *types.Local, x syntax.Expr) {
	if !scalar(l.t) {
		c.intoPart(ref{base: c.localAddr(l), class: ssa.MemSlot}, info, x, l.t)
		return
	}
	o := c.convert(c.expr(x), l.t)
	c.setLocal(l, info, o)
}

// intoPart is into for a place in variable l: a value that is made of what is there is made first.
func (c *fn) intoPart(r ref, l *types.Local, x syntax.Expr, t *types.Type) {
	if !mentions(c, x, l) {
		c.into(c.refAddr(r), r.class, x, t, true)
		return
	}
	if t.Kind == types.Array || t.Kind == types.Struct {
		buf := c.slot("value", bytesOf(t), 8)
		c.into(buf, ssa.MemSlot, x, t, true)
		c.move(c.refAddr(r), r.class, buf, ssa.MemSlot, bytesOf(t), min(alignOf(t), 8))
		return
	}
	c.storeOperand(c.refAddr(r), r.class, c.expr(x), t)
}

func (c *fn) setLocal(l *local, info *types.Local, o operand) {
	if c.b == nil {
		return
	}
	if o.v == nil {
		c.unsupported(c.span(), "this value in variable %s", info.Name)
		return
	}
	v := o.v
	if o.btf && l.t.Kind == types.Pointer && c.used.sets[info] == 1 {
		l.btf = true
	} else if l.t.Kind == types.Pointer && l.t.Space == types.SpaceCtx {
		// stays a context pointer
	} else {
		v = c.asInt(v)
	}
	c.storeLocal(l, v)
}

// mentions reports whether e reads l.
func mentions(c *fn, e syntax.Expr, l *types.Local) bool {
	found := false
	syntax.Inspect(e, func(n syntax.Node) bool {
		if v, ok := n.(*syntax.VarExpr); ok && c.info.Locals[v.ID()] == l {
			found = true
		}
		return !found
	})
	return found
}

func (c *fn) assign(s *syntax.Assign) {
	switch t := unparen(s.Target).(type) {
	case *syntax.VarExpr:
		info := c.info.Locals[t.ID()]
		l := c.local(info)
		if l == nil {
			return
		}
		if s.Op == syntax.ASSIGN {
			c.assignLocal(l, info, s.X)
			return
		}
		o := c.arith(s.Op, c.variable(t), c.expr(s.X), l.t)
		c.setLocal(l, info, c.convert(o, l.t))
	case *syntax.MapExpr:
		c.mapAssign(s, t, nil)
	case *syntax.IndexExpr:
		if m, ok := unparen(t.X).(*syntax.MapExpr); ok {
			c.mapAssign(s, m, t.Args)
			return
		}
		c.assignPart(s)
	case *syntax.FieldExpr:
		c.assignPart(s)
	default:
		c.unsupported(s.Target.Span(), "assigning to this")
	}
}

// increment is ++ or -- on a variable or a map's element.
func (c *fn) increment(x *syntax.UnaryExpr) operand {
	t := c.typeOf(x)
	op := pick(x.Op == syntax.PreInc || x.Op == syntax.PostInc, ssa.OpAdd, ssa.OpSub)
	post := x.Op == syntax.PostInc || x.Op == syntax.PostDec
	switch y := unparen(x.X).(type) {
	case *syntax.VarExpr:
		info := c.info.Locals[y.ID()]
		l := c.local(info)
		if l == nil {
			break
		}
		old := c.variable(y)
		step := int64(1)
		if l.t.Kind == types.Pointer && l.t.Elem != nil {
			step = int64(max(1, bytesOf(l.t.Elem)))
		}
		v := c.extendTo(c.bin(op, c.asInt(old.v), c.constI(step)), l.t)
		c.storeLocal(l, v)
		if post {
			v = c.asInt(old.v)
		}
		return operand{t: t, v: v}
	case *syntax.MapExpr:
		return c.mapIncrement(x, y, nil, op, post)
	case *syntax.IndexExpr:
		if m, ok := unparen(y.X).(*syntax.MapExpr); ok {
			return c.mapIncrement(x, m, y.Args, op, post)
		}
		return c.incrementPart(x, op, post)
	case *syntax.FieldExpr:
		return c.incrementPart(x, op, post)
	}
	c.unsupported(x.Span(), "%s on this", x.Op)
	return operand{t: t, v: c.constI(0)}
}

func (c *fn) jumpStmt(s *syntax.Jump) {
	if s.Kind == syntax.Return {
		c.returnStmt(s)
		return
	}
	if len(c.loops) == 0 {
		return // the checker reported it
	}
	l := c.loops[len(c.loops)-1]
	switch {
	case l.callback && s.Kind == syntax.Break:
		c.leave(c.constI(1))
	case l.callback:
		c.leave(c.constI(0))
	case s.Kind == syntax.Break:
		c.jump(l.brk)
	default:
		c.jump(l.cont)
	}
}

// returnStmt leaves the function or the program, out of callbacks too.
func (c *fn) returnStmt(s *syntax.Jump) {
	if call, here := c.calling(); call != nil {
		c.returnFrom(call, here, s.X)
		return
	}
	if c.outer != nil {
		c.returnThroughCallback()
		return
	}
	var v *ssa.Value
	if s.X != nil {
		v = c.intExpr(s.X)
		if c.kind != probe.Test && c.kind != probe.Bench {
			v = nil // the kernel would take it for "keep the event" or worse
		}
	}
	c.leave(v)
}
