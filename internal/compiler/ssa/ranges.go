package ssa

import "math/bits"

// ranges finds which bits of values are zero, how large and how negative they can be,
// and drops extensions and masks that change nothing, decides comparisons, makes signed
// operations of non-negative numbers unsigned (a signed division needs ISA v4), and
// turns divisions by constants into multiplications where 64 bits hold the product.
func ranges(f *Func, o *Options) {
	r := &ranger{f: f, pool: newConstPool(f), facts: make([]fact, f.NumValues())}
	r.solve()
	for _, b := range f.Blocks {
		r.block(b)
	}
	r.pool.flush()
	copyelim(f)
	deadcode(f, o)
}

type ranger struct {
	f     *Func
	pool  *constPool
	facts []fact // by value ID
	news  []*Value
}

// solve computes the facts, at first as if back edges brought nothing, until they hold
// for all edges. What was given up on the way, since it would take long to settle, is
// won back in part by computing the facts twice more from those that hold.
func (r *ranger) solve() {
	const patience = 2 // changes of a phi before it's given up
	known := make([]bool, len(r.facts))
	changes := make([]uint8, len(r.facts))
	order := r.f.reversePostorder()
	for changed := true; changed; {
		changed = r.sweep(order, known, func(v *Value, x fact) fact {
			if v.Op != OpPhi || !known[v.ID] {
				return x
			}
			if changes[v.ID] == patience {
				return unknown(v.Type)
			}
			changes[v.ID]++
			return x
		})
	}
	for range 2 {
		r.sweep(order, known, func(_ *Value, x fact) fact { return x })
	}
}

// sweep computes each value's fact once and reports whether any changed; settle gives
// what to keep when one did.
func (r *ranger) sweep(order []*Block, known []bool, settle func(*Value, fact) fact) bool {
	changed := false
	for _, b := range order {
		for _, v := range b.Values {
			var x fact
			if v.Op == OpPhi {
				x = r.phi(v, known)
			} else {
				x = factOf(v, func(i int) fact { return r.facts[v.Args[i].ID] })
			}
			if known[v.ID] && x == r.facts[v.ID] {
				continue
			}
			x = settle(v, x)
			if !known[v.ID] || x != r.facts[v.ID] {
				known[v.ID], r.facts[v.ID], changed = true, x, true
			}
		}
	}
	return changed
}

func (r *ranger) phi(v *Value, known []bool) fact {
	x, any := fact{}, false
	for _, a := range v.Args {
		if !known[a.ID] {
			continue
		}
		if !any {
			x, any = r.facts[a.ID], true
		} else {
			x = x.meet(r.facts[a.ID])
		}
	}
	if !any {
		return unknown(v.Type)
	}
	return x
}

// of is v's fact; nothing is known of values made since.
func (r *ranger) of(v *Value) fact {
	if int(v.ID) < len(r.facts) {
		return r.facts[v.ID]
	}
	return unknown(v.Type)
}

// block rewrites b's values; new values go before the one that needs them.
func (r *ranger) block(b *Block) {
	var out []*Value
	for i, v := range b.Values {
		r.news = r.news[:0]
		r.rewrite(v)
		if len(r.news) > 0 && out == nil {
			out = append(make([]*Value, 0, len(b.Values)+8), b.Values[:i]...)
		}
		if out != nil {
			out = append(append(out, r.news...), v)
		}
	}
	if out != nil {
		b.Values = out
	}
}

// before makes a value of v's type before v.
func (r *ranger) before(v *Value, op Op, args ...*Value) *Value {
	n := r.f.NewValue(v.Block, v.Pos, op, v.Type, args...)
	r.news = append(r.news, n)
	return n
}

func (r *ranger) rewrite(v *Value) {
	switch v.Op {
	case OpAnd:
		r.mask(v)
	case OpSDiv, OpSMod:
		r.signedDivision(v)
	case OpAShr:
		if r.of(v.Args[0]).nonNegative(v.Type) {
			v.Op = OpLShr
		}
	case OpULt, OpULe, OpSLt, OpSLe, OpEq, OpNe:
		r.compare(v)
	}
	if v.Op == OpUDiv || v.Op == OpUMod {
		r.division(v)
	}
	if n, signed := extendBits(v.Op); n > 0 {
		r.extension(v, n, signed)
	}
}

// mask drops an and with a constant that has all the bits that can be set.
func (r *ranger) mask(v *Value) {
	c, ok := right(v)
	if !ok {
		return
	}
	if x := r.of(v.Args[0]); x.zero|constBits(v.Type, c) == ^uint64(0) {
		v.copyOf(v.Args[0])
	}
}

