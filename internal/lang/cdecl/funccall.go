package cdecl

import (
	"fmt"
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// primary is a name, a literal, or something in parentheses.
func (b *bodies) primary(n *cc.PrimaryExpression) ctree.Expr {
	switch n.Case {
	case cc.PrimaryExpressionIdent:
		return b.name(n)
	case cc.PrimaryExpressionInt, cc.PrimaryExpressionChar:
		v, ok := integer(n.Value())
		if !ok {
			b.unsupported(n, "this number")
		}
		return ctree.NewConst(b.at(n), b.typ(n, n.Type()), v)
	case cc.PrimaryExpressionString:
		s, ok := n.Value().(cc.StringValue)
		if !ok {
			b.unsupported(n, "this string")
		}
		return &ctree.VarRef{Node: b.node(n), Var: b.literal(n, []byte(s))}
	case cc.PrimaryExpressionExpr:
		return b.object(n.ExpressionList)
	case cc.PrimaryExpressionStmt:
		return b.stmtExpr(n.CompoundStatement)
	case cc.PrimaryExpressionGeneric:
		if a := n.GenericSelection.Associated(); a != nil {
			return b.object(a.AssignmentExpression)
		}
	case cc.PrimaryExpressionFloat:
		b.fail(codeFloat, n, "BPF has no floating-point numbers")
	}
	b.unsupported(n, "this literal")
	return nil
}

// literal is a string's bytes, with its NUL.
func (b *bodies) literal(n cc.Node, data []byte) *ctree.Var {
	if len(data) == 0 || data[len(data)-1] != 0 {
		data = append(data, 0)
	}
	b.label++
	char := &ctree.Type{Kind: ctree.Int, Size: 1, Align: 1, Signed: !strings.Contains(charUnsigned, b.scope.opt.Arch)}
	return &ctree.Var{Name: fmt.Sprintf("str%d", b.label), Span: b.at(n), Static: true, ReadOnly: true, Data: data,
		Type: &ctree.Type{Kind: ctree.Array, Size: uint32(len(data)), Align: 1, Elem: char}}
}

// charUnsigned are the architectures whose char has no sign.
const charUnsigned = "arm64 riscv64 ppc64le s390x"

// name is a variable, a function or an enumerator.
func (b *bodies) name(n *cc.PrimaryExpression) ctree.Expr {
	switch to := n.ResolvedTo().(type) {
	case *cc.Enumerator:
		if v, ok := integer(to.Value()); ok {
			t := ctree.IntType
			if int64(int32(v)) != v {
				t = b.typ(n, to.Type())
			}
			return ctree.NewConst(b.at(n), t, v)
		}
	case *cc.Parameter:
		return b.variable(n, to.Declarator)
	case *cc.Declarator:
		return b.variable(n, to)
	}
	b.fail(diag.CodeCSyntax, n, "unknown name `%s`", n.Token.SrcStr())
	return nil
}

func (b *bodies) variable(n *cc.PrimaryExpression, d *cc.Declarator) ctree.Expr {
	if d.Type().Kind() == cc.Function {
		f := b.function(d, attrs{})
		f.Uses++
		return &ctree.FuncAddr{Node: b.node(n), Func: f}
	}
	v := b.vars[d]
	if v == nil {
		v = b.globalNamed(d)
	}
	if v == nil {
		b.fail(diag.CodeCSyntax, n, "unknown variable `%s`", d.Name())
	}
	return &ctree.VarRef{Node: b.node(n), Var: v}
}

// globalNamed is the file's variable that a declaration without a definition of its own means.
func (b *bodies) globalNamed(d *cc.Declarator) *ctree.Var {
	for other, v := range b.vars {
		if v.Static && other.Name() == d.Name() && other.LexicalScope().Parent == nil {
			return v
		}
	}
	return nil
}

// postfix is what stands behind an operand.
func (b *bodies) postfix(n *cc.PostfixExpression) ctree.Expr {
	switch n.Case {
	case cc.PostfixExpressionPrimary:
		return b.object(n.PrimaryExpression)
	case cc.PostfixExpressionIndex:
		x, i := b.scalar(n.PostfixExpression), b.scalar(n.ExpressionList)
		tx := n.PostfixExpression.Type()
		if i.Type().Kind == ctree.Pointer {
			x, i, tx = i, x, n.ExpressionList.Type()
		}
		if x.Type().Kind != ctree.Pointer || i.Type().Kind == ctree.Pointer {
			b.fail(diag.CodeCSyntax, n, "only an array or a pointer has an index")
		}
		return b.deref(n, b.ptrAdd(n, x, i, b.elemSize(n, tx), false), nil)
	case cc.PostfixExpressionCall:
		return b.call(n)
	case cc.PostfixExpressionSelect:
		return b.member(n, b.object(n.PostfixExpression))
	case cc.PostfixExpressionPSelect:
		p := b.scalar(n.PostfixExpression)
		if p.Type().Kind != ctree.Pointer {
			b.fail(diag.CodeCSyntax, n, "`->` is for pointers")
		}
		return b.member(n, &ctree.Deref{Node: b.node(n), X: p, T: p.Type().Elem})
	case cc.PostfixExpressionInc, cc.PostfixExpressionDec:
		return b.step(n, n.PostfixExpression, n.Case == cc.PostfixExpressionDec, true)
	case cc.PostfixExpressionComplit:
		return b.compoundLit(n)
	}
	b.unsupported(n, "this expression")
	return nil
}

// member is x.m.
func (b *bodies) member(n *cc.PostfixExpression, x ctree.Expr) ctree.Expr {
	f := n.Field()
	if f == nil || f.Parent() != nil && f.Parent().Name() != "" {
		b.fail(diag.CodeCType, n, "`%s` has no member `%s`", n.PostfixExpression.Type(), n.Token2.SrcStr())
	}
	m := &ctree.Member{Node: ctree.Node{Span: b.at(n)}, X: x, T: b.typ(n, f.Type())}
	if d := f.Type().Typedef(); d != nil && d.Name() == absentType {
		return &ctree.Absent{Node: m.Node, Name: f.Name(), T: m.T}
	}
	if tag := b.relocatable(n); tag != "" {
		return b.relocated(n, m, tag, f.Name())
	}
	m.Off = f.Offset() // also of an anonymous struct's members, from the struct around it
	if f.IsBitfield() {
		m.BitField = b.bitField(n, f)
	}
	return m
}

// relocatable is the struct that a member is taken of, if the kernel says where its members are.
func (b *bodies) relocatable(n *cc.PostfixExpression) string {
	t := n.PostfixExpression.Type().Undecay()
	if p, ok := t.(*cc.PointerType); ok {
		t = p.Elem()
	}
	s, ok := t.(compound)
	if !ok {
		return ""
	}
	word := "struct "
	if t.Kind() == cc.Union {
		word = "union "
	}
	name := s.Tag()
	if tag := word + name.SrcStr(); b.scope.tree.relocatable[tag] {
		return kernelTag(tag)
	}
	return ""
}

// relocated is a member where the kernel has it.
func (b *bodies) relocated(n *cc.PostfixExpression, m *ctree.Member, tag, name string) ctree.Expr {
	var sel *types.Selection
	if b.scope.opt.Lookup != nil {
		if t, ok := b.scope.opt.Lookup(tag); ok && t.S != nil {
			sel = types.Select(t.S, kernelTag(name))
		}
	}
	if sel == nil {
		return &ctree.Absent{Node: m.Node, Name: name, T: m.T}
	}
	m.Off = int64(sel.Offset)
	if f := sel.Field; f.BitLen > 0 {
		m.BitField = ctree.BitField{BitOff: f.BitOff, Bits: f.BitLen, Unit: uint8(f.Type.Size)}
		return m
	}
	if m.T.Scalar() && m.T.Size != sel.Field.Type.Size && sel.Field.Type.Size <= 8 && sel.Field.Type.Size > 0 {
		b.fail(diag.CodeCType, n, "`%s` has %d bytes in this kernel, not %d", name, sel.Field.Type.Size, m.T.Size)
	}
	return m
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

// bitField is where a bit-field's bits are.
func (b *bodies) bitField(n cc.Node, f *cc.Field) ctree.BitField {
	bits := ctree.BitField{BitOff: uint8(f.OffsetBits()), Bits: uint8(f.ValueBits()), Unit: uint8(f.AccessBytes())}
	if size := bits.Unit; size&(size-1) != 0 || size > 8 || bits.BitOff+bits.Bits > 8*size {
		b.unsupported(n, "a bit-field across the border of a unit")
	}
	return bits
}

// args are a call's arguments.
func args(n *cc.PostfixExpression) (list []cc.ExpressionNode) {
	for a := n.ArgumentExpressionList; a != nil; a = a.ArgumentExpressionList {
		list = append(list, a.AssignmentExpression)
	}
	return list
}

// call calls a function, a helper or a builtin.
func (b *bodies) call(n *cc.PostfixExpression) ctree.Expr {
	if name := calledName(n); strings.HasPrefix(name, "__builtin_") || strings.HasPrefix(name, "__sync_") || strings.HasPrefix(name, "__atomic_") {
		if x := b.builtin(n, name); x != nil {
			return x
		}
	}
	f := b.callee(n)
	list := args(n)
	if len(list) < len(f.Params) || len(list) > len(f.Params) && !f.Variadic {
		b.fail(diag.CodeArgCount, n, "%s() takes %d arguments, not %d", f.Name, len(f.Params), len(list))
	}
	c := &ctree.Call{Node: b.node(n), Func: f}
	for i, a := range list {
		if i >= len(f.Params) {
			c.Args = append(c.Args, promote(b.scalar(a)))
			continue
		}
		c.Args = append(c.Args, b.coerce(a, b.expr(a), f.Params[i].Type))
	}
	return c
}

func calledName(n *cc.PostfixExpression) string {
	if p, ok := n.PostfixExpression.(*cc.PrimaryExpression); ok && p.Case == cc.PrimaryExpressionIdent {
		return p.Token.SrcStr()
	}
	return ""
}

// callee is the function that's called: it has to be known here.
func (b *bodies) callee(n *cc.PostfixExpression) *ctree.Func {
	if p, ok := n.PostfixExpression.(*cc.PrimaryExpression); ok && p.Case == cc.PrimaryExpressionIdent && isImplicit(p) {
		b.fail(diag.CodeUnknownFunc, n, "unknown function `%s`", p.Token.SrcStr())
	}
	x := b.object(n.PostfixExpression)
	if d, ok := x.(*ctree.Deref); ok {
		x = d.X
	}
	if f, ok := x.(*ctree.FuncAddr); ok {
		return f.Func
	}
	// static long (*bpf_helper)(…) = (void *)6;
	if v, ok := x.(*ctree.VarRef); ok && v.Var.Static && len(v.Var.Data) == 8 {
		var id int64
		for i := range v.Var.Data {
			id |= int64(v.Var.Data[i]) << (8 * i)
		}
		if h := helper.ByID(id); h != nil {
			return b.pointedHelper(n, id)
		}
	}
	b.unsupported(n, "a call through a pointer that isn't known when it's compiled")
	return nil
}

// isImplicit reports whether a function was called without being declared.
func isImplicit(p *cc.PrimaryExpression) bool {
	d, ok := p.ResolvedTo().(*cc.Declarator)
	return p.ResolvedTo() == nil || ok && d.IsSynthetic()
}

// pointedHelper is a helper that a pointer with its number is called by.
func (b *bodies) pointedHelper(n *cc.PostfixExpression, id int64) *ctree.Func {
	t := n.PostfixExpression.Type()
	if p, ok := t.(*cc.PointerType); ok {
		t = p.Elem()
	}
	ft, ok := t.(*cc.FunctionType)
	if !ok {
		b.unsupported(n, "this call")
	}
	f := &ctree.Func{Name: "bpf_" + helper.Name(id), Helper: id, Result: b.typ(n, ft.Result()), Variadic: ft.IsVariadic()}
	for _, p := range params(ft) {
		f.Params = append(f.Params, &ctree.Var{Type: b.typ(n, p.Type().Decay())})
	}
	return f
}

// helperNumber is the number of the helper that one of our headers declares; 0: it's none.
func helperNumber(d *cc.Declarator) int64 {
	name, ok := strings.CutPrefix(d.Name(), "bpf_")
	if !ok || fileOf(d)[0] != '<' {
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
