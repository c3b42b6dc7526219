package bpfgen

import "math"

// Positions: inst i of the whole function reads at 2i and writes at 2i+1; a block's
// ending counts as one inst.

// segment is the half-open range [from, to) of positions.
type segment struct{ from, to int32 }

// interval is where a register is live: ascending segments that don't touch.
type interval struct {
	reg    vreg
	segs   []segment
	weight float64 // cost of keeping it in memory, by its length
	hints  []hint
}

// hint is a machine or virtual register that moves connect an interval with.
type hint struct {
	reg    vreg
	weight float64
}

// liveness is the intervals of a function; those of the machine's registers come from
// their uses around calls.
type liveness struct {
	m     *mfunc
	first []int32 // by block: position number of its first inst
	ivs   []interval
	// liveOut is by block.
	liveOut [][]vreg
}

func computeLiveness(m *mfunc) *liveness {
	l := &liveness{m: m, first: make([]int32, len(m.blocks)+1), ivs: make([]interval, m.nregs)}
	n := int32(0)
	for i, b := range m.blocks {
		l.first[i] = n
		n += int32(len(b.insts)) + 1
	}
	l.first[len(m.blocks)] = n
	for r := range l.ivs {
		l.ivs[r].reg = vreg(r)
	}
	l.flow()
	for i := len(m.blocks) - 1; i >= 0; i-- {
		l.block(m.blocks[i])
	}
	for r := range l.ivs {
		reverse(l.ivs[r].segs)
	}
	return l
}

func reverse(s []segment) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// flow finds what is live at the ends of blocks: from each use that no write in its
// block comes before, up through the predecessors to the writes.
func (l *liveness) flow() {
	blocks := l.m.blocks
	l.liveOut = make([][]vreg, len(blocks))
	exposed, writes := l.exposed()
	written := make([]vreg, len(blocks)) // the register last found to be written there
	liveIn := make([]vreg, len(blocks))
	var work []int32
	for r := firstVirtual; r < l.m.nregs; r++ {
		for _, b := range writes[r] {
			written[b] = r
		}
		work = append(work[:0], exposed[r]...)
		for _, b := range work {
			liveIn[b] = r
		}
		for len(work) > 0 {
			b := blocks[work[len(work)-1]]
			work = work[:len(work)-1]
			for _, p := range b.preds {
				out := l.liveOut[p.id]
				if len(out) == 0 || out[len(out)-1] != r {
					l.liveOut[p.id] = append(out, r)
				}
				if written[p.id] != r && liveIn[p.id] != r {
					liveIn[p.id] = r
					work = append(work, int32(p.id))
				}
			}
		}
	}
}

// exposed lists by register the blocks that read it before they write it, and the
// blocks that write it.
func (l *liveness) exposed() (exposed, writes [][]int32) {
	exposed, writes = make([][]int32, l.m.nregs), make([][]int32, l.m.nregs)
	last := func(s []int32, b int32) bool { return len(s) > 0 && s[len(s)-1] == b }
	for i, b := range l.m.blocks {
		id := int32(i)
		read := func(r vreg) {
			if r.virtual() && !last(writes[r], id) && !last(exposed[r], id) {
				exposed[r] = append(exposed[r], id)
			}
		}
		for n := range b.insts {
			in := &b.insts[n]
			in.eachRead(read)
			in.eachWrite(func(r vreg) {
				if r.virtual() && !last(writes[r], id) {
					writes[r] = append(writes[r], id)
				}
			})
		}
		if b.term == termBranch {
			b.cond.eachRead(read)
		}
	}
	return exposed, writes
}

// eachRead calls fn for the registers that i names and reads.
func (i *inst) eachRead(fn func(vreg)) {
	k := i.roles()
	if k.readDst {
		fn(i.dst)
	}
	if k.readSrc && (!k.readDst || i.src != i.dst) {
		fn(i.src)
	}
}

// eachWrite calls fn for the registers that i names and writes.
func (i *inst) eachWrite(fn func(vreg)) {
	k := i.roles()
	if k.writeDst {
		fn(i.dst)
	}
	if k.writeSrc {
		fn(i.src)
	}
}

// block adds b's segments, from its end to its start; segments are kept in
// descending order until all blocks are done.
func (l *liveness) block(b *block) {
	start, end := 2*l.first[b.id], 2*l.first[b.id+1]
	for _, r := range l.liveOut[b.id] {
		l.extend(r, start, end)
	}
	pos := end - 2
	switch b.term {
	case termBranch:
		b.cond.eachRead(func(r vreg) { l.read(r, start, pos) })
	case termRet:
		l.read(0, start, pos)
	}
	for n := len(b.insts) - 1; n >= 0; n-- {
		pos -= 2
		in := &b.insts[n]
		reads, writes := in.implicit()
		for r := vreg(0); writes != 0; r, writes = r+1, writes>>1 {
			if writes&1 != 0 {
				l.write(r, pos)
			}
		}
		in.eachWrite(func(r vreg) { l.write(r, pos) })
		in.eachRead(func(r vreg) { l.read(r, start, pos) })
		for r := vreg(0); reads != 0; r, reads = r+1, reads>>1 {
			if reads&1 != 0 {
				l.read(r, start, pos)
			}
		}
	}
}

// read makes r live from start to the read at pos.
func (l *liveness) read(r vreg, start, pos int32) {
	if r != framePtr {
		l.extend(r, start, pos+1)
	}
}

// extend makes r live in [from, to), which doesn't end after its first segment does.
func (l *liveness) extend(r vreg, from, to int32) {
	segs := l.ivs[r].segs
	if n := len(segs); n > 0 && segs[n-1].from <= to {
		if segs[n-1].from > from {
			segs[n-1].from = from
		}
		return
	}
	l.ivs[r].segs = append(segs, segment{from, to})
}

// write ends r's liveness upwards at the write at pos; a result that nobody reads
// still takes its register at that moment.
func (l *liveness) write(r vreg, pos int32) {
	segs := l.ivs[r].segs
	if n := len(segs); n > 0 && segs[n-1].from <= pos+1 && segs[n-1].to > pos+1 {
		segs[n-1].from = pos + 1
		return
	}
	l.ivs[r].segs = append(segs, segment{pos + 1, pos + 2})
}

// overlaps reports whether two ascending lists of segments have a position in common.
func overlaps(a, b []segment) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].to <= b[0].from:
			a = a[1:]
		case b[0].to <= a[0].from:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// merge unites two ascending lists.
func merge(a, b []segment) []segment {
	out := make([]segment, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].from <= b[0].from {
			out, a = appendSegment(out, a[0]), a[1:]
		} else {
			out, b = appendSegment(out, b[0]), b[1:]
		}
	}
	return out
}

func appendSegment(s []segment, x segment) []segment {
	if n := len(s); n > 0 && s[n-1].to >= x.from {
		s[n-1].to = max(s[n-1].to, x.to)
		return s
	}
	return append(s, x)
}

// frequency estimates how often a block runs.
func frequency(b *block) float64 { return math.Pow(8, float64(min(b.depth, 6))) }
