package ssa

import "math/bits"

// evalBinary is what a BPF machine computes for op on operands of type t, in the form
// that canon gives constants; false if op isn't such an operation. RFC 9669: division
// by zero gives 0, modulo zero the dividend, shift counts are masked, and the quotient
// of the smallest number and -1 wraps around.
func evalBinary(op Op, t Type, a, b int64) (int64, bool) {
	if t == I32 {
		n, ok := evalBinary32(op, int32(a), int32(b))
		return int64(n), ok
	}
	switch op {
	case OpAdd:
		return a + b, true
	case OpSub:
		return a - b, true
	case OpMul:
		return a * b, true
	case OpUDiv:
		if b == 0 {
			return 0, true
		}
		return int64(uint64(a) / uint64(b)), true
	case OpUMod:
		if b == 0 {
			return a, true
		}
		return int64(uint64(a) % uint64(b)), true
	case OpSDiv:
		if b == 0 {
			return 0, true
		}
		return a / b, true // Go wraps MinInt64 / -1 as BPF does
	case OpSMod:
		if b == 0 {
			return a, true
		}
		return a % b, true
	case OpAnd:
		return a & b, true
	case OpOr:
		return a | b, true
	case OpXor:
		return a ^ b, true
	case OpShl:
		return a << (b & 63), true
	case OpLShr:
		return int64(uint64(a) >> (b & 63)), true
	case OpAShr:
		return a >> (b & 63), true
	}
	return 0, false
}

func evalBinary32(op Op, a, b int32) (int32, bool) {
	switch op {
	case OpUDiv, OpUMod:
		n, _ := evalBinary(op, I64, int64(uint32(a)), int64(uint32(b)))
		return int32(n), true
	case OpShl:
		return a << (b & 31), true
	case OpLShr:
		return int32(uint32(a) >> (b & 31)), true
	case OpAShr:
		return a >> (b & 31), true
	}
	n, ok := evalBinary(op, I64, int64(a), int64(b))
	return int32(n), ok
}

// evalCompare is the outcome of a comparison of canonical constants of one type; a Ptr
// is compared as an I64, and sign extension keeps the order of unsigned I32.
func evalCompare(op Op, a, b int64) (bool, bool) {
	switch op {
	case OpEq:
		return a == b, true
	case OpNe:
		return a != b, true
	case OpULt:
		return uint64(a) < uint64(b), true
	case OpULe:
		return uint64(a) <= uint64(b), true
	case OpSLt:
		return a < b, true
	case OpSLe:
		return a <= b, true
	}
	return false, false
}

// evalUnary is op of a canonical constant of type from, to type t. size is OpBswap's AuxInt.
func evalUnary(op Op, t, from Type, a, size int64) (int64, bool) {
	switch op {
	case OpNeg:
		a = -a
	case OpNot:
		a = ^a
	case OpSExt8:
		a = int64(int8(a))
	case OpSExt16:
		a = int64(int16(a))
	case OpSExt32:
		a = int64(int32(a))
	case OpZExt8:
		a = int64(uint8(a))
	case OpZExt16:
		a = int64(uint16(a))
	case OpZExt32:
		a = int64(uint32(a))
	case OpTrunc:
	case OpBswap:
		a = int64(bits.ReverseBytes64(uint64(a)) >> (64 - size))
	default:
		return 0, false
	}
	return canon(t, a), true
}
