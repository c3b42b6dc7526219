package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// summary is @m[k] = summary(in): the moments, whose layout object has, and the bucket's count.
func (c *fn) summary(st *mapState, args []syntax.Expr, in *ssa.Value) {
	if c.b == nil {
		return
	}
	t := st.Value
	size, ordered := in, in // |in|, and in's place among all numbers
	negative := c.constI(0)
	if t.Signed {
		negative = c.bin(ssa.OpLShr, in, c.constI(63))
		mask := c.bin(ssa.OpAShr, in, c.constI(63))
		size = c.bin(ssa.OpSub, c.bin(ssa.OpXor, in, mask), mask)
		ordered = c.bin(ssa.OpXor, in, c.constI(-1<<63))
	}
	bucket := c.summaryBucket(size, int64(t.Digest.Bits))
	if t.Signed {
		bucket = c.bin(ssa.OpAdd, bucket, c.bin(ssa.OpMul, negative, c.constU(uint64(t.Digest.Len()))))
	}
	if st.v.Storage != object.StoreHash {
		// The bucket is in range by construction; the verifier needs to see it.
		c.ifThen(c.cmp(ssa.OpULt, bucket, c.constU(uint64(summaryLen(t)))), 1, func() {
			p := c.globalAddr(st.v)
			c.written(st.v, p)
			c.moments(p, in, size, ordered, t.Signed)
			c.addOne(c.emit(ssa.OpAdd, ssa.Ptr, p, c.bin(ssa.OpShl, bucket, c.constI(3))))
		})
		return
	}
	key := c.key(st, args)
	c.store(key.base, key.off+int64(st.v.BucketOff), bucket, 8, ssa.MemSlot)
	found := c.lookup(st.v.Map, key)
	p := c.ifElse(found, 1, func() *ssa.Value { return found }, func() *ssa.Value {
		zero := c.slot("val", object.SummaryElement, 8)
		c.zero(zero, object.SummaryElement, ssa.MemSlot, 8)
		c.update(st, key, zero)
		return c.lookup(st.v.Map, key)
	})
	c.ifThen(p, 1, func() {
		c.moments(p, in, size, ordered, t.Signed)
		c.addOne(p)
	})
}

// addOne counts in what stands behind the moments at p.
func (c *fn) addOne(p *ssa.Value) {
	n := c.load(p, object.SummaryMoments, mem(8, ssa.MemMap, false))
	c.store(p, object.SummaryMoments, c.bin(ssa.OpAdd, n, c.constI(1)), 8, ssa.MemMap)
}

// summaryBucket is the bucket of a number without its sign, as object.SummarySpec has them. It
// doesn't branch, and so leaves the verifier one path to follow, whatever it's used beside.
func (c *fn) summaryBucket(size *ssa.Value, bits int64) *ssa.Value {
	leading := c.leadingBit(c.bin(ssa.OpOr, size, c.constI(1<<bits)))
	shift := c.bin(ssa.OpSub, leading, c.constI(bits))
	return c.bin(ssa.OpAdd, c.bin(ssa.OpShl, shift, c.constI(bits)), c.bin(ssa.OpLShr, size, shift))
}

// deBruijn is a factor by which the 64 numbers 2^n - 1 get different upper 6 bits.
const deBruijn = 0x03f79d71b4cb0a89

// leadingBits are the positions of the leading bit of 2^n - 1, by those 6 bits.
func leadingBits() []byte {
	table := make([]byte, 64)
	for i := range uint64(64) {
		table[(uint64(2)<<i-1)*deBruijn>>58] = byte(i)
	}
	return table
}

// leadingBit is the position of the highest bit of v, which isn't zero.
func (c *fn) leadingBit(v *ssa.Value) *ssa.Value {
	for _, n := range []int64{1, 2, 4, 8, 16, 32} {
		v = c.bin(ssa.OpOr, v, c.bin(ssa.OpLShr, v, c.constI(n)))
	}
	index, off := c.rodata.place(c.gen, leadingBits())
	row := c.bin(ssa.OpLShr, c.bin(ssa.OpMul, v, c.constU(deBruijn)), c.constI(58))
	p := c.emit(ssa.OpAdd, ssa.Ptr, c.mapValue(index, off), row)
	return c.bin(ssa.OpAnd, c.load(p, 0, mem(1, ssa.MemMap, false)), c.constI(63))
}

// moments adds a number to the moments at p.
func (c *fn) moments(p, in, size, ordered *ssa.Value, signed bool) {
	word := func(off int64) *ssa.Value { return c.load(p, off, mem(8, ssa.MemMap, false)) }
	set := func(off int64, v *ssa.Value) { c.store(p, off, v, 8, ssa.MemMap) }
	c.addSum(in, signed, word, set)

	const squares = object.SummarySquares
	low := c.bin(ssa.OpMul, size, size)
	sum := c.bin(ssa.OpAdd, word(squares), low)
	set(squares, sum)
	addHigh := func(n *ssa.Value) {
		high := c.bin(ssa.OpAdd, word(squares+8), n)
		set(squares+8, high)
		c.ifThen(c.cmp(ssa.OpULt, high, n), -1, func() {
			set(squares+16, c.bin(ssa.OpAdd, word(squares+16), c.constI(1)))
		})
	}
	c.ifThen(c.cmp(ssa.OpULt, sum, low), -1, func() { addHigh(c.constI(1)) })
	high := c.high32(size)
	c.ifThen(c.cmp(ssa.OpNe, high, c.constI(0)), -1, func() {
		// (h·2^32 + l)² = h²·2^64 + 2hl·2^32 + l²; its low half was low.
		l := c.low32(size)
		mixed := c.bin(ssa.OpMul, high, l)
		addHigh(c.bin(ssa.OpAdd, c.bin(ssa.OpMul, high, high), c.bin(ssa.OpLShr, mixed, c.constI(31))))
		c.ifThen(c.cmp(ssa.OpULt, low, c.bin(ssa.OpMul, l, l)), 0, func() { addHigh(c.constI(1)) })
	})

	atLeast := func(off int64, v *ssa.Value) {
		c.ifThen(c.cmp(ssa.OpULt, word(off), v), -1, func() { set(off, v) })
	}
	atLeast(object.SummaryMax, ordered)
	atLeast(object.SummaryMin, c.emit(ssa.OpNot, ssa.I64, ordered))
}

// addSum adds a number to the sum. Its high half is touched only where 64 bits overflow.
func (c *fn) addSum(in *ssa.Value, signed bool, word func(off int64) *ssa.Value, set func(off int64, v *ssa.Value)) {
	const high = object.SummarySum + 8
	old := word(object.SummarySum)
	sum := c.bin(ssa.OpAdd, old, in)
	set(object.SummarySum, sum)
	overflow, carry := c.cmp(ssa.OpULt, sum, in), c.constI(1)
	if signed {
		// Both had the other sign than their sum.
		overflow = c.cmp(ssa.OpSLt, c.bin(ssa.OpAnd, c.bin(ssa.OpXor, sum, old), c.bin(ssa.OpXor, sum, in)), c.constI(0))
		carry = c.bin(ssa.OpOr, c.bin(ssa.OpAShr, in, c.constI(63)), carry)
	}
	c.ifThen(overflow, -1, func() { set(high, c.bin(ssa.OpAdd, word(high), carry)) })
}
