package ssa

import (
	"cmp"
	"slices"
)

// Layout says where a function's slots live.
type Layout struct {
	// Offset is by slot ID: bytes from r10, negative; for a slot with Scratch bytes
	// from the start of the function's part of the scratch row. 0 and Used unset: the
	// slot isn't used and has no place.
	Offset []int32
	Used   []bool
	// Stack and Scratch are the bytes taken, multiples of 8.
	Stack, Scratch uint32
}

// LayoutSlots gives f's slots their places. Slots that are never live at one time share
// bytes. A slot is live from its first write to the last use of a pointer into it.
func LayoutSlots(f *Func, o Options) Layout { return newSlotLive(f, &o).layout() }

// AssignSlots is LayoutSlots that first sets Scratch on slots, the largest first, until
// the stack takes at most limit bytes. Slots that hold pointers stay on the stack, since
// the verifier forgets what a pointer in a map is, so the stack may still be too large.
func AssignSlots(f *Func, limit uint32, o Options) Layout {
	live := newSlotLive(f, &o)
	for {
		l := live.layout()
		if l.Stack <= limit {
			return l
		}
		var largest *Slot
		for _, s := range f.Slots {
			if l.Used[s.ID] && !s.Scratch && !live.uses.stack[s.ID] && (largest == nil || s.Size > largest.Size) {
				largest = s
			}
		}
		if largest == nil {
			return l
		}
		largest.Scratch = true
	}
}

// slotLive finds which slots are live at one time: those of whose bytes any is.
type slotLive struct {
	*byteLive
	used []bool // by slot ID
	// conflicts, by slot ID, are the slots that are live at one time with it, but for those whose
	// address is about: they conflict with all.
	conflicts [][]int

	// At the place that interfere has come to: the live slots, and by slot ID where they are
	// in that list (0: nowhere, else one more), and whether the slot was touched before.
	alive   []int
	aliveAt []int
	started []bool
	first   []int // by slot ID: the value of the block that touches it first
}

func newSlotLive(f *Func, o *Options) *slotLive {
	n := len(f.Slots)
	l := &slotLive{byteLive: newByteLive(f, o), used: make([]bool, n),
		conflicts: make([][]int, n), aliveAt: make([]int, n), started: make([]bool, n), first: make([]int, n)}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == OpSlotAddr && v.Uses > 0 {
				l.used[v.Aux.(*Slot).ID] = true
			}
		}
	}
	if !l.track() {
		return l
	}
	l.solve(true)
	for _, b := range l.order {
		l.interfere(b)
	}
	for id, list := range l.conflicts {
		slices.Sort(list)
		l.conflicts[id] = slices.Compact(list)
	}
	return l
}

// update brings the list of live slots up to date with a slot's bytes.
func (l *slotLive) update(id int) {
	if l.live[id].empty() {
		l.removeLive(id)
	} else {
		l.addLive(id)
	}
}

func (l *slotLive) addLive(id int) {
	if l.aliveAt[id] == 0 {
		l.alive = append(l.alive, id)
		l.aliveAt[id] = len(l.alive)
	}
}

func (l *slotLive) removeLive(id int) {
	at := l.aliveAt[id]
	if at == 0 {
		return
	}
	last := l.alive[len(l.alive)-1]
	l.alive[at-1], l.aliveAt[last] = last, at
	l.alive, l.aliveAt[id] = l.alive[:len(l.alive)-1], 0
}

