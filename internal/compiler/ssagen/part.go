package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// v5_12StackIndex is the kernel whose verifier follows an index into stack memory.
const v5_12StackIndex = 5<<16 | 12<<8

// withPart runs set with the place and type of an element or member of what is in a variable.
// An index that is out of range is reported, and nothing is set.
func (c *fn) withPart(e syntax.Expr, set func(r ref, t *types.Type)) {
	switch x := unparen(e).(type) {
	case *syntax.VarExpr:
		if l := c.local(c.info.Locals[x.ID()]); l != nil {
			set(ref{base: c.localAddr(l), class: ssa.MemSlot}, l.t)
		}
	case *syntax.FieldExpr:
		sel := c.info.Fields[x.ID()]
		c.withPart(x.X, func(r ref, _ *types.Type) { set(r.add(int64(sel.Offset)), sel.Field.Type) })
	case *syntax.IndexExpr:
		c.withPart(x.X, func(r ref, in *types.Type) { c.withElement(r, in, x.Args[0], set) })
	}
}

// withElement is withPart for element i of the array at r.
func (c *fn) withElement(r ref, in *types.Type, i syntax.Expr, set func(r ref, t *types.Type)) {
	size := bytesOf(in.Elem)
	if k := c.constant(i); k != nil {
		set(r.add(int64(k.Int)*int64(size)), in.Elem)
		return
	}
	n := c.intExpr(i)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(c.cmp(ssa.OpULt, n, c.constI(int64(in.Len))), yes, no, 1)
	c.b = no
	c.reportText(siteBounds)
	c.jump(join)
	c.b = yes
	base := c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), c.bin(ssa.OpMul, n, c.constI(int64(size))))
	set(ref{base: base, class: r.class}, in.Elem)
	c.jump(join)
	c.b = join
}

// assignPart is `$x[i] = value`, `$x.member += value` and their like.
func (c *fn) assignPart(s *syntax.Assign) {
	if s.Op == syntax.ASSIGN && !scalar(c.typeOf(s.Target)) {
		c.withPart(s.Target, func(r ref, t *types.Type) { c.into(c.refAddr(r), r.class, s.X, t, true) })
		return
	}
	// The value may read what is set.
	value := c.expr(s.X)
	if c.b == nil {
		return
	}
	c.withPart(s.Target, func(r ref, t *types.Type) {
		o := value
		if s.Op != syntax.ASSIGN {
			o = c.arith(s.Op, c.deref(r, t), value, t)
		}
		c.storeOperand(c.refAddr(r), r.class, c.convert(o, t), t)
	})
}

// incrementPart is ++ or -- on an element or member; the value is the one before with post. One
// that isn't there is 0.
func (c *fn) incrementPart(x *syntax.UnaryExpr, op ssa.Op, post bool) operand {
	result := c.slot("value", 8, 8)
	c.store(result, 0, c.constI(0), 8, ssa.MemSlot)
	c.withPart(x.X, func(r ref, t *types.Type) {
		old := c.asInt(c.deref(r, t).v)
		now := c.extendTo(c.bin(op, old, c.constI(1)), t)
		c.store(c.refAddr(r), 0, now, bytesOf(t), r.class)
		if post {
			now = old
		}
		c.store(result, 0, now, 8, ssa.MemSlot)
	})
	return operand{t: c.typeOf(x), v: c.load(result, 0, mem(8, ssa.MemSlot, true))}
}

// indexed reports whether a probe or function indexes variable l with what is known only when
// it runs.
func (g *gen) indexed(l *types.Local) bool {
	found := false
	look := func(n syntax.Node) bool {
		if x, ok := n.(*syntax.IndexExpr); ok && len(x.Args) == 1 && g.info.Consts[x.Args[0].ID()] == nil {
			if v := syntax.PlaceVar(x.X); v != nil && g.info.Locals[v.ID()] == l {
				found = true
			}
		}
		return !found
	}
	for _, u := range g.info.Units {
		syntax.Inspect(u.Body, look)
	}
	for _, f := range g.info.Funcs {
		syntax.Inspect(f.Decl.Body, look)
	}
	return found
}
