package ssa

import "math/bits"

// refill copies bytes that a helper would give again: of bpf_get_current_comm's calls,
// those for which another one's buffer is still as it was, whichever way control came.
// A move of 16 aligned bytes takes no more instructions than a call, and no time.
func refill(f *Func, o *Options) {
	r := &refiller{f: f, o: o, uses: f.slotUses()}
	if r.collect(); len(r.fills) == 0 {
		return
	}
	r.solve()
	for _, b := range f.reversePostorder() {
		r.rewrite(b)
	}
	deadcode(f, o)
}

// fill is a call that fills bytes of a slot.
type fill struct {
	call *Value
	access
}

type refiller struct {
	f     *Func
	o     *Options
	uses  *slotUses
	fills []fill   // at most 64
	in    []uint64 // by block ID: fills whose bytes are intact, on every path
	list  []access
}

// repeats reports whether v is a call that only fills bytes, always with the same.
func (r *refiller) repeats(v *Value) (size int64, ok bool) {
	if v.Op != OpCall || len(v.Args) != 2 {
		return 0, false
	}
	if h := r.o.helper(v.AuxInt); !h.Repeats || h.Fills != 1 {
		return 0, false
	}
	size, ok = v.Args[1].isConst()
	return size, ok && size > 0
}

func (r *refiller) collect() {
	for _, b := range r.f.Blocks {
		for _, v := range b.Values {
			size, ok := r.repeats(v)
			if !ok || len(r.fills) == 64 {
				continue
			}
			a, ok := r.uses.through(v.Args[0], 0, size)
			if ok && a.size == size && !r.uses.escaped[a.slot.ID] {
				r.fills = append(r.fills, fill{v, a})
			}
		}
	}
}

// step is have, the intact fills, after v.
func (r *refiller) step(v *Value, have uint64) uint64 {
	if v.Op.Info().Effect&Writes == 0 {
		return have
	}
	r.list, _ = r.uses.accesses(v, r.o, r.list[:0])
	for i := range r.list {
		a := &r.list[i]
		for j := range r.fills {
			if fl := &r.fills[j]; a.write && a.slot == fl.slot && a.overlaps(fl.off, fl.size) {
				have &^= 1 << j
			}
		}
	}
	for j := range r.fills {
		if r.fills[j].call == v {
			have |= 1 << j
		}
	}
	return have
}

// solve finds what is intact where blocks begin.
func (r *refiller) solve() {
	n := r.f.NumBlocks()
	gen, keep, out := make([]uint64, n), make([]uint64, n), make([]uint64, n)
	r.in = make([]uint64, n)
	order := r.f.reversePostorder()
	for _, b := range order {
		keep[b.ID], out[b.ID] = ^uint64(0), ^uint64(0)
		for _, v := range b.Values {
			gen[b.ID], keep[b.ID] = r.step(v, gen[b.ID]), r.step(v, keep[b.ID])
		}
	}
	for changed := true; changed; {
		changed = false
		for i, b := range order {
			in := ^uint64(0)
			for _, p := range b.Preds {
				in &= out[p.ID]
			}
			if i == 0 {
				in = 0
			}
			r.in[b.ID] = in
			if x := gen[b.ID] | in&keep[b.ID]; x != out[b.ID] {
				out[b.ID], changed = x, true
			}
		}
	}
}

func (r *refiller) rewrite(b *Block) {
	have := r.in[b.ID]
	var out []*Value
	for _, v := range b.Values {
		next := r.step(v, have)
		if size, ok := r.repeats(v); ok && v.Uses == 0 {
			if addr := r.copy(v, size, have); addr != nil {
				out = append(out, addr)
			}
		}
		out = append(out, v)
		have = next
	}
	b.Values = out
}

// copy turns the call v into a move from an intact fill, whose address it returns; nil
// if there is none that is aligned well enough.
func (r *refiller) copy(v *Value, size int64, have uint64) *Value {
	dst, align, class := r.target(v.Args[0])
	for ; have != 0; have &= have - 1 {
		fl := &r.fills[bits.TrailingZeros64(have)]
		if fl.call.AuxInt != v.AuxInt || fl.size != size || dst.slot == fl.slot && dst.off == fl.off {
			continue
		}
		if dst.slot == fl.slot && fl.overlaps(dst.off, size) {
			continue
		}
		n := min(align, alignAt(fl.slot, fl.off))
		if int64(n)*4 < size {
			continue
		}
		addr := r.f.NewValue(v.Block, v.Pos, OpSlotAddr, Ptr)
		addr.Aux, addr.AuxInt = fl.slot, fl.off
		v.become(OpMove, v.Args[0], addr)
		v.Type, v.AuxInt, v.Aux = Void, size, MoveInfo{Dst: class, Src: MemSlot, Align: n}
		return addr
	}
	return nil
}

// target is where p points: the slot, if it's one, the alignment (0: unknown), the class.
func (r *refiller) target(p *Value) (slotRef, uint8, MemClass) {
	if ref := r.uses.of(p); ref.slot != nil {
		if !ref.exact {
			return ref, 0, MemSlot
		}
		return ref, alignAt(ref.slot, ref.off), MemSlot
	}
	off := int64(0)
	for p.Op == OpOffset {
		off += p.AuxInt
		p = p.Args[0]
	}
	align := uint8(8)
	if off != 0 {
		align = uint8(min(8, off&-off))
	}
	if p.Op == OpCall && p.AuxInt == helperRingbufReserve {
		return slotRef{}, align, MemRecord
	}
	return slotRef{}, 0, MemAny
}

// helperRingbufReserve is BPF_FUNC_ringbuf_reserve, include/uapi/linux/bpf.h. Records
// are aligned to 8 bytes.
const helperRingbufReserve = 131
