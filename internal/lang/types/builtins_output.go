package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// outputBuiltins act in user space.
func outputBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinPrintf, Name: "printf", Min: 1, Max: -1, Async: true, Stmt: true, check: checkFormat, Doc: "prints values by a format: printf(\"%d %s\\n\", pid, comm)"},
		{ID: BuiltinErrorf, Name: "errorf", Min: 1, Max: -1, Async: true, Stmt: true, check: checkFormat, Doc: "prints an error with its place: errorf(format, …)"},
		{ID: BuiltinWarnf, Name: "warnf", Min: 1, Max: -1, Async: true, Stmt: true, check: checkFormat, Doc: "prints a warning with its place: warnf(format, …)"},
		{ID: BuiltinCat, Name: "cat", Min: 1, Max: -1, Async: true, Stmt: true, check: checkFormat, Doc: "prints a file: cat(\"/proc/%d/maps\", pid)"},
		{ID: BuiltinSystem, Name: "system", Min: 1, Max: -1, Async: true, Unsafe: true, Stmt: true, check: checkFormat, Doc: "runs a command: system(\"ps -p %d\", pid)"},
		{ID: BuiltinPrint, Name: "print", Min: 1, Max: 3, Async: true, Stmt: true, check: checkPrint, Doc: "prints a value or a map: print(x), print(@map[, top[, div]])"},
		{ID: BuiltinJoin, Name: "join", Min: 1, Max: 2, Async: true, Stmt: true, check: checkJoin, Doc: "prints an array of strings: join(args.argv[, separator])"},
		{ID: BuiltinExit, Name: "exit", Max: 1, Async: true, Stmt: true, check: checkExit, Doc: "ends the script: exit(), exit(status)"},
		{ID: BuiltinAssert, Name: "assert", Min: 2, Max: 2, Async: true, Stmt: true, check: checkAssert, Doc: "ends the script with an error unless a condition holds: assert(condition, message)"},
		{ID: BuiltinFail, Name: "fail", Min: 1, Max: -1, Stmt: true, check: checkFail, Doc: "an error at compile time: fail(format, literals …)"},
		{ID: BuiltinStaticAssert, Name: "static_assert", Min: 2, Max: 2, Stmt: true, check: checkStaticAssert, Doc: "an error at compile time unless a condition holds: static_assert(condition, message)"},
		{ID: BuiltinDebugf, Name: "debugf", Min: 1, Max: -1, Stmt: true, check: checkDebugf, Doc: "prints to the kernel's trace pipe: debugf(format, …)"},
	}
}

func checkFormat(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	format, ok := c.formatArg(args[0], b)
	types := make([]*Type, len(args)-1)
	f, problem := parseFormat(format, len(types))
	for i, a := range args[1:] {
		if verb := realVerb(f, i); ok && problem == "" && verb != "" {
			types[i] = c.real(a, verb)
		} else {
			types[i] = c.expr(a)
		}
	}
	if !ok {
		return voidType()
	}
	if problem != "" {
		c.errorf(diag.CodeFormatCount, e.Span(), "%s", problem)
		return voidType()
	}
	for _, p := range f.Parts {
		c.checkConversion(p, args[1:], types)
	}
	c.info.Formats[e.ID()] = f
	return voidType()
}

// debugfArgs is the most values that bpf_trace_printk takes.
const debugfArgs = 3

func checkDebugf(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args)-1 > debugfArgs {
		c.errorf(diag.CodeArgCount, args[debugfArgs+1].Span(), "cannot use more than %d conversion specifiers", debugfArgs)
		c.args(args)
		return voidType()
	}
	c.warnf(diag.WarnDebug, e.Span(), "The debugf() builtin is not recommended for production use. For more information see bpf_trace_printk in bpf-helpers(7).")
	return checkFormat(c, e, args, b)
}

// formatArg is the format, which may be longer than a string at run time.
func (c *checker) formatArg(e syntax.Expr, b *Builtin) (string, bool) {
	if s, ok := unparen(e).(*syntax.StringLit); ok {
		c.record(e, c.stringConst(e, s.Val))
		c.record(s, c.info.Types[e.ID()])
		return s.Val, true
	}
	return c.constStr(e, b.Name)
}

func checkPrint(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if m, ok := unparen(args[0]).(*syntax.MapExpr); ok {
		return c.printMap(e, c.mapNamed(m.Name), args, b)
	}
	t := c.expr(args[0])
	for _, a := range args[1:] {
		c.expr(a)
	}
	switch {
	case bad(t):
	case t.Kind == Void:
		c.errorf(diag.CodePrint, args[0].Span(), "this has no value to print")
	case t.Buckets():
		c.errorf(diag.CodePrint, args[0].Span(), "%s of a single key can't be printed, only the whole map", t)
	case t.Kind == Pointer && t.Space == SpaceCtx:
		c.errorf(diag.CodePrint, args[0].Span(), "the context can't be printed as a whole, only its fields")
	case len(args) > 1:
		c.errorf(diag.CodeArgCount, args[1].Span(), "top and div go with a map; a value is printed as it is")
	}
	return voidType()
}

func (c *checker) printMap(e syntax.Expr, m *mapVar, args []syntax.Expr, b *Builtin) *Type {
	c.mapArg(args[0], b.Name)
	for i, a := range args[1:] {
		if t := c.expr(a); i > 0 || bad(t) || !numeric(c.info.Consts[a.ID()], t) {
			c.constInt(a, b.Name)
		} // a negative top, as a number without sign, is that of all elements
	}
	if c.loops > 0 {
		c.warnf(diag.CodePrintLoop, e.Span(), "the map is read after the probe has run, so each turn of the loop may print the same")
	}
	if len(args) > 1 && m.Value != nil && m.Value.Kind == Stats {
		c.warnf(diag.CodePrintLoop, e.Span(), "top and div don't apply to stats()")
	}
	return voidType()
}

func checkJoin(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.kindArg(args[0], b.Name, "a pointer to pointers to strings", Int, Pointer)
	if len(args) == 2 {
		c.constStr(args[1], b.Name)
	}
	return voidType()
}

func checkExit(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args) == 1 {
		c.intArg(args[0], b.Name)
	}
	return voidType()
}

func checkAssert(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.cond(args[0])
	c.kindArg(args[1], b.Name, "a string", String)
	return voidType()
}

// checkFail: compiling ends where it's reached, which it isn't in a branch that
// `if comptime` leaves out.
func checkFail(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	format, ok := c.constStr(args[0], b.Name)
	values := make([]printed, len(args)-1)
	for i, a := range args[1:] {
		t := c.expr(a)
		k := c.info.Consts[a.ID()]
		if bad(t) {
			return t
		}
		if k == nil {
			c.errorf(diag.CodeLiteral, a.Span(), "fail() takes values that are known at compile time")
			return invalidType()
		}
		values[i] = printed{k, t}
	}
	if ok {
		c.errorf(diag.CodeFail, e.Span(), "%s", sprint(format, values))
	}
	return voidType()
}

func checkStaticAssert(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.cond(args[0])
	msg, ok := c.constStr(args[1], b.Name)
	k := c.info.Consts[args[0].ID()]
	switch {
	case !ok || bad(c.info.Types[args[0].ID()]):
	case k == nil:
		c.errorf(diag.CodeComptime, args[0].Span(), "the condition can't be computed at compile time")
	case !truthy(k):
		c.errorf(diag.CodeFail, e.Span(), "%s", msg)
	}
	return voidType()
}
