// Package export makes metrics of programs and maps: a Collector gathers them, with a bound
// on their number, and they are written as Prometheus' text or as OTLP's JSON.
package export

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Label is a name and a value that tell one series of a family from the others.
type Label struct{ Name, Value string }

// Series is one number.
type Series struct {
	Labels []Label
	Value  float64   // whole unless the family's unit is seconds
	Since  time.Time // of a counter: when it was 0
}

// Family is a metric with all its series.
type Family struct {
	Name    string // Prometheus'
	OTLP    string // OpenTelemetry's
	Help    string
	Unit    string // UCUM, OpenTelemetry's units
	Counter bool
	Series  []Series
}

// Grouping is what programs have a series by.
type Grouping string

// The groupings. Maps have no tags: by tag and by name they're grouped by name and type.
const (
	ByID   Grouping = "id"
	ByTag  Grouping = "tag"
	ByName Grouping = "name"
)

// Groupings are all of them.
func Groupings() []string { return []string{string(ByID), string(ByTag), string(ByName)} }

// Config says what is gathered.
type Config struct {
	By        Grouping
	MaxSeries int           // of programs and maps together
	MapTime   time.Duration // for counting maps' elements, each time
}

// Collector gathers metrics. Statistics are on until Close. One goroutine uses it at a time.
type Collector struct {
	Config
	sampler *inspect.Sampler
	fills   *inspect.Fills
	programs,
	maps map[string]*group
	other group // programs that have no series of their own, while they have none
	start time.Time
	now   time.Time
	took  time.Duration
	left  int // programs without a series of their own
	lost  int // maps without a series
}

// group is the programs, or maps, of one series.
type group struct {
	labels        []Label
	since         time.Time // it has a series since then
	count         int       // of objects
	runs, missed  uint64    // since then
	spent         time.Duration
	now           inspect.Runs  // in the last interval
	weight        time.Duration // of all runs since it's known
	memory        int64
	used, most    uint64
	pending, room uint64 // bytes, of ring buffers
	counted, ring bool
	seen, shown   bool
	first         uint32 // least id
}

// seriesOfProgram and seriesOfMap are how many series a program or map has at most.
const (
	seriesOfProgram = 4
	seriesOfMap     = 3
)

// Start switches statistics on and begins to count. missing are fields that weren't to be
// had. The caller closes the Collector.
func Start(r *inspect.Reader, c Config) (col *Collector, missing []error, err error) {
	s, missing, err := r.StartSampler()
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	return &Collector{Config: c, sampler: s, fills: r.NewFills(), programs: map[string]*group{}, maps: map[string]*group{}, start: now, other: group{since: now}}, missing, nil
}

// Close switches statistics off.
func (c *Collector) Close() error { return c.sampler.Close() }

// Collect reads all programs, and their maps as far as there's room for them.
func (c *Collector) Collect() error {
	s, err := c.sampler.Sample()
	if err != nil {
		return err
	}
	var maps []uint32
	for i := range s.Progs {
		maps = append(maps, s.Progs[i].Maps...)
	}
	slices.Sort(maps)
	maps = slices.Compact(maps)
	c.lost = 0
	if c.By == ByID {
		// Each has a series: those beyond the bound needn't be looked at.
		if most := c.MaxSeries / seriesOfMap; len(maps) > most {
			c.lost = len(maps) - most
			maps = maps[:most]
		}
	}
	c.fills.Update(maps, c.MapTime)
	c.take(s, c.fills.All())
	c.took = time.Since(s.At)
	return nil
}

