package ssa

// domTree holds a function's reachable blocks in reverse postorder and their dominators.
// It is made anew by each pass that needs it: making it is linear in practice.
type domTree struct {
	order []*Block // reverse postorder; order[0] is the entry
	index []int32  // by block ID: its place in order, -1 unreachable
	idom  []int32  // by place in order: the place of its immediate dominator
	// pre and post number a walk over the tree: a dominates b if b's interval lies in a's.
	pre, post []int32
	first     []int32 // by place: the first child in the tree, or -1
	next      []int32 // by place: the next sibling, or -1
}

// postorder lists the reachable blocks, each after its successors but for back edges.
func (f *Func) postorder() []*Block {
	type frame struct {
		b *Block
		i int
	}
	seen := make([]bool, f.NumBlocks())
	out := make([]*Block, 0, len(f.Blocks))
	stack := []frame{{f.Entry(), 0}}
	seen[f.Entry().ID] = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.i == len(top.b.Succs) {
			out = append(out, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		s := top.b.Succs[top.i]
		top.i++
		if !seen[s.ID] {
			seen[s.ID] = true
			stack = append(stack, frame{s, 0})
		}
	}
	return out
}

// reversePostorder lists the reachable blocks, each before its successors but for back edges.
func (f *Func) reversePostorder() []*Block {
	out := f.postorder()
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// dominators computes the tree by the iteration of Cooper, Harvey and Kennedy
// ("A Simple, Fast Dominance Algorithm").
func (f *Func) dominators() *domTree {
	t := &domTree{order: f.reversePostorder(), index: make([]int32, f.NumBlocks())}
	for i := range t.index {
		t.index[i] = -1
	}
	for i, b := range t.order {
		t.index[b.ID] = int32(i)
	}
	n := len(t.order)
	t.idom = make([]int32, n)
	for i := 1; i < n; i++ {
		t.idom[i] = -1
	}
	for changed := true; changed; {
		changed = false
		for i := 1; i < n; i++ {
			if d := t.meet(t.order[i]); d != t.idom[i] {
				t.idom[i], changed = d, true
			}
		}
	}
	t.number()
	return t
}

// meet is the place of the deepest block that dominates all of b's predecessors done so far.
func (t *domTree) meet(b *Block) int32 {
	d := int32(-1)
	for _, p := range b.Preds {
		i := t.index[p.ID]
		if i < 0 || i > 0 && t.idom[i] < 0 {
			continue
		}
		if d < 0 {
			d = i
		}
		for d != i {
			for i > d {
				i = t.idom[i]
			}
			for d > i {
				d = t.idom[d]
			}
		}
	}
	return d
}

// number links children to parents and numbers the tree's walk.
func (t *domTree) number() {
	n := len(t.order)
	t.first, t.next = make([]int32, n), make([]int32, n)
	t.pre, t.post = make([]int32, n), make([]int32, n)
	for i := range n {
		t.first[i], t.next[i] = -1, -1
	}
	for i := n - 1; i > 0; i-- { // children end up in reverse postorder
		d := t.idom[i]
		t.next[i], t.first[d] = t.first[d], int32(i)
	}
	clock := int32(0)
	for at := int32(0); ; {
		clock++
		t.pre[at] = clock
		if t.first[at] >= 0 {
			at = t.first[at]
			continue
		}
		for {
			clock++
			t.post[at] = clock
			if at == 0 {
				return
			}
			if t.next[at] >= 0 {
				at = t.next[at]
				break
			}
			at = t.idom[at]
		}
	}
}

// reachable reports whether a path leads from the entry to b.
func (t *domTree) reachable(b *Block) bool { return t.index[b.ID] >= 0 }

// dominates reports whether every path to b goes through a; a block dominates itself.
// Both are reachable.
func (t *domTree) dominates(a, b *Block) bool {
	i, j := t.index[a.ID], t.index[b.ID]
	return t.pre[i] <= t.pre[j] && t.post[j] <= t.post[i]
}
