package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// addressBuiltins work on addresses and symbols.
func addressBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinKsym, Name: "ksym", Min: 1, Max: 1, Async: true, check: checkSym, Doc: "the kernel function at an address: ksym(address)"},
		{ID: BuiltinUsym, Name: "usym", Min: 1, Max: 1, Async: true, check: checkSym, Doc: "the user function at an address: usym(address)"},
		{ID: BuiltinKaddr, Name: "kaddr", Min: 1, Max: 1, check: checkKaddr, Doc: "the address of a kernel symbol: kaddr(\"avenrun\")"},
		{ID: BuiltinUaddr, Name: "uaddr", Min: 1, Max: 1, Probes: userKinds(), check: checkUaddr, Doc: "the address of a symbol of the traced program: uaddr(\"name\")"},
		{ID: BuiltinKptr, Name: "kptr", Min: 1, Max: 1, check: checkKptr, Doc: "says that an address is the kernel's: kptr(address)"},
		{ID: BuiltinUptr, Name: "uptr", Min: 1, Max: 1, check: checkKptr, Doc: "says that an address is user space's: uptr(address)"},
		{ID: BuiltinKstr, Name: "kstr", Min: 1, Max: 2, check: checkStr, Doc: "the string at an address of the kernel: kstr(address[, length])"},
		{ID: BuiltinPath, Name: "path", Min: 1, Max: 2, Probes: []probe.Kind{probe.Fentry, probe.Fexit, probe.Iter}, check: checkPath, Doc: "the path of a struct path: path(args.file.f_path[, size])"},
		{ID: BuiltinBswap, Name: "bswap", Min: 1, Max: 1, check: checkBswap, Doc: "an integer with its bytes in reverse order: bswap(n)"},
		{ID: BuiltinIsErr, Name: "is_err", Min: 1, Max: 1, check: checkIsErr, Doc: "whether a pointer is one of the kernel's error codes: is_err(retval)"},
		{ID: BuiltinContainerOf, Name: "container_of", Min: 3, Max: 3, check: checkContainerOf, Doc: "the struct that a member's address lies in: container_of(pointer, typeof(struct s), member)"},
		{ID: BuiltinPercpuKaddr, Name: "percpu_kaddr", Min: 1, Max: 2, check: checkPercpuKaddr, Doc: "the address of a per-CPU variable of the kernel, this CPU's or another's: percpu_kaddr(\"runqueues\"[, cpu])"},
		{ID: BuiltinWriteUser, Name: "write_user", Min: 3, Max: 3, Unsafe: true, check: checkWriteUser, Doc: "writes to the process's memory and says whether it could: write_user(to, value, bytes)"},
	}
}

func checkSym(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an address", Int, Pointer)
	switch {
	case !ok:
		return worse(t)
	case b.ID == BuiltinUsym:
		return plain(Usym)
	}
	return plain(Ksym)
}

func checkKaddr(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	addr, ok := c.env.KernelSymbol(name)
	if !ok {
		c.errorf(diag.CodeSymbol, args[0].Span(), "Failed to resolve kernel symbol: %s", name).
			Note("the kernel has none of that name, or hides its addresses")
		return invalidType()
	}
	c.setConst(e, &Const{Int: addr}, false)
	return IntType(8, false).In(SpaceKernel)
}

func checkPercpuKaddr(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if len(args) == 2 {
		if t, okCPU := c.intArg(args[1], b.Name); !okCPU {
			return worse(t)
		}
	}
	if !ok {
		return worse(c.info.Types[args[0].ID()])
	}
	if c.info.Facts.HasBTF && !c.env.KernelVar(name) {
		c.errorf(diag.CodeSymbol, args[0].Span(), "the kernel's types have no per-CPU variable %s", name)
		return invalidType()
	}
	return PointerTo(IntType(8, false), SpaceKernel)
}

