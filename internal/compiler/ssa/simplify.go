package ssa

import "math/bits"

// simplify folds constants and rewrites values to cheaper equal ones: one instruction by
// one, without looking at how values came to be beyond their arguments. Constants end up
// on the right of what commutes.
func simplify(f *Func, o *Options) {
	s := &simplifier{f: f, pool: newConstPool(f)}
	order := f.reversePostorder()
	for round := 0; round < maxRounds; round++ {
		s.changed = false
		for _, b := range order {
			for _, v := range b.Values {
				s.value(v)
			}
		}
		if !s.changed {
			break
		}
	}
	s.pool.flush()
	copyelim(f)
	deadcode(f, o)
}

// maxRounds bounds sweeps that mostly settle in two; a later pass goes on.
const maxRounds = 8

type simplifier struct {
	f       *Func
	pool    *constPool
	changed bool
}

// rewrites holds for an op the function that tries its rules; true if v changed.
var rewrites = [opCount]func(*simplifier, *Value) bool{
	OpAdd: (*simplifier).add, OpSub: (*simplifier).sub, OpMul: (*simplifier).mul,
	OpUDiv: (*simplifier).div, OpSDiv: (*simplifier).div, OpUMod: (*simplifier).mod, OpSMod: (*simplifier).mod,
	OpAnd: (*simplifier).and, OpOr: (*simplifier).or, OpXor: (*simplifier).xor,
	OpShl: (*simplifier).shift, OpLShr: (*simplifier).shift, OpAShr: (*simplifier).shift,
	OpNeg: (*simplifier).neg, OpNot: (*simplifier).not, OpBswap: (*simplifier).bswap,
	OpSExt8: (*simplifier).extend, OpSExt16: (*simplifier).extend, OpSExt32: (*simplifier).extend,
	OpZExt8: (*simplifier).extend, OpZExt16: (*simplifier).extend, OpZExt32: (*simplifier).extend,
	OpTrunc: (*simplifier).trunc,
	OpEq:    (*simplifier).equality, OpNe: (*simplifier).equality,
	OpULt: (*simplifier).order, OpULe: (*simplifier).order, OpSLt: (*simplifier).order, OpSLe: (*simplifier).order,
	OpSelect: (*simplifier).selection,
	OpOffset: (*simplifier).offset,
	OpLoad:   (*simplifier).address, OpStore: (*simplifier).store,
	OpAtomicAdd: (*simplifier).address, OpAtomicFetchAdd: (*simplifier).address,
}

func (s *simplifier) value(v *Value) {
	for i, a := range v.Args {
		if c := source(a); c != a {
			v.SetArg(i, c)
		}
	}
	for n := 0; n < 8; n++ { // a rewrite may open the way to another
		fn := rewrites[v.Op]
		if !s.fold(v) && (fn == nil || !fn(s, v)) {
			return
		}
		s.changed = true
	}
}

// fold computes v if its arguments are constants, and puts a constant to the right.
func (s *simplifier) fold(v *Value) bool {
	switch len(v.Args) {
	case 1:
		a, ok := v.Args[0].isConst()
		if !ok {
			return false
		}
		if n, ok := evalUnary(v.Op, v.Type, v.Args[0].Type, a, v.AuxInt); ok {
			v.constant(n)
			return true
		}
	case 2:
		a, ok1 := v.Args[0].isConst()
		b, ok2 := v.Args[1].isConst()
		if ok1 && !ok2 && v.Op.Info().Commutes && v.Args[0].Type == v.Args[1].Type {
			v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
			return true
		}
		if !ok1 || !ok2 || v.Type == Void || v.Type == Ptr {
			return false
		}
		if n, ok := evalBinary(v.Op, v.Type, a, b); ok {
			v.constant(n)
			return true
		}
		if is, ok := evalCompare(v.Op, a, b); ok {
			v.constant(b2i(is))
			return true
		}
	}
	return false
}

// right is v's right argument, if it's a constant.
func right(v *Value) (int64, bool) { return v.Args[1].isConst() }

func (s *simplifier) copy(v, a *Value) bool {
	v.copyOf(a)
	return true
}

