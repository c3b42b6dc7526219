package ssa

// mem2reg turns slots into values: a slot whose address is used only by loads, stores,
// zeroes and moves at known offsets, whose bytes fall into disjoint fields each accessed as a
// whole, becomes one variable a field. A field read before it was written is zero, as
// the language's variables are.
func mem2reg(f *Func, o *Options) {
	p := &promotion{f: f, uses: f.slotUses()}
	if p.collect(o); len(p.vars) == 0 {
		return
	}
	p.index()
	p.placePhis()
	p.rename()
	copyelim(f)
	deadcode(f, o)
}

type promotion struct {
	f      *Func
	uses   *slotUses
	fields [][]field // by slot ID
	refuse []bool    // by slot ID: stays in memory
	moves  []slotMove
	filled []bool // by slot ID: from memory that stays
	vars   []Type // by variable: the type
	defs   [][]*Block
	reads  [][]*Block // blocks that read the variable before they write it

	dom   *domTree
	front [][]*Block // by block ID: dominance frontier
	phis  [][]phiOf  // by block ID
	cur   []*Value   // by variable
	undo  []undoVar
	zeros [Ptr + 1]*Value
}

type phiOf struct {
	v   *Value
	vri int32
}

type undoVar struct {
	vri int32
	old *Value
}

// variable is the variable that v, a load or store, accesses, or -1.
func (p *promotion) variable(v *Value) int32 {
	if v.Op != OpLoad && v.Op != OpStore {
		return -1
	}
	r := p.uses.of(v.Args[0])
	if r.slot == nil || p.refuse[r.slot.ID] {
		return -1
	}
	for _, fd := range p.fields[r.slot.ID] {
		if fd.off == r.off+v.AuxInt {
			return fd.v
		}
	}
	return -1
}

// zeroed is the slot that v, a Zero, zeroes, if it's one that goes; and the range.
func (p *promotion) zeroed(v *Value) (s *Slot, from, to int64) {
	if v.Op != OpZero {
		return nil, 0, 0
	}
	r := p.uses.of(v.Args[0])
	if r.slot == nil || p.refuse[r.slot.ID] {
		return nil, 0, 0
	}
	return r.slot, r.off, r.off + v.AuxInt
}

// eachVar calls fn with the variables that v reads or writes.
func (p *promotion) eachVar(v *Value, fn func(vri int32, read bool)) {
	if i := p.variable(v); i >= 0 {
		fn(i, v.Op == OpLoad)
		return
	}
	s, from, to := p.zeroed(v)
	if s == nil {
		return
	}
	for _, fd := range p.fields[s.ID] {
		if from <= fd.off && fd.off < to {
			fn(fd.v, false)
		}
	}
}

// index finds where each variable is written, and where read first.
func (p *promotion) index() {
	p.defs, p.reads = make([][]*Block, len(p.vars)), make([][]*Block, len(p.vars))
	stamp := make([]*Block, len(p.vars)) // the block that wrote the variable last
	readIn := make([]*Block, len(p.vars))
	for _, b := range p.f.Blocks {
		for _, v := range b.Values {
			p.eachVar(v, func(i int32, read bool) {
				switch {
				case stamp[i] == b:
				case !read:
					stamp[i] = b
					p.defs[i] = append(p.defs[i], b)
				case readIn[i] != b:
					readIn[i] = b
					p.reads[i] = append(p.reads[i], b)
				}
			})
		}
	}
}

// frontiers computes the dominance frontiers.
func (p *promotion) frontiers() {
	t := p.dom
	p.front = make([][]*Block, p.f.NumBlocks())
	for i, b := range t.order {
		if len(b.Preds) < 2 {
			continue
		}
		for _, pred := range b.Preds {
			at := t.index[pred.ID]
			for at != t.idom[i] {
				id := t.order[at].ID
				if n := len(p.front[id]); n > 0 && p.front[id][n-1] == b {
					break // another predecessor's walk came by
				}
				p.front[id] = append(p.front[id], b)
				at = t.idom[at]
			}
		}
	}
}

// placePhis puts a phi for each variable where definitions meet and it's still read.
func (p *promotion) placePhis() {
	p.dom = p.f.dominators()
	p.frontiers()
	n := p.f.NumBlocks()
	p.phis = make([][]phiOf, n)
	live, isDef, hasPhi := make([]int32, n), make([]int32, n), make([]int32, n)
	var work []*Block
	for i := range p.vars {
		mark := int32(i + 1)
		for _, b := range p.defs[i] {
			isDef[b.ID] = mark
		}
		work = append(work[:0], p.reads[i]...)
		for _, b := range work {
			live[b.ID] = mark
		}
		for len(work) > 0 {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			for _, pred := range b.Preds {
				if live[pred.ID] != mark && isDef[pred.ID] != mark {
					live[pred.ID] = mark
					work = append(work, pred)
				}
			}
		}
		work = append(work[:0], p.defs[i]...)
		for len(work) > 0 {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			for _, d := range p.front[b.ID] {
				if hasPhi[d.ID] == mark || live[d.ID] != mark {
					continue
				}
				hasPhi[d.ID] = mark
				phi := p.f.NewValue(d, 0, OpPhi, p.vars[i])
				phi.Args = make([]*Value, len(d.Preds))
				p.phis[d.ID] = append(p.phis[d.ID], phiOf{phi, int32(i)})
				if isDef[d.ID] != mark {
					work = append(work, d)
				}
			}
		}
	}
}

