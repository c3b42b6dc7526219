package event

import (
	"math"
	"math/big"
	mathbits "math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

func summaryType(k uint8, signed bool) *object.Type {
	t := &object.Type{Kind: object.Summary, Signed: signed, Digest: object.SummarySpec{Bits: k}}
	n := t.Digest.Len()
	if signed {
		n *= 2
	}
	t.Size = object.SummaryMoments + 8*n
	return t
}

// addMoments does what a program does with the moments at b.
func addMoments(b []byte, x uint64, signed bool) {
	put := func(off int, n uint64) { order.PutUint64(b[off:], n) }
	get := func(off int) uint64 { return order.Uint64(b[off:]) }
	size, ordered := x, x
	if signed {
		ordered ^= 1 << 63
		if int64(x) < 0 {
			size = -x
		}
	}
	sum, carry := mathbits.Add64(get(object.SummarySum), x, 0)
	if old := get(object.SummarySum); signed {
		carry = 0
		if s := int64(old) + int64(x); int64(x) > 0 && s < int64(old) {
			carry = 1
		} else if int64(x) < 0 && s > int64(old) {
			carry = ^uint64(0)
		}
	}
	put(object.SummarySum, sum)
	put(object.SummarySum+8, get(object.SummarySum+8)+carry)
	hi, lo := mathbits.Mul64(size, size)
	lo, carry = mathbits.Add64(get(object.SummarySquares), lo, 0)
	put(object.SummarySquares, lo)
	hi, carry = mathbits.Add64(get(object.SummarySquares+8), hi, carry)
	put(object.SummarySquares+8, hi)
	put(object.SummarySquares+16, get(object.SummarySquares+16)+carry)
	put(object.SummaryMax, max(get(object.SummaryMax), ordered))
	put(object.SummaryMin, max(get(object.SummaryMin), ^ordered))
}

// bucketOf is a number's bucket by the words of object.SummarySpec.
func bucketOf(t *object.Type, x uint64) uint64 {
	size, negative := x, t.Signed && int64(x) < 0
	if negative {
		size = -x
	}
	k := int(t.Digest.Bits)
	i := size
	if n := mathbits.Len64(size) - 1 - k; n > 0 {
		i = uint64(n)<<k + size>>n
	}
	if negative {
		i += uint64(t.Digest.Len())
	}
	return i
}

// exactSummary are the numbers as they're printed, computed one by one.
type exactSummary struct {
	low, high      *big.Int
	avg, deviation float64
	sorted         []*big.Int
}

func exactly(xs []uint64, signed bool) exactSummary {
	var e exactSummary
	sum := new(big.Int)
	for _, x := range xs {
		n := bigOf(x, signed)
		e.sorted = append(e.sorted, n)
		sum.Add(sum, n)
	}
	slices.SortFunc(e.sorted, (*big.Int).Cmp)
	e.low, e.high = e.sorted[0], e.sorted[len(xs)-1]
	// The mean of the squares of the distances from the average.
	count := big.NewInt(int64(len(xs)))
	mean := new(big.Rat).SetFrac(sum, count)
	variance := new(big.Rat)
	for _, n := range e.sorted {
		d := new(big.Rat).Sub(new(big.Rat).SetInt(n), mean)
		variance.Add(variance, d.Mul(d, d))
	}
	variance.Quo(variance, new(big.Rat).SetInt(count))
	e.avg, _ = mean.Float64()
	v, _ := new(big.Float).SetPrec(300).SetRat(variance).Float64()
	e.deviation = math.Sqrt(v)
	return e
}

func bigOf(x uint64, signed bool) *big.Int {
	if signed {
		return big.NewInt(int64(x))
	}
	return new(big.Int).SetUint64(x)
}

// quantile is the least of the numbers that q of all aren't above of.
func (e *exactSummary) quantile(q uint64) *big.Int {
	const unit = object.QuantileUnit
	return e.sorted[max(1, (uint64(len(e.sorted))*q+unit-1)/unit)-1]
}

// check compares a summary with what's exact.
func (e *exactSummary) check(t *testing.T, v *Value, k uint8) {
	t.Helper()
	got := map[string]*Value{}
	for i, name := range v.Names {
		got[name] = &v.Elems[i]
	}
	if got["count"].Num != uint64(len(e.sorted)) || v.Num != got["count"].Num {
		t.Errorf("count %d of %d", got["count"].Num, len(e.sorted))
	}
	for name, want := range map[string]*big.Int{"min": e.low, "max": e.high} {
		if n := bigOf(got[name].Num, got[name].Kind == Int); n.Cmp(want) != 0 {
			t.Errorf("%s: got %v, want %v", name, n, want)
		}
	}
	if x := got["avg"].Float(); x != e.avg {
		t.Errorf("avg: got %v, want %v", x, e.avg)
	}
	// The test's own root of a rounded number is off by a bit.
	if x := got["stddev"].Float(); math.Abs(x-e.deviation) > e.deviation*1e-15 {
		t.Errorf("stddev: got %v, want %v", x, e.deviation)
	}
	for _, q := range summaryQuantiles {
		want := e.quantile(q.q)
		n := bigOf(got[q.name].Num, got[q.name].Kind == Int)
		// |n - want| ≤ |want| / 2^(k+1)
		off := new(big.Int).Sub(n, want)
		if off.Abs(off).Lsh(off, uint(k)+1).CmpAbs(want) > 0 {
			t.Errorf("%s: got %v, want %v within 1/%d", q.name, n, want, 2<<k)
		}
	}
}

// numbers are random ones of all magnitudes, or of a few, whose sum has 64 bits.
func numbers(r *rand.Rand, signed bool) []uint64 {
	xs := make([]uint64, 1+r.IntN(400))
	from := r.IntN(60)
	spread := 1 + r.IntN(65-from) // what is large overflows 64 bits when it's added
	for i := range xs {
		xs[i] = r.Uint64() >> (64 - from - r.IntN(spread))
		if signed && r.IntN(3) == 0 {
			xs[i] = -xs[i]
		}
	}
	return xs
}

// TestSummaryExact: of random numbers, on three CPUs, with and without keys, the count, the
// extremes, the average and the deviation are what they are, and quantiles off by less than
// documented.
func TestSummaryExact(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		typ := summaryType(uint8(1+seed%7), seed%2 == 0)
		xs := numbers(r, typ.Signed)
		const cpus = 3
		flat := make([]byte, cpus*int(typ.Size))
		buckets := map[uint64][]byte{}
		for _, x := range xs {
			cpu, i := r.IntN(cpus), bucketOf(typ, x)
			row := flat[cpu*int(typ.Size):]
			addMoments(row, x, typ.Signed)
			at := object.SummaryMoments + 8*i
			order.PutUint64(row[at:], order.Uint64(row[at:])+1)
			if buckets[i] == nil {
				buckets[i] = make([]byte, cpus*object.SummaryElement)
			}
			row = buckets[i][cpu*object.SummaryElement:]
			addMoments(row, x, typ.Signed)
			order.PutUint64(row[object.SummaryMoments:], order.Uint64(row[object.SummaryMoments:])+1)
		}
		want := exactly(xs, typ.Signed)
		v := mergeDigest(typ, flat, cpus).value()
		want.check(t, &v, typ.Digest.Bits)

		m := newMemory()
		for i, b := range buckets {
			_ = m.Update(raw(7, int(i)), b)
		}
		x := &object.Var{Name: "@x", Key: i64, Value: typ, PerCPU: true, Buckets: true, BucketOff: 8}
		s, err := decoder(m).Snapshot(x, Select{})
		if err != nil || len(s.Entries) != 1 || s.Entries[0].Key.Num != 7 {
			t.Fatalf("seed %d: %+v, %v", seed, s, err)
		}
		want.check(t, &s.Entries[0].Value, typ.Digest.Bits)
		want.checkReal(t, m, x, r.Uint64N(object.QuantileUnit+1))
		if t.Failed() {
			t.Fatalf("seed %d: %d bits, signed %v, %d numbers", seed, typ.Digest.Bits, typ.Signed, len(xs))
		}
	}
}

