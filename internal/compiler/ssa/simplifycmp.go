package ssa

// extendBits is the width that an extension keeps, and whether it's by sign; 0: op is none.
func extendBits(op Op) (n int, signed bool) {
	switch op {
	case OpSExt8, OpZExt8:
		n = 8
	case OpSExt16, OpZExt16:
		n = 16
	case OpSExt32, OpZExt32:
		n = 32
	}
	return n, op <= OpSExt32
}

// extend joins an extension with the one below it.
func (s *simplifier) extend(v *Value) bool {
	a := v.Args[0]
	n, signed := extendBits(v.Op)
	if a.Type == Bool && signed {
		v.become(OpZExt8, a) // n ≥ 8: the sign bit is zero
		return true
	}
	if n == 32 && v.Type == I32 {
		if a.Type == I32 {
			return s.copy(v, a)
		}
		if a.Type == I64 {
			v.become(OpTrunc, a)
			return true
		}
	}
	if a.Op == OpTrunc {
		if v.Op == OpZExt32 && a.Uses > 1 {
			return false // it's the same register, whose bounds a comparison of the half may have shown
		}
		v.become(v.Op, a.Args[0])
		return true
	}
	m, inner := extendBits(a.Op)
	switch {
	case m == 0:
	case n <= m:
		v.become(v.Op, a.Args[0])
		return true
	case inner == signed, !inner:
		// A wider extension of a zero extension leaves it as it is; of one by the same
		// sign too. Only the zero extension of a signed one changes something.
		v.become(a.Op, a.Args[0])
		return true
	}
	return false
}

func (s *simplifier) trunc(v *Value) bool {
	a := v.Args[0]
	n, _ := extendBits(a.Op)
	switch x := a.Args; {
	case n == 0:
	case n == 32 && x[0].Type == I32:
		return s.copy(v, x[0])
	case n == 32 && x[0].Type == I64:
		v.become(OpTrunc, x[0])
		return true
	default:
		v.become(a.Op, x[0])
		return true
	}
	return false
}

// isCompare reports whether op gives a Bool from two values of a type.
func isCompare(op Op) bool { return OpEq <= op && op <= OpSLe }

// invertCompare turns v into the opposite of x, if x is a comparison.
func invertCompare(v, x *Value) bool {
	switch x.Op {
	case OpEq:
		v.become(OpNe, x.Args...)
	case OpNe:
		v.become(OpEq, x.Args...)
	case OpULt:
		v.become(OpULe, x.Args[1], x.Args[0])
	case OpULe:
		v.become(OpULt, x.Args[1], x.Args[0])
	case OpSLt:
		v.become(OpSLe, x.Args[1], x.Args[0])
	case OpSLe:
		v.become(OpSLt, x.Args[1], x.Args[0])
	case OpXor:
		if c, ok := right(x); !ok || c != 1 || x.Type != Bool {
			return false
		}
		v.copyOf(x.Args[0])
	default:
		return false
	}
	return true
}

// invert turns v, a Bool, into the opposite of the Bool x.
func (s *simplifier) invert(v, x *Value) bool {
	if !invertCompare(v, x) {
		v.become(OpXor, x, s.pool.get(Bool, 1))
	}
	return true
}

func (s *simplifier) equality(v *Value) bool {
	a, b := v.Args[0], v.Args[1]
	if a == b {
		return s.constant(v, b2i(v.Op == OpEq))
	}
	c, ok := right(v)
	if !ok {
		return false
	}
	if a.Type == Bool {
		if (v.Op == OpEq) == (c == 1) {
			return s.copy(v, a)
		}
		return s.invert(v, a)
	}
	if a.Type == Ptr {
		return false
	}
	switch {
	case a.Op == OpAdd && a.Args[0].Type == a.Type:
		if c1, ok := right(a); ok {
			return s.with(v, v.Op, a.Args[0], c-c1)
		}
	case (a.Op == OpSub || a.Op == OpXor) && c == 0 && a.Args[0].Type == a.Args[1].Type:
		v.become(v.Op, a.Args...)
		return true
	case a.Op == OpSelect:
		return s.selectEquality(v, a, c)
	}
	if n, signed := extendBits(a.Op); n > 0 && !signed && a.Args[0].Type == Bool {
		if c != 0 && c != 1 {
			return s.constant(v, b2i(v.Op == OpNe))
		}
		return s.with(v, v.Op, a.Args[0], c)
	}
	return false
}

