package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/term"
)

// labelWidth is that of the words before what's told of a program.
const labelWidth = 10

// detailLines is the view of one program.
func (m *Model) detailLines(width int) (lines [][]span) {
	add := func(spans ...span) { lines = append(lines, spans) }
	told := func(label string, spans ...span) {
		line := append([]span{{fmt.Sprintf("%-*s", labelWidth, label), keyStyle}}, spans...)
		lines = append(lines, wrap(line, width, labelWidth)...)
	}
	title := func(text string) {
		add()
		m.starts = append(m.starts, len(lines))
		add(span{text, headStyle})
	}
	m.starts = m.starts[:0]
	p := m.progs[m.selected]
	if p == nil {
		add(span{fmt.Sprintf("program %d is gone; what follows was seen last", m.selected), term.Style{Color: term.Red, Bold: true}})
		if p = m.gone; p == nil || p.ID != m.selected {
			return lines
		}
	}
	f := m.facts[p.ID]
	state := f.State
	switch {
	case p == m.gone:
		f, state = m.goneFact, "gone"
	case p.Runs.Misses > 0:
		state = string(inspect.StateMissed)
	case p.Runs.Count > 0:
		state = string(inspect.StateRunning)
	}
	lines = append(lines, wrap([]span{{fmt.Sprintf("%d %s", p.ID, p.Name), headStyle},
		{fmt.Sprintf("  %s  tag %s  age %s  %s", p.TypeName(), p.TagText(), m.ageText(p), state), term.Style{}}}, width, 2)...)
	told("owner", span{orDash(f.Owner), term.Style{}})
	told("attached", span{orDash(f.Points), term.Style{}})
	told("size", span{fmt.Sprintf("xlated %s  jited %s  memory %s  verified %d instructions",
		show.Bytes(int64(p.XlatedLen)), show.Bytes(int64(p.JitedLen)), show.Bytes(p.Memlock), p.VerifiedInsns), term.Style{}})
	told("now", span{runsText(p.Runs), term.Style{}})
	told("so far", span{runsText(p.total) + fmt.Sprintf("  in %s", seconds(p.total.Elapsed.Round(100*time.Millisecond))), term.Style{}})
	spark := max(0, min(width-labelWidth-1, historyLen))
	told("history", span{m.sparkline(p, spark), term.Style{Color: term.Green}})
	title("maps")
	lines = append(lines, m.mapLines(p, width)...)
	title("time of a run: intervals by their mean")
	lines = append(lines, m.histogramLines(p, width)...)
	title("where its time goes")
	lines = append(lines, m.heatLines(width)...)
	title("instructions")
	// What is read stays in its place when the lines above it become more or less.
	if m.scroll >= m.head && m.head > 0 {
		m.scroll += len(lines) - m.head
	}
	m.head = len(lines)
	xlated, machine := m.listings()
	lines = append(lines, xlated...)
	title("machine instructions")
	return append(lines, machine...)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func runsText(r inspect.Runs) string {
	time := "-"
	if r.Count > 0 {
		time = show.Short(r.PerRun())
	}
	return fmt.Sprintf("%s run/s  %s a run  %.2f %%CPU  %d runs  %d missed", show.Number(r.PerSecond()), time, r.CPU(), r.Count, r.Misses)
}

// mapLines is a table of the program's maps.
func (m *Model) mapLines(p *program, width int) (lines [][]span) {
	if len(p.Maps) == 0 {
		return [][]span{{{"none", term.Style{Dim: true}}}}
	}
	t := &show.Table{Columns: []show.Column{
		{Title: "ID", Right: true}, {Title: "NAME", Least: 8}, {Title: "TYPE", Least: 8}, {Title: "KEY", Right: true, Rank: 2}, {Title: "VALUE", Right: true, Rank: 2},
		{Title: "USED", Right: true}, {Title: "MAX", Right: true}, {Title: "%USED", Right: true}, {Title: "MEM", Right: true, Rank: 1},
	}}
	for _, id := range p.Maps {
		f, ok := m.fills[id]
		if !ok {
			t.Rows = append(t.Rows, []string{fmt.Sprint(id), "…", "", "", "", "", "", "", ""})
			continue
		}
		used, percent, limit := "…", "…", fmt.Sprint(f.MaxEntries)
		switch {
		case f.Err != nil:
			used, percent = "?", "?"
		case !f.At.IsZero():
			used, percent, limit = show.EntriesText(f.Entries)
		}
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(id), f.Name, f.TypeName(), fmt.Sprint(f.KeySize), fmt.Sprint(f.ValueSize), used, limit, percent, show.Bytes(f.Memlock),
		})
	}
	var b strings.Builder
	if err := t.Write(&b, width); err != nil {
		return [][]span{{{err.Error(), term.Style{}}}}
	}
	for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		style := term.Style{}
		if i == 0 {
			style = term.Style{Dim: true}
		} else if f, ok := m.fills[p.Maps[i-1]]; ok {
			if share, ok := f.Share(); ok && share >= 0.9 {
				style = term.Style{Color: term.Red, Bold: true}
			}
		}
		lines = append(lines, []span{{line, style}})
	}
	return lines
}

