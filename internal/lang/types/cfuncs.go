package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// CFunc is a function written in C, of a file that the script imports.
type CFunc struct {
	Code   *ctree.Func
	Params []*Type
	Result *Type
}

// CFunc is the C function of that name that scripts may call, or nil.
func (i *Info) CFunc(name string) *CFunc {
	for _, f := range i.CFuncs {
		if f.Code.Name == name && !f.Code.Static {
			return f
		}
	}
	return nil
}

// MapArgument is the map that an argument of a C function names as a whole, by @m or &@m, with or
// without a cast; nil: it's none.
func MapArgument(e syntax.Expr) *syntax.MapExpr {
	e = unparen(e)
	if cast, ok := e.(*syntax.CastExpr); ok {
		e = unparen(cast.X)
	}
	if u, ok := e.(*syntax.UnaryExpr); ok && u.Op == syntax.AddrOf {
		e = unparen(u.X)
	}
	m, _ := e.(*syntax.MapExpr)
	return m
}

// callC types the call of a C function.
func (c *checker) callC(e *syntax.CallExpr, f *CFunc) *Type {
	if len(e.Args) != len(f.Params) {
		c.args(e.Args)
		c.errorf(diag.CodeArgCount, e.Span(), "%s() takes %s, not %d", e.Fun.Name, takes(len(f.Params), len(f.Params)), len(e.Args)).
			NoteAt(f.Code.Span, "it's defined here")
		return invalidType()
	}
	for i, a := range e.Args {
		c.cArg(e, f, i, a)
	}
	switch t := f.Result; {
	case t.Kind == Int, t.Kind == Bool, t.Kind == Enum, t.Kind == Pointer:
		return t
	case t.Kind == Void:
		return voidType()
	}
	c.errorf(diag.CodeCCalls, e.Span(), "%s() gives %s, which a script can't take", e.Fun.Name, f.Result).
		NoteAt(f.Code.Span, "it's defined here")
	return invalidType()
}

// cArg types the i-th argument of a C function.
func (c *checker) cArg(e *syntax.CallExpr, f *CFunc, i int, a syntax.Expr) {
	want := f.Params[i]
	if m := MapArgument(a); m != nil && want.Kind == Pointer && c.mapNamed(m.Name).Key != nil {
		c.record(a, PointerTo(voidType(), SpaceNone))
		return
	}
	t := c.expr(a)
	if bad(t) {
		return
	}
	switch want.Kind {
	case Int, Enum, Bool:
		if t.IsInt() || t.Kind == Bool || t.Kind == Enum || t.Castable() {
			if want.Kind == Int && t.IsInt() {
				c.fitInt(a, t, want)
			}
			return
		}
	case Pointer:
		switch t.Kind {
		case Pointer:
			if !otherNumbers(want.Elem, t.Elem) {
				return
			}
		case String, Buf, Array, Struct, Tuple, Record:
			return
		}
	default:
		c.errorf(diag.CodeCCalls, a.Span(), "a script can't pass %s to %s()", want, e.Fun.Name).NoteAt(f.Code.Span, "it's defined here")
		return
	}
	d := c.errorf(diag.CodeArgType, a.Span(), "argument %d of %s() is %s, not %s", i+1, e.Fun.Name, want, t)
	switch {
	case want.Kind == Pointer && t.IsInt():
		d.Note("a cast makes it a pointer: `(void *)…`")
	case want.Kind != Pointer && t.Kind == Pointer:
		d.Note("a cast makes it a number: `(uint64)…`")
	case t.Kind == Pointer:
		d.Note("C would read %d bytes, not %d: a cast of the number makes it as wide", want.Elem.Size, t.Elem.Size)
	}
	d.NoteAt(f.Code.Span, "it's defined here")
}

// otherNumbers reports whether C would take the number that a pointer leads to for a wider or a
// narrower one. Single bytes may be those of anything.
func otherNumbers(want, got *Type) bool {
	return want.IsInt() && got.IsInt() && want.Size != got.Size && want.Size != 1
}

// isC reports whether a name is that of a C function that's called.
func (c *checker) isC(name string) bool {
	return len(c.info.CFuncs) > 0 && findBuiltin(name) == nil && c.info.Func(name) == nil && c.info.CFunc(name) != nil
}

// cArgs binds what a C function gets: of a map that's passed as a whole anything may become.
func (b *binder) cArgs(args []syntax.Expr) {
	for _, a := range args {
		if m := MapArgument(a); m != nil {
			b.touchMap(m)
			b.maps[m.Name].Addressed = true
			continue
		}
		b.expr(a)
	}
}
