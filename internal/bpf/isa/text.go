package isa

import (
	"fmt"
	"strings"
)

// Printer writes instructions in the syntax of the kernel's verifier log and of
// bpftool. The zero Printer is ready for use.
type Printer struct {
	// Helper names the helper with an id, without bpf_; nil or "": unknown.
	Helper func(id int64) string
	// Operand replaces what a wide instruction loads or a call's target in the
	// text of instruction n; nil or "": the plain form.
	Operand func(n int) string
}

// String is the instruction's text without names.
func (i Insn) String() string { return (&Printer{}).Text(0, i) }

// Listing is prog's text, one instruction a line, each after its slot number.
func (p *Printer) Listing(prog []Insn) string {
	var b strings.Builder
	slot := 0
	for n, in := range prog {
		fmt.Fprintf(&b, "%4d: %s\n", slot, p.Text(n, in))
		slot++
		if in.Wide() {
			slot++
		}
	}
	return b.String()
}

// Text is the text of in, which stands at index n.
func (p *Printer) Text(n int, in Insn) string {
	switch in.Class() {
	case ClassALU, ClassALU64:
		return aluText(in)
	case ClassLD:
		return p.ldText(n, in)
	case ClassLDX:
		return ldxText(in)
	case ClassST:
		if in.Mode() == ModeMEM {
			return fmt.Sprintf("*(%s *)(r%d %+d) = %d", sizeName(in, 'u'), in.Dst, in.Off, int32(in.Imm))
		}
	case ClassSTX:
		switch in.Mode() {
		case ModeMEM:
			return fmt.Sprintf("*(%s *)(r%d %+d) = r%d", sizeName(in, 'u'), in.Dst, in.Off, in.Src)
		case ModeATOMIC:
			return atomicText(in)
		}
	case ClassJMP, ClassJMP32:
		return p.jumpText(n, in)
	}
	return rawText(in)
}

// rawText is the text of what no other form covers.
func rawText(in Insn) string {
	return fmt.Sprintf(".insn %#02x r%d r%d %+d %d", in.Op, in.Dst, in.Src, in.Off, in.Imm)
}

var aluOps = [16]string{
	AluADD >> 4: "+=", AluSUB >> 4: "-=", AluMUL >> 4: "*=", AluDIV >> 4: "/=", AluOR >> 4: "|=",
	AluAND >> 4: "&=", AluLSH >> 4: "<<=", AluRSH >> 4: ">>=", AluMOD >> 4: "%=", AluXOR >> 4: "^=",
	AluMOV >> 4: "=", AluARSH >> 4: "s>>=",
}

var jumpOps = [16]string{
	JmpJEQ >> 4: "==", JmpJGT >> 4: ">", JmpJGE >> 4: ">=", JmpJSET >> 4: "&", JmpJNE >> 4: "!=",
	JmpJSGT >> 4: "s>", JmpJSGE >> 4: "s>=", JmpJLT >> 4: "<", JmpJLE >> 4: "<=",
	JmpJSLT >> 4: "s<", JmpJSLE >> 4: "s<=",
}

func sizeName(in Insn, sign byte) string { return fmt.Sprintf("%c%d", sign, 8*in.Bytes()) }

// prefix is the letter of a register seen with the instruction's width.
func prefix(in Insn) byte {
	if c := in.Class(); c == ClassALU || c == ClassJMP32 {
		return 'w'
	}
	return 'r'
}

func aluText(in Insn) string {
	r := prefix(in)
	op := aluOps[in.AluOp()>>4]
	switch in.AluOp() {
	case AluEND:
		name := "le"
		switch {
		case in.Class() == ClassALU64 && in.UsesReg(), in.Imm != 16 && in.Imm != 32 && in.Imm != 64:
			return rawText(in)
		case in.Class() == ClassALU64:
			name = "bswap"
		case in.UsesReg():
			name = "be"
		}
		return fmt.Sprintf("r%d = %s%d r%d", in.Dst, name, in.Imm, in.Dst)
	case AluNEG:
		if in.UsesReg() {
			return rawText(in)
		}
		return fmt.Sprintf("%c%d = -%c%d", r, in.Dst, r, in.Dst)
	case AluDIV, AluMOD:
		if in.Off == 1 {
			op = "s" + op
		}
	case AluMOV:
		if in.Off != 0 && in.UsesReg() {
			if in.Off != 8 && in.Off != 16 && in.Off != 32 {
				return rawText(in)
			}
			return fmt.Sprintf("%c%d = (s%d)%c%d", r, in.Dst, in.Off, r, in.Src)
		}
	}
	if op == "" {
		return rawText(in)
	}
	if in.UsesReg() {
		return fmt.Sprintf("%c%d %s %c%d", r, in.Dst, op, r, in.Src)
	}
	return fmt.Sprintf("%c%d %s %d", r, in.Dst, op, int32(in.Imm))
}

