package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Memory descriptions by size.
func mem(size uint32, class ssa.MemClass, signed bool) ssa.Mem {
	return ssa.Mem{Size: uint8(size), Signed: signed, Class: class}
}

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

func (c *fn) constI(n int64) *ssa.Value  { return c.emitAux(ssa.OpConst, ssa.I64, n, nil) }
func (c *fn) constU(n uint64) *ssa.Value { return c.constI(int64(n)) }

func (c *fn) bin(op ssa.Op, a, b *ssa.Value) *ssa.Value { return c.emit(op, ssa.I64, a, b) }
func (c *fn) addI(a *ssa.Value, n int64) *ssa.Value {
	if n == 0 {
		return a
	}
	if a.Type == ssa.Ptr {
		return c.emitAux(ssa.OpOffset, ssa.Ptr, n, nil, a)
	}
	return c.bin(ssa.OpAdd, a, c.constI(n))
}
func (c *fn) cmp(op ssa.Op, a, b *ssa.Value) *ssa.Value { return c.emit(op, ssa.Bool, a, b) }

// load reads size bytes at p+off as an I64.
func (c *fn) load(p *ssa.Value, off int64, m ssa.Mem) *ssa.Value {
	return c.emitAux(ssa.OpLoad, ssa.I64, off, m, p)
}

func (c *fn) loadPtr(p *ssa.Value, off int64, class ssa.MemClass) *ssa.Value {
	return c.emitAux(ssa.OpLoad, ssa.Ptr, off, mem(8, class, false), p)
}

func (c *fn) store(p *ssa.Value, off int64, v *ssa.Value, size uint32, class ssa.MemClass) {
	c.emitAux(ssa.OpStore, ssa.Void, off, mem(size, class, false), p, v)
}

// alignAt is what's known of an address: 1, 2, 4 or 8.
func alignAt(p *ssa.Value) uint32 {
	off := int64(0)
	for p.Op == ssa.OpOffset {
		off += p.AuxInt
		p = p.Args[0]
	}
	base := uint32(8)
	switch p.Op {
	case ssa.OpSlotAddr:
		off += p.AuxInt
		base = p.Aux.(*ssa.Slot).Align
	case ssa.OpMapValue:
		off += p.AuxInt
	case ssa.OpCall, ssa.OpParam: // map elements and records are aligned to 8
	default:
		return 1
	}
	return min(base, lowBit(uint32(off)))
}

// zero writes n zero bytes; align is the most that the object's type allows.
func (c *fn) zero(p *ssa.Value, n uint32, class ssa.MemClass, align uint32) {
	align = min(align, alignAt(p))
	if n > 0 {
		c.emitAux(ssa.OpZero, ssa.Void, int64(n), mem(align, class, false), p)
	}
}

// move copies n bytes; align is the most that the object's type allows.
func (c *fn) move(dst *ssa.Value, dc ssa.MemClass, src *ssa.Value, sc ssa.MemClass, n, align uint32) {
	align = min(align, alignAt(dst))
	if sc == ssa.MemSlot || sc == ssa.MemMap || sc == ssa.MemConst || sc == ssa.MemCtx {
		align = max(align, min(alignAt(dst), alignAt(src)))
	}
	if n > 0 {
		c.emitAux(ssa.OpMove, ssa.Void, int64(n), ssa.MoveInfo{Dst: dc, Src: sc, Align: uint8(align)}, dst, src)
	}
}

// slot is memory of the program's own, aligned to what its type wants, and its size allows: it's
// copied by words then.
func (c *fn) slot(name string, size, align uint32) *ssa.Value {
	s := c.f.NewSlot(name, size, max(align, min(8, lowBit(size))))
	s.Pos = c.pos
	return c.slotAddr(s, 0)
}

func (c *fn) slotAddr(s *ssa.Slot, off int64) *ssa.Value {
	return c.emitAux(ssa.OpSlotAddr, ssa.Ptr, off, s)
}

func (c *fn) mapPtr(index int) *ssa.Value {
	return c.emitAux(ssa.OpMapPtr, ssa.Ptr, int64(index), nil)
}

