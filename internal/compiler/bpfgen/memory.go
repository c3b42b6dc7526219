package bpfgen

import (
	"math"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// Limits over which a helper copies or zeroes memory, in bytes.
const (
	maxInlineMove = 128
	maxInlineZero = 256
)

// probeReadKernel is the helper bpf_probe_read_kernel. It zeroes the destination when the
// source can't be read, as address 0 can't.
const probeReadKernel = 113

// addr splits the address p, of which bytes [off, off+size) are accessed, into a
// register and an offset that fits an instruction.
func (s *selector) addr(p *ssa.Value, off, size int64) (vreg, int16) {
	for p = through(p); p.Op == ssa.OpOffset; p = through(p.Args[0]) {
		off += p.AuxInt
	}
	base, more := s.base(p)
	off += more
	if off >= math.MinInt16 && off+size-1 <= math.MaxInt16 {
		return base, int16(off)
	}
	r := s.m.newReg()
	s.lea(r, base, off)
	return r, 0
}

// base is a register and an offset that make the address p.
func (s *selector) base(p *ssa.Value) (vreg, int64) {
	if base, off, ok := s.slot(p); ok {
		return base, off
	}
	if p.Op != ssa.OpMapValue {
		return s.reg(p), 0
	}
	// One register serves all of a map's data.
	whole := ssa.Value{Op: ssa.OpMapValue, Type: ssa.Ptr, Aux: p.Aux}
	return s.reg(&whole), p.AuxInt
}

// slot is where a slot's address is: in the frame, or in scratch memory.
func (s *selector) slot(v *ssa.Value) (base vreg, off int64, ok bool) {
	if v.Op != ssa.OpSlotAddr {
		return noReg, 0, false
	}
	slot := v.Aux.(*ssa.Slot)
	base = framePtr
	if slot.Scratch {
		base = s.scratch.reg
	}
	return base, int64(s.slots.Offset[slot.ID]) + v.AuxInt, true
}

func (s *selector) offset(v *ssa.Value) {
	off := v.AuxInt
	p := through(v.Args[0])
	for ; p.Op == ssa.OpOffset && !s.inReg[p.ID]; p = through(p.Args[0]) {
		off += p.AuxInt
	}
	base, more := s.base(p)
	s.lea(s.reg(v), base, off+more)
}

func (s *selector) load(v *ssa.Value) {
	mem := v.Aux.(ssa.Mem)
	base, off := s.addr(v.Args[0], v.AuxInt, int64(mem.Size))
	dst, size := s.reg(v), isa.SizeOf(int(mem.Size))
	op := uint8(isa.ClassLDX | isa.ModeMEM)
	signed := mem.Signed && mem.Size < 8 && !(v.Type == ssa.I32 && mem.Size == 4)
	if signed && v.Type == ssa.I64 && s.opt.CPU >= V4 {
		op, signed = isa.ClassLDX|isa.ModeMEMSX, false
	}
	s.emit(inst{op: op | size, dst: dst, src: base, off: off})
	if signed {
		s.signExtendIn(dst, 8*int64(mem.Size), v.Type)
	}
}

func (s *selector) store(v *ssa.Value) {
	mem := v.Aux.(ssa.Mem)
	size := isa.SizeOf(int(mem.Size))
	// The context can't be written by ST on kernels before 6.3.
	if n, ok := storeImm(v.Args[1], mem.Size); ok && mem.Class != ssa.MemCtx {
		base, off := s.addr(v.Args[0], v.AuxInt, int64(mem.Size))
		s.emit(inst{op: isa.ClassST | isa.ModeMEM | size, dst: base, off: off, imm: n})
		return
	}
	val := s.reg(v.Args[1])
	base, off := s.addr(v.Args[0], v.AuxInt, int64(mem.Size))
	s.emit(inst{op: isa.ClassSTX | isa.ModeMEM | size, dst: base, src: val, off: off})
}

// storeImm is the constant v as the immediate of a store of size bytes.
func storeImm(v *ssa.Value, size uint8) (int64, bool) {
	n, ok := constant(v)
	switch size {
	case 1:
		return int64(uint8(n)), ok
	case 2:
		return int64(uint16(n)), ok
	case 4:
		return int64(int32(n)), ok
	}
	return n, ok && n == int64(int32(n))
}

// pieces cuts n bytes into accesses of at most align bytes, the widest first.
func pieces(n int64, align uint8, access func(off int64, size uint8)) {
	size := uint8(8)
	for align != 0 && size > align {
		size /= 2
	}
	if align == 0 {
		size = 1
	}
	for off := int64(0); off < n; {
		for int64(size) > n-off {
			size /= 2
		}
		access(off, size)
		off += int64(size)
	}
}

func (s *selector) zero(v *ssa.Value) {
	if v.AuxInt > maxInlineZero {
		s.callBytes(v.Args[0], nil, v.AuxInt)
		return
	}
	base, first := s.addr(v.Args[0], 0, v.AuxInt)
	pieces(v.AuxInt, v.Aux.(ssa.Mem).Size, func(off int64, size uint8) {
		s.emit(inst{
			op:  isa.ClassST | isa.ModeMEM | isa.SizeOf(int(size)),
			dst: base, off: first + int16(off),
		})
	})
}

func (s *selector) copyBytes(v *ssa.Value) {
	if v.AuxInt > maxInlineMove {
		s.callBytes(v.Args[0], v.Args[1], v.AuxInt)
		return
	}
	dst, dstOff := s.addr(v.Args[0], 0, v.AuxInt)
	src, srcOff := s.addr(v.Args[1], 0, v.AuxInt)
	pieces(v.AuxInt, v.Aux.(ssa.MoveInfo).Align, func(off int64, size uint8) {
		op, tmp := isa.ModeMEM|isa.SizeOf(int(size)), s.m.newReg()
		s.emit(inst{op: isa.ClassLDX | op, dst: tmp, src: src, off: srcOff + int16(off)})
		s.emit(inst{op: isa.ClassSTX | op, dst: dst, src: tmp, off: dstOff + int16(off)})
	})
}

// callBytes copies n bytes to dst by a helper: from src, or zeroes if that's nil.
func (s *selector) callBytes(dst, src *ssa.Value, n int64) {
	s.address(1, dst)
	if src != nil {
		s.address(3, src)
	} else {
		s.moveImm(3, 0)
	}
	s.moveImm(2, n)
	s.callInst(inst{imm: probeReadKernel, nargs: 3})
}

// address writes p, which may be an address with an offset, to dst.
func (s *selector) address(dst vreg, p *ssa.Value) {
	if p = through(p); p.Op != ssa.OpOffset || s.inReg[p.ID] {
		s.into(dst, p)
		return
	}
	off := int64(0)
	for ; p.Op == ssa.OpOffset; p = through(p.Args[0]) {
		off += p.AuxInt
	}
	base, more := s.base(p)
	s.lea(dst, base, off+more)
}

// atomic operations put the old value where the operand was, if it's asked for.
func (s *selector) atomic(v *ssa.Value) {
	mem := v.Aux.(ssa.Mem)
	i := inst{op: isa.ClassSTX | isa.ModeATOMIC | isa.SizeOf(int(mem.Size)), imm: int64(aluOps[v.Op])}
	i.src = s.reg(v.Args[1])
	i.dst, i.off = s.addr(v.Args[0], v.AuxInt, int64(mem.Size))
	if s.inReg[v.ID] || v.Op == ssa.OpAtomicXchg {
		old := s.reg(v)
		s.move(old, i.src)
		i.src, i.fetch = old, true
		i.imm |= isa.AtomicFETCH
	}
	s.emit(i)
}

// cmpXchg compares with r0 and leaves the old value there.
func (s *selector) cmpXchg(v *ssa.Value) {
	mem := v.Aux.(ssa.Mem)
	replace := s.reg(v.Args[2])
	base, off := s.addr(v.Args[0], v.AuxInt, int64(mem.Size))
	s.into(0, v.Args[1])
	s.emit(inst{
		op:  isa.ClassSTX | isa.ModeATOMIC | isa.SizeOf(int(mem.Size)),
		dst: base, src: replace, off: off, imm: isa.AtomicCMPXCHG,
	})
	if s.inReg[v.ID] {
		s.move(s.reg(v), 0)
	}
}
