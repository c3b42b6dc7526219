package ssa

import "math/rand/v2"

// gen makes random programs: structured control flow over variables in slots, as
// ssagen's, and phis, with loops that end.
type gen struct {
	r    *rand.Rand
	f    *Func
	b    *Block
	ctx  *Value
	vals []*Value // what dominates b's end
	vars []variable
	keys []*Slot
	ptr  *Slot // holds a pointer to one of keys, or is nil
	subs []*Func
	// returns: branches may return early, which in a large program leaves little of it.
	returns bool
	// filled: so many slots, the first ones, hold bytes from the start.
	filled int
	depth  int
	left   int // statements still to make
	loops  []loop
}

type variable struct {
	slot   *Slot
	off    int64
	typ    Type
	size   uint8
	signed bool
}

type loop struct{ next, done *Block }

// generate makes a program of about size statements; the same seed makes the same one.
func generate(seed uint64, size int) *Prog {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &Prog{Name: "random", Scratch: -1}
	main := NewFunc("main", FuncProg, []Type{Ptr}, I64)
	p.Funcs = append(p.Funcs, main)
	g := &gen{r: r, left: size, returns: size < 1000}
	if r.IntN(3) == 0 {
		sub := NewFunc("sub", FuncSub, []Type{I64}, I64)
		p.Funcs = append(p.Funcs, sub)
		(&gen{r: r, left: size / 4}).fn(sub)
		g.subs = append(g.subs, sub)
	}
	g.fn(main)
	return p
}

func (g *gen) fn(f *Func) {
	g.f, g.b = f, f.Entry()
	p := g.b.Append(0, OpParam, f.Params[0])
	if f.Params[0] == Ptr {
		g.ctx = p
	} else {
		g.vals = append(g.vals, p)
	}
	g.slots()
	for range 3 {
		g.vals = append(g.vals, g.constant([]Type{I64, I32, Bool}[g.r.IntN(3)]))
	}
	g.stmts()
	g.b.SetControl(g.value(I64))
}

// slots makes the variables and fills them with zeroes.
func (g *gen) slots() {
	for range 2 + g.r.IntN(5) {
		v := variable{typ: []Type{I64, I64, I32, Bool}[g.r.IntN(4)], signed: g.r.IntN(2) == 0}
		switch v.typ {
		case I64:
			v.size = []uint8{1, 2, 4, 8, 8}[g.r.IntN(5)]
		case I32:
			v.size = []uint8{1, 2, 4}[g.r.IntN(3)]
		case Bool:
			v.size = 1
		}
		v.slot = g.f.NewSlot("v", uint32(v.size), uint32(v.size))
		g.vars = append(g.vars, v)
	}
	for range g.r.IntN(3) { // a struct
		n := 2 + g.r.IntN(3)
		s := g.f.NewSlot("t", uint32(8*n), 8)
		for i := range n {
			size := []uint8{8, 8, 4, 2}[g.r.IntN(4)]
			g.vars = append(g.vars, variable{slot: s, off: int64(8 * i), typ: I64, size: size, signed: g.r.IntN(2) == 0})
		}
	}
	for range 1 + g.r.IntN(3) {
		s := g.f.NewSlot("key", uint32(8*(1+g.r.IntN(3))), 8)
		g.keys = append(g.keys, s)
		g.vars = append(g.vars, variable{slot: s, typ: I64, size: 8})
	}
	g.filled = len(g.f.Slots)
	for _, s := range g.f.Slots {
		g.zero(s)
	}
	if g.r.IntN(2) == 0 {
		g.ptr = g.f.NewSlot("p", 8, 8)
		g.b.mem(OpStore, Void, Mem{Size: 8, Class: MemSlot}, 0, g.addr(g.ptr, 0), g.addr(g.keys[0], 0))
	}
}

func (g *gen) zero(s *Slot) {
	z := g.b.Append(0, OpZero, Void, g.addr(s, 0))
	z.AuxInt, z.Aux = int64(s.Size), Mem{Size: uint8(s.Align), Class: MemSlot}
}

func (g *gen) addr(s *Slot, off int64) *Value {
	v := g.b.Append(0, OpSlotAddr, Ptr)
	v.Aux, v.AuxInt = s, off
	if off > 0 && g.r.IntN(2) == 0 {
		v.AuxInt = 0
		o := g.b.Append(0, OpOffset, Ptr, v)
		o.AuxInt = off
		return o
	}
	return v
}

var interesting = []int64{0, 1, -1, 2, 3, 7, 8, 10, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 1000, 65535, 65536,
	1 << 31, 1<<31 - 1, 1<<32 - 1, 1 << 32, -128, -1 << 31, -1 << 63, 1<<63 - 1}

func (g *gen) constant(t Type) *Value {
	v := g.b.Append(0, OpConst, t)
	v.AuxInt = interesting[g.r.IntN(len(interesting))]
	if t != Bool && g.r.IntN(4) == 0 {
		v.AuxInt = g.r.Int64() >> g.r.IntN(64)
	}
	v.AuxInt = canon(t, v.AuxInt)
	return v
}

