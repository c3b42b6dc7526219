package json

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/testkit"
)

func print(t *testing.T, f func(s *Sink)) string {
	t.Helper()
	var b, e bytes.Buffer
	s := New(&b, &e)
	f(s)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !stdjson.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	return b.String()
}

func list(k event.Kind, elems ...event.Value) event.Value { return event.Value{Kind: k, Elems: elems} }

// TestValues holds what bpftrace 0.27 printed.
func TestValues(t *testing.T) {
	num := event.IntValue
	tests := []struct {
		v    event.Value
		want string
	}{
		{num(5), "5"},
		{num(-9007199254740993), `"-9007199254740993"`},
		{num(9007199254740992), "9007199254740992"},
		{event.UintValue(1<<64 - 1), `"18446744073709551615"`},
		{event.Value{Kind: event.Pointer, Num: 4096}, "4096"},
		{event.Value{Kind: event.Symbol, Num: 2, Text: "B"}, "2"},
		{event.Value{Kind: event.Bool, Num: 1}, "true"},
		{event.Value{}, "null"},
		{event.StringValue("a\"\n\t\r\\\x01\x7f"), `"a\"\n\t\r\\\u0001` + "\x7f\""},
		{event.Value{Kind: event.String, Bytes: []byte("cut"), Text: ".."}, `"cut.."`},
		{event.Value{Kind: event.Buffer, Bytes: []byte("ab\x01\xff")}, "[97,98,1,-1]"},
		{list(event.Tuple, num(1), list(event.Array, num(2), num(3))), "[1,[2,3]]"},
		{event.Value{Kind: event.Record, Names: []string{"a", "b"}, Elems: []event.Value{num(1), event.StringValue("c")}}, `{"a": 1, "b": "c"}`},
		// Not as bpftrace, whose escapes of these aren't JSON.
		{event.StringValue("é\xff"), `"é` + "\uFFFD\""},
	}
	for _, test := range tests {
		got := print(t, func(s *Sink) { s.Value(&test.v) })
		testkit.Equal(t, "value", `{"type": "value", "data": `+test.want+"}\n", got)
	}
}

