package top

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/ui/term"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// bee is a program of tests: runs in each interval, and the time of one.
type bee struct {
	id     uint32
	name   string
	typ    uint32
	runs   []uint64
	each   time.Duration
	missed uint64
	maps   []uint32
}

const tracepoint, xdp = 5, 6

var bees = []bee{
	{3, "count_packets", xdp, []uint64{1000, 4000, 2000, 8000}, 120 * time.Nanosecond, 0, []uint32{11}},
	{7, "sched_switch_1", tracepoint, []uint64{300, 300, 300, 300}, 40 * time.Microsecond, 5, []uint32{11, 12}},
	{12, "idle_since_ever_with_a_long_name", tracepoint, nil, 0, 0, nil},
	{40, "once", tracepoint, []uint64{0, 1, 0, 0}, time.Millisecond, 0, nil},
}

func sampleOf(bees []bee, round int) *inspect.Sample {
	s := &inspect.Sample{At: start.Add(time.Duration(round) * time.Second), Elapsed: time.Second}
	for _, b := range bees {
		g := inspect.Sampled{Prog: &inspect.Prog{ID: b.id, Name: b.name, Type: b.typ, Maps: b.maps, LoadedAt: start.Add(-time.Hour), XlatedLen: 512, JitedLen: 300, Memlock: 4096, VerifiedInsns: 99}}
		if round < len(b.runs) {
			n := b.runs[round]
			g.Runs = inspect.Runs{Count: n, Time: time.Duration(n) * b.each, Misses: b.missed}
		}
		g.Runs.Elapsed = time.Second
		s.Progs = append(s.Progs, g)
	}
	return s
}

// fed is a model after four intervals.
func fed() *Model {
	m := New("cpu", time.Second)
	m.SetFacts(map[uint32]Fact{
		3: {Owner: "411 agent", Points: "xdp on eth0", State: "attached"}, 7: {Owner: "9 skep", Points: "tracepoint sched:sched_switch", State: "attached"},
		12: {Owner: "-", Points: "-", State: "loaded"}, 40: {Owner: "9 skep", Points: "tracepoint sched:sched_process_exec", State: "attached"},
	})
	full := func(id uint32, name string, used uint64, typ uint32) inspect.Fill {
		return inspect.Fill{Map: &inspect.Map{ID: id, Name: name, Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 100, Memlock: 8192}, At: start, Entries: inspect.Entries{Used: used, Max: 100, Known: true}}
	}
	m.SetFills(map[uint32]inspect.Fill{11: full(11, "flows", 95, 1), 12: full(12, "config", 100, 2)})
	for round := range 4 {
		m.Feed(sampleOf(bees, round))
	}
	return m
}

// drawn is the screen.
func drawn(m *Model, width, height int) string {
	g := term.NewGrid(width, height)
	m.Draw(g)
	return g.String()
}

func press(m *Model, keys ...string) (last Action) {
	for _, k := range keys {
		last = m.Key(k)
	}
	return last
}

func TestScreens(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		keys          []string
		change        func(m *Model)
	}{
		{"list-80x24", 80, 24, nil, nil},
		{"list-160x50", 160, 50, []string{"j"}, nil},
		{"list-40x8", 40, 8, nil, nil},
		{"list-ascii-80x24", 80, 24, []string{"T"}, func(m *Model) { m.Unicode = false }},
		{"filter-80x24", 80, 24, []string{"/", "S", "c", "h"}, nil},
		{"filter-none-80x24", 80, 24, []string{"/", "x", "y", "z", "enter"}, nil},
		{"sort-80x24", 80, 24, []string{"s"}, nil},
		{"paused-80x24", 80, 24, []string{"p", "d", "2"}, nil},
		{"help-80x24", 80, 24, []string{"?"}, nil},
		{"detail-80x24", 80, 24, []string{"enter"}, func(m *Model) {
			m.SetDetail(detailOf(7, "int f(void * ctx):", "; @ = count();", "   0: (b7) r0 = 0", "   1: (95) exit"))
		}},
		{"detail-160x50", 160, 50, []string{"j", "enter"}, nil},
		{"empty-80x24", 80, 24, nil, func(m *Model) { m.Feed(&inspect.Sample{At: start}) }},
	} {
		m := fed()
		press(m, c.keys...)
		if c.change != nil {
			drawn(m, c.width, c.height)
			c.change(m)
		}
		got := drawn(m, c.width, c.height)
		for i, line := range strings.Split(got, "\n") {
			if n := len([]rune(line)); n > c.width || i > c.height {
				t.Errorf("%s: line %d has %d columns", c.name, i, n)
			}
		}
		testkit.Golden(t, filepath.Join("testdata", c.name+".screen"), []byte(got))
	}
}