// value is a present value of type t, or a new one.
func (g *gen) value(t Type) *Value {
	if len(g.vals) > 0 && g.r.IntN(4) > 0 {
		for range 6 {
			if v := g.vals[len(g.vals)-1-g.r.IntN(min(len(g.vals), 12))]; v.Type == t {
				return v
			}
		}
	}
	return g.expr(t, 2)
}

func (g *gen) operand(t Type, depth int) *Value {
	switch {
	case depth == 0 || g.r.IntN(4) == 0:
		return g.constant(t)
	case g.r.IntN(2) == 0:
		return g.value(t)
	}
	return g.expr(t, depth-1)
}

func (g *gen) keep(v *Value) *Value {
	g.vals = append(g.vals, v)
	return v
}

var binaryOps = []Op{OpAdd, OpSub, OpMul, OpUDiv, OpSDiv, OpUMod, OpSMod, OpAnd, OpOr, OpXor, OpShl, OpLShr, OpAShr}
var compareOps = []Op{OpEq, OpNe, OpULt, OpULe, OpSLt, OpSLe}

// expr makes a value of type t.
func (g *gen) expr(t Type, depth int) *Value {
	if depth < 0 {
		return g.constant(t)
	}
	if g.r.IntN(4) == 0 {
		if v := g.read(t); v != nil {
			return g.keep(v)
		}
	}
	if t == Bool {
		return g.boolean(depth)
	}
	op := func(op Op, args ...*Value) *Value { return g.keep(g.b.Append(0, op, t, args...)) }
	other := []Type{I32, I64}[g.r.IntN(2)]
	switch g.r.IntN(12) {
	case 0:
		return op(OpNeg, g.operand(t, depth))
	case 1:
		return op(OpNot, g.operand(t, depth))
	case 2, 3:
		return op(OpSExt8+Op(g.r.IntN(6)), g.operand(other, depth))
	case 4:
		return op([]Op{OpZExt8, OpSExt8}[g.r.IntN(2)], g.operand(Bool, depth))
	case 5:
		if t == I32 {
			return op(OpTrunc, g.operand(I64, depth))
		}
		v := op(OpBswap, g.operand(t, depth))
		v.AuxInt = []int64{16, 32, 64}[g.r.IntN(3)]
		return v
	case 6:
		return op(OpSelect, g.operand(Bool, depth), g.operand(t, depth), g.operand(t, depth))
	}
	return op(binaryOps[g.r.IntN(len(binaryOps))], g.operand(t, depth), g.operand(t, depth))
}

func (g *gen) boolean(depth int) *Value {
	t := []Type{I32, I64, I64, Bool}[g.r.IntN(4)]
	a, b := g.operand(t, depth), g.operand(t, depth)
	if g.r.IntN(8) == 0 {
		x, y := g.operand(Bool, depth), g.operand(Bool, depth)
		return g.keep(g.b.Append(0, []Op{OpAnd, OpOr, OpXor}[g.r.IntN(3)], Bool, x, y))
	}
	return g.keep(g.b.Append(0, compareOps[g.r.IntN(len(compareOps))], Bool, a, b))
}

// read makes a load or a call of type t, or nil.
func (g *gen) read(t Type) *Value {
	switch g.r.IntN(8) {
	case 0:
		if t == I64 {
			return g.b.call(t, helperPid)
		}
	case 1:
		if t == I64 {
			return g.b.call(t, helperHash, g.operand(I64, 0))
		}
	case 2:
		if g.ctx != nil && t != Bool {
			return g.b.mem(OpLoad, t, Mem{Size: 4, Class: MemCtx, Signed: g.r.IntN(2) == 0}, int64(4*g.r.IntN(16)), g.ctx)
		}
	case 3:
		if t != Bool {
			p := g.b.Append(0, OpMapValue, Ptr)
			p.Aux = 0
			return g.b.mem(OpLoad, t, Mem{Size: 4, Class: MemMap}, int64(4*g.r.IntN(4)), p)
		}
	case 4:
		if g.ctx != nil && t == I64 {
			base := g.b.Append(0, OpConst, Ptr)
			base.AuxInt = kernelBase
			return g.b.mem(OpLoad, t, Mem{Size: 8, Class: MemKernel}, int64(8*g.r.IntN(4)), base)
		}
	default:
		v := g.vars[g.r.IntN(len(g.vars))]
		if v.typ != t {
			return nil
		}
		if g.r.IntN(3) == 0 { // a struct's bytes read by another sign
			v.signed = !v.signed
		}
		return g.b.mem(OpLoad, t, Mem{Size: v.size, Signed: v.signed && v.typ != Bool, Class: MemSlot}, 0, g.addr(v.slot, v.off))
	}
	return nil
}

func (b *Block) mem(op Op, t Type, m Mem, off int64, args ...*Value) *Value {
	v := b.Append(0, op, t, args...)
	v.Aux, v.AuxInt = m, off
	return v
}

func (b *Block) call(t Type, id int64, args ...*Value) *Value {
	v := b.Append(0, OpCall, t, args...)
	v.AuxInt = id
	return v
}
