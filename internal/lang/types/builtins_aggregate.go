package types

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// aggregateBuiltins are what a map's element can be made to gather. They're typed by
// assignAggregate, as part of the assignment.
func aggregateBuiltins() []Builtin {
	rows := []Builtin{
		{ID: BuiltinCount, Name: "count", Doc: "how often this ran: @ = count()"},
		{ID: BuiltinSum, Name: "sum", Min: 1, Max: 1, Doc: "the sum: @ = sum(n)"},
		{ID: BuiltinAvg, Name: "avg", Min: 1, Max: 2, Doc: "the average: @ = avg(n[, decimals])"},
		{ID: BuiltinMin, Name: "min", Min: 1, Max: 1, Doc: "the least: @ = min(n)"},
		{ID: BuiltinMax, Name: "max", Min: 1, Max: 1, Doc: "the greatest: @ = max(n)"},
		{ID: BuiltinStats, Name: "stats", Min: 1, Max: 1, Doc: "count, average and sum: @ = stats(n)"},
		{ID: BuiltinHist, Name: "hist", Min: 1, Max: 3, Doc: "a histogram by powers of two, each in 2^bits parts, in which n counts weight times: @ = hist(n[, bits[, weight]])"},
		{ID: BuiltinTseries, Name: "tseries", Min: 3, Max: 4, Doc: "a value over time: @ = tseries(n, interval, number of intervals[, \"avg\"|\"max\"|\"min\"|\"sum\"])"},
		{ID: BuiltinLhist, Name: "lhist", Min: 4, Max: 4, Doc: "a linear histogram: @ = lhist(n, min, max, step)"},
		{ID: BuiltinBhist, Name: "bhist", Min: 2, Max: -1, Doc: "a histogram with bounds of one's own: @ = bhist(n, 1, 10, 100)"},
		{ID: BuiltinSummary, Name: "summary", Min: 1, Max: 2, Doc: "count, least, average, standard deviation, quantiles, greatest: @ = summary(n[, bits])"},
	}
	for i := range rows {
		rows[i].Aggregate = true
	}
	return rows
}

// aggregateKinds are the types that the calls make.
var aggregateKinds = map[BuiltinID]Kind{
	BuiltinCount: Count, BuiltinSum: Sum, BuiltinAvg: Avg, BuiltinMin: Min, BuiltinMax: Max,
	BuiltinStats: Stats, BuiltinHist: Hist, BuiltinLhist: Lhist, BuiltinTseries: TSeries,
	BuiltinBhist: Bhist, BuiltinSummary: Summary,
}

// aggregateDoc is an example of a call.
func aggregateDoc(b *Builtin) string { return aggregateCall(aggregateKinds[b.ID]) }

func aggregateCall(k Kind) string {
	switch k {
	case Count:
		return "count()"
	case Lhist:
		return "lhist(n, 0, 100, 10)"
	case Bhist:
		return "bhist(n, 1, 10, 100)"
	case TSeries:
		return "tseries(n, 1s, 10)"
	}
	name := k.String()
	return name[:len(name)-len("_t")] + "(n)"
}

// assignAggregate types `@m[key] = count()` and its like; false: it's none. The call may
// be the value of a block.
func (c *checker) assignAggregate(s *syntax.Assign) bool {
	if s.Op != syntax.ASSIGN || c.aggregateIn(s.X) == nil {
		return false
	}
	m := c.target(s.Target)
	if m == nil {
		return false
	}
	t := c.aggregate(m, s, s.X)
	c.record(s.X, t)
	c.record(s.Target, m.Value)
	return true
}

// aggregateIn is the aggregation that an expression's value comes from, or nil.
func (c *checker) aggregateIn(e syntax.Expr) *syntax.CallExpr {
	switch x := unparen(e).(type) {
	case *syntax.Block:
		if x.Value != nil {
			return c.aggregateIn(x.Value)
		}
	case *syntax.CallExpr:
		if b := findBuiltin(x.Fun.Name); b != nil && b.Aggregate {
			return x
		}
	}
	return nil
}

