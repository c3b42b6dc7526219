package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// A histogram, a summary or a time series in a map with keys is several elements: what was
// counted so far. Their keys end in a number, from 0 up.

// maxBuckets bounds the numbers that are tried; the verifier walks them one by one.
const maxBuckets = 2048

// errNoEntry is what the helper says when there's no element (ENOENT).
const errNoEntry = -2

// bucketsOf is how many elements a value of type t has at most.
func bucketsOf(t *types.Type) uint64 {
	switch t.Kind {
	case types.Summary:
		return uint64(summaryLen(t))
	case types.TSeries:
		return t.Series.Len
	}
	return uint64(histLen(t))
}

// fewBuckets reports whether a key of st has at most maxBuckets elements, and says so if not.
func (c *fn) fewBuckets(e syntax.Expr, st *mapState) bool {
	n := bucketsOf(st.Value)
	if n > maxBuckets {
		c.unsupported(e.Span(), "a search for the %d elements that a key may have (at most %d)", n, maxBuckets)
	}
	return n <= maxBuckets
}

// eachBucket tries the keys of all elements that the value at args may have. A jump to done ends it.
func (c *fn) eachBucket(st *mapState, args []syntax.Expr, try func(key ref, done *ssa.Block)) {
	key := c.key(st, args)
	c.countTo(c.constU(bucketsOf(st.Value)), 1, func(i *ssa.Value, done *ssa.Block) {
		c.store(key.base, key.off+int64(st.v.BucketOff), i, 8, ssa.MemSlot)
		try(key, done)
	})
}

// hasBuckets is has_key of such a map: 1 when there's an element.
func (c *fn) hasBuckets(st *mapState, args []syntax.Expr) *ssa.Value {
	has := c.slot("has", 8, 8)
	c.store(has, 0, c.constI(0), 8, ssa.MemSlot)
	c.eachBucket(st, args, func(key ref, done *ssa.Block) {
		there, next := c.block(), c.block()
		c.branch(c.lookup(st.v.Map, key), there, next, -1)
		c.b = there
		c.store(has, 0, c.constI(1), 8, ssa.MemSlot)
		c.jump(done)
		c.b = next
	})
	return c.load(has, 0, mem(8, ssa.MemSlot, false))
}

// deleteBuckets is delete of such a map: 0 when there was an element, else as the helper says.
func (c *fn) deleteBuckets(st *mapState, args []syntax.Expr) *ssa.Value {
	result := c.slot("deleted", 8, 8)
	c.store(result, 0, c.constI(errNoEntry), 8, ssa.MemSlot)
	c.eachBucket(st, args, func(key ref, _ *ssa.Block) {
		ret := c.call(fnMapDelete, ssa.I64, c.mapPtr(st.v.Map), c.refAddr(key))
		c.ifThen(c.cmp(ssa.OpEq, ret, c.constI(0)), 0, func() {
			c.store(result, 0, ret, 8, ssa.MemSlot)
		})
	})
	return c.load(result, 0, mem(8, ssa.MemSlot, false))
}
