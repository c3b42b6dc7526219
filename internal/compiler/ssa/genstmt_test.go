package ssa

// stmts makes statements until none are left or the scope ends.
func (g *gen) stmts() {
	n := 2 + g.r.IntN(6)
	if g.depth == 0 {
		n = g.left
	}
	for ; n > 0 && g.left > 0; n-- {
		g.left--
		g.stmt()
	}
}

func (g *gen) stmt() {
	switch g.r.IntN(14) {
	case 0, 1:
		g.expr([]Type{I64, I32, Bool}[g.r.IntN(3)], 3)
	case 2, 3, 4, 5:
		g.assign()
	case 6:
		g.effect()
	case 7:
		g.move()
	case 8, 9:
		g.useKey()
	case 10, 11, 12:
		if g.depth < 5 {
			g.branch()
		}
	case 13:
		if g.depth < 3 && len(g.loops) < 2 {
			g.loop()
		}
	}
}

func (g *gen) assign() {
	v := g.vars[g.r.IntN(len(g.vars))]
	if v.off == 0 && g.r.IntN(10) == 0 {
		g.zero(v.slot)
		return
	}
	var x *Value
	if v.size < 8 && v.typ == I64 && g.r.IntN(4) == 0 {
		x = g.expr(I32, 1)
		if v.size == 8 {
			return
		}
	} else {
		x = g.value(v.typ)
	}
	g.b.mem(OpStore, Void, Mem{Size: v.size, Class: MemSlot}, 0, g.addr(v.slot, v.off), x)
}

// effect changes the map.
func (g *gen) effect() {
	p := g.b.Append(0, OpMapValue, Ptr)
	p.Aux = 0
	off := int64(8 * g.r.IntN(4))
	switch g.r.IntN(3) {
	case 0:
		g.b.mem(OpStore, Void, Mem{Size: 8, Class: MemMap}, off, p, g.value(I64))
	case 1:
		g.b.mem(OpAtomicAdd, Void, Mem{Size: 8, Class: MemMap}, off, p, g.value(I64))
	case 2:
		g.keep(g.b.mem(OpAtomicFetchAdd, I64, Mem{Size: 8, Class: MemMap}, off, p, g.value(I64)))
	}
}

func (g *gen) move() {
	a, b := g.f.Slots[g.r.IntN(g.filled)], g.f.Slots[g.r.IntN(g.filled)]
	if a == b || a.Size < 8 || b.Size < 8 {
		return
	}
	m := g.b.Append(0, OpMove, Void, g.addr(a, 0), g.addr(b, 0))
	m.AuxInt, m.Aux = int64(min(a.Size, b.Size)), MoveInfo{Dst: MemSlot, Src: MemSlot, Align: 8}
}

// useKey calls helpers with pointers to slots.
func (g *gen) useKey() {
	if len(g.subs) > 0 && g.r.IntN(3) == 0 {
		v := g.b.Append(0, OpCallFunc, I64, g.value(I64))
		v.Aux = g.subs[0]
		g.keep(v)
		return
	}
	s := g.keys[g.r.IntN(len(g.keys))]
	switch g.r.IntN(8) {
	case 0:
		g.keep(g.b.call(I64, helperTime))
	case 1:
		size := g.b.Append(0, OpConst, I64)
		size.AuxInt = int64(s.Size)
		if g.r.IntN(2) == 0 {
			size.AuxInt = 8
		}
		p := g.addr(s, 0)
		if g.r.IntN(2) == 0 {
			g.b.call(I64, helperComm, p, size)
			return
		}
		g.keep(g.b.call(I64, helperFill, p, size, g.value(I64)))
	case 2:
		p := g.addr(s, 8*g.r.Int64N(int64(s.Size/8)))
		if s2 := g.keys[g.r.IntN(len(g.keys))]; g.r.IntN(3) == 0 { // a pointer to either
			p = g.b.Append(0, OpSelect, Ptr, g.value(Bool), p, g.addr(s2, 0))
		}
		g.b.call(Void, helperOpaque, p)
	case 3: // an index known at run time
		if s.Size < 16 {
			return
		}
		mask := g.b.Append(0, OpConst, I64)
		mask.AuxInt = 8
		index := g.b.Append(0, OpAnd, I64, g.value(I64), mask)
		p := g.b.Append(0, OpAdd, Ptr, g.addr(s, 0), index)
		if g.r.IntN(2) == 0 {
			g.b.mem(OpStore, Void, Mem{Size: 8, Class: MemSlot}, 0, p, g.value(I64))
		} else {
			g.keep(g.b.mem(OpLoad, I64, Mem{Size: 8, Class: MemSlot}, 0, p))
		}
	case 4:
		g.keepPointer(s)
	case 5:
		g.shortCircuit()
	default:
		if g.r.IntN(2) == 0 {
			g.b.mem(OpStore, Void, Mem{Size: 8, Class: MemSlot}, 0, g.addr(s, 0), g.value(I64))
		}
		m := g.b.Append(0, OpMapPtr, Ptr)
		g.keep(g.b.call(I64, helperLookup, m, g.addr(s, 0)))
	}
}

