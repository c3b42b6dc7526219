package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// What makes a function worth one of its own, and what BPF can pass.
const (
	shareNodes = 40 // nodes of its tree, with those of the functions that are generated in it
	shareCalls = 2
	shareArgs  = 5
	shareDepth = 3 // calls within calls: the kernel has 8 frames (MAX_CALL_FRAMES), callbacks of loops among them
)

// sharing is what is known of a script's function as one of the program.
type sharing struct {
	numbers bool // it takes and gives numbers, and reckons with them alone
	shared  bool // its calls share its code
	nodes   int  // of its tree where it's called: 1 where it's shared
	depth   int  // the longest chain of shared calls that begins with it
}

// shared is what is known of f. What it decides holds for the script.
func (g *gen) shared(f *types.FuncInfo) sharing {
	s, ok := g.sharing[f]
	if !ok {
		s = g.share(f)
		g.sharing[f] = s
	}
	return s
}

// share looks at f and what it calls. A function of the program has neither the program's context
// nor its way out, so that it can be one only if it reckons with numbers alone.
func (g *gen) share(f *types.FuncInfo) sharing {
	s := sharing{numbers: numbersOnly(f)}
	syntax.Inspect(f.Decl.Body, func(n syntax.Node) bool {
		s.numbers = s.numbers && g.ofNumbers(n)
		s.nodes++
		if call, ok := n.(*syntax.CallExpr); ok && g.info.Calls[call.ID()] == nil {
			if f := g.scriptFunc(call.Fun.Name); f != nil {
				inner := g.shared(f)
				s.numbers = s.numbers && inner.numbers
				s.nodes += inner.nodes
				s.depth = max(s.depth, inner.depth)
			}
		}
		return s.numbers
	})
	if s.numbers && s.nodes >= shareNodes && g.used.calls[f.Decl.Name.Name] >= shareCalls && s.depth < shareDepth {
		s.shared, s.nodes = true, 1
		s.depth++
	}
	return s
}

// isNumber reports whether values of t are numbers.
func isNumber(t *types.Type) bool { return t != nil && (t.Kind == types.Int || t.Kind == types.Bool) }

// numbersOnly reports whether f takes and gives numbers, as many as BPF passes.
func numbersOnly(f *types.FuncInfo) bool {
	if len(f.Params) > shareArgs || f.Result.Kind != types.Void && !isNumber(f.Result) {
		return false
	}
	for _, p := range f.Params {
		if !isNumber(p.Type) {
			return false
		}
	}
	return true
}

// ofNumbers reports whether n, without what is below it, is of numbers and what is made of them.
func (g *gen) ofNumbers(n syntax.Node) bool {
	switch x := n.(type) {
	case *syntax.Let:
		return x.X != nil || g.info.Locals[x.Name.ID()] != nil && isNumber(g.info.Locals[x.Name.ID()].Type)
	case *syntax.VarExpr:
		l := g.info.Locals[x.ID()]
		return l != nil && isNumber(l.Type)
	case *syntax.For, *syntax.MapExpr, *syntax.StringLit, *syntax.TupleExpr, *syntax.RecordExpr, *syntax.FieldExpr, *syntax.IndexExpr:
		return false
	case *syntax.UnaryExpr:
		return x.Op != syntax.Deref && x.Op != syntax.AddrOf
	case *syntax.CallExpr:
		return g.info.Calls[x.ID()] == nil && g.scriptFunc(x.Fun.Name) != nil
	case *syntax.Ident:
		return g.info.Calls[x.ID()] == nil || g.info.Consts[x.ID()] != nil
	}
	return true
}

// callShared calls the program's function for f.
func (c *fn) callShared(e *syntax.CallExpr, f *types.FuncInfo) operand {
	args, params := make([]*ssa.Value, len(e.Args)), make([]ssa.Type, len(e.Args))
	for i, a := range e.Args {
		args[i], params[i] = c.asInt(c.convert(c.expr(a), f.Params[i].Type).v), ssa.I64
	}
	v := c.callSub("fn_"+f.Decl.Name.Name, params, func(s *fn) {
		for i, p := range f.Params {
			l := s.local(p)
			s.storeLocal(l, s.params[i])
		}
		s.ret(s.funcBody(f).v)
	}, args...)
	return operand{t: f.Result, v: c.extendTo(v, f.Result)}
}
