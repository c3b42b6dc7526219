package cgen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// nonZero is whether v isn't zero, as a Bool.
func (c *fn) nonZero(v *ssa.Value) *ssa.Value {
	if v.Type == ssa.Bool {
		return v
	}
	return c.emit(ssa.OpNe, ssa.Bool, v, c.constant(v.Type, 0))
}

// compare is a comparison as a Bool.
func (c *fn) compare(x *ctree.Binary) *ssa.Value {
	t := x.X.Type()
	l := c.value(x.X)
	r := c.value(x.Y)
	signed := t.Kind == ctree.Int && t.Signed
	op := x.Op
	if op == ctree.Gt || op == ctree.Ge {
		l, r = r, l
		op -= ctree.Gt - ctree.Lt
	}
	o := map[ctree.Op]ssa.Op{ctree.Eq: ssa.OpEq, ctree.Ne: ssa.OpNe, ctree.Lt: ssa.OpULt, ctree.Le: ssa.OpULe}[op]
	if signed && op == ctree.Lt {
		o = ssa.OpSLt
	}
	if signed && op == ctree.Le {
		o = ssa.OpSLe
	}
	return c.emit(o, ssa.Bool, l, r)
}

// known is the truth of a condition that's known when it's compiled: a constant, and whether
// the kernel has a function.
func (c *fn) known(x ctree.Expr) (truth, ok bool) {
	switch x := x.(type) {
	case *ctree.Const:
		return x.Val != 0, true
	case *ctree.FuncAddr:
		return !x.Func.Weak || c.env.Kfunc(x.Func.Name), true
	case *ctree.AddrOf:
		_, isVar := x.X.(*ctree.VarRef)
		return true, isVar
	case *ctree.Not:
		truth, ok = c.known(x.X)
		return !truth, ok
	case *ctree.Convert:
		if x.X.Type().Kind == ctree.Pointer && x.T.Size == 8 || x.T.Kind == ctree.Bool {
			return c.known(x.X)
		}
	case *ctree.Binary:
		if k, isConst := x.Y.(*ctree.Const); isConst && k.Val == 0 && x.X.Type().Kind == ctree.Pointer && (x.Op == ctree.Eq || x.Op == ctree.Ne) {
			truth, ok = c.known(x.X)
			return truth == (x.Op == ctree.Ne), ok
		}
	case *ctree.Logic:
		l, lok := c.known(x.X)
		if lok && l == x.Or {
			return l, true
		}
		r, rok := c.known(x.Y)
		return r, lok && rok
	}
	return false, false
}

// branchOn goes to yes if x isn't zero, else to no.
func (c *fn) branchOn(x ctree.Expr, yes, no *ssa.Block) {
	if truth, ok := c.known(x); ok {
		if truth {
			c.jump(yes)
		} else {
			c.jump(no)
		}
		return
	}
	if at := x.Where(); at.IsValid() {
		c.pos = at.Start
	}
	switch x := x.(type) {
	case *ctree.Not:
		c.branchOn(x.X, no, yes)
		return
	case *ctree.Logic:
		next := c.block()
		if x.Or {
			c.branchOn(x.X, yes, next)
		} else {
			c.branchOn(x.X, next, no)
		}
		if c.enter(next); c.b != nil {
			c.branchOn(x.Y, yes, no)
		}
		return
	case *ctree.Binary:
		if x.Op.IsCompare() {
			c.branch(c.compare(x), yes, no)
			return
		}
	case *ctree.Convert:
		if x.T.Kind == ctree.Bool || x.T.Kind == ctree.Int && x.X.Type().Kind == ctree.Int && x.T.Size >= x.X.Type().Size {
			c.branchOn(x.X, yes, no)
			return
		}
	}
	v := c.value(x)
	if c.b != nil {
		c.branch(v, yes, no)
	}
}

// truthValue is a condition as an int.
func (c *fn) truthValue(x ctree.Expr) *ssa.Value {
	if truth, ok := c.known(x); ok {
		if truth {
			return c.constant(ssa.I32, 1)
		}
		return c.constant(ssa.I32, 0)
	}
	switch k := x.(type) {
	case *ctree.Logic:
		return c.choose(x, ssa.I32, func() *ssa.Value { return c.constant(ssa.I32, 1) }, func() *ssa.Value { return c.constant(ssa.I32, 0) })
	case *ctree.Not:
		if _, ok := k.X.(*ctree.Logic); ok {
			return c.choose(x, ssa.I32, func() *ssa.Value { return c.constant(ssa.I32, 1) }, func() *ssa.Value { return c.constant(ssa.I32, 0) })
		}
		v := c.value(k.X)
		return c.emit(ssa.OpZExt32, ssa.I32, c.emit(ssa.OpEq, ssa.Bool, v, c.constant(v.Type, 0)))
	case *ctree.Binary:
		if k.Op.IsCompare() {
			return c.value(k)
		}
	}
	if x.Type().Kind == ctree.Bool {
		return c.value(x)
	}
	return c.emit(ssa.OpZExt32, ssa.I32, c.nonZero(c.value(x)))
}

// cond is C ? X : Y.
func (c *fn) cond(x *ctree.Cond) *ssa.Value {
	r := RegType(x.T)
	if x.T.Kind == ctree.Struct {
		r = ssa.Ptr
	}
	side := func(y ctree.Expr) func() *ssa.Value {
		return func() *ssa.Value {
			if x.T.Kind == ctree.Void {
				c.effect(y)
				return nil
			}
			return c.value(y)
		}
	}
	if truth, ok := c.known(x.C); ok {
		if truth {
			return side(x.X)()
		}
		return side(x.Y)()
	}
	return c.choose(x.C, r, side(x.X), side(x.Y))
}

// choose is the value of then if cond isn't zero, else of els.
func (c *fn) choose(cond ctree.Expr, t ssa.Type, then, els func() *ssa.Value) *ssa.Value {
	yes, no, join := c.block(), c.block(), c.block()
	c.branchOn(cond, yes, no)
	var values []*ssa.Value
	for i, b := range []*ssa.Block{yes, no} {
		if c.enter(b); c.b == nil {
			continue
		}
		v := then
		if i == 1 {
			v = els
		}
		got := v()
		if c.b != nil {
			values = append(values, got)
			c.jump(join)
		}
	}
	c.enter(join)
	switch {
	case len(values) == 0 || values[0] == nil:
		if c.b == nil { // nothing gets here
			return c.constant(t, 0)
		}
		return nil
	case len(values) == 1:
		return values[0]
	}
	return c.emit(ssa.OpPhi, t, values...)
}
