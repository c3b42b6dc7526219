package ssa

// A Move that copies a slot's bytes needn't keep the slot in memory: where the slot's fields
// are known it's taken apart into a load and a store for each. Of two slots that go, the fields
// of one are those of the other; of one that stays, as of memory outside, the fields have to lie
// where a load or store of their size can get at them.

// slotMove is a Move from or to a slot.
type slotMove struct {
	v        *Value
	dst, src access // slot is nil: it's no slot, or one that's not known well
}

// sides are a Move's slots that are to go; nil: that side stays memory.
func (p *promotion) sides(m *slotMove) (dst, src *access) {
	if s := m.dst.slot; s != nil && !p.refuse[s.ID] {
		dst = &m.dst
	}
	if s := m.src.slot; s != nil && !p.refuse[s.ID] {
		src = &m.src
	}
	return dst, src
}

// addMove notes a Move with its accesses, list.
func (p *promotion) addMove(v *Value, list []access) {
	m := slotMove{v: v}
	for _, a := range list {
		switch {
		case a.size < 0: // and collect refuses it
		case a.write:
			m.dst = a
		default:
			m.src = a
		}
	}
	p.moves = append(p.moves, m)
}

// settle finds the fields that Moves lead on to, and refuses slots whose Moves can't be taken
// apart, until nothing more follows.
func (p *promotion) settle(zeroes []access) {
	p.filled = make([]bool, len(p.refuse))
	p.refuseFills(zeroes)
	for again := true; again; {
		again = p.refuseZeroes(zeroes)
		for i := range p.moves {
			again = p.settleMove(&p.moves[i]) || again
		}
	}
}

// refuseFills refuses slots that are filled from memory on one way, and otherwise on another, as
// what a map may lack is: registers would hold the fields until they're used.
func (p *promotion) refuseFills(zeroes []access) {
	filled := make([]bool, len(p.refuse))
	for _, z := range zeroes {
		filled[z.slot.ID] = true
	}
	for i := range p.moves {
		if s := p.moves[i].dst.slot; s != nil && p.moves[i].src.slot == nil {
			p.refuse[s.ID] = p.refuse[s.ID] || filled[s.ID]
			filled[s.ID] = true
		}
	}
}

// settleMove reports whether it found a field or refused a slot.
func (p *promotion) settleMove(m *slotMove) bool {
	dst, src := p.sides(m)
	switch {
	case dst == nil && src == nil:
		return false
	case dst != nil && src != nil:
		there := p.spread(src, dst)
		return p.spread(dst, src) || there
	case src != nil:
		return p.settleSide(m, src, true)
	}
	return p.settleSide(m, dst, false)
}

// spread gives the fields of a range to another.
func (p *promotion) spread(from, to *access) bool {
	some := false
	for _, fd := range p.fields[from.slot.ID] {
		if !from.overlaps(fd.off, int64(fd.size)) {
			continue
		}
		if fd.off < from.off || fd.off+int64(fd.size) > from.off+from.size {
			p.refuse[from.slot.ID], p.refuse[to.slot.ID] = true, true
			return true
		}
		a := access{slot: to.slot, off: fd.off - from.off + to.off, size: int64(fd.size)}
		some = p.addField(a, fd.typ) || some
	}
	return some
}

// settleSide sees to a Move between memory that stays and a slot that goes. If memory is
// written, all of its bytes have a field.
func (p *promotion) settleSide(m *slotMove, a *access, written bool) bool {
	align := int64(max(m.v.Aux.(MoveInfo).Align, 1))
	count := int64(0)
	for _, fd := range p.fields[a.slot.ID] {
		size := int64(fd.size)
		if a.overlaps(fd.off, size) && (fd.off < a.off || fd.off+size > a.off+a.size || size > align || (fd.off-a.off)%size != 0) {
			p.refuse[a.slot.ID] = true
			return true
		}
		if a.overlaps(fd.off, size) {
			count++
		}
	}
	if count > 2 && count*4 > a.size { // memory brings many small fields together
		p.refuse[a.slot.ID] = true
		return true
	}
	if !written {
		some := !p.filled[a.slot.ID]
		p.filled[a.slot.ID] = true
		return some
	}
	return p.fillGaps(a, align)
}

// fillGaps makes fields of the bytes of a that have none.
func (p *promotion) fillGaps(a *access, align int64) bool {
	if a.size > maxTracked {
		p.refuse[a.slot.ID] = true
		return true
	}
	var taken byteMask
	for _, fd := range p.fields[a.slot.ID] {
		if from := fd.off - a.off; a.overlaps(fd.off, int64(fd.size)) {
			taken.set(int(from), int(from)+int(fd.size), true)
		}
	}
	some := false
	for at := int64(0); at < a.size && !p.refuse[a.slot.ID]; {
		size := int64(1)
		for free := func(n int64) bool { return p.isFree(&taken, at, n, a.size) }; size < align && free(2*size); {
			size *= 2
		}
		if !taken.has(int(at)) {
			if p.filled[a.slot.ID] { // a copy of a copy: its bytes would be carried in registers
				p.refuse[a.slot.ID] = true
				return true
			}
			t := I64
			if size < 8 {
				t = I32
			}
			some = p.addField(access{slot: a.slot, off: a.off + at, size: size}, t) || some
		}
		at += size
	}
	return some
}

// isFree reports whether n aligned bytes of size ones have no field.
func (p *promotion) isFree(taken *byteMask, at, n, size int64) bool {
	if at%n != 0 || at+n > size {
		return false
	}
	for i := at; i < at+n; i++ {
		if taken.has(int(i)) {
			return false
		}
	}
	return true
}

// splitMoves takes the Moves of slots that go apart.
func (p *promotion) splitMoves() {
	split := map[*Value]*slotMove{}
	for i := range p.moves {
		m := &p.moves[i]
		if dst, src := p.sides(m); dst != nil || src != nil {
			split[m.v] = m
		}
	}
	if len(split) == 0 {
		return
	}
	for _, b := range p.f.Blocks {
		var out []*Value
		for i, v := range b.Values {
			m := split[v]
			if m == nil {
				if out != nil {
					out = append(out, v)
				}
				continue
			}
			if out == nil {
				out = append(make([]*Value, 0, len(b.Values)+8), b.Values[:i]...)
			}
			out = append(out, p.split(m)...)
		}
		if out != nil {
			b.Values = out
		}
	}
}

// split is the loads and stores that a Move is made of.
func (p *promotion) split(m *slotMove) []*Value {
	dst, src := p.sides(m)
	a := src
	if a == nil {
		a = dst
	}
	v, info := m.v, m.v.Aux.(MoveInfo)
	var loads, stores []*Value
	for _, fd := range p.fields[a.slot.ID] {
		if !a.overlaps(fd.off, int64(fd.size)) {
			continue
		}
		load := p.f.NewValue(v.Block, v.Pos, OpLoad, fd.typ, v.Args[1])
		load.AuxInt, load.Aux = fd.off-a.off, Mem{Size: fd.size, Class: info.Src}
		store := p.f.NewValue(v.Block, v.Pos, OpStore, Void, v.Args[0], load)
		store.AuxInt, store.Aux = load.AuxInt, Mem{Size: fd.size, Class: info.Dst}
		loads, stores = append(loads, load), append(stores, store)
	}
	v.unuse()
	return append(loads, stores...)
}
