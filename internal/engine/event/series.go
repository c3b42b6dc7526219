package event

import (
	"fmt"
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// Series is a time series: intervals that follow each other, oldest first; none when
// nothing was recorded.
type Series struct {
	Intervals []Interval
	Times     Times // how the intervals' starts are printed
}

// Interval is an interval's start and value, which is Null when nothing was recorded in it.
type Interval struct {
	Start time.Time
	Value Value
}

// seriesWords are the words of an interval in a map: value, time or count, number.
const seriesWords = 3

// interval is what a CPU recorded in an interval, or all of them.
type interval struct{ value, meta, epoch uint64 }

// seriesElements gathers the elements of time series, one an element an interval, and
// makes the series of each key. All end with the last interval of any key.
func (d *Decoder) seriesElements(v *object.Var, m engine.Map, same keyMerger) ([]*element, error) {
	var elems []*element
	byKey := map[string]map[uint64]interval{}
	var bad error
	err := m.Each(func(key, value []byte) bool {
		if uint64(len(key)) < uint64(v.BucketOff)+8 || len(value) < 8*seriesWords {
			bad = fmt.Errorf("interval with a key of %d and a value of %d bytes", len(key), len(value))
			return false
		}
		name := slices.Clone(key[:v.BucketOff])
		if same != nil {
			same(name)
		}
		values := byKey[string(name)]
		if values == nil {
			values = map[uint64]interval{}
			byKey[string(name)] = values
			elems = append(elems, &element{key: name})
		}
		in := mergeInterval(v.Value, value)
		if other, ok := values[in.epoch]; ok && in.epoch != 0 {
			in.merge(v.Value, other)
		}
		values[in.epoch] = in
		return true
	})
	if err == nil {
		err = bad
	}
	var last uint64
	for _, values := range byKey {
		for epoch := range values {
			last = max(last, epoch)
		}
	}
	for _, e := range elems {
		e.value = Value{Kind: TimeSeries, Series: d.newSeries(v.Value, byKey[string(e.key)], last)}
	}
	return elems, err
}

// mergeInterval merges the values of all CPUs that are of the latest interval. One that was
// never used, or zeroed, has the number 0 and the value 0.
func mergeInterval(t *object.Type, b []byte) interval {
	var got interval
	for ; len(b) >= 8*seriesWords; b = b[8*seriesWords:] {
		in := interval{order.Uint64(b), order.Uint64(b[8:]), order.Uint64(b[16:])}
		switch {
		case in.epoch == 0 || in.epoch < got.epoch:
		case in.epoch > got.epoch:
			got = in
		default:
			got.merge(t, in)
		}
	}
	return got
}

// merge merges what another CPU recorded in the same interval.
func (i *interval) merge(t *object.Type, in interval) {
	switch t.Series.Agg {
	case "sum", "avg":
		i.value += in.value
		i.meta += in.meta
	case "min":
		if less(in.value, i.value, t.Signed) {
			i.value = in.value
		}
	case "max":
		if less(i.value, in.value, t.Signed) {
			i.value = in.value
		}
	default: // the later one
		if in.meta > i.meta {
			*i = in
		}
	}
}

// result is the interval's value.
func (i *interval) result(t *object.Type) uint64 {
	if t.Series.Agg == "avg" && i.epoch != 0 {
		return average(i.value, i.meta, t.Signed)
	}
	return i.value
}

// newSeries makes a series of values by their intervals' numbers. It begins with the first
// of them that's among the newest intervals.
func (d *Decoder) newSeries(t *object.Type, values map[uint64]interval, last uint64) *Series {
	s := &Series{Times: d.Times}
	if last == 0 {
		return s
	}
	first := last - min(last, t.Series.Len-1)
	begun := false
	for epoch := first; epoch <= last; epoch++ {
		n, ok := values[epoch]
		begun = begun || ok
		if !begun {
			continue
		}
		in := Interval{Start: d.Time(object.ClockSwTAI, epoch*t.Series.Interval)}
		if ok {
			in.Value = number(n.result(t), t.Signed)
		}
		s.Intervals = append(s.Intervals, in)
	}
	return s
}
