package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// unparen is e without the parentheses and comptime marks around it.
func unparen(e syntax.Expr) syntax.Expr {
	for {
		switch x := e.(type) {
		case *syntax.ParenExpr:
			e = x.X
		case *syntax.ComptimeExpr:
			e = x.X
		default:
			return e
		}
	}
}

// at sets the source position of what's emitted to e's, until the returned func is called.
func (c *fn) at(n syntax.Node) func() {
	pos, where := c.pos, c.where
	if s := n.Span(); s.IsValid() {
		if e, ok := n.(syntax.Expr); ok {
			s.Start = firstPos(e)
		}
		c.pos, c.where = s.Start, s
	}
	return func() { c.pos, c.where = pos, where }
}

// firstPos is where e begins without the parentheses around its first operand, which is
// the place that bpftrace shows.
func firstPos(e syntax.Expr) diag.Pos {
	switch x := unparen(e).(type) {
	case *syntax.FieldExpr:
		return firstPos(x.X)
	case *syntax.IndexExpr:
		return firstPos(x.X)
	case *syntax.TupleIndex:
		return firstPos(x.X)
	case *syntax.BinaryExpr:
		return firstPos(x.X)
	default:
		return x.Span().Start
	}
}

// span is the place of the expression or statement that code is made for.
func (c *fn) span() diag.Span {
	if c.where.IsValid() {
		return c.where
	}
	return diag.Span{Start: c.pos, End: c.pos + 1}
}

func (c *fn) typeOf(e syntax.Expr) *types.Type {
	if id := int(e.ID()); id < len(c.info.Types) && c.info.Types[id] != nil {
		return c.info.Types[id]
	}
	return &types.Type{Kind: types.Invalid}
}

func (c *fn) builtin(e syntax.Expr) *types.Builtin {
	if id := int(e.ID()); id < len(c.info.Calls) {
		return c.info.Calls[id]
	}
	return nil
}

func (c *fn) constant(e syntax.Expr) *types.Const {
	if id := int(e.ID()); id < len(c.info.Consts) {
		return c.info.Consts[id]
	}
	return nil
}

func callArgs(e syntax.Expr) []syntax.Expr {
	if call, ok := e.(*syntax.CallExpr); ok {
		return call.Args
	}
	return nil
}

// expr evaluates e: scalars into a value, the rest to a place in memory.
func (c *fn) expr(e syntax.Expr) operand {
	defer c.at(e)()
	t := c.typeOf(e)
	if k := c.constant(e); k != nil {
		if k.IsStr {
			s := k.Str
			return operand{t: t, lit: &s}
		}
		return operand{t: t, v: c.constU(k.Int)}
	}
	switch x := e.(type) {
	case *syntax.ParenExpr:
		return c.expr(x.X)
	case *syntax.ComptimeExpr:
		return c.expr(x.X)
	case *syntax.IntLit:
		return operand{t: t, v: c.constU(x.Val)}
	case *syntax.BoolLit:
		return operand{t: t, v: c.constI(b2i(x.Val))}
	case *syntax.StringLit:
		return operand{t: t, lit: &x.Val}
	case *syntax.VarExpr:
		return c.variable(x)
	case *syntax.MapExpr:
		return c.mapRead(x, nil)
	case *syntax.IndexExpr:
		return c.index(x)
	case *syntax.FieldExpr:
		return c.field(x)
	case *syntax.TupleIndex:
		return c.selected(x.X, c.info.Fields[x.ID()], t)
	case *syntax.UnaryExpr:
		return c.unary(x)
	case *syntax.BinaryExpr:
		return c.binary(x)
	case *syntax.CondExpr:
		return c.ternary(x)
	case *syntax.IfExpr:
		return c.ifExpr(x)
	case *syntax.Block:
		return c.blockValue(x, t)
	case *syntax.CastExpr:
		return c.cast(x)
	case *syntax.TupleExpr, *syntax.RecordExpr:
		buf := c.slot("tuple", bytesOf(t), 8)
		c.into(buf, ssa.MemSlot, e, t, true)
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	case *syntax.CallExpr, *syntax.Ident, *syntax.TypeinfoExpr:
		return c.callOrName(e)
	}
	c.unsupported(e.Span(), "this expression")
	return operand{t: t, v: c.constI(0)}
}

