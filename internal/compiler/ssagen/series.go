package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Places in an interval of a time series (object.TSeries).
const (
	seriesValue = 0
	seriesMeta  = 8 // time of the value, or count of values
	seriesEpoch = 16
	seriesBytes = 24
)

// series is @m[k] = tseries(in, …): the intervals stand in a ring of elements, whose number
// is the last part of the key; one of an earlier round is begun anew.
func (c *fn) series(st *mapState, args []syntax.Expr, in *ssa.Value) {
	if c.b == nil {
		return
	}
	spec := st.Value.Series
	now := c.clock("sw_tai")
	epoch := c.bin(ssa.OpUDiv, now, c.constU(spec.Interval))
	key := c.key(st, args)
	c.store(key.base, key.off+int64(st.v.BucketOff), c.bin(ssa.OpUMod, epoch, c.constU(spec.Len)), 8, ssa.MemSlot)
	meta := now
	if spec.Agg != "" {
		meta = c.constI(1)
	}
	set := func(p *ssa.Value, class ssa.MemClass) {
		c.store(p, seriesValue, in, 8, class)
		c.store(p, seriesMeta, meta, 8, class)
		c.store(p, seriesEpoch, epoch, 8, class)
	}
	p := c.lookup(st.v.Map, key)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	c.b = yes
	if spec.Agg == "" {
		set(p, ssa.MemMap)
	} else {
		first, merge := c.block(), c.block()
		c.branch(c.cmp(ssa.OpNe, c.load(p, seriesEpoch, mem(8, ssa.MemMap, false)), epoch), first, merge, -1)
		c.b = first
		set(p, ssa.MemMap)
		c.jump(join)
		c.b = merge
		c.seriesMerge(st.Value, p, in)
	}
	c.jump(join)
	c.b = no
	buf := c.slot("val", seriesBytes, 8)
	set(buf, ssa.MemSlot)
	c.update(st, key, buf)
	c.jump(join)
	c.b = join
}

// seriesMerge merges in into the interval at p.
func (c *fn) seriesMerge(t *types.Type, p, in *ssa.Value) {
	kinds := map[string]types.Kind{"sum": types.Sum, "avg": types.Avg, "min": types.Min, "max": types.Max}
	c.aggregateInto(&types.Type{Kind: kinds[t.Series.Agg], Signed: t.Signed}, p, in)
}
