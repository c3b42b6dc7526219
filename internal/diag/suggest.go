package diag

import "strings"

// Nearest finds the candidate that word is most likely a misspelling of: the one with
// the fewest letters added, left out, changed or swapped, at most a third of the word.
// Of equally near ones it's the first. False: none is near.
func Nearest(word string, candidates []string) (string, bool) {
	best, found := "", false
	limit := max(1, len(word)/3)
	lower := strings.ToLower(word)
	for _, c := range candidates {
		d := editDistance(lower, strings.ToLower(c), limit)
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

// editDistance is the number of edits (insert, delete, replace, swap neighbours) from a
// to b, by Damerau and Levenshtein's restricted form; more than limit if it's more.
func editDistance(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
