package json

import (
	"math"
	"strconv"

	"github.com/skep-bpf/skep/internal/engine/event"
)

func appendValue(dst []byte, v *event.Value) []byte {
	switch v.Kind {
	case event.Null:
		return append(dst, "null"...)
	case event.Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case event.Int:
		return appendInt(dst, int64(v.Num))
	case event.Uint, event.Pointer, event.Symbol:
		return appendUint(dst, v.Num)
	case event.String:
		if len(v.Text) == 0 {
			return appendString(dst, v.Bytes)
		}
		return appendString(dst, append(v.Bytes[:len(v.Bytes):len(v.Bytes)], v.Text...))
	case event.Buffer:
		return appendBytes(dst, v.Bytes)
	case event.Histogram:
		return appendHist(dst, v.Hist)
	case event.TimeSeries:
		return appendSeries(dst, v.Series)
	case event.Real:
		return strconv.AppendFloat(dst, v.Float(), 'f', -1, 64)
	case event.Record, event.Summary:
		return appendRecord(dst, v)
	}
	dst = append(dst, '[')
	for i := range v.Elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, &v.Elems[i])
	}
	return append(dst, ']')
}

func appendRecord(dst []byte, v *event.Value) []byte {
	dst = append(dst, '{')
	for i := range v.Elems {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendString(dst, []byte(v.Names[i]))
		dst = appendValue(append(dst, ": "...), &v.Elems[i])
	}
	return append(dst, '}')
}

// appendBytes appends a buffer as an array of signed numbers.
func appendBytes(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(int8(c)), 10)
	}
	return append(dst, ']')
}

// appendInt appends a number, as a string when a reader that takes JSON's numbers for
// doubles would get another.
func appendInt(dst []byte, n int64) []byte {
	f := float64(n)
	if exact := f < math.MaxInt64 && int64(f) == n; exact {
		return strconv.AppendInt(dst, n, 10)
	}
	return append(strconv.AppendInt(append(dst, '"'), n, 10), '"')
}

// appendUint is appendInt for unsigned numbers.
func appendUint(dst []byte, n uint64) []byte {
	f := float64(n)
	if exact := f < math.MaxUint64 && uint64(f) == n; exact {
		return strconv.AppendUint(dst, n, 10)
	}
	return append(strconv.AppendUint(append(dst, '"'), n, 10), '"')
}

// appendHist appends a histogram as an array of buckets, whose max is the last number in
// them; an open end has none.
func appendHist(dst []byte, h *event.Hist) []byte {
	dst = append(dst, '[')
	for i := range h.Buckets {
		b := &h.Buckets[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if b.Low.Kind != event.Null {
			dst = append(appendValue(append(dst, `"min": `...), &b.Low), ", "...)
		}
		if b.High.Kind != event.Null {
			dst = append(appendInt(append(dst, `"max": `...), int64(b.High.Num)-1), ", "...)
		}
		dst = strconv.AppendUint(append(dst, `"count": `...), b.Count, 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendSeries appends a time series as an array of its intervals that have a value.
func appendSeries(dst []byte, s *event.Series) []byte {
	dst = append(dst, '[')
	for i := range s.Intervals {
		in := &s.Intervals[i]
		if in.Value.Kind == event.Null {
			continue
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = s.AppendStart(append(dst, `{"interval_start":"`...), "%Y-%m-%d %H:%M:%S.%k", in)
		dst = append(appendValue(append(dst, `","value":`...), &in.Value), '}')
	}
	return append(dst, ']')
}