// detailOf is a program's detail with lines of a listing.
func detailOf(id uint32, lines ...string) *Detail {
	d := &Detail{ID: id, MachineErr: errors.New("it isn't jited")}
	for _, l := range lines {
		line := show.ListingLine{Text: l}
		if text, ok := strings.CutPrefix(l, "; "); ok {
			line.Source = &inspect.Line{File: "bees.bt", Line: 1, Text: text}
		}
		d.Xlated = append(d.Xlated, line)
	}
	return d
}

// order are the ids that the list shows.
func order(m *Model) string {
	var ids []string
	for _, p := range m.rows {
		ids = append(ids, fmt.Sprint(p.ID))
	}
	return strings.Join(ids, " ")
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		keys     string // separated by blanks; SPC is a blank
		order    string
		selected uint32
		action   Action
	}{
		{"", "7 3 12 40", 7, None},
		{"r", "12 40 3 7", 12, Restart},
		{"I", "3 7 12 40", 3, Restart},
		{"s n", "3 12 40 7", 3, Restart},
		{"N r", "7 40 12 3", 7, Restart},
		{"R", "3 7 12 40", 3, Restart},
		{"s t", "7 3 12 40", 7, Restart},
		{"M", "7 3 12 40", 7, Restart},
		{"O", "12 3 7 40", 12, Restart},
		{"> >", "3 7 12 40", 3, Restart}, // fill: both have the fuller map
		{"<", "7 3 12 40", 7, Restart},
		{"P r P", "7 3 12 40", 7, Restart},
		{"j j", "7 3 12 40", 12, Restart},
		{"down down up", "7 3 12 40", 3, Restart},
		{"G k", "7 3 12 40", 12, Restart},
		{"end home", "7 3 12 40", 7, Restart},
		{"pgdn", "7 3 12 40", 40, Restart},
		{"j R", "3 7 12 40", 3, Restart}, // the selection stays with its program
		{"j I", "3 7 12 40", 3, Restart},
		{"i", "7 3", 7, Restart},
		{"i i", "7 3 12 40", 7, Restart},
		{"/ x d p enter", "3", 3, Restart},
		{"/ a g e n t", "3", 3, Restart},
		{"/ 4 0", "40", 40, Restart},
		{"/ q x backspace backspace enter", "7 3 12 40", 7, Restart},
		{"/ x d p esc", "7 3 12 40", 7, Restart},
		{"/ x d p enter esc", "7 3 12 40", 7, None}, // the first Esc ends the filter
		{"/ x d p enter esc esc", "7 3 12 40", 7, Quit},
		{"q", "7 3 12 40", 7, Quit},
		{"esc", "7 3 12 40", 7, Quit},
		{"enter q", "7 3 12 40", 7, Restart},
		{"enter esc q", "7 3 12 40", 7, Quit},
		{"j enter j j G left", "7 3 12 40", 3, Restart},
		{"enter h q q", "7 3 12 40", 7, Restart},
		{"/ ctrl-c", "7 3 12 40", 7, Quit},
		{"ctrl-l", "7 3 12 40", 7, Redraw},
		{"s z", "7 3 12 40", 7, None},
	} {
		m := fed()
		drawn(m, 80, 24)
		action := press(m, strings.Fields(c.keys)...)
		if got := order(m); got != c.order || m.selected != c.selected || action != c.action {
			t.Errorf("%q: %s, selected %d, action %d; want %s, %d, %d", c.keys, got, m.selected, action, c.order, c.selected, c.action)
		}
	}
}

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		keys string
		want time.Duration
		said bool
	}{
		{"+", 2 * time.Second, false}, {"+ +", 5 * time.Second, false}, {"-", 500 * time.Millisecond, false}, {"- - - - - -", 100 * time.Millisecond, false},
		{"d 3 enter", 3 * time.Second, false}, {"d 3 enter +", 5 * time.Second, false}, {"d 3 enter -", 2 * time.Second, false},
		{"d 5 0 0 m s enter", 500 * time.Millisecond, false}, {"d 3 esc", time.Second, false}, {"d enter", time.Second, false},
		{"d 0 enter", time.Second, true}, {"d x enter", time.Second, true}, {"d 0 . 2 enter", 200 * time.Millisecond, false},
	} {
		m := fed()
		press(m, strings.Fields(c.keys)...)
		if m.Interval != c.want || (m.message != "") != c.said {
			t.Errorf("%q: %v, %q", c.keys, m.Interval, m.message)
		}
	}
}

