package ssa

// byteMask is a set of a slot's bytes, of those that are told apart.
type byteMask [maxTracked / 64]uint64

func (m *byteMask) empty() bool { return *m == byteMask{} }

func (m *byteMask) has(i int) bool { return m[i/64]>>(i%64)&1 != 0 }

// set adds or removes the bytes from lo to before hi.
func (m *byteMask) set(lo, hi int, on bool) {
	for i := lo; i < hi; i++ {
		if on {
			m[i/64] |= 1 << (i % 64)
		} else {
			m[i/64] &^= 1 << (i % 64)
		}
	}
}

// flow is what one block does to a slot: gen are the bytes that it reads before it writes them,
// kill those that it writes whatever was there.
type flow struct {
	block     *Block
	gen, kill byteMask
}

// before is what is live before the block, of which out is live after it.
func (w *flow) before(out *byteMask) (in byteMask) {
	for i := range in {
		in[i] = w.gen[i] | out[i]&^w.kill[i]
	}
	return in
}

// liveSlot is a slot, and its bytes that are live at some place.
type liveSlot struct {
	slot int
	mask byteMask
}

// slotFlow is the liveness of slots at the ends of blocks. It's found for one slot after
// another, over the blocks between its writes and its reads: most slots live in few blocks
// of many, so that all blocks' sets of all slots would be nearly empty.
type slotFlow struct {
	flows [][]flow // by slot ID: what the blocks that touch it do
	// out, by block ID, are the slots that are live at its end.
	out     [][]liveSlot
	touched [][]int // by block ID: the slots with a flow there

	// started, by block ID, are the slots that are live at its start and that may have been
	// touched before; found if wanted.
	started    [][]int
	wantStarts bool

	// Of the slot that's being solved, by block ID; seen tells whose it is.
	seen  []int
	live  []byteMask
	at    []int // index of the block's flow, or -1
	begun []int // whose start it is in started
	blank flow
}

func newSlotFlow(f *Func) *slotFlow {
	n := f.NumBlocks()
	s := &slotFlow{flows: make([][]flow, len(f.Slots)), out: make([][]liveSlot, n), touched: make([][]int, n),
		seen: make([]int, n), live: make([]byteMask, n), at: make([]int, n), started: make([][]int, n), begun: make([]int, n)}
	for i := range s.seen {
		s.seen[i], s.begun[i] = -1, -1
	}
	return s
}

// of is the flow of a slot in block b, made if need be; calls for one block follow one another.
func (s *slotFlow) of(slot int, b *Block) *flow {
	list := s.flows[slot]
	if n := len(list); n > 0 && list[n-1].block == b {
		return &list[n-1]
	}
	s.flows[slot], s.touched[b.ID] = append(list, flow{block: b}), append(s.touched[b.ID], slot)
	return &s.flows[slot][len(list)]
}

// solve finds out.
func (s *slotFlow) solve() {
	for slot := range s.flows {
		s.solveSlot(slot)
	}
}

// visit makes b's state that of a slot.
func (s *slotFlow) visit(slot int, b *Block) {
	if s.seen[b.ID] != slot {
		s.seen[b.ID], s.live[b.ID], s.at[b.ID] = slot, byteMask{}, -1
	}
}

func (s *slotFlow) solveSlot(slot int) {
	var work, reached []*Block
	for i := range s.flows[slot] {
		b := s.flows[slot][i].block
		s.visit(slot, b)
		s.at[b.ID] = i
		if !s.flows[slot][i].gen.empty() {
			work = append(work, b)
		}
	}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		w := &s.blank
		if i := s.at[b.ID]; i >= 0 {
			w = &s.flows[slot][i]
		}
		in := w.before(&s.live[b.ID])
		for _, p := range b.Preds {
			s.visit(slot, p)
			grown, first := s.live[p.ID], s.live[p.ID].empty()
			for i := range in {
				grown[i] |= in[i]
			}
			if grown == s.live[p.ID] {
				continue
			}
			s.live[p.ID] = grown
			if first {
				reached = append(reached, p)
			}
			work = append(work, p)
		}
	}
	for _, b := range reached {
		s.out[b.ID] = append(s.out[b.ID], liveSlot{slot, s.live[b.ID]})
	}
	if s.wantStarts {
		s.start(slot)
	}
}

// start finds the blocks that a slot is started at: those that are reached from one which
// touches it while it's live.
func (s *slotFlow) start(slot int) {
	var work []*Block
	for i := range s.flows[slot] {
		work = append(work, s.flows[slot][i].block)
	}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		for _, next := range b.Succs {
			if !s.liveAtStart(slot, next) || s.begun[next.ID] == slot {
				continue
			}
			s.begun[next.ID] = slot
			s.started[next.ID] = append(s.started[next.ID], slot)
			work = append(work, next)
		}
	}
}

func (s *slotFlow) liveAtStart(slot int, b *Block) bool {
	if s.seen[b.ID] != slot {
		return false
	}
	w := &s.blank
	if i := s.at[b.ID]; i >= 0 {
		w = &s.flows[slot][i]
	}
	in := w.before(&s.live[b.ID])
	return !in.empty()
}
