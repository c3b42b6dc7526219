// Package cgen makes SSA of functions written in C: of the trees that lang/cdecl checked.
//
// A function becomes code in the place of a call, or a BPF function of the program (call.go).
// Variables are slots, as the script's are; the passes make values of them. An int and
// whatever is promoted to it is an I32, wider numbers are I64, pointers Ptr, which the verifier
// follows: what it doesn't let a program do with a pointer, it refuses, as for any C.
package cgen

import (
	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// Env is what C code needs of the object that it's part of, and of the kernel.
type Env interface {
	// Data is where a variable that lives on is: the map's index, and the offset in it.
	Data(v *ctree.Var) (mapIndex int, off int64)
	// Map is the index of a map that the C text defines.
	Map(v *ctree.Var) int
	// Kfunc tells whether programs may call the kernel's function.
	Kfunc(name string) bool
	// Kernel is the kernel's version, as KERNEL_VERSION has it.
	Kernel() uint32
	// Define is the definition of a function that another file only declares; nil: there's none.
	Define(name string) *ctree.Func
}

// Program collects the C functions of one BPF program.
type Program struct {
	prog  *ssa.Prog
	env   Env
	rep   *diag.Reporter
	funcs map[funcKey]*ssa.Func
	// building are the functions being built, outermost first.
	building []*ctree.Func
}

// funcKey tells apart the function that's called from the one that helpers call back: they get
// and give their values otherwise.
type funcKey struct {
	f    *ctree.Func
	kind ssa.FuncKind
}

// NewProgram adds the functions that are asked for to prog.
func NewProgram(prog *ssa.Prog, env Env, rep *diag.Reporter) *Program {
	return &Program{prog: prog, env: env, rep: rep, funcs: map[funcKey]*ssa.Func{}}
}

// fn is one BPF function while it's being built.
type fn struct {
	*Program
	f      *ssa.Func
	b      *ssa.Block // where values go; nil: what follows isn't reached
	pos    diag.Pos
	slots  map[*ctree.Var]*ssa.Slot
	loops  []*loop
	calls  []*activation // the functions whose code this is, outermost first
	failed bool
}

// loop is where break and continue go; cont is nil in a switch.
type loop struct{ brk, cont *ssa.Block }

// activation is a function whose code stands in the place of a call, or the one being built.
type activation struct {
	f      *ctree.Func
	result *ssa.Slot // where return leaves the value; nil: there's none
	end    *ssa.Block
	labels map[string]*ssa.Block
	cases  map[*ctree.Case]*ssa.Block
	loops  []*loop // of the caller
}

// Call calls f at the end of block b of a function that isn't C: its code stands there, or is a
// function of the program. The arguments have the types of RegType. It gives f's value, nil if it
// has none, and the block to go on in; nil if f never comes back.
func (p *Program) Call(b *ssa.Block, at diag.Pos, f *ctree.Func, args []*ssa.Value) (*ssa.Value, *ssa.Block) {
	c := &fn{Program: p, f: b.Func, b: b, pos: at, slots: map[*ctree.Var]*ssa.Slot{}}
	if c.inlines(f) {
		v := c.inPlace(f, args)
		return v, c.b
	}
	return c.emitAux(ssa.OpCallFunc, callType(f), 0, p.function(f, ssa.FuncSub), args...), c.b
}

func (p *Program) function(f *ctree.Func, kind ssa.FuncKind) *ssa.Func {
	key := funcKey{f, kind}
	if known := p.funcs[key]; known != nil {
		return known
	}
	var params []ssa.Type
	for _, v := range f.Params {
		params = append(params, paramType(v.Type, kind))
	}
	result := ssa.I64
	if f.Result.Scalar() && kind == ssa.FuncSub {
		result = RegType(f.Result)
	}
	sf := ssa.NewFunc("c_"+f.Name, kind, params, result)
	p.funcs[key] = sf
	p.prog.Funcs = append(p.prog.Funcs, sf)
	c := &fn{Program: p, f: sf, b: sf.Entry(), slots: map[*ctree.Var]*ssa.Slot{}, pos: f.Span.Start}
	p.building = append(p.building, f)
	defer func() { p.building = p.building[:len(p.building)-1] }()
	var values []*ssa.Value
	for i, t := range params {
		values = append(values, c.emitAux(ssa.OpParam, t, int64(i), nil))
	}
	for i, v := range f.Params {
		x := values[i]
		if x.Type != RegType(v.Type) {
			x = c.emit(ssa.OpTrunc, ssa.I32, x)
		}
		c.store(c.variable(v), x, v.Type)
	}
	ret := c.body(f)
	switch {
	case c.b == nil:
	case ret == nil:
		c.ret(c.constant(result, 0))
	case kind == ssa.FuncCallback:
		c.ret(c.convert(ret, f.Result, ctree.LongType))
	default:
		c.ret(ret)
	}
	return sf
}

// paramType is the type of a parameter's register. Helpers fill all of it.
func paramType(t *ctree.Type, kind ssa.FuncKind) ssa.Type {
	if kind == ssa.FuncCallback && RegType(t) == ssa.I32 {
		return ssa.I64
	}
	return RegType(t)
}

// RegType is the type of values of t in a register.
func RegType(t *ctree.Type) ssa.Type {
	switch {
	case t.Kind == ctree.Pointer:
		return ssa.Ptr
	case t.Size == 8:
		return ssa.I64
	}
	return ssa.I32
}

// body generates a function's body, and gives the value that it returns; nil: none.
func (c *fn) body(f *ctree.Func) *ssa.Value {
	call := &activation{f: f, end: c.block(), labels: map[string]*ssa.Block{}, cases: map[*ctree.Case]*ssa.Block{}, loops: c.loops}
	if f.Result.Kind != ctree.Void {
		call.result = c.newSlot(f.Name, f.Result, 0)
	}
	c.loops = nil
	c.calls = append(c.calls, call)
	c.stmt(f.Body)
	c.calls = c.calls[:len(c.calls)-1]
	c.loops = call.loops
	c.jump(call.end)
	if len(call.end.Preds) == 0 {
		return nil
	}
	c.b = call.end
	switch {
	case call.result == nil:
		return nil
	case f.Result.Scalar():
		return c.load(c.slotPlace(call.result), f.Result)
	}
	return c.slotAddr(call.result)
}

// errorf reports what can't be compiled, once a function.
func (c *fn) errorf(code diag.Code, at diag.Span, format string, args ...any) *diag.Diagnostic {
	if c.failed {
		return &diag.Diagnostic{}
	}
	c.failed = true
	if !at.IsValid() && len(c.calls) > 0 { // in one of our own headers
		at = c.calls[0].f.Span
	}
	return c.rep.Errorf(code, at, format, args...)
}

// helperSince is the kernel that has a helper, if the running one hasn't.
func (c *fn) helperSince(id int64) (since helper.Version, missing bool) {
	h := helper.ByID(id)
	k := c.env.Kernel()
	return h.Since, k != 0 && helper.V(uint8(k>>16), uint8(k>>8)).Before(h.Since)
}
