package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// aluOps gives the ALU operation of each arithmetic op.
var aluOps = map[ssa.Op]uint8{
	ssa.OpAdd: isa.AluADD, ssa.OpSub: isa.AluSUB, ssa.OpMul: isa.AluMUL,
	ssa.OpUDiv: isa.AluDIV, ssa.OpUMod: isa.AluMOD, ssa.OpSDiv: isa.AluDIV, ssa.OpSMod: isa.AluMOD,
	ssa.OpAnd: isa.AluAND, ssa.OpOr: isa.AluOR, ssa.OpXor: isa.AluXOR,
	ssa.OpShl: isa.AluLSH, ssa.OpLShr: isa.AluRSH, ssa.OpAShr: isa.AluARSH,
	ssa.OpAtomicAdd: isa.AtomicADD, ssa.OpAtomicFetchAdd: isa.AtomicADD, ssa.OpAtomicOr: isa.AtomicOR,
	ssa.OpAtomicAnd: isa.AtomicAND, ssa.OpAtomicXor: isa.AtomicXOR, ssa.OpAtomicXchg: isa.AtomicXCHG,
}

// aluClass is the instruction class for operations of type t.
func aluClass(t ssa.Type) uint8 {
	if t == ssa.I32 {
		return isa.ClassALU
	}
	return isa.ClassALU64
}

func isShift(op ssa.Op) bool { return op == ssa.OpShl || op == ssa.OpLShr || op == ssa.OpAShr }

func (s *selector) binary(v *ssa.Value) {
	a, b := through(v.Args[0]), through(v.Args[1])
	if v.Op.Info().Commutes && s.exchange(a, b) {
		a, b = b, a
	}
	class, op, dst := aluClass(v.Type), aluOps[v.Op], s.reg(v)
	n, isImm := imm32(b, v.Type)
	switch {
	case isImm && isShift(v.Op):
		if v.Type == ssa.I32 {
			n &= 31
		} else {
			n &= 63
		}
	case isImm && n == 0 && (v.Op == ssa.OpUDiv || v.Op == ssa.OpUMod):
		isImm = false // the verifier refuses a constant 0 as divisor
	}
	if isImm {
		s.into(dst, a)
		s.aluImm(class, op, dst, n)
		return
	}
	rb := s.reg(b)
	s.into(dst, a)
	s.alu(class, op, dst, rb)
}

// exchange reports whether b makes the better first operand of a commutative operation:
// one that the result can take the register of. A pointer stays first.
func (s *selector) exchange(a, b *ssa.Value) bool {
	switch {
	case b.Op == ssa.OpConst:
		return false
	case a.Op == ssa.OpConst:
		return true
	case a.Type == ssa.Ptr || b.Type == ssa.Ptr:
		return b.Type == ssa.Ptr && a.Type != ssa.Ptr
	}
	return isRemade(a) || s.uses[a.ID] > 1 && s.uses[b.ID] == 1 && a.Op != ssa.OpPhi
}

func (s *selector) unary(v *ssa.Value) {
	dst := s.reg(v)
	s.into(dst, v.Args[0])
	if v.Op == ssa.OpNot {
		s.aluImm(aluClass(v.Type), isa.AluXOR, dst, -1)
	} else {
		s.emit(inst{op: aluClass(v.Type) | isa.AluNEG, dst: dst})
	}
}

// extBits is the number of low bits that an extension keeps.
func extBits(op ssa.Op) int64 {
	switch op {
	case ssa.OpSExt8, ssa.OpZExt8:
		return 8
	case ssa.OpSExt16, ssa.OpZExt16:
		return 16
	}
	return 32
}

func (s *selector) signExtend(v *ssa.Value) {
	if v.Type == ssa.I32 && extBits(v.Op) == 32 {
		s.zeroExtend(v) // the low half as it is
		return
	}
	dst := s.reg(v)
	if s.opt.CPU >= V4 {
		s.emit(inst{
			op:  aluClass(v.Type) | isa.SrcX | isa.AluMOV,
			dst: dst, src: s.reg(v.Args[0]), off: int16(extBits(v.Op)),
		})
		return
	}
	s.into(dst, v.Args[0])
	s.signExtendIn(dst, extBits(v.Op), v.Type)
}

// signExtendIn sign-extends the low bits of r to type t by shifting them up and down.
func (s *selector) signExtendIn(r vreg, bits int64, t ssa.Type) {
	width := int64(64)
	if t == ssa.I32 {
		width = 32
	}
	if bits < width {
		s.aluImm(aluClass(t), isa.AluLSH, r, width-bits)
		s.aluImm(aluClass(t), isa.AluARSH, r, width-bits)
	}
}

func (s *selector) zeroExtend(v *ssa.Value) {
	dst := s.reg(v)
	switch bits := extBits(v.Op); {
	case bits < 32:
		s.into(dst, v.Args[0])
		s.aluImm(isa.ClassALU, isa.AluAND, dst, 1<<bits-1)
	case v.Type == ssa.I32 && !s.upper[v.ID]:
		s.into(dst, v.Args[0]) // whoever uses it looks at the low half
	default:
		s.emit(inst{op: isa.ClassALU | isa.SrcX | isa.AluMOV, dst: dst, src: s.reg(v.Args[0])})
	}
}

// bswap uses the conversion to the byte order that the machine doesn't have.
func (s *selector) bswap(v *ssa.Value) {
	dst := s.reg(v)
	s.into(dst, v.Args[0])
	op := uint8(isa.ClassALU | isa.AluEND | isa.SrcX)
	if s.opt.BigEndian {
		op = isa.ClassALU | isa.AluEND | isa.SrcK
	}
	s.emit(inst{op: op, dst: dst, imm: v.AuxInt})
}