// take adds an interval to the groups.
func (c *Collector) take(s *inspect.Sample, fills map[uint32]inspect.Fill) {
	c.now = s.At
	for _, all := range []map[string]*group{c.programs, c.maps} {
		for _, g := range all {
			g.seen, g.count, g.memory, g.now = false, 0, 0, inspect.Runs{}
			g.used, g.most, g.pending, g.room, g.counted, g.ring = 0, 0, 0, 0, false, false
		}
	}
	for i := range s.Progs {
		c.addProgram(&s.Progs[i])
	}
	for _, f := range fills {
		c.addMap(&f)
	}
	for _, all := range []map[string]*group{c.programs, c.maps} {
		for k, g := range all {
			if !g.seen {
				delete(all, k)
			}
		}
	}
	shown := map[*group]bool{}
	for _, g := range c.programs {
		shown[g] = g.shown
	}
	c.choose()
	for _, g := range c.programs {
		switch {
		case !g.shown:
			c.other.add(g.now)
			continue
		case !shown[g]: // until now it was among the others, which keep what it did
			g.runs, g.spent, g.missed, g.since = 0, 0, 0, s.At.Add(-s.Elapsed)
		}
		g.add(g.now)
	}
}

// object finds a group by its labels, or makes it.
func (c *Collector) object(all map[string]*group, id uint32, labels ...Label) *group {
	key := ""
	for _, l := range labels {
		key += l.Value + "\x00"
	}
	g := all[key]
	if g == nil {
		g = &group{labels: labels, since: c.now, first: id}
		all[key] = g
	}
	g.seen = true
	g.count++
	g.first = min(g.first, id)
	return g
}

func (c *Collector) addProgram(p *inspect.Sampled) {
	typ, name, tag := Label{"type", p.TypeName()}, Label{"name", p.Name}, Label{"tag", p.TagText()}
	var g *group
	switch c.By {
	case ByTag:
		g = c.object(c.programs, p.ID, tag, typ)
	case ByName:
		g = c.object(c.programs, p.ID, name, typ)
	default:
		g = c.object(c.programs, p.ID, Label{"id", strconv.Itoa(int(p.ID))}, name, typ, tag)
	}
	g.now.Count += p.Runs.Count
	g.now.Time += p.Runs.Time
	g.now.Misses += p.Runs.Misses
	g.weight += p.Runs.Time
	g.memory += max(0, p.Memlock)
}

// add adds an interval to a series.
func (g *group) add(r inspect.Runs) {
	g.runs += r.Count
	g.spent += r.Time
	g.missed += r.Misses
}

func (c *Collector) addMap(f *inspect.Fill) {
	typ, name := Label{"type", f.TypeName()}, Label{"name", f.Name}
	var g *group
	if c.By == ByID {
		g = c.object(c.maps, f.ID, Label{"id", strconv.Itoa(int(f.ID))}, name, typ)
	} else {
		g = c.object(c.maps, f.ID, name, typ)
	}
	g.memory += max(0, f.Memlock)
	switch e := f.Entries; {
	case f.Err != nil || f.At.IsZero() || !e.Known:
	case e.Bytes:
		g.ring, g.pending, g.room = true, g.pending+e.Used, g.room+e.Max
	default:
		g.counted, g.used, g.most = true, g.used+e.Used, g.most+e.Max
	}
}

// choose gives series to the programs that took most time since they're known, and to the
// oldest maps. What one kind doesn't need of its half the other has.
func (c *Collector) choose() {
	programs, maps := len(c.programs), len(c.maps)
	half := c.MaxSeries / 2
	programs = min(programs, max(half/seriesOfProgram, (c.MaxSeries-maps*seriesOfMap)/seriesOfProgram))
	maps = min(maps, max(0, c.MaxSeries-programs*seriesOfProgram)/seriesOfMap)
	c.left = show(c.programs, programs, func(a, b *group) int { return cmp.Compare(b.weight, a.weight) })
	c.lost += show(c.maps, maps, func(a, b *group) int { return 0 })
}

// show marks the first n groups in an order and returns how many objects the others have.
func show(all map[string]*group, n int, order func(a, b *group) int) (left int) {
	for i, g := range sorted(all, order) {
		if g.shown = i < n; !g.shown {
			left += g.count
		}
	}
	return left
}

func sorted(all map[string]*group, order func(a, b *group) int) []*group {
	groups := make([]*group, 0, len(all))
	for _, g := range all {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Or(order(a, b), cmp.Compare(a.first, b.first)) })
	return groups
}

