package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// The values of a record are evaluated from left to right. Most scripts can't tell, so strings
// are made in the record itself, after the other values, and values in memory are read when
// they're copied there. Up to a value that changes something, neither is done.

// prepareAll evaluates the values of a record, except those that are made in it.
func (c *fn) prepareAll(list []recordArg) {
	last := -1
	for i := range list {
		if list[i].e != nil && c.changes(list[i].e) {
			last = i
		}
	}
	for i := range list {
		if arg := &list[i]; i > last {
			c.prepare(arg, true)
		} else if c.prepare(arg, false); i < last {
			c.keep(arg)
		}
	}
}

// changes reports whether evaluating e may change what other values read.
func (c *fn) changes(e syntax.Expr) bool {
	found := false
	syntax.Inspect(e, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.UnaryExpr:
			found = found || n.Op >= syntax.PreInc
		case *syntax.Block:
			found = true
		case *syntax.CallExpr:
			b := c.builtin(n)
			found = found || b == nil || b.ID == types.BuiltinDelete || b.ID == types.BuiltinFind
		}
		return !found
	})
	return found
}

// keep copies a value that is somewhere in memory, which may change.
func (c *fn) keep(arg *recordArg) {
	if c.b == nil || !arg.ready || arg.o.ref.base == nil {
		return
	}
	buf := c.slot("kept", alignUp(bytesOf(arg.t), 8), 8)
	c.storeOperand(buf, ssa.MemSlot, arg.o, arg.t)
	arg.o = operand{t: arg.t, ref: ref{base: buf, class: ssa.MemSlot}}
}