// variable reads a scratch variable.
func (c *fn) variable(x *syntax.VarExpr) operand {
	l := c.local(c.info.Locals[x.ID()])
	if l == nil {
		return operand{t: c.typeOf(x), v: c.constI(0)}
	}
	p := c.localAddr(l)
	if !scalar(l.t) {
		return operand{t: l.t, ref: ref{base: p, class: ssa.MemSlot}}
	}
	o := operand{t: l.t, v: c.loadLocal(l), btf: l.btf}
	if l.t.Kind == types.Pointer && l.t.Space == types.SpaceCtx {
		o.v.Type = ssa.Ptr
	}
	return o
}

// index is x[i]: a map's element, an array's, a tuple's, or what lies behind a pointer.
func (c *fn) index(x *syntax.IndexExpr) operand {
	if m, ok := unparen(x.X).(*syntax.MapExpr); ok {
		return c.mapRead(m, x.Args)
	}
	t := c.typeOf(x)
	if sel := c.info.Fields[x.ID()]; sel != nil {
		return c.selected(x.X, sel, t)
	}
	base := c.expr(x.X)
	var r ref
	elem := t
	switch base.t.Kind {
	case types.Pointer:
		r = c.follow(base)
		if base.t.Elem != nil {
			elem = base.t.Elem
		}
	case types.Array:
		r, elem = base.ref, base.t.Elem
		if base.v != nil || base.lit != nil {
			r = c.inMemory(base)
		}
	case types.String:
		r = c.inMemory(base)
	default:
		c.unsupported(x.Span(), "an index into a %s", kindName(base.t))
		return operand{t: t, v: c.constI(0)}
	}
	return c.deref(c.element(r, x.Args[0], max(1, bytesOf(elem)), base.t), elem)
}

// element is the place of the i-th element of size bytes each after r.
func (c *fn) element(r ref, i syntax.Expr, size uint32, in *types.Type) ref {
	if k := c.constant(i); k != nil {
		return r.add(int64(k.Int) * int64(size))
	}
	n := c.intExpr(i)
	if r.class == ssa.MemSlot || r.class == ssa.MemMap || r.class == ssa.MemConst {
		// The verifier wants a bound.
		if length := bytesOf(in) / size; !c.within(i, length) {
			n = c.bounded(n, length)
		}
		return c.scaled(r, n, size)
	}
	if in.Kind == types.Array && in.Len > 0 {
		// It's read all the same: the end of a struct may be an array of more than it says.
		c.ifThen(c.cmp(ssa.OpULe, c.constI(int64(in.Len)), n), -1, func() { c.reportText(siteBounds) })
	}
	off := c.bin(ssa.OpMul, n, c.constI(int64(size)))
	addr := c.bin(ssa.OpAdd, c.asInt(c.refAddr(r)), off)
	// An address with a variable part is no BTF pointer or context any more.
	return ref{base: addr, probed: true, user: r.user, any: r.any}
}

// bounded gives index n, or 0 with a report when there are no more than length elements.
func (c *fn) bounded(n *ssa.Value, length uint32) *ssa.Value {
	return c.ifElse(c.cmp(ssa.OpULt, n, c.constI(int64(length))), 1,
		func() *ssa.Value { return n },
		func() *ssa.Value {
			c.reportText(siteBounds)
			return c.constI(0)
		})
}

// clamp makes indexes past the end read element 0, so that the verifier knows the bound.
func (c *fn) clamp(n *ssa.Value, length uint32) *ssa.Value {
	ok := c.cmp(ssa.OpULt, n, c.constI(int64(length)))
	return c.ifElse(ok, 1, func() *ssa.Value { return n }, func() *ssa.Value { return c.constI(0) })
}

// field is x.name or x->name.
func (c *fn) field(x *syntax.FieldExpr) operand {
	t := c.typeOf(x)
	sel := c.info.Fields[x.ID()]
	if sel == nil {
		c.unsupported(x.Span(), "this member")
		return operand{t: t, v: c.constI(0)}
	}
	return c.selected(x.X, sel, t)
}

