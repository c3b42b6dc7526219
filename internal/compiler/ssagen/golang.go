package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// atReturns reports whether the unit's points are probed at return instructions, as those
// of Go functions are.
func (c *fn) atReturns() bool { return c.unit.Points[0].Returns != nil }

// returnedFrom is the address of the function whose return instruction is probed: the
// cookie tells how far from it the instruction is.
func (c *fn) returnedFrom() *ssa.Value {
	ip := c.loadReg("ip")
	if !c.info.Facts.Features.Cookie {
		return ip
	}
	c.uses.Cookies = true
	off := c.bin(ssa.OpLShr, c.call(fnCookie, ssa.I64, c.context()), c.constI(object.CookieOffsetShift))
	return c.bin(ssa.OpSub, ip, off)
}

// pointIndex is the index of the point that fired among the unit's, by the attach cookie.
func (c *fn) pointIndex() *ssa.Value {
	i := c.call(fnCookie, ssa.I64, c.context())
	if c.atReturns() {
		i = c.bin(ssa.OpAnd, i, c.constI(1<<object.CookieOffsetShift-1))
	}
	return i
}

// argRegisters are the registers that the probed function takes arguments in.
func (c *fn) argRegisters() []string {
	r := regsOf(c.info.Facts.Arch)
	if c.unit.Points[0].Go {
		return r.goArgs
	}
	return r.args
}
