package ssa

// memory is something known of memory: the bytes at off hold the low size bytes of val.
type memory struct {
	slot      *Slot  // the slot they lie in, or
	ptr       *Value // the pointer they were loaded through
	class     MemClass
	off, size int64
	val       *Value // nil: zero
}

// maxAvailable bounds what is known at a time, so that the pass stays linear.
const maxAvailable = 48

// available is what is known where the walk is.
type available struct{ list []memory }

func (m *available) add(e memory) {
	if len(m.list) == maxAvailable {
		copy(m.list, m.list[1:])
		m.list = m.list[:maxAvailable-1]
	}
	m.list = append(m.list, e)
}

// kill forgets what dead says.
func (m *available) kill(dead func(e *memory) bool) {
	keep := m.list[:0]
	for i := range m.list {
		if !dead(&m.list[i]) {
			keep = append(keep, m.list[i])
		}
	}
	m.list = keep
}

// memory lets a load have a known value, and notes what v does to memory.
func (g *numbering) memory(v *Value) {
	if v.Op == OpLoad {
		g.load(v)
		return
	}
	if v.Op.Info().Effect&Writes == 0 {
		return
	}
	var moved []memory // what is known afterwards, besides what v says itself
	if v.Op == OpMove {
		moved = g.moved(v)
	}
	var unknown bool
	g.list, unknown = g.uses.accesses(v, g.o, g.list[:0])
	g.mem.kill(func(e *memory) bool {
		if e.slot == nil {
			return g.writes(v, e.class)
		}
		for i := range g.list {
			if a := &g.list[i]; a.write && a.slot == e.slot && a.overlaps(e.off, e.size) {
				if e.val == nil && a.size > 0 && v.Op != OpCall { // a call may write there twice
					moved = append(moved, around(e, a)...)
				}
				return true
			}
		}
		return unknown && g.uses.escaped[e.slot.ID]
	})
	for _, e := range moved {
		g.mem.add(e)
	}
	for _, a := range g.list {
		if !a.write || !a.all {
			continue
		}
		switch v.Op {
		case OpStore:
			g.mem.add(memory{slot: a.slot, off: a.off, size: a.size, val: v.Args[1]})
		case OpZero:
			g.mem.add(memory{slot: a.slot, off: a.off, size: a.size})
		}
	}
}

// around is what stays zero of e when a is written.
func around(e *memory, a *access) (out []memory) {
	if before := *e; e.off < a.off {
		before.size = a.off - e.off
		out = append(out, before)
	}
	if after := *e; a.off+a.size < e.off+e.size {
		after.off = a.off + a.size
		after.size = e.off + e.size - after.off
		out = append(out, after)
	}
	return out
}

// moved is what is known of the bytes that v, a Move, copies, as of their new place.
func (g *numbering) moved(v *Value) (out []memory) {
	dst, ok1 := g.uses.through(v.Args[0], 0, v.AuxInt)
	src, ok2 := g.uses.through(v.Args[1], 0, v.AuxInt)
	if !ok1 || !ok2 || dst.size < 0 || src.size < 0 {
		return nil
	}
	for _, e := range g.mem.list {
		if e.slot == src.slot && src.off <= e.off && e.off+e.size <= src.off+src.size {
			e.slot, e.off = dst.slot, e.off-src.off+dst.off
			out = append(out, e)
		}
	}
	return out
}

// load replaces v by what is known of its bytes, or notes that v has them.
func (g *numbering) load(v *Value) {
	m := v.Aux.(Mem)
	at := memory{ptr: v.Args[0], class: m.Class, off: v.AuxInt, size: int64(m.Size), val: v}
	if a, ok := g.uses.through(v.Args[0], v.AuxInt, int64(m.Size)); ok {
		if a.size < 0 {
			return
		}
		at.slot, at.ptr, at.off = a.slot, nil, a.off
	} else if m.Class == MemAny || m.Class == MemSlot || m.Class == MemRecord {
		return
	}
	for i := len(g.mem.list) - 1; i >= 0; i-- {
		e := &g.mem.list[i]
		if e.slot != at.slot || e.ptr != at.ptr || e.class != at.class && at.slot == nil {
			continue
		}
		if e.val == nil && e.off <= at.off && at.off+at.size <= e.off+e.size {
			v.constant(0)
			return
		}
		if e.off != at.off || e.size != at.size {
			continue
		}
		if at.slot == nil { // another CPU may write between the two: only the same load will do
			if e.val.Type == v.Type && e.val.Aux == v.Aux {
				v.copyOf(e.val)
				return
			}
			continue
		}
		if forward(v, e.val) {
			return
		}
	}
	g.mem.add(at)
}

// forward turns the load v into the value that its bytes, the low ones of a, have; false
// if no one op does.
func forward(v, a *Value) bool {
	m := v.Aux.(Mem)
	same := a.Type == v.Type && (m.Size == 8 || v.Type == Bool || v.Type == I32 && m.Size == 4)
	switch {
	case same || a.Op == OpLoad && a.Type == v.Type && a.Aux == v.Aux:
		v.copyOf(a)
	case a.Type == Bool && v.Type != Ptr:
		v.become(OpZExt8, a)
	case v.Type == Bool || v.Type == Ptr && a.Type != I64 || a.Type == Ptr && v.Type != I64:
		return false
	case a.Type == Ptr || v.Type == Ptr:
		v.become(OpCopy, a)
	case m.Size == 4 && v.Type == I32:
		v.become(OpTrunc, a)
	case m.Size == 8:
		return false
	default:
		v.become(extension(m.Size, m.Signed), a)
	}
	return true
}
