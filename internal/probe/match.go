package probe

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// HasWildcard reports whether s is a pattern. Only * matches; a pair of
// brackets counts as one too, as scripts expect, and matches nothing else than itself.
func HasWildcard(s string) bool {
	return strings.Contains(s, "*") || strings.Contains(s, "[") && strings.Contains(s, "]")
}

// Match reports whether s as a whole matches pattern, in which * stands for any
// run of bytes, also an empty one. It doesn't allocate.
func Match(pattern, s string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}

// Nearest returns the candidate that looks most like name, or "" when none is near:
// a misspelling of it, or name with a piece left out or added.
func Nearest(name string, candidates []string) string {
	if near, ok := diag.Nearest(name, candidates); ok {
		return near
	}
	best := ""
	if len(name) < 4 {
		return best
	}
	for _, c := range candidates {
		if (strings.Contains(c, name) || strings.Contains(name, c) && 2*len(c) >= len(name)) &&
			(best == "" || len(c) < len(best)) {
			best = c
		}
	}
	return best
}
