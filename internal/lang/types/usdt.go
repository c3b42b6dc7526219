package types

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// USDTArgs are where the arguments of a USDT probe are, by number: only those that the
// program reads and the probe has.
type USDTArgs map[int]USDTArg

// USDTArg is where one of them is, or why it can't be read.
type USDTArg struct {
	probe.USDTArg
	Err error
}

// usdtArgs finds the arguments of pt that the probe reads.
func (g *grouper) usdtArgs(pt *probe.Point) USDTArgs {
	if len(g.use.argN) == 0 {
		return nil
	}
	arch := ""
	if f := g.env.Facts(); f != nil {
		arch = f.Arch
	}
	places, errs := probe.ParseUSDTArgs(arch, pt.USDTArgs)
	args := USDTArgs{}
	for n := range g.use.argN {
		if n < len(places) {
			args[n] = USDTArg{places[n], errs[n]}
		}
	}
	return args
}

// key tells argument layouts apart: points of one layout share a program.
func (a USDTArgs) key() string {
	var numbers []int
	for n := range a {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, " %d:%+v", n, a[n])
	}
	return b.String()
}

// usdtArg types argument n of a USDT probe: a signed number, extended as the note says. One
// that the probe hasn't got is 0, as wildcards bring together probes of different lengths.
func (c *checker) usdtArg(e syntax.Expr, n int) *Type {
	pt := c.unit.Points[0]
	arg, ok := c.unit.USDT[n]
	switch {
	case ok && arg.Err != nil:
		c.errorf(diag.CodeArgsMissing, e.Span(), "arg%d of %s is where it can't be read", n, pt.Text).
			Note("the probe's note says %v", arg.Err)
		return invalidType()
	case !ok && (pt.Orig == nil || !pt.Orig.Wild):
		c.warnf(diag.CodeArgsMissing, e.Span(), "%s has no arg%d: it's 0", pt.Text, n)
	}
	return IntType(8, true).In(c.probeSpace())
}