// checkWriteUser: the value lies in the program's memory, whose size bounds what is written.
func checkWriteUser(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	to, okTo := c.kindArg(args[0], b.Name, "an address in the process", Int, Pointer)
	value, okValue := c.kindArg(args[1], b.Name, "a value", Int, String, Array, Struct, Tuple, Record)
	n, okN := c.intArg(args[2], b.Name)
	if !okTo || !okValue || !okN {
		return worse(to, value, n)
	}
	if k := c.info.Consts[args[2].ID()]; k != nil && k.Int > uint64(value.Size) {
		c.errorf(diag.CodeRange, args[2].Span(), "write_user() of %d bytes is more than the value has, %d", k.Int, value.Size)
		return invalidType()
	}
	return boolType()
}

// checkUaddr: the symbol's size says what is there.
func checkUaddr(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	path := binary(c.unit.Points[0])
	addr, size, ok := c.env.UserSymbol(path, name)
	if !ok {
		c.errorf(diag.CodeSymbol, args[0].Span(), "%s has no symbol %s", path, name)
		return invalidType()
	}
	c.setConst(e, &Const{Int: addr}, false)
	width := uint32(8)
	if size == 1 || size == 2 || size == 4 {
		width = uint32(size)
	}
	return PointerTo(IntType(width, true), SpaceUser)
}

func checkKptr(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an address", Int, Pointer)
	switch {
	case !ok:
		return worse(t)
	case b.ID == BuiltinUptr:
		return t.In(SpaceUser)
	case t.Space == SpaceBTF:
		return t
	}
	return t.In(SpaceKernel)
}

func checkPath(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "a struct path or a pointer to one", Struct, Pointer)
	size := c.info.Config.MaxStrlen
	if len(args) == 2 {
		var okN bool
		if size, okN = c.constInt(args[1], b.Name); !okN {
			return worse(t, c.info.Types[args[1].ID()])
		}
	}
	if !ok {
		return worse(t)
	}
	if f := c.info.Facts; f.Kernel != 0 && !f.Features.DPath {
		c.errorf(diag.CodeFeature, e.Span(), "this kernel doesn't resolve paths for programs (bpf_d_path, since 5.10)")
		return invalidType()
	}
	return StringType(uint32(size))
}

func checkBswap(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an integer", Int)
	if !ok {
		return worse(t)
	}
	if k := c.info.Consts[args[0].ID()]; k != nil {
		v := uint64(0)
		for i := range t.Size {
			v |= k.Int >> (8 * i) & 0xff << (8 * (t.Size - 1 - i))
		}
		c.setConst(e, &Const{Int: v}, false)
	}
	return IntType(t.Size, false)
}

func checkIsErr(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if t, ok := c.kindArg(args[0], b.Name, "a pointer", Int, Pointer); !ok {
		return worse(t)
	}
	return boolType()
}

// checkContainerOf: the call's Selection is the member.
func checkContainerOf(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	p, ok := c.kindArg(args[0], b.Name, "a pointer", Int, Pointer)
	s := c.typeArg(args[1])
	member, okM := unparen(args[2]).(*syntax.Ident)
	if !ok || bad(s) {
		return worse(p, s)
	}
	if s.Kind != Struct || !okM {
		c.errorf(diag.CodeArgType, e.Span(), "container_of() takes a pointer, a struct type and the name of a member")
		return invalidType()
	}
	sel := Select(s.S, member.Name)
	if sel == nil {
		c.noField(member, s.String(), s.S.Fields())
		return invalidType()
	}
	c.record(member, voidType())
	c.info.Fields[e.ID()] = sel
	return PointerTo(s, noBTF(p.Space))
}

// typeArg is an argument that is a type.
func (c *checker) typeArg(e syntax.Expr) *Type {
	if t, ok := unparen(e).(*syntax.TypeExpr); ok {
		return c.typeExpr(t)
	}
	return c.typeOrExpr(nil, e)
}
