package bpfgen

import (
	"cmp"
	"math"
	"slices"
)

// maxRounds bounds the rounds of allocation: each spills at least one interval, and
// what spilling leaves can always be placed.
const maxRounds = 50

// allocate assigns machine registers to m's virtual ones. A round takes the intervals in
// the order of their weight and gives each a register that is free in all of its
// segments; if some got none, they are spilled and a new round begins.
func allocate(m *mfunc) {
	coalesce(m)
	s := newSpiller(m)
	for round := 0; ; round++ {
		a := newAllocation(computeLiveness(m), s)
		spilled := a.assign()
		if len(spilled) == 0 {
			m.renumber(func(r vreg) vreg {
				if r.virtual() {
					return a.regs[r]
				}
				return r
			})
			return
		}
		if round == maxRounds {
			panic("BUG: bpfgen: register allocation doesn't end")
		}
		s.spill(spilled)
	}
}

// allocation is one round.
type allocation struct {
	*liveness
	spiller *spiller
	regs    []vreg // by virtual register: the machine's
	busy    occupancy
}

func newAllocation(l *liveness, s *spiller) *allocation {
	a := &allocation{
		liveness: l, spiller: s, regs: make([]vreg, l.m.nregs),
		busy: newOccupancy(2 * l.first[len(l.m.blocks)]),
	}
	for r := range a.regs {
		a.regs[r] = noReg
	}
	for r := vreg(0); r < numRegs; r++ {
		a.busy.add(r, l.ivs[r].segs)
		a.regs[r] = r
	}
	a.weigh()
	return a
}

// weigh sums up how often each register is used, and collects its hints.
func (a *allocation) weigh() {
	for _, b := range a.m.blocks {
		f := frequency(b)
		count := func(r vreg) { a.ivs[r].weight += f }
		for i := range b.insts {
			in := &b.insts[i]
			in.eachRead(count)
			in.eachWrite(count)
			if in.isMove() && in.src != framePtr {
				a.ivs[in.dst].hints = append(a.ivs[in.dst].hints, hint{in.src, f})
				a.ivs[in.src].hints = append(a.ivs[in.src].hints, hint{in.dst, f})
			}
		}
		if b.term == termBranch {
			b.cond.eachRead(count)
		}
	}
	for r := firstVirtual; r < a.m.nregs; r++ {
		iv := &a.ivs[r]
		length := int32(0)
		for _, s := range iv.segs {
			length += s.to - s.from
		}
		iv.weight /= float64(length + 8)
		switch a.spiller.kind(r) {
		case spillTiny:
			iv.weight = math.Inf(1)
		case spillRemade:
			iv.weight /= 2
		}
	}
}

// assign gives out registers and returns the intervals that got none.
func (a *allocation) assign() []*interval {
	queue := make([]*interval, 0, len(a.ivs))
	for r := firstVirtual; r < a.m.nregs; r++ {
		if len(a.ivs[r].segs) > 0 {
			queue = append(queue, &a.ivs[r])
		}
	}
	slices.SortStableFunc(queue, func(x, y *interval) int { return cmp.Compare(y.weight, x.weight) })
	var spilled []*interval
	for _, iv := range queue {
		r := a.choose(iv)
		if r == noReg {
			if math.IsInf(iv.weight, 1) {
				panic("BUG: bpfgen: no register for a single use")
			}
			spilled = append(spilled, iv)
			continue
		}
		a.regs[iv.reg] = r
		a.busy.add(r, iv.segs)
	}
	return spilled
}

// preference is the order in which registers are tried without a hint: those that a
// call clobbers first (others have to be saved by the prologue), of them the ones that
// are arguments of few calls.
var preference = [numRegs]vreg{0, 5, 4, 3, 2, 1, 6, 7, 8, 9}

// choose is the free register that makes the most moves vanish, or noReg.
func (a *allocation) choose(iv *interval) vreg {
	var score [numRegs]float64
	for _, h := range iv.hints {
		if r := a.regs[h.reg]; r != noReg {
			score[r] += h.weight
		}
	}
	order := preference
	slices.SortStableFunc(order[:], func(x, y vreg) int { return cmp.Compare(score[y], score[x]) })
	for _, r := range order {
		if a.busy.free(r, iv.segs) {
			return r
		}
	}
	return noReg
}

// occupancy is which machine register is in use where. Each register's segments are
// cut into stretches of positions, so that a look-up is short in long functions too.
type occupancy struct {
	stretches [numRegs][][]segment
}

// stretch is the number of positions in one, as a shift.
const stretch = 8

func newOccupancy(positions int32) occupancy {
	var o occupancy
	for r := range o.stretches {
		o.stretches[r] = make([][]segment, positions>>stretch+1)
	}
	return o
}

func (o *occupancy) add(r vreg, segs []segment) {
	for _, s := range segs {
		for i := s.from >> stretch; i <= (s.to-1)>>stretch; i++ {
			o.stretches[r][i] = append(o.stretches[r][i], s)
		}
	}
}

func (o *occupancy) free(r vreg, segs []segment) bool {
	for _, s := range segs {
		for i := s.from >> stretch; i <= (s.to-1)>>stretch; i++ {
			for _, t := range o.stretches[r][i] {
				if s.from < t.to && t.from < s.to {
					return false
				}
			}
		}
	}
	return true
}
