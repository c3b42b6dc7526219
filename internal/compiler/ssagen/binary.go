package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// binary is x op y.
func (c *fn) binary(x *syntax.BinaryExpr) operand {
	t := c.typeOf(x)
	switch x.Op {
	case syntax.LAnd, syntax.LOr, syntax.Eq, syntax.Ne, syntax.Lt, syntax.Le, syntax.Gt, syntax.Ge:
		if isCompare(x.Op) {
			return operand{t: t, v: c.compare(x)}
		}
		yes, no := c.block(), c.block()
		before := c.found
		c.cond(x, yes, no)
		c.found = stillFound(before, c.found)
		return operand{t: t, v: c.join(yes, no,
			func() *ssa.Value { return c.constI(1) }, func() *ssa.Value { return c.constI(0) })}
	}
	a, b := c.expr(x.X), c.expr(x.Y)
	return c.arith(x.Op, a, b, t)
}

func isCompare(op syntax.Op) bool { return op >= syntax.Eq && op <= syntax.Ge }

// arith is a op b for numbers and pointers, as a value of type t.
func (c *fn) arith(op syntax.Op, a, b operand, t *types.Type) operand {
	if t.Kind == types.Pointer {
		return c.pointerArith(op, a, b, t)
	}
	a, b = c.convertAgg(a), c.convertAgg(b)
	if a.v == nil || b.v == nil {
		c.unsupported(c.span(), "operator %s on %s and %s", op, kindName(a.t), kindName(b.t))
		return operand{t: t, v: c.constI(0)}
	}
	x, y := c.asInt(a.v), c.asInt(b.v)
	var o ssa.Op
	switch op {
	case syntax.Add:
		o = ssa.OpAdd
	case syntax.Sub:
		o = ssa.OpSub
	case syntax.Mul:
		o = ssa.OpMul
	case syntax.Div: // unsigned, as the language has it: the checker warns of signed ones
		return operand{t: t, v: c.divide(ssa.OpUDiv, x, y)}
	case syntax.Mod:
		return operand{t: t, v: c.divide(ssa.OpUMod, x, y)}
	case syntax.And:
		o = ssa.OpAnd
	case syntax.Or:
		o = ssa.OpOr
	case syntax.Xor:
		o = ssa.OpXor
	case syntax.Shl:
		o = ssa.OpShl
	case syntax.Shr:
		o = ssa.OpLShr // without a sign, too
	default:
		c.unsupported(c.span(), "operator %s", op)
		o = ssa.OpAdd
	}
	return operand{t: t, v: c.extendTo(c.bin(o, x, y), t)}
}

// divide is x / y or x % y; with zero for y it's 1, and reported.
func (c *fn) divide(op ssa.Op, x, y *ssa.Value) *ssa.Value {
	if y.Op == ssa.OpConst && y.AuxInt != 0 {
		return c.bin(op, x, y)
	}
	return c.ifElse(c.cmp(ssa.OpNe, y, c.constI(0)), 1,
		func() *ssa.Value { return c.bin(op, x, y) },
		func() *ssa.Value {
			c.reportText(siteDivide)
			return c.constI(1)
		})
}

// fixed reports whether v is a constant, of whatever width.
func fixed(v *ssa.Value) bool {
	for v.Op >= ssa.OpSExt8 && v.Op <= ssa.OpTrunc {
		v = v.Args[0]
	}
	return v.Op == ssa.OpConst
}

func pick(cond bool, a, b ssa.Op) ssa.Op {
	if cond {
		return a
	}
	return b
}

// convertAgg turns an aggregation that's used as a number, and a usym, into it.
func (c *fn) convertAgg(o operand) operand {
	if o.v == nil && (o.t.Kind == types.Usym || o.t.Kind == types.Array || isAgg(o.t)) {
		return c.convert(o, uint64Type)
	}
	return o
}

// pointerArith is p + n, n + p, p - n, in units of the pointee.
func (c *fn) pointerArith(op syntax.Op, a, b operand, t *types.Type) operand {
	if a.t.Kind != types.Pointer {
		a, b = b, a
	}
	size := int64(1)
	if a.t.Elem != nil && bytesOf(a.t.Elem) > 0 {
		size = int64(bytesOf(a.t.Elem))
	}
	n := c.bin(ssa.OpMul, c.asInt(b.v), c.constI(size))
	o := pick(op == syntax.Sub, ssa.OpSub, ssa.OpAdd)
	return operand{t: t, v: c.bin(o, c.asInt(a.v), n)}
}

// cond jumps to yes if e holds, else to no.
func (c *fn) cond(e syntax.Expr, yes, no *ssa.Block) {
	defer c.at(e)()
	if c.constant(e) == nil {
		switch x := unparen(e).(type) {
		case *syntax.BinaryExpr:
			switch x.Op {
			case syntax.LAnd:
				mid := c.block()
				c.cond(x.X, mid, no)
				c.b = mid
				c.cond(x.Y, yes, no)
				return
			case syntax.LOr:
				mid := c.block()
				// yes is reached from both sides: what one finds doesn't hold there.
				c.branching(func() {
					c.cond(x.X, yes, mid)
					c.b = mid
					c.cond(x.Y, yes, no)
				})
				return
			}
		case *syntax.UnaryExpr:
			if x.Op == syntax.Not {
				c.branching(func() { c.cond(x.X, no, yes) })
				return
			}
		}
	}
	v := c.truth(c.expr(e))
	if c.b != nil {
		c.branch(v, yes, no, guess(v))
	}
}

