package types

import (
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// metaBuiltins are computed from types and facts at compile time.
func metaBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinIsStr, Name: "is_str", Min: 1, Max: 1, check: typeTest(func(t *Type) bool { return t.Kind == String }), Doc: "whether a value is a string: is_str(x)"},
		{ID: BuiltinIsPtr, Name: "is_ptr", Min: 1, Max: 1, check: typeTest(func(t *Type) bool { return t.Kind == Pointer }), Doc: "whether a value is a pointer: is_ptr(x)"},
		{ID: BuiltinIsArray, Name: "is_array", Min: 1, Max: 1, check: typeTest(func(t *Type) bool { return t.Kind == Array }), Doc: "whether a value is an array: is_array(x)"},
		{ID: BuiltinIsInteger, Name: "is_integer", Min: 1, Max: 1, check: typeTest((*Type).IsInt), Doc: "whether a value is an integer: is_integer(x)"},
		{ID: BuiltinIsUnsignedInteger, Name: "is_unsigned_integer", Min: 1, Max: 1, check: typeTest(func(t *Type) bool { return t.Kind == Int && !t.Signed }), Doc: "whether a value is an unsigned integer: is_unsigned_integer(x)"},
		{ID: BuiltinIsLiteral, Name: "is_literal", Min: 1, Max: 1, check: checkIsLiteral, Doc: "whether an expression is a literal: is_literal(x)"},
		{ID: BuiltinAssertStr, Name: "assert_str", Min: 1, Max: 1, Stmt: true, check: checkAssertStr, Doc: "an error at compile time unless a value is like a string: assert_str(x)"},
		{ID: BuiltinKfuncExist, Name: "kfunc_exist", Min: 1, Max: 1, check: checkKfuncExist, Doc: "whether the kernel has a function for BPF programs: kfunc_exist(\"bpf_task_from_pid\")"},
		{ID: BuiltinKfuncAllowed, Name: "kfunc_allowed", Min: 1, Max: 1, check: checkKfuncAllowed, Doc: "whether this kind of probe may call a kernel function: kfunc_allowed(\"bpf_task_from_pid\")"},
		{ID: BuiltinConfig, Name: "config", Var: true, check: checkConfig, Doc: "a config variable's value: config.max_strlen"},
		{ID: BuiltinSizeof, Name: "sizeof", Min: 1, Max: 1, Doc: "the size of a type or value in bytes: sizeof(struct sock)"},
		{ID: BuiltinOffsetof, Name: "offsetof", Min: 2, Max: 2, Doc: "where a member begins in its struct: offsetof(struct sock, sk_prot)"},
		{ID: BuiltinTypeof, Name: "typeof", Min: 1, Max: 1, Doc: "the type of a value, where a type is written: let $x: typeof($y)"},
		{ID: BuiltinTypeinfo, Name: "typeinfo", Min: 1, Max: 1, Doc: "what a type is, as a record: typeinfo($x).full_type"},
		{ID: BuiltinGetopt, Name: "getopt", Min: 1, Max: 3, Doc: "an option of the script: getopt(\"name\"[, default[, help]])"},
	}
}

// typeTest makes the check of a question about a value's type.
func typeTest(is func(*Type) bool) func(*checker, syntax.Expr, []syntax.Expr, *Builtin) *Type {
	return func(c *checker, e syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
		t := c.quietly(args[0])
		if bad(t) {
			return t
		}
		return c.boolConst(e, is(t))
	}
}

func checkIsLiteral(c *checker, e syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
	if t := c.quietly(args[0]); bad(t) {
		return t
	}
	return c.boolConst(e, c.literalOnly(args[0]))
}

// literalOnly reports whether e is a literal, or a tuple or record of such.
func (c *checker) literalOnly(e syntax.Expr) bool {
	switch x := unparen(e).(type) {
	case *syntax.TupleExpr:
		return !slices.ContainsFunc(x.Elems, func(x syntax.Expr) bool { return !c.literalOnly(x) })
	case *syntax.RecordExpr:
		return !slices.ContainsFunc(x.Fields, func(f *syntax.RecordField) bool { return !c.literalOnly(f.X) })
	}
	return c.lits[e.ID()]
}

func checkAssertStr(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.meta++
	c.stringLike(args[0], b.Name)
	c.meta--
	return voidType()
}

func checkKfuncExist(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	_, ok = c.env.Kfunc(name)
	return c.boolConst(e, ok)
}

// checkKfuncAllowed asks the kernel, for the kind of program that the probe becomes.
func checkKfuncAllowed(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if !ok {
		return worse(c.info.Types[args[0].ID()])
	}
	if _, ok := c.env.Kfunc(name); !ok {
		return c.boolConst(e, false)
	}
	allowed, err := c.env.KfuncAllowed(name, c.kind())
	if err != nil {
		c.errorf(diag.CodeFeature, e.Span(), "the kernel can't be asked: %v", err)
		return invalidType()
	}
	return c.boolConst(e, allowed)
}

func checkConfig(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	c.errorf(diag.CodeUnsupported, e.Span(), "config as a whole is not supported yet").Note("its variables are: config.max_strlen")
	return invalidType()
}

// isConfig recognizes config and config().
func (c *checker) isConfig(e syntax.Expr) bool {
	name := ""
	switch x := unparen(e).(type) {
	case *syntax.Ident:
		name = x.Name
	case *syntax.CallExpr:
		if len(x.Args) == 0 {
			name = x.Fun.Name
		}
	}
	b := findBuiltin(name)
	return b != nil && b.ID == BuiltinConfig
}

// configField types `config.name`.
func (c *checker) configField(e *syntax.FieldExpr) *Type {
	x := unparen(e.X)
	c.info.Calls[x.ID()] = findBuiltin("config")
	c.record(x, voidType())
	c.record(e.X, voidType())
	k, t, ok := c.configConst(e.Name.Name)
	if ok {
		c.setConst(e, k, true)
		return t
	}
	var names []string
	for _, s := range settings() {
		names = append(names, s.name)
	}
	d := c.errorf(diag.CodeConfigName, e.Name.Span(), "%s: not a known configuration option", e.Name.Name)
	if near := nearest(e.Name.Name, names); near != "" {
		d.Suggest(near)
	}
	return invalidType()
}
