package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// jumps gives the jump of each comparison, and the one with its operands exchanged.
var jumps = map[ssa.Op]struct{ op, exchanged uint8 }{
	ssa.OpEq:  {isa.JmpJEQ, isa.JmpJEQ},
	ssa.OpNe:  {isa.JmpJNE, isa.JmpJNE},
	ssa.OpULt: {isa.JmpJLT, isa.JmpJGT},
	ssa.OpULe: {isa.JmpJLE, isa.JmpJGE},
	ssa.OpSLt: {isa.JmpJSLT, isa.JmpJSGT},
	ssa.OpSLe: {isa.JmpJSLE, isa.JmpJSGE},
}

// opposite gives the jump that is taken when another isn't. JSET has none.
var opposite = [16]uint8{
	isa.JmpJEQ >> 4: isa.JmpJNE, isa.JmpJNE >> 4: isa.JmpJEQ,
	isa.JmpJLT >> 4: isa.JmpJGE, isa.JmpJGE >> 4: isa.JmpJLT,
	isa.JmpJLE >> 4: isa.JmpJGT, isa.JmpJGT >> 4: isa.JmpJLE,
	isa.JmpJSLT >> 4: isa.JmpJSGE, isa.JmpJSGE >> 4: isa.JmpJSLT,
	isa.JmpJSLE >> 4: isa.JmpJSGT, isa.JmpJSGT >> 4: isa.JmpJSLE,
}

// jumpClass is the class of jumps that compare values of type t.
func jumpClass(t ssa.Type) uint8 {
	if t == ssa.I32 {
		return isa.ClassJMP32
	}
	return isa.ClassJMP
}

// branch ends the current block: to yes if v isn't zero, else to no.
func (s *selector) branch(v *ssa.Value, yes, no *block) {
	v = through(v)
	for isNot(v) {
		v, yes, no = through(v.Args[0]), no, yes
		s.cur.likely = -s.cur.likely
	}
	var c inst
	switch {
	case s.fused[v.ID]:
		s.branchBoth(v, yes, no)
		return
	case isCompare(v.Op) && s.isJset(v):
		c = s.jset(v)
		if v.Op == ssa.OpEq {
			yes, no = no, yes
			s.cur.likely = -s.cur.likely
		}
	case isCompare(v.Op):
		c = s.compare(v)
	default:
		c = inst{op: jumpClass(v.Type) | isa.SrcK | isa.JmpJNE, dst: s.reg(v)}
	}
	c.pos = s.pos
	s.cur.term, s.cur.cond, s.cur.succs = termBranch, c, []*block{yes, no}
}

// branchBoth branches on an and or an or: on its second operand only when the first
// doesn't decide.
func (s *selector) branchBoth(v *ssa.Value, yes, no *block) {
	second, likely := s.m.newBlock(), s.cur.likely
	second.pos = s.cur.pos
	if v.Op == ssa.OpAnd {
		s.branch(v.Args[0], second, no)
	} else {
		s.branch(v.Args[0], yes, second)
	}
	s.cur = second
	s.forget()
	s.cur.likely = likely
	s.branch(v.Args[1], yes, no)
}

// isJset reports whether v tests an And that has no register: the plan left it to JSET.
func (s *selector) isJset(v *ssa.Value) bool {
	a := through(v.Args[0])
	return isTest(v) && a.Op == ssa.OpAnd && s.uses[a.ID] == 1
}

func (s *selector) jset(v *ssa.Value) inst {
	and := through(v.Args[0])
	a, b := and.Args[0], and.Args[1]
	if _, ok := constant(a); ok {
		a, b = b, a
	}
	op := jumpClass(and.Type) | isa.JmpJSET
	if n, ok := imm32(b, and.Type); ok {
		return inst{op: op | isa.SrcK, dst: s.reg(a), imm: n}
	}
	return inst{op: op | isa.SrcX, dst: s.reg(a), src: s.reg(b)}
}

func (s *selector) compare(v *ssa.Value) inst {
	a, b := v.Args[0], v.Args[1]
	t := a.Type
	op := jumps[v.Op].op
	if _, ok := constant(a); ok {
		a, b, op = b, a, jumps[v.Op].exchanged
	}
	op |= jumpClass(t)
	if n, ok := imm32(b, t); ok {
		return inst{op: op | isa.SrcK, dst: s.reg(a), imm: n}
	}
	return inst{op: op | isa.SrcX, dst: s.reg(a), src: s.reg(b)}
}
