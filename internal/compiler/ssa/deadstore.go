package ssa

import "math/bits"

// deadstore drops stores and zeroes of slot bytes that nothing reads before they are
// written again or the function returns, and narrows zeroes to the bytes that matter:
// of a key with padding, the padding. Slots whose address has escaped are left alone.
func deadstore(f *Func, o *Options) {
	d := newByteLive(f, o)
	if !d.track() {
		return
	}
	d.solve(false)
	for _, b := range d.order {
		d.rewrite(b)
	}
	deadcode(f, o)
}

// maxTracked is the size in bytes of the largest slot whose bytes are told apart; of a
// larger one all are one.
const maxTracked = 256

// byteLive is the liveness of slots' bytes.
type byteLive struct {
	f       *Func
	o       *Options
	uses    *slotUses
	order   []*Block // postorder
	tracked []bool   // by slot ID
	flow    *slotFlow
	live    []byteMask // by slot ID: at the place that a block is walked to
	list    []access
}

func newByteLive(f *Func, o *Options) *byteLive {
	return &byteLive{f: f, o: o, uses: f.slotUses(), order: f.postorder(), live: make([]byteMask, len(f.Slots))}
}

// track finds the slots whose accesses are all known; false if there are none.
func (d *byteLive) track() bool {
	d.tracked = make([]bool, len(d.f.Slots))
	any := false
	for _, b := range d.f.Blocks {
		for _, v := range b.Values {
			if v.Op == OpSlotAddr && !d.uses.escaped[v.Aux.(*Slot).ID] {
				d.tracked[v.Aux.(*Slot).ID], any = true, true
			}
		}
	}
	return any
}

// span are the bytes that a touches; ok is false for an untracked slot. part: not every byte
// that they stand for.
func (d *byteLive) span(a *access) (from, to int, part, ok bool) {
	if !d.tracked[a.slot.ID] {
		return 0, 0, false, false
	}
	size := int64(a.slot.Size)
	if size > maxTracked {
		return 0, 1, a.size < 0 || a.off > 0 || a.off+a.size < size, true
	}
	if a.size < 0 {
		return 0, int(size), true, true
	}
	lo, hi := min(max(a.off, 0), size), min(max(a.off+a.size, 0), size)
	return int(lo), int(hi), false, true
}

// step makes live, the bytes read after v, those read after what precedes v.
func (d *byteLive) step(v *Value) {
	d.each(v, func(slot, from, to int) { d.live[slot].set(from, to, false) },
		func(slot, from, to int) { d.live[slot].set(from, to, true) })
}

// each calls write for what v writes in any case, then read for what it may read.
func (d *byteLive) each(v *Value, write, read func(slot, from, to int)) {
	d.list, _ = d.uses.accesses(v, d.o, d.list[:0])
	for i := range d.list {
		a := &d.list[i]
		if from, to, part, ok := d.span(a); ok && a.write && a.all && !part {
			write(a.slot.ID, from, to)
		}
	}
	for i := range d.list {
		a := &d.list[i]
		if from, to, _, ok := d.span(a); ok && a.read {
			read(a.slot.ID, from, to)
		}
	}
}

// solve computes flow; starts: where slots are started as well.
func (d *byteLive) solve(starts bool) {
	d.flow = newSlotFlow(d.f)
	d.flow.wantStarts = starts
	for _, b := range d.order {
		for i := len(b.Values) - 1; i >= 0; i-- {
			if b.Values[i].Op.Info().Effect&(Reads|Writes) == 0 {
				continue
			}
			d.each(b.Values[i], func(slot, from, to int) {
				w := d.flow.of(slot, b)
				w.gen.set(from, to, false)
				w.kill.set(from, to, true)
			}, func(slot, from, to int) { d.flow.of(slot, b).gen.set(from, to, true) })
			for j := range d.list {
				if slot := d.list[j].slot.ID; d.tracked[slot] {
					d.flow.of(slot, b) // touched, if no more
				}
			}
		}
	}
	d.flow.solve()
}

// enter makes live the bytes that are live at the end of b.
func (d *byteLive) enter(b *Block) {
	for _, l := range d.flow.out[b.ID] {
		d.live[l.slot] = l.mask
	}
}