func (s *simplifier) constant(v *Value, n int64) bool {
	v.constant(n)
	return true
}

// with turns v into op of a and the constant n of a's type.
func (s *simplifier) with(v *Value, op Op, a *Value, n int64) bool {
	v.become(op, a, s.pool.get(a.Type, n))
	return true
}

// nested tells whether v is op(op(x, c1), c2).
func nested(v *Value, op Op) (x *Value, c1, c2 int64, ok bool) {
	a := v.Args[0]
	c2, ok = right(v)
	if !ok || a.Op != op {
		return nil, 0, 0, false
	}
	c1, ok = right(a)
	return a.Args[0], c1, c2, ok
}

func (s *simplifier) add(v *Value) bool {
	c, ok := right(v)
	if v.Type == Ptr {
		if !ok || int64(int32(c)) != c {
			return false
		}
		v.become(OpOffset, v.Args[0])
		v.AuxInt = c
		return true
	}
	if ok && c == 0 {
		return s.copy(v, v.Args[0])
	}
	if x, c1, c2, ok := nested(v, OpAdd); ok && x.Type == v.Type {
		return s.with(v, OpAdd, x, c1+c2)
	}
	if n := v.Args[1]; n.Op == OpNeg {
		v.become(OpSub, v.Args[0], n.Args[0])
		return true
	}
	return false
}

func (s *simplifier) sub(v *Value) bool {
	a, b := v.Args[0], v.Args[1]
	if a == b {
		return s.constant(v, 0)
	}
	if c, ok := right(v); ok && b.Type != Ptr {
		if v.Type == Ptr {
			v.become(OpAdd, a, s.pool.get(I64, -c))
			return true
		}
		return s.with(v, OpAdd, a, -c)
	}
	if c, ok := a.isConst(); ok && c == 0 && v.Type == b.Type {
		v.become(OpNeg, b)
		return true
	}
	if b.Op == OpNeg && v.Type != Ptr {
		v.become(OpAdd, a, b.Args[0])
		return true
	}
	return false
}

// log2 is the power of two that c is as an unsigned number of type t.
func log2(t Type, c int64) (int64, bool) {
	u := uint64(c)
	if t == I32 {
		u = uint64(uint32(c))
	}
	return int64(bits.TrailingZeros64(u)), bits.OnesCount64(u) == 1
}

func (s *simplifier) mul(v *Value) bool {
	c, ok := right(v)
	if !ok {
		return false
	}
	a := v.Args[0]
	switch {
	case c == 0:
		return s.constant(v, 0)
	case c == 1:
		return s.copy(v, a)
	case c == -1:
		v.become(OpNeg, a)
		return true
	}
	if n, ok := log2(v.Type, c); ok {
		return s.with(v, OpShl, a, n)
	}
	if x, c1, c2, ok := nested(v, OpMul); ok {
		return s.with(v, OpMul, x, c1*c2)
	}
	return false
}

func (s *simplifier) div(v *Value) bool {
	c, ok := right(v)
	if !ok {
		return false
	}
	a := v.Args[0]
	switch {
	case c == 0:
		return s.constant(v, 0)
	case c == 1:
		return s.copy(v, a)
	case c == -1 && v.Op == OpSDiv:
		v.become(OpNeg, a)
		return true
	}
	if n, ok := log2(v.Type, c); ok && v.Op == OpUDiv {
		return s.with(v, OpLShr, a, n)
	}
	return false
}

func (s *simplifier) mod(v *Value) bool {
	c, ok := right(v)
	if !ok {
		return false
	}
	switch {
	case c == 0:
		return s.copy(v, v.Args[0])
	case c == 1, c == -1 && v.Op == OpSMod:
		return s.constant(v, 0)
	}
	if _, ok := log2(v.Type, c); ok && v.Op == OpUMod {
		return s.with(v, OpAnd, v.Args[0], c-1)
	}
	return false
}