// checkReal compares with what's computed for %f: of key 7, and of another one.
func (e *exactSummary) checkReal(t *testing.T, m *memory, v *object.Var, q uint64) {
	t.Helper()
	d := decoder(m)
	d.Object = &object.Object{Vars: []*object.Var{v}}
	args := []object.Field{{Type: &object.Type{Kind: object.Array, Elem: u8, Len: 8, Size: 8}, Offset: 8}}
	for _, key := range []byte{7, 8} {
		rec := make([]byte, 16)
		rec[8] = key
		got := map[object.RealCode]float64{}
		for _, op := range []object.RealCode{object.RealStddev, object.RealQuantile} {
			x, err := d.Real([]object.RealOp{{Op: op, Num: q}}, args, rec)
			if err != nil {
				t.Fatal(err)
			}
			got[op] = x
		}
		want, near := e.deviation, e.quantile(q)
		if key != 7 {
			want, near = 0, new(big.Int)
		}
		if x := got[object.RealStddev]; math.Abs(x-want) > want*1e-15 {
			t.Errorf("stddev: got %v, want %v", x, want)
		}
		exact, _ := new(big.Float).SetInt(near).Float64()
		if x := got[object.RealQuantile]; math.Abs(x-exact) > math.Abs(exact)*(1/float64(int(2)<<v.Value.Digest.Bits)+1e-15) {
			t.Errorf("quantile %d: got %v, want %v", q, x, exact)
		}
	}
	if _, err := d.Real([]object.RealOp{{Op: object.RealStddev}}, args, make([]byte, 8)); err == nil {
		t.Error("a record without the key is no error")
	}
}

