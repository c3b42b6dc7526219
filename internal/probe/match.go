package probe

import "strings"

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
// within a third of name's length in edits, or name with a piece left out or added.
func Nearest(name string, candidates []string) string {
	best, bestDist := "", len(name)/3+1
	var row []int
	for _, c := range candidates {
		if d := len(c) - len(name); d > bestDist || -d > bestDist {
			continue
		}
		var dist int
		dist, row = distance(name, c, row)
		if dist < bestDist || dist == bestDist && best != "" && c < best {
			best, bestDist = c, dist
		}
	}
	if best != "" || len(name) < 4 {
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

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b. row is scratch memory, returned for the next call.
func distance(a, b string, row []int) (int, []int) {
	n := len(b) + 1
	if cap(row) < 3*n {
		row = make([]int, 3*n)
	}
	row = row[:3*n]
	before, prev, cur := row[:n], row[n:2*n], row[2*n:]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)], row
}
