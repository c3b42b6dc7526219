package isa

import (
	"encoding/binary"
	"fmt"
)

// SlotSize is the size of struct bpf_insn (include/uapi/linux/bpf.h).
const SlotSize = 8

// Append encodes prog as an array of struct bpf_insn in the byte order bo and appends
// it to dst. The two register nibbles change places with the byte order (they are C
// bit-fields). An immediate that doesn't fit in the encoding is an error.
func Append(dst []byte, prog []Insn, bo binary.ByteOrder) ([]byte, error) {
	big := bo.Uint16([]byte{0, 1}) == 1
	for n, in := range prog {
		if in.Dst > 15 || in.Src > 15 {
			return nil, fmt.Errorf("encode instruction %d: register out of range", n)
		}
		if !in.Wide() && int64(int32(in.Imm)) != in.Imm && int64(uint32(in.Imm)) != in.Imm {
			return nil, fmt.Errorf("encode instruction %d: immediate %#x exceeds 32 bits", n, in.Imm)
		}
		dst = appendSlot(dst, in.Op, regByte(in.Dst, in.Src, big), in.Off, uint32(in.Imm), bo)
		if in.Wide() {
			dst = appendSlot(dst, 0, 0, 0, uint32(in.Imm>>32), bo)
		}
	}
	return dst, nil
}

// Encode is Append to a new slice.
func Encode(prog []Insn, bo binary.ByteOrder) ([]byte, error) {
	return Append(make([]byte, 0, Slots(prog)*SlotSize), prog, bo)
}

func regByte(dst, src Reg, big bool) byte {
	if big {
		return byte(dst)<<4 | byte(src)
	}
	return byte(src)<<4 | byte(dst)
}

func appendSlot(b []byte, op, regs byte, off int16, imm uint32, bo binary.ByteOrder) []byte {
	var s [SlotSize]byte
	s[0], s[1] = op, regs
	bo.PutUint16(s[2:], uint16(off))
	bo.PutUint32(s[4:], imm)
	return append(b, s[:]...)
}

// Decode reads an array of struct bpf_insn in the byte order bo. Opcodes aren't
// checked; a wide instruction without a well-formed second slot is an error.
func Decode(b []byte, bo binary.ByteOrder) ([]Insn, error) {
	if len(b)%SlotSize != 0 {
		return nil, fmt.Errorf("decode instructions: %d bytes is not a multiple of %d", len(b), SlotSize)
	}
	big := bo.Uint16([]byte{0, 1}) == 1
	prog := make([]Insn, 0, len(b)/SlotSize)
	for o := 0; o < len(b); o += SlotSize {
		s := b[o:]
		in := Insn{
			Op: s[0], Dst: Reg(s[1] & 15), Src: Reg(s[1] >> 4),
			Off: int16(bo.Uint16(s[2:])), Imm: int64(int32(bo.Uint32(s[4:]))),
		}
		if big {
			in.Dst, in.Src = in.Src, in.Dst
		}
		if in.Wide() {
			o += SlotSize
			if o >= len(b) || b[o] != 0 || b[o+1] != 0 || b[o+2] != 0 || b[o+3] != 0 {
				return nil, fmt.Errorf("decode instruction %d: the 64-bit load has no second slot", len(prog))
			}
			in.Imm = int64(uint64(uint32(in.Imm)) | uint64(bo.Uint32(b[o+4:]))<<32)
		}
		prog = append(prog, in)
	}
	return prog, nil
}
