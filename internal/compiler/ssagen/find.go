package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// findKey is find(@m, key, $v): whether the element is there, whose value $v then has.
func (c *fn) findKey(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	st, key := c.mapArg(args[:2])
	v, isVar := unparen(args[2]).(*syntax.VarExpr)
	if st == nil || key == nil || !isVar || st.v.Storage != object.StoreHash || st.v.Buckets {
		c.unsupported(e.Span(), "find on this map")
		return operand{t: t, v: c.constI(0)}
	}
	info := c.info.Locals[v.ID()]
	l := c.local(info)
	p := c.elementAt(st, key)
	return operand{t: t, v: c.ifElse(p, 1, func() *ssa.Value {
		o := operand{t: l.t}
		if st.agg {
			o.v = c.aggregateAt(st, c.key(st, key))
		} else {
			o = c.deref(ref{base: p, class: ssa.MemMap}, st.Value)
		}
		if scalar(l.t) {
			c.setLocal(l, info, c.convert(o, l.t))
		} else {
			c.storeOperand(c.localAddr(l), ssa.MemSlot, o, l.t)
		}
		return c.constI(1)
	}, func() *ssa.Value { return c.constI(0) })}
}

// assert is assert(condition, message): without the condition the session ends with the
// message and status 1.
func (c *fn) assert(e syntax.Expr, args []syntax.Expr) {
	holds, fails := c.block(), c.block()
	c.cond(args[0], holds, fails)
	c.b = fails
	c.branching(func() {
		index, a := c.newAction(object.ActionErrorf, e)
		a.Format = &object.Format{Parts: []object.FormatPart{
			{Lit: "assert failed: "}, {Verb: 's', Width: -1, Prec: -1},
		}}
		c.send(index, a, nil, args[1:])
		c.endSession(e, c.constI(1))
	})
	c.b = holds
}
