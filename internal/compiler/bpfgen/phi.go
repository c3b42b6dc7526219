package bpfgen

import "github.com/skep-bpf/skep/internal/compiler/ssa"

// transfer is a copy to a phi's register on an edge.
type transfer struct {
	dst vreg
	src *ssa.Value
	reg vreg // of src; noReg if it's made afresh
}

// phis writes each edge's copies into the block at its end, or the one on it.
func (s *selector) phis() {
	for _, b := range s.order {
		for i, to := range b.Succs {
			if len(to.Values) == 0 || to.Values[0].Op != ssa.OpPhi {
				continue
			}
			s.cur, s.pos = s.end[b.ID], b.Pos
			if e := s.edges[edge{b, i}]; e != nil {
				s.cur = e
			}
			s.forget()
			s.transfers(s.phiArgs(to, b.PredIndex(i)))
		}
	}
}

func (s *selector) phiArgs(to *ssa.Block, pred int) []transfer {
	var out []transfer
	for _, phi := range to.Values {
		if phi.Op != ssa.OpPhi {
			break
		}
		if !s.inReg[phi.ID] {
			continue
		}
		t := transfer{dst: s.reg(phi), src: through(phi.Args[pred]), reg: noReg}
		if !isRemade(t.src) {
			t.reg = s.reg(t.src)
		}
		if t.reg != t.dst {
			out = append(out, t)
		}
	}
	return out
}

// transfers does copies that are to happen at once: a register is written when nobody
// reads it any more; a cycle is opened by a copy of one of its registers.
func (s *selector) transfers(list []transfer) {
	readers := map[vreg]int{}
	for _, t := range list {
		if t.reg != noReg {
			readers[t.reg]++
		}
	}
	var made []transfer
	for len(list) > 0 {
		var blocked []transfer
		for _, t := range list {
			switch {
			case t.reg == noReg:
				made = append(made, t)
			case readers[t.dst] > 0:
				blocked = append(blocked, t)
			default:
				s.move(t.dst, t.reg)
				readers[t.reg]--
			}
		}
		if len(blocked) == len(list) && len(blocked) > 0 {
			s.openCycle(blocked, readers)
		}
		list = blocked
	}
	for _, t := range made {
		s.into(t.dst, t.src)
	}
}

// openCycle lets the readers of the first transfer's destination read a copy.
func (s *selector) openCycle(blocked []transfer, readers map[vreg]int) {
	r := blocked[0].dst
	copied := s.m.newReg()
	s.move(copied, r)
	for i := range blocked {
		if blocked[i].reg == r {
			blocked[i].reg = copied
			readers[copied]++
		}
	}
	readers[r] = 0
}