func TestMaps(t *testing.T) {
	key, one := &object.Type{}, event.IntValue(1)
	symbol := func(text string, n uint64) event.Value {
		return event.Value{Kind: event.Symbol, Text: text, Num: n}
	}
	hist := func(b ...event.Bucket) event.Value {
		return event.Value{Kind: event.Histogram, Hist: &event.Hist{Buckets: b}}
	}
	stats := event.Value{Kind: event.Record, Names: []string{"count", "average", "total"}, Elems: []event.Value{one, one, one}}
	real := func(x float64) event.Value {
		return event.Value{Kind: event.Real, Places: 2, Num: math.Float64bits(x)}
	}
	summary := event.Value{Kind: event.Summary, Names: []string{"count", "avg", "p99.9"}, Elems: []event.Value{one, real(0.25), event.IntValue(-3)}}
	tests := []struct {
		name    string
		key     *object.Type
		kind    object.Kind
		entries []event.Entry
		want    string
	}{
		{"number", nil, object.Int, []event.Entry{{Value: one}}, `{"type": "map", "data": {"@x": 1}}`},
		{"keys", key, object.Int, []event.Entry{
			{Key: list(event.Tuple, one, event.StringValue("foo bar")), Value: one}, {Key: one, Value: one}},
			`{"type": "map", "data": {"@x": {"1,foobar": 1, "1": 1}}}`},
		{"average", nil, object.Avg, []event.Entry{{Value: one}}, `{"type": "stats", "data": {"@x": 1}}`},
		{"keyed stats", key, object.Stats, []event.Entry{{Key: one, Value: stats}},
			`{"type": "stats", "data": {"@x": {"1": {"count": 1, "average": 1, "total": 1}}}}`},
		{"average with decimals", nil, object.Avg, []event.Entry{{Value: real(12.3456)}}, `{"type": "stats", "data": {"@x": 12.3456}}`},
		{"summary", key, object.Summary, []event.Entry{{Key: one, Value: summary}},
			`{"type": "summary", "data": {"@x": {"1": {"count": 1, "avg": 0.25, "p99.9": -3}}}}`},
		{"no summary", nil, object.Summary, nil, ""},
		{"cleared stats", nil, object.Stats, nil, `{"type": "stats", "data": {"@x": {}}}`},
		{"cleared", key, object.Int, nil, ""},
		{"negative", nil, object.Hist, []event.Entry{{Value: hist(event.Bucket{High: event.IntValue(0), Count: 1})}},
			`{"type": "hist", "data": {"@x": [{"max": -1, "count": 1}]}}`},
		{"buckets", nil, object.Hist, []event.Entry{{Value: hist(
			event.Bucket{Low: symbol("4", 4), High: symbol("8", 8), Count: 1},
			event.Bucket{Low: symbol("4E", 1<<62), High: symbol("8E", 1<<63), Count: 2})}},
			`{"type": "hist", "data": {"@x": [{"min": 4, "max": 7, "count": 1},{"min": 4611686018427387904, "max": "9223372036854775807", "count": 2}]}}`},
		{"last of a linear one", nil, object.Lhist, []event.Entry{{Value: hist(event.Bucket{Low: event.IntValue(100), Count: 1})}},
			`{"type": "hist", "data": {"@x": [{"min": 100, "count": 1}]}}`},
		{"zeroed", key, object.Hist, []event.Entry{{Key: one, Value: hist()}}, `{"type": "hist", "data": {"@x": {"1": []}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &event.Snapshot{Var: &object.Var{Name: "@x", Key: test.key, Value: &object.Type{Kind: test.kind}}, Entries: test.entries}
			want := test.want
			if want != "" {
				want += "\n"
			}
			testkit.Equal(t, "map", want, print(t, func(s *Sink) { s.Map(m) }))
		})
	}
}

func TestEvents(t *testing.T) {
	at := []output.Place{{File: "stdin", Line: 1, Col: 42}}
	got := print(t, func(s *Sink) {
		s.Attached(1)
		s.Printf([]byte("hi 1\n"))
		s.Time([]byte("16"))
		s.Cat([]byte("text\n"))
		s.Join([]byte(""))
		s.System([]byte("hi\nho\n"))
		s.Lost(3)
		s.Message(output.Error, []byte("bad 3"), at)
		s.Message(output.Warning, []byte("wrn"), at)
		s.RuntimeError(&output.RuntimeError{Helper: "map_update_elem", Code: -7, At: at})
		s.RuntimeError(&output.RuntimeError{Helper: "map_lookup_elem", At: at})
		s.RuntimeError(&output.RuntimeError{Msg: "said so", At: at})
		s.End()
	})
	place := `, "filename": "stdin", "line": 1, "col": 42}` + "\n"
	want := `{"type": "attached_probes", "count": 1, "data": {"probes": 1}}` + "\n" +
		`{"type": "printf", "data": "hi 1\n"}` + "\n" +
		`{"type": "time", "data": "16"}` + "\n" +
		`{"type": "cat", "data": "text\n"}` + "\n" +
		`{"type": "join", "data": ""}` + "\n" +
		`{"type": "syscall", "data": "hi\nho\n"}` + "\n" +
		`{"type": "lost_events", "count": 3, "data": {"events": 3}}` + "\n" +
		`{"type": "errorf", "msg": "bad 3"` + place +
		`{"type": "warnf", "msg": "wrn"` + place +
		`{"type": "helper_error", "msg": "Argument list too long", "helper": "map_update_elem", "retcode": -7` + place +
		`{"type": "helper_error", "msg": "Success", "helper": "map_lookup_elem", "retcode": 0` + place +
		`{"type": "runtime_error", "msg": "said so"` + place
	testkit.Equal(t, "lines", want, got)
}
