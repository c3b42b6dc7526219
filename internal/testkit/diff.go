package testkit

import (
	"fmt"
	"strings"
)

// context is the number of equal lines around a change that a diff shows.
const context = 3

// Diff is a unified diff of two texts; "" when they're equal.
func Diff(nameA, a, nameB, b string) string {
	if a == b {
		return ""
	}
	edits := compare(lines(a), lines(b))
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", nameA, nameB)
	for from := 0; from < len(edits); {
		for from < len(edits) && edits[from].op == ' ' {
			from++
		}
		if from == len(edits) {
			break
		}
		end := hunkEnd(edits, from)
		writeHunk(&out, edits, max(from-context, 0), min(end+context, len(edits)))
		from = end
	}
	return out.String()
}

// edit is a line that's in both texts (' '), only in the first ('-') or the second ('+').
type edit struct {
	op   byte
	text string
	a, b int // lines of either text before it
}

// lines splits at newlines, which stay visible when the last one is missing.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	list := strings.SplitAfter(s, "\n")
	if last := len(list) - 1; list[last] == "" {
		return list[:last]
	}
	list[len(list)-1] += "\n\\ No newline at end\n"
	return list
}

// compare finds the longest common subsequence; quadratic, for texts of a test's size.
func compare(a, b []string) []edit {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var edits []edit
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			edits = append(edits, edit{' ', a[i], i, j})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			edits = append(edits, edit{'-', a[i], i, j})
			i++
		default:
			edits = append(edits, edit{'+', b[j], i, j})
			j++
		}
	}
	return edits
}

// hunkEnd is the end of the changes that are close enough to the one at from.
func hunkEnd(edits []edit, from int) int {
	end := from
	for i := from; i < len(edits) && i-end <= 2*context; i++ {
		if edits[i].op != ' ' {
			end = i + 1
		}
	}
	return end
}

func writeHunk(out *strings.Builder, edits []edit, from, to int) {
	var nA, nB int
	for _, e := range edits[from:to] {
		if e.op != '+' {
			nA++
		}
		if e.op != '-' {
			nB++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", edits[from].a+1, nA, edits[from].b+1, nB)
	for _, e := range edits[from:to] {
		out.WriteByte(e.op)
		out.WriteString(e.text)
	}
}
