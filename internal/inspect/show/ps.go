package show

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// PS is a list of programs as `skep ps` prints it.
type PS struct {
	Survey *inspect.Survey
	// Runs are what programs did while it was looked at; nil: it wasn't.
	Runs map[uint32]inspect.Runs
}

// psRow is a program with all that's told of it.
type psRow struct {
	*inspect.Prog
	state    inspect.State
	keeper   inspect.Keeper
	points   []inspect.Point
	age      time.Duration // -1: not told
	mapBytes int64         // of all its maps; those that are shared count in full; -1: not told
	runs     inspect.Runs
	measured bool
}

// psKeys are what rows can be sorted by: names upwards, numbers downwards.
var psKeys = map[string]func(a, b *psRow) int{
	"id":    func(a, b *psRow) int { return cmp.Compare(a.ID, b.ID) },
	"name":  func(a, b *psRow) int { return strings.Compare(a.Name, b.Name) },
	"state": func(a, b *psRow) int { return strings.Compare(string(a.state), string(b.state)) },
	"owner": func(a, b *psRow) int { return strings.Compare(OwnerText(a.keeper), OwnerText(b.keeper)) },
	"age":   func(a, b *psRow) int { return cmp.Compare(b.age, a.age) },
	"size":  func(a, b *psRow) int { return cmp.Compare(b.XlatedLen, a.XlatedLen) },
	"mem":   func(a, b *psRow) int { return cmp.Compare(b.Memlock+b.mapBytes, a.Memlock+a.mapBytes) },
	"maps":  func(a, b *psRow) int { return cmp.Compare(len(b.Maps), len(a.Maps)) },
	"runs":  func(a, b *psRow) int { return cmp.Compare(b.runs.PerSecond(), a.runs.PerSecond()) },
	"time":  func(a, b *psRow) int { return cmp.Compare(b.runs.PerRun(), a.runs.PerRun()) },
	"cpu":   func(a, b *psRow) int { return cmp.Compare(b.runs.CPU(), a.runs.CPU()) },
}