// TestSummaryBuckets: the ends of the buckets, and of all numbers.
func TestSummaryBuckets(t *testing.T) {
	for _, signed := range []bool{false, true} {
		typ := summaryType(5, signed)
		for _, x := range []uint64{0, 1, 31, 32, 63, 64, 65, 66, 127, 128, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
			row := make([]byte, typ.Size)
			addMoments(row, x, signed)
			order.PutUint64(row[object.SummaryMoments+8*bucketOf(typ, x):], 1)
			v := mergeDigest(typ, row, 1).value()
			want := exactly([]uint64{x}, signed)
			want.check(t, &v, 5)
			// Between two of the others, so that no extreme stands for it.
			quantiles(t, typ, x)
		}
	}
}

// quantiles checks the bucket that a number alone is in.
func quantiles(t *testing.T, typ *object.Type, x uint64) {
	t.Helper()
	d := newDigest(typ)
	d.counts[bucketOf(typ, x)] = 8
	low, high := number(0, false), number(1<<64-1, false)
	if typ.Signed {
		low, high = IntValue(math.MinInt64), IntValue(math.MaxInt64)
	}
	got := d.quantile(8, 500e6, low, high)
	off := bigOf(got.Num, typ.Signed)
	want := bigOf(x, typ.Signed)
	off.Sub(off, want)
	if off.Abs(off).Lsh(off, uint(typ.Digest.Bits)+1).CmpAbs(want) > 0 {
		t.Errorf("the middle for %v is %v", want, bigOf(got.Num, typ.Signed))
	}
}

// TestSummaryNothing: a summary of nothing, as zero() leaves it, has zeros.
func TestSummaryNothing(t *testing.T) {
	for _, signed := range []bool{false, true} {
		typ := summaryType(3, signed)
		v := mergeDigest(typ, make([]byte, 2*typ.Size), 2).value()
		for i := range v.Elems {
			if v.Elems[i].Float() != 0 {
				t.Errorf("%s is %v", v.Names[i], v.Elems[i].Float())
			}
		}
	}
}
