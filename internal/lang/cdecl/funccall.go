package cdecl

import (
	"fmt"
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
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
		f := b.funcs[d.Name()]
		if f == nil {
			f = b.function(d, attrs{})
		}
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
		b.failUnknown(n, p.Token.SrcStr())
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

// failUnknown reports a function that isn't declared, with the header that would declare it.
func (b *bodies) failUnknown(n cc.Node, name string) {
	b.failed = true
	d := b.rep.Errorf(diag.CodeUnknownFunc, b.at(n), "unknown function `%s`", name)
	if h, ok := strings.CutPrefix(name, "bpf_"); ok && helper.ByName(h) != nil {
		d.Note("`#include <bpf/bpf_helpers.h>` declares it")
	}
	panic(stopped{})
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
