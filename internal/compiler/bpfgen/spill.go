package bpfgen

import "github.com/skep-bpf/skep/internal/bpf/isa"

// spillKind is how a register is spilled.
type spillKind uint8

const (
	// spillWhole: it has a home in the frame; between calls within a block, its
	// uses share a new register of kind spillShared.
	spillWhole spillKind = iota
	// spillRemade: as spillWhole, but it's made anew instead of loaded.
	spillRemade
	// spillShared: each use gets a register of kind spillTiny, which a write shares with
	// the updates right behind it and the store that ends them.
	spillShared
	// spillTiny: it's live around one inst and can't be spilled.
	spillTiny
)

// maker is a register's only write, if that can be repeated.
type maker struct {
	inst   inst
	writes int
	ok     bool
}

// spiller moves registers to the frame.
type spiller struct {
	m     *mfunc
	kinds []spillKind
	homes []int16 // by register: offset from r10, 0 if it has none
	makes []maker
	// current is, by spilled register, the one that holds it now, or noReg.
	current []vreg
	active  []vreg // the registers with a current
	spilled []bool
	out     []inst
}

func newSpiller(m *mfunc) *spiller {
	s := &spiller{m: m}
	s.grow()
	for _, b := range m.blocks {
		for i := range b.insts {
			in := &b.insts[i]
			in.eachWrite(func(r vreg) {
				mk := &s.makes[r]
				mk.writes++
				mk.inst, mk.ok = *in, mk.writes == 1 && in.remakes()
			})
		}
	}
	for r, mk := range s.makes {
		if mk.ok {
			s.kinds[r] = spillRemade
		}
	}
	return s
}

func (s *spiller) grow() {
	for vreg(len(s.kinds)) < s.m.nregs {
		s.kinds = append(s.kinds, spillWhole)
		s.homes = append(s.homes, 0)
		s.makes = append(s.makes, maker{})
		s.current = append(s.current, noReg)
		s.spilled = append(s.spilled, false)
	}
}

func (s *spiller) kind(r vreg) spillKind { return s.kinds[r] }

// spill rewrites the function so that the registers of list are in memory or remade.
func (s *spiller) spill(list []*interval) {
	s.assignHomes(list)
	for _, iv := range list {
		s.spilled[iv.reg] = true
	}
	for _, b := range s.m.blocks {
		s.out = make([]inst, 0, len(b.insts)+8)
		for i, in := range b.insts {
			s.rewrite(in, i+1 < len(b.insts) && b.insts[i+1].updates(in))
		}
		if b.term == termBranch {
			s.replaceReads(&b.cond)
		}
		s.forget()
		b.insts = s.out
	}
	for _, iv := range list {
		s.spilled[iv.reg] = false
	}
}

// assignHomes gives each register of list that is kept in memory 8 bytes of the frame;
// registers that aren't live at one time share them.
func (s *spiller) assignHomes(list []*interval) {
	type home struct {
		off  int16
		segs []segment
	}
	var homes []home
next:
	for _, iv := range list {
		if s.makes[iv.reg].ok || s.homes[iv.reg] != 0 {
			continue
		}
		for i := range homes {
			if h := &homes[i]; !overlaps(h.segs, iv.segs) {
				h.segs = merge(h.segs, iv.segs)
				s.homes[iv.reg] = h.off
				continue next
			}
		}
		s.m.stack += 8
		off := int16(-int32(s.m.stack))
		homes = append(homes, home{off, iv.segs})
		s.homes[iv.reg] = off
	}
}

// updates reports whether i changes the register that before has just written.
func (i *inst) updates(before inst) bool {
	k := i.roles()
	return before.roles().writeDst && k.readDst && k.writeDst && i.dst == before.dst
}

// rewrite appends in to out with what it takes to read and write spilled registers.
// If the next inst updates the register, its store to memory can wait for that.
func (s *spiller) rewrite(in inst, updated bool) {
	if s.rewriteMove(in) || s.rewriteHomeStore(in) {
		return
	}
	k := in.roles()
	dst, src := in.dst, in.src
	s.replaceReads(&in)
	written := noReg
	switch {
	case k.writeDst && s.spilled[dst]:
		if s.makes[dst].ok || s.loadsHome(&in, dst) {
			return // its uses make or load it
		}
		written = dst
		if !k.readDst {
			in.dst = s.fresh(dst)
		}
	case k.writeSrc && s.spilled[src]:
		written = src
	}
	s.out = append(s.out, in)
	if in.isCall() {
		s.forget()
	}
	if written != noReg && s.kinds[written] == spillWhole && !updated {
		s.store(s.homes[written], s.current[written], &in)
	}
	s.dropShared(dst, written)
	s.dropShared(src, written)
}

