package top

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/term"
)

// column is a column of the list.
type column struct {
	key    string // of SortKeys; "" for what can't be sorted by
	letter rune   // that sorts by it; it's underlined in the title
	title  string
	width  int  // where there's room
	least  int  // it shrinks down to so many before columns of rank 1 and 2 are left out; 0: it doesn't
	most   int  // it grows up to so many; 0: it doesn't
	fits   bool // it grows no wider than its longest text
	right  bool // aligned to the right
	rank   int  // 0: it's always there; of the others the highest is left out first
	text   func(m *Model, p *program, width int) string
	// compare orders rows: names upwards, numbers downwards.
	compare func(m *Model, a, b *program) int
}

// columns is the list's table.
var columns = []column{
	{key: "id", letter: 'I', title: "ID", width: 5, right: true,
		text:    func(_ *Model, p *program, _ int) string { return strconv.Itoa(int(p.ID)) },
		compare: func(_ *Model, a, b *program) int { return cmp.Compare(a.ID, b.ID) }},
	{key: "name", letter: 'N', title: "NAME", width: 15, least: 8, most: 48, fits: true,
		text:    func(_ *Model, p *program, _ int) string { return p.Name },
		compare: func(_ *Model, a, b *program) int { return strings.Compare(a.Name, b.Name) }},
	{key: "type", letter: 'Y', title: "TYPE", width: 12, most: 23, fits: true, rank: 4,
		text:    func(_ *Model, p *program, _ int) string { return p.TypeName() },
		compare: func(_ *Model, a, b *program) int { return strings.Compare(a.TypeName(), b.TypeName()) }},
	{title: "HISTORY", width: 10, most: 20, rank: 3,
		text: func(m *Model, p *program, width int) string { return m.sparkline(p, width) }},
	{key: "runs", letter: 'R', title: "RUN/S", width: 6, right: true, rank: 1,
		text:    func(_ *Model, p *program, _ int) string { return show.Number(p.Runs.PerSecond()) },
		compare: func(_ *Model, a, b *program) int { return cmp.Compare(b.Runs.PerSecond(), a.Runs.PerSecond()) }},
	{key: "time", letter: 'T', title: "TIME", width: 6, right: true, rank: 2,
		text:    func(_ *Model, p *program, _ int) string { return timeText(p) },
		compare: func(_ *Model, a, b *program) int { return cmp.Compare(b.Runs.PerRun(), a.Runs.PerRun()) }},
	{key: "cpu", letter: 'C', title: "%CPU", width: 6, right: true,
		text:    func(_ *Model, p *program, _ int) string { return fmt.Sprintf("%.2f", p.Runs.CPU()) },
		compare: func(_ *Model, a, b *program) int { return cmp.Compare(b.Runs.CPU(), a.Runs.CPU()) }},
	{key: "missed", letter: 'M', title: "MISS/S", width: 6, right: true, rank: 3,
		text: func(_ *Model, p *program, _ int) string { return show.Number(p.Runs.MissesPerSecond()) },
		compare: func(_ *Model, a, b *program) int {
			return cmp.Compare(b.Runs.MissesPerSecond(), a.Runs.MissesPerSecond())
		}},
	{key: "fill", letter: 'F', title: "FULL", width: 4, right: true, rank: 3,
		text:    func(_ *Model, p *program, _ int) string { return fillText(p.fill) },
		compare: func(_ *Model, a, b *program) int { return cmp.Compare(b.fill, a.fill) }},
	{key: "age", letter: 'A', title: "AGE", width: 4, right: true, rank: 7,
		text: func(m *Model, p *program, _ int) string { return m.ageText(p) },
		compare: func(_ *Model, a, b *program) int {
			return a.LoadedAt.Compare(b.LoadedAt)
		}},
	{key: "owner", letter: 'O', title: "OWNER", width: 14, most: 40, fits: true, rank: 5,
		text:    func(m *Model, p *program, _ int) string { return m.facts[p.ID].Owner },
		compare: func(m *Model, a, b *program) int { return strings.Compare(m.facts[a.ID].Owner, m.facts[b.ID].Owner) }},
	{title: "ATTACHED TO", width: 20, most: 400, rank: 6,
		text: func(m *Model, p *program, _ int) string { return m.facts[p.ID].Points }},
}

