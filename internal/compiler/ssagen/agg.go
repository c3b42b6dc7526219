package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// aggregate is @m[k] = count() and its like. Each CPU has a value of its own; those who
// print merge them.
func (c *fn) aggregate(st *mapState, args []syntax.Expr, call *syntax.CallExpr) {
	defer c.at(call)()
	var in *ssa.Value
	if len(call.Args) > 0 && st.Value.Kind != types.Count {
		in = c.intExpr(call.Args[0])
	}
	switch st.Value.Kind {
	case types.Hist:
		c.histogram(st, args, c.log2Bucket(in, st.Value.Hist.Bits), c.histWeight(call))
		return
	case types.Lhist:
		c.histogram(st, args, c.linearBucket(in, st.Value.Hist), c.constI(1))
		return
	case types.Bhist:
		unsigned := st.Value.Bounds[0] >= 0 && !c.typeOf(call.Args[0]).Signed
		less := pick(unsigned, ssa.OpULt, ssa.OpSLt)
		c.histogram(st, args, c.boundedBucket(in, st.Value.Bounds, 0, less), c.constI(1))
		return
	case types.Summary:
		c.summary(st, args, in)
		return
	case types.TSeries:
		c.series(st, args, in)
		return
	}
	if c.b == nil {
		return
	}
	if st.v.Storage != object.StoreHash {
		p := c.globalAddr(st.v)
		c.aggregateInto(st.Value, p, in)
		c.written(st.v, p)
		return
	}
	key := c.key(st, args)
	p := c.lookup(st.v.Map, key)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	c.b = yes
	c.aggregateInto(st.Value, p, in)
	c.jump(join)
	c.b = no
	c.update(st, key, c.firstAggregate(st.Value, in))
	c.jump(join)
	c.b = join
}

// histWeight is hist's third argument where a script gives one; else 1.
func (c *fn) histWeight(call *syntax.CallExpr) *ssa.Value {
	if len(call.Args) == 3 {
		return c.intExpr(call.Args[2])
	}
	return c.constI(1)
}

// aggregateInto merges in into this CPU's value at p.
func (c *fn) aggregateInto(t *types.Type, p, in *ssa.Value) {
	word := func(off int64) *ssa.Value { return c.load(p, off, mem(8, ssa.MemMap, false)) }
	add := func(off int64, n *ssa.Value) { c.store(p, off, c.bin(ssa.OpAdd, word(off), n), 8, ssa.MemMap) }
	switch t.Kind {
	case types.Count:
		add(0, c.constI(1))
	case types.Sum:
		add(0, in)
	case types.Avg, types.Stats:
		add(0, in)
		add(8, c.constI(1))
	case types.Min, types.Max:
		c.extremum(t, p, in)
	}
}

// extremum keeps the smaller or larger of in and the value at p: u64 value, u64 set.
func (c *fn) extremum(t *types.Type, p, in *ssa.Value) {
	set := c.load(p, 8, mem(8, ssa.MemMap, false))
	test, keep, store := c.block(), c.block(), c.block()
	c.branch(set, test, store, 1)
	c.b = test
	old := c.load(p, 0, mem(8, ssa.MemMap, false))
	lt := pick(t.Signed, ssa.OpSLt, ssa.OpULt)
	better := c.cmp(lt, in, old)
	if t.Kind == types.Max {
		better = c.cmp(lt, old, in)
	}
	c.branch(better, store, keep, -1)
	c.b = store
	c.store(p, 0, in, 8, ssa.MemMap)
	c.store(p, 8, c.constI(1), 8, ssa.MemMap)
	c.jump(keep)
	c.b = keep
}

// firstAggregate makes the value of a new element in a slot.
func (c *fn) firstAggregate(t *types.Type, in *ssa.Value) *ssa.Value {
	one := c.constI(1)
	buf := c.slot("val", bytesOf(t), 8)
	first, second := in, one
	if t.Kind == types.Count {
		first = one
	}
	c.store(buf, 0, first, 8, ssa.MemSlot)
	if bytesOf(t) == 16 {
		c.store(buf, 8, second, 8, ssa.MemSlot)
	}
	return buf
}

// histogram adds weight to a bucket.
func (c *fn) histogram(st *mapState, args []syntax.Expr, bucket, weight *ssa.Value) {
	if c.b == nil {
		return
	}
	if st.v.Storage != object.StoreHash {
		n := histLen(st.Value)
		// The bucket is in range by construction; the verifier needs to see it.
		ok := c.cmp(ssa.OpULt, bucket, c.constI(int64(n)))
		c.ifThen(ok, 1, func() {
			base := c.globalAddr(st.v)
			c.written(st.v, base)
			p := c.emit(ssa.OpAdd, ssa.Ptr, base, c.bin(ssa.OpShl, bucket, c.constI(3)))
			c.store(p, 0, c.bin(ssa.OpAdd, c.load(p, 0, mem(8, ssa.MemMap, false)), weight), 8, ssa.MemMap)
		})
		return
	}
	key := c.key(st, args)
	c.store(key.base, key.off+int64(st.v.BucketOff), bucket, 8, ssa.MemSlot)
	p := c.lookup(st.v.Map, key)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	c.b = yes
	c.store(p, 0, c.bin(ssa.OpAdd, c.load(p, 0, mem(8, ssa.MemMap, false)), weight), 8, ssa.MemMap)
	c.jump(join)
	c.b = no
	buf := c.slot("val", 8, 8)
	c.store(buf, 0, weight, 8, ssa.MemSlot)
	c.update(st, key, buf)
	c.jump(join)
	c.b = join
}