func (c *checker) aggregate(m *mapVar, s *syntax.Assign, e syntax.Expr) *Type {
	e = unparen(e)
	if b, ok := e.(*syntax.Block); ok {
		for _, st := range b.Stmts {
			c.stmt(st)
		}
		t := c.aggregate(m, s, b.Value)
		c.record(b.Value, t)
		return c.record(b, t)
	}
	call := e.(*syntax.CallExpr)
	b := findBuiltin(call.Fun.Name)
	c.info.Calls[call.ID()] = b
	t := c.aggregateType(m, call, b)
	c.record(call, t)
	if bad(t) {
		m.pend(t)
		return t
	}
	switch {
	case m.Value == nil:
		m.valueAt = s.Span()
		c.grow(&m.Value, t)
	case m.Value.Kind == t.Kind && t.Kind == Hist && m.Value.Hist != t.Hist:
		c.errorf(diag.CodeMismatch, s.Span(), "Different bits in a single map unsupported").NoteAt(m.valueAt, "its first ones are here")
	case m.Value.Kind == t.Kind && (m.Value.Hist != t.Hist || m.Value.Series != t.Series || !slices.Equal(m.Value.Bounds, t.Bounds)):
		c.errorf(diag.CodeMismatch, s.Span(), "Different %s bounds in a single map unsupported", b.Name).NoteAt(m.valueAt, "its first ones are here")
	case m.Value.Kind == t.Kind && (m.Value.Digest != t.Digest || m.Value.Places != t.Places):
		c.errorf(diag.CodeMismatch, s.Span(), "%s is written with different forms of %s()", m.Name, b.Name).NoteAt(m.valueAt, "its first one is here")
	case m.Value.Kind != t.Kind:
		c.mismatch(s.Span(), m.Name, t, m.Value, m.valueAt)
	}
	return t
}

// aggregateType types the call: its arguments and what it gathers.
func (c *checker) aggregateType(m *mapVar, call *syntax.CallExpr, b *Builtin) *Type {
	if !c.argCount(call, b) {
		c.args(call.Args)
		return invalidType()
	}
	t := aggregateOf(aggregateKinds[b.ID])
	if b.ID == BuiltinCount {
		return t
	}
	n, ok := c.intArg(call.Args[0], b.Name)
	if !ok {
		c.args(call.Args[1:])
		return worse(n)
	}
	switch b.ID {
	case BuiltinHist:
		return c.hist(call, t)
	case BuiltinLhist:
		return c.lhist(call, t)
	case BuiltinBhist:
		return c.bhist(call, t)
	case BuiltinAvg:
		if !c.avg(call, t) {
			return invalidType()
		}
	case BuiltinSummary:
		if !c.summary(call, t) {
			return invalidType()
		}
	case BuiltinTseries:
		if !c.series(call, t) {
			return invalidType()
		}
	}
	m.signed = m.signed || n.Signed
	if m.Value != nil && m.Value.Kind == t.Kind {
		t.Signed = m.Value.Signed
	}
	return t
}

// aggregateOf is plain for kinds whose size depends on more.
func aggregateOf(k Kind) *Type {
	if k >= Hist && k <= TSeries {
		return &Type{Kind: k}
	}
	return plain(k)
}

// maxSeries is the largest number of a series' intervals.
const maxSeries = 1000000

// seriesSize is the bytes of an interval: value, time or count, number of the interval.
const seriesSize = 24