// selectEquality compares a choice between two constants with a third.
func (s *simplifier) selectEquality(v, sel *Value, c int64) bool {
	x, ok1 := sel.Args[1].isConst()
	y, ok2 := sel.Args[2].isConst()
	cond := sel.Args[0]
	if !ok1 || !ok2 || cond.Type != Bool {
		return false
	}
	yes, no := (x == c) == (v.Op == OpEq), (y == c) == (v.Op == OpEq)
	switch {
	case yes == no:
		return s.constant(v, b2i(yes))
	case yes:
		return s.copy(v, cond)
	}
	return s.invert(v, cond)
}

// order simplifies < and ≤.
func (s *simplifier) order(v *Value) bool {
	a, b := v.Args[0], v.Args[1]
	strict := v.Op == OpULt || v.Op == OpSLt
	if a == b {
		return s.constant(v, b2i(!strict))
	}
	if v.Op == OpSLt || v.Op == OpSLe {
		return false
	}
	if c, ok := right(v); ok {
		switch {
		case c == 0 && strict:
			return s.constant(v, 0)
		case c == 0, c == 1 && strict:
			return s.with(v, OpEq, a, 0)
		case c == canon(a.Type, -1) && !strict:
			return s.constant(v, 1)
		}
	}
	if c, ok := a.isConst(); ok {
		switch {
		case c == 0 && !strict:
			return s.constant(v, 1)
		case c == 0, c == 1 && !strict:
			return s.with(v, OpNe, b, 0)
		case c == canon(b.Type, -1) && strict:
			return s.constant(v, 0)
		}
	}
	return false
}

func (s *simplifier) selection(v *Value) bool {
	cond, a, b := v.Args[0], v.Args[1], v.Args[2]
	if c, ok := cond.isConst(); ok {
		return s.copy(v, v.Args[2-b2i(c != 0)])
	}
	if a == b {
		return s.copy(v, a)
	}
	if cond.Op == OpNe || cond.Op == OpEq {
		if c, ok := right(cond); ok && c == 0 {
			if cond.Op == OpEq {
				a, b = b, a
			}
			v.become(OpSelect, cond.Args[0], a, b)
			return true
		}
	}
	x, ok1 := a.isConst()
	y, ok2 := b.isConst()
	if !ok1 || !ok2 || v.Type == Ptr || x|y != 1 || x&y != 0 {
		return false
	}
	switch {
	case v.Type == Bool && cond.Type != Bool:
		op := OpNe
		if x == 0 {
			op = OpEq
		}
		return s.with(v, op, cond, 0)
	case v.Type == Bool && x == 1:
		return s.copy(v, cond)
	case v.Type == Bool:
		return s.invert(v, cond)
	case cond.Type == Bool && x == 1:
		v.become(OpZExt8, cond)
		return true
	}
	return false
}

// offset folds constant offsets into the address that they're added to.
func (s *simplifier) offset(v *Value) bool {
	a := v.Args[0]
	if v.AuxInt == 0 {
		return s.copy(v, a)
	}
	sum := a.AuxInt + v.AuxInt
	switch a.Op {
	case OpOffset:
		v.become(OpOffset, a.Args[0])
		v.AuxInt = sum
		return true
	case OpSlotAddr:
		if sum < 0 || sum > int64(a.Aux.(*Slot).Size) {
			return false
		}
	case OpMapValue:
		if sum < 0 || sum != int64(int32(sum)) {
			return false
		}
	default:
		return false
	}
	aux := a.Aux
	v.reset(a.Op)
	v.Aux, v.AuxInt = aux, sum
	return true
}

// store stores what a value was before an extension or a mask that only changes bits
// that aren't stored.
func (s *simplifier) store(v *Value) bool {
	if s.address(v) {
		return true
	}
	a, size := v.Args[1], v.Aux.(Mem).Size
	n, _ := extendBits(a.Op)
	switch {
	case n >= 8*int(size), a.Op == OpTrunc:
	case a.Op == OpAnd && isInt(a.Type):
		c, ok := right(a)
		if low := ^uint64(0) >> (64 - 8*size); !ok || uint64(c)&low != low {
			return false
		}
	default:
		return false
	}
	if x := a.Args[0]; isInt(x.Type) && sizeError(x.Type, size) == "" {
		v.SetArg(1, x)
		return true
	}
	return false
}

// address folds an offset into the load, store or atomic that uses it.
func (s *simplifier) address(v *Value) bool {
	a := v.Args[0]
	if a.Op != OpOffset {
		return false
	}
	sum := v.AuxInt + a.AuxInt
	if sum != int64(int16(sum)) {
		return false
	}
	v.AuxInt = sum
	v.SetArg(0, a.Args[0])
	return true
}
