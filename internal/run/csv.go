package run

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// printCSV prints a map as RFC 4180 has it, but with newlines: a row an entry, of histograms a
// row a bucket, of time series a row an interval. The columns are named above the first rows
// that the action prints.
func (r *runner) printCSV(a *object.Action, n int, rec []byte) error {
	snap, err := r.snapshot(a, rec)
	if err != nil || len(snap.Entries) == 0 {
		return err
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if !r.actions.headed[n] {
		if r.actions.headed == nil {
			r.actions.headed = map[int]bool{}
		}
		r.actions.headed[n] = true
		_ = w.Write(append(keyNames(snap.Var.Key), valueNames(&snap.Entries[0].Value)...))
	}
	for i := range snap.Entries {
		e := &snap.Entries[i]
		for _, row := range valueRows(&e.Value) {
			_ = w.Write(append(keyCells(snap.Var.Key, &e.Key), row...)) // to memory
		}
	}
	w.Flush()
	r.Sink.Printf(out.Bytes())
	return nil
}

// keyNames are the columns of a key: one, or one for each part of a tuple.
func keyNames(t *object.Type) []string {
	switch {
	case t == nil:
		return nil
	case t.Kind != object.Tuple:
		return []string{"key"}
	}
	var names []string
	for i := range t.Fields {
		names = append(names, "key"+strconv.Itoa(i+1))
	}
	return names
}

func keyCells(t *object.Type, key *event.Value) []string {
	switch {
	case t == nil:
		return nil
	case t.Kind != object.Tuple:
		return []string{cell(key)}
	}
	return cells(key.Elems)
}

func cells(values []event.Value) []string {
	list := make([]string, len(values))
	for i := range values {
		list[i] = cell(&values[i])
	}
	return list
}

// cell is a value's text. The open end of a bucket is empty.
func cell(v *event.Value) string {
	if v.Kind == event.Null {
		return ""
	}
	return string(output.AppendValue(nil, v))
}

func valueNames(v *event.Value) []string {
	switch v.Kind {
	case event.Histogram:
		return []string{"low", "high", "count"}
	case event.TimeSeries:
		return []string{"start", "value"}
	case event.Record, event.Summary:
		return v.Names
	}
	return []string{"value"}
}

func valueRows(v *event.Value) [][]string {
	switch v.Kind {
	case event.Histogram:
		var rows [][]string
		for i := range v.Hist.Buckets {
			b := &v.Hist.Buckets[i]
			rows = append(rows, []string{bound(&b.Low), bound(&b.High), strconv.FormatUint(b.Count, 10)})
		}
		return rows
	case event.TimeSeries:
		var rows [][]string
		for i := range v.Series.Intervals {
			in := &v.Series.Intervals[i]
			start := fmt.Sprintf("%d.%09d", in.Start.Unix(), in.Start.Nanosecond())
			rows = append(rows, []string{start, cell(&in.Value)})
		}
		return rows
	case event.Record, event.Summary:
		return [][]string{cells(v.Elems)}
	}
	return [][]string{{cell(v)}}
}

// bound is the number behind a bound's text, such as 1K.
func bound(v *event.Value) string {
	if v.Kind == event.Symbol {
		return strconv.FormatUint(v.Num, 10)
	}
	return cell(v)
}
