package ssagen

import (
	"math"

	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// span is a range of numbers that the verifier finds out as well: of the variable of a loop that it
// walks step by step, and what is computed of that. An index in it needs no check.
type span struct{ low, high int64 }

// maxSpan keeps what is computed of spans far from 64 bits.
const maxSpan = math.MaxInt32

// steps runs body, which is that of a loop over constants, with what is known of its variable.
func (c *fn) steps(s *syntax.For, info *types.Local, body func()) {
	from, to := int64(c.constant(s.From).Int), int64(c.constant(s.To).Int)
	l := c.local(info)
	if l == nil || l.slot == nil || l.hidden || c.used.sets[info] > 0 || from >= to || from < -maxSpan || to > maxSpan {
		body()
		return
	}
	if c.spans == nil {
		c.spans = map[*types.Local]span{}
	}
	c.spans[info] = span{from, to - 1}
	body()
	delete(c.spans, info)
}

// within reports whether an index is known to be below length.
func (c *fn) within(i syntax.Expr, length uint32) bool {
	s, ok := c.spanOf(i)
	return ok && s.low >= 0 && s.high < int64(length)
}

// spanOf is what is known of an integer; false: nothing.
func (c *fn) spanOf(e syntax.Expr) (span, bool) {
	if k := c.constant(e); k != nil {
		n := int64(k.Int)
		return span{n, n}, !k.IsStr && n >= -maxSpan && n <= maxSpan
	}
	switch x := unparen(e).(type) {
	case *syntax.VarExpr:
		s, ok := c.spans[c.info.Locals[x.ID()]]
		return s, ok
	case *syntax.CastExpr:
		s, ok := c.spanOf(x.X)
		t := c.typeOf(x)
		return s, ok && t.IsInt() && s.low >= 0 && (t.Size == 8 || s.high < 1<<(8*t.Size-1))
	case *syntax.BinaryExpr:
		a, okA := c.spanOf(x.X)
		b, okB := c.spanOf(x.Y)
		if !okA || !okB {
			return span{}, false
		}
		return a.with(x.Op, b)
	}
	return span{}, false
}

// with is the span of `a op b`.
func (a span) with(op syntax.Op, b span) (span, bool) {
	var s span
	switch op {
	case syntax.Add:
		s = span{a.low + b.low, a.high + b.high}
	case syntax.Sub:
		s = span{a.low - b.high, a.high - b.low}
	case syntax.Mul:
		if a.low < 0 || b.low < 0 {
			return span{}, false
		}
		s = span{a.low * b.low, a.high * b.high}
	default:
		return span{}, false
	}
	return s, s.low >= -maxSpan && s.high <= maxSpan
}