// selected is a member of the struct, tuple, record or pointee that x is.
func (c *fn) selected(x syntax.Expr, sel *types.Selection, t *types.Type) operand {
	if b := c.builtin(unparen(x)); b != nil && b.Name == "args" {
		if o, ok := c.argField(sel, t); ok {
			return o
		}
	}
	base := c.expr(x)
	var r ref
	switch {
	case base.t.Kind == types.Pointer && base.btf && (c.kind == probe.Iter || c.opt.CheckNull):
		return c.guarded(base, sel, t)
	case base.t.Kind == types.Pointer:
		r = c.follow(base)
	case base.v != nil && base.ref.base == nil:
		r = c.inMemory(base)
	default:
		r = base.ref
	}
	if sel.Field.BitLen > 0 && r.own() {
		return operand{t: t, v: c.bitfield(bitMember(r, pointee(base.t), sel))}
	}
	o := c.member(r, sel, t)
	if c.kind == probe.Iter && base.t.Kind == types.Pointer && base.t.Space == types.SpaceCtx {
		c.skipEnd(&o)
	}
	return o
}

// pointee is what t points to, or t.
func pointee(t *types.Type) *types.Type {
	for t.Kind == types.Pointer && t.Elem != nil {
		t = t.Elem
	}
	return t
}

// member reads the member sel of what's at r.
func (c *fn) member(r ref, sel *types.Selection, t *types.Type) operand {
	f := sel.Field
	r = r.add(int64(sel.Offset))
	switch {
	case f.BitLen > 0:
		return operand{t: t, v: c.bitfield(bitField{ref: r, Field: f})}
	case f.DataLoc:
		return c.dataLoc(r, t)
	case f.Type == nil:
		return c.deref(r, t)
	}
	o := c.deref(r, f.Type)
	if o.btf && throughUnion(sel) {
		o.btf = false
		o.v = c.asInt(o.v)
	}
	if f.Type.Kind != t.Kind {
		return c.convert(o, t)
	}
	o.t = t
	return o
}

// throughUnion tells whether a member shares its place with others, so that the verifier
// may take a pointer there for another one.
func throughUnion(sel *types.Selection) bool {
	for _, f := range sel.Path[:max(0, len(sel.Path)-1)] {
		if f.Type != nil && f.Type.Kind == types.Struct && f.Type.S != nil && f.Type.S.Union {
			return true
		}
	}
	return false
}

// dataLoc is a tracepoint's variable-length member: the record holds where it is.
func (c *fn) dataLoc(r ref, t *types.Type) operand {
	loc := c.load(r.base, r.off, mem(4, r.class, false))
	off := c.bin(ssa.OpAnd, loc, c.constI(0xffff))
	addr := c.bin(ssa.OpAdd, c.asInt(c.ctx), off)
	if scalar(t) {
		return operand{t: t, v: addr}
	}
	return operand{t: t, ref: ref{base: addr, probed: true}}
}

// unary is op x, and the increments.
func (c *fn) unary(x *syntax.UnaryExpr) operand {
	t := c.typeOf(x)
	switch x.Op {
	case syntax.Neg, syntax.BitNot:
		// Computed in the operand's width: ~(uint8)5 is 250.
		op := pick(x.Op == syntax.Neg, ssa.OpNeg, ssa.OpNot)
		return operand{t: t, v: c.extendTo(c.emit(op, ssa.I64, c.intExpr(x.X)), c.typeOf(x.X))}
	case syntax.Not:
		v := c.truth(c.expr(x.X))
		return operand{t: t, v: c.cmp(ssa.OpEq, c.asInt(v), c.constI(0))}
	case syntax.Deref:
		p := c.expr(x.X)
		if p.t.Kind != types.Pointer {
			p.t = &types.Type{Kind: types.Pointer, Size: 8, Elem: t, Space: p.t.Space}
		}
		return c.deref(c.follow(p), t)
	case syntax.AddrOf:
		return c.addressOf(x, t)
	case syntax.PreInc, syntax.PreDec, syntax.PostInc, syntax.PostDec:
		return c.increment(x)
	}
	c.unsupported(x.Span(), "operator %s", x.Op)
	return operand{t: t, v: c.constI(0)}
}

