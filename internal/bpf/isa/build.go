package isa

// Constructors. A name's 32 is the operation on 32-bit halves, which zeroes the upper
// half of the destination; an Imm suffix takes a constant instead of a register.

// ALU is a 64-bit operation dst op= src; op is one of the Alu… constants.
func ALU(op uint8, dst, src Reg) Insn { return Insn{Op: ClassALU64 | SrcX | op, Dst: dst, Src: src} }

// ALUImm is dst op= imm, the constant sign-extended to 64 bits.
func ALUImm(op uint8, dst Reg, imm int32) Insn {
	return Insn{Op: ClassALU64 | SrcK | op, Dst: dst, Imm: int64(imm)}
}

// ALU32 is the 32-bit ALU.
func ALU32(op uint8, dst, src Reg) Insn { return Insn{Op: ClassALU | SrcX | op, Dst: dst, Src: src} }

// ALU32Imm is the 32-bit ALUImm.
func ALU32Imm(op uint8, dst Reg, imm int32) Insn {
	return Insn{Op: ClassALU | SrcK | op, Dst: dst, Imm: int64(imm)}
}

// Mov is dst = src.
func Mov(dst, src Reg) Insn { return ALU(AluMOV, dst, src) }

// MovImm is dst = imm, sign-extended.
func MovImm(dst Reg, imm int32) Insn { return ALUImm(AluMOV, dst, imm) }

// Mov32 is dst = low half of src.
func Mov32(dst, src Reg) Insn { return ALU32(AluMOV, dst, src) }

// Mov32Imm is dst = imm, zero-extended.
func Mov32Imm(dst Reg, imm int32) Insn { return ALU32Imm(AluMOV, dst, imm) }

// MovSX is dst = low bits (8, 16, 32) of src, sign-extended (kernel 6.6).
func MovSX(dst, src Reg, bits int16) Insn {
	in := Mov(dst, src)
	in.Off = bits
	return in
}

// Neg is dst = -dst.
func Neg(dst Reg) Insn { return ALUImm(AluNEG, dst, 0) }

// ToBE is dst = the low bits (16, 32, 64) of dst in big-endian order, zero-extended.
func ToBE(dst Reg, bits int32) Insn {
	return Insn{Op: ClassALU | AluEND | SrcX, Dst: dst, Imm: int64(bits)}
}

// ToLE is ToBE for little-endian order.
func ToLE(dst Reg, bits int32) Insn {
	return Insn{Op: ClassALU | AluEND | SrcK, Dst: dst, Imm: int64(bits)}
}

// LoadImm64 is dst = imm, all 64 bits.
func LoadImm64(dst Reg, imm int64) Insn {
	return Insn{Op: ClassLD | SizeDW | ModeIMM, Dst: dst, Imm: imm}
}

// LoadPseudo is dst = the address of what imm names; src is one of the Pseudo… constants.
func LoadPseudo(dst Reg, src Reg, imm int64) Insn {
	return Insn{Op: ClassLD | SizeDW | ModeIMM, Dst: dst, Src: src, Imm: imm}
}

// Load is dst = *(size *)(src + off), zero-extended; size is one of the Size… constants.
func Load(size uint8, dst, src Reg, off int16) Insn {
	return Insn{Op: ClassLDX | ModeMEM | size, Dst: dst, Src: src, Off: off}
}

// LoadSX is Load, sign-extended to 64 bits (kernel 6.6).
func LoadSX(size uint8, dst, src Reg, off int16) Insn {
	return Insn{Op: ClassLDX | ModeMEMSX | size, Dst: dst, Src: src, Off: off}
}

// Store is *(size *)(dst + off) = src.
func Store(size uint8, dst Reg, off int16, src Reg) Insn {
	return Insn{Op: ClassSTX | ModeMEM | size, Dst: dst, Src: src, Off: off}
}

// StoreImm is *(size *)(dst + off) = imm, sign-extended to the size.
func StoreImm(size uint8, dst Reg, off int16, imm int32) Insn {
	return Insn{Op: ClassST | ModeMEM | size, Dst: dst, Off: off, Imm: int64(imm)}
}

// Atomic is an atomic operation (Atomic… constants) on *(size *)(dst + off) with src;
// size is SizeW or SizeDW.
func Atomic(op int32, size uint8, dst Reg, off int16, src Reg) Insn {
	return Insn{Op: ClassSTX | ModeATOMIC | size, Dst: dst, Src: src, Off: off, Imm: int64(op)}
}

// Jump is goto pc+off; off counts slots from the next instruction.
func Jump(off int16) Insn { return Insn{Op: ClassJMP | JmpJA, Off: off} }

// JumpLong is Jump with 32 bits of offset (kernel 6.6).
func JumpLong(off int32) Insn { return Insn{Op: ClassJMP32 | JmpJA, Imm: int64(off)} }

// JumpIf is if dst op src goto pc+off; op is one of the Jmp… constants.
func JumpIf(op uint8, dst, src Reg, off int16) Insn {
	return Insn{Op: ClassJMP | SrcX | op, Dst: dst, Src: src, Off: off}
}

// JumpIfImm is if dst op imm goto pc+off, the constant sign-extended.
func JumpIfImm(op uint8, dst Reg, imm int32, off int16) Insn {
	return Insn{Op: ClassJMP | SrcK | op, Dst: dst, Off: off, Imm: int64(imm)}
}

// JumpIf32 compares the low halves.
func JumpIf32(op uint8, dst, src Reg, off int16) Insn {
	return Insn{Op: ClassJMP32 | SrcX | op, Dst: dst, Src: src, Off: off}
}

// JumpIf32Imm compares the low half with a constant.
func JumpIf32Imm(op uint8, dst Reg, imm int32, off int16) Insn {
	return Insn{Op: ClassJMP32 | SrcK | op, Dst: dst, Off: off, Imm: int64(imm)}
}

// Call calls the helper with that id.
func Call(id int32) Insn { return Insn{Op: ClassJMP | JmpCALL, Imm: int64(id)} }

// CallFunc calls the BPF function off slots after the next instruction.
func CallFunc(off int32) Insn { return Insn{Op: ClassJMP | JmpCALL, Src: PseudoCall, Imm: int64(off)} }

// CallKfunc calls the kernel function with that BTF id.
func CallKfunc(id int32) Insn {
	return Insn{Op: ClassJMP | JmpCALL, Src: PseudoKfuncCall, Imm: int64(id)}
}

// Exit returns r0.
func Exit() Insn { return Insn{Op: ClassJMP | JmpEXIT} }
