package ssagen

import "github.com/skep-bpf/skep/internal/compiler/ssa"

// pinned tells whether the program is an iterator that's pinned: who reads the pin gets what
// the program writes to the sequence file, and nobody reads the ring buffer.
func (c *fn) pinned() bool { return len(c.unit.Points) > 0 && c.unit.Points[0].PinPath() != "" }

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
