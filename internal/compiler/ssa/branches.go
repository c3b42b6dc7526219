package ssa

// branches simplifies control flow: conditions that are constant or known from a
// dominating branch, negated conditions, blocks without values, blocks with one way in
// from a block with one way out, and jumps to a block whose branch is known to the jumper.
func branches(f *Func, o *Options) {
	for round := 0; round < maxRounds; round++ {
		changed := knownConditions(f)
		for _, b := range f.Blocks {
			changed = condition(b) || changed
		}
		for _, b := range f.Blocks[1:] {
			changed = thread(b) || changed
			changed = skipEmpty(b) || changed
		}
		unreachable(f, o)
		for _, b := range f.Blocks {
			for mergeNext(b) {
				changed = true
			}
		}
		if !changed {
			break
		}
		unreachable(f, o)
		copyelim(f)
	}
	deadcode(f, o)
}

// condition simplifies b's branch by its condition alone.
func condition(b *Block) bool {
	if b.Kind != BlockIf {
		return false
	}
	c := source(b.Control)
	if n, ok := c.isConst(); ok {
		b.jumpOnly(int(b2i(n == 0)))
		return true
	}
	if b.Succs[0] == b.Succs[1] {
		if !samePhiArgs(b.Succs[0], b.PredIndex(0), b.PredIndex(1)) {
			return false
		}
		b.jumpOnly(0)
		return true
	}
	if c.Op != OpEq && c.Op != OpNe && c.Op != OpXor {
		return false
	}
	n, ok := right(c)
	if !ok || c.Op == OpXor && (n != 1 || c.Type != Bool) || c.Op != OpXor && n != 0 {
		return false
	}
	b.SetControl(c.Args[0])
	if c.Op != OpNe {
		b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
		b.Likely = -b.Likely
	}
	return true
}

// samePhiArgs reports whether c's phis have one argument for their edges i and j.
func samePhiArgs(c *Block, i, j int) bool {
	for _, v := range c.Values {
		if v.Op != OpPhi {
			break
		}
		if source(v.Args[i]) != source(v.Args[j]) {
			return false
		}
	}
	return true
}

// hasPhis reports whether b begins with a phi.
func (b *Block) hasPhis() bool { return len(b.Values) > 0 && b.Values[0].Op == OpPhi }

// goesTo reports whether an edge leads from b to c.
func (b *Block) goesTo(c *Block) bool {
	for _, s := range b.Succs {
		if s == c {
			return true
		}
	}
	return false
}

// skipEmpty sends the edges into b, which does nothing but jump, to where it jumps.
func skipEmpty(b *Block) bool {
	if len(b.Values) > 0 || b.Kind != BlockPlain || len(b.Preds) == 0 || b.Succs[0] == b {
		return false
	}
	c := b.Succs[0]
	if c.hasPhis() {
		for _, p := range b.Preds {
			if p.goesTo(c) {
				return false // two edges from p to c might need different arguments
			}
		}
	}
	j := b.PredIndex(0)
	for n, p := range b.Preds {
		for i, s := range p.Succs {
			if s == b {
				p.Succs[i] = c
			}
		}
		if n == 0 {
			c.Preds[j] = p
			continue
		}
		c.Preds = append(c.Preds, p)
		for _, v := range c.Values {
			if v.Op != OpPhi {
				break
			}
			v.AddArg(v.Args[j])
		}
	}
	b.Preds, b.Succs = nil, nil
	return true
}

// mergeNext appends to b the block it jumps to, if nothing else goes there.
func mergeNext(b *Block) bool {
	if b.Kind != BlockPlain {
		return false
	}
	c := b.Succs[0]
	if c == b || len(c.Preds) != 1 || c == b.Func.Entry() {
		return false
	}
	for _, v := range c.Values {
		if v.Op == OpPhi {
			v.copyOf(v.Args[0])
		}
		v.Block = b
	}
	b.Values = append(b.Values, c.Values...)
	b.Kind, b.Likely, b.Pos = c.Kind, c.Likely, c.Pos
	b.Control, b.Succs = c.Control, c.Succs
	for _, s := range b.Succs {
		for i, p := range s.Preds {
			if p == c {
				s.Preds[i] = b
			}
		}
	}
	// c goes as an unreachable block.
	c.Kind, c.Control, c.Values, c.Preds, c.Succs = BlockRet, nil, nil, nil, nil
	return true
}

