package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// pinned tells whether the program is an iterator that's pinned: who reads the pin gets what
// the program writes to the sequence file, and nobody reads the ring buffer.
func (c *fn) pinned() bool {
	return c.unit != nil && len(c.unit.Points) > 0 && c.unit.Points[0].PinPath() != ""
}

// seqFile is the sequence file that an iterator writes: ctx->meta->seq, both the first
// member (struct bpf_iter_meta, include/linux/bpf.h).
func (c *fn) seqFile() *ssa.Value {
	meta := c.loadPtr(c.context(), 0, ssa.MemCtx)
	return c.loadPtr(meta, 0, ssa.MemKernel)
}

// paceIter writes a byte for each object, so that a read of n bytes goes through n objects
// and the ring buffer can be emptied between reads.
func (c *fn) paceIter() {
	if c.pinned() {
		return
	}
	buf := c.slot("pace", 1, 1)
	c.store(buf, 0, c.constI(0), 1, ssa.MemSlot)
	c.call(fnSeqWrite, ssa.I64, c.seqFile(), buf, c.constI(1))
}

// skipEnd ends the program when an object of an iterator's context is NULL, as it is when
// the program is called a last time after all objects: bpftrace runs nothing then. A loop's
// body can't end the program; it reads zeros.
func (c *fn) skipEnd(o *operand) {
	if !o.btf || c.outer != nil {
		return
	}
	there, none := c.block(), c.block()
	c.branch(o.v, there, none, 1)
	c.b = none
	c.ret(nil)
	c.b = there
	o.nonNull = true
}

// guarded is a member behind a pointer of an iterator that may be NULL: then it reads as zero.
func (c *fn) guarded(base operand, sel *types.Selection, t *types.Type) operand {
	r := c.follow(base)
	if base.nonNull {
		return c.member(r, sel, t)
	}
	if !scalar(t) || sel.Field.Type == nil {
		// The address is computed where it's known not to be NULL, and read by a helper.
		addr := c.ifElse(base.v, 1,
			func() *ssa.Value { return c.asInt(c.addI(base.v, int64(sel.Offset))) },
			func() *ssa.Value { return c.constI(0) })
		there := *sel
		there.Offset = 0
		return c.member(ref{base: addr, probed: true}, &there, t)
	}
	o := operand{t: t}
	o.v = c.ifElse(base.v, 1, func() *ssa.Value {
		m := c.member(r, sel, t)
		o.btf = m.btf
		return m.v
	}, func() *ssa.Value {
		if o.btf {
			return c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil)
		}
		return c.constI(0)
	})
	return o
}
