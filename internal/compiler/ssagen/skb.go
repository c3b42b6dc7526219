package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// What goes before a packet's bytes in its record.
const (
	packetTime   = recordHeader      // u64, the boot clock
	packetCopied = recordHeader + 8  // u32, how many of the packet's bytes follow
	packetLength = recordHeader + 12 // u32, how many it has
	packetOffset = recordHeader + 16 // u64, how many to leave out
	packetHeader = recordHeader + 24
)

// packetMax is the most bytes of a packet that fit: a perf event's length has 16 bits
// (struct perf_event_header), is a multiple of 8, and counts 12 bytes before our own. The
// kernel doesn't look, and a longer one spoils the buffer.
const packetMax = 1<<16 - 8 - 12 - packetHeader

// Flags and results of bpf_skb_output (include/uapi/linux/bpf.h).
const (
	flagCurrentCPU = 0xffffffff // BPF_F_CURRENT_CPU; above it the number of bytes
	errFault       = -14        // the packet isn't that long
)

// skboutput is skboutput(path, skb, length, offset): the kernel copies the packet into a
// perf buffer, behind a header of ours.
func (c *fn) skboutput(e syntax.Expr, args []syntax.Expr) operand {
	index, a := c.newAction(object.ActionSkboutput, e)
	a.Text = c.constant(args[0]).Str
	for _, f := range []struct {
		at uint32
		t  *types.Type
	}{{packetTime, uint64Type}, {packetCopied, uint32Type}, {packetLength, uint32Type}, {packetOffset, uint64Type}} {
		a.Args = append(a.Args, object.Field{Offset: f.at, Type: c.runtimeType(f.t)})
	}
	a.Size = packetHeader
	skb := c.expr(args[1])
	length := c.intExpr(args[2])
	offset := c.intExpr(args[3])
	output := func() *ssa.Value { return c.outputPacket(index, skb, length, offset) }
	if !skb.btf || c.kind != probe.Iter && !c.opt.CheckNull {
		return operand{t: c.typeOf(e), v: c.extendTo(output(), c.typeOf(e))}
	}
	ret := c.ifElse(skb.v, 1, output, func() *ssa.Value { return c.constI(errFault) })
	return operand{t: c.typeOf(e), v: c.extendTo(ret, c.typeOf(e))}
}

// outputPacket sends the record of one packet; the result is the helper's.
func (c *fn) outputPacket(index int, skb operand, length, offset *ssa.Value) *ssa.Value {
	buf := c.slot("packet", packetHeader, 8)
	most := c.constI(packetMax)
	copied := c.ifElse(c.cmp(ssa.OpULt, length, most), 0,
		func() *ssa.Value { return length }, func() *ssa.Value { return most })
	whole := length
	if sel := types.Select(skb.t.Elem.S, "len"); sel != nil { // a script's own declaration may lack it
		whole = c.member(c.follow(skb), sel, uint32Type).v
	}
	c.header(buf, ssa.MemSlot, index, c.constI(0))
	c.store(buf, packetTime, c.call(fnKtimeBoot, ssa.I64), 8, ssa.MemSlot)
	c.store(buf, packetCopied, copied, 4, ssa.MemSlot)
	c.store(buf, packetLength, whole, 4, ssa.MemSlot)
	c.store(buf, packetOffset, offset, 8, ssa.MemSlot)
	flags := c.bin(ssa.OpOr, c.bin(ssa.OpShl, copied, c.constI(32)), c.constI(flagCurrentCPU))
	ret := c.call(fnSkbOutput, ssa.I64, skb.v, c.mapPtr(c.packets()), flags, buf, c.constI(packetHeader))
	c.helperError(fnSkbOutput, ret)
	c.ifThen(c.cmp(ssa.OpSLt, ret, c.constI(0)), -1, func() {
		c.ifThen(c.cmp(ssa.OpNe, ret, c.constI(errFault)), 0, c.lost)
	})
	return ret
}