// addressOf is &$x, &@m of a map without keys, or the address of a field.
func (c *fn) addressOf(x *syntax.UnaryExpr, t *types.Type) operand {
	switch y := unparen(x.X).(type) {
	case *syntax.VarExpr:
		if l := c.local(c.info.Locals[y.ID()]); l != nil {
			return operand{t: t, v: c.localAddr(l), local: true, ref: ref{class: ssa.MemSlot}}
		}
	case *syntax.MapExpr:
		if st := c.mapFor(y); st != nil && st.v.Storage == object.StoreGlobal {
			return operand{t: t, v: c.globalAddr(st.v), local: true, ref: ref{class: ssa.MemMap}}
		}
		c.unsupported(x.Span(), "the address of a map with keys, or of an aggregation")
		return operand{t: t, v: c.constI(0)}
	case *syntax.FieldExpr:
		if sel := c.info.Fields[y.ID()]; sel != nil {
			base := c.expr(y.X)
			if base.t.Kind == types.Pointer {
				r := c.follow(base).add(int64(sel.Offset))
				return operand{t: t, v: c.asInt(c.refAddr(r))}
			}
			if base.ref.base != nil && base.ref.probed {
				return operand{t: t, v: c.asInt(c.refAddr(base.ref.add(int64(sel.Offset))))}
			}
		}
	}
	c.unsupported(x.Span(), "the address of this")
	return operand{t: t, v: c.constI(0)}
}

// ternary is c ? a : b.
func (c *fn) ternary(x *syntax.CondExpr) operand {
	t := c.typeOf(x)
	if k := c.constant(x.Cond); k != nil && !k.IsStr {
		switch { // the other side's type may be another
		case k.Int == 0:
			return c.convert(c.expr(x.B), t)
		case x.A != nil:
			return c.convert(c.expr(x.A), t)
		}
	}
	if x.A == nil {
		v := c.scalarAs(x.Cond, t)
		return operand{t: t, v: c.ifElse(c.truth(operand{t: t, v: v}), 0,
			func() *ssa.Value { return v },
			func() *ssa.Value { return c.scalarAs(x.B, t) })}
	}
	return c.choose(x.Cond, t, func(dst *ssa.Value) *ssa.Value { return c.side(x.A, t, dst) },
		func(dst *ssa.Value) *ssa.Value { return c.side(x.B, t, dst) })
}

// choose evaluates one of two sides to a value of type t; sides that are no scalars write it to dst.
func (c *fn) choose(cond syntax.Expr, t *types.Type, a, b func(dst *ssa.Value) *ssa.Value) operand {
	var dst *ssa.Value
	if !scalar(t) && t.Kind != types.Void && t.Kind != types.Invalid {
		dst = c.slot("choice", bytesOf(t), 8)
	}
	yes, no := c.block(), c.block()
	before := c.found
	c.cond(cond, yes, no)
	v := c.join(yes, no, func() *ssa.Value { return a(dst) }, func() (v *ssa.Value) {
		c.otherwise(before, func() { v = b(dst) })
		return v
	})
	c.found = stillFound(before, c.found)
	if dst != nil {
		return operand{t: t, ref: ref{base: dst, class: ssa.MemSlot}}
	}
	return operand{t: t, v: v}
}

// side evaluates one side of a choice.
func (c *fn) side(e syntax.Expr, t *types.Type, dst *ssa.Value) *ssa.Value {
	switch {
	case t.Kind == types.Void || t.Kind == types.Invalid:
		c.effect(e)
		return nil
	case dst != nil:
		c.into(dst, ssa.MemSlot, e, t, true)
		return nil
	}
	return c.asInt(c.scalarAs(e, t))
}

// ifExpr is if used as an expression or a statement.
func (c *fn) ifExpr(x *syntax.IfExpr) operand {
	t := c.typeOf(x)
	if k := c.constant(x.Cond); k != nil && !k.IsStr {
		switch {
		case k.Int != 0:
			return c.blockValue(x.Then, t)
		case x.Else != nil:
			return c.expr(x.Else)
		}
		return operand{t: t}
	}
	els := func(dst *ssa.Value) *ssa.Value {
		if x.Else == nil {
			return nil
		}
		return c.side(x.Else, t, dst)
	}
	return c.choose(x.Cond, t, func(dst *ssa.Value) *ssa.Value { return c.side(x.Then, t, dst) }, els)
}

// cast is (type)x.
func (c *fn) cast(x *syntax.CastExpr) operand {
	t := c.typeOf(x)
	o := c.expr(x.X)
	if o.v == nil && o.lit == nil && t.Kind == types.Pointer && o.t.Kind != types.Pointer {
		if o.ref.base != nil {
			// A struct or array seen through a pointer: its address.
			return operand{t: t, v: c.asInt(c.refAddr(o.ref))}
		}
	}
	return c.convert(o, t)
}