// SortKeys are the names of what the list can be sorted by.
func SortKeys() (keys []string) {
	for _, c := range columns {
		if c.key != "" {
			keys = append(keys, c.key)
		}
	}
	return keys
}

func columnByKey(key string) int {
	for i, c := range columns {
		if c.key == key && key != "" {
			return i
		}
	}
	return -1
}

func columnByLetter(letter string) int {
	for i, c := range columns {
		if c.letter != 0 && string(c.letter) == strings.ToUpper(letter) {
			return i
		}
	}
	return -1
}

// nextColumn is the next column to the right (step 1) or left (-1) that can be sorted by.
func nextColumn(i, step int) int {
	for {
		i = (i + step + len(columns)) % len(columns)
		if columns[i].key != "" {
			return i
		}
	}
}

// timeText is the mean time of a run.
func timeText(p *program) string {
	if p.Runs.Count == 0 {
		return "-"
	}
	return show.Short(p.Runs.PerRun())
}

func fillText(share float64) string {
	if share < 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func (m *Model) ageText(p *program) string {
	if p.LoadedAt.IsZero() {
		return "?"
	}
	return show.Age(max(time.Duration(0), m.sample.At.Sub(p.LoadedAt)))
}

// Bars of a sparkline; the first is nothing.
const (
	bars      = " ▁▂▃▄▅▆▇█"
	barsASCII = " .:-=+*#@"
)

// sparkline draws the rates of a program's last intervals, the latest at the right, against
// the largest of them.
func (m *Model) sparkline(p *program, width int) string {
	if p.history == nil {
		return ""
	}
	most := 0.0
	for i := range width {
		most = max(most, m.past(&p.history.rate, i))
	}
	levels := []rune(bars)
	if !m.Unicode {
		levels = []rune(barsASCII)
	}
	line := make([]rune, width)
	for i := range width {
		rate, level := m.past(&p.history.rate, i), 0
		if rate > 0 {
			level = max(1, int(rate/most*float64(len(levels)-1)+0.5))
		}
		line[width-1-i] = levels[level]
	}
	return string(line)
}

// narrow is the rank up to which columns stay as long as the name can be made shorter.
const narrow = 2

// layout picks the columns that fit and gives each its width; there's a blank between them.
// longest is the longest text of each column that fits its texts.
func layout(width, idWidth int, longest []int) (shown, widths []int) {
	widths = make([]int, len(columns))
	sum := -1
	for i, c := range columns {
		shown = append(shown, i)
		widths[i] = c.width
		if c.key == "id" {
			widths[i] = max(c.width, idWidth)
		}
		sum += widths[i] + 1
	}
	// drop leaves out columns of more than a rank.
	drop := func(rank int) {
		for sum > width {
			last := -1
			for n, i := range shown {
				if r := columns[i].rank; r > rank && (last < 0 || r >= columns[shown[last]].rank) {
					last = n
				}
			}
			if last < 0 {
				return
			}
			sum -= widths[shown[last]] + 1
			shown = append(shown[:last:last], shown[last+1:]...)
		}
	}
	drop(narrow)
	for i, c := range columns {
		if c.least > 0 && sum > width {
			less := min(sum-width, widths[i]-c.least)
			widths[i], sum = widths[i]-less, sum-less
		}
	}
	drop(0)
	// What is left goes to those that may grow, in turn.
	for grown := true; grown && sum < width; {
		grown = false
		for _, i := range shown {
			c := &columns[i]
			if sum < width && widths[i] < c.most && (!c.fits || widths[i] < longest[i]) {
				widths[i]++
				sum++
				grown = true
			}
		}
	}
	return shown, widths
}

// rowStyle is the style of a cell by its column.
func rowStyle(c *column, p *program) term.Style {
	switch {
	case c.title == "HISTORY":
		return term.Style{Color: term.Green}
	case c.key == "missed" && p.Runs.Misses > 0, c.key == "fill" && p.fill >= 0.9:
		return term.Style{Color: term.Red, Bold: true}
	case p.Runs.Count == 0:
		return term.Style{Dim: true}
	case c.key == "name":
		return term.Style{Bold: true}
	}
	return term.Style{}
}
