package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// tailCall is the helper bpf_tail_call.
const tailCall = 12

// call passes the arguments, calls, and takes the result.
func (s *selector) call(v *ssa.Value) {
	s.arguments(v.Args)
	i := inst{nargs: uint8(len(v.Args))}
	switch v.Op {
	case ssa.OpCall:
		i.imm = v.AuxInt
	case ssa.OpTailCall:
		i.imm = tailCall
	case ssa.OpKfunc:
		i.sym = s.symbol(sym{kind: object.RelocKfunc, name: v.Aux.(string), pseudo: isa.PseudoKfuncCall})
	case ssa.OpCallFunc:
		i.sym = s.symbol(sym{kind: object.RelocFunc, fn: v.Aux.(*ssa.Func), pseudo: isa.PseudoCall})
	}
	s.callInst(i)
	if !s.inReg[v.ID] {
		return
	}
	// Helpers leave the upper half of a 32-bit result as it comes: an error is negative.
	if v.Type == ssa.I32 && s.upper[v.ID] && v.Op != ssa.OpCallFunc {
		s.emit(inst{op: isa.ClassALU | isa.SrcX | isa.AluMOV, dst: s.reg(v), src: 0})
	} else {
		s.move(s.reg(v), 0)
	}
}

func (s *selector) callInst(i inst) {
	i.op = isa.ClassJMP | isa.JmpCALL
	s.emit(i)
	s.forget()
}

// arguments fills r1…: first from registers, which that frees, then with what is made.
func (s *selector) arguments(args []*ssa.Value) {
	for i, a := range args {
		if !s.madeForCall(a) {
			s.move(vreg(i+1), s.reg(a))
		}
	}
	for i, a := range args {
		if s.madeForCall(a) {
			s.address(vreg(i+1), a)
		}
	}
}

// madeForCall reports whether an argument is made in its register.
func (s *selector) madeForCall(a *ssa.Value) bool {
	a = through(a)
	if a.Op == ssa.OpOffset {
		return !s.inReg[a.ID]
	}
	if !isRemade(a) {
		return false
	}
	base, off, ok := s.slot(a)
	return !ok || base == framePtr || off != 0
}