// guess says that a number seldom equals a constant. The verifier follows the likely side
// first: there the number keeps its range, and what it learns covers the other side,
// where the number is known. The other way round, a run of such tests would be walked
// a time for each of them.
func guess(v *ssa.Value) int8 {
	if len(v.Args) != 2 || !fixed(v.Args[0]) && !fixed(v.Args[1]) {
		return 0
	}
	switch v.Op {
	case ssa.OpEq:
		return -1
	case ssa.OpNe:
		return 1
	}
	return 0
}

// compare is x op y as a Bool.
func (c *fn) compare(x *syntax.BinaryExpr) *ssa.Value {
	if m := c.info.Cgroups[x.ID()]; m != nil {
		return c.matchCgroup(x.Op, m)
	}
	tx, ty := c.typeOf(x.X), c.typeOf(x.Y)
	if isText(tx) || isText(ty) {
		return c.compareStrings(x)
	}
	a, b := c.expr(x.X), c.expr(x.Y)
	if a.v == nil && b.v == nil && !isAgg(a.t) && !isAgg(b.t) && a.t.Kind != types.Usym {
		return c.compareBytes(x, a, b)
	}
	a, b = c.convertAgg(a), c.convertAgg(b)
	if a.v == nil || b.v == nil {
		c.unsupported(x.Span(), "comparing %s and %s", kindName(a.t), kindName(b.t))
		return c.constI(0)
	}
	// Both sides become what Promote makes of them: int64 and uint64 are compared signed.
	t := types.Promote(a.t, b.t)
	if t != nil && t.IsInt() {
		a, b = c.convert(a, t), c.convert(b, t)
	}
	p, q := c.asInt(a.v), c.asInt(b.v)
	signed := t != nil && t.IsInt() && t.Signed
	lt, le := pick(signed, ssa.OpSLt, ssa.OpULt), pick(signed, ssa.OpSLe, ssa.OpULe)
	switch x.Op {
	case syntax.Eq:
		return c.cmp(ssa.OpEq, p, q)
	case syntax.Ne:
		return c.cmp(ssa.OpNe, p, q)
	case syntax.Lt:
		return c.cmp(lt, p, q)
	case syntax.Le:
		return c.cmp(le, p, q)
	case syntax.Gt:
		return c.cmp(lt, q, p)
	}
	return c.cmp(le, q, p)
}

func isText(t *types.Type) bool { return t.Kind == types.String }

// compareBytes compares two tuples, records, arrays or the like for equality.
func (c *fn) compareBytes(x *syntax.BinaryExpr, a, b operand) *ssa.Value {
	if (a.t.Kind == types.Tuple || a.t.Kind == types.Record) && !sameLayout(a.t, b.t) {
		b = c.convert(b, a.t)
	}
	n := min(bytesOf(a.t), bytesOf(b.t))
	ra, rb := c.inMemory(a), c.inMemory(b)
	var mask []byte
	if a.t.Kind == types.Struct || a.t.Kind == types.Array {
		mask = a.t.Mask()
	}
	if !slices.ContainsFunc(mask, func(b byte) bool { return b != 0xff }) {
		mask = nil
	}
	return c.equalBytes(ra, rb, n, min(alignOf(a.t), 8), mask, x.Op == syntax.Ne)
}

// wordsAtOnce is the most words that are compared without a loop.
const wordsAtOnce = 32

// equalBytes compares n bytes, of which those bits count that are set in mask, if there's one; the
// result is inverted with ne. There's no early way out: the verifier would walk what follows once
// for each.
func (c *fn) equalBytes(a, b ref, n, align uint32, mask []byte, ne bool) *ssa.Value {
	align = min(align, a.align(), b.align())
	diff := c.constI(0)
	off := uint32(0)
	if words := n / align; words > wordsAtOnce {
		diff, off = c.differWords(a, b, words, align, mask), words*align
	}
	for w := align; off < n; off += w {
		for off+w > n {
			w >>= 1
		}
		bits := ones(8 * w)
		if mask != nil {
			bits = littleEndian(mask[off : off+w])
		}
		if bits == 0 {
			continue
		}
		x := c.load(a.base, a.off+int64(off), mem(w, a.class, false))
		y := c.load(b.base, b.off+int64(off), mem(w, b.class, false))
		d := c.bin(ssa.OpXor, x, y)
		if bits != ones(8*w) {
			d = c.bin(ssa.OpAnd, d, c.constU(bits))
		}
		diff = c.bin(ssa.OpOr, diff, d)
	}
	if ne {
		return c.cmp(ssa.OpNe, diff, c.constI(0))
	}
	return c.cmp(ssa.OpEq, diff, c.constI(0))
}

func littleEndian(b []byte) uint64 {
	n := uint64(0)
	for i, x := range b {
		n |= uint64(x) << (8 * i)
	}
	return n
}

// differWords is not zero when one of the words of size bytes differs.
func (c *fn) differWords(a, b ref, words, size uint32, mask []byte) *ssa.Value {
	diff := c.slot("cmp", 8, 8)
	c.store(diff, 0, c.constI(0), 8, ssa.MemSlot)
	get := func() *ssa.Value { return c.load(diff, 0, mem(8, ssa.MemSlot, false)) }
	c.countTo(c.constU(uint64(words*size)), int64(size), func(i *ssa.Value, _ *ssa.Block) {
		word := func(r ref) *ssa.Value {
			return c.load(c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), i), 0, mem(size, r.class, false))
		}
		d := c.bin(ssa.OpXor, word(a), word(b))
		if mask != nil {
			index, off := c.rodata.place(c.gen, mask)
			d = c.bin(ssa.OpAnd, d, word(ref{base: c.mapValue(index, off), class: ssa.MemConst}))
		}
		c.store(diff, 0, c.bin(ssa.OpOr, get(), d), 8, ssa.MemSlot)
	})
	return get()
}
