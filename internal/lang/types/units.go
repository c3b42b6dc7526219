package types

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// MakeUnits makes the programs of probes. points gives the attach points of one, its
// wildcards expanded. Points of one kind share a program as long as what the probe reads
// from its context, itself or through the script's functions, looks the same in all of them; each further program gets a copy of the
// probe's body with ids of its own.
func MakeUnits(probes []*syntax.Probe, funcs []*syntax.Func, points func(*syntax.Probe) []*probe.Point, ids *syntax.IDs, env Env) []*Unit {
	var units []*Unit
	byName := make(map[string]*syntax.Func, len(funcs))
	for _, f := range funcs {
		byName[f.Name.Name] = f
	}
	for _, p := range probes {
		g := &grouper{use: contextUse(p, byName), env: env, byKey: map[string]*Unit{}}
		for _, pt := range points(p) {
			g.add(p, pt)
		}
		for i, u := range g.units {
			if i > 0 {
				cl := &syntax.Cloner{IDs: ids}
				u.Pred, u.Body = cl.Expr(p.Pred), cl.Block(p.Body)
			}
		}
		units = append(units, g.units...)
	}
	return units
}

// use is what a probe reads of its context.
type use struct {
	args   bool            // the args struct, whole
	fields map[string]bool // fields of args
	names  map[string]bool // other builtins by name; "argN" for all arguments
	argN   map[int]bool    // the arguments read by number
}

func contextUse(p *syntax.Probe, funcs map[string]*syntax.Func) *use {
	u := &use{fields: map[string]bool{}, names: map[string]bool{}, argN: map[int]bool{}}
	called := map[*syntax.Func]bool{}
	var visit func(syntax.Node)
	visit = func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.FieldExpr:
			if isArgs(n.X) {
				u.fields[n.Name.Name] = true
				return
			}
			visit(n.X)
			return
		case *syntax.Ident:
			u.name(n.Name)
		case *syntax.CallExpr:
			if f := funcs[n.Fun.Name]; f != nil && !called[f] {
				called[f] = true
				visit(f.Body)
			}
		}
		syntax.Children(n, visit)
	}
	if p.Pred != nil {
		visit(p.Pred)
	}
	visit(p.Body)
	return u
}

func (u *use) name(name string) {
	switch {
	case name == "args":
		u.args = true
	case argNumber(name) >= 0:
		u.names["argN"], u.argN[argNumber(name)] = true, true
	default:
		u.names[name] = true
	}
}

// isArgs recognizes args, (args) and *args.
func isArgs(e syntax.Expr) bool {
	e = unparen(e)
	if d, ok := e.(*syntax.UnaryExpr); ok && d.Op == syntax.Deref {
		e = unparen(d.X)
	}
	if call, ok := e.(*syntax.CallExpr); ok && len(call.Args) == 0 {
		return call.Fun.Name == "args"
	}
	id, ok := e.(*syntax.Ident)
	return ok && id.Name == "args"
}

// readsArgs reports whether anything of args is used.
func (u *use) readsArgs() bool { return u.args || len(u.fields) > 0 }

// grouper puts the points of one probe into units.
type grouper struct {
	use   *use
	env   Env
	units []*Unit
	byKey map[string]*Unit
}

func (g *grouper) add(p *syntax.Probe, pt *probe.Point) {
	u := &Unit{Probe: p, Points: []*probe.Point{pt}, Pred: p.Pred, Body: p.Body}
	g.context(u, pt)
	key := g.key(u, pt)
	if old := g.byKey[key]; old != nil {
		old.Points = append(old.Points, pt)
		return
	}
	g.byKey[key] = u
	g.units = append(g.units, u)
}

