package exe

import (
	"debug/elf"
	"fmt"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"
)

// Returns are the file offsets of a function's return instructions, in order. They are what
// can be probed where a return address must not be replaced: Go copies its stacks, return
// addresses and all, and stops at those it doesn't know. A function that ends by jumping to
// another one has no return instruction there.
func (f *File) Returns(fn Symbol) ([]uint64, error) {
	off, ok := f.Offset(fn.Addr)
	if !ok || fn.Size == 0 || fn.Size > uint64(len(f.data)) || off > uint64(len(f.data))-fn.Size {
		return nil, fmt.Errorf("disassemble %s: its size isn't known", fn.Name)
	}
	code := f.data[off : off+fn.Size]
	length := x86Insn
	if f.ELF.Machine == elf.EM_AARCH64 {
		length = arm64Insn
	}
	var found []uint64
	for at := 0; at < len(code); {
		n, ret := length(code[at:])
		if n == 0 {
			return nil, fmt.Errorf("disassemble %s: unknown instruction at +%d (% x)", fn.Name, at, code[at:min(at+8, len(code))])
		}
		if ret {
			found = append(found, off+uint64(at))
		}
		at += n
	}
	return found, nil
}

// arm64Insn is the length of the instruction at the start of code, and whether it returns.
func arm64Insn(code []byte) (n int, ret bool) {
	if len(code) < 4 {
		return len(code), false
	}
	insn, err := arm64asm.Decode(code)
	return 4, err == nil && insn.Op == arm64asm.RET
}

// x86Insn is arm64Insn for amd64. 0: the instruction isn't known.
func x86Insn(code []byte) (n int, ret bool) {
	if n := vexInsn(code); n != 0 {
		return n, false
	}
	insn, err := x86asm.Decode(code, 64)
	if err != nil {
		return 0, false
	}
	return insn.Len, insn.Op == x86asm.RET
}

// vexInsn is the length of an instruction with a VEX or EVEX prefix, which the disassembler
// doesn't know; 0: it has none (Intel SDM volume 2, 2.3 and 2.7).
func vexInsn(code []byte) int {
	if len(code) < 5 {
		return 0
	}
	prefix, opcodes := 0, byte(1) // the map of opcodes: 0F, 0F38, 0F3A …
	switch code[0] {
	case 0xc5:
		prefix = 2
	case 0xc4:
		prefix, opcodes = 3, code[1]&0x1f
	case 0x62:
		prefix, opcodes = 4, code[1]&7
	default:
		return 0
	}
	op := code[prefix]
	n := prefix + 1
	if opcodes == 1 && op == 0x77 { // VZEROUPPER, VZEROALL: no operands
		return n
	}
	operand := modrm(code[n:])
	if operand == 0 {
		return 0
	}
	n += operand
	if opcodes == 3 || opcodes == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		n++ // an immediate byte
	}
	if n > len(code) {
		return 0
	}
	return n
}

// modrm is the length of a ModRM byte with the SIB byte and displacement that belong to
// it; 0: code is too short.
func modrm(code []byte) int {
	if len(code) == 0 {
		return 0
	}
	mod, rm, n := code[0]>>6, code[0]&7, 1
	if mod == 3 {
		return n
	}
	base := rm
	if rm == 4 {
		if len(code) < 2 {
			return 0
		}
		base, n = code[1]&7, 2
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, base == 5: // with mod 0 no base but a displacement, of the instruction pointer when there's no SIB byte
		n += 4
	}
	return n
}
