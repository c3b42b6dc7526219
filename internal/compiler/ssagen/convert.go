package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// convert makes o a value of type t, as assignments and casts do.
func (c *fn) convert(o operand, t *types.Type) operand {
	if t == nil || t.Kind == types.Invalid || t.Kind == types.Void || o.t == t {
		return o
	}
	switch {
	case isAgg(o.t) && scalar(t):
		if o.v == nil {
			o.v = c.number(o.t, c.refAddr(c.inMemory(o)))
		}
		return operand{t: t, v: c.extendTo(o.v, t)}
	case t.Kind == types.Bool && o.v != nil:
		if o.t.Kind == types.Bool {
			return operand{t: t, v: o.v}
		}
		return operand{t: t, v: c.truth(o)}
	case scalar(t) && o.v != nil:
		r := operand{t: t, v: o.v, btf: o.btf && t.Kind == types.Pointer && samePointee(o.t, t), local: o.local, ref: o.ref}
		switch {
		case t.Kind == types.Int || t.Kind == types.Enum:
			r.v = c.narrow(c.asInt(o.v), o.t, t)
		case t.Kind == types.Pointer && o.t.Kind == types.Int && o.t.Signed:
			// An address has no sign: that of int8 -1 is 0xff.
			r.v = c.extend(c.asInt(o.v), types.IntType(o.t.Size, false))
		}
		return r
	case scalar(t) && o.v == nil && o.t.Kind == types.Array:
		// An array's bytes as an integer of the same size.
		r := c.inMemory(o)
		return operand{t: t, v: c.load(r.base, r.off, mem(bytesOf(t), r.class, t.Signed))}
	case scalar(t) && o.v == nil && o.t.Kind == types.Usym:
		r := c.inMemory(o)
		return operand{t: t, v: c.load(r.base, r.off, mem(8, r.class, false))}
	case t.Kind == types.Array && o.v != nil:
		n := bytesOf(o.t)
		if bytesOf(t) <= n {
			return operand{t: t, ref: c.inBytes(o)}
		}
		buf := c.slot("cast", bytesOf(t), 8)
		c.zero(buf, bytesOf(t), ssa.MemSlot, 8)
		c.store(buf, 0, c.asInt(o.v), n, ssa.MemSlot)
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	case t.Kind == types.String && o.t.Kind == types.String, t.Kind == types.String && o.t.Kind == types.Array,
		t.Kind == types.Array && o.t.Kind == types.String:
		if o.lit != nil || bytesOf(o.t) < bytesOf(t) {
			return c.grown(o, t)
		}
		o.chars = o.chars || o.t.Kind == types.Array
		o.t = t
		return o
	case (t.Kind == types.Tuple || t.Kind == types.Record) && o.v == nil && !sameLayout(o.t, t):
		buf := c.slot("tuple", bytesOf(t), 8)
		c.storeOperand(buf, ssa.MemSlot, o, t)
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	}
	o.t = t
	return o
}

func samePointee(a, b *types.Type) bool {
	if a.Kind != types.Pointer || b.Kind != types.Pointer || a.Elem == nil || b.Elem == nil {
		return false
	}
	return a.Elem == b.Elem || a.Elem.Kind == types.Struct && b.Elem.Kind == types.Struct &&
		a.Elem.S != nil && b.Elem.S != nil && (a.Elem.S == b.Elem.S || a.Elem.S.Name != "" && a.Elem.S.Name == b.Elem.S.Name)
}

// sameLayout reports whether two tuples (records) have their fields at the same places in the same widths.
func sameLayout(a, b *types.Type) bool {
	if a == b {
		return true
	}
	if len(a.Fields) != len(b.Fields) || bytesOf(a) != bytesOf(b) {
		return false
	}
	for i := range a.Fields {
		x, y := a.Fields[i], b.Fields[i]
		if x.Name != y.Name || x.Offset != y.Offset || x.Type.Kind != y.Type.Kind || bytesOf(x.Type) != bytesOf(y.Type) || x.Type.Signed != y.Type.Signed {
			return false
		}
		if (x.Type.Kind == types.Tuple || x.Type.Kind == types.Record) && !sameLayout(x.Type, y.Type) {
			return false
		}
	}
	return true
}

// grown copies a shorter string into a zeroed buffer of t's size.
func (c *fn) grown(o operand, t *types.Type) operand {
	buf := c.slot("str", bytesOf(t), 8)
	c.storeString(buf, ssa.MemSlot, o, bytesOf(t), true)
	return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
}

// asInt is v as an I64: pointers become numbers.
func (c *fn) asInt(v *ssa.Value) *ssa.Value {
	switch v.Type {
	case ssa.Ptr:
		return c.emit(ssa.OpCopy, ssa.I64, v)
	case ssa.Bool:
		return c.emit(ssa.OpZExt32, ssa.I64, v)
	}
	return v
}

// narrow gives v, extended as from, the value and extension of type to.
func (c *fn) narrow(v *ssa.Value, from, to *types.Type) *ssa.Value {
	size := bytesOf(to)
	if size >= 8 {
		return v
	}
	if from.Kind == types.Int || from.Kind == types.Enum || from.Kind == types.Bool {
		if fs := bytesOf(from); fs < size && (from.Signed == to.Signed || !from.Signed) || fs == size && from.Signed == to.Signed {
			return v
		}
	}
	return c.extend(v, to)
}

func (c *fn) extendTo(v *ssa.Value, t *types.Type) *ssa.Value {
	if bytesOf(t) < 8 && (t.Kind == types.Int || t.Kind == types.Enum) {
		return c.extend(v, t)
	}
	return v
}

// truth is whether o isn't zero, as a Bool.
func (c *fn) truth(o operand) *ssa.Value {
	switch {
	case o.lit != nil:
		return c.constI(b2i(*o.lit != ""))
	case o.v == nil && o.t.Kind == types.String:
		r := c.inMemory(o)
		return c.cmp(ssa.OpNe, c.load(r.base, r.off, mem(1, r.class, false)), c.constI(0))
	case o.v == nil:
		c.unsupported(c.span(), "a %s as a condition", kindName(o.t))
		return c.constI(0)
	case o.v.Type == ssa.Bool:
		return o.v
	}
	return c.cmp(ssa.OpNe, c.asInt(o.v), c.constI(0))
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// scalarAs evaluates e as a register value of type t.
func (c *fn) scalarAs(e syntax.Expr, t *types.Type) *ssa.Value {
	o := c.convert(c.expr(e), t)
	if o.v == nil {
		if c.b != nil && !c.rep.Failed() {
			c.unsupported(e.Span(), "a %s where a number is needed", kindName(o.t))
		}
		return c.constI(0)
	}
	return o.v
}

// intExpr evaluates e as a 64-bit integer.
func (c *fn) intExpr(e syntax.Expr) *ssa.Value {
	o := c.expr(e)
	if o.v == nil {
		o = c.convert(o, int64Type)
	}
	if o.v == nil {
		return c.constI(0)
	}
	return c.asInt(o.v)
}

var (
	int64Type  = &types.Type{Kind: types.Int, Size: 8, Signed: true}
	uint64Type = &types.Type{Kind: types.Int, Size: 8}
	int32Type  = &types.Type{Kind: types.Int, Size: 4, Signed: true}
	uint32Type = &types.Type{Kind: types.Int, Size: 4}
)
