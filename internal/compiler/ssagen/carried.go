package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// The verifier walks the body of an iterator's loop, or a callback, until the state at its
// start is one that it has seen. A variable that each round changes would be another
// number each time: it forgets numbers on its own only where nothing depends on them, and
// any comparison after the loop does. So variables that a loop's body sets live in cells
// while it runs: stack memory that is never written as one aligned word, of which the
// verifier doesn't remember what was stored. It then reads any number from there, and
// the second round's state is the first's.

// cellHalf is where in a cell of 8 bytes a variable of at most 4 bytes is.
const cellHalf = 4

// assignedIn gives the variables that the block sets and the function knows already.
func (c *fn) assignedIn(b *syntax.Block) map[*types.Local]bool {
	set := map[*types.Local]bool{}
	note := func(e syntax.Expr) {
		if v := syntax.PlaceVar(e); v != nil {
			if info := c.info.Locals[v.ID()]; c.known(info) != nil {
				set[info] = true
			}
		}
	}
	syntax.Inspect(b, func(n syntax.Node) bool {
		switch s := n.(type) {
		case *syntax.Assign:
			note(s.Target)
		case *syntax.UnaryExpr:
			if s.Op >= syntax.AddrOf {
				note(s.X)
			}
		}
		return true
	})
	return set
}

// hidden is a variable of type t in the cell at off in slot.
func hidden(slot *ssa.Slot, off int64, t *types.Type) *local {
	l := &local{slot: slot, off: off, t: t, hidden: true}
	if bytesOf(t) <= cellHalf {
		l.off += cellHalf
	}
	return l
}

// celled reports whether l is kept in a cell where a loop sets it: pointers, and numbers that
// may be pointers to the verifier, can't be written in halves. It doesn't know them as
// numbers anyway.
func (c *fn) celled(l *types.Local) bool {
	return scalar(l.Type) && l.Type.Kind != types.Pointer && !c.pointerNumbers()
}

// pointerNumbers reports whether the unit makes numbers of pointers that the verifier may know.
func (c *fn) pointerNumbers() bool {
	found := false
	inspect := func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.CastExpr:
			found = found || c.typeOf(x.X).Kind == types.Pointer && c.typeOf(x).Kind != types.Pointer
		case *syntax.Ident:
			if b := c.builtin(x); b != nil && c.typedArgs() {
				found = found || b.Name == "argN" || b.Name == "retval"
			}
		}
		return !found
	}
	syntax.Inspect(c.unit.Body, inspect)
	for _, f := range c.info.Funcs {
		syntax.Inspect(f.Decl.Body, inspect)
	}
	return found
}

// loadLocal reads a scalar variable.
func (c *fn) loadLocal(l *local) *ssa.Value {
	if l.btf {
		return c.loadPtr(c.localAddr(l), 0, ssa.MemSlot)
	}
	return c.load(c.localAddr(l), 0, mem(bytesOf(l.t), ssa.MemSlot, l.t.Signed && l.t.Kind != types.Pointer))
}

// storeLocal sets a scalar variable.
func (c *fn) storeLocal(l *local, v *ssa.Value) {
	p, n := c.localAddr(l), bytesOf(l.t)
	if l.hidden && n > cellHalf {
		v = c.asInt(v)
		c.store(p, 0, v, cellHalf, ssa.MemSlot)
		c.store(p, cellHalf, c.high32(v), cellHalf, ssa.MemSlot)
		return
	}
	c.store(p, 0, v, n, ssa.MemSlot)
}

// carry moves the variables that a loop's body sets into cells; the function that it
// returns brings them back after the loop.
func (c *fn) carry(body *syntax.Block) (back func()) {
	outer := map[*types.Local]*local{}
	set := c.assignedIn(body)
	var order []*types.Local
	syntax.Inspect(body, func(n syntax.Node) bool {
		v, ok := n.(*syntax.VarExpr)
		if !ok {
			return true
		}
		info := c.info.Locals[v.ID()]
		if !set[info] || outer[info] != nil {
			return true
		}
		if l := c.local(info); c.celled(info) && !l.hidden {
			outer[info] = l
			order = append(order, info)
		}
		return true
	})
	for _, info := range order {
		slot := c.f.NewSlot(info.Name, 8, 8)
		slot.Pos, slot.Captured = c.pos, true
		cell := hidden(slot, 0, info.Type)
		c.storeLocal(cell, c.loadLocal(outer[info]))
		outer[info].btf = false
		c.locals[info] = cell
	}
	return func() {
		for _, info := range order {
			c.storeLocal(outer[info], c.loadLocal(c.locals[info]))
			c.locals[info] = outer[info]
		}
	}
}
