package types

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// ident types a bare name: a builtin, an enumerator, or a C constant.
func (c *checker) ident(e *syntax.Ident) *Type {
	if k := c.consts[e.Name]; k != nil {
		return c.constName(e, k)
	}
	if b := findBuiltin(e.Name); b != nil && !(b.Own && c.named(e.Name)) {
		if !b.Var && b.Min > 0 {
			c.errorf(diag.CodeArgCount, e.Span(), "%s is a function, and has to be called", e.Name).Note("%s", b.Doc)
			return invalidType()
		}
		c.info.Calls[e.ID()] = b
		return c.use(e, nil, b)
	}
	if t, ok := c.enumerator(e); ok {
		return t
	}
	if c.opt.CDefs != nil {
		if k, ok := c.opt.CDefs.Define(e.Name); ok {
			if k.IsStr {
				return c.stringConst(e, k.Str)
			}
			return c.literal(e, k.Int, int64(k.Int) < 0)
		}
	}
	c.unknown(e, diag.CodeUnknownName, "unknown name: %s")
	return invalidType()
}

// named reports whether a name is one of the script's C definitions or the kernel's enums.
func (c *checker) named(name string) bool {
	_, _, ok := c.env.Enumerator(name)
	return ok || c.definedInC(name)
}

// definedInC reports whether a name is one of the script's C definitions.
func (c *checker) definedInC(name string) bool {
	if c.opt.CDefs == nil {
		return false
	}
	_, _, enum := c.opt.CDefs.Enumerator(name)
	_, macro := c.opt.CDefs.Define(name)
	return enum || macro
}

// enumerator types the name of an enum's value: an enum of 8 bytes, as it's computed with.
func (c *checker) enumerator(e *syntax.Ident) (*Type, bool) {
	var v uint64
	var t *Type
	ok := false
	if c.opt.CDefs != nil {
		v, t, ok = c.opt.CDefs.Enumerator(e.Name)
	}
	if !ok {
		v, t, ok = c.env.Enumerator(e.Name)
	}
	if !ok {
		return nil, false
	}
	c.setConst(e, &Const{Int: v}, false)
	u := *t
	u.Size = 8
	return &u, true
}

// unknown reports a name that nothing is called by.
func (c *checker) unknown(e *syntax.Ident, code diag.Code, msg string) {
	d := c.errorf(code, e.Span(), msg, e.Name)
	if len(e.Name) > 4 && e.Name[:4] == "sarg" {
		d.Note("arguments on the stack are read as *(reg(\"sp\") + offset)")
		return
	}
	if c.opt.CDefs != nil && code == diag.CodeUnknownName {
		if hint := c.opt.CDefs.Hint(e.Name); hint != "" {
			d.Note("%s", hint)
		}
	}
	var names []string
	for name := range table() {
		if name != "argN" {
			names = append(names, name)
		}
	}
	for _, f := range c.info.Funcs {
		names = append(names, f.Decl.Name.Name)
	}
	for _, f := range c.info.CFuncs {
		if f.Code.Static && f.Code.Name == e.Name {
			d.NoteAt(f.Code.Span, "it's static: only its file may call it")
			return
		}
		if !f.Code.Static {
			names = append(names, f.Code.Name)
		}
	}
	names = append(names, c.opt.Macros...)
	for _, object := range []string{"args", "ctx", "curtask"} {
		if field, ok := strings.CutPrefix(e.Name, object); ok && code == diag.CodeUnknownName && len(field) > 1 {
			d.Suggest(object + "." + field)
			return
		}
	}
	if near := nearest(e.Name, names); near != "" {
		d.Suggest(near)
	}
}

func (c *checker) call(e *syntax.CallExpr) *Type {
	b := findBuiltin(e.Fun.Name)
	if b == nil || b.Own && c.info.Func(e.Fun.Name) != nil {
		return c.callFunc(e)
	}
	c.info.Calls[e.ID()] = b
	if b.Aggregate {
		c.args(e.Args)
		c.misplacedAggregate(e, b)
		return invalidType()
	}
	if !c.argCount(e, b) {
		c.args(e.Args)
		return invalidType()
	}
	return c.use(e, e.Args, b)
}