// extension drops an extension that changes nothing, or takes a cheaper one.
func (r *ranger) extension(v *Value, n int, signed bool) {
	a := v.Args[0]
	x := r.of(a)
	above := ^uint64(0) << n
	switch {
	case signed && a.Type == v.Type && int(x.sign) <= n:
		v.copyOf(a)
	case signed && x.zero>>(n-1)&1 != 0:
		v.become(extension(uint8(n/8), false), a)
		r.extension(v, n, false)
	case signed:
	case x.zero&above == above && a.Type == v.Type:
		v.copyOf(a)
	case x.zero&above == above && a.Type == I32 && n < 32:
		v.become(OpZExt32, a) // costs nothing
	}
}

// compare makes a comparison of non-negative numbers unsigned and decides one that is
// beyond doubt for the verifier too.
func (r *ranger) compare(v *Value) {
	a, b := v.Args[0], v.Args[1]
	if !isInt(a.Type) {
		return
	}
	x, y := r.of(a), r.of(b)
	if v.Op == OpSLt || v.Op == OpSLe {
		if !x.nonNegative(a.Type) || !y.nonNegative(a.Type) {
			return
		}
		v.Op -= OpSLt - OpULt
	}
	c, isConst := right(v)
	n := constBits(a.Type, c)
	switch {
	case (v.Op == OpEq || v.Op == OpNe) && isConst && n&x.zero != 0:
		v.constant(b2i(v.Op == OpNe))
		return
	case v.Op == OpULt && isConst && x.bound() < n, v.Op == OpULe && isConst && x.bound() <= n:
		v.constant(1)
		return
	}
	if c, ok := a.isConst(); ok {
		n := constBits(a.Type, c)
		if v.Op == OpULt && y.bound() <= n || v.Op == OpULe && y.bound() < n {
			v.constant(0)
		}
	}
}

// signedDivision makes a division unsigned, or of one by a power of two shifts.
func (r *ranger) signedDivision(v *Value) {
	a, b := v.Args[0], v.Args[1]
	if r.of(a).nonNegative(v.Type) && r.of(b).nonNegative(v.Type) {
		v.Op -= OpSDiv - OpUDiv
		return
	}
	c, ok := right(v)
	k, power := log2(v.Type, c)
	if !ok || c <= 1 || !power {
		return
	}
	w := int64(width(v.Type))
	// Rounding is towards zero: a negative dividend has c-1 added first.
	sign := r.before(v, OpAShr, a, r.pool.get(v.Type, w-1))
	bias := r.before(v, OpLShr, sign, r.pool.get(v.Type, w-k))
	sum := r.before(v, OpAdd, a, bias)
	if v.Op == OpSDiv {
		v.become(OpAShr, sum, r.pool.get(v.Type, k))
		return
	}
	v.become(OpSub, a, r.before(v, OpAnd, sum, r.pool.get(v.Type, -c)))
}

// division makes of an unsigned division by a constant a multiplication and a shift,
// if the dividend is small enough for the product.
func (r *ranger) division(v *Value) {
	c, ok := right(v)
	if !ok || v.Type != I64 || c <= 1 || c > 1<<32 {
		return
	}
	a := v.Args[0]
	d := uint64(c)
	limit := r.of(a).max
	if limit < d {
		if v.Op == OpUMod {
			v.copyOf(a)
		} else {
			v.constant(0)
		}
		return
	}
	k, power := log2(I64, c)
	if power {
		if v.Op == OpUMod {
			v.become(OpAnd, a, r.pool.get(I64, c-1))
		} else {
			v.become(OpLShr, a, r.pool.get(I64, k))
		}
		return
	}
	m, s, ok := reciprocal(d, limit)
	if !ok {
		return
	}
	product := r.before(v, OpMul, a, r.pool.get(I64, int64(m)))
	if v.Op == OpUDiv {
		v.become(OpLShr, product, r.pool.get(I64, s))
		return
	}
	q := r.before(v, OpLShr, product, r.pool.get(I64, s))
	v.become(OpSub, a, r.before(v, OpMul, q, r.pool.get(I64, c)))
}

// reciprocal finds m and s such that n/d = n*m>>s for all n up to limit, and n*m fits in
// 64 bits (Granlund and Montgomery, "Division by Invariant Integers using Multiplication").
func reciprocal(d, limit uint64) (m uint64, s int64, ok bool) {
	for s = 1; s < 64; s++ {
		p := uint64(1) << s
		m = p/d + 1
		excess := m*d - p // 1 … d
		hi, lo := bits.Mul64(excess, limit)
		if over, _ := bits.Mul64(m, limit); over != 0 {
			return 0, 0, false
		}
		if hi == 0 && lo < p {
			return m, s, true
		}
	}
	return 0, 0, false
}
