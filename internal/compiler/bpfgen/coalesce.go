package bpfgen

import "slices"

// coalesce gives both ends of a move one register wherever their intervals don't
// overlap, the most frequent moves first, and drops the moves.
func coalesce(m *mfunc) {
	l := computeLiveness(m)
	c := classes{parent: make([]vreg, m.nregs), ivs: l.ivs}
	for r := range c.parent {
		c.parent[r] = vreg(r)
	}
	blocks := slices.Clone(m.blocks)
	slices.SortStableFunc(blocks, func(a, b *block) int { return int(b.depth - a.depth) })
	for _, b := range blocks {
		for i := range b.insts {
			if in := &b.insts[i]; in.isMove() && in.dst.virtual() && in.src.virtual() {
				c.join(in.dst, in.src)
			}
		}
	}
	m.renumber(c.find)
}

// classes are disjoint sets of registers, each with one interval.
type classes struct {
	parent []vreg
	ivs    []interval
}

func (c *classes) find(r vreg) vreg {
	for c.parent[r] != r {
		c.parent[r] = c.parent[c.parent[r]]
		r = c.parent[r]
	}
	return r
}

func (c *classes) join(a, b vreg) {
	a, b = c.find(a), c.find(b)
	if a == b || overlaps(c.ivs[a].segs, c.ivs[b].segs) {
		return
	}
	c.parent[b] = a
	c.ivs[a].segs = merge(c.ivs[a].segs, c.ivs[b].segs)
	c.ivs[b].segs = nil
}

// renumber replaces each register r by to(r) and drops moves of a register to itself.
func (m *mfunc) renumber(to func(vreg) vreg) {
	for _, b := range m.blocks {
		kept := b.insts[:0]
		for _, in := range b.insts {
			in.replace(to)
			if !in.isMove() || in.dst != in.src {
				kept = append(kept, in)
			}
		}
		b.insts = kept
		if b.term == termBranch {
			b.cond.replace(to)
		}
	}
}

// replace puts to(r) in the place of each register r that i names.
func (i *inst) replace(to func(vreg) vreg) {
	k := i.roles()
	if k.readDst || k.writeDst {
		i.dst = to(i.dst)
	}
	if k.readSrc || k.writeSrc {
		i.src = to(i.src)
	}
}
