package expand

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// parseNumber reads a number of the command line: as in a script (10, 0x1f, 017, 1e6,
// 1_000, 5s), with a minus sign or without. neg: val is a negative int64.
func parseNumber(text string) (val uint64, neg, ok bool) {
	digits, neg := strings.CutPrefix(text, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, false, false
	}
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	lit, isInt := syntax.ParseExpr(sources.Add("", digits), new(syntax.IDs), rep).(*syntax.IntLit)
	if rep.Failed() || !isInt || neg && lit.Val > 1<<63 {
		return 0, false, false
	}
	if neg {
		return -lit.Val, lit.Val != 0, true
	}
	return lit.Val, false, true
}
