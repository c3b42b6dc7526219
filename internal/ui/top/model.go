// Package top is `skep top`'s screen: a Model that takes samples and keys and draws itself
// into a grid, without a terminal and without reading anything, and Run, which has both.
package top

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Fact is what a survey tells of a program, in words.
type Fact struct{ Owner, Points, State string }

// historyLen is how many intervals a program's history has.
const historyLen = 120

// history is a program's last intervals, in a ring.
type history struct {
	rate, nanos [historyLen]float32 // runs a second; mean time of a run, 0: there was none
}

// program is a program with its history.
type program struct {
	inspect.Sampled
	history *history     // nil: it never ran
	total   inspect.Runs // since skep looks
	fill    float64      // of its fullest map; -1: not known
}

// mode is what the screen shows.
type mode uint8

const (
	modeList mode = iota
	modeDetail
	modeHelp
)

// prompt is a line that is being typed.
type prompt struct {
	what promptKind
	text string
}

type promptKind uint8

const (
	promptNone promptKind = iota
	promptFilter
	promptInterval
	promptSort
)

// Model is all that the screen shows. One goroutine uses it.
type Model struct {
	Interval time.Duration
	Paused   bool
	Unicode  bool     // the terminal shows more than ASCII
	Only     []uint32 // the programs to show; nil: all

	sample   *inspect.Sample // the last; nil: none yet
	round    int             // of samples
	progs    map[uint32]*program
	rows     []*program // that are shown, in order
	longest  []int      // text of the rows, in columns that fit theirs
	facts    map[uint32]Fact
	fills    map[uint32]inspect.Fill
	detail   *Detail
	heat     *Heat // of the program that is looked into; nil: not known yet
	goneFact Fact
	gone     *program // that was looked into, as it was seen last; nil: none
	sortBy   int      // in columns
	reverse  bool
	filter   string
	running  bool // only programs that ran in the interval
	selected uint32
	follow   bool // the selection stays with the program
	cursor   int  // the selected row
	offset   int  // the first row that's shown
	page     int  // rows that fit
	mode     mode
	scroll   int // in the detail's or help's lines
	head     int // the detail's lines before its instructions
	docLen   int // the document's lines
	starts   []int
	back     mode // from help
	prompt   prompt
	message  string
}

// New makes a model that is sorted by one of SortKeys.
func New(sortKey string, interval time.Duration) *Model {
	m := &Model{Interval: interval, Unicode: true, progs: map[uint32]*program{}}
	m.sortBy = max(0, columnByKey(sortKey))
	m.arrange()
	return m
}

// Feed takes a sample in.
func (m *Model) Feed(s *inspect.Sample) {
	m.sample = s
	m.round++
	slot := m.round % historyLen
	seen := make(map[uint32]*program, len(s.Progs))
	for i := range s.Progs {
		g := &s.Progs[i]
		if m.Only != nil && !slices.Contains(m.Only, g.ID) {
			continue
		}
		p := m.progs[g.ID]
		if p == nil || p.Tag != g.Tag {
			p = &program{fill: -1}
		}
		p.Sampled = *g
		p.total.Count += g.Runs.Count
		p.total.Time += g.Runs.Time
		p.total.Misses += g.Runs.Misses
		p.total.Elapsed += g.Runs.Elapsed
		if p.history == nil && g.Runs.Count > 0 {
			p.history = new(history)
		}
		if h := p.history; h != nil {
			h.rate[slot], h.nanos[slot] = float32(g.Runs.PerSecond()), float32(g.Runs.PerRun())
		}
		seen[g.ID] = p
	}
	if id := m.looked(); id != 0 && seen[id] == nil && m.progs[id] != nil {
		m.gone, m.goneFact = m.progs[id], m.facts[id]
		m.gone.Runs = inspect.Runs{}
	}
	if m.gone != nil && m.gone.history != nil {
		m.gone.history.rate[slot], m.gone.history.nanos[slot] = 0, 0
	}
	m.progs = seen
	m.setFills(m.fills)
	m.arrange()
}

// past is the i-th interval back (0: the last one) of a ring.
func (m *Model) past(ring *[historyLen]float32, i int) float64 {
	if i >= historyLen || i >= m.round {
		return 0
	}
	return float64(ring[(m.round-i)%historyLen])
}

// SetFacts takes what a survey tells.
func (m *Model) SetFacts(f map[uint32]Fact) { m.facts = f; m.arrange() }

