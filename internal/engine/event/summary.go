package event

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// summaryPlaces are the decimals that a summary's numbers are printed with where they aren't
// integers.
const summaryPlaces = 2

// summaryQuantiles are the quantiles of a summary, in units of 1/object.QuantileUnit.
var summaryQuantiles = []struct {
	name string
	q    uint64
}{{"p50", 500e6}, {"p90", 900e6}, {"p99", 990e6}, {"p99.9", 999e6}}

// digest is a summary's values, merged of all CPUs and, with keys, all buckets.
type digest struct {
	t        *object.Type
	sum      big.Int
	squares  big.Int
	most     uint64 // in unsigned order, see object.SummaryMoments
	least    uint64 // its complement
	counts   []uint64
	negative int // where the buckets of negative numbers begin
}

func newDigest(t *object.Type) *digest {
	n := int(t.Digest.Len())
	d := &digest{t: t, negative: n}
	if t.Signed {
		n *= 2
	}
	d.counts = make([]uint64, n)
	return d
}

// add merges moments.
func (d *digest) add(b []byte) {
	low, high := new(big.Int), big.NewInt(int64(order.Uint64(b[object.SummarySum+8:])))
	if x := order.Uint64(b[object.SummarySum:]); d.t.Signed {
		low.SetInt64(int64(x))
	} else {
		low.SetUint64(x)
	}
	d.sum.Add(&d.sum, high.Lsh(high, 64).Add(high, low))
	squares := new(big.Int)
	for i := 2; i >= 0; i-- {
		word := order.Uint64(b[object.SummarySquares+8*i:])
		squares.Add(squares.Lsh(squares, 64), new(big.Int).SetUint64(word))
	}
	d.squares.Add(&d.squares, squares)
	d.most = max(d.most, order.Uint64(b[object.SummaryMax:]))
	d.least = max(d.least, order.Uint64(b[object.SummaryMin:]))
}

// mergeDigest is a summary without keys: n CPUs' moments and buckets.
func mergeDigest(t *object.Type, b []byte, n int) *digest {
	d := newDigest(t)
	for cpu := range n {
		v := b[cpu*stride(t):]
		d.add(v)
		for i := range d.counts {
			at := object.SummaryMoments + 8*i
			if at+8 > len(v) {
				break
			}
			d.counts[i] += order.Uint64(v[at:])
		}
	}
	return d
}

// summary reads a map's summary, or that of a key as it stands in the map before the bucket.
func (d *Decoder) summary(v *object.Var, key []byte) (*digest, error) {
	m := d.Maps.Map(v.Map)
	if !v.Buckets {
		value, err := m.Lookup(make([]byte, 4))
		if err != nil {
			return nil, err
		}
		elems, err := globalElement(v, value)
		if err != nil || len(elems) == 0 {
			return newDigest(v.Value), err
		}
		return mergeDigest(v.Value, elems[0].raw, elems[0].cpus), nil
	}
	same := d.sameCgroup(v)
	if same != nil {
		key = slices.Clone(key)
		same(key)
	}
	list, err := keyedDigests(v, m, same, key)
	if err != nil || len(list) == 0 {
		return newDigest(v.Value), err
	}
	return list[0].digest, nil
}

// keyedDigest is the summary of a key.
type keyedDigest struct {
	key []byte
	*digest
}

// keyedDigests gathers keyed summaries, one an element a bucket: all, or that of a key.
func keyedDigests(v *object.Var, m engine.Map, same keyMerger, only []byte) ([]keyedDigest, error) {
	var list []keyedDigest
	byKey := map[string]*digest{}
	var bad error
	err := m.Each(func(key, value []byte) bool {
		if uint64(len(key)) < uint64(v.BucketOff)+8 || len(value) < object.SummaryElement {
			bad = fmt.Errorf("summary with a key of %d and a value of %d bytes", len(key), len(value))
			return false
		}
		name := slices.Clone(key[:v.BucketOff])
		if same != nil {
			same(name)
		}
		if only != nil && !bytes.Equal(name, only) {
			return true
		}
		g := byKey[string(name)]
		if g == nil {
			g = newDigest(v.Value)
			byKey[string(name)] = g
			list = append(list, keyedDigest{name, g})
		}
		bucket := order.Uint64(key[v.BucketOff:])
		if bucket >= uint64(len(g.counts)) {
			bad = fmt.Errorf("bucket %d of %d", bucket, len(g.counts))
			return false
		}
		for ; len(value) >= object.SummaryElement; value = value[object.SummaryElement:] {
			g.add(value)
			g.counts[bucket] += order.Uint64(value[object.SummaryMoments:])
		}
		return true
	})
	if err == nil {
		err = bad
	}
	return list, err
}