// interfere walks b backwards; a slot touched where another is live conflicts with it.
func (l *slotLive) interfere(b *Block) {
	l.enter(b)
	for _, s := range l.flow.out[b.ID] {
		l.addLive(s.slot)
	}
	for _, id := range l.flow.touched[b.ID] {
		l.started[id], l.first[id] = true, -1
	}
	for _, id := range l.flow.started[b.ID] {
		l.started[id], l.first[id] = true, -2 // before b
	}
	for i, v := range b.Values {
		l.list, _ = l.uses.accesses(v, l.o, l.list[:0])
		for _, a := range l.list {
			l.used[a.slot.ID] = true
			if l.first[a.slot.ID] == -1 {
				l.first[a.slot.ID] = i
			}
		}
	}
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		list, _ := l.uses.accesses(v, l.o, nil)
		for j := range list {
			id := list[j].slot.ID
			for _, other := range l.alive {
				if l.started[other] {
					l.conflict(id, other)
				}
			}
			for k := range list[:j] {
				l.conflict(id, list[k].slot.ID)
			}
		}
		l.step(v)
		for j := range list {
			id := list[j].slot.ID
			l.update(id)
			if l.first[id] == i {
				l.started[id] = false
			}
		}
	}
	for len(l.alive) > 0 {
		l.removeLive(l.alive[0])
	}
	for _, list := range [][]int{l.flow.touched[b.ID], l.flow.started[b.ID]} {
		for _, id := range list {
			l.started[id] = false
		}
	}
	l.leave(b)
}

func (l *slotLive) conflict(a, b int) {
	if a != b {
		l.conflicts[a] = append(l.conflicts[a], b)
		l.conflicts[b] = append(l.conflicts[b], a)
	}
}

// layout places the slots, the largest first, each as near to r10 (or to the start of the
// scratch row) as those it conflicts with let it.
func (l *slotLive) layout() Layout {
	f := l.f
	out := Layout{Offset: make([]int32, len(f.Slots)), Used: slices.Clone(l.used)}
	bySize := slices.Clone(f.Slots)
	slices.SortStableFunc(bySize, func(a, b *Slot) int { return cmp.Compare(b.Size, a.Size) })
	p := &places{at: make([]uint32, len(f.Slots)), done: make([]bool, len(f.Slots))}
	for _, s := range bySize {
		if !l.used[s.ID] {
			continue
		}
		off := l.place(s, p)
		p.at[s.ID], p.done[s.ID] = off, true
		p.all = append(p.all, s.ID)
		if l.uses.escaped[s.ID] {
			p.escaped = append(p.escaped, s.ID)
		}
		end := (off + s.Size + 7) &^ 7
		if s.Scratch {
			out.Offset[s.ID] = int32(off)
			out.Scratch = max(out.Scratch, end)
		} else {
			out.Offset[s.ID] = -int32(off + s.Size)
			out.Stack = max(out.Stack, end)
		}
	}
	return out
}

// slotAlign is the alignment that s gets, in bytes. Of 8 bytes and more it's 8, so that
// wide stores can fill the slot.
func slotAlign(s *Slot) uint32 {
	if s.Size >= 8 {
		return 8
	}
	return max(s.Align, 1)
}

// places are where slots have been put so far.
type places struct {
	at   []uint32 // by slot ID: distance of its near end
	done []bool
	// By slot ID: all that are placed, and those of them whose address is about.
	all, escaped []int
}

// place finds the nearest free bytes for s.
func (l *slotLive) place(s *Slot, p *places) uint32 {
	align := slotAlign(s)
	fit := func(off uint32) uint32 {
		if s.Scratch {
			return (off + align - 1) &^ (align - 1)
		}
		return (off+s.Size+align-1)&^(align-1) - s.Size // the far end is the aligned one
	}
	others := p.all
	if !l.uses.escaped[s.ID] {
		others = slices.Clone(p.escaped)
		for _, id := range l.conflicts[s.ID] {
			if p.done[id] && !l.uses.escaped[id] {
				others = append(others, id)
			}
		}
	}
	others = slices.SortedFunc(slices.Values(others), func(a, b int) int { return cmp.Compare(p.at[a], p.at[b]) })
	off := fit(0)
	for _, id := range others {
		d := l.f.Slots[id]
		if d.Scratch != s.Scratch {
			continue
		}
		if off < p.at[id]+d.Size && p.at[id] < off+s.Size {
			off = fit(p.at[id] + d.Size)
		}
	}
	return off
}
