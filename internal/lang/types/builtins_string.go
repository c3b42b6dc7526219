package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// stringBuiltins make and compare strings and buffers.
func stringBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinStr, Name: "str", Min: 1, Max: 2, check: checkStr, Doc: "the string at an address: str(address[, length])"},
		{ID: BuiltinBuf, Name: "buf", Min: 1, Max: 2, check: checkBuf, Doc: "the bytes at an address: buf(address, length), buf(array)"},
		{ID: BuiltinStrlen, Name: "strlen", Min: 1, Max: 1, check: stringCall(1, 8, false), Doc: "the length of a string: strlen(s)"},
		{ID: BuiltinStrcap, Name: "strcap", Min: 1, Max: 1, check: checkStrcap, Doc: "the bytes that a string's type has room for: strcap(s)"},
		{ID: BuiltinStrstr, Name: "strstr", Min: 2, Max: 2, check: stringCall(2, 4, true), Doc: "where a string begins in another, or -1: strstr(haystack, needle)"},
		{ID: BuiltinStrcontains, Name: "strcontains", Min: 2, Max: 2, check: checkStrcontains, Doc: "whether a string is in another: strcontains(haystack, needle)"},
		{ID: BuiltinStrncmp, Name: "strncmp", Min: 3, Max: 3, check: checkStrncmp, Doc: "0 when the first n bytes are equal: strncmp(a, b, n)"},
		{ID: BuiltinMemcmp, Name: "memcmp", Min: 3, Max: 3, check: checkMemcmp, Doc: "compares the first n bytes of two values: memcmp(a, b, n)"},
		{ID: BuiltinStrerror, Name: "strerror", Min: 1, Max: 1, check: nameOf, Doc: "an error number in words: strerror(2)"},
		{ID: BuiltinSignalName, Name: "signal_name", Min: 1, Max: 1, check: nameOf, Doc: "a signal's name: signal_name(9)"},
		{ID: BuiltinSyscallName, Name: "syscall_name", Min: 1, Max: 1, check: nameOf, Doc: "a system call's name: syscall_name(0)"},
		{ID: BuiltinStrConcat, Name: "str_concat", Min: 2, Max: 2, check: checkConcat, Doc: "two strings joined: str_concat(a, b)"},
		{ID: BuiltinDefaultStrLength, Name: "default_str_length", Var: true, check: checkStrLength, Doc: "the size of what str() gives without a length"},
	}
}

// checkStr: a literal number or string gives a literal.
func checkStr(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an address", String, Int, Pointer)
	size := c.info.Config.StrSize()
	limit := size
	if len(args) == 2 {
		n, okN := c.intArg(args[1], b.Name)
		if !ok || !okN {
			return worse(t, n)
		}
		k := c.info.Consts[args[1].ID()]
		switch {
		case k == nil:
		case n.Signed && int64(k.Int) < 0:
			c.errorf(diag.CodeRange, args[1].Span(), "a length can't be negative")
			return invalidType()
		case k.Int > size:
			c.warnf(diag.CodeStrLength, args[1].Span(), "the string is cut to max_strlen, %d bytes", size)
		default: // the length counts the NUL
			size, limit = max(k.Int, 1), k.Int
		}
	}
	if !ok {
		return worse(t)
	}
	if k := c.info.Consts[args[0].ID()]; k != nil && c.lits[args[0].ID()] && (len(args) == 1 || c.info.Consts[args[1].ID()] != nil) {
		s := k.Str
		if !k.IsStr {
			s = number(k, t)
		}
		return c.stringConst(e, s[:min(uint64(len(s)), limit)])
	}
	return StringType(uint32(size)).In(SpaceKernel)
}

// bufHeader is what max_strlen holds besides a buffer's content: its length.
const bufHeader = 4

func checkBuf(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an address, a string or an array", Int, String, Pointer, Array)
	most := uint64(c.info.Config.MaxStrlen) - bufHeader
	size := most
	if len(args) == 2 {
		n, okN := c.intArg(args[1], b.Name)
		if !ok || !okN {
			return worse(t, n)
		}
		if k := c.info.Consts[args[1].ID()]; k != nil {
			if n.Signed && int64(k.Int) < 0 {
				c.errorf(diag.CodeRange, args[1].Span(), "a length can't be negative")
				return invalidType()
			}
			size = k.Int
		}
	}
	switch {
	case !ok:
		return worse(t)
	case len(args) == 1 && t.Kind != Array:
		c.errorf(diag.CodeArgCount, e.Span(), "buf() needs a length; only arrays have one")
		return invalidType()
	case len(args) == 1:
		size = uint64(t.Size)
	}
	return BufType(uint32(min(size, most))).In(SpaceKernel)
}

// stringLike is an argument that is a string, an array of bytes or a pointer to bytes.
func (c *checker) stringLike(e syntax.Expr, call string) (*Type, bool) {
	t := c.expr(e)
	if bad(t) {
		return t, false
	}
	byteSized := func(u *Type) bool { return u.Kind == Int && u.Size == 1 }
	if t.Kind == String || (t.Kind == Array || t.Kind == Pointer) && byteSized(t.Elem) {
		return t, true
	}
	c.errorf(diag.CodeArgType, e.Span(), "%s() needs a string here, not %s", call, t)
	return t, false
}

// stringCall makes the check of a call of n strings that gives an integer.
func stringCall(n int, size uint32, signed bool) func(*checker, syntax.Expr, []syntax.Expr, *Builtin) *Type {
	return func(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
		for i, a := range args[:n] {
			if t, ok := c.stringLike(a, b.Name); !ok {
				c.args(args[i+1:])
				return worse(t)
			}
		}
		return IntType(size, signed)
	}
}

func checkStrcontains(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t := stringCall(2, 1, false)(c, e, args, b)
	if bad(t) {
		return t
	}
	return boolType()
}

func checkStrcap(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.stringLike(args[0], b.Name)
	switch {
	case !ok:
		return worse(t)
	case t.Kind == Pointer:
		return IntType(8, false)
	}
	return c.literal(e, uint64(t.Size), false)
}

func checkStrncmp(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	x, okX := c.kindArg(args[0], b.Name, "a string", String)
	y, okY := c.kindArg(args[1], b.Name, "a string", String)
	_, okN := c.constInt(args[2], b.Name)
	if !okX || !okY || !okN {
		return worse(x, y, c.info.Types[args[2].ID()])
	}
	return IntType(8, false)
}

func checkMemcmp(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	x, y := c.expr(args[0]), c.expr(args[1])
	n, ok := c.constInt(args[2], b.Name)
	if bad(x) || bad(y) || !ok {
		return worse(x, y, c.info.Types[args[2].ID()])
	}
	for i, t := range []*Type{x, y} {
		if uint64(t.Bytes()) < n {
			c.errorf(diag.CodeRange, args[2].Span(), "%s has only %d bytes", c.info.Types[args[i].ID()], t.Bytes())
			return invalidType()
		}
	}
	return IntType(4, true)
}

// concatSize is the size of what str_concat gives.
const concatSize = 1024

func checkConcat(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if t := stringCall(2, 8, false)(c, e, args, b); bad(t) {
		return t
	}
	return StringType(concatSize)
}

// nameSize is the size of what names a number.
const nameSize = 64

func nameOf(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if t, ok := c.intArg(args[0], b.Name); !ok {
		return worse(t)
	}
	return StringType(nameSize)
}

func checkStrLength(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	return c.literal(e, c.info.Config.MaxStrlen, false)
}