// summaryElements are the elements of keyed summaries.
func (d *Decoder) summaryElements(v *object.Var, m engine.Map, same keyMerger) ([]*element, error) {
	list, err := keyedDigests(v, m, same, nil)
	elems := make([]*element, len(list))
	for i, k := range list {
		elems[i] = &element{key: k.key, value: k.value()}
	}
	return elems, err
}

// value is what's printed: exact numbers, and quantiles by the buckets. Of nothing all are 0.
func (d *digest) value() Value {
	n, low, high := d.ends()
	v := Value{Kind: Summary, Num: n,
		Names: []string{"count", "min", "avg", "stddev"},
		Elems: []Value{UintValue(n), low, realValue(d.average(n), summaryPlaces), realValue(d.deviation(n), summaryPlaces)},
	}
	for _, q := range summaryQuantiles {
		v.Names = append(v.Names, q.name)
		v.Elems = append(v.Elems, d.quantile(n, q.q, low, high))
	}
	v.Names, v.Elems = append(v.Names, "max"), append(v.Elems, high)
	return v
}

// ends are how many numbers there are, the least and the greatest of them.
func (d *digest) ends() (n uint64, low, high Value) {
	for _, c := range d.counts {
		n += c
	}
	if n == 0 {
		return n, number(0, d.t.Signed), number(0, d.t.Signed)
	}
	return n, d.number(^d.least), d.number(d.most)
}

// number is the number of a place in unsigned order.
func (d *digest) number(u uint64) Value {
	if d.t.Signed {
		u ^= 1 << 63
	}
	return number(u, d.t.Signed)
}

// average is the average of the n numbers, rounded once.
func (d *digest) average(n uint64) float64 {
	if n == 0 {
		return 0
	}
	f, _ := new(big.Rat).SetFrac(&d.sum, new(big.Int).SetUint64(n)).Float64()
	return f
}

// deviation is the standard deviation of the n numbers: √(n·Σx² - (Σx)²) / n, computed with
// integers up to the root.
func (d *digest) deviation(n uint64) float64 {
	if n == 0 {
		return 0
	}
	count := new(big.Int).SetUint64(n)
	x := new(big.Int).Mul(count, &d.squares)
	if x.Sub(x, new(big.Int).Mul(&d.sum, &d.sum)).Sign() <= 0 {
		return 0 // below it when a CPU was just adding
	}
	const bits = 256
	root := new(big.Float).SetPrec(bits).SetInt(x)
	root.Sqrt(root)
	f, _ := root.Quo(root, new(big.Float).SetPrec(bits).SetInt(count)).Float64()
	return f
}

// quantile is the least number that q / object.QuantileUnit of all n aren't above of: the middle of its
// bucket, within the least and the greatest of all.
func (d *digest) quantile(n, q uint64, low, high Value) Value {
	if n == 0 {
		return low
	}
	const unit = object.QuantileUnit
	rank := n/unit*q + (n%unit*q+unit-1)/unit // n·q/unit, rounded up
	switch rank {
	case 0, 1:
		return low
	case n:
		return high
	}
	for i := len(d.counts) - 1; i >= d.negative; i-- {
		if rank <= d.counts[i] {
			// That of the lowest bucket is below what an int64 holds.
			return clamp(IntValue(-int64(min(d.middle(i-d.negative), 1<<63))), low, high)
		}
		rank -= d.counts[i]
	}
	for i, c := range d.counts[:d.negative] {
		if rank <= c {
			return clamp(number(d.middle(i), d.t.Signed), low, high)
		}
		rank -= c
	}
	return high
}

// middle is the middle of a bucket, rounded down; it's off from any number in it by half of
// 1<<-Bits of that number at most.
func (d *digest) middle(i int) uint64 {
	k := d.t.Digest.Bits
	shift := max(i>>k-1, 0)
	first := uint64(i-shift<<k) << shift
	return first + (1<<shift-1)/2
}

func clamp(v, low, high Value) Value {
	signed := v.Kind == Int
	switch {
	case less(v.Num, low.Num, signed):
		return low
	case less(high.Num, v.Num, signed):
		return high
	}
	return v
}
