package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// What BPF has no instruction for.

// unless emits body in a block of its own that runs if the inst c, a conditional jump,
// isn't taken.
func (s *selector) unless(c inst, body func()) {
	skipped, join := s.m.newBlock(), s.m.newBlock()
	c.pos = s.pos
	s.cur.term, s.cur.cond, s.cur.succs, s.cur.pos = termBranch, c, []*block{join, skipped}, s.pos
	s.cur, skipped.pos = skipped, s.pos
	body()
	s.goTo(join)
	s.cur = join
}

// selectOp writes one value, and over it the other unless the condition holds.
func (s *selector) selectOp(v *ssa.Value) {
	dst := s.reg(v)
	s.into(dst, v.Args[1])
	s.overwrite(v.Args[0], func() { s.into(dst, v.Args[2]) })
}

// boolean makes a comparison's result a number.
func (s *selector) boolean(v *ssa.Value) {
	dst := s.reg(v)
	s.moveImm(dst, 1)
	s.overwrite(v, func() { s.moveImm(dst, 0) })
}

// overwrite emits body to run when cond doesn't hold.
func (s *selector) overwrite(cond *ssa.Value, body func()) {
	other, join := s.m.newBlock(), s.m.newBlock()
	other.pos, s.cur.pos = s.pos, s.pos
	s.branch(cond, join, other)
	s.cur = other
	body()
	s.goTo(join)
	s.cur = join
	s.forget()
}

// signedDiv is the signed quotient or remainder. The instruction of V4 is used for
// constant divisors only: kernels before 6.12 fault on the smallest number divided
// by -1. Else the operation is done on absolute values and the sign set afterwards.
func (s *selector) signedDiv(v *ssa.Value) {
	a, b := v.Args[0], v.Args[1]
	class, op, dst := aluClass(v.Type), aluOps[v.Op], s.reg(v)
	n, isImm := imm32(b, v.Type)
	if isImm && n != 0 && n != -1 && s.opt.CPU >= V4 {
		s.into(dst, a)
		s.emit(inst{op: class | isa.SrcK | op, dst: dst, off: 1, imm: n})
		return
	}
	rb := s.reg(b)
	sign := s.m.newReg()
	s.into(sign, a)
	if v.Op == ssa.OpSDiv && !(isImm && n > 0) {
		s.alu(class, isa.AluXOR, sign, rb)
	}
	s.into(dst, a)
	s.absolute(class, dst)
	if isImm && n > 0 {
		s.aluImm(class, op, dst, n)
	} else {
		divisor := s.m.newReg()
		s.move(divisor, rb)
		s.absolute(class, divisor)
		s.alu(class, op, dst, divisor)
	}
	s.unlessNegative(class, sign, func() { s.emit(inst{op: class | isa.AluNEG, dst: dst}) })
}

// absolute makes r's absolute value in r.
func (s *selector) absolute(class uint8, r vreg) {
	s.unlessNegative(class, r, func() { s.emit(inst{op: class | isa.AluNEG, dst: r}) })
}

// unlessNegative skips body unless r is negative.
func (s *selector) unlessNegative(class uint8, r vreg, body func()) {
	jmp := uint8(isa.ClassJMP)
	if class == isa.ClassALU {
		jmp = isa.ClassJMP32
	}
	s.unless(inst{op: jmp | isa.SrcK | isa.JmpJSGE, dst: r}, body)
}
