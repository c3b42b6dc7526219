package expand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// macros puts the bodies of macros in the place of their calls.
type macros struct {
	*expander
	byName map[string][]*syntax.Macro
	uses   int // numbers the copies, for the names of their variables
}

func newMacros(x *expander) *macros {
	m := &macros{expander: x, byName: map[string][]*syntax.Macro{}}
	for _, d := range x.decls {
		m.declare(d)
	}
	return m
}

// declare enters a macro, unless it hides another or is malformed.
func (m *macros) declare(d *syntax.Macro) {
	if d.Body == nil {
		return
	}
	seen := map[string]bool{}
	args := make([]syntax.Expr, len(d.Params))
	for i, p := range d.Params {
		if seen[p.Name] {
			m.rep.Errorf(diag.CodeMacroParam, p.Span(), "parameter `%s` is named twice", p.Name)
			return
		}
		seen[p.Name] = true
		args[i] = paramAsArg(p)
	}
	if old, _ := m.lookup(d.Name.Name, args); old != nil {
		m.rep.Errorf(diag.CodeMacroTwice, d.Name.Span(), "macro `%s` is already defined with these parameters", d.Name.Name).
			NoteAt(old.Name.Span(), "the first definition is here")
		return
	}
	m.byName[d.Name.Name] = append(m.byName[d.Name.Name], d)
}

// paramAsArg is an argument of the kind that the parameter takes.
func paramAsArg(p *syntax.MacroParam) syntax.Expr {
	switch p.Name[0] {
	case '$':
		return &syntax.VarExpr{}
	case '@':
		return &syntax.MapExpr{}
	}
	return &syntax.Ident{}
}

// fits reports whether the parameter takes the argument.
func fits(p *syntax.MacroParam, arg syntax.Expr) bool {
	switch p.Name[0] {
	case '$':
		_, ok := arg.(*syntax.VarExpr)
		return ok
	case '@':
		_, ok := arg.(*syntax.MapExpr)
		return ok
	}
	return true
}

// lookup finds the first macro of the name that takes the arguments; else the one
// that takes the most of them, which is nil if there is no macro of this name.
func (m *macros) lookup(name string, args []syntax.Expr) (found, closest *syntax.Macro) {
	best := 0
	for _, d := range m.byName[name] {
		wrong := 1024 * max(len(d.Params)-len(args), len(args)-len(d.Params))
		for i := range min(len(args), len(d.Params)) {
			if !fits(d.Params[i], args[i]) {
				wrong++
			}
		}
		if wrong == 0 {
			return d, d
		}
		if closest == nil || wrong < best {
			closest, best = d, wrong
		}
	}
	return nil, closest
}

// arguments is a number of them.
func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// expr expands the macros in an expression outside of macros.
func (m *macros) expr(e syntax.Expr) syntax.Expr {
	e = (&frame{macros: m}).cloner().Expr(e)
	if e != nil {
		settle(e)
	}
	return e
}

// block expands the macros in a block outside of macros.
func (m *macros) block(b *syntax.Block) *syntax.Block {
	b = (&frame{macros: m}).cloner().Block(b)
	if b != nil {
		settle(b)
	}
	return b
}

// settle makes statements of the bodies that stand where nothing takes their value, and
// takes the imports in blocks out, which are done.
func settle(n syntax.Node) {
	syntax.Walk(n, nil, func(n syntax.Node) {
		b, ok := n.(*syntax.Block)
		if !ok {
			return
		}
		b.Stmts = slices.DeleteFunc(b.Stmts, func(s syntax.Stmt) bool {
			_, ok := s.(*syntax.ImportStmt)
			return ok
		})
		for i, s := range b.Stmts {
			if s, ok := s.(*syntax.ExprStmt); ok {
				if x, ok := s.X.(*syntax.Block); ok {
					b.Stmts[i] = blockStmt(x)
				}
			}
		}
		if x, ok := b.Value.(*syntax.Block); ok && x.Value == nil {
			b.Stmts = append(b.Stmts, blockStmt(x))
			b.Value = nil
		}
	})
}

func blockStmt(b *syntax.Block) syntax.Stmt {
	b.DropValue()
	s := &syntax.BlockStmt{X: b}
	s.SetSpan(b.Span())
	return s
}

