package text

import (
	"bytes"
	"errors"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/testkit"
)

// print runs f on a sink and returns what came to either writer.
func print(f func(s *Sink)) (out, err string) {
	var o, e bytes.Buffer
	s := New(&o, &e)
	f(s)
	if err := s.Flush(); err != nil {
		return "", err.Error()
	}
	return o.String(), e.String()
}

func tuple(elems ...event.Value) event.Value { return event.Value{Kind: event.Tuple, Elems: elems} }

func snapshot(keyed bool, entries ...event.Entry) *event.Snapshot {
	v := &object.Var{Name: "@x", Value: &object.Type{}}
	if keyed {
		v.Key = &object.Type{}
	}
	return &event.Snapshot{Var: v, Entries: entries}
}

func symbol(text string, n uint64) event.Value {
	return event.Value{Kind: event.Symbol, Text: text, Num: n}
}

func hist(buckets ...event.Bucket) event.Value {
	return event.Value{Kind: event.Histogram, Hist: &event.Hist{Buckets: buckets}}
}

// TestMaps holds what bpftrace 0.27 printed for such maps.
func TestMaps(t *testing.T) {
	one, two := event.IntValue(1), event.IntValue(2)
	stats := event.Value{Kind: event.Record, Names: []string{"count", "average", "total"},
		Elems: []event.Value{two, event.IntValue(6), event.IntValue(12)}}
	few := hist(
		event.Bucket{High: event.IntValue(0), Count: 1},
		event.Bucket{Low: event.IntValue(0), High: one},
		event.Bucket{Low: one, High: two, Count: 3})
	units := hist(
		event.Bucket{Low: symbol("512", 512), High: symbol("1K", 1024), Count: 1},
		event.Bucket{Low: symbol("1K", 1024), Count: 2})
	tests := []struct {
		name string
		m    *event.Snapshot
		want string
	}{
		{"empty", snapshot(true), ""},
		{"without key", snapshot(false, event.Entry{Value: event.IntValue(-5)}), "@x: -5\n"},
		{"stats", snapshot(false, event.Entry{Value: stats}), "@x: { .count = 2, .average = 6, .total = 12 }\n"},
		{"keys", snapshot(true,
			event.Entry{Key: one, Value: two},
			event.Entry{Key: tuple(one, event.StringValue("foo")), Value: two},
			event.Entry{Key: tuple(tuple(one, two), one), Value: event.StringValue("s")},
			event.Entry{Key: event.StringValue("(abc)"), Value: event.Value{Kind: event.Pointer, Num: 4096}}),
			"@x[1]: 2\n@x[1, foo]: 2\n@x[(1, 2), 1]: s\n@x[abc]: 0x1000\n"},
		{"stack as key", snapshot(true,
			event.Entry{Key: tuple(event.StringValue("\n        f+1\n        g+2\n"), one, event.StringValue("a")), Value: one}),
			"@x[\n        f+1\n        g+2\n, 1, a]: 1\n"},
		{"stack as value", snapshot(false, event.Entry{Value: event.StringValue("\n        f+1\n")}), "@x: \n        f+1\n\n"},
		{"histogram", snapshot(false, event.Entry{Value: few}), "@x:\n" +
			"(..., 0)               1 |@@@@@@@@@@@@@@@@@                                   |\n" +
			"[0]                    0 |                                                    |\n" +
			"[1]                    3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n"},
		{"keyed histogram", snapshot(true, event.Entry{Key: two, Value: units}), "@x[2]:\n" +
			"[512, 1K)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n" +
			"[1K, ...)              2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n"},
		{"empty histogram", snapshot(true, event.Entry{Key: one, Value: hist()}), "@x[1]:\n\n"},
		{"histogram divided to nothing", snapshot(false, event.Entry{Value: hist(event.Bucket{Low: symbol("2", 2), High: symbol("4", 4)})}), "@x:\n" +
			"[2, 4)                 0 |                                                    |\n\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, _ := print(func(s *Sink) { s.Map(test.m) })
			testkit.Equal(t, "output", test.want, out)
		})
	}
}