// context looks up what the point's context looks like, as far as the probe reads it.
func (g *grouper) context(u *Unit, pt *probe.Point) {
	if pt.Kind == probe.Invalid {
		u.Blind = pt.Blind
		return
	}
	info := pt.Kind.Info()
	switch pt.Kind {
	case probe.Tracepoint:
		if g.use.readsArgs() {
			u.Args, _ = g.env.Tracepoint(pt.Target, pt.Func)
		}
	case probe.Fentry, probe.Fexit:
		if pt.Target == "bpf" {
			u.Sig, _ = g.env.BPFFunc(pt.BPFProg, pt.Func)
			break
		}
		u.Sig, _ = g.env.KernelFunc(pt.Target, pt.Func)
	case probe.RawTracepoint:
		u.Sig, _ = g.env.RawTracepoint(pt.Func)
	case probe.Uprobe:
		if g.use.readsArgs() {
			u.Sig, _ = g.env.UserFunc(binary(pt), pt.Func)
		}
	case probe.USDT:
		u.USDT = g.usdtArgs(pt)
	}
	u.Blind = pt.Blind && u.Args == nil && u.Sig == nil
	if u.Sig != nil && pt.Target != "bpf" {
		u.Args = signatureArgs(u.Sig, pt.Kind == probe.Uprobe)
	}
	if g.use.names["ctx"] {
		u.Ctx = g.contextType(info, pt)
	}
}

// binary is the path of a user probe's binary, as far as it's resolved.
func binary(pt *probe.Point) string {
	if pt.Path != "" {
		return pt.Path
	}
	return pt.Target
}

// signatureArgs is args as a struct of a function's parameters. In the context of a
// trampoline each has a word; in registers some have several or none, which their Arg tells.
func signatureArgs(s *Signature, registers bool) *StructType {
	fields := make([]Field, len(s.Args))
	for i, f := range s.Args {
		f.Offset = uint32(8 * i)
		if !registers {
			f.Arg = i
		}
		fields[i] = f
	}
	return NewStruct("args", uint32(8*len(fields)), fields)
}

func (g *grouper) contextType(info *probe.Info, pt *probe.Point) *Type {
	name := ""
	switch info.Context {
	case probe.CtxRegs:
		name = "struct pt_regs"
	case probe.CtxPerf:
		name = "struct bpf_perf_event_data"
	case probe.CtxIter:
		if t, ok := g.env.Iter(pt.Func); ok {
			return PointerTo(t, SpaceCtx)
		}
	}
	if t, ok := g.env.Type(name); ok && name != "" {
		return PointerTo(t, SpaceCtx)
	}
	return PointerTo(voidType(), SpaceCtx)
}

// key tells units apart.
func (g *grouper) key(u *Unit, pt *probe.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d%v", pt.Kind, u.Blind)
	switch pt.Kind {
	case probe.Fentry, probe.Fexit, probe.RawTracepoint, probe.Iter:
		// The kernel wants to know the one target when such a program is loaded.
		fmt.Fprintf(&b, " %s:%s:%d:%s", pt.Target, pt.Func, pt.BPFProg, pt.Mode)
	case probe.USDT:
		b.WriteString(u.USDT.key())
	case probe.Uretprobe:
		fmt.Fprintf(&b, " %v", pt.Returns != nil)
	case probe.Uprobe:
		if pt.Go && (g.use.names["argN"] || g.use.readsArgs()) {
			b.WriteString(" go")
		}
	case probe.Kprobe:
		if pt.Args != nil && g.use.names["argN"] {
			fmt.Fprintf(&b, " %v", pt.Args)
		}
	}
	if pt.Kind == probe.Invalid || pt.Kind.Info().TestRun {
		b.WriteString(" " + pt.Text)
	}
	if g.splitsByName() {
		b.WriteString(" " + pt.Text)
	}
	if g.use.readsArgs() {
		b.WriteString(g.layout(u, pt))
	}
	return b.String()
}

// splitsByName: without attach cookies a program can't tell its points apart.
func (g *grouper) splitsByName() bool {
	f := g.env.Facts()
	return g.use.names["probe"] && (f == nil || !f.Features.Cookie)
}

// layout describes the fields of args that are read.
func (g *grouper) layout(u *Unit, pt *probe.Point) string {
	if u.Args == nil {
		return " none " + pt.Text
	}
	var b strings.Builder
	fmt.Fprintf(&b, " user=%v", pt.Kind == probe.Tracepoint && pt.Target == "syscalls")
	for _, f := range u.Args.Fields() {
		if g.use.args || g.use.fields[f.Name] {
			fmt.Fprintf(&b, " %s@%d.%d.%d/%d:%s:%v", f.Name, f.Offset, f.BitOff, f.BitLen, f.Type.Size, f.Type, f.DataLoc)
		}
	}
	return b.String()
}
