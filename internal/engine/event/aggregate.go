package event

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// aggregate merges n values of type t (one a CPU), which stand one after another in b,
// each rounded up to 8 bytes, and decodes the result. With n = 1 the last value may lack
// its second word, as an average or extreme that the program computed itself does.
func (d *Decoder) aggregate(t *object.Type, b []byte, n int) (Value, error) {
	switch t.Kind {
	case object.Count:
		return UintValue(sum(b, n, 8, t.Size, false)), nil
	case object.Sum:
		return number(sum(b, n, stride(t), t.Size, t.Signed), t.Signed), nil
	case object.Int:
		return number(sum(b, n, stride(t), t.Size, t.Signed), t.Signed), nil
	case object.Min, object.Max:
		return number(extreme(t, b, n), t.Signed), nil
	case object.Avg:
		total, count := sumPairs(t, b, n)
		if t.Places > 0 {
			return realValue(realAverage(total, count, t.Signed), t.Places), nil
		}
		return number(average(total, count, t.Signed), t.Signed), nil
	case object.Stats:
		total, count := sumPairs(t, b, n)
		return statsValue(total, count, t.Signed), nil
	case object.Summary:
		return mergeDigest(t, b, n).value(), nil
	case object.Hist, object.Lhist, object.Bhist:
		return Value{Kind: Histogram, Hist: newHist(t, sumBuckets(t, b, n))}, nil
	}
	if n > 1 {
		return d.Value(t, b) // not to be merged: the first CPU's
	}
	return Value{}, fmt.Errorf("decode value: kind %d not supported yet", t.Kind)
}

// stride is the distance of one CPU's value from the next one's.
func stride(t *object.Type) int { return int(t.Bytes()+7) &^ 7 }

func sum(b []byte, n, stride int, size uint32, signed bool) uint64 {
	var x uint64
	for i := range n {
		x += load(b[i*stride:], size, signed)
	}
	return x
}

// single reports whether a value is only its first word.
func single(t *object.Type) bool { return t.Size == 8 }

func extreme(t *object.Type, b []byte, n int) uint64 {
	if single(t) {
		return order.Uint64(b)
	}
	var best uint64
	set := false
	for i := range n {
		v := b[i*stride(t):]
		x := order.Uint64(v)
		if order.Uint64(v[8:]) == 0 {
			continue
		}
		if !set || less(best, x, t.Signed) == (t.Kind == object.Max) {
			best, set = x, true
		}
	}
	return best
}

// less compares two numbers; the answer for equal ones doesn't matter to extreme.
func less(a, b uint64, signed bool) bool {
	if signed {
		return int64(a) < int64(b)
	}
	return a < b
}

func sumPairs(t *object.Type, b []byte, n int) (total, count uint64) {
	if single(t) {
		return order.Uint64(b), 1
	}
	for i := range n {
		v := b[i*stride(t):]
		total += order.Uint64(v)
		count += order.Uint64(v[8:])
	}
	return total, count
}

func average(total, count uint64, signed bool) uint64 {
	switch {
	case count == 0:
		return 0
	case signed:
		return uint64(int64(total) / int64(count))
	}
	return total / count
}

// realAverage is the float64 nearest to the average; 0 of nothing.
func realAverage(total, count uint64, signed bool) float64 {
	if count == 0 {
		return 0
	}
	return quotient(realNum{num: total, signed: signed}, realNum{num: count})
}

func statsValue(total, count uint64, signed bool) Value {
	return Value{
		Kind:  Record,
		Names: []string{"count", "average", "total"},
		Elems: []Value{
			number(count, signed),
			number(average(total, count, signed), signed),
			number(total, signed),
		},
	}
}

func sumBuckets(t *object.Type, b []byte, n int) []uint64 {
	counts := make([]uint64, t.Hist.Len)
	for cpu := range n {
		v := b[cpu*stride(t):]
		for i := range counts {
			if 8*i+8 > len(v) {
				break
			}
			counts[i] += order.Uint64(v[8*i:])
		}
	}
	return counts
}
