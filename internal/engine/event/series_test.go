package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// words are the bytes of numbers.
func words(ns ...int64) []byte {
	var b []byte
	for _, n := range ns {
		b = order.AppendUint64(b, uint64(n))
	}
	return b
}

// Each CPU has a value, a time or count, and the number of an interval; only those of the
// latest interval count.
func TestMergeInterval(t *testing.T) {
	for _, test := range []struct {
		agg    string
		signed bool
		cpus   []int64
		want   interval
	}{
		{"", false, []int64{5, 100, 7, 6, 101, 7, 9, 999, 6}, interval{6, 101, 7}},
		{"sum", false, []int64{5, 1, 7, 6, 1, 7, 9, 1, 6}, interval{11, 2, 7}},
		{"avg", true, []int64{-5, 1, 7, -6, 2, 7, 0, 0, 0}, interval{^uint64(2), 3, 7}},
		{"min", true, []int64{-5, 1, 7, 6, 1, 7}, interval{^uint64(4), 1, 7}},
		{"min", false, []int64{-5, 1, 7, 6, 1, 7}, interval{6, 1, 7}},
		{"max", true, []int64{-5, 1, 7, 6, 1, 7}, interval{6, 1, 7}},
		{"max", false, []int64{0, 0, 0, 0, 0, 0}, interval{}},
	} {
		typ := &object.Type{Kind: object.TSeries, Signed: test.signed, Series: object.SeriesSpec{Agg: test.agg}}
		got := mergeInterval(typ, words(test.cpus...))
		if got.value = got.result(typ); got != test.want {
			t.Errorf("%q signed %v: %v, want %v", test.agg, test.signed, got, test.want)
		}
	}
}

// A series begins with its first value among the newest intervals and ends with the last
// interval of any series of the map.
func TestNewSeries(t *testing.T) {
	typ := &object.Type{Kind: object.TSeries, Series: object.SeriesSpec{Interval: 1e9, Len: 4}}
	for _, test := range []struct {
		values map[uint64]uint64
		last   uint64
		want   string
	}{
		{map[uint64]uint64{5: 1, 8: 2, 10: 3}, 10, "8=2 9=- 10=3"},
		{map[uint64]uint64{7: 1}, 9, "7=1 8=- 9=-"},
		{map[uint64]uint64{2: 1}, 9, ""},
		{map[uint64]uint64{0: 0}, 0, ""},
		{map[uint64]uint64{1: 1}, 2, "1=1 2=-"},
	} {
		var got []string
		values := map[uint64]interval{}
		for epoch, n := range test.values {
			values[epoch] = interval{value: n, epoch: epoch}
		}
		for _, in := range (&Decoder{}).newSeries(typ, values, test.last).Intervals {
			value := "-"
			if in.Value.Kind != Null {
				value = fmt.Sprint(in.Value.Num)
			}
			got = append(got, fmt.Sprintf("%d=%s", in.Start.Unix(), value))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%v until %d: %q, want %q", test.values, test.last, s, test.want)
		}
	}
}