// frame is the body of a macro at one call, or what stands outside of macros.
type frame struct {
	*macros
	parent *frame
	macro  *syntax.Macro          // nil: outside
	args   map[string]syntax.Expr // of the plain parameters
	names  map[string]string      // what $parameters, @parameters and own variables are called here
	at     func(diag.Pos) diag.Pos
}

// cloner copies text of the frame, macros expanded.
func (f *frame) cloner() *syntax.Cloner {
	return &syntax.Cloner{IDs: f.ids, At: f.at, Subst: f.subst}
}

// span is where text of the macro stands in this copy of it.
func (f *frame) span(n syntax.Node) diag.Span {
	s := n.Span()
	if f.at != nil {
		s = diag.Span{Start: f.at(s.Start), End: f.at(s.End)}
	}
	return s
}

// subst is what stands in the copy for an expression; nil: a plain copy.
func (f *frame) subst(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		return f.ident(e)
	case *syntax.CallExpr:
		return f.call(e)
	case *syntax.VarExpr:
		if name, ok := f.names[e.Name]; ok {
			return f.renamed(&syntax.VarExpr{Name: name}, e)
		}
	case *syntax.MapExpr:
		return f.mapName(e)
	case *syntax.TypeExpr:
		return f.typeName(e)
	case *syntax.SizeofExpr:
		return f.sizeof(e)
	case *syntax.TypeinfoExpr:
		return f.typeinfo(e)
	case *syntax.OffsetofExpr:
		return f.offsetof(e)
	}
	return nil
}

// renamed gives a new expression the id and the place of a copy of old.
func (f *frame) renamed(e placed, old syntax.Expr) syntax.Expr {
	e.SetID(f.ids.Next())
	e.SetSpan(f.span(old))
	return e
}

// placed is any expression, as a thing to be placed.
type placed interface {
	syntax.Expr
	SetSpan(diag.Span)
}

// copyArg is a further copy of an argument, whose macros are expanded already.
func (f *frame) copyArg(e syntax.Expr) syntax.Expr {
	if f.overflow(e.Span()) {
		return &syntax.BadExpr{}
	}
	return (&syntax.Cloner{IDs: f.ids}).Expr(e)
}

func (f *frame) mapName(e *syntax.MapExpr) syntax.Expr {
	if name, ok := f.names[e.Name]; ok {
		return f.renamed(&syntax.MapExpr{Name: name}, e)
	}
	if f.macro != nil {
		f.rep.Errorf(diag.CodeMacroMap, f.span(e), "macro `%s` uses %s, which isn't its parameter", f.macro.Name.Name, e.Name).
			Note("a macro reaches only the maps that it's given: add %s to its parameters", e.Name)
	}
	return nil
}

func (f *frame) ident(e *syntax.Ident) syntax.Expr {
	if arg, ok := f.args[e.Name]; ok {
		return f.copyArg(arg)
	}
	if len(f.byName[e.Name]) == 0 {
		return nil
	}
	found, closest := f.lookup(e.Name, nil)
	if found == nil {
		if !f.isBuiltin(e.Name) {
			f.rep.Errorf(diag.CodeMacroArgs, f.span(e), "macro `%s` takes %s", e.Name, arguments(len(closest.Params))).
				NoteAt(closest.Name.Span(), "it's defined here")
		}
		return nil
	}
	return f.enter(found, e, nil)
}

func (f *frame) call(e *syntax.CallExpr) syntax.Expr {
	name := e.Fun.Name
	if len(f.byName[name]) == 0 {
		return nil
	}
	c := f.cloner()
	args := make([]syntax.Expr, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.Expr(a)
	}
	found, closest := f.lookup(name, args)
	if found != nil {
		return f.enter(found, e, args)
	}
	if !f.isBuiltin(name) {
		f.mismatch(e, args, closest)
	}
	fun := f.renamed(&syntax.Ident{Name: name}, e.Fun).(*syntax.Ident)
	return f.renamed(&syntax.CallExpr{Fun: fun, Args: args, Bang: e.Bang}, e)
}

