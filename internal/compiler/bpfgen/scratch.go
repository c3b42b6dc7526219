package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// getSmpProcessorID is the helper bpf_get_smp_processor_id.
const getSmpProcessorID = 8

// scratchBase is where a function computes the address of its part of this CPU's
// scratch row, once: scratch map's data + (cpu & mask) * row + offset.
type scratchBase struct {
	reg    vreg
	offset int64
	block  *ssa.Block // nil: not needed, or done
	before *ssa.Value // nil: at the block's end
}

// placeScratch finds the place that dominates all uses of scratch slots and lies in no
// loop that it could be kept out of.
func (s *selector) placeScratch(offset uint32) {
	if s.slots.Scratch == 0 {
		return
	}
	s.scratch.reg = s.m.newReg()
	s.scratch.offset = int64(offset)
	g, place := ssaPreds(s.f, s.order)
	idom := g.dominators()
	common := -1
	for _, b := range s.order {
		for _, at := range s.scratchUses(b) {
			if i := place[at.ID]; common < 0 {
				common = i
			} else {
				common = meet(idom, common, i)
			}
		}
	}
	if common < 0 {
		return
	}
	common = outOfLoops(idom, g.loopDepths(), common)
	b := s.order[common]
	s.scratch.block = b
	for _, v := range b.Values {
		if v.Op != ssa.OpPhi && usesScratch(v) {
			s.scratch.before = v
			return
		}
	}
}

// scratchUses lists the blocks in which b's values use scratch slots: b, and for a phi's
// arguments the predecessors.
func (s *selector) scratchUses(b *ssa.Block) []*ssa.Block {
	var at []*ssa.Block
	used := b.Control != nil && isScratch(b.Control)
	for _, v := range b.Values {
		if v.Op != ssa.OpPhi {
			used = used || usesScratch(v)
			continue
		}
		for i, a := range v.Args {
			if isScratch(a) {
				at = append(at, b.Preds[i])
			}
		}
	}
	if used {
		at = append(at, b)
	}
	return at
}

func usesScratch(v *ssa.Value) bool {
	for _, a := range v.Args {
		if isScratch(a) {
			return true
		}
	}
	return false
}

func isScratch(v *ssa.Value) bool {
	v = through(v)
	if v.Op != ssa.OpSlotAddr {
		return false
	}
	return v.Aux.(*ssa.Slot).Scratch
}

// outOfLoops goes up from place i to the nearest dominator in the fewest loops.
func outOfLoops(idom []int, depth []int32, i int) int {
	best := i
	for ; i != 0; i = idom[i] {
		if depth[idom[i]] < depth[best] {
			best = idom[i]
		}
	}
	return best
}

// beforeValue computes the base where it was placed; v is nil at the block's end.
func (s *selector) beforeValue(b *ssa.Block, v *ssa.Value) {
	if s.scratch.block != b || v != s.scratch.before {
		return
	}
	s.scratch.block = nil
	r, cpu := s.scratch.reg, s.m.newReg()
	s.callInst(inst{imm: getSmpProcessorID})
	s.move(cpu, 0)
	s.aluImm(isa.ClassALU64, isa.AluAND, cpu, int64(s.opt.ScratchCPUs-1))
	s.emit(inst{op: isa.ClassALU64 | isa.SrcK | isa.AluMUL, dst: cpu, sym: s.symbol(sym{row: true})})
	s.wide(r, s.scratch.offset, sym{kind: object.RelocMapValue, index: s.prog.Scratch, pseudo: isa.PseudoMapValue})
	s.alu(isa.ClassALU64, isa.AluADD, r, cpu)
}
