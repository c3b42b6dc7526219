package types

import (
	"net/netip"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// netBuiltins are about network addresses.
func netBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinNtop, Name: "ntop", Min: 1, Max: 2, check: checkNtop, Doc: "an IP address to be printed: ntop([AF_INET,] address)"},
		{ID: BuiltinPton, Name: "pton", Min: 1, Max: 1, check: checkPton, Doc: "an IP address as an array of bytes: pton(\"127.0.0.1\")"},
		{ID: BuiltinMacaddr, Name: "macaddr", Min: 1, Max: 1, check: checkMacaddr, Doc: "a MAC address to be printed: macaddr(bytes)"},
		{ID: BuiltinSocketCookie, Name: "socket_cookie", Min: 1, Max: 1, Probes: []probe.Kind{probe.Fentry, probe.Fexit, probe.RawTracepoint, probe.Iter}, check: checkSocketCookie,
			Doc: "the kernel's number of a socket: socket_cookie(args.sk)"},
		{ID: BuiltinSkboutput, Name: "skboutput", Min: 4, Max: 4, Async: true, Probes: []probe.Kind{probe.Fentry, probe.Fexit, probe.RawTracepoint, probe.Iter}, check: checkSkboutput,
			Doc: "writes a packet to a pcap file: skboutput(path, skb, length, offset)"},
	}
}

// v5_12SocketCookie is the kernel that tells tracing programs of a socket's cookie.
const v5_12SocketCookie = 5<<16 | 12<<8

// checkSocketCookie: the kernel takes a pointer only that it knows to be a socket's.
func checkSocketCookie(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "a pointer to a socket", Pointer)
	switch {
	case !ok:
		return worse(t)
	case t.Space != SpaceBTF:
		c.errorf(diag.CodeArgType, args[0].Span(), "socket_cookie() needs a pointer that comes from args or curtask, not %s", t).
			Note("the kernel's verifier has to know that it is a socket's; a cast or a map loses that")
		return invalidType()
	case c.info.Facts.Kernel != 0 && c.info.Facts.Kernel < v5_12SocketCookie:
		c.errorf(diag.CodeFeature, e.Span(), "socket_cookie() needs Linux 5.12").Note("before, args.sk.__sk_common.skc_cookie.counter has it once another program has asked")
		return invalidType()
	}
	return IntType(8, false)
}

// checkSkboutput: the kernel takes a pointer only that it knows to be an sk_buff's. What a
// variable or arg0 holds the verifier alone can tell.
func checkSkboutput(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	path, ok1 := c.constStr(args[0], b.Name)
	t, ok2 := c.kindArg(args[1], b.Name, "a pointer to struct sk_buff", Pointer)
	_, ok3 := c.intArg(args[2], b.Name)
	_, ok4 := c.intArg(args[3], b.Name)
	switch {
	case !ok1 || !ok2 || !ok3 || !ok4:
		return invalidType()
	case path == "":
		c.errorf(diag.CodeLiteral, args[0].Span(), "skboutput() needs the path of a file here")
		return invalidType()
	case t.Elem == nil || t.Elem.S == nil || t.Elem.S.Name != "struct sk_buff":
		c.errorf(diag.CodeArgType, args[1].Span(), "skboutput() needs a pointer to struct sk_buff here, not %s", t)
		return invalidType()
	case t.Space != SpaceBTF && !mayBeObject(args[1]):
		c.errorf(diag.CodeArgType, args[1].Span(), "skboutput() needs a pointer that comes from args, not %s", t).
			Note("the kernel's verifier has to know that it is an sk_buff's; a map loses that")
		return invalidType()
	}
	return IntType(4, false)
}

// mayBeObject reports whether e, whatever it's cast to, is a variable or an argument, which
// may hold a pointer that the verifier knows.
func mayBeObject(e syntax.Expr) bool {
	switch x := unparen(e).(type) {
	case *syntax.CastExpr:
		return mayBeObject(x.X)
	case *syntax.VarExpr:
		return true
	case *syntax.Ident:
		return argNumber(x.Name) >= 0
	}
	return false
}

func checkNtop(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args) == 2 {
		if t, ok := c.intArg(args[0], b.Name); !ok {
			c.expr(args[1])
			return worse(t)
		}
		args = args[1:]
	}
	t, ok := c.kindArg(args[0], b.Name, "an integer or an array of bytes", Int, Array, String)
	if !ok {
		return worse(t)
	}
	if !t.IsInt() && t.Size != 4 && t.Size != 16 {
		c.errorf(diag.CodeArgType, args[0].Span(), "an IP address has 4 or 16 bytes; %s has %d", t, t.Size)
		return invalidType()
	}
	return plain(Inet)
}

// checkPton: the constant's Str holds the bytes.
func checkPton(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	s, ok := c.constStr(args[0], b.Name)
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		c.errorf(diag.CodeRange, args[0].Span(), "%q is no IP address", s)
		return invalidType()
	}
	raw := a.AsSlice()
	c.setConst(e, &Const{Str: string(raw), IsStr: true}, false)
	return ArrayOf(IntType(1, false), uint32(len(raw))).In(SpaceKernel)
}

// macSize is ETH_ALEN (include/uapi/linux/if_ether.h).
const macSize = 6

func checkMacaddr(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.kindArg(args[0], b.Name, "an array of 6 bytes or its address", Int, Array, String, Pointer)
	switch {
	case !ok:
		return worse(t)
	case c.lits[args[0].ID()] && t.Kind == String:
		c.errorf(diag.CodeArgType, args[0].Span(), "macaddr() reads bytes, not the written form of an address")
		return invalidType()
	case (t.Kind == Array || t.Kind == String) && t.Size < macSize:
		c.errorf(diag.CodeArgType, args[0].Span(), "a MAC address has %d bytes; %s has %d", macSize, t, t.Size)
		return invalidType()
	}
	return plain(Mac)
}
