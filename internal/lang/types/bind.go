package types

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

func sprintf(format string, args []any) string { return fmt.Sprintf(format, args...) }

// binder finds the variable of each VarExpr and the maps. A variable belongs to the block
// of its first assignment or `let`, and there is no shadowing.
type binder struct {
	*checker
	scopes   []map[string]*binding
	locals   int
	metaOnly int // inside sizeof, typeof …
}

// binding is a variable in scope.
type binding struct {
	*Local
	assigned bool
	let      bool
	origin   string // what it was made by, for notes
}

// bind binds everything. A variable that doesn't exist has no Local, and no type.
func (c *checker) bind() {
	for _, f := range c.info.Funcs {
		b := &binder{checker: c}
		b.push()
		for _, p := range f.Decl.Params {
			l := b.add(p.Name, p.Span(), "the function's parameter")
			l.assigned = true
			f.Params = append(f.Params, l.Local)
			b.typ(p.Type)
		}
		b.block(f.Decl.Body)
		b.pop()
	}
	for _, u := range c.info.Units {
		b := &binder{checker: c}
		b.push()
		b.expr(u.Pred)
		b.block(u.Body)
		b.pop()
	}
	c.agree()
}

func (b *binder) push() { b.scopes = append(b.scopes, map[string]*binding{}) }

func (b *binder) pop() {
	top := b.scopes[len(b.scopes)-1]
	for _, l := range top {
		if l.let && !l.assigned {
			b.warnf(diag.CodeNeverAssigned, l.Decl, "%s is never assigned", l.Name)
		}
	}
	b.scopes = b.scopes[:len(b.scopes)-1]
}

func (b *binder) find(name string) *binding {
	for i := len(b.scopes) - 1; i >= 0; i-- {
		if l := b.scopes[i][name]; l != nil {
			return l
		}
	}
	return nil
}

// add makes a variable of the innermost scope.
func (b *binder) add(name string, at diag.Span, origin string) *binding {
	l := &binding{Local: &Local{Name: name, Decl: at, Index: b.locals}, origin: origin}
	b.locals++
	b.scopes[len(b.scopes)-1][name] = l
	return l
}

// node binds the variables of any node, children in order.
func (b *binder) node(n syntax.Node) {
	switch n := n.(type) {
	case syntax.Stmt:
		b.stmt(n)
	case syntax.Expr:
		b.expr(n)
	default:
		syntax.Children(n, b.node)
	}
}

func (b *binder) block(n *syntax.Block) {
	b.push()
	for _, s := range n.Stmts {
		b.stmt(s)
	}
	b.expr(n.Value)
	b.pop()
}

func (b *binder) typ(t *syntax.TypeExpr) {
	if t != nil {
		b.metaOnly++
		syntax.Children(t, b.node)
		b.metaOnly--
	}
}

func (b *binder) stmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Let:
		b.let(s)
	case *syntax.Assign:
		b.assign(s)
	case *syntax.For:
		b.forLoop(s)
	default:
		syntax.Children(s, b.node)
	}
}

func (b *binder) let(s *syntax.Let) {
	b.typ(s.Type)
	b.expr(s.X)
	if old := b.find(s.Name.Name); old != nil {
		b.errorf(diag.CodeRedeclared, s.Name.Span(), "%s is already declared; a variable can't shadow another", s.Name.Name).
			NoteAt(old.Decl, "this is %s", old.origin)
		b.use(s.Name, old)
		return
	}
	l := b.add(s.Name.Name, s.Span(), "the declaration")
	// An array or a struct is set in parts, and zero until then.
	l.let, l.assigned = true, s.X != nil || s.Type != nil && (len(s.Type.Dims) > 0 || s.Type.Tag == "struct")
	b.use(s.Name, l)
}

func (b *binder) assign(s *syntax.Assign) {
	b.expr(s.X)
	v, ok := s.Target.(*syntax.VarExpr)
	if !ok {
		if v := syntax.PlaceVar(s.Target); v != nil {
			if l := b.find(v.Name); l != nil {
				l.assigned = true
			}
		}
		b.expr(s.Target)
		return
	}
	l := b.find(v.Name)
	switch {
	case l == nil && s.Op != syntax.ASSIGN:
		b.undefined(v)
		return
	case l == nil:
		l = b.add(v.Name, s.Span(), "the first assignment")
	}
	l.assigned = true
	b.use(v, l)
}

func (b *binder) forLoop(s *syntax.For) {
	if old := b.find(s.Var.Name); old != nil {
		b.errorf(diag.CodeRedeclared, s.Var.Span(), "the loop's variable %s would shadow another", s.Var.Name).
			NoteAt(old.Decl, "this is %s", old.origin)
	}
	if s.Map != nil {
		b.useMap(s.Map, true, s.Map.Span())
		b.maps[s.Map.Name].Iterated = true
	}
	b.expr(s.From)
	b.expr(s.To)
	b.push()
	l := b.add(s.Var.Name, s.Var.Span(), "the loop's variable")
	l.assigned, l.LoopVar = true, true
	b.use(s.Var, l)
	b.block(s.Body)
	b.pop()
}

func (b *binder) use(v *syntax.VarExpr, l *binding) { b.info.Locals[v.ID()] = l.Local }

func (b *binder) undefined(v *syntax.VarExpr) {
	var names []string
	for _, s := range b.scopes {
		for name := range s {
			names = append(names, name)
		}
	}
	d := b.errorf(diag.CodeUndefinedVar, v.Span(), "undefined variable: %s", v.Name)
	if near := nearest(v.Name, names); near != "" {
		d.Suggest(near)
	}
}

