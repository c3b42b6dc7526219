package cli

import (
	"fmt"
	"strings"
)

// contextLines stand around each change of a diff.
const contextLines = 3

// unifiedDiff is the difference of two texts in the unified format; "" if there is none.
func unifiedDiff(oldName, newName, old, new string) string {
	if old == new {
		return ""
	}
	a, b := splitLines(old), splitLines(new)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", oldName, newName)
	edits := editScript(a, b)
	for i := 0; i < len(edits); {
		if edits[i].kind == ' ' {
			i++
			continue
		}
		start := max(0, i-contextLines)
		end := hunkEnd(edits, i)
		writeHunk(&out, edits[start:end])
		i = end
	}
	return out.String()
}

func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// edit is a line that stays (' '), goes ('-') or comes ('+'), with its indexes in both texts.
type edit struct {
	kind byte
	line string
	a, b int
}

// hunkEnd is where the hunk of the change at i ends: behind its context, unless another
// change follows within twice that.
func hunkEnd(edits []edit, i int) int {
	last := i
	for j := i; j < len(edits) && j-last <= 2*contextLines; j++ {
		if edits[j].kind != ' ' {
			last = j
		}
	}
	return min(len(edits), last+1+contextLines)
}

func writeHunk(out *strings.Builder, edits []edit) {
	var inA, inB int
	for _, e := range edits {
		if e.kind != '+' {
			inA++
		}
		if e.kind != '-' {
			inB++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", hunkRange(edits[0].a, inA), hunkRange(edits[0].b, inB))
	for _, e := range edits {
		out.WriteByte(e.kind)
		out.WriteString(e.line)
		if !strings.HasSuffix(e.line, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

func hunkRange(start, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", start)
	}
	return fmt.Sprintf("%d,%d", start+1, count)
}

// editScript is a shortest way from a to b by a table of longest common subsequences;
// scripts are short enough for its quadratic size once their common ends are cut off.
func editScript(a, b []string) []edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	midA, midB := a[head:len(a)-tail], b[head:len(b)-tail]
	common := make([][]int, len(midA)+1)
	for i := range common {
		common[i] = make([]int, len(midB)+1)
	}
	for i := len(midA) - 1; i >= 0; i-- {
		for j := len(midB) - 1; j >= 0; j-- {
			if midA[i] == midB[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []edit
	i, j := 0, 0
	add := func(kind byte, line string) { out = append(out, edit{kind, line, i, j}) }
	for i < len(a) || j < len(b) {
		x, y := i-head, j-head
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			add(' ', a[i])
			i, j = i+1, j+1
		case i < len(a)-tail && (j >= len(b)-tail || common[x+1][y] >= common[x][y+1]):
			add('-', a[i])
			i++
		default:
			add('+', b[j])
			j++
		}
	}
	return out
}
