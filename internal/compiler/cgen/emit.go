package cgen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// cur is the block to append to; after a jump it's a fresh one that nothing reaches.
func (c *fn) cur() *ssa.Block {
	if c.b == nil {
		c.b = c.f.NewBlock(ssa.BlockRet)
	}
	return c.b
}

func (c *fn) emit(op ssa.Op, t ssa.Type, args ...*ssa.Value) *ssa.Value {
	return c.cur().Append(c.pos, op, t, args...)
}

func (c *fn) emitAux(op ssa.Op, t ssa.Type, auxInt int64, aux any, args ...*ssa.Value) *ssa.Value {
	return c.cur().AppendAux(c.pos, op, t, auxInt, aux, args...)
}

// constant is a number, or a pointer of that address.
func (c *fn) constant(t ssa.Type, n int64) *ssa.Value {
	if t == ssa.I32 {
		n = int64(int32(n))
	}
	return c.emitAux(ssa.OpConst, t, n, nil)
}

// block is a new block. It may end up without anything that leads there, and is dropped then.
func (c *fn) block() *ssa.Block { return c.f.NewBlock(ssa.BlockRet) }

// jump ends the current block with a jump.
func (c *fn) jump(to *ssa.Block) {
	if c.b != nil {
		c.b.Jump(c.pos, to)
		c.b = nil
	}
}

// branch ends the current block: to yes if v isn't zero, else to no.
func (c *fn) branch(v *ssa.Value, yes, no *ssa.Block) {
	c.cur().Branch(c.pos, v, yes, no, 0)
	c.b = nil
}

func (c *fn) ret(v *ssa.Value) {
	c.b.Return(c.pos, v)
	c.b = nil
}

// enter goes on in b, if anything leads there.
func (c *fn) enter(b *ssa.Block) {
	if c.b = nil; len(b.Preds) > 0 {
		c.b = b
	}
}

// place is memory: Off bytes from base on, or bits of it.
type place struct {
	base  *ssa.Value
	off   int64
	class ssa.MemClass
	bits  ctree.BitField
}

// width is the number of bytes that an access of a t there touches.
func (p place) width(t *ctree.Type) int64 {
	if p.bits.Bits > 0 {
		return int64(p.bits.Unit)
	}
	return int64(t.Size)
}

func (c *fn) newSlot(name string, t *ctree.Type, align uint32) *ssa.Slot {
	align = max(align, t.Align, 1)
	for a := uint32(8); a > align; a >>= 1 { // what its size allows: it's copied by words then
		if t.Size%a == 0 && t.Size > 0 {
			align = a
		}
	}
	s := c.f.NewSlot(name, max(t.Size, 1), min(align, 8))
	s.Pos = c.pos
	return s
}

func (c *fn) slotAddr(s *ssa.Slot) *ssa.Value { return c.emitAux(ssa.OpSlotAddr, ssa.Ptr, 0, s) }

func (c *fn) slotPlace(s *ssa.Slot) place { return place{base: c.slotAddr(s), class: ssa.MemSlot} }

// variable is where a variable is.
func (c *fn) variable(v *ctree.Var) place {
	if v.Static {
		if v.Map != nil {
			return place{base: c.emitAux(ssa.OpMapPtr, ssa.Ptr, int64(c.env.Map(v)), nil)}
		}
		if v.Kernel {
			return place{base: c.emitAux(ssa.OpKsymAddr, ssa.Ptr, 0, v.Name), class: ssa.MemKernel}
		}
		index, off := c.env.Data(v)
		p := place{base: c.emitAux(ssa.OpMapValue, ssa.Ptr, off, index), class: ssa.MemMap}
		if v.ReadOnly {
			p.class = ssa.MemConst
		}
		return p
	}
	s := c.slots[v]
	if s == nil {
		s = c.newSlot(v.Name, v.Type, v.Align)
		c.slots[v] = s
	}
	return c.slotPlace(s)
}

// at is the place that a pointer points to.
func (c *fn) at(p *ssa.Value) place {
	out := place{base: p}
	for out.base.Op == ssa.OpOffset {
		out.off += out.base.AuxInt
		out.base = out.base.Args[0]
	}
	root := out.base
	for root.Op == ssa.OpAdd || root.Op == ssa.OpOffset {
		root = root.Args[0]
	}
	switch root.Op {
	case ssa.OpSlotAddr:
		out.class = ssa.MemSlot
	case ssa.OpMapValue:
		out.class = ssa.MemMap
	}
	return out
}

// address is a place as a pointer.
func (c *fn) address(p place) *ssa.Value { return c.offset(p.base, p.off) }

