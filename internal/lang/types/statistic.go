package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// checkStatistic types quantile and stddev where they can't be: they're computed in user space.
func checkStatistic(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if c.summaryArg(args[0], b) {
		c.errorf(diag.CodeAggregate, e.Span(), "%s() is computed when it's printed: only printf's %%f, %%e and %%g take it", b.Name).
			Note("its buckets are those of all CPUs, too many for a program to add up at each event").
			Note("for example `printf(\"%%.0f\\n\", quantile(@map, 0.99))`")
	}
	return invalidType()
}

// statistic is quantile or stddev, when e is a call of one of them.
func (c *checker) statistic(e syntax.Expr) *Builtin {
	call, ok := e.(*syntax.CallExpr)
	if !ok || c.info.Func(call.Fun.Name) != nil {
		return nil
	}
	if b := findBuiltin(call.Fun.Name); b != nil && (b.ID == BuiltinQuantile || b.ID == BuiltinStddev) {
		return b
	}
	return nil
}

// printedStatistic types quantile or stddev as an operand of a floating-point conversion.
func (c *checker) printedStatistic(call *syntax.CallExpr, b *Builtin) *Type {
	c.info.Calls[call.ID()] = b
	if !c.argCount(call, b) {
		return invalidType()
	}
	ok := c.summaryArg(call.Args[0], b)
	if b.ID == BuiltinQuantile && !c.quantile(call.Args[1]) || !ok {
		return invalidType()
	}
	return IntType(8, true)
}

// summaryArg types the first argument: a map of summaries, or an element of one.
func (c *checker) summaryArg(e syntax.Expr, b *Builtin) bool {
	t := c.expr(e)
	if bad(t) {
		return false
	}
	if t.Kind == Summary {
		return true
	}
	c.errorf(diag.CodeMapKind, e.Span(), "%s() takes a summary(), and this is %s", b.Name, describeValue(t))
	return false
}

// quantile types a share of all numbers.
func (c *checker) quantile(e syntax.Expr) bool {
	c.record(e, IntType(8, false))
	if _, ok := QuantileArg(e); ok {
		return true
	}
	c.errorf(diag.CodeRange, e.Span(), "quantile() takes a number from 0 to 1, with up to %d decimals, such as 0.99", quantileDigits)
	return false
}

// quantileDigits are the decimals of object.QuantileUnit.
const quantileDigits = 9

// QuantileArg is the second argument of quantile, in units of 1/object.QuantileUnit.
func QuantileArg(e syntax.Expr) (uint64, bool) {
	e = unparen(e)
	part, digits := uint64(0), 0
	if x, ok := e.(*syntax.TupleIndex); ok {
		e, part, digits = x.X, uint64(x.N), x.Digits
	}
	whole, ok := e.(*syntax.IntLit)
	if !ok || digits > quantileDigits || whole.Neg || whole.Val > 1 || whole.Val == 1 && part > 0 {
		return 0, false
	}
	for ; digits < quantileDigits; digits++ {
		part *= 10
	}
	return whole.Val*object.QuantileUnit + part, true
}
