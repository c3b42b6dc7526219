package event

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Hist is a histogram from its first to its last bucket that isn't empty; none when
// all are.
type Hist struct {
	Buckets []Bucket
	Total   uint64 // of all counts, before a division
	// Aligned: the column of the ranges is as wide as they are. bpftrace's own histograms have
	// a fixed one, which large numbers break.
	Aligned bool
}

// Bucket counts the values in [Low, High). Low of the lowest and High of the highest
// possible bucket are Null: they are open. Bounds are Int, or Symbol ("4K") where the
// buckets are so wide that a unit is used.
type Bucket struct {
	Low, High Value
	Count     uint64
}

// newHist makes a histogram of the counts of all buckets.
func newHist(t *object.Type, counts []uint64) *Hist {
	h := &Hist{}
	first, last := -1, -1
	for i, n := range counts {
		h.Total += n
		if n > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return h
	}
	bound := logBound
	switch t.Kind {
	case object.Lhist:
		bound = linearBound
	case object.Bhist:
		h.Aligned = true
		bound = func(_ *object.HistSpec, i int) Value {
			if i < 0 || i >= len(t.Bounds) {
				return Value{}
			}
			return IntValue(t.Bounds[i])
		}
	}
	for i := first; i <= last; i++ {
		h.Buckets = append(h.Buckets, Bucket{bound(&t.Hist, i-1), bound(&t.Hist, i), counts[i]})
	}
	return h
}

// logBound is the end of bucket i of a log2 histogram with k sub-bucket bits: 0 of the
// bucket of negative numbers, then 1 number a bucket up to 2^(k+1), then 2^k buckets a
// power of two.
func logBound(s *object.HistSpec, i int) Value {
	k := uint(s.Bits)
	switch {
	case i < 0:
		return Value{}
	case i <= 2<<k:
		return IntValue(int64(i))
	}
	n := uint64(1) << k
	mantissa := n + uint64(i)&(n-1)
	power := uint(i)>>k - 1
	unit := power / 10
	text := strconv.FormatUint(mantissa<<(power%10), 10)
	if unit > 0 {
		text += "KMGTPE"[unit-1 : unit]
	}
	return Value{Kind: Symbol, Num: mantissa << power, Text: text}
}

// linearBound is the end of bucket i of a linear histogram.
func linearBound(s *object.HistSpec, i int) Value {
	n := s.Min + int64(i)*s.Step
	if i < 0 || n > s.Max {
		return Value{}
	}
	if s.Step%1024 != 0 {
		return IntValue(n)
	}
	text := strconv.FormatInt(n, 10)
	switch {
	case n == 0:
	case n%(1<<20) == 0:
		text = strconv.FormatInt(n>>20, 10) + "M"
	case n%(1<<10) == 0:
		text = strconv.FormatInt(n>>10, 10) + "K"
	}
	return Value{Kind: Symbol, Num: uint64(n), Text: text}
}

// Bounds are those of an lhist or bhist, ascending: of the numbers below the first, from each
// on and below the next, and from the last on there's a bucket each.
func Bounds(t *object.Type) []int64 {
	if t.Kind == object.Bhist {
		return t.Bounds
	}
	var bounds []int64
	for i := 0; ; i++ {
		b := linearBound(&t.Hist, i)
		if b.Kind == Null {
			return bounds
		}
		bounds = append(bounds, int64(b.Num))
	}
}