func (p *Printer) ldText(n int, in Insn) string {
	if !in.Wide() {
		switch in.Mode() {
		case ModeABS:
			return fmt.Sprintf("r0 = *(%s *)skb[%d]", sizeName(in, 'u'), int32(in.Imm))
		case ModeIND:
			return fmt.Sprintf("r0 = *(%s *)skb[r%d + %d]", sizeName(in, 'u'), in.Src, int32(in.Imm))
		}
		return rawText(in)
	}
	if s := p.operand(n); s != "" {
		return fmt.Sprintf("r%d = %s", in.Dst, s)
	}
	lo, hi := int32(in.Imm), int32(in.Imm>>32)
	switch in.Src {
	case 0:
		return fmt.Sprintf("r%d = %#x", in.Dst, uint64(in.Imm))
	case PseudoMapFD:
		return fmt.Sprintf("r%d = map[fd:%d]", in.Dst, lo)
	case PseudoMapValue:
		return fmt.Sprintf("r%d = map[fd:%d][0]%+d", in.Dst, lo, hi)
	case PseudoBTFID:
		return fmt.Sprintf("r%d = btf[%d]", in.Dst, in.Imm)
	case PseudoFunc:
		return fmt.Sprintf("r%d = subprog[%+d]", in.Dst, lo)
	}
	return rawText(in)
}

func (p *Printer) operand(n int) string {
	if p.Operand == nil {
		return ""
	}
	return p.Operand(n)
}

func ldxText(in Insn) string {
	switch in.Mode() {
	case ModeMEM:
		return fmt.Sprintf("r%d = *(%s *)(r%d %+d)", in.Dst, sizeName(in, 'u'), in.Src, in.Off)
	case ModeMEMSX:
		return fmt.Sprintf("r%d = *(%s *)(r%d %+d)", in.Dst, sizeName(in, 's'), in.Src, in.Off)
	}
	return rawText(in)
}

var atomicNames = map[int64]string{AtomicADD: "add", AtomicOR: "or", AtomicAND: "and", AtomicXOR: "xor"}

func atomicText(in Insn) string {
	mem := fmt.Sprintf("(%s *)(r%d %+d)", sizeName(in, 'u'), in.Dst, in.Off)
	width := ""
	if in.Bytes() == 8 {
		width = "64"
	}
	switch in.Imm {
	case AtomicXCHG:
		return fmt.Sprintf("r%d = atomic%s_xchg(%s, r%d)", in.Src, width, mem, in.Src)
	case AtomicCMPXCHG:
		return fmt.Sprintf("r0 = atomic%s_cmpxchg(%s, r0, r%d)", width, mem, in.Src)
	case AtomicADD, AtomicOR, AtomicAND, AtomicXOR:
		return fmt.Sprintf("lock *%s %s r%d", mem, aluOps[in.Imm>>4], in.Src)
	}
	if name := atomicNames[in.Imm&^AtomicFETCH]; name != "" {
		return fmt.Sprintf("r%d = atomic%s_fetch_%s(%s, r%d)", in.Src, width, name, mem, in.Src)
	}
	return rawText(in)
}

func (p *Printer) jumpText(n int, in Insn) string {
	switch {
	case in.Op == ClassJMP|JmpJA:
		return fmt.Sprintf("goto pc%+d", in.Off)
	case in.Op == ClassJMP32|JmpJA:
		return fmt.Sprintf("gotol pc%+d", in.Imm)
	case in.IsMayGoto():
		return fmt.Sprintf("may_goto pc%+d", in.Off)
	case in.IsExit():
		return "exit"
	case in.IsCall():
		return p.callText(n, in)
	}
	op := jumpOps[in.AluOp()>>4]
	if op == "" {
		return rawText(in)
	}
	r := prefix(in)
	if in.UsesReg() {
		return fmt.Sprintf("if %c%d %s %c%d goto pc%+d", r, in.Dst, op, r, in.Src, in.Off)
	}
	return fmt.Sprintf("if %c%d %s %#x goto pc%+d", r, in.Dst, op, uint32(in.Imm), in.Off)
}

func (p *Printer) callText(n int, in Insn) string {
	if s := p.operand(n); s != "" {
		return "call " + s
	}
	switch in.Src {
	case 0:
		name := ""
		if p.Helper != nil {
			name = p.Helper(in.Imm)
		}
		if name == "" {
			return fmt.Sprintf("call unknown#%d", in.Imm)
		}
		return fmt.Sprintf("call bpf_%s#%d", name, in.Imm)
	case PseudoCall:
		return fmt.Sprintf("call pc%+d", in.Imm)
	case PseudoKfuncCall:
		return fmt.Sprintf("call kernel-function#%d", in.Imm)
	}
	return rawText(in)
}
