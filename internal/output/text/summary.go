package text

import (
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// appendSummaries appends a map of summaries as a table: a line with the names of the numbers,
// then a line an entry. Columns are as wide as what's in them, and two blanks apart.
func appendSummaries(dst []byte, m *event.Snapshot) []byte {
	if len(m.Entries) == 0 {
		return dst
	}
	head := append([]string{""}, m.Entries[0].Value.Names...)
	rows := [][]string{head}
	for i := range m.Entries {
		e := &m.Entries[i]
		row := []string{string(append(appendName(nil, m, e), ':'))}
		for j := range e.Value.Elems {
			row = append(row, string(output.AppendValue(nil, &e.Value.Elems[j])))
		}
		rows = append(rows, row)
	}
	width := make([]int, len(head))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range rows {
		dst = fill(append(dst, row[0]...), len(dst)+width[0], ' ')
		for i, cell := range row[1:] {
			dst = fill(dst, len(dst)+2+width[i+1]-len(cell), ' ')
			dst = append(dst, cell...)
		}
		dst = append(dst, '\n')
	}
	return dst
}