// dropShared ends the tiny register that holds r, a shared one, unless it was written
// just now: then it lives on to the store.
func (s *spiller) dropShared(r, written vreg) {
	if r.virtual() && r != written && s.kinds[r] == spillShared && s.spilled[r] {
		s.drop(r)
	}
}

// loadsHome reports whether in loads r, a shared register, from its home.
func (s *spiller) loadsHome(in *inst, r vreg) bool {
	return s.kinds[r] == spillShared && in.op == isa.ClassLDX|isa.ModeMEM|isa.SizeDW &&
		in.src == framePtr && in.off == s.homes[r]
}

// rewriteHomeStore keeps the store of a shared register to its home, which stands right
// behind the register's write, with the same tiny register.
func (s *spiller) rewriteHomeStore(in inst) bool {
	if in.op != isa.ClassSTX|isa.ModeMEM|isa.SizeDW || in.dst != framePtr || !s.spilled[in.src] ||
		s.kinds[in.src] != spillShared || in.off != s.homes[in.src] {
		return false
	}
	r := in.src
	in.src = s.current[r]
	if in.src == noReg {
		panic("BUG: bpfgen: the store of a spilled register doesn't follow its write")
	}
	s.out = append(s.out, in)
	s.drop(r)
	return true
}

// rewriteMove makes a move from a spilled register a load.
func (s *spiller) rewriteMove(in inst) bool {
	if !in.isMove() || !s.spilled[in.src] || s.spilled[in.dst] || s.current[in.src] != noReg {
		return false
	}
	s.fetch(in.dst, in.src, &in)
	return true
}

// replaceReads makes in read what holds its spilled registers.
func (s *spiller) replaceReads(in *inst) {
	k := in.roles()
	dst, src := in.dst, in.src
	if k.readDst && s.spilled[dst] {
		in.dst = s.holder(dst, in)
	}
	switch {
	case !k.readSrc || !s.spilled[src]:
	case k.readDst && dst == src:
		in.src = in.dst
	default:
		in.src = s.holder(src, in)
	}
}

// holder is the register that holds r before in.
func (s *spiller) holder(r vreg, in *inst) vreg {
	if h := s.current[r]; h != noReg {
		return h
	}
	h := s.fresh(r)
	s.fetch(h, r, in)
	return h
}

// fresh is a new register to hold r.
func (s *spiller) fresh(r vreg) vreg {
	h := s.m.newReg()
	s.grow()
	if s.kinds[r] == spillShared {
		s.kinds[h] = spillTiny
	} else {
		s.kinds[h] = spillShared
	}
	s.makes[h], s.homes[h] = s.makes[r], s.homes[r]
	if s.current[r] == noReg {
		s.active = append(s.active, r)
	}
	s.current[r] = h
	return h
}

// fetch makes dst hold r.
func (s *spiller) fetch(dst, r vreg, at *inst) {
	in := inst{op: isa.ClassLDX | isa.ModeMEM | isa.SizeDW, dst: dst, src: framePtr, off: s.homes[r], pos: at.pos}
	if s.makes[r].ok {
		in = s.makes[r].inst
		in.dst, in.pos = dst, at.pos
	}
	s.out = append(s.out, in)
}

func (s *spiller) store(home int16, r vreg, at *inst) {
	s.out = append(s.out, inst{
		op:  isa.ClassSTX | isa.ModeMEM | isa.SizeDW,
		dst: framePtr, src: r, off: home, pos: at.pos,
	})
}

func (s *spiller) drop(r vreg) { s.current[r] = noReg }

// forget drops all current registers: at calls and ends of blocks.
func (s *spiller) forget() {
	for _, r := range s.active {
		s.current[r] = noReg
	}
	s.active = s.active[:0]
}
