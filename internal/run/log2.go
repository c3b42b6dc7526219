package run

import (
	"encoding/json"
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
			if out, err = appendLog2JSON(out, a, counts, name); err != nil {
				return err
			}
			continue
		}
		if snap.Var.Key != nil && a.Section != "" {
			out = text.AppendSection(out, a.Section, name)
		}
		out = text.AppendLog2(out, a.Unit, counts, false)
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

// log2Range is a slot in bcc's JSON.
type log2Range struct {
	Start uint64 `json:"interval-start"`
	End   uint64 `json:"interval-end"`
	Count uint64 `json:"count"`
}

// appendLog2JSON appends one line: {"ts": …, "val_type": …, "data": […], "SECTION": name}.
func appendLog2JSON(dst []byte, a *object.Action, counts []uint64, name string) ([]byte, error) {
	data := []log2Range{}
	last := 0
	for i, n := range counts {
		if n > 0 {
			last = i
		}
	}
	for i := 1; i <= last; i++ {
		low := uint64(1) << (i - 1)
		if i == 1 {
			low = 0
		}
		data = append(data, log2Range{low, uint64(1)<<i - 1, counts[i]})
	}
	line := map[string]any{"ts": time.Now().Format("2006-01-02 15:04:05"), "val_type": a.Unit, "data": data}
	if name != "" && a.Section != "" {
		line[a.Section] = name
	}
	b, err := json.Marshal(line)
	return append(append(dst, b...), '\n'), err
}
