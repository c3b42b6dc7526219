package text

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// Widths of a histogram's columns.
const (
	rangeWidth = 16
	countWidth = 8
	barWidth   = 52
)

// appendHist appends a line a bucket.
func appendHist(dst []byte, h *event.Hist) []byte {
	var most uint64
	for i := range h.Buckets {
		most = max(most, h.Buckets[i].Count)
	}
	width := rangeWidth
	for i := range h.Buckets {
		if h.Aligned {
			width = max(width, len(appendRange(nil, &h.Buckets[i])))
		}
	}
	for i := range h.Buckets {
		b := &h.Buckets[i]
		start := len(dst)
		dst = fill(appendRange(dst, b), start+width, ' ')
		count := strconv.FormatUint(b.Count, 10)
		dst = append(fill(dst, len(dst)+countWidth-len(count), ' '), count...)
		dst = append(dst, " |"...)
		start = len(dst)
		dst = fill(dst, start+bar(b.Count, most), '@')
		dst = append(fill(dst, start+barWidth, ' '), "|\n"...)
	}
	return dst
}

// bar is the length of a count's bar. In single precision, as bpftrace's.
func bar(count, most uint64) int {
	if most == 0 {
		return 0
	}
	return int(float32(count) / float32(most) * barWidth)
}

// appendRange appends "[low, high)", with dots at an open end, or "[low]" for a bucket of
// one number.
func appendRange(dst []byte, b *event.Bucket) []byte {
	low, high := &b.Low, &b.High
	switch {
	case low.Kind == event.Null:
		dst = append(dst, "(..., "...)
		return append(output.AppendValue(dst, high), ')')
	case low.Kind == event.Int && high.Kind == event.Int && low.Num+1 == high.Num:
		return append(output.AppendValue(append(dst, '['), low), ']')
	}
	dst = append(output.AppendValue(append(dst, '['), low), ", "...)
	if high.Kind == event.Null {
		return append(dst, "...)"...)
	}
	return append(output.AppendValue(dst, high), ')')
}

// fill appends c until dst has the length n.
func fill(dst []byte, n int, c byte) []byte {
	for len(dst) < n {
		dst = append(dst, c)
	}
	return dst
}
