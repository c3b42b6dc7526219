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

// dominators computes the tree with semidominators and nearest common ancestors
// (Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", SNCA).
func (f *Func) dominators() *domTree {
	t := &domTree{order: f.reversePostorder(), index: make([]int32, f.NumBlocks())}
	for i := range t.index {
		t.index[i] = -1
	}
	for i, b := range t.order {
		t.index[b.ID] = int32(i)
	}
	s := newSemi(f, len(t.order))
	s.compute()
	t.idom = make([]int32, len(t.order))
	for n, b := range s.block {
		t.idom[t.index[b.ID]] = t.index[s.block[s.idom[n]].ID]
	}
	t.number()
	return t
}

// semi is the state of SNCA; all but num are by preorder number.
type semi struct {
	num          []int32 // by block ID: preorder number, -1 unreachable
	block        []*Block
	parent, idom []int32
	sdom         []int32 // semidominator
	label        []int32 // of the path compressed so far: where its least sdom is
	anc          []int32 // the path's upper end
	path         []int32 // scratch
}

// newSemi numbers f's n reachable blocks in preorder.
func newSemi(f *Func, n int) *semi {
	s := &semi{num: make([]int32, f.NumBlocks())}
	all := make([]int32, 5*n)
	cut := func(i int) []int32 { return all[i*n : (i+1)*n : (i+1)*n] }
	s.parent, s.idom, s.sdom, s.label, s.anc = cut(0), cut(1), cut(2), cut(3), cut(4)
	for i := range s.num {
		s.num[i] = -1
	}
	type edge struct {
		b    *Block
		from int32
	}
	stack := []edge{{f.Entry(), 0}}
	for len(stack) > 0 {
		e := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.num[e.b.ID] >= 0 {
			continue
		}
		at := int32(len(s.block))
		s.num[e.b.ID] = at
		s.block = append(s.block, e.b)
		s.parent[at], s.idom[at], s.anc[at] = e.from, e.from, e.from
		s.sdom[at], s.label[at] = at, at
		for i := len(e.b.Succs) - 1; i >= 0; i-- {
			stack = append(stack, edge{e.b.Succs[i], at})
		}
	}
	return s
}

func (s *semi) compute() {
	for w := int32(len(s.block)) - 1; w > 0; w-- {
		for _, p := range s.block[w].Preds {
			if v := s.num[p.ID]; v >= 0 {
				s.sdom[w] = min(s.sdom[w], s.sdom[s.eval(v, w)])
			}
		}
		s.label[w] = w
	}
	for w := int32(1); int(w) < len(s.block); w++ {
		for s.idom[w] > s.sdom[w] {
			s.idom[w] = s.idom[s.idom[w]]
		}
	}
}

// eval is where the least semidominator is on the tree path from v up to blocks that
// are numbered after w, whose semidominators are done; it compresses that path.
func (s *semi) eval(v, w int32) int32 {
	if v <= w {
		return v
	}
	s.path = s.path[:0]
	for u := v; s.anc[u] > w; u = s.anc[u] {
		s.path = append(s.path, u)
	}
	for i := len(s.path) - 1; i >= 0; i-- {
		u := s.path[i]
		a := s.anc[u]
		if s.sdom[s.label[a]] < s.sdom[s.label[u]] {
			s.label[u] = s.label[a]
		}
		s.anc[u] = s.anc[a]
	}
	return s.label[v]
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
