package run

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/text"
)

// bccRow is a bucket of a histogram in bcc's forms: of the numbers from low to high, both
// included. Either is Null where the bucket is open.
type bccRow struct {
	low, high event.Value
	count     uint64
}

// printBCC prints a histogram map in the forms of bcc's tools: one table a key with its
// section's header, or a JSON object a key.
func (r *runner) printBCC(a *object.Action) error {
	snap, err := r.dec.Snapshot(r.Object.Vars[a.Var], event.Select{Zero: true})
	if err != nil {
		return err
	}
	out := r.actions.text[:0]
	asJSON := strings.HasSuffix(a.Style, "json")
	for i := range snap.Entries {
		e := &snap.Entries[i]
		if e.Value.Hist == nil {
			continue
		}
		name := ""
		if snap.Var.Key != nil {
			name = string(output.AppendValue(nil, &e.Key))
		}
		if !asJSON && snap.Var.Key != nil && a.Section != "" {
			out = text.AppendSection(out, a.Section, name)
		}
		switch {
		case a.Style == "log2":
			out = text.AppendLog2(out, a.Unit, slots(e.Value.Hist), false)
		case a.Style == "linear":
			out = appendLinear(out, a.Unit, linearRows(snap.Var.Value, e.Value.Hist))
		case a.Style == "log2json":
			out = r.appendBCCJSON(out, a, log2Rows(e.Value.Hist), name)
		default:
			out = r.appendBCCJSON(out, a, linearRows(snap.Var.Value, e.Value.Hist), name)
		}
	}
	if len(out) == 0 && snap.Var.Key == nil && asJSON {
		out = r.appendBCCJSON(out, a, nil, "") // as bcc: an object without data
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

// log2Rows are the buckets of a histogram of powers of two.
func log2Rows(h *event.Hist) []bccRow {
	var rows []bccRow
	for i, n := range slots(h)[1:] {
		low := uint64(1) << i
		if i == 0 {
			low = 0
		}
		rows = append(rows, bccRow{event.UintValue(low), event.UintValue(2<<i - 1), n})
	}
	return rows
}

// linearRows are the buckets of an lhist or bhist from its first bound on. The one below is a
// row only if there's something in it.
func linearRows(t *object.Type, h *event.Hist) []bccRow {
	bounds := event.Bounds(t)
	rows := make([]bccRow, len(bounds)+1)
	rows[0].high = event.IntValue(bounds[0] - 1)
	byLow := map[int64]*bccRow{}
	for i, low := range bounds {
		row := &rows[i+1]
		row.low, byLow[low] = event.IntValue(low), row
		if i+1 < len(bounds) {
			row.high = event.IntValue(bounds[i+1] - 1)
		}
	}
	for _, b := range h.Buckets {
		if b.Low.Kind == event.Null {
			rows[0].count = b.Count
		} else {
			byLow[int64(b.Low.Num)].count = b.Count
		}
	}
	if rows[0].count == 0 {
		return rows[1:]
	}
	return rows
}

// appendLinear appends a table, whose values are where the buckets begin.
func appendLinear(dst []byte, unit string, rows []bccRow) []byte {
	names, counts := make([]string, len(rows)), make([]uint64, len(rows))
	for i := range rows {
		row := &rows[i]
		counts[i] = row.count
		if row.low.Kind == event.Null {
			names[i] = "<= " + strconv.FormatInt(int64(row.high.Num), 10)
		} else {
			names[i] = strconv.FormatInt(int64(row.low.Num), 10)
		}
	}
	return text.AppendLinear(dst, unit, names, counts, false)
}

// appendBCCJSON appends one line: {"ts": …, "val_type": …, "data": […], "SECTION": name}.
// Buckets up to the last one that isn't empty are data.
func (r *runner) appendBCCJSON(dst []byte, a *object.Action, rows []bccRow, name string) []byte {
	for len(rows) > 0 && rows[len(rows)-1].count == 0 {
		rows = rows[:len(rows)-1]
	}
	now := time.Now()
	if loc := r.Times.Location; loc != nil {
		now = now.In(loc)
	}
	dst = append(r.dec.AppendTime(append(dst, `{"ts": "`...), "%Y-%m-%d %H:%M:%S", now), '"')
	dst = fmt.Appendf(dst, `, "val_type": %s, "data": [`, quote(a.Unit))
	for i := range rows {
		row := &rows[i]
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, '{')
		if row.low.Kind != event.Null {
			dst = append(output.AppendValue(append(dst, `"interval-start": `...), &row.low), ", "...)
		}
		if row.high.Kind != event.Null {
			dst = append(output.AppendValue(append(dst, `"interval-end": `...), &row.high), ", "...)
		}
		dst = fmt.Appendf(dst, `"count": %d}`, row.count)
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
