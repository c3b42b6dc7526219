package event

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// fraction is a number that the tests compute by themselves.
type fraction struct{ num, den *big.Int }

func (f fraction) op(code object.RealCode, g fraction) fraction {
	mul := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	switch code {
	case object.RealAdd:
		return fraction{mul(f.num, g.den).Add(mul(f.num, g.den), mul(g.num, f.den)), mul(f.den, g.den)}
	case object.RealSub:
		return fraction{mul(f.num, g.den).Sub(mul(f.num, g.den), mul(g.num, f.den)), mul(f.den, g.den)}
	case object.RealMul:
		return fraction{mul(f.num, g.num), mul(f.den, g.den)}
	}
	return fraction{mul(f.num, g.den), mul(f.den, g.num)}
}

// distance is |f - x| for a finite x.
func (f fraction) distance(x float64) *big.Rat {
	r := new(big.Rat).SetFrac(f.num, f.den)
	r.Sub(r, new(big.Rat).SetFloat64(x))
	return r.Abs(r)
}

// nearest reports whether no float64 is nearer to f than x.
func nearest(f fraction, x float64) bool {
	d := f.distance(x)
	for _, to := range []float64{math.Inf(1), math.Inf(-1)} {
		if y := math.Nextafter(x, to); !math.IsInf(y, 0) && f.distance(y).Cmp(d) < 0 {
			return false
		}
	}
	return true
}

// realTree makes a random expression of n operations with its value; den 0: it has none.
type realTree struct {
	r   *rand.Rand
	ops []object.RealOp
	rec []byte
	arg []object.Field
}

func (g *realTree) make(n int) fraction {
	if n == 0 {
		return g.leaf()
	}
	left := g.r.IntN(n)
	x, y := g.make(left), g.make(n-1-left)
	code := object.RealAdd + object.RealCode(g.r.IntN(4))
	g.ops = append(g.ops, object.RealOp{Op: code})
	return x.op(code, y)
}

func (g *realTree) leaf() fraction {
	n := g.r.Uint64() >> g.r.IntN(64)
	signed := g.r.IntN(2) == 0
	if signed && g.r.IntN(2) == 0 {
		n = -n
	}
	num := new(big.Int).SetUint64(n)
	if signed {
		num.SetInt64(int64(n))
	}
	if g.r.IntN(3) == 0 {
		g.ops = append(g.ops, object.RealOp{Op: object.RealConst, Num: n, Signed: signed})
	} else {
		g.ops = append(g.ops, object.RealOp{Op: object.RealArg, Arg: len(g.arg)})
		g.arg = append(g.arg, object.Field{Offset: uint32(len(g.rec)), Type: &object.Type{Kind: object.Int, Size: 8, Signed: signed}})
		g.rec = order.AppendUint64(g.rec, n)
	}
	return fraction{num, big.NewInt(1)}
}

// TestRealNearest: the result is the float64 nearest to the exact one, whatever's computed.
func TestRealNearest(t *testing.T) {
	d := &Decoder{}
	done := 0
	for seed := range uint64(4000) {
		g := &realTree{r: rand.New(rand.NewPCG(seed, 1))}
		n := g.r.IntN(6)
		if n == 5 {
			n = 1 // quotients of two are what's mostly asked for
		}
		want := g.make(n)
		got, err := d.Real(g.ops, g.arg, g.rec)
		if err != nil {
			t.Fatal(err)
		}
		if want.den.Sign() == 0 {
			continue // 1/0, or 0 × 1/0
		}
		if math.IsInf(got, 0) || math.IsNaN(got) || !nearest(want, got) {
			t.Fatalf("seed %d: %v gives %v, not %v/%v", seed, g.ops, got, want.num, want.den)
		}
		done++
	}
	if done < 3500 {
		t.Errorf("only %d of the expressions had a value", done)
	}
}

func TestRealSpecial(t *testing.T) {
	c := func(n int64) object.RealOp { return object.RealOp{Op: object.RealConst, Num: uint64(n), Signed: true} }
	op := func(code object.RealCode) object.RealOp { return object.RealOp{Op: code} }
	double := object.RealOp{Op: object.RealFloat, Arg: 0}
	single := object.RealOp{Op: object.RealFloat, Arg: 1}
	args := []object.Field{{Type: &object.Type{Kind: object.Int, Size: 8}}, {Offset: 8, Type: &object.Type{Kind: object.Int, Size: 4}}}
	rec := order.AppendUint32(order.AppendUint64(nil, math.Float64bits(0.1)), math.Float32bits(-2.5))
	tests := []struct {
		name string
		ops  []object.RealOp
		want float64
	}{
		{"1/0", []object.RealOp{c(1), c(0), op(object.RealDiv)}, math.Inf(1)},
		{"-1/0 + 1", []object.RealOp{c(-1), c(0), op(object.RealDiv), c(1), op(object.RealAdd)}, math.Inf(-1)},
		{"0/0", []object.RealOp{c(0), c(0), op(object.RealDiv)}, math.NaN()},
		{"(2^53+1)/0", []object.RealOp{c(1<<53 + 1), c(0), op(object.RealDiv)}, math.Inf(1)},
		{"average of nothing", []object.RealOp{c(0), c(0), op(object.RealAvg)}, 0},
		{"average", []object.RealOp{c(-7), c(2), op(object.RealAvg)}, -3.5},
		{"1 ? 7/2 : 0/0", []object.RealOp{c(1), c(7), c(2), op(object.RealDiv), c(0), c(0), op(object.RealDiv), op(object.RealSelect)}, 3.5},
		{"0 ? 0/0 : -(7/2)", []object.RealOp{c(0), c(0), c(0), op(object.RealDiv), c(7), c(2), op(object.RealDiv), op(object.RealNeg), op(object.RealSelect)}, -3.5},
		{"0 ? 1 : 0/0", []object.RealOp{c(0), c(1), c(0), c(0), op(object.RealDiv), op(object.RealSelect)}, math.NaN()},
		{"double", []object.RealOp{double}, 0.1},
		{"double * 3", []object.RealOp{double, c(3), op(object.RealMul)}, 0.30000000000000004},
		{"float", []object.RealOp{single}, -2.5},
	}
	for _, tt := range tests {
		got, err := (&Decoder{}).Real(tt.ops, args, rec)
		if err != nil || got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s: got %v, want %v; %v", tt.name, got, tt.want, err)
		}
	}
}
