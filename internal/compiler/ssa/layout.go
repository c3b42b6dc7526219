package ssa

import (
	"cmp"
	"math/bits"
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

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (s bitset) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s bitset) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bitset) remove(i int)   { s[i/64] &^= 1 << (i % 64) }

// eachAnd calls fn for each number in both s and t.
func (s bitset) eachAnd(t bitset, fn func(i int)) {
	for w, x := range s {
		for x &= t[w]; x != 0; x &= x - 1 {
			fn(w*64 + bits.TrailingZeros64(x))
		}
	}
}

// union adds t to s and reports whether s grew.
func (s bitset) union(t bitset) bool {
	grew := false
	for i, x := range t {
		grew = grew || x&^s[i] != 0
		s[i] |= x
	}
	return grew
}

// slotLive finds which slots are live at one time.
type slotLive struct {
	f     *Func
	o     *Options
	uses  *slotUses
	used  []bool   // by slot ID
	order []*Block // postorder
	// By block ID. gen: the block may read the slot before it overwrites all of it.
	// kill: it overwrites all of it first. touch: it touches it.
	gen, kill, touch []bitset
	out, started     []bitset // live at the end; touched on some path before the start
	conflicts        []bitset // by slot ID
	list             []access
}

func newSlotLive(f *Func, o *Options) *slotLive {
	l := &slotLive{f: f, o: o, uses: f.slotUses(), used: make([]bool, len(f.Slots)), order: f.postorder()}
	sets := func(n int) []bitset {
		words := (len(f.Slots) + 63) / 64
		all := make(bitset, n*words)
		out := make([]bitset, n)
		for i := range out {
			out[i] = all[i*words : (i+1)*words]
		}
		return out
	}
	n := f.NumBlocks()
	l.gen, l.kill, l.touch, l.out, l.started = sets(n), sets(n), sets(n), sets(n), sets(n)
	l.conflicts = sets(len(f.Slots))
	for _, b := range l.order {
		l.local(b)
	}
	l.solve()
	for _, b := range l.order {
		l.interfere(b)
	}
	l.escaped()
	return l
}

// local sets gen, kill and touch of b.
func (l *slotLive) local(b *Block) {
	gen, kill, touch := l.gen[b.ID], l.kill[b.ID], l.touch[b.ID]
	for _, v := range b.Values {
		l.list, _ = l.uses.accesses(v, l.o, l.list[:0])
		for i := range l.list {
			a := &l.list[i]
			id := a.slot.ID
			l.used[id] = true
			touch.add(id)
			switch {
			case kill.has(id) || gen.has(id):
			case a.covers():
				kill.add(id)
			default:
				gen.add(id)
			}
		}
	}
}

// solve computes out, backwards, and started, forwards.
func (l *slotLive) solve() {
	in := newBitset(len(l.f.Slots))
	for changed := true; changed; {
		changed = false
		for _, b := range l.order {
			for _, s := range b.Succs {
				for w := range in {
					in[w] = l.gen[s.ID][w] | l.out[s.ID][w]&^l.kill[s.ID][w]
				}
				changed = l.out[b.ID].union(in) || changed
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for i := len(l.order) - 1; i >= 0; i-- {
			b := l.order[i]
			for _, s := range b.Succs {
				changed = l.started[s.ID].union(l.started[b.ID]) || changed
				changed = l.started[s.ID].union(l.touch[b.ID]) || changed
			}
		}
	}
}

// interfere walks b backwards; a slot touched where another is live conflicts with it.
func (l *slotLive) interfere(b *Block) {
	live := slices.Clone(l.out[b.ID])
	started := slices.Clone(l.started[b.ID])
	started.union(l.touch[b.ID])
	first := make(map[int]int) // by slot: where b touches it first
	for i, v := range b.Values {
		l.list, _ = l.uses.accesses(v, l.o, l.list[:0])
		for _, a := range l.list {
			if _, ok := first[a.slot.ID]; !ok {
				first[a.slot.ID] = i
			}
		}
	}
	for i := len(b.Values) - 1; i >= 0; i-- {
		l.list, _ = l.uses.accesses(b.Values[i], l.o, l.list[:0])
		for j := range l.list {
			id := l.list[j].slot.ID
			live.eachAnd(started, func(other int) { l.conflict(id, other) })
			for k := range l.list[:j] {
				l.conflict(id, l.list[k].slot.ID)
			}
		}
		for j := range l.list {
			a := &l.list[j]
			if a.covers() {
				live.remove(a.slot.ID)
			}
		}
		for j := range l.list {
			a := &l.list[j]
			if !a.covers() {
				live.add(a.slot.ID)
			}
			if first[a.slot.ID] == i && !l.started[b.ID].has(a.slot.ID) {
				started.remove(a.slot.ID)
			}
		}
	}
}

func (l *slotLive) conflict(a, b int) {
	if a != b {
		l.conflicts[a].add(b)
		l.conflicts[b].add(a)
	}
}

// escaped makes slots whose address is about conflict with all others, and gives each
// slot whose address is computed a place.
func (l *slotLive) escaped() {
	for _, b := range l.f.Blocks {
		for _, v := range b.Values {
			if v.Op == OpSlotAddr && v.Uses > 0 {
				l.used[v.Aux.(*Slot).ID] = true
			}
		}
	}
	for id, esc := range l.uses.escaped {
		for other := range l.f.Slots {
			if esc {
				l.conflict(id, other)
			}
		}
	}
}

// layout places the slots, the largest first, each as near to r10 (or to the start of the
// scratch row) as those it conflicts with let it.
func (l *slotLive) layout() Layout {
	f := l.f
	out := Layout{Offset: make([]int32, len(f.Slots)), Used: slices.Clone(l.used)}
	bySize := slices.Clone(f.Slots)
	slices.SortStableFunc(bySize, func(a, b *Slot) int { return cmp.Compare(b.Size, a.Size) })
	at := make([]uint32, len(f.Slots)) // by slot ID: distance of its near end
	var done []*Slot                   // placed ones, by at
	for _, s := range bySize {
		if !l.used[s.ID] {
			continue
		}
		off := l.place(s, done, at)
		at[s.ID] = off
		i, _ := slices.BinarySearchFunc(done, off, func(d *Slot, off uint32) int { return cmp.Compare(at[d.ID], off) })
		done = slices.Insert(done, i, s)
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

// place finds the nearest free bytes for s. done is ascending by at.
func (l *slotLive) place(s *Slot, done []*Slot, at []uint32) uint32 {
	align := slotAlign(s)
	fit := func(off uint32) uint32 {
		if s.Scratch {
			return (off + align - 1) &^ (align - 1)
		}
		return (off+s.Size+align-1)&^(align-1) - s.Size // the far end is the aligned one
	}
	off := fit(0)
	for _, d := range done {
		if d.Scratch != s.Scratch || !l.conflicts[s.ID].has(d.ID) {
			continue
		}
		if off < at[d.ID]+d.Size && at[d.ID] < off+s.Size {
			off = fit(at[d.ID] + d.Size)
		}
	}
	return off
}
