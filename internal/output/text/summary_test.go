package text

import (
	"bytes"
	"math"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

// mapText is what Map prints.
func mapText(m *event.Snapshot) string {
	var out bytes.Buffer
	s := New(&out, &out)
	s.Map(m)
	s.Flush()
	return out.String()
}

// TestSummaries: the columns are as wide as their names and numbers.
func TestSummaries(t *testing.T) {
	summary := func(n uint64, avg float64) event.Value {
		return event.Value{Kind: event.Summary, Names: []string{"count", "avg", "max"}, Elems: []event.Value{
			event.UintValue(n), {Kind: event.Real, Places: 2, Num: math.Float64bits(avg)}, event.IntValue(-7)}}
	}
	of := func(key bool, entries ...event.Entry) *event.Snapshot {
		m := snapshot(key, entries...)
		v := *m.Var
		v.Value = &object.Type{Kind: object.Summary}
		m.Var = &v
		return m
	}
	tests := []struct {
		m    *event.Snapshot
		want string
	}{
		{of(true), ""},
		{of(false, event.Entry{Value: summary(3, 1.005)}), "" +
			"     count   avg  max\n" +
			"@x:      3  1.00   -7\n"},
		{of(true,
			event.Entry{Key: event.StringValue("read"), Value: summary(1234567, 0.25)},
			event.Entry{Key: tuple(event.IntValue(1), event.StringValue("a b")), Value: summary(2, 12345)}), "" +
			"               count       avg  max\n" +
			"@x[read]:    1234567      0.25   -7\n" +
			"@x[1, a b]:        2  12345.00   -7\n"},
	}
	for _, tt := range tests {
		if got := mapText(tt.m); got != tt.want {
			t.Errorf("got\n%swant\n%s", got, tt.want)
		}
	}
}

// TestAlignedHist: wide bounds move the counts, in histograms that aren't bpftrace's.
func TestAlignedHist(t *testing.T) {
	h := hist(event.Bucket{High: event.IntValue(1000000), Count: 1},
		event.Bucket{Low: event.IntValue(1000000), High: event.IntValue(10000000), Count: 2})
	h.Hist.Aligned = true
	want := "@x:\n" +
		"(..., 1000000)            1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n" +
		"[1000000, 10000000)       2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n"
	if got := mapText(snapshot(false, event.Entry{Value: h})); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
