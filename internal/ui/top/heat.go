package top

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/term"
)

// SetDetail takes the instructions of the program that is looked into.
func (m *Model) SetDetail(d *Detail) {
	if d.ID == m.looked() {
		m.detail = d
	}
}

// SetHeat takes where the program that is looked into spends its time.
func (m *Model) SetHeat(h *Heat) {
	if h.ID == m.looked() {
		m.heat = h
	}
}

// looked is the program that is looked into; 0: none.
func (m *Model) looked() uint32 {
	if m.mode == modeDetail || m.mode == modeHelp && m.back == modeDetail {
		return m.selected
	}
	return 0
}

// hottest is how many source lines are listed by their share of the time.
const hottest = 10

// heatLines tell where a program spends its time: its source lines with most samples.
func (m *Model) heatLines(width int) (lines [][]span) {
	dim := term.Style{Dim: true}
	switch h := m.heat; {
	case h == nil:
		return [][]span{{{"sampling …", dim}}}
	case h.Err != nil:
		return [][]span{{{"not known: " + h.Err.Error(), term.Style{Color: term.Red}}}}
	case h.Total == 0:
		lines = [][]span{{{"not seen in any sample yet", dim}}}
	default:
		lines = [][]span{{{show.Counted(h.Total, "sample") + ", with what it calls in the kernel", dim}}}
	}
	if m.heat.Clock {
		lines = append(lines, wrap([]span{{"by a timer, as the processor's cycles can't be counted: what runs with interrupts off isn't seen", dim}}, width, 0)...)
	}
	return append(lines, m.hotLines()...)
}

// hotLine is a source line with its samples.
type hotLine struct {
	*inspect.Line
	hits int
}

func (m *Model) hotLines() (lines [][]span) {
	if m.detail == nil || m.heat.Total == 0 {
		return nil
	}
	type place struct {
		file string
		line uint32
	}
	byPlace := map[place]*hotLine{}
	for _, l := range m.detail.Xlated {
		if l.Source == nil || l.Source.Text == "" { // of objects whose compiler told none
			continue
		}
		n := m.heat.In(l.From, l.To)
		at := place{l.Source.File, l.Source.Line}
		if byPlace[at] == nil {
			byPlace[at] = &hotLine{Line: l.Source}
		}
		byPlace[at].hits += n
	}
	var hot []*hotLine
	for _, l := range byPlace {
		if l.hits > 0 {
			hot = append(hot, l)
		}
	}
	slices.SortFunc(hot, func(a, b *hotLine) int {
		return cmp.Or(cmp.Compare(b.hits, a.hits), cmp.Compare(a.Line.Line, b.Line.Line))
	})
	for _, l := range hot[:min(len(hot), hottest)] {
		text := fmt.Sprintf(" %s:%d  %s", path.Base(l.File), l.Line.Line, strings.TrimLeft(l.Text, " \t"))
		lines = append(lines, []span{m.share(l.hits), {text, term.Style{}}})
	}
	return lines
}

// shareWidth is that of a share of the time before a line.
const shareWidth = 6

// share is a share of the program's time; 0 is blank.
func (m *Model) share(hits int) span {
	if hits == 0 {
		return span{strings.Repeat(" ", shareWidth), term.Style{}}
	}
	percent := 100 * float64(hits) / float64(m.heat.Total)
	style := term.Style{}
	switch {
	case percent >= 20:
		style = term.Style{Color: term.Red, Bold: true}
	case percent >= 5:
		style = term.Style{Color: term.Yellow}
	}
	return span{fmt.Sprintf("%5.1f%%", percent), style}
}

// listings are the instructions, with their shares of the time where there are samples.
func (m *Model) listings() (xlated, machine [][]span) {
	d := m.detail
	if d == nil || d.ID != m.selected {
		reading := [][]span{{{"reading …", term.Style{Dim: true}}}}
		return reading, reading
	}
	return m.listing(d.Xlated, d.XlatedErr), m.listing(d.Machine, d.MachineErr)
}

func (m *Model) listing(list []show.ListingLine, err error) (lines [][]span) {
	if err != nil {
		return [][]span{{{err.Error(), term.Style{Color: term.Red}}}}
	}
	sampled := m.heat != nil && m.heat.Err == nil && m.heat.Total > 0
	for _, l := range list {
		style := term.Style{}
		switch {
		case l.Source != nil && l.Source.Text == "":
			continue
		case l.Source != nil:
			style = term.Style{Color: term.Cyan, Bold: true}
		case strings.HasSuffix(l.Text, ":"): // a function
			style = headStyle
		}
		line := []span{{strings.ReplaceAll(l.Text, "\t", "  "), style}}
		if sampled {
			line = append([]span{m.share(m.heat.In(l.From, l.To)), {" ", style}}, line...)
		}
		lines = append(lines, line)
	}
	return lines
}
