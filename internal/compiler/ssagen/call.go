package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// The script's functions become code in one of two ways. Most are generated in the place of
// each call, where they cost nothing and may do whatever the probe may. Large ones that are
// called more than once, and whose values are numbers, are a BPF function of the program: see share.

// callee is a call of a script's function whose code is being generated in its place.
type callee struct {
	info   *types.FuncInfo
	result *types.Local // where return leaves the value; nil: there's none
	end    *ssa.Block   // where return goes
	iters  int          // open-coded iterators that are the caller's
}

// scriptFunc is the script's function of that name, or nil.
func (g *gen) scriptFunc(name string) *types.FuncInfo { return g.info.Func(name) }

// callFunc is a call of a script's function.
func (c *fn) callFunc(e *syntax.CallExpr, f *types.FuncInfo) operand {
	if c.shared(f).shared {
		return c.callShared(e, f)
	}
	c.passArgs(f, e.Args)
	return c.funcBody(f)
}

// funcBody generates the body of a function whose parameters are set, and gives what it returns.
func (c *fn) funcBody(f *types.FuncInfo) operand {
	call := &callee{info: f, end: c.block(), iters: len(c.iters)}
	if f.Result.Kind != types.Void {
		call.result = &types.Local{Name: f.Decl.Name.Name, Type: f.Result, Decl: f.Decl.Name.Span()}
		c.local(call.result)
	}
	loops := c.loops
	c.loops = nil
	c.callees = append(c.callees, call)
	if c.fits(c.span(), "with functions in the places of their calls") {
		c.blockStmts(f.Decl.Body)
	}
	c.callees = c.callees[:len(c.callees)-1]
	c.loops = loops
	c.jump(call.end)
	if len(call.end.Preds) > 0 {
		c.b = call.end
	}
	return c.resultOf(call)
}

// resultOf is what a call gave.
func (c *fn) resultOf(call *callee) operand {
	t := call.info.Result
	switch {
	case call.result == nil:
		return operand{t: t, v: c.constI(0)}
	case scalar(t):
		return operand{t: t, v: c.loadLocal(c.local(call.result))}
	}
	return operand{t: t, ref: ref{base: c.localAddr(c.local(call.result)), class: ssa.MemSlot}}
}

// passArgs sets the parameters. The arguments of a call whose arguments call functions are all
// evaluated before the first parameter is set: it may be one of those calls' too.
func (c *fn) passArgs(f *types.FuncInfo, args []syntax.Expr) {
	into := f.Params
	if slices.ContainsFunc(args, c.callsFunc) {
		into = make([]*types.Local, len(args))
		for i, p := range f.Params {
			into[i] = &types.Local{Name: p.Name, Type: p.Type, Decl: p.Decl}
		}
	}
	for i, a := range args {
		c.passArg(f.Params[i], into[i], a)
	}
	for i, p := range f.Params {
		if into[i] == p {
			continue
		}
		from := c.local(into[i])
		to := c.local(p)
		to.btf = from.btf
		if to.btf {
			c.store(c.localAddr(to), 0, c.loadLocal(from), 8, ssa.MemSlot)
		} else {
			c.copyLocal(to, from)
		}
	}
}

// passArg sets parameter p, or what it's set to later. It's a pointer that the verifier knows when
// the argument is, unless the function sets it anew.
func (c *fn) passArg(p, into *types.Local, a syntax.Expr) {
	l := c.local(into)
	l.btf = false
	if !scalar(l.t) {
		c.assignLocal(l, into, a)
		return
	}
	o := c.convert(c.expr(a), l.t)
	if o.btf && l.t.Kind == types.Pointer && c.used.sets[p] == 1 && c.b != nil {
		l.btf = true
		c.storeLocal(l, o.v)
		return
	}
	c.setLocal(l, into, o)
}

// callsFunc reports whether an expression calls a function of the script.
func (c *fn) callsFunc(e syntax.Expr) bool {
	found := false
	syntax.Inspect(e, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && c.builtin(call) == nil && c.scriptFunc(call.Fun.Name) != nil {
			found = true
		}
		return !found
	})
	return found
}

// calling is the call whose code this is, and whether it began in this function: a loop's body
// may be a callback of its own.
func (c *fn) calling() (call *callee, here bool) {
	for f := c; f != nil; f = f.outer {
		if n := len(f.callees); n > 0 {
			return f.callees[n-1], f == c
		}
	}
	return nil, false
}

// returnFrom is `return` in a function.
func (c *fn) returnFrom(call *callee, here bool, x syntax.Expr) {
	if x != nil && call.result != nil {
		c.assignLocal(c.local(call.result), call.result, x)
	}
	if !here {
		c.endCallback(returnFunc)
		return
	}
	c.endCall(call)
}

// endCall goes to the end of a function whose call began here.
func (c *fn) endCall(call *callee) {
	if c.b == nil {
		return
	}
	for i := len(c.iters) - 1; i >= call.iters; i-- {
		c.endIter(c.iters[i])
	}
	c.jump(call.end)
}