// rename walks the dominator tree and lets loads have what was stored last.
func (p *promotion) rename() {
	type frame struct {
		child int32 // next child to visit
		undo  int
	}
	p.cur = make([]*Value, len(p.vars))
	t := p.dom
	p.block(t.order[0])
	stack := []frame{{t.first[0], 0}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.child < 0 {
			for i := len(p.undo) - 1; i >= top.undo; i-- {
				p.cur[p.undo[i].vri] = p.undo[i].old
			}
			p.undo = p.undo[:top.undo]
			stack = stack[:len(stack)-1]
			continue
		}
		at := top.child
		top.child = t.next[at]
		stack = append(stack, frame{t.first[at], len(p.undo)})
		p.block(t.order[at])
	}
	for _, b := range t.order {
		phis := make([]*Value, len(p.phis[b.ID]))
		for i, ph := range p.phis[b.ID] {
			phis[i] = ph.v
		}
		b.insertBefore(0, phis...)
	}
	entry := t.order[0]
	at := entry.firstAfterPhis()
	for _, z := range p.zeros {
		if z != nil {
			entry.insertBefore(at, z)
		}
	}
}

func (p *promotion) set(i int32, v *Value) {
	p.undo = append(p.undo, undoVar{i, p.cur[i]})
	p.cur[i] = v
}

// get is the variable's value here.
func (p *promotion) get(i int32) *Value {
	if v := p.cur[i]; v != nil {
		return v
	}
	return p.zero(p.vars[i])
}

func (p *promotion) zero(t Type) *Value {
	if p.zeros[t] == nil {
		p.zeros[t] = p.f.NewValue(p.f.Entry(), 0, OpConst, t)
	}
	return p.zeros[t]
}

func (p *promotion) block(b *Block) {
	for _, ph := range p.phis[b.ID] {
		p.set(ph.vri, ph.v)
	}
	for _, v := range b.Values {
		switch i := p.variable(v); {
		case i >= 0 && v.Op == OpLoad:
			p.load(v, p.get(i))
		case i >= 0:
			p.store(v, p.vars[i])
			p.set(i, v)
		default:
			p.eachVar(v, func(i int32, _ bool) { p.set(i, p.zero(p.vars[i])) })
			if s, _, _ := p.zeroed(v); s != nil {
				v.Type = I64
				v.constant(0)
			}
		}
	}
	for i, s := range b.Succs {
		if len(p.phis[s.ID]) == 0 {
			continue
		}
		j := b.PredIndex(i)
		for _, ph := range p.phis[s.ID] {
			a := p.get(ph.vri)
			ph.v.Args[j] = a
			a.Uses++
		}
	}
}

// store turns the store v into the value that it stores, as type t.
func (p *promotion) store(v *Value, t Type) {
	a := v.Args[1]
	v.Type = t
	switch {
	case a.Type == t:
		v.copyOf(a)
	case t == I64 && a.Type == Bool:
		v.become(OpZExt8, a)
	case t == I64 && a.Type == I32:
		v.become(OpZExt32, a)
	default: // between Ptr and I64: a cast
		v.become(OpCopy, a)
	}
}

// load turns the load v into the value of the variable, whose stored bytes are the low
// ones of cur.
func (p *promotion) load(v, cur *Value) {
	m := v.Aux.(Mem)
	switch {
	case m.Size == 8 || v.Type == Bool && cur.Type == Bool || m.Size == 4 && v.Type == I32 && cur.Type == I32:
		v.become(OpCopy, cur) // a cast if the types differ
	case v.Type == Bool:
		v.become(OpNe, cur, p.zero(cur.Type))
	case m.Size == 4 && v.Type == I32:
		v.become(OpTrunc, cur)
	default:
		v.become(extension(m.Size, m.Signed), cur)
	}
}

// extension is the op that extends size bytes.
func extension(size uint8, signed bool) Op {
	ops := [...]Op{1: OpZExt8, 2: OpZExt16, 4: OpZExt32}
	op := ops[size]
	if signed {
		op -= OpZExt8 - OpSExt8
	}
	return op
}