// leave forgets what is live in b.
func (d *byteLive) leave(b *Block) {
	for _, l := range d.flow.out[b.ID] {
		d.live[l.slot] = byteMask{}
	}
	for _, slot := range d.flow.touched[b.ID] {
		d.live[slot] = byteMask{}
	}
}

// rewrite drops and narrows the writes of b.
func (d *byteLive) rewrite(b *Block) {
	d.enter(b)
	var out []*Value // backwards
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		before := len(out)
		if a, ok := d.plainWrite(v); ok {
			out = d.write(v, a, out)
		} else {
			out = append(out, v)
		}
		for _, w := range out[before:] {
			d.step(w)
		}
	}
	d.leave(b)
	b.Values = b.Values[:0]
	for i := len(out) - 1; i >= 0; i-- {
		b.Values = append(b.Values, out[i])
	}
}

// plainWrite reports whether v only writes to a tracked slot, and what.
func (d *byteLive) plainWrite(v *Value) (access, bool) {
	if v.Op != OpStore && v.Op != OpZero && v.Op != OpMove {
		return access{}, false
	}
	list, unknown := d.uses.accesses(v, d.o, d.list[:0])
	d.list = list
	if unknown && v.Op != OpMove || len(list) == 0 {
		return access{}, false
	}
	a := list[len(list)-1] // a Move's write comes last
	return a, a.write && d.tracked[a.slot.ID]
}

// write appends v, what is left of it, or nothing to out, which is backwards.
func (d *byteLive) write(v *Value, a access, out []*Value) []*Value {
	from, to, part, _ := d.span(&a)
	used := false
	for j := from; j < to; j++ {
		used = used || d.live[a.slot.ID].has(j)
	}
	if !used {
		v.unuse()
		return out
	}
	if v.Op != OpZero || part || a.slot.Size > maxTracked {
		return append(out, v)
	}
	return d.narrow(v, a, out)
}

// piece is a range of a slot's bytes.
type piece struct{ from, to int64 }

// stores is about how many stores zero p.
func (p piece) stores() int64 { return (p.to+7)/8 - p.from/8 }

// narrow cuts the Zero v down to the live bytes.
func (d *byteLive) narrow(v *Value, a access, out []*Value) []*Value {
	whole := piece{a.off, a.off + a.size}
	parts := livePieces(whole, func(i int64) bool { return d.live[a.slot.ID].has(int(i)) })
	sum := int64(0)
	for _, p := range parts {
		sum += p.stores()
	}
	hull := piece{parts[0].from, parts[len(parts)-1].to}
	if sum >= hull.stores() {
		parts = []piece{hull}
	}
	if len(parts) == 1 && parts[0] == whole {
		return append(out, v)
	}
	for _, p := range parts {
		addr := d.f.NewValue(v.Block, v.Pos, OpSlotAddr, Ptr)
		addr.Aux, addr.AuxInt = a.slot, p.from
		d.uses.set(addr, slotRef{a.slot, p.from, true})
		z := d.f.NewValue(v.Block, v.Pos, OpZero, Void, addr)
		z.AuxInt, z.Aux = p.to-p.from, Mem{Size: alignAt(a.slot, p.from), Class: MemSlot}
		out = append(out, z, addr)
	}
	v.unuse()
	return out
}

// alignAt is the alignment of offset off in s.
func alignAt(s *Slot, off int64) uint8 {
	n := int64(slotAlign(s))
	if off != 0 {
		n = min(n, off&-off)
	}
	return uint8(n)
}

// livePieces covers the live bytes of whole by pieces that one store each can zero,
// joined where they touch.
func livePieces(whole piece, live func(i int64) bool) []piece {
	var out []piece
	for word := whole.from &^ 7; word < whole.to; word += 8 {
		mask := uint8(0)
		for i := range int64(8) {
			if at := word + i; whole.from <= at && at < whole.to && live(at) {
				mask |= 1 << i
			}
		}
		if mask == 0 {
			continue
		}
		lo, hi := int64(bits.TrailingZeros8(mask)), int64(bits.Len8(mask)) // live: [lo, hi)
		size := int64(1)
		for lo&^(size-1)+size < hi {
			size *= 2
		}
		lo &^= size - 1
		p := piece{max(word+lo, whole.from), min(word+lo+size, whole.to)}
		if n := len(out); n > 0 && out[n-1].to == p.from {
			out[n-1].to = p.to
		} else {
			out = append(out, p)
		}
	}
	return out
}
