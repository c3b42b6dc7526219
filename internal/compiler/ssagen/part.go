package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// v5_12StackIndex is the kernel whose verifier follows an index into stack memory.
const v5_12StackIndex = 5<<16 | 12<<8

// place is an element or member of what is in a variable.
type place struct {
	ref
	t    *types.Type
	bits *bitField // it's a bit-field
}

// withPart runs set with the place that e names. An index that is out of range is reported, and
// nothing is set.
func (c *fn) withPart(e syntax.Expr, set func(p place)) {
	switch x := unparen(e).(type) {
	case *syntax.VarExpr:
		if l := c.local(c.info.Locals[x.ID()]); l != nil {
			set(place{ref: ref{base: c.localAddr(l), class: ssa.MemSlot}, t: l.t})
		}
	case *syntax.FieldExpr:
		sel := c.info.Fields[x.ID()]
		c.withPart(x.X, func(p place) {
			member := place{ref: p.add(int64(sel.Offset)), t: sel.Field.Type}
			if sel.Field.BitLen > 0 {
				f := bitMember(p.ref, p.t, sel)
				member.bits = &f
			}
			set(member)
		})
	case *syntax.IndexExpr:
		c.withPart(x.X, func(p place) { c.withElement(p, x.Args[0], set) })
	}
}

// withElement is withPart for element i of the array at p.
func (c *fn) withElement(p place, i syntax.Expr, set func(p place)) {
	elem := p.t.Elem
	size := bytesOf(elem)
	if k := c.constant(i); k != nil {
		set(place{ref: p.add(int64(k.Int) * int64(size)), t: elem})
		return
	}
	n := c.intExpr(i)
	if c.within(i, p.t.Len) {
		set(place{ref: c.scaled(p.ref, n, size), t: elem})
		return
	}
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(c.cmp(ssa.OpULt, n, c.constI(int64(p.t.Len))), yes, no, 1)
	c.b = no
	c.reportText(siteBounds)
	c.jump(join)
	c.b = yes
	set(place{ref: c.scaled(p.ref, n, size), t: elem})
	c.jump(join)
	c.b = join
}

// scaled is the place n elements of size bytes after r.
func (c *fn) scaled(r ref, n *ssa.Value, size uint32) ref {
	base := c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), c.bin(ssa.OpMul, n, c.constI(int64(size))))
	return ref{base: base, class: r.class}
}

// part is the value that a place has.
func (c *fn) part(p place) operand {
	if p.bits != nil {
		return operand{t: p.t, v: c.bitfield(*p.bits)}
	}
	return c.deref(p.ref, p.t)
}

// setPart writes a value, which is of the place's type.
func (c *fn) setPart(p place, o operand) {
	if p.bits != nil {
		c.setBitfield(*p.bits, c.asInt(o.v))
		return
	}
	c.storeOperand(c.refAddr(p.ref), p.class, o, p.t)
}

// assignPart is `$x[i] = value`, `$x.member += value` and their like.
func (c *fn) assignPart(s *syntax.Assign) {
	if s.Op == syntax.ASSIGN && !scalar(c.typeOf(s.Target)) {
		l := c.info.Locals[syntax.PlaceVar(s.Target).ID()]
		c.withPart(s.Target, func(p place) { c.intoPart(p.ref, l, s.X, p.t) })
		return
	}
	// The value may read what is set.
	value := c.expr(s.X)
	if c.b == nil {
		return
	}
	c.withPart(s.Target, func(p place) {
		o := value
		if s.Op != syntax.ASSIGN {
			o = c.arith(s.Op, c.part(p), value, p.t)
		}
		c.setPart(p, c.convert(o, p.t))
	})
}

// incrementPart is ++ or -- on an element or member; the value is the one before with post. One
// that isn't there is 0.
func (c *fn) incrementPart(x *syntax.UnaryExpr, op ssa.Op, post bool) operand {
	result := c.slot("value", 8, 8)
	c.store(result, 0, c.constI(0), 8, ssa.MemSlot)
	c.withPart(x.X, func(p place) {
		old := c.asInt(c.part(p).v)
		now := c.extendTo(c.bin(op, old, c.constI(1)), p.t)
		c.setPart(p, operand{t: p.t, v: now})
		if post {
			now = old
		} else if p.bits != nil {
			now = c.bitfield(*p.bits)
		}
		c.store(result, 0, now, 8, ssa.MemSlot)
	})
	return operand{t: c.typeOf(x), v: c.load(result, 0, mem(8, ssa.MemSlot, true))}
}