// bounded simplifies an operation that returns its operand when both are the same or the
// other is its identity, and absorbs when the other is that.
func (s *simplifier) bounded(v *Value, identity, absorbs int64) bool {
	c, ok := right(v)
	switch {
	case v.Args[0] == v.Args[1], ok && c == identity:
		return s.copy(v, v.Args[0])
	case ok && c == absorbs:
		return s.constant(v, c)
	}
	return false
}

func (s *simplifier) and(v *Value) bool {
	if s.bounded(v, canon(v.Type, -1), 0) {
		return true
	}
	if c, ok := right(v); ok && c == 1<<32-1 {
		v.become(OpZExt32, v.Args[0])
		return true
	}
	if x, c1, c2, ok := nested(v, OpAnd); ok {
		return s.with(v, OpAnd, x, c1&c2)
	}
	return false
}

func (s *simplifier) or(v *Value) bool {
	if s.bounded(v, 0, canon(v.Type, -1)) {
		return true
	}
	if x, c1, c2, ok := nested(v, OpOr); ok {
		return s.with(v, OpOr, x, c1|c2)
	}
	return false
}

func (s *simplifier) xor(v *Value) bool {
	a := v.Args[0]
	if a == v.Args[1] {
		return s.constant(v, 0)
	}
	c, ok := right(v)
	switch {
	case !ok:
		return false
	case c == 0:
		return s.copy(v, a)
	case v.Type == Bool:
		return invertCompare(v, a)
	case c == -1:
		v.become(OpNot, a)
		return true
	}
	if x, c1, c2, ok := nested(v, OpXor); ok {
		return s.with(v, OpXor, x, c1^c2)
	}
	return false
}

// shift puts counts in range and joins shifts of one kind.
func (s *simplifier) shift(v *Value) bool {
	a := v.Args[0]
	if c, ok := a.isConst(); ok && c == 0 {
		return s.constant(v, 0)
	}
	c, ok := right(v)
	if !ok {
		return false
	}
	width := int64(64)
	if v.Type == I32 {
		width = 32
	}
	if c&(width-1) != c {
		return s.count(v, v.Op, a, v.Args[1].Type, c&(width-1))
	}
	if c == 0 {
		return s.copy(v, a)
	}
	x, c1, c2, ok := nested(v, v.Op)
	c1 &= width - 1
	switch {
	case !ok:
	case c1+c2 < width:
		return s.count(v, v.Op, x, v.Args[1].Type, c1+c2)
	case v.Op == OpAShr:
		return s.count(v, v.Op, x, v.Args[1].Type, width-1)
	default:
		return s.constant(v, 0)
	}
	return s.shiftPair(v, width)
}

// shiftPair makes a mask or an extension of a shift there and back.
func (s *simplifier) shiftPair(v *Value, width int64) bool {
	if v.Op == OpShl {
		return false
	}
	x, c1, c2, ok := nested(v, OpShl)
	if !ok || c1 != c2 {
		return false
	}
	n := width - c1
	if v.Op == OpLShr && n <= 32 { // a wider mask is no immediate
		return s.with(v, OpAnd, x, 1<<n-1)
	}
	if v.Op == OpAShr && (n == 8 || n == 16 || n == 32) {
		v.become(extension(uint8(n/8), true), x)
		return true
	}
	return false
}

// count turns v into the shift op of a by n, a constant of type t.
func (s *simplifier) count(v *Value, op Op, a *Value, t Type, n int64) bool {
	v.become(op, a, s.pool.get(t, n))
	return true
}

func (s *simplifier) neg(v *Value) bool {
	switch a := v.Args[0]; {
	case a.Op == OpNeg:
		return s.copy(v, a.Args[0])
	case a.Op == OpSub && a.Args[0].Type == v.Type:
		v.become(OpSub, a.Args[1], a.Args[0])
		return true
	}
	return false
}

func (s *simplifier) not(v *Value) bool {
	if a := v.Args[0]; a.Op == OpNot {
		return s.copy(v, a.Args[0])
	}
	return false
}

func (s *simplifier) bswap(v *Value) bool {
	if a := v.Args[0]; a.Op == OpBswap && a.AuxInt == v.AuxInt && v.AuxInt == 64 {
		return s.copy(v, a.Args[0])
	}
	return false
}