// SetFills takes what is known of how full maps are; what is known of others is kept.
func (m *Model) SetFills(f map[uint32]inspect.Fill) {
	m.setFills(f)
	if columns[m.sortBy].key == "fill" {
		m.arrange()
	}
}

func (m *Model) setFills(f map[uint32]inspect.Fill) {
	m.fills = f
	for _, p := range m.progs {
		for i, id := range p.Maps {
			fill, ok := f[id]
			if !ok {
				continue
			}
			if i == 0 {
				p.fill = -1
			}
			if share, ok := fill.Share(); ok {
				p.fill = max(p.fill, share)
			}
		}
	}
}

// Say shows a message until the next key.
func (m *Model) Say(text string) { m.message = text }

// arrange filters and sorts the rows, and keeps the selection where it was.
func (m *Model) arrange() {
	m.rows = m.rows[:0]
	needle := strings.ToLower(m.filter)
	for _, p := range m.progs {
		if m.running && p.Runs.Count == 0 {
			continue
		}
		if needle == "" || m.matches(p, needle) {
			m.rows = append(m.rows, p)
		}
	}
	c := &columns[m.sortBy]
	slices.SortFunc(m.rows, func(a, b *program) int {
		n := c.compare(m, a, b)
		if m.reverse {
			n = -n
		}
		if n == 0 {
			n = int(a.ID) - int(b.ID)
		}
		return n
	})
	m.measure()
	if m.follow || m.mode == modeDetail || m.mode == modeHelp {
		if i := slices.IndexFunc(m.rows, func(p *program) bool { return p.ID == m.selected }); i >= 0 {
			m.moveTo(i)
			return
		}
	}
	m.moveTo(m.cursor)
}

// measure finds the longest texts of the rows.
func (m *Model) measure() {
	m.longest = make([]int, len(columns))
	for i, c := range columns {
		if !c.fits {
			continue
		}
		for _, p := range m.rows {
			m.longest[i] = max(m.longest[i], utf8.RuneCountInString(c.text(m, p, 0)))
		}
	}
}

func (m *Model) matches(p *program, needle string) bool {
	f := m.facts[p.ID]
	for _, text := range []string{p.Name, p.TypeName(), f.Owner, f.Points, p.TagText()} {
		if strings.Contains(strings.ToLower(text), needle) {
			return true
		}
	}
	return fmt.Sprint(p.ID) == needle
}

// moveTo puts the selection on a row, or the nearest that there is. A detail stays with its
// program also when that isn't among the rows.
func (m *Model) moveTo(row int) {
	m.cursor = max(0, min(row, len(m.rows)-1))
	if m.mode == modeList && len(m.rows) > 0 {
		m.selected = m.rows[m.cursor].ID
	}
	page := max(1, m.page)
	m.offset = max(0, min(m.offset, len(m.rows)-page))
	switch {
	case m.cursor < m.offset:
		m.offset = m.cursor
	case m.cursor >= m.offset+page:
		m.offset = m.cursor - page + 1
	}
}

// WantMaps are the maps whose fill is shown, or which the list is sorted by, those that
// are seen first.
func (m *Model) WantMaps() (ids []uint32) {
	add := func(p *program) { ids = append(ids, p.Maps...) }
	if m.mode == modeDetail {
		if p := m.progs[m.selected]; p != nil {
			add(p)
		}
		return ids
	}
	end := min(len(m.rows), m.offset+max(1, m.page))
	for _, p := range m.rows[min(m.offset, end):end] {
		add(p)
	}
	if columns[m.sortBy].key == "fill" {
		for _, p := range m.rows {
			add(p)
		}
	}
	return ids
}

// totals are all programs' runs together.
func (m *Model) totals() (running int, rate, cpu float64) {
	for _, p := range m.progs {
		if p.Runs.Count > 0 {
			running++
		}
		rate += p.Runs.PerSecond()
		cpu += p.Runs.CPU()
	}
	return running, rate, cpu
}

// timeHistogram counts the intervals of a program's history by the mean time of its runs:
// bucket i is from 2^i ns to below 2^(i+1). first is the first bucket that has some.
func (m *Model) timeHistogram(p *program) (first int, counts []int) {
	if p.history == nil {
		return 0, nil
	}
	var all [64]int
	low, high := len(all), -1
	for i := range min(historyLen, m.round) {
		if ns := m.past(&p.history.nanos, i); ns > 0 {
			b := max(0, math.Ilogb(ns))
			all[b]++
			low, high = min(low, b), max(high, b)
		}
	}
	if high < 0 {
		return 0, nil
	}
	return low, slices.Clone(all[low : high+1])
}