// histogramLines draws how many intervals had which mean time of a run.
func (m *Model) histogramLines(p *program, width int) (lines [][]span) {
	first, counts := m.timeHistogram(p)
	if len(counts) == 0 {
		return [][]span{{{"no runs yet", term.Style{Dim: true}}}}
	}
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	bar, fill := max(1, min(60, width-32)), "█"
	if !m.Unicode {
		fill = "@"
	}
	for i, n := range counts {
		low, high := time.Duration(1)<<(first+i), time.Duration(1)<<(first+i+1)
		label := fmt.Sprintf("%-18s%6d ", fmt.Sprintf("[%s, %s)", show.Short(low), show.Short(high)), n)
		length := 0
		if n > 0 {
			length = max(1, n*bar/most)
		}
		lines = append(lines, []span{{label, term.Style{}}, {strings.Repeat(fill, length), term.Style{Color: term.Green}}})
	}
	return lines
}

// help is the text of the help view; a line "key: text" has its key in colour.
const help = `Statistics of the kernel are on while this screen runs, and not paused.
A program that's looked into is sampled 1999 times a second.

RUN/S    runs a second in the last interval; HISTORY: this number in the last intervals, against the largest of them
TIME     mean time of a run
%CPU     share of one CPU
MISS/S   runs a second that were left out because the program was running
FULL     the fullest map that isn't an array

j k ↓ ↑	select; the selection stays with its program
g G PgUp PgDn	first, last; by pages, as Ctrl-U Ctrl-D Ctrl-B Ctrl-F
Enter l	look into a program: maps, times, source and instructions with their share of its time
Esc q	back, or quit (Esc ends a filter first)
s	sort by the column whose letter follows
< >	sort by the column to the left, to the right
I N Y R T C M F A O	sort by the column with that letter; P as C
r	reverse the order
/	filter by name, type, owner, attach point, tag or id
i	hide programs that don't run, or show them again
p Space	pause, or go on
+ -	longer or shorter interval
d	type the interval
Tab	in a program: to the next section
Ctrl-L	draw the screen anew
Ctrl-Z	stop until the shell's fg; the statistics are off meanwhile
h ?	this help
Ctrl-C	quit`

// helpKeys is the width of the keys' column.
const helpKeys = 20

func helpLines(width int) (lines [][]span) {
	for line := range strings.SplitSeq(help, "\n") {
		key, text, ok := strings.Cut(line, "\t")
		if !ok {
			lines = append(lines, wrap([]span{{line, term.Style{}}}, width, 9)...)
			continue
		}
		lines = append(lines, wrap([]span{{fmt.Sprintf("%-*s", helpKeys, key), keyStyle}, {text, term.Style{}}}, width, helpKeys)...)
	}
	return lines
}