// TestGone: programs come and go, and the selection and the view of one stay sound.
func TestGone(t *testing.T) {
	m := fed()
	drawn(m, 80, 24)
	press(m, "G")
	if m.selected != 40 {
		t.Fatalf("selected %d", m.selected)
	}
	m.Feed(sampleOf(bees[:2], 3))
	if drawn(m, 80, 24); order(m) != "7 3" || m.selected != 3 {
		t.Errorf("%s, selected %d", order(m), m.selected)
	}
	press(m, "enter")
	m.Feed(sampleOf(bees[1:], 3))
	for range 2 {
		got := drawn(m, 80, 30)
		for _, want := range []string{"program 3 is gone; what follows was seen last", "3 count_packets  xdp  tag", "  gone\n", "owner     411 agent", " 23000 runs ", "where its time goes"} {
			if !strings.Contains(got, want) {
				t.Errorf("of a program that's gone there's no %q:\n%s", want, got)
			}
		}
		m.Feed(sampleOf(bees[1:], 3))
		m.SetFacts(nil) // a survey doesn't know it any more
	}
	press(m, "q")
	if got := drawn(m, 80, 24); strings.Contains(got, "gone") || m.selected != 7 && m.selected != 12 {
		t.Errorf("selected %d:\n%s", m.selected, got)
	}
	m.Feed(&inspect.Sample{At: start})
	press(m, "j", "enter", "G", "k")
	drawn(m, 80, 24)
	drawn(m, 0, 0)
	drawn(m, 1, 1)
	drawn(m, 5, 2)
}

// TestWants: only what is seen is asked for.
func TestWants(t *testing.T) {
	m := New("id", time.Second)
	var many []bee
	for id := range uint32(1000) {
		many = append(many, bee{id: id + 1, name: "bee", typ: xdp, maps: []uint32{id + 5000}})
	}
	m.Feed(sampleOf(many, 0))
	drawn(m, 80, 24)
	if got := m.WantMaps(); len(got) != 21 || got[0] != 5000 {
		t.Errorf("%d maps from %d on", len(got), got[0])
	}
	press(m, "G")
	drawn(m, 80, 24)
	if got := m.WantMaps(); len(got) != 21 || got[20] != 5999 {
		t.Errorf("at the end: %v", got)
	}
	if m.looked() != 0 {
		t.Error("a list wants a detail")
	}
	press(m, "enter")
	if got := m.WantMaps(); len(got) != 1 || m.looked() != 1000 {
		t.Errorf("a detail wants maps %v and program %d", got, m.looked())
	}
	m.SetDetail(&Detail{ID: 3})
	if m.detail != nil {
		t.Error("another program's detail was taken")
	}
	if press(m, "?"); m.looked() != 1000 {
		t.Error("behind the help the program isn't looked into")
	}
	if press(m, "q", "q"); m.looked() != 0 {
		t.Error("the list wants the detail that it came from")
	}
}

// TestScrollStays: what is read stays in its place when the lines above become more.
func TestScrollStays(t *testing.T) {
	m := fed()
	listing := make([]string, 100)
	for i := range listing {
		listing[i] = fmt.Sprintf("%4d: exit", i)
	}
	press(m, "enter")
	m.SetDetail(detailOf(7, listing...))
	drawn(m, 80, 24)
	press(m, "tab", "tab", "tab", "tab", "pgdn", "j")
	at := regexp.MustCompile(`\d+: exit`)
	first := at.FindString(drawn(m, 80, 24))
	s := sampleOf(bees, 3)
	s.Progs[1].Runs.Time *= 100 // another row of the histogram, and one more between
	m.Feed(s)
	if got := at.FindString(drawn(m, 80, 24)); got != first || first == "" {
		t.Errorf("first line is %q, was %q", got, first)
	}
	// Tab goes round.
	press(m, "tab", "tab")
	if !strings.Contains(drawn(m, 80, 24), "owner ") {
		t.Error("behind the last section isn't the first line")
	}
}

// TestNarrow: what a person came for stays on small terminals; nothing is drawn outside of them.
func TestNarrow(t *testing.T) {
	if got := drawn(New("cpu", time.Second), 80, 24); !strings.Contains(got, "reading programs") {
		t.Errorf("before the first sample:\n%s", got)
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{80, "   ID NAME             TYPE         HISTORY      RUN/S   TIME  %CPU▼ MISS/S FULL"},
		{40, "   ID NAME           RUN/S   TIME  %CPU▼"}, {32, "   ID NAME          RUN/S  %CPU▼"}, {24, "   ID NAME         %CPU▼"}, {1, ""},
	} {
		m := fed()
		if got := drawn(m, c.width, 12); !strings.Contains(got, "\n"+c.want) {
			t.Errorf("in %d columns:\n%s", c.width, got)
		}
		for _, keys := range [][]string{{"enter"}, {"?"}} {
			press(m, keys...)
			drawn(m, c.width, 12)
		}
	}
}

