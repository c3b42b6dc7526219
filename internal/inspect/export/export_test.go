package export

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/testkit"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func collector(by Grouping, most int) *Collector {
	return &Collector{Config: Config{By: by, MaxSeries: most}, programs: map[string]*group{}, maps: map[string]*group{}, start: start, other: group{since: start}}
}

// sample has programs that ran so often, each run taking a millisecond; ids are from 1 on.
func sample(round int, runs ...uint64) *inspect.Sample {
	s := &inspect.Sample{At: start.Add(time.Duration(round) * time.Second), Elapsed: time.Second}
	for i, n := range runs {
		s.Progs = append(s.Progs, inspect.Sampled{
			Prog: &inspect.Prog{ID: uint32(i + 1), Name: []string{"bee", "wasp \"w\"\\", "bee"}[i%3], Type: 6, Tag: [8]byte{byte(i % 2)}, Memlock: 4096},
			Runs: inspect.Runs{Count: n, Time: time.Duration(n) * time.Millisecond, Misses: n / 10, Elapsed: time.Second},
		})
	}
	return s
}

func fills() map[uint32]inspect.Fill {
	out := map[uint32]inspect.Fill{}
	for id, e := range map[uint32]inspect.Entries{7: {Used: 3, Max: 64, Known: true}, 8: {Used: 5, Max: 10, Known: true}, 9: {Used: 100, Max: 4096, Bytes: true, Known: true}, 10: {Max: 8}} {
		out[id] = inspect.Fill{Map: &inspect.Map{ID: id, Name: "flows", Type: map[bool]uint32{true: 27, false: 1}[e.Bytes], Memlock: 8192}, Entries: e, At: start}
	}
	return out
}

// runs are the series of bpf_program_runs_total, in short.
func runs(c *Collector) string {
	var out []string
	for _, s := range c.Families()[0].Series {
		out = append(out, fmt.Sprintf("%s=%v", s.Labels[0].Value, s.Value))
	}
	return strings.Join(out, " ")
}

func TestFormats(t *testing.T) {
	c := collector(ByID, 1000)
	c.take(sample(1, 10, 25, 0), fills())
	c.take(sample(2, 10, 5, 1), fills())
	var b strings.Builder
	if err := WritePrometheus(&b, c.Families()); err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, filepath.Join("testdata", "metrics.prom"), []byte(b.String()))
	body, err := OTLP(c.Families(), start.Add(2*time.Second), "host", "1.2")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, filepath.Join("testdata", "metrics.json"), append([]byte(strings.ReplaceAll(string(body), `{"name":`, "\n"+`{"name":`)), '\n'))
}

func TestGroupings(t *testing.T) {
	for by, want := range map[Grouping]string{ByID: "1=10 2=20 3=30 4=40", ByName: "bee=80 wasp \"w\"\\=20", ByTag: "0000000000000000=40 0100000000000000=60"} {
		c := collector(by, 1000)
		c.take(sample(1, 10, 20, 30, 40), fills())
		if got := runs(c); got != want {
			t.Errorf("by %s: %s, want %s", by, got, want)
		}
		maps := len(c.Families()[4].Series)
		if want := map[bool]int{true: 2, false: 1}[by == ByID]; maps != want {
			t.Errorf("by %s: %d series of maps, want %d", by, maps, want)
		}
	}
}

// TestGroupOutlivesMembers: a counter never goes back while one of its programs is there.
func TestGroupOutlivesMembers(t *testing.T) {
	c := collector(ByName, 1000)
	c.take(sample(1, 10, 20, 30), nil)
	c.take(sample(2, 1), nil)
	if got := runs(c); got != "bee=41" {
		t.Error(got)
	}
	c.take(sample(3), nil)
	if got := runs(c); got != "" {
		t.Errorf("%s after all are gone", got)
	}
}

// TestBound: there are never more series than allowed, and what has none is counted.
func TestBound(t *testing.T) {
	c := collector(ByID, 16) // two programs
	c.take(sample(1, 10, 20, 30, 40), fills())
	if got := runs(c); got != "3=30 4=40 (other)=30" || c.left != 2 {
		t.Errorf("%s, %d left out", got, c.left)
	}
	// Program 1 gets ahead of 3: it counts from then on, and 3 is one of the others.
	c.take(sample(2, 500, 0, 7, 1), fills())
	if got := runs(c); got != "1=500 4=41 (other)=37" {
		t.Error(got)
	}
	for _, most := range []int{4, 5, 10, 50, 100} {
		c := collector(ByID, most)
		many := make([]uint64, 40)
		c.take(sample(1, many...), fills())
		n := 0
		for _, f := range c.Families() {
			if strings.HasPrefix(f.Name, "bpf_program_") || strings.HasPrefix(f.Name, "bpf_map_") {
				n += len(f.Series)
			}
		}
		if n > most+3 { // the others' counters
			t.Errorf("%d series with --max-series %d", n, most)
		}
		if c.left+len(c.Families()[3].Series) != 40 {
			t.Errorf("of 40 programs %d have series and %d are left out", len(c.Families()[3].Series), c.left)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		Config
		ok bool
	}{{Config{By: ByTag, MaxSeries: 4}, true}, {Config{By: "colour", MaxSeries: 4}, false}, {Config{By: ByID, MaxSeries: 3}, false}} {
		if err := c.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.Config, err)
		}
	}
}

func TestRejected(t *testing.T) {
	for answer, want := range map[string]string{
		"": "", "{}": "", `{"partialSuccess":{}}`: "", `{"partialSuccess":{"rejectedDataPoints":"0"}}`: "", "<html>": "",
		`{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}`: "3 data points rejected: too old",
		`{"partialSuccess":{"rejectedDataPoints":4}}`:                            "4 data points rejected:",
	} {
		if got := Rejected([]byte(answer)); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}

// TestDocumented: docs/inspect.md has each metric.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/inspect.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range collector(ByID, 10).Families() {
		known[f.Name] = true
		if !strings.Contains(string(doc), "| `"+f.Name+"` | `"+f.OTLP+"` |") {
			t.Errorf("docs/inspect.md lacks %s, %s", f.Name, f.OTLP)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:bpf|skep)_\\w+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		if !known[m[1]] {
			t.Errorf("docs/inspect.md has %s, which isn't exported", m[1])
		}
	}
}
