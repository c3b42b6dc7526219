package types

import (
	"cmp"
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

func (c *checker) cast(e *syntax.CastExpr) *Type {
	to, from := c.typeExpr(e.Type), c.expr(e.X)
	if bad(to) || bad(from) {
		return worse(to, from)
	}
	to = c.castTarget(e, to, from)
	if bad(to) {
		return to
	}
	if !c.castable(e, to, from) {
		return invalidType()
	}
	c.checkArgCast(e, to)
	if k := c.info.Consts[e.X.ID()]; k != nil && !k.IsStr && (to.IsInt() || to.Kind == Bool) {
		c.setConst(e, &Const{Int: truncate(k.Int, to)}, false)
	}
	return to
}

// castTarget completes a cast's type by its operand: the length of `int8[]`, and the
// address space.
func (c *checker) castTarget(e *syntax.CastExpr, to, from *Type) *Type {
	u := *to
	if to.Kind == Array && to.Len == 0 {
		if to.Elem.Size == 0 || from.Bytes() == 0 || from.Bytes()%to.Elem.Size != 0 {
			c.errorf(diag.CodeCast, e.Span(), "the length of %s doesn't come out of the %d bytes of %s", to, from.Bytes(), from)
			return invalidType()
		}
		u = *ArrayOf(to.Elem, from.Bytes()/to.Elem.Size)
	}
	if to.Kind == String && to.Size == 0 && from.Kind == String {
		u.Size = from.Size
	}
	u.Space = from.Space
	if from.Space == SpaceBTF && !(to.Kind == Pointer && from.Kind == Pointer && Identical(to, from)) {
		u.Space = SpaceKernel
	}
	if u.Space == SpaceNone && to.Kind == Pointer {
		u.Space = c.probeSpace()
	}
	if from.Ctx && from.Kind == Struct || from.Space == SpaceCtx {
		u.Space = SpaceCtx
	}
	return &u
}

// castable reports whether a cast is allowed, and complains if it isn't.
func (c *checker) castable(e *syntax.CastExpr, to, from *Type) bool {
	ok := false
	switch to.Kind {
	case Int, Enum:
		ok = c.castToInt(to, from)
	case Bool:
		ok = number64(from) || from.Kind == Pointer || from.Kind == String
	case Pointer:
		ok = number64(from) || from.Kind == Pointer || from.Ctx
	case Array:
		ok = castToArray(to, from)
	case String:
		ok = from.Kind == String && from.Size <= to.Size
	case Username:
		ok = from.IsInt()
	}
	if !ok {
		d := c.errorf(diag.CodeCast, e.Span(), "%s can't be cast to %s", from, to)
		if to.Kind == Struct && (number64(from) || from.Kind == Pointer) {
			d.Note("a pointer to one is written `(%s *)…`", to)
		}
		return false
	}
	if Identical(to, from) && !from.Flex && c.meta == 0 && e.Type.Typeof == nil {
		c.warnf(diag.CodeUselessCast, e.Span(), "this is %s already", from)
	}
	return c.checkEnum(e, to)
}

// checkArgCast warns of a kernel function's argument that is cast to what another one of its
// arguments is: they move from kernel to kernel, and the script was written for one where it
// was this.
func (c *checker) checkArgCast(e *syntax.CastExpr, to *Type) {
	x, ok := unparen(e.X).(*syntax.Ident)
	if !ok || !c.kindIs(probe.Kprobe) || to.Kind != Pointer || to.Elem.Kind != Struct {
		return
	}
	n := argNumber(x.Name)
	for _, pt := range c.unit.Points {
		if n < 0 || pt.Orig != nil || pt.Offset != 0 {
			continue
		}
		sig, ok := c.env.KernelFunc(cmp.Or(pt.Target, "vmlinux"), pt.Func)
		if !ok || n < len(sig.Args) && hasType(sig.Args[n].Type, to) {
			continue
		}
		is := func(f Field) bool { return f.Type.Kind == Pointer && Identical(f.Type, to) }
		m := slices.IndexFunc(sig.Args, is)
		if m < 0 {
			continue
		}
		c.warnf(diag.CodeArgMoved, e.Span(), "%s of %s isn't a %s on this kernel: that's arg%d, %s", x.Name, pt.Func, to, m, sig.Args[m].Name)
		return
	}
}

// hasType reports whether an argument may be a pointer of type t: it is one, or points to
// what nobody knows.
func hasType(arg, t *Type) bool {
	return arg.Kind == Pointer && (arg.Elem.Kind == Void || Identical(arg, t))
}

func (c *checker) castToInt(to, from *Type) bool {
	switch {
	case number64(from), from.Kind == Pointer, from.Ctx:
		return true
	case from.Kind == Array:
		return from.Size == to.Size
	}
	return false
}

// castToArray: integers spread over arrays of their size, strings over arrays of bytes. A
// number may be widened to an array of up to 8 bytes.
func castToArray(to, from *Type) bool {
	if !to.Elem.IsInt() && to.Elem.Kind != Bool {
		return false
	}
	switch {
	case from.IsInt():
		return from.Size == to.Size || to.Size <= 8 && to.Size > from.Size
	case from.Kind == Bool, from.Kind == String:
		return from.Size == to.Size
	}
	return false
}

// checkEnum: a literal cast to an enum is one of its values.
func (c *checker) checkEnum(e *syntax.CastExpr, to *Type) bool {
	k := c.info.Consts[e.X.ID()]
	if to.Kind != Enum || to.Enum == nil || k == nil || !c.lits[e.X.ID()] {
		return true
	}
	for _, v := range to.Enum.Values {
		if v.Val == k.Int {
			return true
		}
	}
	c.errorf(diag.CodeCast, e.X.Span(), "%s has no enumerator with the value %s", to, number(k, c.info.Types[e.X.ID()]))
	return false
}