func (c *checker) misplacedAggregate(e syntax.Expr, b *Builtin) {
	c.errorf(diag.CodeAggregate, e.Span(), "%s() is assigned to a map directly", b.Name).
		Note("write `@name = %s;` or `@name[key] = …`", aggregateDoc(b))
}

func (c *checker) misplacedType(e syntax.Expr) {
	c.errorf(diag.CodeMismatch, e.Span(), "a type is no value here").Note("sizeof() and macros take types")
}

// use types the use of a builtin after the checks that hold for all.
func (c *checker) use(e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name := b.Name
	if id, ok := e.(*syntax.Ident); ok {
		name = id.Name
	}
	switch {
	case b.Unsafe && !c.opt.Unsafe:
		c.errorf(diag.CodeUnsafe, e.Span(), "%s() changes the system, and needs --unsafe", name)
	case !c.available(e, b, name):
	case b.check == nil && b.Aggregate:
		c.misplacedAggregate(e, b)
	case b.check == nil: // typeof, where the grammar has it as a call
		c.misplacedType(e)
	default:
		return b.check(c, e, args, b)
	}
	if len(args) > 0 {
		c.args(args)
	}
	return invalidType()
}

// available checks that the probe has the builtin.
func (c *checker) available(e syntax.Expr, b *Builtin, name string) bool {
	if b.Probes != nil && c.unit == nil {
		c.errorf(diag.CodeProbeKind, e.Span(), "%s is only known in a probe", name)
		return false
	}
	if b.Probes != nil && !c.kindIs(b.Probes...) && c.kind() != probe.Invalid {
		d := c.errorf(diag.CodeProbeKind, e.Span(), "%s probes have no %s", c.kind(), name)
		c.otherBuiltin(d, name)
		return false
	}
	return true
}

// otherBuiltin notes what the probe has instead.
func (c *checker) otherBuiltin(d *diag.Diagnostic, name string) {
	switch {
	case c.kindIs(probe.Tracepoint) && name == "retval":
		d.Note("a sys_exit tracepoint has args.ret")
	case c.kindIs(probe.Tracepoint) && (argNumber(name) >= 0 || name == "ctx"):
		d.Note("its fields are in args: `skep -lv` lists them")
	case c.kindIs(probe.Fentry, probe.Fexit) && argNumber(name) >= 0:
		d.Note("its arguments are in args, by their names")
	case c.kindIs(probe.Kretprobe, probe.Uretprobe) && (argNumber(name) >= 0 || name == "args"):
		d.Note("when a function returns its arguments are gone: keep them in a map at its entry, by tid")
	case c.kindIs(probe.Kprobe, probe.Uprobe) && name == "retval":
		d.Note("the value is known when the function returns: %s", map[probe.Kind]string{
			probe.Kprobe: "kretprobe", probe.Uprobe: "uretprobe"}[c.kind()])
	case c.kindIs(probe.Kprobe) && name == "args":
		d.Note("its arguments are arg0, arg1 …; fentry probes have args")
	}
}

// args types arguments of a call that has failed already.
func (c *checker) args(args []syntax.Expr) {
	for _, a := range args {
		switch x := unparen(a).(type) {
		case *syntax.MapExpr, *syntax.TypeExpr:
		case *syntax.Ident:
			if findBuiltin(x.Name) != nil {
				c.expr(a)
			}
		default:
			c.expr(a)
		}
	}
}

func (c *checker) argCount(e *syntax.CallExpr, b *Builtin) bool {
	n := len(e.Args)
	if n >= b.Min && (b.Max < 0 || n <= b.Max) {
		return true
	}
	if b.Max == 0 {
		c.errorf(diag.CodeArgCount, e.Span(), "%s() takes no arguments", e.Fun.Name).Note("%s", b.Doc)
		return false
	}
	c.errorf(diag.CodeArgCount, e.Span(), "%s() takes %s, not %d", e.Fun.Name, takes(b.Min, b.Max), n).Note("%s", b.Doc)
	return false
}

// takes writes a number of arguments.
func takes(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case most < 0:
		return "at least " + plural(least, "argument")
	case least == most:
		return plural(least, "argument")
	case least == 0:
		return "up to " + plural(most, "argument")
	}
	return fmt.Sprintf("%d to %s", least, plural(most, "argument"))
}

