package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// usdtArg is argument i of a USDT probe, from where the note says it is. The note's size
// and sign say how it's extended; an argument that the probe hasn't got is 0.
func (c *fn) usdtArg(i int) *ssa.Value {
	arg, ok := c.unit.USDT[i]
	if !ok {
		return c.constI(0)
	}
	t := types.IntType(uint32(arg.Size), arg.Signed)
	at := c.constI(0)
	if arg.Base != "" {
		at = c.loadReg(arg.Base)
	}
	if arg.Shift != 0 {
		at = c.bin(ssa.OpLShr, at, c.constI(int64(arg.Shift)))
	}
	if arg.Index != "" {
		index := c.extendTo(c.loadReg(arg.Index), types.IntType(uint32(arg.IndexSize), arg.IndexSigned))
		at = c.bin(ssa.OpAdd, at, c.bin(ssa.OpMul, index, c.constI(int64(arg.Scale))))
	}
	if arg.Mem {
		return c.deref(ref{base: at, off: arg.Disp, probed: true, user: true}, t).v
	}
	return c.extendTo(c.bin(ssa.OpAdd, at, c.constI(arg.Disp)), t)
}
