package event

import (
	"fmt"
	"math"
	"math/big"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Real computes a real number from a record's arguments: exactly, and rounded once to the
// nearest float64. A division by zero gives what IEEE 754 says: an infinity or NaN.
func (d *Decoder) Real(ops []object.RealOp, args []object.Field, rec []byte) (float64, error) {
	var space [4]realNum
	nums, simple := space[:0], true
	for i := range ops {
		n, push, err := d.realOperand(&ops[i], args, rec)
		if err != nil {
			return 0, err
		}
		if push {
			nums = append(nums, n)
			simple = simple && !n.float
		}
	}
	if simple {
		switch {
		case len(ops) == 1:
			return nums[0].float64(), nil
		case len(ops) == 3 && ops[2].Op == object.RealDiv:
			return quotient(nums[0], nums[1]), nil
		}
	}
	return compute(ops, nums), nil
}

// realNum is an operand: an integer, or the bits of a float64.
type realNum struct {
	num    uint64
	signed bool
	float  bool
}

func (d *Decoder) realOperand(op *object.RealOp, args []object.Field, rec []byte) (n realNum, push bool, err error) {
	var v Value
	switch op.Op {
	case object.RealConst:
		return realNum{num: op.Num, signed: op.Signed}, true, nil
	case object.RealArg:
		err = d.ReadArg(&v, &args[op.Arg], rec)
		return realNum{num: v.Num, signed: v.Kind == Int}, true, err
	case object.RealQuantile, object.RealStddev:
		n, err = d.statistic(op, args, rec)
		return n, true, err
	case object.RealFloat:
		err = d.ReadArg(&v, &args[op.Arg], rec)
		if args[op.Arg].Type.Size == 4 {
			v.Num = math.Float64bits(float64(math.Float32frombits(uint32(v.Num))))
		}
		return realNum{num: v.Num, float: true}, true, err
	}
	return n, false, nil
}

// statistic is a number that a summary has now, when it's printed.
func (d *Decoder) statistic(op *object.RealOp, args []object.Field, rec []byte) (n realNum, err error) {
	v := d.Object.Vars[op.Var]
	var key []byte
	if op.Arg >= 0 {
		off, end := args[op.Arg].Offset, args[op.Arg].Offset+args[op.Arg].Type.Bytes()
		if uint64(end) > uint64(len(rec)) {
			return n, fmt.Errorf("read record: key of %s ends at %d of %d bytes", v.Name, end, len(rec))
		}
		key = rec[off:end]
	}
	g, err := d.summary(v, key)
	if err != nil {
		return n, fmt.Errorf("read map %s: %w", v.Name, err)
	}
	count, low, high := g.ends()
	if op.Op == object.RealStddev {
		return realNum{num: math.Float64bits(g.deviation(count)), float: true}, nil
	}
	q := g.quantile(count, op.Num, low, high)
	return realNum{num: q.Num, signed: q.Kind == Int}, nil
}

// float64 is the nearest float64.
func (n realNum) float64() float64 {
	switch {
	case n.float:
		return math.Float64frombits(n.num)
	case n.signed:
		return float64(int64(n.num))
	}
	return float64(n.num)
}

// exact reports whether float64 is the number itself.
func (n realNum) exact() bool {
	const most = 1 << 53
	if n.signed {
		return int64(n.num) <= most && int64(n.num) >= -most
	}
	return n.num <= most
}

// rat is the number exactly; NaN and the infinities have none.
func (n realNum) rat() (*big.Rat, bool) {
	switch {
	case n.float:
		r := new(big.Rat).SetFloat64(n.float64())
		return r, r != nil
	case n.signed:
		return new(big.Rat).SetInt64(int64(n.num)), true
	}
	return new(big.Rat).SetUint64(n.num), true
}

// quotient is the float64 nearest to a / b. IEEE 754 rounds correctly what it divides; so
// numbers that it holds exactly need nothing else.
func quotient(a, b realNum) float64 {
	if a.exact() && b.exact() || b.num == 0 {
		return a.float64() / b.float64()
	}
	x, _ := a.rat()
	y, _ := b.rat()
	f, _ := x.Quo(x, y).Float64()
	return f
}

// compute does ops with the operands nums, which stand in the order in which they're pushed.
func compute(ops []object.RealOp, nums []realNum) float64 {
	if r := computeRat(ops, nums); r != nil {
		f, _ := r.Float64()
		return f
	}
	return computeFloat(ops, nums)
}

// computeRat computes exactly, or gives nil where a result is no rational number.
func computeRat(ops []object.RealOp, nums []realNum) *big.Rat {
	var s []*big.Rat // nil: no number, which only a RealSelect may drop
	pop := func() *big.Rat {
		r := s[len(s)-1]
		s = s[:len(s)-1]
		return r
	}
	for i := range ops {
		switch op := ops[i].Op; op {
		case object.RealArg, object.RealFloat, object.RealConst, object.RealQuantile, object.RealStddev:
			r, _ := nums[0].rat()
			nums = nums[1:]
			s = append(s, r)
		case object.RealNeg:
			if x := pop(); x != nil {
				s = append(s, x.Neg(x))
			} else {
				s = append(s, nil)
			}
		case object.RealSelect:
			b, a, cond := pop(), pop(), pop()
			if cond.Sign() != 0 {
				b = a
			}
			s = append(s, b)
		default:
			y, x := pop(), pop()
			s = append(s, ratOp(op, x, y))
		}
	}
	return s[0]
}

func ratOp(op object.RealCode, x, y *big.Rat) *big.Rat {
	switch {
	case x == nil || y == nil:
		return nil
	case op == object.RealAdd:
		return x.Add(x, y)
	case op == object.RealSub:
		return x.Sub(x, y)
	case op == object.RealMul:
		return x.Mul(x, y)
	case y.Sign() != 0:
		return x.Quo(x, y)
	case op == object.RealAvg:
		return y // 0
	}
	return nil
}

// computeFloat computes as IEEE 754 does, when there's an infinity or NaN in it.
func computeFloat(ops []object.RealOp, nums []realNum) float64 {
	var s []float64
	pop := func() float64 {
		f := s[len(s)-1]
		s = s[:len(s)-1]
		return f
	}
	for i := range ops {
		switch op := ops[i].Op; op {
		case object.RealArg, object.RealFloat, object.RealConst, object.RealQuantile, object.RealStddev:
			s = append(s, nums[0].float64())
			nums = nums[1:]
		case object.RealNeg:
			s = append(s, -pop())
		case object.RealSelect:
			b, a, cond := pop(), pop(), pop()
			if cond != 0 {
				b = a
			}
			s = append(s, b)
		default:
			y, x := pop(), pop()
			s = append(s, floatOp(op, x, y))
		}
	}
	return s[0]
}

func floatOp(op object.RealCode, x, y float64) float64 {
	switch {
	case op == object.RealAdd:
		return x + y
	case op == object.RealSub:
		return x - y
	case op == object.RealMul:
		return x * y
	case op == object.RealAvg && y == 0:
		return 0
	}
	return x / y
}
