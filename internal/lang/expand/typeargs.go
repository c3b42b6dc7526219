package expand

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// Where a macro's body writes a type, its parameters stand for types: for the type in a
// typeof(…) argument, or for the name that the argument is. A bare name in such a place
// is never a macro without arguments.

// typeName is a type of the body with the parameter in it replaced; nil: there is none.
func (f *frame) typeName(t *syntax.TypeExpr) syntax.Expr {
	if id, ok := t.Typeof.(*syntax.Ident); ok {
		arg, isParam := f.args[id.Name]
		if inner, ok := arg.(*syntax.TypeExpr); ok {
			return f.suffixed(t, inner)
		}
		if !isParam {
			return f.plainTypeof(t)
		}
		return nil
	}
	arg, ok := f.args[t.Name]
	if !ok || t.Name == "" {
		return nil
	}
	if name := typeArgName(arg); name != "" {
		c := *f.cloner()
		c.Subst = nil
		out := c.Type(t)
		out.Name = name
		return out
	}
	if inner, ok := arg.(*syntax.TypeExpr); ok && t.Tag == "" {
		return f.suffixed(t, inner)
	}
	f.rep.Errorf(diag.CodeMacroType, arg.Span(), "this can't stand for `%s` in a type of macro `%s`", t.Name, f.macro.Name.Name).
		NoteAt(f.span(t), "the macro uses it here")
	return f.renamed(&syntax.TypeExpr{Name: "void"}, t)
}

// typeArgName is the name that an argument is, alone or in typeof(…); "": it's more.
func typeArgName(arg syntax.Expr) string {
	switch a := arg.(type) {
	case *syntax.Ident:
		return a.Name
	case *syntax.TypeExpr:
		if a.Ptr > 0 || len(a.Dims) > 0 || a.Elem != nil {
			return ""
		}
		if id, ok := a.Typeof.(*syntax.Ident); ok {
			return id.Name
		}
		if t := a.TypeofType; t != nil && t.Tag == "" && t.Ptr == 0 && len(t.Dims) == 0 && t.Elem == nil && t.Size == nil {
			return t.Name
		}
	}
	return ""
}

// suffixed is the type inner with the stars and brackets of t.
func (f *frame) suffixed(t, inner *syntax.TypeExpr) syntax.Expr {
	inner = f.copyArg(inner).(*syntax.TypeExpr)
	if t.Ptr == 0 && len(t.Dims) == 0 {
		return inner
	}
	c := f.cloner()
	out := &syntax.TypeExpr{Elem: inner, Ptr: t.Ptr}
	for _, d := range t.Dims {
		out.Dims = append(out.Dims, c.Expr(d))
	}
	return f.renamed(out, t)
}

// plainTypeof copies typeof(name) with the name as it is.
func (f *frame) plainTypeof(t *syntax.TypeExpr) syntax.Expr {
	return (&syntax.Cloner{IDs: f.ids, At: f.at}).Type(t)
}

// operand copies the operand of sizeof and its like.
func (f *frame) operand(t *syntax.TypeExpr, x syntax.Expr) (*syntax.TypeExpr, syntax.Expr) {
	c := f.cloner()
	id, ok := x.(*syntax.Ident)
	if !ok {
		return c.Type(t), c.Expr(x)
	}
	arg, ok := f.args[id.Name]
	if !ok {
		return nil, (&syntax.Cloner{IDs: f.ids, At: f.at}).Expr(x)
	}
	if inner, ok := arg.(*syntax.TypeExpr); ok {
		return f.copyArg(inner).(*syntax.TypeExpr), nil
	}
	return nil, f.copyArg(arg)
}

func (f *frame) sizeof(e *syntax.SizeofExpr) syntax.Expr {
	out := &syntax.SizeofExpr{}
	out.Type, out.X = f.operand(e.Type, e.X)
	return f.renamed(out, e)
}

func (f *frame) typeinfo(e *syntax.TypeinfoExpr) syntax.Expr {
	out := &syntax.TypeinfoExpr{}
	out.Type, out.X = f.operand(e.Type, e.X)
	return f.renamed(out, e)
}

// offsetof also takes a parameter for its one field: a name, or a path a.b.c.
func (f *frame) offsetof(e *syntax.OffsetofExpr) syntax.Expr {
	out := &syntax.OffsetofExpr{}
	out.Type, out.X = f.operand(e.Type, e.X)
	for _, id := range e.Path {
		out.Path = append(out.Path, f.renamed(&syntax.Ident{Name: id.Name}, id).(*syntax.Ident))
	}
	if len(e.Path) != 1 {
		return f.renamed(out, e)
	}
	if arg, ok := f.args[e.Path[0].Name]; ok {
		path, ok := fieldPath(arg)
		if !ok {
			f.rep.Errorf(diag.CodeMacroType, arg.Span(), "a field of offsetof is a name or a path of names such as a.b.c").
				NoteAt(f.span(e.Path[0]), "macro `%s` uses it here", f.macro.Name.Name)
			return f.renamed(&syntax.BadExpr{}, e)
		}
		out.Path = nil
		for _, id := range path {
			out.Path = append(out.Path, f.copyArg(id).(*syntax.Ident))
		}
	}
	return f.renamed(out, e)
}

// fieldPath is a.b.c as names.
func fieldPath(e syntax.Expr) ([]*syntax.Ident, bool) {
	switch e := e.(type) {
	case *syntax.Ident:
		return []*syntax.Ident{e}, true
	case *syntax.FieldExpr:
		path, ok := fieldPath(e.X)
		return append(path, e.Name), ok
	}
	return nil, false
}

// checkTypes reports types that are left where only values can stand.
func (x *expander) checkTypes(p *syntax.Probe) {
	syntax.Inspect(p, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.TypeExpr, *syntax.CastExpr, *syntax.Let, *syntax.SizeofExpr, *syntax.TypeinfoExpr, *syntax.OffsetofExpr:
			return true
		case *syntax.CallExpr:
			if x.isBuiltin(n.Fun.Name) {
				return true
			}
		}
		syntax.Children(n, func(c syntax.Node) {
			if t, ok := c.(*syntax.TypeExpr); ok {
				x.rep.Errorf(diag.CodeTypeArg, t.Span(), "a type can only be passed to a macro that uses the parameter as a type")
			}
		})
		return true
	})
}
