package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/cgen"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// cfuncs is what all programs share of the C functions: where their variables and maps are.
type cfuncs struct {
	mapIndex int // of what's written; -1 until needed
	data     []byte
	vars     map[*ctree.Var]cData
	maps     map[*ctree.Var]int
}

// cData is an offset in a map's element.
type cData struct {
	index int
	off   int64
}

// callC calls a C function.
func (c *fn) callC(e *syntax.CallExpr, f *types.CFunc) operand {
	args := make([]*ssa.Value, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.cArg(a, f.Params[i])
	}
	if c.uses.c == nil {
		c.uses.c = cgen.NewProgram(c.prog, cEnv{c.gen}, c.rep)
	}
	for i, v := range args {
		switch want := cgen.RegType(f.Code.Params[i].Type); {
		case want == ssa.Ptr && v.Type != ssa.Ptr:
			args[i] = c.emit(ssa.OpCopy, ssa.Ptr, v)
		case want == ssa.I32:
			args[i] = c.emit(ssa.OpTrunc, ssa.I32, v)
		}
	}
	var v *ssa.Value
	v, c.b = c.uses.c.Call(c.cur(), c.pos, f.Code, args)
	if slices.ContainsFunc(e.Args, func(a syntax.Expr) bool { return types.MapArgument(a) != nil }) {
		c.forget("")
	}
	t := f.Result
	switch {
	case t.Kind == types.Void || v == nil:
		return operand{t: t, v: c.constI(0)}
	case v.Type == ssa.I32 && t.Signed:
		v = c.emit(ssa.OpSExt32, ssa.I64, v)
	case v.Type == ssa.I32:
		v = c.emit(ssa.OpZExt32, ssa.I64, v)
	}
	return operand{t: t, v: v}
}

// cArg is an argument of a C function: a number of the parameter's type, or an address, of a map
// or of memory of the program.
func (c *fn) cArg(a syntax.Expr, want *types.Type) *ssa.Value {
	if m := types.MapArgument(a); m != nil && want.Kind == types.Pointer {
		if st := c.mapFor(m); st != nil && st.v != nil && st.v.Storage == object.StoreHash {
			return c.mapPtr(st.v.Map)
		}
	}
	o := c.expr(a)
	if want.Kind != types.Pointer {
		return c.asInt(c.convert(o, want).v)
	}
	if o.v != nil && o.t.Kind == types.Pointer {
		return o.v
	}
	return c.refAddr(c.inMemory(o))
}

// cEnv is what the C functions need of the object.
type cEnv struct{ g *gen }

// Data is where a variable is: constants in read-only memory, others in a map of their own.
func (e cEnv) Data(v *ctree.Var) (mapIndex int, off int64) {
	c := &e.g.c
	if p, ok := c.vars[v]; ok {
		return p.index, p.off
	}
	data := v.Data
	if data == nil {
		data = make([]byte, v.Type.Size)
	}
	var p cData
	if v.ReadOnly {
		p.index, p.off = e.g.rodata.place(e.g, data)
	} else {
		if c.mapIndex < 0 {
			c.mapIndex = e.g.addMap(&object.Map{Name: "cdata", Kind: object.MapArray, KeySize: 4, MaxEntries: 1})
		}
		for len(c.data)%8 != 0 {
			c.data = append(c.data, 0)
		}
		p = cData{c.mapIndex, int64(len(c.data))}
		c.data = append(c.data, data...)
	}
	c.vars[v] = p
	return p.index, p.off
}

// finish gives the map of what's written its first value.
func (c *cfuncs) finish(g *gen) {
	if c.mapIndex >= 0 {
		for len(c.data)%8 != 0 {
			c.data = append(c.data, 0)
		}
		m := g.obj.Maps[c.mapIndex]
		m.Data, m.ValueSize = c.data, uint32(len(c.data))
	}
}

// Map is the map that the C text defines.
func (e cEnv) Map(v *ctree.Var) int {
	i, ok := e.g.c.maps[v]
	if !ok {
		m := v.Map
		i = e.g.addMap(&object.Map{Name: v.Name, Kind: object.MapKind(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize,
			MaxEntries: m.MaxEntries, Flags: m.Flags})
		e.g.c.maps[v] = i
	}
	return i
}

// Kfunc tells whether programs may call a function of the kernel.
func (e cEnv) Kfunc(name string) bool {
	_, ok := e.g.info.Env.Kfunc(name)
	return ok
}

// Kernel is the kernel's version.
func (e cEnv) Kernel() uint32 { return e.g.info.Facts.Kernel }

// Define is the function of that name that one of the imported files defines.
func (e cEnv) Define(name string) *ctree.Func {
	if f := e.g.info.CFunc(name); f != nil {
		return f.Code
	}
	return nil
}