func (c *fn) mapValue(index int, off int64) *ssa.Value {
	return c.emitAux(ssa.OpMapValue, ssa.Ptr, off, index)
}

// call calls helper id.
func (c *fn) call(id int64, t ssa.Type, args ...*ssa.Value) *ssa.Value {
	ret := c.emitAux(ssa.OpCall, t, id, nil, args...)
	switch id {
	case fnMapUpdate, fnMapDelete, fnForEachMap:
		// Such calls go straight to the map's function, which returned an int: the upper
		// half of a negative result isn't set.
		if c.info.Facts.Kernel < v6_4MapLong {
			return c.emit(ssa.OpSExt32, t, ret)
		}
	}
	return ret
}

// v6_4MapLong is the kernel whose map functions return a long (struct bpf_map_ops).
const v6_4MapLong = 6<<16 | 4<<8

// Control flow.

func (c *fn) block() *ssa.Block { return c.f.NewBlock(ssa.BlockPlain) }

// jump ends the current block with a jump to b; without one it does nothing.
func (c *fn) jump(to *ssa.Block) {
	if c.b != nil {
		c.b.Jump(c.pos, to)
		c.b = nil
	}
}

// branch ends the current block: to yes if v isn't zero, else to no.
func (c *fn) branch(v *ssa.Value, yes, no *ssa.Block, likely int8) {
	c.cur().Branch(c.pos, v, yes, no, likely)
	c.b = nil
}

// ret ends the current block with the function's return.
func (c *fn) ret(v *ssa.Value) {
	if c.b == nil {
		return
	}
	if v == nil {
		n := int64(0)
		if c.f.Kind == ssa.FuncProg {
			n = c.kind.Info().Return.Default()
		}
		v = c.constI(n)
	}
	c.b.Return(c.pos, v)
	c.b = nil
}

// ifThen runs body when v isn't zero.
func (c *fn) ifThen(v *ssa.Value, likely int8, body func()) {
	yes, join := c.block(), c.block()
	c.branch(v, yes, join, likely)
	c.b = yes
	c.branching(body)
	c.jump(join)
	c.b = join
}

// ifElse gives the value of then when v isn't zero, else of els. Both make an I64 (or
// both a Ptr). A side that ends in a jump gives no value.
func (c *fn) ifElse(v *ssa.Value, likely int8, then, els func() *ssa.Value) *ssa.Value {
	yes, no := c.block(), c.block()
	c.branch(v, yes, no, likely)
	return c.join(yes, no, then, els)
}

// join runs then in yes and els in no, and merges their values.
func (c *fn) join(yes, no *ssa.Block, then, els func() *ssa.Value) *ssa.Value {
	join := c.block()
	var vals []*ssa.Value
	side := func(b *ssa.Block, f func() *ssa.Value) {
		c.b = b
		var v *ssa.Value
		c.branching(func() { v = f() })
		if c.b != nil {
			vals = append(vals, v)
			c.jump(join)
		}
	}
	side(yes, then)
	side(no, els)
	if len(vals) == 0 {
		c.b = nil
		return nil
	}
	c.b = join
	for _, v := range vals {
		if v == nil {
			return nil
		}
	}
	if len(vals) == 1 {
		return vals[0]
	}
	return c.emit(ssa.OpPhi, vals[0].Type, vals...)
}

// extend makes the low bytes of an I64 the value of type t (an integer narrower than 8).
func (c *fn) extend(v *ssa.Value, t *types.Type) *ssa.Value {
	var op ssa.Op
	switch {
	case t.Size == 1 && t.Signed:
		op = ssa.OpSExt8
	case t.Size == 1:
		op = ssa.OpZExt8
	case t.Size == 2 && t.Signed:
		op = ssa.OpSExt16
	case t.Size == 2:
		op = ssa.OpZExt16
	case t.Size == 4 && t.Signed:
		op = ssa.OpSExt32
	case t.Size == 4:
		op = ssa.OpZExt32
	default:
		return v
	}
	return c.emit(op, ssa.I64, v)
}
