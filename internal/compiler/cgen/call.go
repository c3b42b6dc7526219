package cgen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// maxArgs is what registers pass.
const maxArgs = 5

// call calls a function: the kernel's, a helper, or one of the text's.
func (c *fn) call(x *ctree.Call) *ssa.Value {
	f := x.Func
	if f.Body == nil && f.Helper == 0 && !f.Kernel {
		if d := c.env.Define(f.Name); d != nil {
			if !sameTypes(f, d) {
				c.errorf(diag.CodeCTwice, x.Span, "`%s` is declared otherwise here than where it's defined", f.Name).
					NoteAt(d.Span, "it's defined here")
				return c.constant(RegType(f.Result), 0)
			}
			f = d
		}
	}
	switch {
	case f.Helper != 0:
		return c.helper(x, f)
	case f.Kernel:
		return c.kfunc(x, f)
	case f.Body == nil:
		c.errorf(diag.CodeCNoBody, x.Span, "`%s` has no body in the imported files", f.Name)
		return c.constant(RegType(f.Result), 0)
	case c.isCalling(f):
		c.errorf(diag.CodeCRecurses, x.Span, "`%s` calls itself", f.Name)
		return c.constant(RegType(f.Result), 0)
	case c.inlines(f):
		return c.result(x, c.inPlace(f, c.args(x)))
	}
	return c.result(x, c.emitAux(ssa.OpCallFunc, callType(f), 0, c.function(f, ssa.FuncSub), c.args(x)...))
}

// sameTypes reports whether two declarations of a function pass the same things.
func sameTypes(a, b *ctree.Func) bool {
	same := func(x, y *ctree.Type) bool { return x.Kind == y.Kind && x.Size == y.Size && x.Signed == y.Signed }
	return same(a.Result, b.Result) && slices.EqualFunc(a.Params, b.Params, func(x, y *ctree.Var) bool { return same(x.Type, y.Type) })
}

// callType is the register type of what a function gives.
func callType(f *ctree.Func) ssa.Type {
	if f.Result.Scalar() {
		return RegType(f.Result)
	}
	return ssa.I64
}

// result is nil for a call that gives nothing.
func (c *fn) result(x *ctree.Call, v *ssa.Value) *ssa.Value {
	if x.Type().Kind == ctree.Void {
		return nil
	}
	return v
}

// args computes a call's arguments in their order.
func (c *fn) args(x *ctree.Call) []*ssa.Value {
	out := make([]*ssa.Value, len(x.Args))
	for i, a := range x.Args {
		out[i] = c.value(a)
	}
	c.pos = x.Span.Start
	return out
}

// isCalling reports whether f's code is being generated.
func (c *fn) isCalling(f *ctree.Func) bool {
	if slices.ContainsFunc(c.calls, func(i *activation) bool { return i.f == f }) {
		return true
	}
	return slices.Contains(c.building, f)
}

// inPlace puts a function's code in the place of a call. Parameters and variables are the
// call's own, also when the function is inlined twice.
func (c *fn) inPlace(f *ctree.Func, values []*ssa.Value) *ssa.Value {
	outer := c.slots
	c.slots = make(map[*ctree.Var]*ssa.Slot, len(f.Params))
	for i, p := range f.Params {
		at := c.variable(p)
		if p.Type.Scalar() {
			c.store(at, values[i], p.Type)
		} else {
			c.copy(at, c.at(values[i]), p.Type.Size, p.Type.Align)
		}
	}
	v := c.body(f)
	c.slots = outer
	if v == nil && f.Result.Scalar() {
		return c.constant(RegType(f.Result), 0) // it never returns, or without a value
	}
	return v
}

// inlines decides whether a function's code stands in the place of its calls: as the text says,
// and else if it's small, or takes or gives what registers can't hold.
func (c *fn) inlines(f *ctree.Func) bool {
	if !Callable(f) || f.Inline == ctree.AlwaysInline {
		return true
	}
	if f.Inline == ctree.NeverInline {
		return false
	}
	return size(f) <= inlineNodes || f.Static && f.Uses == 1
}

// inlineNodes is the size of a function's tree up to which a call costs more than its code.
const inlineNodes = 40

// Callable reports whether registers hold a function's parameters and result.
func Callable(f *ctree.Func) bool {
	if len(f.Params) > maxArgs || f.Result.Kind != ctree.Void && !f.Result.Scalar() {
		return false
	}
	return !slices.ContainsFunc(f.Params, func(p *ctree.Var) bool { return !p.Type.Scalar() })
}

// size is the number of nodes of a function's tree.
func size(f *ctree.Func) int {
	n := 0
	ctree.Inspect(f.Body, func(any) { n++ })
	return n
}

