package text

import (
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// Widths of a time series' graph and of the lower bound above and below it.
const (
	graphWidth = 53
	lowWidth   = 21
)

// startFormat is how an interval's start is printed.
const startFormat = "%H:%M:%S"

// precision is how many digits of a second an interval's start has, and their name.
type precision struct {
	digits int
	name   string
}

func precisionOf(interval time.Duration) precision {
	switch {
	case interval >= time.Second:
		return precision{}
	case interval >= time.Millisecond:
		return precision{3, ".ms"}
	case interval >= time.Microsecond:
		return precision{6, ".us"}
	}
	return precision{9, ".ns"}
}

// appendSeries appends a graph with a line an interval, whose star is the value.
func appendSeries(dst []byte, s *event.Series) []byte {
	n := len(s.Intervals)
	if n == 0 {
		return append(dst, "<no data>"...)
	}
	low, high := bounds(s)
	span := s.Intervals[n-1].Start.Sub(s.Intervals[0].Start) / time.Duration(max(n-1, 1))
	prec := precisionOf(span)
	head, width := "hh:mm:ss"+prec.name, len("hh:mm:ss")
	switch {
	case s.Times.ISO: // has all digits that there are
		prec.digits, head = 0, "time"
		width = len(s.AppendStart(nil, startFormat, &s.Intervals[0]))
	case prec.digits > 0:
		width += 1 + prec.digits
	}
	dst = appendBounds(fill(dst, len(dst)+width+1, ' '), &low, &high)
	start := len(dst)
	dst = fill(append(dst, head...), start+width+1, ' ')
	dst = append(append(dst, '|'), strings.Repeat("_", graphWidth-2)+"|\n"...)
	for i := range s.Intervals {
		dst = appendInterval(dst, s, &s.Intervals[i], &low, &high, prec.digits)
	}
	dst = fill(dst, len(dst)+width+1, ' ')
	dst = append(append(dst, 'v'), strings.Repeat("_", graphWidth-2)+"v\n"...)
	return appendBounds(fill(dst, len(dst)+width+1, ' '), &low, &high)
}

// bounds are the smallest and the largest value, made different when they are the same. What
// begins a series has a value.
func bounds(s *event.Series) (low, high event.Value) {
	low, high = s.Intervals[0].Value, s.Intervals[0].Value
	for i := range s.Intervals {
		v := &s.Intervals[i].Value
		switch {
		case v.Kind == event.Null:
		case distance(v, &low) < 0:
			low = *v
		case distance(v, &high) > 0:
			high = *v
		}
	}
	if low.Num != high.Num {
		return low, high
	}
	signed := low.Kind == event.Int
	if least := uint64(1) << 63; signed && low.Num != least || !signed && low.Num != 0 {
		low.Num--
	}
	if most := uint64(1)<<63 - 1; signed && high.Num != most || !signed && high.Num != ^uint64(0) {
		high.Num++
	}
	return low, high
}

// distance is how far a is above b.
func distance(a, b *event.Value) int64 { return int64(a.Num - b.Num) }

func appendBounds(dst []byte, low, high *event.Value) []byte {
	start := len(dst)
	dst = fill(output.AppendValue(dst, low), start+lowWidth, ' ')
	text := output.AppendValue(nil, high)
	dst = fill(dst, len(dst)+graphWidth-lowWidth-len(text), ' ')
	return append(append(dst, text...), '\n')
}

func appendInterval(dst []byte, s *event.Series, in *event.Interval, low, high *event.Value, digits int) []byte {
	dst = s.AppendStart(dst, startFormat, in)
	if digits > 0 {
		ns := strconv.Itoa(in.Start.Nanosecond() + 1e9)[1:]
		dst = append(append(dst, '.'), ns[:digits]...)
	}
	dst = append(dst, ' ')
	line := len(dst)
	dst = fill(dst, line+graphWidth, ' ')
	dst[line], dst[line+graphWidth-1] = '|', '|'
	if zero := (event.Value{Kind: low.Kind}); low.Kind == event.Int && distance(low, &zero) < 0 && distance(&zero, high) < 0 {
		if at := column(graphWidth, low, &zero, high); at > 0 {
			dst[line+at] = '.'
		}
	}
	if in.Value.Kind == event.Null {
		return append(dst, " -\n"...)
	}
	dst[line+column(graphWidth-1, low, &in.Value, high)] = '*'
	return append(output.AppendValue(append(dst, ' '), &in.Value), '\n')
}

// column is where a value stands, in single precision, as bpftrace's.
func column(width int, low, v, high *event.Value) int {
	at := int(float32(float32(width)*float32(distance(v, low))) / float32(distance(high, low)))
	return max(0, min(graphWidth-1, at))
}