// plural is a number of things: "1 argument", "2 arguments".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// unknownFunc reports a call of what is no function: of a type it may be a cast.
func (c *checker) unknownFunc(e *syntax.CallExpr) {
	if t, ok := c.lookupType("", e.Fun.Name); ok && t.Kind != String {
		c.errorf(diag.CodeUnknownFunc, e.Fun.Span(), "unknown function: %s", e.Fun.Name).
			Note("a cast is written `(%s)…`", e.Fun.Name)
		return
	}
	c.unknown(e.Fun, diag.CodeUnknownFunc, "unknown function: %s")
}

// callFunc types the call of a script's function.
func (c *checker) callFunc(e *syntax.CallExpr) *Type {
	f := c.info.Func(e.Fun.Name)
	if cf := c.info.CFunc(e.Fun.Name); f == nil && cf != nil {
		return c.callC(e, cf)
	}
	if f == nil {
		c.args(e.Args)
		c.unknownFunc(e)
		return invalidType()
	}
	if len(e.Args) != len(f.Params) {
		c.args(e.Args)
		c.errorf(diag.CodeArgCount, e.Span(), "%s() takes %s, not %d", e.Fun.Name, takes(len(f.Params), len(f.Params)), len(e.Args)).
			NoteAt(f.Decl.Name.Span(), "it's defined here")
		return invalidType()
	}
	for i, a := range e.Args {
		p := f.Params[i]
		if t := c.expr(a); !bad(t) && !bad(p.Type) && !c.fits(&p.Type, f.Decl.Params[i].Type, a, t) {
			c.errorf(diag.CodeArgType, a.Span(), "%s of %s() is %s, not %s", p.Name, e.Fun.Name, p.Type, t)
		}
	}
	return f.Result
}

// Checks of arguments. Each types the argument and reports what doesn't fit; ok is false
// then, and when the type isn't known yet.

func (c *checker) intArg(e syntax.Expr, call string) (*Type, bool) {
	t := c.expr(e)
	switch {
	case bad(t):
		return t, false
	case t.IsInt() || t.Castable():
		return t, true
	}
	c.errorf(diag.CodeArgType, e.Span(), "%s() needs an integer here, not %s", call, t)
	return t, false
}

// constInt is an argument that has to be a number known at compile time and not negative.
func (c *checker) constInt(e syntax.Expr, call string) (uint64, bool) {
	t := c.expr(e)
	if bad(t) {
		return 0, false
	}
	k := c.info.Consts[e.ID()]
	if !numeric(k, t) || t.Signed && int64(k.Int) < 0 {
		c.errorf(diag.CodeLiteral, e.Span(), "%s() needs a number here that is known at compile time and isn't negative", call)
		return 0, false
	}
	return k.Int, true
}

// numeric reports whether k, the constant of an expression of type t, is a number.
func numeric(k *Const, t *Type) bool { return k != nil && !k.IsStr && t.IsInt() }

// constStr is an argument that has to be a string known at compile time.
func (c *checker) constStr(e syntax.Expr, call string) (string, bool) {
	t := c.expr(e)
	if bad(t) {
		return "", false
	}
	k := c.info.Consts[e.ID()]
	if k == nil || !k.IsStr {
		c.errorf(diag.CodeLiteral, e.Span(), "%s() needs a string literal here, not %s", call, t)
		return "", false
	}
	return k.Str, true
}

// kindArg is an argument of one of the kinds.
func (c *checker) kindArg(e syntax.Expr, call, what string, kinds ...Kind) (*Type, bool) {
	t := c.expr(e)
	if bad(t) {
		return t, false
	}
	for _, k := range kinds {
		if t.Kind == k || k == Int && t.IsInt() {
			return t, true
		}
	}
	c.errorf(diag.CodeArgType, e.Span(), "%s() needs %s, not %s", call, what, t)
	return t, false
}

// mapArg is an argument that has to be a map as a whole.
func (c *checker) mapArg(e syntax.Expr, call string) *mapVar {
	m, ok := unparen(e).(*syntax.MapExpr)
	if !ok {
		c.expr(e)
		c.errorf(diag.CodeArgType, e.Span(), "%s() needs a map here, without a key", call)
		return nil
	}
	c.record(e, voidType())
	c.record(m, voidType())
	return c.mapNamed(m.Name)
}
