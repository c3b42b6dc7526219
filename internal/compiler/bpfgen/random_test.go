package bpfgen

import (
	"math/rand/v2"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// A random program reads the words of its context, computes, and writes what it has to
// map 0.

const (
	randomArgs = 6  // words of context
	outWords   = 32 // words of results
)

// randomizer builds one function.
type randomizer struct {
	*rand.Rand
	prog   *ssa.Prog
	f      *ssa.Func
	b      *ssa.Block
	pools  [ssa.Ptr + 1][]*ssa.Value
	subs   []*ssa.Func
	budget int
	loops  int
	// plain: no atomic operations besides addition (before kernel 5.12).
	plain bool
}

// randomProg is the program of a seed: of about size operations.
func randomProg(seed uint64, size int, plain bool) *ssa.Prog {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &ssa.Prog{Name: "random", Scratch: 1}
	var subs []*ssa.Func
	for i := range r.IntN(3) {
		f := ssa.NewFunc([]string{"sub_a", "sub_b"}[i], ssa.FuncSub, []ssa.Type{ssa.I64, ssa.I64}, ssa.I64)
		z := &randomizer{Rand: r, prog: p, f: f, b: f.Entry(), budget: size / 4, plain: plain}
		for j := range f.Params {
			z.add(z.aux(ssa.OpParam, ssa.I64, int64(j), nil))
		}
		z.body()
		z.ret()
		subs = append(subs, f)
	}
	f := ssa.NewFunc("main", ssa.FuncProg, []ssa.Type{ssa.Ptr}, ssa.I64)
	z := &randomizer{Rand: r, prog: p, f: f, b: f.Entry(), budget: size, subs: subs, plain: plain}
	ctx := z.aux(ssa.OpParam, ssa.Ptr, 0, nil)
	for i := range int64(randomArgs) {
		z.add(z.aux(ssa.OpLoad, ssa.I64, 8*i, ssa.Mem{Size: 8, Class: ssa.MemCtx}, ctx))
	}
	z.body()
	z.results()
	z.ret()
	p.Funcs = append([]*ssa.Func{f}, subs...)
	return p
}

// aux appends an op with its operands.
func (z *randomizer) aux(op ssa.Op, t ssa.Type, n int64, aux any, args ...*ssa.Value) *ssa.Value {
	v := z.b.Append(0, op, t, args...)
	v.AuxInt, v.Aux = n, aux
	return v
}

func (z *randomizer) add(v *ssa.Value) { z.pools[v.Type] = append(z.pools[v.Type], v) }

func (z *randomizer) pick(t ssa.Type) *ssa.Value {
	if p := z.pools[t]; len(p) > 0 && z.IntN(5) > 0 {
		// Recent values more often, old ones still: they have to be kept for long.
		if z.IntN(2) == 0 {
			return p[len(p)-1-z.IntN(min(4, len(p)))]
		}
		return p[z.IntN(len(p))]
	}
	if t == ssa.Bool && z.IntN(3) == 0 {
		op := []ssa.Op{ssa.OpAnd, ssa.OpOr, ssa.OpCopy, ssa.OpEq, ssa.OpNe}[z.IntN(5)]
		switch op {
		case ssa.OpCopy:
			return z.aux(op, ssa.Bool, 0, nil, z.pick(ssa.Bool))
		case ssa.OpEq, ssa.OpNe:
			return z.aux(op, ssa.Bool, 0, nil, z.pick(ssa.Bool), z.aux(ssa.OpConst, ssa.Bool, 0, nil))
		}
		return z.aux(op, ssa.Bool, 0, nil, z.pick(ssa.Bool), z.pick(ssa.Bool))
	}
	if t == ssa.Bool {
		a := z.integer()
		op := ssa.OpEq + ssa.Op(z.IntN(6))
		return z.aux(op, ssa.Bool, 0, nil, a, z.pick(a.Type))
	}
	return z.constant(t)
}

func (z *randomizer) constant(t ssa.Type) *ssa.Value {
	interesting := []int64{0, 1, -1, 2, 7, 8, 63, 255, 256, 65535, 1 << 31, -1 << 31, 1<<31 - 1, 1 << 32, -1 << 63, 1<<63 - 1}
	n := interesting[z.IntN(len(interesting))]
	if z.IntN(3) == 0 {
		n = int64(z.Uint64() >> z.IntN(64))
	}
	if t == ssa.I32 {
		n = int64(int32(n))
	}
	return z.aux(ssa.OpConst, t, n, nil)
}

func (z *randomizer) integer() *ssa.Value { return z.pick(ssa.I32 + ssa.Type(z.IntN(2))) }

func (z *randomizer) body() {
	var slots []*ssa.Value
	for range 1 + z.IntN(3) {
		s := z.f.NewSlot("s", uint32(8*(1+z.IntN(6))), 8)
		s.Scratch = z.IntN(3) == 0
		a := z.aux(ssa.OpSlotAddr, ssa.Ptr, 0, s)
		z.aux(ssa.OpZero, ssa.Void, int64(s.Size), ssa.Mem{Size: 8, Class: ssa.MemSlot}, a)
		slots = append(slots, a)
	}
	z.pools[ssa.Ptr] = slots
	z.stmts(0)
}

func (z *randomizer) stmts(depth int) {
	for range 4 + z.IntN(12) {
		if z.budget--; z.budget < 0 {
			return
		}
		z.stmt(depth)
	}
}

func (z *randomizer) stmt(depth int) {
	switch n := z.IntN(40); {
	case n < 16:
		z.arith()
	case n < 20:
		z.width()
	case n < 22:
		z.add(z.aux(ssa.OpSelect, ssa.I64, 0, nil, z.pick(ssa.Bool), z.pick(ssa.I64), z.pick(ssa.I64)))
	case n < 23:
		z.add(z.pick(ssa.Bool))
	case n < 30:
		z.memory()
	case n < 32:
		z.atomic()
	case n < 35:
		z.callSomething()
	case n < 38 && depth < 3:
		z.ifElse(depth)
	case depth < 2 && z.loops < 2:
		z.loop(depth)
	}
}

func (z *randomizer) arith() {
	t := ssa.I32 + ssa.Type(z.IntN(2))
	op := ssa.OpAdd + ssa.Op(z.IntN(int(ssa.OpNot-ssa.OpAdd)+1))
	if op == ssa.OpNeg || op == ssa.OpNot {
		z.add(z.aux(op, t, 0, nil, z.pick(t)))
		return
	}
	z.add(z.aux(op, t, 0, nil, z.pick(t), z.pick(t)))
}

func (z *randomizer) width() {
	switch z.IntN(4) {
	case 0:
		z.add(z.aux(ssa.OpTrunc, ssa.I32, 0, nil, z.pick(ssa.I64)))
	case 1:
		z.add(z.aux(ssa.OpBswap, ssa.I64, []int64{16, 32, 64}[z.IntN(3)], nil, z.pick(ssa.I64)))
	default:
		op := ssa.OpSExt8 + ssa.Op(z.IntN(6))
		z.add(z.aux(op, ssa.I32+ssa.Type(z.IntN(2)), 0, nil, z.integer()))
	}
}

// place is an aligned address of n bytes in a slot or in map 0.
func (z *randomizer) place(n int64) (*ssa.Value, int64, ssa.MemClass) {
	if z.IntN(4) == 0 {
		off := n * int64(z.IntN(8*outWords/int(n)))
		return z.aux(ssa.OpMapValue, ssa.Ptr, 0, 0), off, ssa.MemMap
	}
	p := z.pools[ssa.Ptr][z.IntN(len(z.pools[ssa.Ptr]))]
	off := n * int64(z.IntN(int(p.Aux.(*ssa.Slot).Size)/int(n)))
	if z.IntN(3) == 0 {
		return z.aux(ssa.OpOffset, ssa.Ptr, off, nil, p), 0, ssa.MemSlot
	}
	return p, off, ssa.MemSlot
}

func (z *randomizer) memory() {
	n := int64(1) << z.IntN(4)
	switch z.IntN(5) {
	case 0:
		p, off, class := z.place(8)
		q, off2, class2 := z.place(8)
		p = z.aux(ssa.OpOffset, ssa.Ptr, off, nil, p)
		q = z.aux(ssa.OpOffset, ssa.Ptr, off2, nil, q)
		z.aux(ssa.OpMove, ssa.Void, 1+int64(z.IntN(8)), ssa.MoveInfo{Dst: class, Src: class2, Align: 8}, p, q)
	case 1, 2:
		p, off, class := z.place(n)
		t := ssa.I64
		if n <= 4 && z.IntN(2) == 0 {
			t = ssa.I32
		}
		z.add(z.aux(ssa.OpLoad, t, off, ssa.Mem{Size: uint8(n), Signed: z.IntN(2) == 0 && n < 8, Class: class}, p))
	default:
		p, off, class := z.place(n)
		t := ssa.I64
		if n <= 4 {
			t = ssa.I32 + ssa.Type(z.IntN(2))
		}
		z.aux(ssa.OpStore, ssa.Void, off, ssa.Mem{Size: uint8(n), Class: class}, p, z.pick(t))
	}
}

func (z *randomizer) atomic() {
	n, t := int64(8), ssa.I64
	if z.IntN(2) == 0 {
		n, t = 4, ssa.I32
	}
	p, off, class := z.place(n)
	mem := ssa.Mem{Size: uint8(n), Class: class}
	op := ssa.OpAtomicAdd
	if !z.plain {
		op += ssa.Op(z.IntN(7))
	}
	switch op {
	case ssa.OpAtomicAdd:
		z.aux(op, ssa.Void, off, mem, p, z.pick(t))
	case ssa.OpAtomicCmpXchg:
		z.add(z.aux(op, t, off, mem, p, z.pick(t), z.pick(t)))
	default:
		v := z.aux(op, t, off, mem, p, z.pick(t))
		if z.IntN(3) > 0 {
			z.add(v)
		}
	}
}

func (z *randomizer) callSomething() {
	switch z.IntN(4) {
	case 0:
		if len(z.subs) > 0 {
			f := z.subs[z.IntN(len(z.subs))]
			z.add(z.aux(ssa.OpCallFunc, ssa.I64, 0, f, z.pick(ssa.I64), z.pick(ssa.I64)))
		}
	case 1:
		z.lookup()
	case 2:
		p, off, _ := z.place(8)
		q, off2, _ := z.place(8)
		p = z.aux(ssa.OpOffset, ssa.Ptr, off, nil, p)
		q = z.aux(ssa.OpOffset, ssa.Ptr, off2, nil, q)
		n := z.aux(ssa.OpConst, ssa.I64, 8, nil)
		z.add(z.aux(ssa.OpCall, ssa.I64, probeReadKernel, nil, p, n, q))
	default:
		z.aux(ssa.OpCall, ssa.I64, getSmpProcessorID, nil)
	}
}

// lookup reads map 0 through a helper and a null check.
func (z *randomizer) lookup() {
	s := z.f.NewSlot("key", 4, 4)
	k := z.aux(ssa.OpSlotAddr, ssa.Ptr, 0, s)
	one := z.aux(ssa.OpConst, ssa.I32, 1, nil)
	key := z.aux(ssa.OpAnd, ssa.I32, 0, nil, z.pick(ssa.I32), one)
	z.aux(ssa.OpStore, ssa.Void, 0, ssa.Mem{Size: 4, Class: ssa.MemSlot}, k, key)
	p := z.aux(ssa.OpCall, ssa.Ptr, 1, nil, z.aux(ssa.OpMapPtr, ssa.Ptr, 0, nil), k)
	missing := z.pick(ssa.I64)
	null := z.aux(ssa.OpConst, ssa.Ptr, 0, nil)
	c := z.aux(ssa.OpNe, ssa.Bool, 0, nil, p, null)
	from := z.b
	from.Kind = ssa.BlockIf
	from.SetControl(c)
	found, join := z.f.NewBlock(ssa.BlockPlain), z.f.NewBlock(ssa.BlockRet)
	from.AddEdge(found)
	from.AddEdge(join)
	z.b = found
	off := int64(8 * z.IntN(outWords))
	v := z.aux(ssa.OpLoad, ssa.I64, off, ssa.Mem{Size: 8, Class: ssa.MemMap}, p)
	w := z.aux(ssa.OpAdd, ssa.I64, 0, nil, v, z.pick(ssa.I64))
	z.aux(ssa.OpStore, ssa.Void, off, ssa.Mem{Size: 8, Class: ssa.MemMap}, p, w)
	found.AddEdge(join)
	z.b = join
	z.add(z.aux(ssa.OpPhi, ssa.I64, 0, nil, missing, v))
}

// scope runs fn and takes back what it added to the pools.
func (z *randomizer) scope(fn func()) {
	saved := z.pools
	for t := range z.pools {
		z.pools[t] = saved[t][:len(saved[t]):len(saved[t])]
	}
	fn()
	z.pools = saved
}

func (z *randomizer) ifElse(depth int) {
	c := z.pick(ssa.Bool)
	if z.IntN(6) == 0 {
		c = z.integer()
	}
	from := z.b
	from.Kind, from.Likely = ssa.BlockIf, int8(z.IntN(3)-1)
	from.SetControl(c)
	join := z.f.NewBlock(ssa.BlockRet)
	n := z.IntN(4)
	var args [2][]*ssa.Value
	for side := range 2 {
		arm := z.f.NewBlock(ssa.BlockPlain)
		from.AddEdge(arm)
		z.b = arm
		z.scope(func() {
			z.stmts(depth + 1)
			for i := range n {
				args[side] = append(args[side], z.pick(ssa.I32+ssa.Type(i%2)))
			}
		})
		z.b.Kind = ssa.BlockPlain
		z.b.AddEdge(join)
	}
	z.b = join
	for i := range n {
		z.add(z.aux(ssa.OpPhi, ssa.I32+ssa.Type(i%2), 0, nil, args[0][i], args[1][i]))
	}
}

// loop turns up to four times and exchanges values between its phis.
func (z *randomizer) loop(depth int) {
	z.loops++
	zero := z.aux(ssa.OpConst, ssa.I64, 0, nil)
	limit := z.aux(ssa.OpConst, ssa.I64, int64(1+z.IntN(4)), nil)
	one := z.aux(ssa.OpConst, ssa.I64, 1, nil)
	init := []*ssa.Value{z.pick(ssa.I64), z.pick(ssa.I64), z.pick(ssa.I64)}
	head, body, exit := z.f.NewBlock(ssa.BlockIf), z.f.NewBlock(ssa.BlockPlain), z.f.NewBlock(ssa.BlockRet)
	z.b.Kind = ssa.BlockPlain
	z.b.AddEdge(head)
	z.b = head
	count := z.aux(ssa.OpPhi, ssa.I64, 0, nil, zero)
	var phis []*ssa.Value
	for _, v := range init {
		phis = append(phis, z.aux(ssa.OpPhi, ssa.I64, 0, nil, v))
	}
	head.SetControl(z.aux(ssa.OpULt, ssa.Bool, 0, nil, count, limit))
	head.AddEdge(body)
	head.AddEdge(exit)
	z.b = body
	z.scope(func() {
		for _, p := range append(phis, count) {
			z.add(p)
		}
		z.stmts(depth + 1)
		next := []*ssa.Value{phis[1], phis[0], z.pick(ssa.I64)}
		z.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
		for i, p := range phis {
			p.AddArg(next[i])
		}
		count.AddArg(z.aux(ssa.OpAdd, ssa.I64, 0, nil, count, one))
		z.b.Kind = ssa.BlockPlain
		z.b.AddEdge(head)
	})
	z.b = exit
	for _, p := range phis {
		z.add(p)
	}
}

// results writes values of all ages to map 0.
func (z *randomizer) results() {
	out := z.aux(ssa.OpMapValue, ssa.Ptr, 0, 0)
	for i := range int64(outWords / 2) {
		t := ssa.I64
		if i%4 == 3 {
			t = ssa.I32
		}
		v := z.pick(t)
		if t == ssa.I32 {
			v = z.aux(ssa.OpZExt32, ssa.I64, 0, nil, v)
		}
		z.aux(ssa.OpStore, ssa.Void, 8*i, ssa.Mem{Size: 8, Class: ssa.MemMap}, out, v)
	}
}

func (z *randomizer) ret() {
	z.b.Kind = ssa.BlockRet
	z.b.SetControl(z.pick(ssa.I64))
}