// TestHeat: source lines and instructions stand beside their share of the program's time,
// that of what they call included.
func TestHeat(t *testing.T) {
	m := fed()
	press(m, "j", "enter")
	d := detailOf(3, "int f(void * ctx):", "; @packets = count();", "   0: (85) call bpf_map_lookup_elem#1", "; @bytes = sum($len);", "   1: (95) exit")
	d.Xlated[1].From, d.Xlated[1].To = 100, 120
	d.Xlated[3].From, d.Xlated[3].To, d.Xlated[3].Source.Line = 120, 130, 2
	d.Machine, d.MachineErr = []show.ListingLine{{Text: "   0:\tcallq 0x1 <lookup>", From: 100, To: 105}, {Text: "   5:\tretq", From: 105, To: 106}}, nil
	m.SetDetail(d)
	look := func() string {
		return strings.Join(strings.Fields(drawn(m, 100, 60)), " ")
	}
	for _, c := range []struct {
		name string
		heat *Heat
		want []string
	}{
		{"not yet", nil, []string{"where its time goes sampling …", "instructions int f(void * ctx): ; @packets"}},
		{"refused", &Heat{ID: 3, Err: errors.New("operation not permitted")}, []string{"not known: operation not permitted", "int f(void * ctx): ; @packets"}},
		{"none", &Heat{ID: 3, Hits: new(inspect.Hits)}, []string{"not seen in any sample yet instructions int"}},
		{"some", &Heat{ID: 3, Hits: inspect.NewHits(map[uint64]int{104: 6, 105: 1, 121: 1}, true)}, []string{
			"8 samples, with what it calls in the kernel by a timer, as",
			"87.5% bees.bt:1 @packets = count(); 12.5% bees.bt:2 @bytes = sum($len); instructions int",
			"87.5% ; @packets = count(); 0: (85) call", "12.5% ; @bytes", "75.0% 0: callq 0x1 <lookup> 12.5% 5: retq",
		}},
	} {
		if c.heat != nil {
			m.SetHeat(c.heat)
		}
		got := look()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s\nlacks %s", c.name, got, want)
			}
		}
	}
	// Another program's is another.
	press(m, "q", "k", "enter")
	m.SetHeat(&Heat{ID: 3, Hits: inspect.NewHits(map[uint64]int{104: 6}, true)}) // that was on its way
	if got := look(); !strings.Contains(got, "where its time goes sampling …") || m.selected != 7 {
		t.Errorf("program %d: %s", m.selected, got)
	}
}

func TestSparkline(t *testing.T) {
	m := fed()
	if got := m.sparkline(m.progs[3], 6); got != "  ▁▄▂█" {
		t.Errorf("%q", got)
	}
	m.Unicode = false
	if got := m.sparkline(m.progs[3], 4); got != ".=:@" {
		t.Errorf("%q", got)
	}
	for range 2 * historyLen { // round the ring
		m.Feed(sampleOf(bees, 99))
	}
	if got := strings.TrimSpace(m.sparkline(m.progs[3], 50)); got != "" {
		t.Errorf("%q after a long silence", got)
	}
}

func TestArrange(t *testing.T) {
	table := &show.Top{Sample: sampleOf(bees, 3)}
	Arrange(table, "runs", []uint32{3, 7, 12}, true)
	if len(table.Progs) != 2 || table.Progs[0].ID != 3 || table.Progs[1].ID != 7 {
		t.Errorf("%+v", table.Progs)
	}
}

// BenchmarkInterval is the screen's work in an interval with 10,000 programs.
func BenchmarkInterval(b *testing.B) {
	var many []bee
	for id := range uint32(10000) {
		many = append(many, bee{id: id + 1, name: fmt.Sprintf("prog_%d", id), typ: tracepoint, runs: []uint64{uint64(id) * 7919 % 1000}, each: time.Microsecond, maps: []uint32{id}})
	}
	s := sampleOf(many, 0)
	m, g := New("cpu", time.Second), term.NewGrid(160, 50)
	b.ReportAllocs()
	for b.Loop() {
		m.Feed(s)
		m.Draw(g)
		m.WantMaps()
	}
}