// mismatch tells why the arguments don't fit the closest definition.
func (f *frame) mismatch(e *syntax.CallExpr, args []syntax.Expr, closest *syntax.Macro) {
	if len(args) != len(closest.Params) {
		f.rep.Errorf(diag.CodeMacroArgs, f.span(e), "macro `%s` takes %s, not %d", e.Fun.Name, arguments(len(closest.Params)), len(args)).
			NoteAt(closest.Name.Span(), "the closest definition is here")
		return
	}
	for i, p := range closest.Params {
		if fits(p, args[i]) {
			continue
		}
		want := "variable"
		if p.Name[0] == '@' {
			want = "map"
		}
		f.rep.Errorf(diag.CodeMacroArgs, args[i].Span(), "macro `%s` takes a %s here, not %s", e.Fun.Name, want, argKind(args[i])).
			NoteAt(p.Span(), "this is the parameter in the closest definition")
		return
	}
}

func argKind(e syntax.Expr) string {
	switch e.(type) {
	case *syntax.VarExpr:
		return "a variable"
	case *syntax.MapExpr:
		return "a map"
	}
	return "an expression"
}

// enter is the body of macro d for a call in frame f; the macros in args are expanded.
func (f *frame) enter(d *syntax.Macro, call syntax.Expr, args []syntax.Expr) syntax.Expr {
	at := f.span(call)
	if chain := f.chain(d); chain != "" {
		f.rep.Errorf(diag.CodeMacroRecursion, at, "macro `%s` uses itself: %s", d.Name.Name, chain)
		return f.renamed(&syntax.BadExpr{}, call)
	}
	if f.overflow(at) {
		return f.renamed(&syntax.BadExpr{}, call)
	}
	f.uses++
	body := d.Body.Span()
	base := f.rep.Sources.Expand(body, at, d.Name.Name)
	in := &frame{
		macros: f.macros, parent: f, macro: d, args: map[string]syntax.Expr{}, names: map[string]string{},
		at: func(p diag.Pos) diag.Pos { return p - body.Start + base },
	}
	for i, p := range d.Params {
		in.param(p, args[i])
	}
	for _, v := range ownVariables(d.Body) {
		if slices.ContainsFunc(d.Params, func(p *syntax.MacroParam) bool { return p.Name == v.Name.Name }) {
			if v.Declared {
				f.rep.Errorf(diag.CodeMacroShadow, in.span(v.Name), "%s is declared, and is a parameter of macro `%s`", v.Name.Name, d.Name.Name)
			}
			continue
		}
		in.names[v.Name.Name] = fmt.Sprintf("$$%s%d_%s", d.Name.Name, f.uses, v.Name.Name[1:])
	}
	return in.cloner().Block(d.Body)
}

// param binds a parameter. A variable or map for a plain parameter is wrapped in a block,
// so that the body can read but not assign it.
func (f *frame) param(p *syntax.MacroParam, arg syntax.Expr) {
	switch a := arg.(type) {
	case *syntax.VarExpr:
		if p.Name[0] == '$' {
			f.names[p.Name] = a.Name
			return
		}
		arg = f.wrap(a)
	case *syntax.MapExpr:
		if p.Name[0] == '@' {
			f.names[p.Name] = a.Name
			return
		}
		arg = f.wrap(a)
	}
	f.args[p.Name] = arg
}

func (f *frame) wrap(e syntax.Expr) syntax.Expr {
	b := &syntax.Block{Value: e}
	b.SetID(f.ids.Next())
	b.SetSpan(e.Span())
	return b
}

// chain spells the calls that lead from macro d to itself; "": it isn't being expanded.
func (f *frame) chain(d *syntax.Macro) string {
	top := f
	for top.macro != nil && top.macro != d {
		top = top.parent
	}
	if top.macro == nil {
		return ""
	}
	names := []string{d.Name.Name}
	for up := f; up != top.parent; up = up.parent {
		names = append(names, up.macro.Name.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, " > ")
}

// ownVariable is a variable that a macro's body assigns or declares.
type ownVariable struct {
	Name     *syntax.VarExpr
	Declared bool // by let or for
}

func ownVariables(body *syntax.Block) []ownVariable {
	var out []ownVariable
	syntax.Inspect(body, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Let:
			out = append(out, ownVariable{n.Name, true})
		case *syntax.For:
			out = append(out, ownVariable{n.Var, true})
		case *syntax.Assign:
			if v, ok := n.Target.(*syntax.VarExpr); ok {
				out = append(out, ownVariable{v, false})
			}
		}
		return true
	})
	return out
}
