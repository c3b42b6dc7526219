package ssa

import "strings"

// slotRef is what is known of a pointer: that it points into slot, and, if exact, off
// bytes from its start.
type slotRef struct {
	slot  *Slot
	off   int64
	exact bool
}

// slotUses tells which pointers point into which slots. Pointers are followed through
// offsets, additions and copies that aren't casts; a slot whose address goes elsewhere has
// escaped: any access through an unknown pointer, and any call, may touch it.
type slotUses struct {
	ref     []slotRef // by value ID
	escaped []bool    // by slot ID
	// stack has the slots that must not move to scratch memory, by slot ID: pointers
	// are kept in them, or a kernel iterator keeps its state there.
	stack []bool
}

// slotUses follows f's pointers. Every block of f is reachable.
func (f *Func) slotUses() *slotUses {
	u := &slotUses{
		ref:     make([]slotRef, f.NumValues()),
		escaped: make([]bool, len(f.Slots)),
		stack:   make([]bool, len(f.Slots)),
	}
	for i, s := range f.Slots {
		u.escaped[i] = s.Captured
	}
	if len(f.Slots) == 0 {
		return u
	}
	for _, b := range f.reversePostorder() {
		for _, v := range b.Values {
			u.value(v)
		}
		if b.Kind == BlockRet && b.Control != nil {
			u.escape(b.Control)
		}
	}
	for _, b := range f.Blocks { // phis have arguments from later blocks
		for _, v := range b.Values {
			if v.Op != OpPhi {
				break
			}
			u.escapeAll(v.Args)
		}
	}
	return u
}

// of is what is known of v; nothing of values made since f's pointers were followed.
func (u *slotUses) of(v *Value) slotRef {
	if int(v.ID) < len(u.ref) {
		return u.ref[v.ID]
	}
	return slotRef{}
}

// set notes what a pointer made since then points to.
func (u *slotUses) set(v *Value, r slotRef) {
	for int(v.ID) >= len(u.ref) {
		u.ref = append(u.ref, slotRef{})
	}
	u.ref[v.ID] = r
}

func (u *slotUses) escape(v *Value) {
	if s := u.of(v).slot; s != nil {
		u.escaped[s.ID] = true
	}
}

func (u *slotUses) escapeAll(args []*Value) {
	for _, a := range args {
		u.escape(a)
	}
}

func (u *slotUses) value(v *Value) {
	switch v.Op {
	case OpSlotAddr:
		u.ref[v.ID] = slotRef{v.Aux.(*Slot), v.AuxInt, true}
	case OpOffset:
		r := u.of(v.Args[0])
		r.off += v.AuxInt
		u.ref[v.ID] = r
	case OpCopy:
		if v.Type == Ptr {
			u.ref[v.ID] = u.of(v.Args[0])
		} else {
			u.escape(v.Args[0])
		}
	case OpAdd, OpSub:
		u.arithmetic(v)
	case OpLoad, OpZero, OpMove, OpCall, OpPhi:
		// Phis are done when all is known; the others use the address only for a while.
	case OpEq, OpNe, OpULt, OpULe, OpSLt, OpSLe:
	case OpStore:
		u.escape(v.Args[1])
		if s := u.of(v.Args[0]).slot; s != nil && v.Args[1].Type == Ptr {
			u.stack[s.ID] = true
		}
	case OpKfunc:
		// The verifier wants an iterator on the stack. Other functions take any memory.
		if name, _ := v.Aux.(string); strings.HasPrefix(name, "bpf_iter_") {
			for _, a := range v.Args {
				if s := u.of(a).slot; s != nil {
					u.stack[s.ID] = true
				}
			}
		}
		u.escapeAll(v.Args)
	default:
		if opRules[v.Op] == ruleAtomic {
			u.escapeAll(v.Args[1:])
		} else {
			u.escapeAll(v.Args)
		}
	}
}

// arithmetic follows pointer ± integer.
func (u *slotUses) arithmetic(v *Value) {
	if v.Type != Ptr {
		u.escapeAll(v.Args)
		return
	}
	r := u.of(v.Args[0])
	n, ok := v.Args[1].isConst()
	if v.Op == OpSub {
		n = -n
	}
	r.off += n
	r.exact = r.exact && ok
	u.ref[v.ID] = r
}

// access is what one value does to one slot.
type access struct {
	slot *Slot
	// off and size are the bytes touched; size < 0: any of the slot's.
	off, size   int64
	read, write bool
	// all: a write changes every byte of the range.
	all bool
}

// overlaps reports whether a may touch one of size bytes at off.
func (a *access) overlaps(off, size int64) bool {
	return a.size < 0 || a.off < off+size && off < a.off+a.size
}

// through is an access through pointer p; false if p isn't known to point into a slot.
func (u *slotUses) through(p *Value, off, size int64) (access, bool) {
	r := u.of(p)
	if r.slot == nil {
		return access{}, false
	}
	if !r.exact {
		return access{slot: r.slot, size: -1}, true
	}
	return access{slot: r.slot, off: r.off + off, size: size, all: true}, true
}

// mayPointToSlot reports whether memory of class c may be a slot.
func mayPointToSlot(c MemClass) bool { return c == MemAny || c == MemSlot }

// accesses appends to list what v does to slots it names. unknown: v may besides
// touch (read, and write unless it's a load) every escaped slot.
func (u *slotUses) accesses(v *Value, o *Options, list []access) (_ []access, unknown bool) {
	add := func(p *Value, off, size int64, c MemClass, read, write bool) {
		a, ok := u.through(p, off, size)
		if !ok {
			unknown = unknown || mayPointToSlot(c)
			return
		}
		a.read, a.write = read, write
		a.all = a.all && write
		list = append(list, a)
	}
	switch v.Op {
	case OpLoad:
		m := v.Aux.(Mem)
		add(v.Args[0], v.AuxInt, int64(m.Size), m.Class, true, false)
	case OpStore:
		m := v.Aux.(Mem)
		add(v.Args[0], v.AuxInt, int64(m.Size), m.Class, false, true)
	case OpZero:
		add(v.Args[0], 0, v.AuxInt, v.Aux.(Mem).Class, false, true)
	case OpMove:
		m := v.Aux.(MoveInfo)
		add(v.Args[1], 0, v.AuxInt, m.Src, true, false)
		add(v.Args[0], 0, v.AuxInt, m.Dst, false, true)
	case OpCall:
		return u.callAccesses(v, o, list)
	case OpKfunc, OpCallFunc, OpTailCall:
		return list, true // their slots have escaped
	default:
		if opRules[v.Op] == ruleAtomic {
			m := v.Aux.(Mem)
			add(v.Args[0], v.AuxInt, int64(m.Size), m.Class, true, true)
		}
	}
	return list, unknown
}

func (u *slotUses) callAccesses(v *Value, o *Options, list []access) ([]access, bool) {
	h := o.helper(v.AuxInt)
	for i, p := range v.Args {
		a, ok := u.through(p, 0, -1)
		if !ok {
			continue
		}
		a.read, a.write, a.all = true, h.ReadsOnly>>i&1 == 0, false
		if h.Fills>>i&1 != 0 && i+1 < len(v.Args) {
			if n, ok := v.Args[i+1].isConst(); ok && n > 0 && u.of(p).exact {
				a.size, a.read, a.write, a.all = n, false, true, true
			}
		}
		list = append(list, a)
	}
	return list, !h.Pure
}
