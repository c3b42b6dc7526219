package types

import (
	"math"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// avg types avg's second argument, the decimals; false: it's wrong.
func (c *checker) avg(call *syntax.CallExpr, t *Type) bool {
	if len(call.Args) < 2 {
		return true
	}
	n, ok := c.constInt(call.Args[1], "avg")
	if ok && (n == 0 || n > maxDigits) {
		c.errorf(diag.CodeRange, call.Args[1].Span(), "avg() prints 1 to %d decimals", maxDigits)
		return false
	}
	t.Places = uint8(n)
	return ok
}

// A summary divides powers of two by so many bits.
const (
	summaryBits    = 5
	maxSummaryBits = 7
)

// summary types summary's second argument, the bits; false: it's wrong.
func (c *checker) summary(call *syntax.CallExpr, t *Type) bool {
	bits, ok := uint64(summaryBits), true
	if len(call.Args) > 1 {
		bits, ok = c.constInt(call.Args[1], "summary")
	}
	if ok && (bits == 0 || bits > maxSummaryBits) {
		c.errorf(diag.CodeRange, call.Args[1].Span(), "summary() divides powers of two by 1 to %d bits", maxSummaryBits)
		return false
	}
	t.Digest = object.SummarySpec{Bits: uint8(bits)}
	t.Size = object.SummaryElement
	return ok
}

// maxBounds is the largest number of bhist's bounds.
const maxBounds = 256

func (c *checker) bhist(call *syntax.CallExpr, t *Type) *Type {
	if len(call.Args)-1 > maxBounds {
		c.errorf(diag.CodeRange, call.Span(), "bhist() has at most %d bounds, not %d", maxBounds, len(call.Args)-1)
		return invalidType()
	}
	for i, a := range call.Args[1:] {
		at := c.expr(a)
		k := c.info.Consts[a.ID()]
		switch {
		case bad(at):
			c.args(call.Args[i+2:])
			return worse(at)
		case k == nil || !at.IsInt():
			c.errorf(diag.CodeLiteral, a.Span(), "bhist()'s bounds are numbers that are known at compile time")
			return invalidType()
		case k.Int > math.MaxInt64 && !at.Signed:
			c.errorf(diag.CodeRange, a.Span(), "bhist()'s bounds are below 2^63")
			return invalidType()
		case i > 0 && int64(k.Int) <= t.Bounds[i-1]:
			c.errorf(diag.CodeRange, a.Span(), "bhist()'s bounds go up, and %d is not above %d", int64(k.Int), t.Bounds[i-1])
			return invalidType()
		}
		t.Bounds = append(t.Bounds, int64(k.Int))
	}
	t.Hist.Len = uint32(len(t.Bounds)) + 1
	t.Size = 8 * t.Hist.Len
	return t
}