func (c *fn) offset(p *ssa.Value, n int64) *ssa.Value {
	if n == 0 {
		return p
	}
	if p.Op == ssa.OpOffset {
		n += p.AuxInt
		p = p.Args[0]
	}
	return c.emitAux(ssa.OpOffset, ssa.Ptr, n, nil, p)
}

// load is the value at a place.
func (c *fn) load(p place, t *ctree.Type) *ssa.Value {
	if p.bits.Bits > 0 {
		return c.loadBits(p, t)
	}
	r := RegType(t)
	return c.emitAux(ssa.OpLoad, r, p.off, ssa.Mem{Size: uint8(t.Size), Signed: t.Signed && t.Size < 8, Class: p.class}, p.base)
}

// store sets a place.
func (c *fn) store(p place, v *ssa.Value, t *ctree.Type) {
	if p.bits.Bits > 0 {
		c.storeBits(p, v, t)
		return
	}
	c.emitAux(ssa.OpStore, ssa.Void, p.off, ssa.Mem{Size: uint8(t.Size), Class: p.class}, p.base, v)
}

// unitType is the type that a bit-field's unit is read as.
func unitType(b ctree.BitField) *ctree.Type {
	return &ctree.Type{Kind: ctree.Int, Size: uint32(b.Unit)}
}

func (c *fn) loadBits(p place, t *ctree.Type) *ssa.Value {
	b := p.bits
	unit := unitType(b)
	p.bits = ctree.BitField{}
	v := c.load(p, unit)
	r := RegType(unit)
	width := int64(32)
	if r == ssa.I64 {
		width = 64
	}
	up := width - int64(b.BitOff) - int64(b.Bits)
	if t.Signed {
		v = c.shift(ssa.OpAShr, c.shift(ssa.OpShl, v, up), width-int64(b.Bits))
	} else {
		v = c.shift(ssa.OpLShr, v, int64(b.BitOff))
		if up > 0 && int64(b.BitOff)+int64(b.Bits) < 8*int64(b.Unit) {
			v = c.emit(ssa.OpAnd, r, v, c.constant(r, 1<<b.Bits-1))
		}
	}
	return c.convert(v, &ctree.Type{Kind: ctree.Int, Size: max(unit.Size, 4), Signed: t.Signed}, t)
}

func (c *fn) shift(op ssa.Op, v *ssa.Value, n int64) *ssa.Value {
	if n == 0 {
		return v
	}
	return c.emit(op, v.Type, v, c.constant(v.Type, n))
}

func (c *fn) storeBits(p place, v *ssa.Value, t *ctree.Type) {
	b := p.bits
	unit := unitType(b)
	p.bits = ctree.BitField{}
	r := RegType(unit)
	v = c.convert(v, t, &ctree.Type{Kind: ctree.Int, Size: max(unit.Size, 4)})
	if b.Bits == 8*b.Unit {
		c.store(p, v, unit)
		return
	}
	mask := int64(1)<<b.Bits - 1
	v = c.emit(ssa.OpAnd, r, v, c.constant(r, mask))
	v = c.shift(ssa.OpShl, v, int64(b.BitOff))
	old := c.emit(ssa.OpAnd, r, c.load(p, unit), c.constant(r, ^(mask<<b.BitOff)))
	c.store(p, c.emit(ssa.OpOr, r, old, v), unit)
}

// alignOf is what's known of a place's address: 1, 2, 4 or 8.
func alignOf(p place) uint32 {
	off, base := p.off, uint32(1)
	v := p.base
	switch v.Op {
	case ssa.OpSlotAddr:
		off += v.AuxInt
		base = v.Aux.(*ssa.Slot).Align
	case ssa.OpMapValue:
		off += v.AuxInt
		base = 8
	}
	for a := base; a > 1; a >>= 1 {
		if off%int64(a) == 0 {
			return a
		}
	}
	return 1
}

// copy copies bytes; align is what the type of both promises.
func (c *fn) copy(dst, src place, n, align uint32) {
	if n == 0 {
		return
	}
	align = min(8, max(align, min(alignOf(dst), alignOf(src))))
	c.emitAux(ssa.OpMove, ssa.Void, int64(n), ssa.MoveInfo{Dst: dst.class, Src: src.class, Align: uint8(align)}, c.address(dst), c.address(src))
}

// zero sets bytes to zero.
func (c *fn) zero(dst place, n, align uint32) {
	if n > 0 {
		c.emitAux(ssa.OpZero, ssa.Void, int64(n), ssa.Mem{Size: uint8(min(8, max(align, alignOf(dst)))), Class: dst.class}, c.address(dst))
	}
}