// keepPointer stores a pointer to s, and accesses s through what is stored.
func (g *gen) keepPointer(s *Slot) {
	m := Mem{Size: 8, Class: MemSlot}
	if g.ptr == nil {
		return
	}
	p := g.b.mem(OpLoad, Ptr, m, 0, g.addr(g.ptr, 0))
	switch g.r.IntN(3) {
	case 0:
		g.keep(g.b.mem(OpLoad, I64, m, 0, p))
	case 1:
		g.b.mem(OpStore, Void, m, 0, p, g.value(I64))
	case 2:
		g.b.mem(OpStore, Void, m, 0, g.addr(g.ptr, 0), g.addr(s, 0))
	}
}

// shortCircuit makes c ? x : y with a condition of two parts, joined in a block that
// holds only phis, one of which goes on to another phi.
func (g *gen) shortCircuit() {
	k, x, y, z := g.constant(Bool), g.value(I64), g.value(I64), g.value(I64)
	first, second := g.value(Bool), g.f.NewBlock(BlockPlain)
	test, then, join := g.f.NewBlock(BlockIf), g.f.NewBlock(BlockPlain), g.f.NewBlock(BlockRet)
	g.b.Kind = BlockIf
	g.b.SetControl(first)
	edges := []*Block{second, test}
	i := g.r.IntN(2)
	g.b.AddEdge(edges[i])
	g.b.AddEdge(edges[1-i])
	from := g.b
	var more *Value
	g.scope(second, func() { more = g.expr(Bool, 1) })
	second.AddEdge(test)
	part := map[*Block]*Value{from: k, second: more}
	val := map[*Block]*Value{from: x, second: y}
	cond := test.Append(0, OpPhi, Bool, part[test.Preds[0]], part[test.Preds[1]])
	res := test.Append(0, OpPhi, I64, val[test.Preds[0]], val[test.Preds[1]])
	test.SetControl(cond)
	test.AddEdge(then)
	test.AddEdge(join)
	g.scope(then, func() { g.assign() })
	then.AddEdge(join)
	phi := map[*Block]*Value{then: z, test: res}
	g.b = join
	g.keep(join.Append(0, OpPhi, I64, phi[join.Preds[0]], phi[join.Preds[1]]))
}

// scope runs fn at a block whose values go out of scope after it.
func (g *gen) scope(b *Block, fn func()) {
	g.b = b
	n := len(g.vals)
	g.depth++
	fn()
	g.depth--
	g.vals = g.vals[:n]
}

func (g *gen) condition() *Value {
	if g.r.IntN(8) == 0 {
		return g.value([]Type{I64, I32}[g.r.IntN(2)])
	}
	return g.value(Bool)
}

func (g *gen) branch() {
	g.b.Kind = BlockIf
	g.b.SetControl(g.condition())
	from, join := g.b, g.f.NewBlock(BlockRet)
	then, els := g.f.NewBlock(BlockRet), join
	if g.r.IntN(2) == 0 {
		els = g.f.NewBlock(BlockRet)
	}
	from.AddEdge(then)
	types := []Type{I64, Bool}[:g.r.IntN(3)]
	outs := make([][]*Value, len(types)) // by type, then by predecessor
	leave := func() {
		for i, t := range types {
			outs[i] = append(outs[i], g.value(t))
		}
		g.b.Kind = BlockPlain
		g.b.AddEdge(join)
	}
	if els == join {
		types, outs = nil, nil
		from.AddEdge(join)
	} else {
		from.AddEdge(els)
	}
	arm := func() {
		g.stmts()
		if l := len(g.loops); l > 0 && g.r.IntN(4) == 0 {
			g.b.Kind = BlockPlain
			g.b.AddEdge([]*Block{g.loops[l-1].next, g.loops[l-1].done}[g.r.IntN(2)])
		} else if els == join && g.returns && g.r.IntN(12) == 0 {
			g.b.SetControl(g.value(I64))
		} else {
			leave()
		}
	}
	g.scope(then, arm)
	if els != join {
		g.scope(els, arm)
	}
	g.b = join
	if len(join.Preds) == 0 { // never reached: a return as from ssagen
		return
	}
	for i, t := range types {
		g.keep(join.Append(0, OpPhi, t, outs[i]...))
	}
}

// loop counts down a variable of its own.
func (g *gen) loop() {
	s := g.f.NewSlot("i", 8, 8)
	n := g.b.Append(0, OpConst, I64)
	n.AuxInt = 1 + g.r.Int64N(4)
	m := Mem{Size: 8, Class: MemSlot}
	g.b.mem(OpStore, Void, m, 0, g.addr(s, 0), n)
	head, body, next, done := g.f.NewBlock(BlockIf), g.f.NewBlock(BlockRet), g.f.NewBlock(BlockPlain), g.f.NewBlock(BlockRet)
	g.b.Kind = BlockPlain
	g.b.AddEdge(head)
	g.scope(head, func() {
		i := g.b.mem(OpLoad, I64, m, 0, g.addr(s, 0))
		head.SetControl(i)
		head.AddEdge(body)
		head.AddEdge(done)
		g.keep(i)
		g.loops = append(g.loops, loop{next, done})
		g.scope(body, func() {
			g.stmts()
			g.b.Kind = BlockPlain
			g.b.AddEdge(next)
		})
		g.loops = g.loops[:len(g.loops)-1]
		g.b = next
		one := g.b.Append(0, OpConst, I64)
		one.AuxInt = 1
		i = g.b.mem(OpLoad, I64, m, 0, g.addr(s, 0))
		i = g.b.Append(0, OpSub, I64, i, one)
		g.b.mem(OpStore, Void, m, 0, g.addr(s, 0), i)
		g.b.AddEdge(head)
	})
	g.b = done
}
