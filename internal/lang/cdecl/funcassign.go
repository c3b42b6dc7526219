package cdecl

import (
	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// step is ++ or --.
func (b *bodies) step(n cc.Node, operand cc.ExpressionNode, down, post bool) ctree.Expr {
	dst := b.target(operand)
	op := ctree.Add
	if down {
		op = ctree.Sub
	}
	u := &ctree.Update{Node: b.node(n), Op: op, Dst: dst, Post: post}
	if dst.Type().Kind == ctree.Pointer {
		u.In = dst.Type()
		u.X = ctree.NewConst(b.at(n), ctree.LongType, b.elemSize(n, operand.Type()))
		return u
	}
	x, one := balance(dst, ctree.NewConst(b.at(n), ctree.IntType, 1))
	u.In, u.X = x.Type(), one
	return u
}

// target is what's assigned to.
func (b *bodies) target(n cc.ExpressionNode) ctree.Expr {
	x := b.object(n)
	root := x
	for m, ok := root.(*ctree.Member); ok; m, ok = root.(*ctree.Member) {
		root = m.X
	}
	if v, ok := root.(*ctree.VarRef); ok && v.Var.ReadOnly {
		b.fail(diag.CodeCSyntax, n, "`%s` is const", v.Var.Name)
	}
	if a := n.Type().Attributes(); a != nil && a.IsConst() && n.Type().Kind() != cc.Ptr { // of an array of pointers it's what they point to
		b.fail(diag.CodeCSyntax, n, "this is const")
	}
	if !designates(x) || x.Type().Kind == ctree.Array {
		b.fail(diag.CodeCSyntax, n, "this can't be assigned to")
	}
	return x
}

// updates are the operators that an assignment may have.
var updates = map[cc.AssignmentExpressionCase]ctree.Op{
	cc.AssignmentExpressionMul: ctree.Mul, cc.AssignmentExpressionDiv: ctree.Div, cc.AssignmentExpressionMod: ctree.Mod,
	cc.AssignmentExpressionAdd: ctree.Add, cc.AssignmentExpressionSub: ctree.Sub, cc.AssignmentExpressionLsh: ctree.Shl,
	cc.AssignmentExpressionRsh: ctree.Shr, cc.AssignmentExpressionAnd: ctree.And, cc.AssignmentExpressionXor: ctree.Xor,
	cc.AssignmentExpressionOr: ctree.Or,
}

// assign is =, or an operator with it.
func (b *bodies) assign(n *cc.AssignmentExpression) ctree.Expr {
	dst := b.target(n.UnaryExpression)
	x := b.expr(n.AssignmentExpression)
	if n.Case == cc.AssignmentExpressionAssign {
		if v, ok := dst.(*ctree.VarRef); ok && v.Var.Static && v.Var.Type.Kind == ctree.Pointer && v.Var.Type.Elem.Kind == ctree.Function {
			b.unsupported(n, "to change where a pointer to a function that lives on points to")
		}
		return &ctree.Assign{Node: b.node(n), Dst: dst, X: b.coerce(n.AssignmentExpression, x, dst.Type())}
	}
	op := updates[n.Case]
	u := &ctree.Update{Node: b.node(n), Op: op, Dst: dst}
	switch k := x.Type().Kind; {
	case k != ctree.Int && k != ctree.Bool, !dst.Type().Scalar():
		b.fail(diag.CodeCSyntax, n, "`%s` is for numbers", n.Token.SrcStr())
	case dst.Type().Kind == ctree.Pointer:
		if op != ctree.Add && op != ctree.Sub {
			b.fail(diag.CodeCSyntax, n, "`%s` is for numbers", n.Token.SrcStr())
		}
		count := ctree.NewConvert(x.Where(), promote(x), ctree.LongType)
		u.In = dst.Type()
		u.X = ctree.NewBinary(b.at(n), ctree.Mul, count, ctree.NewConst(b.at(n), ctree.LongType, b.elemSize(n, n.UnaryExpression.Type())))
	case op == ctree.Shl, op == ctree.Shr:
		u.In, u.X = promote(dst).Type(), promote(x)
	default:
		var l ctree.Expr
		l, u.X = balance(dst, x)
		u.In = l.Type()
	}
	return u
}