func (b *binder) expr(e syntax.Expr) {
	switch e := e.(type) {
	case nil:
	case *syntax.Block:
		b.block(e)
	case *syntax.VarExpr:
		b.readVar(e)
	case *syntax.MapExpr:
		b.useMap(e, false, e.Span())
	case *syntax.IndexExpr:
		b.index(e)
	case *syntax.UnaryExpr:
		b.unary(e)
	case *syntax.CallExpr:
		b.call(e)
	case *syntax.SizeofExpr, *syntax.OffsetofExpr, *syntax.TypeinfoExpr, *syntax.TypeExpr:
		b.metaOnly++
		syntax.Children(e, b.metaNode)
		b.metaOnly--
	case *syntax.FieldExpr:
		b.expr(e.X)
	default:
		syntax.Children(e, b.node)
	}
}

// metaNode is node for what isn't run: a bare map there stands for its key.
func (b *binder) metaNode(n syntax.Node) {
	if m, ok := n.(*syntax.MapExpr); ok {
		b.touchMap(m)
		return
	}
	b.node(n)
}

func (b *binder) readVar(v *syntax.VarExpr) {
	l := b.find(v.Name)
	if l == nil {
		b.undefined(v)
		return
	}
	if !l.assigned && b.metaOnly == 0 {
		b.warnf(diag.CodeUsedUnassigned, v.Span(), "%s is used before it's assigned: it's zero", v.Name)
	}
	b.use(v, l)
}

func (b *binder) index(e *syntax.IndexExpr) {
	if m, ok := e.X.(*syntax.MapExpr); ok {
		b.useMap(m, true, e.Span())
	} else {
		b.expr(e.X)
	}
	for _, a := range e.Args {
		b.expr(a)
	}
}

func (b *binder) unary(e *syntax.UnaryExpr) {
	if e.Op != syntax.AddrOf {
		b.expr(e.X)
		return
	}
	switch x := unparen(e.X).(type) {
	case *syntax.VarExpr:
		if l := b.find(x.Name); l != nil {
			l.assigned, l.Addressed = true, true
		}
		b.readVar(x)
	case *syntax.MapExpr:
		b.touchMap(x)
		b.maps[x.Name].Addressed = true
	default:
		b.expr(e.X)
	}
}

// mapArgs are the calls whose first argument is a map as a whole: how each uses it.
var mapArgs = map[string]mapUse{
	"print": mapAny, "clear": mapAny, "zero": mapAny, "len": mapKeyed, "is_scalar": mapAny,
	"print_log2": mapAny, "print_csv": mapAny, "print_log2_json": mapAny, "print_linear": mapAny, "print_linear_json": mapAny,
	"delete": mapDelete, "has_key": mapKeyed, "find": mapKeyed,
}

type mapUse uint8

const (
	mapAny    mapUse = iota // with or without keys
	mapKeyed                // with keys
	mapDelete               // with two arguments: with keys
)

func (b *binder) call(e *syntax.CallExpr) {
	args := e.Args
	if b.isC(e.Fun.Name) {
		b.cArgs(args)
		return
	}
	if use, ok := mapArgs[e.Fun.Name]; ok && len(args) > 0 {
		if m, ok := unparen(args[0]).(*syntax.MapExpr); ok {
			args = args[1:]
			if use == mapKeyed || use == mapDelete && len(args) > 0 {
				b.useMap(m, true, e.Span())
			} else {
				b.touchMap(m)
			}
		}
	}
	unknown := findBuiltin(e.Fun.Name) == nil && b.info.Func(e.Fun.Name) == nil
	for i, a := range args {
		if m, ok := unparen(a).(*syntax.MapExpr); ok && unknown {
			b.touchMap(m)
			continue
		}
		if v, ok := unparen(a).(*syntax.VarExpr); ok && e.Fun.Name == "find" && i == len(args)-1 {
			if l := b.find(v.Name); l != nil {
				l.assigned = true
			}
		}
		b.expr(a)
	}
}

// touchMap notes a map without saying whether it has keys.
func (b *binder) touchMap(m *syntax.MapExpr) *mapVar {
	v := b.maps[m.Name]
	if v == nil {
		v = &mapVar{MapInfo: &MapInfo{Name: m.Name, Decl: m.Span()}}
		b.maps[m.Name] = v
		b.mapList = append(b.mapList, v)
	}
	return v
}

// useMap notes a use of a map with or without a key; all have to agree.
func (b *binder) useMap(m *syntax.MapExpr, keyed bool, at diag.Span) {
	v := b.touchMap(m)
	i := 0
	if keyed {
		i = 1
	}
	v.uses[i] = append(v.uses[i], at)
	if !v.known {
		v.known, v.scalar = true, !keyed
	}
}

// agree reports the uses of maps with keys, or without, that don't agree with the others: those
// are the mistake that are fewer, or come later.
func (c *checker) agree() {
	for _, m := range c.mapList {
		plain, keyed := m.uses[0], m.uses[1]
		if len(plain) == 0 || len(keyed) == 0 {
			continue
		}
		if len(plain) != len(keyed) {
			m.scalar = len(plain) > len(keyed)
		}
		mistakes, others, msg := plain, keyed, "%s has keys, but is used without one here"
		if m.scalar {
			mistakes, others, msg = keyed, plain, "%s has no keys, but is used with one here"
		}
		for _, at := range mistakes {
			c.errorf(diag.CodeMapKeys, at, msg, m.Name).NoteAt(others[0], "its first use")
		}
	}
}

// unparen strips parentheses.
func unparen(e syntax.Expr) syntax.Expr {
	for {
		p, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}