// Families are the metrics as of the last Collect, in the order of docs/inspect.md.
func (c *Collector) Families() []Family {
	byID := func(a, b *group) int { return 0 }
	programs, maps := sorted(c.programs, byID), sorted(c.maps, byID)
	hidden := func(g *group) bool { return !g.shown }
	programs, maps = slices.DeleteFunc(programs, hidden), slices.DeleteFunc(maps, hidden)
	of := func(groups []*group, has func(*group) bool, value func(*group) float64) (out []Series) {
		for _, g := range groups {
			if has == nil || has(g) {
				out = append(out, Series{g.labels, value(g), g.since})
			}
		}
		return out
	}
	counter := func(value func(*group) float64) []Series {
		out := of(programs, nil, value)
		if c.left == 0 && c.other.runs+c.other.missed == 0 {
			return out // there are no others, and never were
		}
		return append(out, Series{[]Label{{"name", "(other)"}}, value(&c.other), c.other.since})
	}
	one := func(v float64) []Series { return []Series{{nil, v, c.start}} }
	counted := func(g *group) bool { return g.counted }
	ring := func(g *group) bool { return g.ring }
	return []Family{
		{"bpf_program_runs_total", "bpf.program.runs", "Runs of a program.", "{run}", true, counter(func(g *group) float64 { return float64(g.runs) })},
		{"bpf_program_run_seconds_total", "bpf.program.run.time", "Time of all runs of a program together.", "s", true, counter(func(g *group) float64 { return g.spent.Seconds() })},
		{"bpf_program_missed_runs_total", "bpf.program.missed_runs", "Runs that were left out because the program was running on that CPU.", "{run}", true, counter(func(g *group) float64 { return float64(g.missed) })},
		{"bpf_program_memory_bytes", "bpf.program.memory", "Memory that the kernel took for a program.", "By", false, of(programs, nil, func(g *group) float64 { return float64(g.memory) })},
		{"bpf_map_entries", "bpf.map.entries", "Elements in a map.", "{element}", false, of(maps, counted, func(g *group) float64 { return float64(g.used) })},
		{"bpf_map_max_entries", "bpf.map.max_entries", "Elements that a map has room for.", "{element}", false, of(maps, counted, func(g *group) float64 { return float64(g.most) })},
		{"bpf_map_memory_bytes", "bpf.map.memory", "Memory that the kernel took for a map.", "By", false, of(maps, nil, func(g *group) float64 { return float64(g.memory) })},
		{"bpf_map_ringbuf_pending_bytes", "bpf.map.ringbuf.pending", "Bytes in a ring buffer that its reader hasn't taken.", "By", false, of(maps, ring, func(g *group) float64 { return float64(g.pending) })},
		{"bpf_map_ringbuf_size_bytes", "bpf.map.ringbuf.size", "Size of a ring buffer.", "By", false, of(maps, ring, func(g *group) float64 { return float64(g.room) })},
		{"bpf_programs", "bpf.programs", "Programs that are loaded.", "{program}", false, one(float64(objects(c.programs)))},
		{"skep_exporter_programs_left_out", "skep.exporter.programs_left_out", "Programs without a series of their own.", "{program}", false, one(float64(c.left))},
		{"skep_exporter_maps_left_out", "skep.exporter.maps_left_out", "Maps without a series.", "{map}", false, one(float64(c.lost))},
		{"skep_exporter_collect_seconds", "skep.exporter.collect.time", "Time that reading all this took.", "s", false, one(c.took.Seconds())},
	}
}

func objects(all map[string]*group) (n int) {
	for _, g := range all {
		n += g.count
	}
	return n
}

// Age is how long ago the last Collect was.
func (c *Collector) Age() time.Duration { return time.Since(c.now) }

// Check reports what is wrong with a configuration.
func (c Config) Check() error {
	if !slices.Contains(Groupings(), string(c.By)) {
		return errors.New("--by takes one of id, tag, name")
	}
	if c.MaxSeries < seriesOfProgram {
		return errors.New("--max-series takes a number from 4 on")
	}
	return nil
}