// linearBucket is lhist's bucket: 0 below min, the last from max on.
func (c *fn) linearBucket(in *ssa.Value, h object.HistSpec) *ssa.Value {
	last := (h.Max-h.Min)/h.Step + 1
	return c.ifElse(c.cmp(ssa.OpSLt, in, c.constI(h.Min)), -1,
		func() *ssa.Value { return c.constI(0) },
		func() *ssa.Value {
			return c.ifElse(c.cmp(ssa.OpSLe, c.constI(h.Max), in), -1,
				func() *ssa.Value { return c.constI(last) },
				func() *ssa.Value {
					steps := c.bin(ssa.OpUDiv, c.bin(ssa.OpSub, in, c.constI(h.Min)), c.constI(h.Step))
					return c.bin(ssa.OpAdd, steps, c.constI(1))
				})
		})
}

// boundedBucket is bhist's bucket: first and how many of bounds aren't above in, found by
// halving them.
func (c *fn) boundedBucket(in *ssa.Value, bounds []int64, first int, less ssa.Op) *ssa.Value {
	if len(bounds) == 0 || c.b == nil {
		return c.constI(int64(first))
	}
	mid := len(bounds) / 2
	return c.ifElse(c.cmp(less, in, c.constI(bounds[mid])), 0,
		func() *ssa.Value { return c.boundedBucket(in, bounds[:mid], first, less) },
		func() *ssa.Value { return c.boundedBucket(in, bounds[mid+1:], first+mid+1, less) })
}

// log2Bucket is hist's bucket as bpftrace numbers them: 0 for negative numbers; numbers
// below 2^bits have one each, from 1; above, each power of two has 2^bits of them.
func (c *fn) log2Bucket(in *ssa.Value, bits uint8) *ssa.Value {
	return c.ifElse(c.cmp(ssa.OpSLt, in, c.constI(0)), -1,
		func() *ssa.Value { return c.constI(0) },
		func() *ssa.Value {
			return c.ifElse(c.cmp(ssa.OpULe, in, c.constU(1<<bits-1)), -1,
				func() *ssa.Value { return c.bin(ssa.OpAdd, in, c.constI(1)) },
				func() *ssa.Value { return c.logLinear(in, bits) })
		})
}

// logLinear is the bucket of a number ≥ 2^bits.
func (c *fn) logLinear(in *ssa.Value, bits uint8) *ssa.Value {
	l := c.log2(in)
	if bits == 0 {
		return c.bin(ssa.OpAdd, l, c.constI(2))
	}
	k := int64(bits)
	// (l-k+1) << k, plus the k bits after the leading one, plus 1.
	exp := c.bin(ssa.OpShl, c.bin(ssa.OpSub, l, c.constI(k-1)), c.constI(k))
	sub := c.bin(ssa.OpAnd, c.bin(ssa.OpLShr, in, c.bin(ssa.OpSub, l, c.constI(k))), c.constI(1<<k-1))
	return c.bin(ssa.OpAdd, c.bin(ssa.OpAdd, exp, sub), c.constI(1))
}

// log2 is the position of the highest bit of in, which isn't zero: halving steps, since
// BPF has no instruction for it.
func (c *fn) log2(in *ssa.Value) *ssa.Value {
	val := c.slot("x", 8, 8)
	res := c.slot("log2", 8, 8)
	c.store(val, 0, in, 8, ssa.MemSlot)
	c.store(res, 0, c.constI(0), 8, ssa.MemSlot)
	for _, shift := range []int64{32, 16, 8, 4, 2, 1} {
		x := c.load(val, 0, mem(8, ssa.MemSlot, false))
		c.ifThen(c.cmp(ssa.OpULt, c.constU(1<<shift-1), x), 0, func() {
			c.store(val, 0, c.bin(ssa.OpLShr, x, c.constI(shift)), 8, ssa.MemSlot)
			r := c.load(res, 0, mem(8, ssa.MemSlot, false))
			c.store(res, 0, c.bin(ssa.OpAdd, r, c.constI(shift)), 8, ssa.MemSlot)
		})
	}
	return c.load(res, 0, mem(8, ssa.MemSlot, false))
}

// Reading aggregations in the kernel, when a script uses one as a number: all CPUs'
// values are merged by a loop.

