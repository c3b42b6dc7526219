package expand

import (
	"strings"

	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// parseNumber reads a number of the command line: as in a script (10, 0x1f, 017, 1e6,
// 1_000, 5s), with a minus sign or without. neg: val is a negative int64.
func parseNumber(text string) (val uint64, neg, ok bool) {
	digits, neg := strings.CutPrefix(text, "-")
	val, ok = syntax.ParseNumber(digits)
	if !ok || neg && val > 1<<63 {
		return 0, false, false
	}
	if neg {
		return -val, val != 0, true
	}
	return val, false, true
}
