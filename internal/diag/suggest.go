package diag

import "strings"

// Nearest finds the candidate that word is most likely a misspelling of: the one with
// the fewest letters added, left out, changed or swapped, at most a third of the word.
// Of equally near ones it's the first. False: none is near.
func Nearest(word string, candidates []string) (string, bool) {
	best, found := "", false
	limit := max(1, len(word)/3)
	var e editor
	lower := strings.ToLower(word)
	for _, c := range candidates {
		d := e.distance(lower, strings.ToLower(c), limit)
		if d > limit || c == word {
			continue
		}
		best, found = c, true
		if limit = d - 1; limit < 0 {
			break
		}
	}
	return best, found
}

// editor compares words; its rows are those of the comparison before.
type editor struct{ before, last, row []int }

// distance is the number of edits (insert, delete, replace, swap neighbours) from a to b, by
// Damerau and Levenshtein's restricted form; more than limit if it's more. What is farther than
// limit from the diagonal can't be part of so few edits, and isn't looked at.
func (e *editor) distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	if len(e.row) <= len(b) {
		n := 2*len(b) + 1
		e.before, e.last, e.row = make([]int, n), make([]int, n), make([]int, n)
	}
	for j := range min(len(b), limit) + 1 {
		e.last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		e.row[from-1] = limit + 1
		if from == 1 {
			e.row[0] = i
		}
		if i+limit <= len(b) {
			e.last[i+limit] = limit + 1
		}
		nearest := e.row[from-1]
		for j := from; j <= to; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(e.last[j]+1, e.row[j-1]+1, e.last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, e.before[j-2]+1)
			}
			e.row[j], nearest = d, min(nearest, d)
		}
		if nearest > limit {
			return limit + 1
		}
		e.before, e.last, e.row = e.last, e.row, e.before
	}
	return e.last[len(b)]
}

func abs(n int) int { return max(n, -n) }
