package bpfgen

import "github.com/skep-bpf/skep/internal/compiler/ssa"

// preds is a flow graph whose nodes are numbered in reverse postorder: by node, its
// predecessors. Node 0 is the entry; each other one can be reached.
type preds [][]int

// reversePostorder lists what can be reached from entry, each before its successors
// but for back edges. id is dense, below n.
func reversePostorder[B any](entry B, n int, id func(B) int, succs func(B) []B) []B {
	type frame struct {
		b B
		i int
	}
	seen := make([]bool, n)
	var post []B
	stack := []frame{{b: entry}}
	seen[id(entry)] = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		list := succs(top.b)
		if top.i == len(list) {
			post = append(post, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		s := list[top.i]
		top.i++
		if !seen[id(s)] {
			seen[id(s)] = true
			stack = append(stack, frame{b: s})
		}
	}
	for i, j := 0, len(post)-1; i < j; i, j = i+1, j-1 {
		post[i], post[j] = post[j], post[i]
	}
	return post
}

// ssaOrder is the reverse postorder of f's reachable blocks.
func ssaOrder(f *ssa.Func) []*ssa.Block {
	return reversePostorder(f.Entry(), f.NumBlocks(),
		func(b *ssa.Block) int { return int(b.ID) }, func(b *ssa.Block) []*ssa.Block { return b.Succs })
}

// ssaPreds is the graph of order, and by block ID the place in it, -1 if unreachable.
func ssaPreds(f *ssa.Func, order []*ssa.Block) (g preds, place []int) {
	place = make([]int, f.NumBlocks())
	for i := range place {
		place[i] = -1
	}
	for i, b := range order {
		place[b.ID] = i
	}
	g = make(preds, len(order))
	for i, b := range order {
		for _, p := range b.Preds {
			if j := place[p.ID]; j >= 0 {
				g[i] = append(g[i], j)
			}
		}
	}
	return g, place
}

// dominators gives each node its immediate dominator (Cooper, Harvey, Kennedy: "A
// Simple, Fast Dominance Algorithm").
func (g preds) dominators() []int {
	idom := make([]int, len(g))
	for i := range idom {
		idom[i] = -1
	}
	idom[0] = 0
	for changed := true; changed; {
		changed = false
		for i := 1; i < len(g); i++ {
			d := -1
			for _, j := range g[i] {
				switch {
				case idom[j] < 0:
				case d < 0:
					d = j
				default:
					d = meet(idom, d, j)
				}
			}
			if idom[i] != d {
				idom[i], changed = d, true
			}
		}
	}
	return idom
}

// meet is the nearest node that dominates both a and b.
func meet(idom []int, a, b int) int {
	for a != b {
		for a > b {
			a = idom[a]
		}
		for b > a {
			b = idom[b]
		}
	}
	return a
}

// loopDepths counts the loops around each node: the back edges to a node make one loop,
// of the nodes that reach such an edge without passing the node.
func (g preds) loopDepths() []int32 {
	depth := make([]int32, len(g))
	seen := make([]int, len(g)) // 1 + the head whose loop the node was last found in
	var body []int
	for head := range g {
		body = body[:0]
		for _, j := range g[head] {
			if j >= head && seen[j] != head+1 {
				seen[j] = head + 1
				body = append(body, j)
			}
		}
		if len(body) == 0 {
			continue
		}
		if seen[head] != head+1 {
			seen[head] = head + 1
			depth[head]++
		}
		for len(body) > 0 {
			n := body[len(body)-1]
			body = body[:len(body)-1]
			depth[n]++
			if n == head {
				continue
			}
			for _, j := range g[n] {
				if seen[j] != head+1 {
					seen[j] = head + 1
					body = append(body, j)
				}
			}
		}
	}
	return depth
}
