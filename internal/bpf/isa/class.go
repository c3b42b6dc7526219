package isa

// Class is the instruction's class.
func (i Insn) Class() uint8 { return i.Op & 0x07 }

// AluOp is the operation bits of an ALU or jump instruction.
func (i Insn) AluOp() uint8 { return i.Op & 0xf0 }

// Mode is the addressing mode of a load or store.
func (i Insn) Mode() uint8 { return i.Op & 0xe0 }

// UsesReg reports whether the second operand of an ALU or jump instruction is Src.
func (i Insn) UsesReg() bool { return i.Op&SrcX != 0 }

// Bytes is the size of a load's or store's memory access.
func (i Insn) Bytes() int { return SizeBytes(i.Op & 0x18) }

// SizeBytes is the number of bytes of a Size… constant.
func SizeBytes(size uint8) int {
	switch size {
	case SizeB:
		return 1
	case SizeH:
		return 2
	case SizeW:
		return 4
	}
	return 8
}

// SizeOf is the Size… constant for 1, 2, 4 or 8 bytes.
func SizeOf(bytes int) uint8 {
	switch bytes {
	case 1:
		return SizeB
	case 2:
		return SizeH
	case 4:
		return SizeW
	case 8:
		return SizeDW
	}
	panic("BUG: isa: no such access size")
}

// IsALU reports whether i is a 32- or 64-bit ALU instruction.
func (i Insn) IsALU() bool { c := i.Class(); return c == ClassALU || c == ClassALU64 }

// IsExit reports whether i returns.
func (i Insn) IsExit() bool { return i.Op == ClassJMP|JmpEXIT }

// IsCall reports whether i calls a helper, a BPF function or a kernel function.
func (i Insn) IsCall() bool { return i.Op == ClassJMP|JmpCALL }

// IsGoto reports whether i jumps always.
func (i Insn) IsGoto() bool { return i.Op == ClassJMP|JmpJA || i.Op == ClassJMP32|JmpJA }

// IsBranch reports whether i jumps on a condition.
func (i Insn) IsBranch() bool {
	switch i.Class() {
	case ClassJMP, ClassJMP32:
		op := i.AluOp()
		return op != JmpJA && op != JmpCALL && op != JmpEXIT && op <= JmpJSLE || i.IsMayGoto()
	}
	return false
}

// IsMayGoto reports whether i is the bounded-loop jump may_goto (kernel 6.9).
func (i Insn) IsMayGoto() bool { return i.Op == opMayGoto }

// opMayGoto is BPF_JMP | BPF_JCOND.
const opMayGoto = ClassJMP | 0xe0

// JumpOffset is how many slots after the next instruction a jump goes.
func (i Insn) JumpOffset() int {
	if i.Op == ClassJMP32|JmpJA {
		return int(i.Imm)
	}
	return int(i.Off)
}
