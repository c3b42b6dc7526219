package run

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/text"
)

// printLog2 prints a histogram map in the forms of bcc's tools: one table a key with its
// section's header, or a JSON object a key.
func (r *runner) printLog2(a *object.Action) error {
	snap, err := r.dec.Snapshot(r.Object.Vars[a.Var], event.Select{Zero: true})
	if err != nil {
		return err
	}
	out := r.actions.text[:0]
	for i := range snap.Entries {
		e := &snap.Entries[i]
		if e.Value.Hist == nil {
			continue
		}
		counts := slots(e.Value.Hist)
		name := ""
		if snap.Var.Key != nil {
			name = string(output.AppendValue(nil, &e.Key))
		}
		if a.Style == "log2json" {
			out = r.appendLog2JSON(out, a, counts, name)
			continue
		}
		if snap.Var.Key != nil && a.Section != "" {
			out = text.AppendSection(out, a.Section, name)
		}
		out = text.AppendLog2(out, a.Unit, counts, false)
	}
	if len(out) == 0 && snap.Var.Key == nil && a.Style == "log2json" {
		out = r.appendLog2JSON(out, a, nil, "") // as bcc: an object without data
	}
	r.actions.text = out
	if len(out) > 0 {
		r.Sink.Printf(out)
	}
	return nil
}

// slots are the counts by bcc's numbering: slot i holds [2^(i-1), 2^i), slot 1 zero too.
// Negative values have none.
func slots(h *event.Hist) []uint64 {
	counts := make([]uint64, 66)
	for _, b := range h.Buckets {
		if b.Low.Kind != event.Null {
			counts[max(1, bits.Len64(b.Low.Num))] += b.Count
		}
	}
	return counts
}

// appendLog2JSON appends one line: {"ts": …, "val_type": …, "data": […], "SECTION": name}.
func (r *runner) appendLog2JSON(dst []byte, a *object.Action, counts []uint64, name string) []byte {
	now := time.Now()
	if loc := r.Times.Location; loc != nil {
		now = now.In(loc)
	}
	dst = append(r.dec.AppendTime(append(dst, `{"ts": "`...), "%Y-%m-%d %H:%M:%S", now), '"')
	dst = fmt.Appendf(dst, `, "val_type": %s, "data": [`, quote(a.Unit))
	last := 0
	for i, n := range counts {
		if n > 0 {
			last = i
		}
	}
	for i := 1; i <= last; i++ {
		low, separator := uint64(1)<<(i-1), ", "
		if i == 1 {
			low, separator = 0, ""
		}
		dst = fmt.Appendf(dst, `%s{"interval-start": %d, "interval-end": %d, "count": %d}`, separator, low, uint64(1)<<i-1, counts[i])
	}
	dst = append(dst, ']')
	if name != "" && a.Section != "" {
		dst = fmt.Appendf(dst, `, %s: %s`, quote(a.Section), quote(name))
	}
	return append(dst, "}\n"...)
}

// quote is a JSON string.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("BUG: a string without JSON: " + err.Error())
	}
	return b
}