// helper calls a helper. All of a register counts for it.
func (c *fn) helper(x *ctree.Call, f *ctree.Func) *ssa.Value {
	if since, missing := c.helperSince(f.Helper); missing {
		c.errorf(diag.CodeFeature, x.Span, "%s() needs kernel %s", f.Name, since)
	}
	if len(x.Args) > maxArgs {
		c.errorf(diag.CodeCCalls, x.Span, "%s() takes up to %d arguments", f.Name, maxArgs)
		return c.constant(ssa.I64, 0)
	}
	args := make([]*ssa.Value, len(x.Args))
	for i, a := range x.Args {
		if fa, ok := a.(*ctree.FuncAddr); ok && helper.ByID(f.Helper).Args[i] == helper.ArgFunc {
			args[i] = c.callback(fa)
			continue
		}
		args[i] = c.wide(c.value(a), a.Type())
	}
	c.checkMemory(x, f.Helper, args)
	c.pos = x.Span.Start
	return c.narrowed(x, f, c.emitAux(ssa.OpCall, wideType(f.Result), f.Helper, nil, args...))
}

// checkMemory refuses memory of a variable that a helper would get more bytes of than there are.
func (c *fn) checkMemory(x *ctree.Call, id int64, args []*ssa.Value) {
	for i := 1; i < len(args); i++ {
		if size, ok := x.Args[i].(*ctree.Const); ok && helper.ByID(id).Args[i] == helper.ArgSize {
			c.checkBounds(c.at(args[i-1]), size.Val, x.Args[i-1].Where())
		}
	}
}

// wide is a value with all of its register set.
func (c *fn) wide(v *ssa.Value, t *ctree.Type) *ssa.Value {
	if v.Type == ssa.I32 {
		return c.convert(v, t, ctree.LongType)
	}
	return v
}

func wideType(t *ctree.Type) ssa.Type {
	if t.Kind == ctree.Pointer {
		return ssa.Ptr
	}
	return ssa.I64
}

// narrowed is what a helper or a kernel function gave, as its type says.
func (c *fn) narrowed(x *ctree.Call, f *ctree.Func, v *ssa.Value) *ssa.Value {
	switch {
	case f.Result.Kind == ctree.Void:
		return nil
	case v.Type == ssa.Ptr:
		return v
	case f.Helper != 0 && c.shortErrors(f.Helper):
		v = c.emit(ssa.OpSExt32, ssa.I64, v)
	case f.Result.Kind == ctree.Bool:
		v = c.emit(ssa.OpTrunc, ssa.I32, v)
		return c.emit(ssa.OpAnd, ssa.I32, v, c.constant(ssa.I32, 1)) // the other bits are anything
	}
	if f.Result.Size < 8 {
		return c.convert(v, ctree.LongType, f.Result)
	}
	return v
}

// shortErrors reports whether the upper half of a helper's negative result isn't set: calls for
// maps go straight to a function that gave an int before 6.4.
func (c *fn) shortErrors(id int64) bool {
	switch id {
	case 2, 3, 164: // bpf_map_update_elem, bpf_map_delete_elem, bpf_for_each_map_elem
		return c.env.Kernel() < 6<<16|4<<8
	}
	return false
}

// kfunc calls a function of the kernel.
func (c *fn) kfunc(x *ctree.Call, f *ctree.Func) *ssa.Value {
	if !c.env.Kfunc(f.Name) {
		c.errorf(diag.CodeCNoBody, x.Span, "this kernel has no function `%s` for BPF programs", f.Name)
		return c.constant(RegType(f.Result), 0)
	}
	if len(x.Args) > maxArgs {
		c.errorf(diag.CodeCCalls, x.Span, "%s() takes up to %d arguments", f.Name, maxArgs)
		return c.constant(RegType(f.Result), 0)
	}
	args := make([]*ssa.Value, len(x.Args))
	for i, a := range x.Args {
		args[i] = c.wide(c.value(a), a.Type())
	}
	c.pos = x.Span.Start
	t := wideType(f.Result)
	if f.Result.Kind == ctree.Void {
		t = ssa.Void
	}
	return c.narrowed(x, f, c.emitAux(ssa.OpKfunc, t, 0, f.Name, args...))
}

// callback is a function that a helper calls back.
func (c *fn) callback(x *ctree.FuncAddr) *ssa.Value {
	f := x.Func
	if f.Body == nil {
		c.errorf(diag.CodeCNoBody, x.Span, "`%s` has no body in this file", f.Name)
		return c.constant(ssa.Ptr, 0)
	}
	if !Callable(f) {
		c.errorf(diag.CodeCCalls, x.Span, "`%s` can't be called back: it takes or gives what registers can't hold", f.Name)
		return c.constant(ssa.Ptr, 0)
	}
	if c.isCalling(f) {
		c.errorf(diag.CodeCRecurses, x.Span, "`%s` calls itself", f.Name)
		return c.constant(ssa.Ptr, 0)
	}
	return c.emitAux(ssa.OpFuncAddr, ssa.Ptr, 0, c.function(f, ssa.FuncCallback))
}

// funcAddr is a function's address where no helper calls it back: all there is to do with it is
// to compare it with NULL.
func (c *fn) funcAddr(x *ctree.FuncAddr) *ssa.Value {
	c.errorf(diag.CodeCUnsupported, x.Span, "the address of a function isn't supported here")
	return c.constant(ssa.Ptr, 0)
}