// series types the arguments of tseries after the first; false: one is wrong.
func (c *checker) series(call *syntax.CallExpr, t *Type) bool {
	if !c.stable(call.Span(), "tseries", "unstable_tseries") {
		return false
	}
	interval, ok := c.constInt(call.Args[1], "tseries")
	n, okLen := c.constInt(call.Args[2], "tseries")
	if !ok || !okLen {
		return false
	}
	switch {
	case interval == 0:
		c.errorf(diag.CodeRange, call.Args[1].Span(), "tseries() interval_ns must be >= 1 (%d provided)", interval)
		return false
	case n == 0:
		c.errorf(diag.CodeRange, call.Args[2].Span(), "tseries() num_intervals must be >= 1 (%d provided)", n)
		return false
	case n > maxSeries:
		c.errorf(diag.CodeRange, call.Args[2].Span(), "tseries() num_intervals must be < %d (%d provided)", maxSeries, n)
		return false
	}
	t.Size, t.Series = seriesSize, object.SeriesSpec{Interval: interval, Len: n}
	if len(call.Args) < 4 {
		return true
	}
	if t.Series.Agg, ok = c.constStr(call.Args[3], "tseries"); !ok {
		return false
	}
	if !slices.Contains([]string{"avg", "max", "min", "sum"}, t.Series.Agg) {
		c.errorf(diag.CodeRange, call.Args[3].Span(), `tseries() expects one of the following aggregation functions: avg, max, min, sum ("%s" provided)`, t.Series.Agg)
		return false
	}
	return true
}

// maxHistBits is the largest number of sub-bucket bits.
const maxHistBits = 5

func (c *checker) hist(call *syntax.CallExpr, t *Type) *Type {
	bits := uint64(0)
	if len(call.Args) == 3 {
		if w, ok := c.intArg(call.Args[2], "hist"); !ok {
			c.args(call.Args[1:2])
			return worse(w)
		}
	}
	if len(call.Args) > 1 {
		var ok bool
		if bits, ok = c.constInt(call.Args[1], "hist"); !ok {
			return wrong(c.info.Types[call.Args[1].ID()])
		}
		if bits > maxHistBits {
			c.errorf(diag.CodeRange, call.Args[1].Span(), "hist() divides powers of two by 0 to %d bits, not %d", maxHistBits, bits)
			return invalidType()
		}
	}
	t.Hist = object.HistSpec{Bits: uint8(bits), Len: histLen(uint(bits))}
	t.Size = 8 * t.Hist.Len
	return t
}

// histLen is the number of buckets of hist: one for negative numbers, 2^bits for those
// below 2^bits, and 2^bits for each further power of two of an int64.
func histLen(bits uint) uint32 { return uint32(64-bits)<<bits + 1 }

// maxLhist is the largest number of lhist's buckets.
const maxLhist = 1000

func (c *checker) lhist(call *syntax.CallExpr, t *Type) *Type {
	var v [3]uint64
	for i, a := range call.Args[1:] {
		var ok bool
		if v[i], ok = c.constInt(a, "lhist"); !ok {
			c.args(call.Args[i+2:])
			return wrong(c.info.Types[a.ID()])
		}
	}
	lo, hi, step := v[0], v[1], v[2]
	switch {
	case step == 0:
		c.errorf(diag.CodeRange, call.Args[3].Span(), "lhist()'s step is at least 1")
	case lo > hi || hi > 1<<62:
		c.errorf(diag.CodeRange, call.Args[1].Span(), "lhist()'s minimum %d is above its maximum %d", lo, hi)
	case hi-lo < step:
		c.errorf(diag.CodeRange, call.Args[3].Span(), "lhist()'s step %d is larger than its range %d", step, hi-lo)
	case (hi-lo)/step > maxLhist:
		c.errorf(diag.CodeRange, call.Span(), "lhist() has at most %d buckets; this needs %d", maxLhist, (hi-lo)/step)
	default:
		t.Hist = object.HistSpec{Min: int64(lo), Max: int64(hi), Step: int64(step), Len: uint32((hi-lo)/step) + 2}
		t.Size = 8 * t.Hist.Len
		return t
	}
	return invalidType()
}
