// Package isa is the BPF instruction set (RFC 9669): instructions, encoding, assembler
// and disassembler text, and control-flow graphs. It does no I/O.
package isa

// Reg is a register, R0–R10.
type Reg uint8

// The registers: R0 result, R1–R5 arguments (clobbered by calls), R6–R9 kept over calls, R10 the read-only frame pointer.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
)

// Insn is one instruction. A 64-bit immediate load is one Insn and encodes to two slots.
type Insn struct {
	Op  uint8 // class, source and operation bits as encoded (struct bpf_insn.code)
	Dst Reg
	Src Reg // or a pseudo source (PseudoMapFD …)
	Off int16
	Imm int64 // 32 bits, sign-extended; 64 for LD_IMM64
}

// Wide reports whether the instruction takes two slots (LD_IMM64).
func (i Insn) Wide() bool { return i.Op == ClassLD|SizeDW|ModeIMM }

// Instruction classes, the low three bits of the opcode.
const (
	ClassLD    = 0x00
	ClassLDX   = 0x01
	ClassST    = 0x02
	ClassSTX   = 0x03
	ClassALU   = 0x04
	ClassJMP   = 0x05
	ClassJMP32 = 0x06
	ClassALU64 = 0x07
)

// Source of the second operand: an immediate or a register.
const (
	SrcK = 0x00
	SrcX = 0x08
)

// Sizes of memory accesses.
const (
	SizeW  = 0x00
	SizeH  = 0x08
	SizeB  = 0x10
	SizeDW = 0x18
)

// Modes of memory accesses.
const (
	ModeIMM    = 0x00
	ModeABS    = 0x20
	ModeIND    = 0x40
	ModeMEM    = 0x60
	ModeMEMSX  = 0x80
	ModeATOMIC = 0xc0
)

// ALU operations.
const (
	AluADD  = 0x00
	AluSUB  = 0x10
	AluMUL  = 0x20
	AluDIV  = 0x30 // Off 1: signed
	AluOR   = 0x40
	AluAND  = 0x50
	AluLSH  = 0x60
	AluRSH  = 0x70
	AluNEG  = 0x80
	AluMOD  = 0x90 // Off 1: signed
	AluXOR  = 0xa0
	AluMOV  = 0xb0 // Off 8, 16, 32: sign-extending
	AluARSH = 0xc0
	AluEND  = 0xd0
)

// Jump operations.
const (
	JmpJA   = 0x00
	JmpJEQ  = 0x10
	JmpJGT  = 0x20
	JmpJGE  = 0x30
	JmpJSET = 0x40
	JmpJNE  = 0x50
	JmpJSGT = 0x60
	JmpJSGE = 0x70
	JmpCALL = 0x80
	JmpEXIT = 0x90
	JmpJLT  = 0xa0
	JmpJLE  = 0xb0
	JmpJSLT = 0xc0
	JmpJSLE = 0xd0
)

// Atomic operations, in Imm.
const (
	AtomicADD     = 0x00
	AtomicOR      = 0x40
	AtomicAND     = 0x50
	AtomicXOR     = 0xa0
	AtomicFETCH   = 0x01
	AtomicXCHG    = 0xe0 | AtomicFETCH
	AtomicCMPXCHG = 0xf0 | AtomicFETCH
)

// Pseudo sources of LD_IMM64 and of calls (include/uapi/linux/bpf.h).
const (
	PseudoMapFD     = 1
	PseudoMapValue  = 2
	PseudoBTFID     = 3
	PseudoFunc      = 4
	PseudoCall      = 1 // of a call: to a BPF function
	PseudoKfuncCall = 2 // of a call: to a kernel function
)

// Slots is the number of 8-byte slots that prog encodes to.
func Slots(prog []Insn) int {
	n := len(prog)
	for _, i := range prog {
		if i.Wide() {
			n++
		}
	}
	return n
}
