package bpfgen

// simplify drops unreachable blocks, jumps to jumps and branches without a choice,
// merges blocks that only follow each other, and puts the rest in the order of the code.
func (m *mfunc) simplify() {
	for _, b := range m.blocks {
		for i, to := range b.succs {
			b.succs[i] = thread(to)
		}
		if b.term == termBranch && b.succs[0] == b.succs[1] {
			b.term, b.succs = termJump, b.succs[:1]
		}
	}
	m.link()
	for _, b := range m.blocks {
		if b.term == termJump && b.succs[0].isExit() {
			b.term, b.succs = termRet, nil
		}
	}
	m.link()
	for _, b := range m.blocks {
		if b.preds == nil && b != m.blocks[0] {
			continue // merged
		}
		for b.term == termJump && b.succs[0] != b && len(b.succs[0].preds) == 1 {
			b.absorb(b.succs[0])
		}
	}
	m.link()
	m.layout()
}

// thread is where a jump to b ends up.
func thread(b *block) *block {
	for n := 0; len(b.insts) == 0 && b.term == termJump && n < 1000; n++ {
		b = b.succs[0]
	}
	return b
}

// isExit reports whether b does nothing but return.
func (b *block) isExit() bool { return b.term == termRet && len(b.insts) == 0 }

// absorb appends next, which only b jumps to.
func (b *block) absorb(next *block) {
	b.insts = append(b.insts, next.insts...)
	b.term, b.cond, b.pos, b.likely, b.succs = next.term, next.cond, next.pos, next.likely, next.succs
	next.insts, next.preds, next.succs = nil, nil, nil
	next.term = termRet
	for _, to := range b.succs {
		for i, p := range to.preds {
			if p == next {
				to.preds[i] = b
			}
		}
	}
}

// link puts the reachable blocks in reverse postorder, numbers them, and sets preds.
func (m *mfunc) link() {
	for i, b := range m.blocks {
		b.id = i
	}
	m.blocks = reversePostorder(m.blocks[0], len(m.blocks),
		func(b *block) int { return b.id }, func(b *block) []*block { return b.succs })
	for i, b := range m.blocks {
		b.id, b.preds = i, nil
	}
	for _, b := range m.blocks {
		for _, to := range b.succs {
			to.preds = append(to.preds, b)
		}
	}
}

// layout sets the loop depths and the blocks' order: traces that follow the likely, the
// inner and then the nearer successor; unlikely blocks go last.
func (m *mfunc) layout() {
	g := make(preds, len(m.blocks))
	for i, b := range m.blocks {
		for _, p := range b.preds {
			g[i] = append(g[i], p.id)
		}
	}
	for i, d := range g.loopDepths() {
		m.blocks[i].depth = d
	}
	cold := m.cold()
	placed := make([]bool, len(m.blocks))
	out := make([]*block, 0, len(m.blocks))
	for _, wantCold := range []bool{false, true} {
		for _, b := range m.blocks {
			if cold[b.id] && !wantCold {
				continue
			}
			for b != nil && !placed[b.id] {
				placed[b.id] = true
				out = append(out, b)
				b = b.next(placed, cold)
			}
		}
	}
	m.blocks = out
	for i, b := range m.blocks {
		b.id = i
	}
}

// cold tells the blocks that only unlikely edges lead to.
func (m *mfunc) cold() []bool {
	cold := make([]bool, len(m.blocks))
	for i, b := range m.blocks {
		cold[i] = i > 0
		for _, p := range b.preds {
			if p.id < i && !cold[p.id] && !p.unlikely(b) {
				cold[i] = false
			}
		}
	}
	return cold
}

// unlikely reports whether b's edge to next is the unlikely one.
func (b *block) unlikely(next *block) bool {
	return b.term == termBranch && (b.likely > 0 && b.succs[1] == next || b.likely < 0 && b.succs[0] == next)
}

// next is the successor that best follows b, or nil. A block that others than b come
// before waits for them: whichever comes last falls into it.
func (b *block) next(placed, cold []bool) *block {
	var best *block
	for _, to := range b.succs {
		if placed[to.id] || cold[to.id] && !cold[b.id] || b.term == termJump && to.waits(b, placed, cold) {
			continue
		}
		switch {
		case best == nil, b.unlikely(best), !b.unlikely(to) && to.depth > best.depth,
			!b.unlikely(to) && to.depth == best.depth && to.id < best.id:
			best = to
		}
	}
	return best
}

// waits reports whether a block that goes on to b, besides from, isn't placed yet.
func (b *block) waits(from *block, placed, cold []bool) bool {
	for _, p := range b.preds {
		if p != from && p.id < b.id && !placed[p.id] && (!cold[p.id] || cold[b.id]) {
			return true
		}
	}
	return false
}

// maxInverted is how many insts of a loop's head invertLoops repeats.
const maxInverted = 2

// invertLoops repeats the short head of a loop, which decides whether to go on, in the
// place of the jump back to it: that saves a jump in each turn. (Moving the head to the
// loop's end instead would need no copy, but before 6.7 the verifier refuses to fall
// into a block that it has reached by a jump forward.)
func (m *mfunc) invertLoops() {
	changed := false
	for _, b := range m.blocks {
		if b.term != termJump {
			continue
		}
		head := b.succs[0]
		if head.id > b.id || head == b || head.term != termBranch || len(head.insts) > maxInverted {
			continue
		}
		b.insts = append(b.insts, head.insts...)
		b.term, b.cond, b.pos, b.likely = head.term, head.cond, head.pos, head.likely
		b.succs = append([]*block(nil), head.succs...)
		changed = true
	}
	if changed {
		m.simplify()
	}
}