// thread sends those edges into b on which b's condition is known past b. b holds only
// phis and perhaps the comparison that it branches on, and its phis are used only there
// and by the phis of its successors.
func thread(b *Block) bool {
	if b.Kind != BlockIf || b.goesTo(b) || !threadable(b) {
		return false
	}
	changed := false
	for j := len(b.Preds) - 1; j >= 0; j-- {
		p := b.Preds[j]
		truth, known := edgeTruth(b, j)
		if !known || p == b {
			continue
		}
		k := int(b2i(!truth))
		t := b.Succs[k]
		if t.hasPhis() && p.goesTo(t) {
			continue
		}
		at := b.PredIndex(k)
		for _, v := range t.Values {
			if v.Op != OpPhi {
				break
			}
			a := v.Args[at]
			if a.Block == b && a.Op == OpPhi {
				a = a.Args[j]
			}
			v.AddArg(a)
		}
		p.Succs[edgeOf(b, j)] = t
		t.Preds = append(t.Preds, p)
		b.removePred(j)
		changed = true
	}
	return changed
}

// edgeOf is the place in its block's Succs of the edge that is b.Preds[j].
func edgeOf(b *Block, j int) int {
	p, nth := b.Preds[j], 0
	for _, q := range b.Preds[:j] {
		if q == p {
			nth++
		}
	}
	for i, s := range p.Succs {
		if s == b {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	panic("BUG: predecessor entry without an edge")
}

// threadable reports whether edges may pass b by.
func threadable(b *Block) bool {
	c := b.Control
	for _, v := range b.Values {
		if v.Op == OpPhi {
			if !usedNearby(b, v) {
				return false
			}
		} else if v != c || v.Uses != 1 || !isCompare(v.Op) {
			return false
		}
	}
	return true
}

// usedNearby reports whether only b's condition and its successors' phis use phi.
func usedNearby(b *Block, phi *Value) bool {
	uses := int32(b2i(b.Control == phi))
	if c := b.Control; c.Block == b && c.Op != OpPhi {
		for _, a := range c.Args {
			uses += int32(b2i(a == phi))
		}
	}
	for i, s := range b.Succs {
		if !s.hasPhis() {
			continue
		}
		j := b.PredIndex(i)
		for _, v := range s.Values {
			if v.Op != OpPhi {
				break
			}
			uses += int32(b2i(v.Args[j] == phi))
		}
	}
	return uses == phi.Uses
}

// edgeTruth tells b's condition when b is entered by b.Preds[j].
func edgeTruth(b *Block, j int) (truth, known bool) {
	onEdge := func(v *Value) *Value {
		if v.Block == b && v.Op == OpPhi {
			return source(v.Args[j])
		}
		return v
	}
	c := onEdge(b.Control)
	if n, ok := c.isConst(); ok {
		return n != 0, true
	}
	if c.Block == b && isCompare(c.Op) {
		x, ok1 := onEdge(c.Args[0]).isConst()
		y, ok2 := onEdge(c.Args[1]).isConst()
		if ok1 && ok2 {
			return evalCompare(c.Op, x, y)
		}
		return false, false
	}
	if p := b.Preds[j]; p.Kind == BlockIf && source(p.Control) == c {
		return edgeOf(b, j) == 0, true
	}
	return false, false
}

// knownConditions decides branches on a value that a dominating branch decided.
func knownConditions(f *Func) bool {
	type entry struct {
		at   int32 // the block's place
		undo *Value
	}
	t := f.dominators()
	known := make([]int8, f.NumValues()) // by value ID: 1 not zero, -1 zero
	changed := false
	work := []entry{{at: 0}}
	for len(work) > 0 {
		e := work[len(work)-1]
		work = work[:len(work)-1]
		if e.undo != nil {
			known[e.undo.ID] = 0
			continue
		}
		b := t.order[e.at]
		if v, truth := entryCondition(b); v != nil && known[v.ID] == 0 {
			known[v.ID] = truth
			work = append(work, entry{undo: v})
		}
		for c := t.first[e.at]; c >= 0; c = t.next[c] {
			work = append(work, entry{at: c})
		}
		if b.Kind != BlockIf {
			continue
		}
		if k := known[source(b.Control).ID]; k != 0 {
			b.jumpOnly(int(b2i(k < 0)))
			changed = true
		}
	}
	if changed {
		unreachable(f, nil)
	}
	return changed
}

// entryCondition is the value that is known in b, which has one way in, and 1 if it's
// not zero there, -1 if it is.
func entryCondition(b *Block) (*Value, int8) {
	if len(b.Preds) != 1 {
		return nil, 0
	}
	p := b.Preds[0]
	if p.Kind != BlockIf || p.Succs[0] == p.Succs[1] {
		return nil, 0
	}
	if p.Succs[0] == b {
		return source(p.Control), 1
	}
	return source(p.Control), -1
}
