package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// percpuKaddr is percpu_kaddr(name[, cpu]): the address of a CPU's copy, 0 for a CPU that
// isn't there. The verifier knows the pointer, but what the script casts it to is read as any
// address of the kernel is.
func (c *fn) percpuKaddr(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	v := c.emitAux(ssa.OpKsymAddr, ssa.Ptr, 0, c.constant(args[0]).Str)
	if len(args) == 1 {
		return operand{t: t, v: c.asInt(c.call(fnThisCPUPtr, ssa.Ptr, v))}
	}
	cpu := c.emit(ssa.OpTrunc, ssa.I32, c.intExpr(args[1]))
	p := c.call(fnPerCPUPtr, ssa.Ptr, v, cpu)
	// What may be null can't be reckoned with before that is known.
	return operand{t: t, v: c.ifElse(p, 1,
		func() *ssa.Value { return c.asInt(p) }, func() *ssa.Value { return c.constI(0) })}
}

// socketCookie is socket_cookie(sk).
func (c *fn) socketCookie(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.call(fnSocketCookie, ssa.I64, c.expr(args[0]).v)}
}

// writeUser is write_user(to, value, bytes): no more than the value has.
func (c *fn) writeUser(e syntax.Expr, args []syntax.Expr) operand {
	to := c.expr(args[0])
	value := c.expr(args[1])
	from := c.inMemory(value)
	n, limit := c.intExpr(args[2]), c.constU(uint64(bytesOf(value.t)))
	if c.constant(args[2]) == nil {
		n = c.ifElse(c.cmp(ssa.OpULt, n, limit), 1, func() *ssa.Value { return n }, func() *ssa.Value { return limit })
	}
	ret := c.call(fnWriteUser, ssa.I64, c.asInt(to.v), c.refAddr(from), n)
	return operand{t: c.typeOf(e), v: c.cmp(ssa.OpEq, ret, c.constI(0))}
}

// override is override(value): what the probed function returns without having run.
func (c *fn) override(_ syntax.Expr, args []syntax.Expr) {
	c.call(fnOverride, ssa.I64, c.context(), c.intExpr(args[0]))
}

// unwatch is unwatch(address), which user space does.
func (c *fn) unwatch(e syntax.Expr, args []syntax.Expr) {
	index, a := c.newAction(object.ActionUnwatch, e)
	c.send(index, a, nil, args)
}

// debugf is debugf(format, …): the kernel formats the text into its trace pipe.
func (c *fn) debugf(e syntax.Expr, args []syntax.Expr) {
	text, values := c.kernelPrint(e, args[1:], "which prints what debugf() does")
	if text == nil {
		return
	}
	index, off := c.rodata.place(c.gen, text)
	list := append([]*ssa.Value{c.mapValue(index, off), c.constU(uint64(len(text)))}, values...)
	c.call(fnTracePrintk, ssa.I64, list...)
}