// aggregateGlobal merges a keyless aggregation.
func (c *fn) aggregateGlobal(st *mapState) *ssa.Value {
	return c.number(st.Value, c.merged(st, nil))
}

// merged merges an aggregation, of a map with keys the one at key, into a value of its own
// layout, in a slot.
func (c *fn) merged(st *mapState, key []syntax.Expr) *ssa.Value {
	if st.v.Storage == object.StoreHash {
		return c.mergedAt(st, c.key(st, key))
	}
	base := c.mapValue(st.v.Map, int64(st.v.Offset))
	return c.mergeCPUs(st.Value, func(cpu *ssa.Value) *ssa.Value {
		i := c.bin(ssa.OpAnd, cpu, c.constU(uint64(c.cpuSlots()-1)))
		return c.emit(ssa.OpAdd, ssa.Ptr, base, c.bin(ssa.OpMul, i, c.constU(uint64(st.v.Stride))))
	}, false)
}

// aggregateAt merges the aggregation at key.
func (c *fn) aggregateAt(st *mapState, key ref) *ssa.Value {
	return c.number(st.Value, c.mergedAt(st, key))
}

// v5_19PercpuLookup is the kernel whose programs may read other CPUs' elements.
const v5_19PercpuLookup = 5<<16 | 19<<8

// mergedAt merges the aggregation at key into a value of its own layout, in a slot.
func (c *fn) mergedAt(st *mapState, key ref) *ssa.Value {
	if c.info.Facts.Kernel < v5_19PercpuLookup {
		c.rep.Errorf(diag.CodeFeature, c.span(), "reading an element of %s, which each CPU has its own of, needs Linux 5.19 (bpf_map_lookup_percpu_elem)", st.Name)
		return c.slot("merge", 24, 8)
	}
	return c.mergeCPUs(st.Value, func(cpu *ssa.Value) *ssa.Value {
		return c.call(fnPercpuLookup, ssa.Ptr, c.mapPtr(st.v.Map), c.refAddr(key), c.emit(ssa.OpTrunc, ssa.I32, cpu))
	}, true)
}

// number is what the aggregation at acc reads as.
func (c *fn) number(t *types.Type, acc *ssa.Value) *ssa.Value {
	total := c.load(acc, 0, mem(8, ssa.MemSlot, false))
	if t.Kind == types.Avg || t.Kind == types.Stats {
		return c.bin(pick(t.Signed, ssa.OpSDiv, ssa.OpUDiv), total, c.load(acc, 8, mem(8, ssa.MemSlot, false)))
	}
	return total
}

// mergeCPUs merges the values at place(cpu) of all CPUs into a slot: value, then count or
// set. With nullable, a NULL place ends it.
func (c *fn) mergeCPUs(t *types.Type, place func(cpu *ssa.Value) *ssa.Value, nullable bool) *ssa.Value {
	if t.Buckets() {
		c.unsupported(c.span(), "a %s as a number", kindName(t))
		return c.constI(0)
	}
	acc := c.slot("merge", 16, 8)
	c.zero(acc, 16, ssa.MemSlot, 8)
	c.countTo(c.constI(int64(c.info.Facts.NumCPU)), 1, func(cpu *ssa.Value, done *ssa.Block) {
		p := place(cpu)
		if nullable {
			there := c.block()
			c.branch(p, there, done, 1)
			c.b = there
		}
		c.mergeOne(t, p, acc)
	})
	return acc
}

// mergeOne merges one CPU's value at p into acc: value, count or set.
func (c *fn) mergeOne(t *types.Type, p, acc *ssa.Value) {
	get := func(b *ssa.Value, off int64, class ssa.MemClass) *ssa.Value {
		return c.load(b, off, mem(8, class, false))
	}
	add := func(off int64) {
		c.store(acc, off, c.bin(ssa.OpAdd, get(acc, off, ssa.MemSlot), get(p, off, ssa.MemMap)), 8, ssa.MemSlot)
	}
	switch t.Kind {
	case types.Min, types.Max:
		v := get(p, 0, ssa.MemMap)
		c.ifThen(get(p, 8, ssa.MemMap), 0, func() {
			take, test, join := c.block(), c.block(), c.block()
			c.branch(get(acc, 8, ssa.MemSlot), test, take, 0)
			c.b = test
			lt := pick(t.Signed, ssa.OpSLt, ssa.OpULt)
			better := c.cmp(lt, v, get(acc, 0, ssa.MemSlot))
			if t.Kind == types.Max {
				better = c.cmp(lt, get(acc, 0, ssa.MemSlot), v)
			}
			c.branch(better, take, join, 0)
			c.b = take
			c.store(acc, 0, v, 8, ssa.MemSlot)
			c.store(acc, 8, c.constI(1), 8, ssa.MemSlot)
			c.jump(join)
			c.b = join
		})
	case types.Avg, types.Stats:
		add(0)
		add(8)
	default:
		add(0)
	}
}
