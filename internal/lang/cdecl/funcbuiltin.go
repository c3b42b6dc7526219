package cdecl

import (
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// helperNumber is the number of the helper that one of our headers declares; 0: it's none.
func helperNumber(d *cc.Declarator) int64 {
	name, ok := strings.CutPrefix(d.Name(), "bpf_")
	if !ok || !strings.HasPrefix(fileOf(d), "<") {
		return 0
	}
	if h := helper.ByName(name); h != nil {
		return int64(h.ID)
	}
	return 0
}

// builtin is a call of one of the compiler's own; nil: it's a function of our headers.
func (b *bodies) builtin(n *cc.PostfixExpression, name string) ctree.Expr {
	list := args(n)
	at := b.at(n)
	count := func(want int) {
		if len(list) < want {
			b.fail(diag.CodeArgCount, n, "%s() takes %d arguments, not %d", name, want, len(list))
		}
	}
	switch short := strings.TrimPrefix(name, "__builtin_"); short {
	case "expect", "preserve_access_index", "assume_aligned":
		count(1)
		return b.expr(list[0])
	case "constant_p":
		count(1)
		_, ok := b.expr(list[0]).(*ctree.Const)
		v := int64(0)
		if ok {
			v = 1
		}
		return ctree.NewConst(at, ctree.IntType, v)
	case "choose_expr":
		count(3)
		k, ok := b.expr(list[0]).(*ctree.Const)
		if !ok {
			b.fail(diag.CodeCSyntax, list[0], "__builtin_choose_expr() needs a constant")
		}
		if k.Val != 0 {
			return b.object(list[1])
		}
		return b.object(list[2])
	case "skep_field_exists":
		_, absent := addressed(b.expr(list[0])).(*ctree.Absent)
		return ctree.NewConst(at, ctree.IntType, truth(!absent))
	case "skep_type_exists":
		p := b.expr(list[0])
		if k, ok := p.(*ctree.Convert); ok {
			p = k.X
		}
		return ctree.NewConst(at, ctree.IntType, truth(p.Type().Kind == ctree.Pointer && p.Type().Elem.Size > 0))
	case "unreachable", "trap":
		return &ctree.Builtin{Node: b.node(n), Name: short, T: ctree.VoidType}
	case "bswap16", "bswap32", "bswap64":
		count(1)
		t := map[string]*ctree.Type{"bswap16": {Kind: ctree.Int, Size: 2, Align: 2}, "bswap32": ctree.UIntType, "bswap64": ctree.ULongType}[short]
		return b.swapped(&ctree.Builtin{Node: b.node(n), Name: short, T: t, Args: []ctree.Expr{ctree.NewConvert(at, b.number(list[0]), t)}})
	case "memset", "memcpy", "memmove":
		count(3)
		return b.memory(n, short, list)
	case "__sync_synchronize":
		return &ctree.Builtin{Node: b.node(n), Name: "barrier", T: ctree.VoidType}
	}
	if strings.HasPrefix(name, "__sync_") || strings.HasPrefix(name, "__atomic_") {
		return b.atomic(n, name, list)
	}
	return nil
}

// swapped folds the swapping of a constant's bytes.
func (b *bodies) swapped(x *ctree.Builtin) ctree.Expr {
	k, ok := x.Args[0].(*ctree.Const)
	if !ok {
		return x
	}
	v := int64(0)
	for i := range x.T.Size {
		v = v<<8 | k.Val>>(8*i)&0xff
	}
	return ctree.NewConst(x.Span, x.T, v)
}

// memory is a memset, memcpy or memmove of a number of bytes that's known; nil: it's not, and
// the header's function does it.
func (b *bodies) memory(n *cc.PostfixExpression, name string, list []cc.ExpressionNode) ctree.Expr {
	size, ok := b.number(list[2]).(*ctree.Const)
	if !ok {
		return nil
	}
	if size.Val < 0 || size.Val > maxMove {
		b.fail(diag.CodeCSyntax, list[2], "%d bytes are too many", size.Val)
	}
	dst := b.scalar(list[0])
	x := &ctree.Builtin{Node: b.node(n), Name: name, T: ctree.PointerTo(ctree.VoidType)}
	if name == "memset" {
		c, ok := b.number(list[1]).(*ctree.Const)
		if !ok || c.Val != 0 && size.Val > maxFill {
			return nil
		}
		x.Args = []ctree.Expr{dst, ctree.NewConst(c.Span, ctree.IntType, c.Val), size}
		return x
	}
	if name == "memmove" && size.Val > 8 {
		return nil
	}
	x.Args = []ctree.Expr{dst, b.scalar(list[1]), size}
	return x
}

const (
	maxMove = 1 << 16 // bytes that memcpy copies
	maxFill = 64      // bytes that memset sets without a loop, other than to zero
)

// atomic is one of gcc's builtins for memory that others write, too.
func (b *bodies) atomic(n *cc.PostfixExpression, name string, list []cc.ExpressionNode) ctree.Expr {
	row, ok := atomics[name]
	if !ok {
		b.unsupported(n, "%s()", name)
	}
	if len(list) < row.args {
		b.fail(diag.CodeArgCount, n, "%s() takes %d arguments, not %d", name, row.args, len(list))
	}
	p := b.scalar(list[0])
	if p.Type().Kind != ctree.Pointer {
		b.fail(diag.CodeCSyntax, list[0], "a pointer is needed here")
	}
	t := p.Type().Elem
	if t.Kind != ctree.Int || t.Size != 4 && t.Size != 8 {
		b.fail(diag.CodeCType, list[0], "BPF changes 4 or 8 bytes at once")
	}
	x := &ctree.Builtin{Node: b.node(n), Name: row.op, T: t, Args: []ctree.Expr{p}}
	for _, a := range list[1:row.args] {
		x.Args = append(x.Args, b.coerce(a, b.expr(a), t))
	}
	if row.less {
		x.Args[1] = ctree.NewNeg(x.Span, x.Args[1])
	}
	return x
}

// atomics are the builtins that BPF has instructions for: args is the number of arguments that
// count, less that the operand is taken away.
var atomics = map[string]struct {
	op   string
	args int
	less bool
}{
	"__sync_fetch_and_add":        {"atomic_add", 2, false},
	"__sync_fetch_and_sub":        {"atomic_add", 2, true},
	"__sync_fetch_and_or":         {"atomic_or", 2, false},
	"__sync_fetch_and_and":        {"atomic_and", 2, false},
	"__sync_fetch_and_xor":        {"atomic_xor", 2, false},
	"__sync_lock_test_and_set":    {"atomic_xchg", 2, false},
	"__sync_val_compare_and_swap": {"atomic_cmpxchg", 3, false},
	"__atomic_fetch_add":          {"atomic_add", 2, false},
	"__atomic_fetch_sub":          {"atomic_add", 2, true},
	"__atomic_fetch_or":           {"atomic_or", 2, false},
	"__atomic_fetch_and":          {"atomic_and", 2, false},
	"__atomic_fetch_xor":          {"atomic_xor", 2, false},
	"__atomic_exchange_n":         {"atomic_xchg", 2, false},
}

// addressed is what &x designates; nil: it's no such expression.
func addressed(x ctree.Expr) ctree.Expr {
	for {
		switch k := x.(type) {
		case *ctree.Convert:
			x = k.X
		case *ctree.AddrOf:
			return k.X
		default:
			return nil
		}
	}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
