package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// mapBuiltins work on whole maps and on their elements.
func mapBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinClear, Name: "clear", Min: 1, Max: 1, Async: true, Stmt: true, check: checkClear, Doc: "deletes all elements of a map: clear(@map)"},
		{ID: BuiltinZero, Name: "zero", Min: 1, Max: 1, Async: true, Stmt: true, check: checkClear, Doc: "sets all values of a map to zero: zero(@map)"},
		{ID: BuiltinDelete, Name: "delete", Min: 1, Max: 2, check: checkDelete, Doc: "deletes an element: delete(@map, key), or the value of a map without keys: delete(@map)"},
		{ID: BuiltinHasKey, Name: "has_key", Min: 2, Max: 2, check: checkHasKey, Doc: "whether a map has a key: has_key(@map, key)"},
		{ID: BuiltinFind, Name: "find", Min: 3, Max: 3, check: checkFind, Doc: "reads an element if it's there: find(@map, key, $value)"},
		{ID: BuiltinLen, Name: "len", Min: 1, Max: 1, check: checkLen, Doc: "the number of a map's elements or of a stack's frames: len(@map), len(kstack)"},
		{ID: BuiltinIsScalar, Name: "is_scalar", Min: 1, Max: 1, check: checkIsScalar, Doc: "whether a map has no keys: is_scalar(@map)"},
	}
}

func checkClear(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if m := c.mapArg(args[0], b.Name); m != nil {
		m.Deleted = true
	}
	return voidType()
}

// checkDelete: delete(@m[key]) is the former form of delete(@m, key).
func checkDelete(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if x, ok := unparen(args[0]).(*syntax.IndexExpr); ok && len(args) == 1 {
		if m, ok := x.X.(*syntax.MapExpr); ok {
			c.mapKey(x, c.mapNamed(m.Name), x.Args)
			c.record(m, voidType())
			c.record(args[0], c.mapNamed(m.Name).Value)
			c.record(x, c.mapNamed(m.Name).Value)
			c.mapNamed(m.Name).Deleted = true
			return boolType()
		}
	}
	m := c.mapArg(args[0], b.Name)
	if m == nil {
		return invalidType()
	}
	m.Deleted = true
	switch {
	case len(args) == 2 && m.known && m.scalar:
		c.expr(args[1])
	case len(args) == 2:
		c.mapKey(e, m, args[1:])
	case m.known && !m.scalar:
		c.errorf(diag.CodeMapKeys, e.Span(), "%s has keys: which element is meant?", m.Name).
			Note("delete(%s, key) deletes one, clear(%s) all", m.Name, m.Name)
		return invalidType()
	}
	return boolType()
}

func checkHasKey(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	m := c.mapArg(args[0], b.Name)
	if m == nil {
		c.expr(args[1])
		return invalidType()
	}
	c.mapKey(e, m, args[1:])
	return boolType()
}

// checkFind assigns the value to a variable, which has to exist.
func checkFind(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if t := checkHasKey(c, e, args[:2], b); bad(t) {
		c.expr(args[2])
		return t
	}
	v, ok := unparen(args[2]).(*syntax.VarExpr)
	if !ok {
		c.expr(args[2])
		c.errorf(diag.CodeArgType, args[2].Span(), "find() puts the value into a variable")
		return invalidType()
	}
	m := c.mapNamed(unparen(args[0]).(*syntax.MapExpr).Name)
	if m.Value != nil {
		c.assignVar(v, e.Span(), nil, m.Value)
	}
	c.record(args[2], c.info.Types[v.ID()])
	return boolType()
}

func checkLen(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if _, ok := unparen(args[0]).(*syntax.MapExpr); ok {
		c.mapArg(args[0], b.Name)
		return IntType(8, true)
	}
	t := c.expr(args[0])
	switch {
	case bad(t):
		return t
	case !t.IsStack():
		d := c.errorf(diag.CodeArgType, e.Span(), "len() counts the elements of a map or the frames of a stack, not %s", t)
		if t.Kind == String {
			d.Note("strlen() is the length of a string")
		}
		return invalidType()
	}
	return IntType(8, true)
}

func checkIsScalar(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	m := c.mapArg(args[0], b.Name)
	if m == nil {
		return invalidType()
	}
	return c.boolConst(e, m.known && m.scalar)
}