// PSKeys are the names of what `skep ps` can be sorted by.
func PSKeys() (keys []string) {
	for k := range psKeys {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// PS prints programs, sorted by one of PSKeys, in a table of width characters (0: any) or as
// an array in JSON.
func (p *Printer) PS(ps *PS, progs []*inspect.Prog, key string, width int) error {
	rows := make([]*psRow, len(progs))
	for i, g := range progs {
		rows[i] = ps.row(g)
	}
	slices.SortStableFunc(rows, func(a, b *psRow) int { return cmp.Or(psKeys[key](a, b), cmp.Compare(a.ID, b.ID)) })
	if p.JSON == nil {
		return psTable(rows, ps.Runs != nil).Write(p.Text, width)
	}
	p.JSON.Open("[")
	for _, r := range rows {
		p.psJSON(r)
	}
	p.JSON.End("]")
	return nil
}

func (ps *PS) row(g *inspect.Prog) *psRow {
	s := ps.Survey
	r := &psRow{Prog: g, keeper: s.Keeper(g.ID), points: s.PointsOf(g.ID), age: -1}
	r.runs, r.measured = ps.Runs[g.ID]
	r.state = s.State(g.ID, r.runs)
	if !g.LoadedAt.IsZero() {
		r.age = max(0, s.Taken.Sub(g.LoadedAt))
	}
	for _, id := range g.Maps {
		if m := s.Map(id); m != nil && m.Memlock < 0 {
			r.mapBytes = -1
			break
		} else if m != nil {
			r.mapBytes += m.Memlock
		}
	}
	return r
}

// OwnerText is who keeps a program, in a word: the first process with its container, and
// how many more; a pin; "-" for nobody, "?" when that isn't known.
func OwnerText(k inspect.Keeper) string {
	if len(k.Processes) == 0 {
		if len(k.Pins) > 0 {
			return k.Pins[0] + more(len(k.Pins)-1)
		}
		if k.Unknown {
			return "?"
		}
		return "-"
	}
	o := k.Processes[0]
	text := fmt.Sprintf("%d %s", o.PID, o.Comm)
	switch {
	case o.Pod != "":
		text += " pod " + o.Pod
	case o.Container != "":
		text += " in " + o.Container
	}
	return text + more(len(k.Processes)-1)
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" +%d", n)
}

// PointsText are a program's attach points.
func PointsText(g *inspect.Prog, points []inspect.Point) string {
	var words []string
	times := map[string]int{}
	for _, q := range points {
		text := q.Text
		if q.Detached {
			text += " (detached)"
		}
		if times[text]++; times[text] == 1 {
			words = append(words, text)
		}
	}
	for i, text := range words {
		if n := times[text]; n > 1 {
			words[i] = fmt.Sprintf("%s (%d times)", text, n) // an event of each CPU
		}
	}
	switch {
	case len(words) > 0:
		return strings.Join(words, ", ")
	case g.TypeName() == "socket_filter":
		return "socket filter (untold)"
	case g.TypeName() == "perf_event":
		return "perf event (untold)"
	}
	return "-"
}

func psTable(rows []*psRow, measured bool) *Table {
	t := &Table{Columns: []Column{
		{Title: "ID", Right: true}, {Title: "NAME", Least: 12, Name: true}, {Title: "TYPE", Rank: 8}, {Title: "STATE"}, {Title: "OWNER", Least: 12},
		{Title: "AGE", Right: true, Rank: 4}, {Title: "XLATED", Right: true, Rank: 7}, {Title: "JITED", Right: true, Rank: 7},
		{Title: "MEM", Right: true, Rank: 3}, {Title: "MAPS", Right: true, Rank: 6}, {Title: "MAPMEM", Right: true, Rank: 5},
	}}
	missed := slices.ContainsFunc(rows, func(r *psRow) bool { return r.RecursionMisses+r.runs.Misses > 0 })
	if measured {
		t.Columns = append(t.Columns, Column{Title: "RUN/S", Right: true, Rank: 1}, Column{Title: "TIME", Right: true, Rank: 2}, Column{Title: "%CPU", Right: true})
	}
	if missed {
		t.Columns = append(t.Columns, Column{Title: "MISSED", Right: true, Rank: 4})
	}
	t.Columns = append(t.Columns, Column{Title: "ATTACHED TO", Least: 24})
	for _, r := range rows {
		age := "?"
		if r.age >= 0 {
			age = Age(r.age)
		}
		row := []string{
			strconv.Itoa(int(r.ID)), r.Name, typeWord(inspect.ProgTypes, r.Type), string(r.state), OwnerText(r.keeper), age,
			Bytes(int64(r.XlatedLen)), Bytes(int64(r.JitedLen)), Bytes(r.Memlock), strconv.Itoa(len(r.Maps)), Bytes(r.mapBytes),
		}
		if measured {
			row = append(row, r.measuredText()...)
		}
		if missed {
			row = append(row, Number(float64(r.RecursionMisses+r.runs.Misses)))
		}
		t.Rows = append(t.Rows, append(row, PointsText(r.Prog, r.points)))
	}
	return t
}

// measuredText are runs a second, time a run and the share of a CPU.
func (r *psRow) measuredText() []string {
	if !r.measured {
		return []string{"?", "?", "?"}
	}
	time := "-"
	if r.runs.Count > 0 {
		time = Short(r.runs.PerRun())
	}
	return []string{Number(r.runs.PerSecond()), time, fmt.Sprintf("%.2f", r.runs.CPU())}
}

func (p *Printer) psJSON(r *psRow) {
	j := p.JSON
	j.Open("{")
	j.Member("id", r.ID)
	typeMember(j, "type", inspect.ProgTypes, r.Type)
	j.Member("name", r.Name)
	j.Member("tag", r.TagText())
	j.Member("state", string(r.state))
	p.keeperJSON(r.keeper)
	p.pointsJSON(r.points)
	if r.age >= 0 {
		j.Member("loaded_at", r.LoadedAt.Unix())
		j.Member("age_seconds", int64(r.age/time.Second))
		j.Member("uid", r.UID)
	}
	j.Member("bytes_xlated", r.XlatedLen)
	j.Member("bytes_jited", r.JitedLen)
	if r.Memlock >= 0 {
		j.Member("bytes_memlock", r.Memlock)
	}
	j.Member("map_ids", r.Maps)
	if r.mapBytes >= 0 {
		j.Member("bytes_maps", r.mapBytes)
	}
	j.Member("run_cnt", r.RunCount)
	j.Member("run_time_ns", r.RunTime.Nanoseconds())
	j.Member("recursion_misses", r.RecursionMisses)
	if r.measured {
		p.measuredJSON(r.runs)
	}
	j.End("}")
}

// decimal is a number as JSON has them, without an exponent.
type decimal float64

func (d decimal) String() string { return strconv.FormatFloat(float64(d), 'f', 4, 64) }

// keeperJSON writes who keeps a program.
func (p *Printer) keeperJSON(k inspect.Keeper) {
	j := p.JSON
	j.Name("owners")
	j.Open("[")
	for _, o := range k.Processes {
		j.Open("{")
		p.process(o)
		if o.Pod != "" {
			j.Member("pod", o.Pod)
		}
		j.End("}")
	}
	j.End("]")
	j.Member("pinned", k.Pins)
}

// pointsJSON writes what a program is attached to.
func (p *Printer) pointsJSON(points []inspect.Point) {
	j := p.JSON
	j.Name("attached")
	j.Open("[")
	for _, q := range points {
		j.Open("{")
		j.Member("to", q.Text)
		if q.Link != 0 {
			j.Member("link_id", q.Link)
		}
		if q.Map != 0 {
			j.Member("map_id", q.Map)
		}
		if q.Detached {
			j.Member("detached", true)
		}
		j.End("}")
	}
	j.End("]")
}
