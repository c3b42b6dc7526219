package ssa

// gvn merges values that compute the same: pure operations and pure helper calls where
// one dominates the other, loads of memory that doesn't change while the program runs
// likewise, and other loads along a path without a join (an extended block) on which
// nothing wrote there; a load of what such a path stored gets the stored value.
func gvn(f *Func, o *Options) {
	g := &numbering{f: f, o: o, uses: f.slotUses(), pool: newConstPool(f), dom: f.dominators()}
	g.table = make([]int32, tableSize(f))
	for i := range g.table {
		g.table[i] = -1
	}
	g.writers()
	g.walk()
	g.pool.flush()
	copyelim(f)
	deadcode(f, o)
}

func tableSize(f *Func) int {
	n := 64
	for n < f.NumValues() {
		n *= 2
	}
	return n
}

type numbering struct {
	f    *Func
	o    *Options
	uses *slotUses
	pool *constPool
	dom  *domTree

	// The hash table of the values that dominate the place the walk is at: heads by
	// hash, entries chained, removed in reverse order when the walk leaves a block.
	table   []int32
	entries []numbered

	mem  available
	list []access
	// written has the classes that f writes somewhere, besides slots; callees has those
	// that functions write, f's too.
	written *classes
	callees map[*Func]*classes
}

type numbered struct {
	v    *Value
	hash uint32
	next int32
}

// classes is a set of memory classes.
type classes [MemConst + 1]bool

// writers finds the classes whose loads aren't the same everywhere.
func (g *numbering) writers() {
	g.callees = map[*Func]*classes{}
	g.written = g.writtenBy(g.f)
}

// writtenBy are the classes besides slots that f may write, by itself or by what it calls.
func (g *numbering) writtenBy(f *Func) *classes {
	if w := g.callees[f]; w != nil {
		return w
	}
	w := &classes{}
	g.callees[f] = w
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for c := range w {
				if MemClass(c) != MemSlot && !w[c] {
					w[c] = g.writes(v, MemClass(c))
				}
			}
		}
	}
	return w
}

// writes reports whether v may change memory of class c, which isn't MemSlot.
func (g *numbering) writes(v *Value, c MemClass) bool {
	if v.Op.Info().Effect&Writes == 0 {
		return false
	}
	dst := MemAny
	switch v.Op {
	case OpCall:
		h := g.o.helper(v.AuxInt)
		return !h.Pure && (c == MemMap || c == MemAny || h.KernelWrites && c != MemConst)
	case OpKfunc:
		return c != MemConst
	case OpCallFunc:
		return g.writtenBy(v.Aux.(*Func))[c]
	case OpTailCall:
		return false // it doesn't come back, or did nothing
	case OpMove:
		dst = v.Aux.(MoveInfo).Dst
	default:
		dst = v.Aux.(Mem).Class
	}
	return dst == c || dst == MemAny && c != MemConst || c == MemAny && dst != MemSlot
}

// walk visits the dominator tree.
func (g *numbering) walk() {
	type entry struct {
		at    int32
		mark  int      // ≥ 0: leaving, drop the entries from here on
		state []memory // what the block's only predecessor knew at its end
	}
	t := g.dom
	work := []entry{{at: 0, mark: -1}}
	for len(work) > 0 {
		e := work[len(work)-1]
		work = work[:len(work)-1]
		if e.mark >= 0 {
			g.drop(e.mark)
			continue
		}
		work = append(work, entry{mark: len(g.entries)})
		g.mem.list = append(g.mem.list[:0], e.state...)
		b := t.order[e.at]
		g.block(b)
		var state []memory
		for c := t.first[e.at]; c >= 0; c = t.next[c] {
			next := entry{at: c, mark: -1}
			if len(t.order[c].Preds) == 1 {
				if state == nil {
					state = append(state, g.mem.list...)
				}
				next.state = state
			}
			work = append(work, next)
		}
	}
}

func (g *numbering) drop(mark int) {
	for i := len(g.entries) - 1; i >= mark; i-- {
		e := &g.entries[i]
		g.table[e.hash&uint32(len(g.table)-1)] = e.next
	}
	g.entries = g.entries[:mark]
}

func (g *numbering) block(b *Block) {
	for _, v := range b.Values {
		for i, a := range v.Args {
			if s := source(a); s != a {
				v.SetArg(i, s)
			}
		}
		switch {
		case v.Op == OpConst:
			v.copyOf(g.pool.get(v.Type, v.AuxInt))
		case g.numberable(v):
			g.number(v)
		default:
			g.memory(v)
		}
	}
}

// numberable reports whether equal arguments mean an equal result, wherever v stands.
func (g *numbering) numberable(v *Value) bool {
	switch v.Op {
	case OpParam:
		return false
	case OpPhi:
		return true // equal only to one of the same block
	case OpCall:
		return v.Type != Void && g.o.helper(v.AuxInt).Pure
	case OpLoad:
		switch c := v.Aux.(Mem).Class; c {
		case MemConst, MemCtx, MemKernel:
			return !g.written[c]
		}
		return false
	}
	return v.Op.Info().Effect == Pure
}

// number makes v a copy of an equal value, or enters it in the table.
func (g *numbering) number(v *Value) {
	if v.Op.Info().Commutes && v.Args[0].Type == v.Args[1].Type && v.Args[0].ID > v.Args[1].ID && v.Args[1].Op != OpConst {
		v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
	}
	h := hashValue(v)
	head := &g.table[h&uint32(len(g.table)-1)]
	for i := *head; i >= 0; i = g.entries[i].next {
		if e := &g.entries[i]; e.hash == h && sameValue(e.v, v) {
			v.copyOf(e.v)
			return
		}
	}
	g.entries = append(g.entries, numbered{v, h, *head})
	*head = int32(len(g.entries) - 1)
}

func hashValue(v *Value) uint32 {
	h := uint64(v.Op)*31 + uint64(v.Type)
	h = (h ^ uint64(v.AuxInt)) * 0x9e3779b97f4a7c15
	for _, a := range v.Args {
		h = (h ^ h>>29 ^ uint64(a.ID)) * 0xbf58476d1ce4e5b9
	}
	if s, ok := v.Aux.(*Slot); ok {
		h = (h ^ uint64(s.ID)) * 0x94d049bb133111eb
	}
	return uint32(h >> 32)
}

func sameValue(a, b *Value) bool {
	if a.Op != b.Op || a.Type != b.Type || a.AuxInt != b.AuxInt || len(a.Args) != len(b.Args) ||
		a.Aux != b.Aux || a.Op == OpPhi && a.Block != b.Block {
		return false
	}
	for i := range a.Args {
		if a.Args[i] != b.Args[i] {
			return false
		}
	}
	return true
}
