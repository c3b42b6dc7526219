package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// clockBuiltins are clocks and what prints them.
func clockBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinNsecs, Name: "nsecs", Max: 1, Var: true, check: checkNsecs, Doc: "nanoseconds since boot, or of another clock: nsecs, nsecs(boot|monotonic|tai|sw_tai)"},
		{ID: BuiltinElapsed, Name: "elapsed", Var: true, check: isUint64, Doc: "nanoseconds since the script began"},
		{ID: BuiltinJiffies, Name: "jiffies", Var: true, check: isUint64, Doc: "the kernel's jiffies"},
		{ID: BuiltinTime, Name: "time", Max: 1, Async: true, Stmt: true, check: checkTime, Doc: "prints the wall-clock time: time([format of strftime])"},
		{ID: BuiltinStrftime, Name: "strftime", Min: 2, Max: 2, Async: true, check: checkStrftime, Doc: "a time to be printed: strftime(format, nsecs)"},
	}
}

func checkNsecs(c *checker, e syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
	t := IntType(8, false)
	if len(args) == 0 {
		return t
	}
	switch c.wordArg(args[0], "nsecs", "boot", "monotonic", "tai", "sw_tai") {
	case "":
		return invalidType()
	case "monotonic":
		t.Clock = object.ClockMonotonic
	case "tai":
		t.Clock = object.ClockTAI
		if f := c.info.Facts; f.Kernel != 0 && !f.Features.TaiNS {
			c.errorf(diag.CodeFeature, e.Span(), "this kernel doesn't give programs the TAI clock, which came with 6.1").
				Note("nsecs(sw_tai) comes close")
			return invalidType()
		}
	case "sw_tai":
		t.Clock = object.ClockSwTAI
	}
	return t
}

func checkTime(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args) == 1 {
		c.constStr(args[0], b.Name)
	}
	return voidType()
}

func checkStrftime(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	format, ok := c.constStr(args[0], b.Name)
	t, okTime := c.intArg(args[1], b.Name)
	if !ok || !okTime {
		return worse(c.info.Types[args[0].ID()], t)
	}
	k := c.info.Consts[args[1].ID()]
	switch {
	case t.Clock == object.ClockMonotonic:
		c.errorf(diag.CodeArgType, args[1].Span(), "the monotonic clock stops in suspend, so its times have no date")
		return invalidType()
	case k != nil && c.lits[args[1].ID()] && t.Signed && int64(k.Int) < 0:
		c.errorf(diag.CodeRange, args[1].Span(), "a time can't be negative")
		return invalidType()
	}
	ts := plain(Timestamp)
	ts.Format, ts.Clock = format, t.Clock
	return ts
}
