package run

import (
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// reportLost tells of events lost since the last time; at the end of all of them, and of
// what else the counters say.
func (r *runner) reportLost(end bool) error {
	now := time.Now()
	if !end && now.Sub(r.checked) < tick {
		return nil
	}
	r.checked = now
	c, err := r.s.Counters()
	if err != nil {
		return err
	}
	if n := c[object.CounterLost]; n > r.lost {
		r.Sink.Lost(n - r.lost)
		r.lost = n
	}
	if !end || r.Options.Warnf == nil {
		return nil
	}
	for _, p := range r.s.Programs() {
		if p.Missed > 0 && !r.Options.Nested {
			r.Options.Warnf("%d events missed by program %s: a BPF program was already running on that CPU", p.Missed, p.Name)
		}
	}
	for _, w := range totals {
		if w.counter == object.CounterMapError && c[w.counter] <= r.refused {
			continue // each has been told of
		}
		if n := c[w.counter]; n > 0 {
			r.Options.Warnf(w.text, n)
		}
	}
	return nil
}

// totals are the counters that are told of at the end.
var totals = []struct {
	counter int
	text    string
}{
	{object.CounterLost, "Total lost event count: %d"},
	{object.CounterMapError, "%d map updates failed in all"},
	{object.CounterStackError, "%d stacks couldn't be taken"},
}
