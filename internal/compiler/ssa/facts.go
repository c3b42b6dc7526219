package ssa

import "math/bits"

// fact is what is known of the 64 bits of the register that holds an integer.
type fact struct {
	// zero has the bits that are known to be zero, by means that the verifier has too:
	// what it leads to may be dropped without the verifier losing a bound.
	zero uint64
	// max is an upper bound, by any means. The verifier knows no bound of a quotient
	// or remainder.
	max uint64
	// sign: of its type's width, the value is the sign extension of its low sign bits.
	sign uint8
}

// width is the number of bits of an integer type.
func width(t Type) uint8 {
	switch t {
	case Bool:
		return 2 // as a signed number
	case I32:
		return 32
	}
	return 64
}

const upper32 = 0xffffffff_00000000

// unknown is the fact of any value of type t.
func unknown(t Type) fact {
	switch t {
	case Bool:
		return fact{^uint64(1), 1, 2}
	case I32:
		return fact{upper32, 1<<32 - 1, 32}
	}
	return fact{0, ^uint64(0), 64}
}

// below is the fact of a value of type t that is at most n by the verifier's means.
func below(t Type, n uint64) fact {
	return fact{^uint64(0) << bits.Len64(n), n, 64}.tidy(t)
}

// tidy lets the parts of x, a fact of a value of type t, learn from each other.
func (x fact) tidy(t Type) fact {
	u := unknown(t)
	x.zero |= u.zero
	x.max = min(x.max, ^x.zero, u.max)
	x.sign = min(x.sign, u.sign, uint8(bits.Len64(x.max))+1)
	return x
}

// bound is the largest value by the verifier's means.
func (x fact) bound() uint64 { return ^x.zero }

// nonNegative reports whether a value of type t with fact x has its sign bit clear.
func (x fact) nonNegative(t Type) bool { return x.max>>(width(t)-1) == 0 }

// meet is what is known of a value that has fact x or y.
func (x fact) meet(y fact) fact {
	return fact{x.zero & y.zero, max(x.max, y.max), max(x.sign, y.sign)}
}

// factOf computes v's fact from those of its arguments.
func factOf(v *Value, arg func(i int) fact) fact {
	u := unknown(v.Type)
	switch v.Op {
	case OpConst:
		n := uint64(v.AuxInt)
		if v.Type == I32 {
			n = uint64(uint32(n))
		}
		x := fact{^n, n, uint8(bits.Len64(uint64(v.AuxInt^v.AuxInt>>63))) + 1}
		return x.tidy(v.Type)
	case OpLoad:
		return loadFact(v)
	case OpCopy:
		if v.Args[0].Type == v.Type {
			return arg(0)
		}
	case OpSelect:
		return arg(1).meet(arg(2))
	case OpAnd:
		x, y := arg(0), arg(1)
		return fact{x.zero | y.zero, min(x.max, y.max), max(x.sign, y.sign)}.tidy(v.Type)
	case OpOr, OpXor:
		x, y := arg(0), arg(1)
		return fact{x.zero & y.zero, 1<<bits.Len64(x.max|y.max) - 1, max(x.sign, y.sign)}.tidy(v.Type)
	case OpAdd, OpSub, OpMul, OpUDiv, OpUMod:
		if isInt(v.Type) && v.Args[0].Type == v.Type {
			return arithFact(v, arg(0), arg(1)).tidy(v.Type)
		}
	case OpShl, OpLShr, OpAShr:
		if n, ok := right(v); ok && v.Type != Bool {
			return shiftFact(v, arg(0), uint8(n)&(width(v.Type)-1)).tidy(v.Type)
		}
	case OpTrunc:
		x := arg(0)
		if x.max >= 1<<32 {
			x.max = 1<<32 - 1
		}
		return x.tidy(I32)
	case OpBswap:
		return below(v.Type, ^uint64(0)>>(64-v.AuxInt))
	}
	if n, signed := extendBits(v.Op); n > 0 {
		return extendFact(v, arg(0), uint8(n), signed)
	}
	return u
}

func loadFact(v *Value) fact {
	m := v.Aux.(Mem)
	if m.Signed || v.Type == Bool || v.Type == Ptr {
		x := unknown(v.Type)
		if isInt(v.Type) {
			x.sign = min(x.sign, 8*m.Size)
		}
		return x
	}
	return below(v.Type, ^uint64(0)>>(64-8*m.Size))
}

func arithFact(v *Value, x, y fact) fact {
	u := unknown(v.Type)
	limit := u.max
	switch v.Op {
	case OpAdd:
		u.sign = max(x.sign, y.sign) + 1
		if sum, carry := bits.Add64(x.bound(), y.bound(), 0); carry == 0 && sum <= limit {
			u.zero = below(v.Type, sum).zero
		}
		if sum, carry := bits.Add64(x.max, y.max, 0); carry == 0 && sum <= limit {
			u.max = sum
		}
		u.zero |= 1<<min(bits.TrailingZeros64(^x.zero), bits.TrailingZeros64(^y.zero)) - 1
	case OpSub:
		u.sign = max(x.sign, y.sign) + 1
	case OpMul:
		if hi, lo := bits.Mul64(x.bound(), y.bound()); hi == 0 && lo <= limit {
			u.zero = below(v.Type, lo).zero
		}
		if hi, lo := bits.Mul64(x.max, y.max); hi == 0 && lo <= limit {
			u.max = lo
		}
	case OpUDiv:
		u.max = x.max
		if c, ok := right(v); ok && c != 0 {
			u.max = x.max / uint64(constBits(v.Type, c))
		}
	case OpUMod:
		u.max = x.max // also when the divisor is 0
		if c, ok := right(v); ok && c != 0 {
			u.max = min(u.max, constBits(v.Type, c)-1)
		}
	}
	return u
}

// constBits is the register's content for the canonical constant n of type t.
func constBits(t Type, n int64) uint64 {
	if t == I32 {
		return uint64(uint32(n))
	}
	return uint64(n)
}

func shiftFact(v *Value, x fact, n uint8) fact {
	u := unknown(v.Type)
	w := width(v.Type)
	switch {
	case v.Op == OpShl:
		u.zero = x.zero<<n | 1<<n - 1
		if v.Type == I32 {
			u.zero |= upper32
		}
		if x.max <= u.max>>n {
			u.max = x.max << n
		}
		u.sign = min(x.sign+n, w)
	case v.Op == OpLShr || x.zero>>(w-1)&1 != 0:
		u.zero = x.zero>>n | ^(^uint64(0) >> n)
		if v.Type == I32 {
			u.zero |= ^(uint64(1<<32-1) >> n)
		}
		u.max = x.max >> n
	case x.sign > n:
		u.sign = x.sign - n
	default:
		u.sign = 1
	}
	return u
}

func extendFact(v *Value, x fact, n uint8, signed bool) fact {
	mask := uint64(1)<<n - 1
	if !signed || x.zero>>(n-1)&1 != 0 {
		y := fact{x.zero | ^mask, mask, 64}
		if x.max <= mask {
			y.max = x.max
		}
		return y.tidy(v.Type)
	}
	y := unknown(v.Type)
	y.sign = min(y.sign, n)
	if w := width(v.Args[0].Type); x.sign < n && n <= w {
		y.sign = x.sign
	}
	if x.max < 1<<(n-1) {
		y.max = x.max
	}
	return y.tidy(v.Type)
}
