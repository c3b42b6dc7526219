package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// bitField is where a bit-field lies.
type bitField struct {
	ref
	types.Field
	room  uint32 // bytes from there to the end of its struct
	align uint32 // of the place
}

// bitMember is the place of the bit-field sel of the struct st at r.
func bitMember(r ref, st *types.Type, sel *types.Selection) bitField {
	f := bitField{ref: r.add(int64(sel.Offset)), Field: sel.Field, room: bytesOf(st) - sel.Offset}
	f.align = f.ref.align()
	if alignAt(r.base) == 1 {
		f.align = min(alignOf(st), lowBit(sel.Offset))
	}
	return f
}

// bitUnit is a word of memory that bits of a bit-field are in.
type bitUnit struct {
	off, size uint32 // bytes
	shift     uint32 // of the field's first bit here
	from, n   uint32 // which bits of the field they are
}

// units are the words by which a bit-field is read and written: one that holds all of it, or else
// bytes. In the script's own memory what is behind the struct isn't touched.
func (f bitField) units() []bitUnit {
	start, n := uint32(f.BitOff), uint32(f.BitLen)
	size := uint32(1)
	for size*8 < start+n {
		size *= 2
	}
	if size <= 8 && (!f.own() || size <= f.room && size <= f.align) {
		return []bitUnit{{size: size, shift: start, n: n}}
	}
	var units []bitUnit
	for from := uint32(0); from < n; {
		at := start + from
		u := bitUnit{off: at / 8, size: 1, shift: at % 8, from: from, n: min(n-from, 8-at%8)}
		units = append(units, u)
		from += u.n
	}
	return units
}

// bitfield reads a bit-field.
func (c *fn) bitfield(f bitField) *ssa.Value {
	var v *ssa.Value
	for _, u := range f.units() {
		word := c.deref(f.add(int64(u.off)), &types.Type{Kind: types.Int, Size: u.size}).v
		switch {
		case f.Field.Type.Signed && u.n == uint32(f.BitLen):
			word = c.bin(ssa.OpShl, word, c.constU(uint64(64-u.shift-u.n)))
			return c.bin(ssa.OpAShr, word, c.constU(uint64(64-u.n)))
		case u.shift > 0:
			word = c.bin(ssa.OpLShr, word, c.constU(uint64(u.shift)))
		}
		word = c.bin(ssa.OpAnd, word, c.constU(ones(u.n)))
		if v == nil {
			v = word
			continue
		}
		v = c.bin(ssa.OpOr, v, c.bin(ssa.OpShl, word, c.constU(uint64(u.from))))
	}
	if f.Field.Type.Signed {
		v = c.bin(ssa.OpShl, v, c.constU(uint64(64-f.BitLen)))
		v = c.bin(ssa.OpAShr, v, c.constU(uint64(64-f.BitLen)))
	}
	return v
}

// setBitfield writes the low bits of v to a bit-field of the script's own memory.
func (c *fn) setBitfield(f bitField, v *ssa.Value) {
	for _, u := range f.units() {
		off, m := f.off+int64(u.off), mem(u.size, f.class, false)
		mask := ones(u.n) << u.shift
		bits := v
		if u.from > 0 {
			bits = c.bin(ssa.OpLShr, bits, c.constU(uint64(u.from)))
		}
		if u.shift > 0 {
			bits = c.bin(ssa.OpShl, bits, c.constU(uint64(u.shift)))
		}
		if u.n < 8*u.size {
			old := c.bin(ssa.OpAnd, c.load(f.base, off, m), c.constU(ones(8*u.size)&^mask))
			bits = c.bin(ssa.OpOr, old, c.bin(ssa.OpAnd, bits, c.constU(mask)))
		}
		c.store(f.base, off, bits, u.size, f.class)
	}
}

// ones is a number whose low n bits are set, and no others.
func ones(n uint32) uint64 { return ^uint64(0) >> (64 - n) }