func TestEvents(t *testing.T) {
	out, errs := print(func(s *Sink) {
		s.Attached(1)
		s.Attached(2)
		s.Printf([]byte("no newline"))
		v := tuple(event.IntValue(1), event.StringValue("x"), event.Value{Kind: event.Bool, Num: 1})
		s.Value(&v)
		s.Time([]byte("12:00:00\n"))
		s.Cat([]byte("text\n"))
		s.Join([]byte("a b"))
		s.System([]byte("hi\n"))
		s.Lost(3)
		s.End()
	})
	testkit.Equal(t, "output", "no newline(1, x, true)\n12:00:00\ntext\na b\nhi\n\n\n\n", out)
	testkit.Equal(t, "messages", "Attached 1 probe\nAttached 2 probes\nLost 3 events\n", errs)
}

func TestMessages(t *testing.T) {
	at := []output.Place{
		{Range: "stdin:1:21-26", Context: []string{"line", "~~~~"}},
		{Range: "stdin:1:56-62", Context: []string{"line", "    ~~"}},
	}
	tests := []struct {
		name string
		f    func(s *Sink)
		want string
	}{
		{"errorf", func(s *Sink) { s.Message(output.Error, []byte("bad 3\n"), at[:1]) }, "stdin:1:21-26: ERROR: bad 3\n"},
		{"warnf in a macro", func(s *Sink) { s.Message(output.Warning, []byte("wrn"), at) },
			"stdin:1:21-26: WARNING: wrn\nstdin:1:56-62: WARNING: expanded from\nline\n    ~~\n"},
		{"read", func(s *Sink) {
			s.RuntimeError(&output.RuntimeError{Helper: "probe_read", Code: -14, At: at[:1]})
		}, "stdin:1:21-26: WARNING: Bad address\nAdditional Info - helper: probe_read, retcode: -14\nline\n~~~~\n"},
		{"map full", func(s *Sink) {
			s.RuntimeError(&output.RuntimeError{Helper: "map_update_elem", Code: -7, At: at[:1]})
		}, "stdin:1:21-26: WARNING: Map full; can't update element. Try increasing max_map_keys config or manually " +
			"setting the max entries in a map declaration e.g. `let @a = hash(5000)`\n" +
			"Additional Info - helper: map_update_elem, retcode: -7\nline\n~~~~\n"},
		{"lookup in a macro", func(s *Sink) {
			s.RuntimeError(&output.RuntimeError{Helper: "map_lookup_elem", At: at})
		}, "stdin:1:21-26: WARNING: Can't lookup map element because it does not exist.\n" +
			"Additional Info - helper: map_lookup_elem, retcode: 0\nline\n~~~~\n" +
			"stdin:1:56-62: WARNING: expanded from\nline\n    ~~\n"},
		{"no helper", func(s *Sink) { s.RuntimeError(&output.RuntimeError{Msg: "said so", At: at[:1]}) },
			"stdin:1:21-26: WARNING: said so\nline\n~~~~\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, errs := print(test.f)
			testkit.Equal(t, "messages", test.want, errs)
		})
	}
}

// TestOrderOfWriters: what's printed before a message is written before it.
func TestOrderOfWriters(t *testing.T) {
	var both bytes.Buffer
	s := New(&both, &both)
	s.Printf([]byte("first\n"))
	s.Lost(1)
	s.Printf([]byte("last\n"))
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "output", "first\nLost 1 events\nlast\n", both.String())
}

type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) { b.writes++; return 0, errors.New("pipe closed") }

// TestClosedOutput: the first error stays, and nothing more is written.
func TestClosedOutput(t *testing.T) {
	b := &broken{}
	s := New(b, &bytes.Buffer{})
	for range 2 {
		s.Printf([]byte("x"))
		if err := s.Flush(); err == nil || err.Error() != "pipe closed" {
			t.Errorf("got %v", err)
		}
	}
	if b.writes != 1 {
		t.Errorf("%d writes", b.writes)
	}
}
