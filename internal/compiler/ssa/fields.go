package ssa

// maxFields bounds the fields of a slot that is taken apart.
const maxFields = 64

// field is a part of a slot that is accessed as a whole.
type field struct {
	off  int64
	size uint8
	typ  Type // the type of the variable; Void until an access is seen
	v    int32
}

// collect finds the fields and numbers the variables of the slots that qualify.
func (p *promotion) collect(o *Options) {
	f := p.f
	p.fields = make([][]field, len(f.Slots))
	p.refuse = append([]bool(nil), p.uses.escaped...)
	var zeroes []access
	var list []access
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			list, _ = p.uses.accesses(v, o, list[:0])
			for _, a := range list {
				switch {
				case a.size < 0:
					p.refuse[a.slot.ID] = true
				case v.Op == OpLoad:
					p.addField(a, v.Type)
				case v.Op == OpStore:
					p.addField(a, v.Args[1].Type)
				case v.Op == OpZero:
					zeroes = append(zeroes, a)
				case v.Op == OpMove:
				default:
					p.refuse[a.slot.ID] = true
				}
			}
			if v.Op == OpMove && len(list) > 0 {
				p.addMove(v, list)
			}
		}
	}
	p.settle(zeroes)
	p.splitMoves()
	for id, fields := range p.fields {
		for i := range fields {
			if !p.refuse[id] {
				fields[i].v = int32(len(p.vars))
				p.vars = append(p.vars, fields[i].typ)
			}
		}
	}
}

// refuseZeroes refuses slots of which a field is zeroed in part, and reports whether there are.
func (p *promotion) refuseZeroes(zeroes []access) bool {
	some := false
	for _, z := range zeroes {
		for _, fd := range p.fields[z.slot.ID] {
			inside := z.off <= fd.off && fd.off+int64(fd.size) <= z.off+z.size
			if !inside && z.overlaps(fd.off, int64(fd.size)) && !p.refuse[z.slot.ID] {
				p.refuse[z.slot.ID], some = true, true
			}
		}
	}
	return some
}

// addField notes an access of type t, and reports whether it changes what's known.
func (p *promotion) addField(a access, t Type) bool {
	id := a.slot.ID
	if p.refuse[id] {
		return false
	}
	for i := range p.fields[id] {
		fd := &p.fields[id][i]
		if fd.off == a.off && int64(fd.size) == a.size {
			old := fd.typ
			fd.typ = joinTypes(fd.typ, t)
			return fd.typ != old
		}
		if a.overlaps(fd.off, int64(fd.size)) {
			p.refuse[id] = true
			return true
		}
	}
	if len(p.fields[id]) == maxFields || a.off < 0 || a.off+a.size > int64(a.slot.Size) {
		p.refuse[id] = true
		return true
	}
	p.fields[id] = append(p.fields[id], field{off: a.off, size: uint8(a.size), typ: t, v: -1})
	return true
}

// joinTypes is the type of a variable that is accessed as a and as b: a pointer stays
// one; of integers the widest.
func joinTypes(a, b Type) Type {
	switch {
	case a == b:
		return a
	case a == Ptr || b == Ptr:
		return Ptr
	}
	return I64
}
