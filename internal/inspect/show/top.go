package show

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Top is what programs did in an interval, as `skep top` prints it where there is no screen.
type Top struct {
	*inspect.Sample
	Survey *inspect.Survey         // nil: owners and attach points aren't told
	Fills  map[uint32]inspect.Fill // of maps
}

// fullest is the map of a program that is fullest; ok is false when no map has such a number.
func (t *Top) fullest(g *inspect.Sampled) (share float64, ok bool) {
	for _, id := range g.Maps {
		if s, known := fillShare(t.Fills, id); known && (!ok || s > share) {
			share, ok = s, true
		}
	}
	return share, ok
}

func fillShare(fills map[uint32]inspect.Fill, id uint32) (float64, bool) {
	f, ok := fills[id]
	if !ok {
		return 0, false
	}
	return f.Share()
}

// Top prints a table of width characters (0: any), or an object of JSON in a line, and writes
// it out.
func (p *Printer) Top(t *Top, width int) error {
	if p.JSON != nil {
		p.topJSON(t)
		return p.JSON.EndLine()
	}
	var runs inspect.Runs
	rate, running := 0.0, 0
	for i := range t.Progs {
		r := t.Progs[i].Runs
		rate += r.PerSecond()
		runs.Time += r.Time
		if r.Count > 0 {
			running++
		}
	}
	runs.Elapsed = t.Elapsed
	p.printf("%s  %s, %d running  %s run/s  %.2f %%CPU  in %s\n", t.At.Format("15:04:05"), Counted(len(t.Progs), "program"), running, Number(rate), runs.CPU(), Short(t.Elapsed))
	table := &Table{Columns: []Column{
		{Title: "ID", Right: true}, {Title: "NAME", Least: 12, Name: true}, {Title: "TYPE", Rank: 3}, {Title: "RUN/S", Right: true}, {Title: "TIME", Right: true},
		{Title: "%CPU", Right: true}, {Title: "MISS/S", Right: true, Rank: 2}, {Title: "FULL", Right: true}, {Title: "OWNER", Least: 12, Rank: 4}, {Title: "ATTACHED TO", Least: 16, Rank: 5},
	}}
	for i := range t.Progs {
		table.Rows = append(table.Rows, t.row(&t.Progs[i]))
	}
	if err := table.Write(p.Text, width); err != nil {
		return err
	}
	return p.Text.Flush()
}

func (t *Top) row(g *inspect.Sampled) []string {
	time, full, owner, points := "-", "-", "?", "?"
	if g.Runs.Count > 0 {
		time = Short(g.Runs.PerRun())
	}
	if share, ok := t.fullest(g); ok {
		full = fmt.Sprintf("%.0f%%", 100*share)
	}
	if t.Survey != nil {
		owner, points = OwnerText(t.Survey.Keeper(g.ID)), PointsText(g.Prog, t.Survey.PointsOf(g.ID))
	}
	return []string{
		strconv.Itoa(int(g.ID)), g.Name, typeWord(inspect.ProgTypes, g.Type), Number(g.Runs.PerSecond()), time,
		fmt.Sprintf("%.2f", g.Runs.CPU()), Number(g.Runs.MissesPerSecond()), full, owner, points,
	}
}

func (p *Printer) topJSON(t *Top) {
	j := p.JSON
	j.Open("{")
	j.Member("time", t.At.UTC().Format(time.RFC3339Nano))
	j.Member("duration_ns", t.Elapsed.Nanoseconds())
	j.Name("programs")
	j.Open("[")
	var maps []uint32
	for i := range t.Progs {
		g := &t.Progs[i]
		maps = append(maps, g.Maps...)
		j.Open("{")
		j.Member("id", g.ID)
		typeMember(j, "type", inspect.ProgTypes, g.Type)
		j.Member("name", g.Name)
		j.Member("tag", g.TagText())
		if t.Survey != nil {
			p.keeperJSON(t.Survey.Keeper(g.ID))
			p.pointsJSON(t.Survey.PointsOf(g.ID))
		}
		j.Member("map_ids", g.Maps)
		j.Member("run_cnt", g.RunCount)
		j.Member("run_time_ns", g.RunTime.Nanoseconds())
		j.Member("recursion_misses", g.Misses)
		p.measuredJSON(g.Runs)
		j.End("}")
	}
	j.End("]")
	slices.Sort(maps)
	j.Name("maps")
	j.Open("[")
	for _, id := range slices.Compact(maps) {
		f, ok := t.Fills[id]
		if !ok {
			continue
		}
		j.Open("{")
		j.Member("id", id)
		typeMember(j, "type", inspect.MapTypes, f.Type)
		j.Member("name", f.Name)
		j.Member("max_entries", f.MaxEntries)
		if f.Err == nil && !f.At.IsZero() {
			usedJSON(j, f.Entries)
		}
		j.End("}")
	}
	j.End("]")
	j.End("}")
}

// measuredJSON writes what a program did during a time.
func (p *Printer) measuredJSON(r inspect.Runs) {
	j := p.JSON
	j.Name("measured")
	j.Open("{")
	j.Member("duration_ns", r.Elapsed.Nanoseconds())
	j.Member("run_cnt", r.Count)
	j.Member("run_time_ns", r.Time.Nanoseconds())
	j.Member("recursion_misses", r.Misses)
	j.Member("runs_per_second", decimal(r.PerSecond()))
	j.Member("ns_per_run", r.PerRun().Nanoseconds())
	j.Member("cpu_percent", decimal(r.CPU()))
	j.End("}")
}

// Counted is a number of things: "1 program", "2 programs".
func Counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
