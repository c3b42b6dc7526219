package cgen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// stmt generates a statement. One that isn't reached makes no code, but for its labels.
func (c *fn) stmt(s ctree.Stmt) {
	if at := s.Where(); at.IsValid() {
		c.pos = at.Start
	}
	switch s := s.(type) {
	case *ctree.Block:
		for _, x := range s.Stmts {
			c.stmt(x)
		}
	case *ctree.Label:
		c.label(c.current().label(c, s.Name), s.Body)
	case *ctree.Case:
		c.label(c.current().cases[s], s.Body)
	case *ctree.If:
		c.ifStmt(s)
	case *ctree.Loop:
		c.loop(s)
	case *ctree.Switch:
		c.switchStmt(s)
	default:
		if c.b != nil {
			c.plain(s)
		}
	}
}

// plain is a statement without labels in it.
func (c *fn) plain(s ctree.Stmt) {
	switch s := s.(type) {
	case *ctree.ExprStmt:
		if s.X != nil {
			c.effect(s.X)
		}
	case *ctree.Decl:
		if s.Set {
			c.init(c.variable(s.Var), s.Var.Type, s.Init)
		}
	case *ctree.Goto:
		c.jump(c.current().label(c, s.Name))
	case *ctree.Break:
		c.jump(c.loops[len(c.loops)-1].brk)
	case *ctree.Continue:
		for _, l := range slices.Backward(c.loops) {
			if l.cont != nil {
				c.jump(l.cont)
				return
			}
		}
	case *ctree.Return:
		c.returnStmt(s)
	}
}

// current is the function whose code this is.
func (c *fn) current() *activation { return c.calls[len(c.calls)-1] }

// label is the block that a name stands for.
func (i *activation) label(c *fn, name string) *ssa.Block {
	if i.labels[name] == nil {
		i.labels[name] = c.block()
	}
	return i.labels[name]
}

// label goes on at a label. What jumps there may come later, so it's begun in any case; blocks
// that nothing leads to are dropped.
func (c *fn) label(b *ssa.Block, body ctree.Stmt) {
	c.jump(b)
	c.b = b
	c.stmt(body)
}

func (c *fn) ifStmt(s *ctree.If) {
	yes, no, join := c.block(), c.block(), c.block()
	if c.b != nil {
		c.branchOn(s.C, yes, no)
	}
	c.enter(yes)
	c.stmt(s.Then)
	c.jump(join)
	c.enter(no)
	if s.Else != nil {
		c.stmt(s.Else)
	}
	c.jump(join)
	c.enter(join)
}

func (c *fn) loop(s *ctree.Loop) {
	if s.Init != nil && c.b != nil {
		c.stmt(s.Init)
	}
	body, cont, end := c.block(), c.block(), c.block()
	if c.b == nil && !hasLabels(s.Body) {
		return
	}
	head := cont
	if !s.Do && s.Step != nil {
		head = c.block()
	}
	if s.Do {
		c.jump(body)
	} else {
		c.jump(head)
	}
	ask := func() {
		if s.C == nil {
			c.jump(body)
			return
		}
		c.branchOn(s.C, body, end)
	}
	if !s.Do {
		c.b = head
		ask()
	}
	c.loops = append(c.loops, &loop{brk: end, cont: cont})
	c.b = body
	c.stmt(s.Body)
	c.jump(cont)
	c.loops = c.loops[:len(c.loops)-1]
	switch {
	case s.Do:
		if c.enter(cont); c.b != nil {
			ask()
		}
	case s.Step != nil:
		if c.enter(cont); c.b != nil {
			c.effect(s.Step)
			c.jump(head)
		}
	}
	c.enter(end)
}

// hasLabels reports whether a jump from elsewhere may lead into a statement.
func hasLabels(s ctree.Stmt) bool {
	found := false
	ctree.Inspect(s, func(n any) {
		switch n.(type) {
		case *ctree.Label, *ctree.Case:
			found = true
		}
	})
	return found
}

// switchStmt compares with the cases in their order.
func (c *fn) switchStmt(s *ctree.Switch) {
	end := c.block()
	call := c.current()
	fallback := end
	for _, k := range s.Cases {
		call.cases[k] = c.block()
		if k.Default {
			fallback = call.cases[k]
		}
	}
	if c.b != nil {
		t := s.X.Type()
		v := c.value(s.X)
		for _, k := range s.Cases {
			if k.Default || c.b == nil {
				continue
			}
			next := c.block()
			c.branch(c.inCase(v, t, k), call.cases[k], next)
			c.b = next
		}
		c.jump(fallback)
	}
	c.loops = append(c.loops, &loop{brk: end})
	c.b = nil
	c.stmt(s.Body)
	c.loops = c.loops[:len(c.loops)-1]
	c.jump(end)
	c.enter(end)
}

// inCase is whether a value is one of a case's.
func (c *fn) inCase(v *ssa.Value, t *ctree.Type, k *ctree.Case) *ssa.Value {
	if k.From == k.To {
		return c.emit(ssa.OpEq, ssa.Bool, v, c.constant(v.Type, k.From))
	}
	off := c.emit(ssa.OpSub, v.Type, v, c.constant(v.Type, k.From))
	return c.emit(ssa.OpULe, ssa.Bool, off, c.constant(v.Type, k.To-k.From))
}

func (c *fn) returnStmt(s *ctree.Return) {
	call := c.current()
	if s.X != nil {
		switch t := call.f.Result; {
		case t.Kind == ctree.Void:
			c.effect(s.X)
		case t.Scalar():
			v := c.value(s.X)
			c.store(c.slotPlace(call.result), v, t)
		default:
			c.copy(c.slotPlace(call.result), c.place(s.X), t.Size, t.Align)
		}
	}
	c.jump(call.end)
}

// init sets a variable to what its initializer says, and the rest of it to zero.
func (c *fn) init(p place, t *ctree.Type, inits []ctree.Init) {
	if !c.covers(t, inits) {
		c.zero(p, t.Size, t.Align)
	}
	for _, i := range inits {
		at := p
		at.off += i.Off
		at.bits = i.BitField
		if i.T.Scalar() {
			v := c.value(i.X)
			c.store(at, v, i.T)
			continue
		}
		src := c.place(i.X)
		c.copy(at, src, min(i.T.Size, i.X.Type().Size), i.T.Align)
	}
}

// covers reports whether one initializer sets all.
func (c *fn) covers(t *ctree.Type, inits []ctree.Init) bool {
	return len(inits) == 1 && inits[0].Bits == 0 && min(inits[0].T.Size, inits[0].X.Type().Size) == t.Size
}
