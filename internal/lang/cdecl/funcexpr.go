package cdecl

import (
	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

const codeFloat = diag.CodeCFloat

// expr is an expression's value; an array is the address of its first element, a function its
// own address.
func (b *bodies) expr(n cc.ExpressionNode) ctree.Expr { return b.decay(n, b.object(n)) }

func (b *bodies) decay(n cc.Node, x ctree.Expr) ctree.Expr {
	if t := x.Type(); t.Kind == ctree.Array {
		return ctree.NewAddrOf(x.Where(), x, ctree.PointerTo(t.Elem))
	}
	if d, ok := x.(*ctree.Deref); ok && d.T.Kind == ctree.Function {
		return d.X
	}
	return x
}

// scalar is an expression's value, a number or a pointer.
func (b *bodies) scalar(n cc.ExpressionNode) ctree.Expr {
	x := b.expr(n)
	if !x.Type().Scalar() {
		b.fail(diag.CodeCSyntax, n, "a number or a pointer is needed here")
	}
	return x
}

// number is an expression's value, an integer.
func (b *bodies) number(n cc.ExpressionNode) ctree.Expr {
	x := b.expr(n)
	if k := x.Type().Kind; k != ctree.Int && k != ctree.Bool {
		b.fail(diag.CodeCSyntax, n, "an integer is needed here")
	}
	return x
}

// object is an expression's value, or what it designates.
func (b *bodies) object(n cc.ExpressionNode) ctree.Expr {
	switch n := n.(type) {
	case *cc.PrimaryExpression:
		return b.primary(n)
	case *cc.PostfixExpression:
		return b.postfix(n)
	case *cc.UnaryExpression:
		return b.unary(n)
	case *cc.CastExpression:
		return b.cast(n)
	case *cc.AssignmentExpression:
		return b.assign(n)
	case *cc.ConditionalExpression:
		return b.conditional(n)
	case *cc.ExpressionList:
		return b.list(n)
	case *cc.LogicalAndExpression:
		return ctree.NewLogic(b.at(n), false, b.scalar(n.LogicalAndExpression), b.scalar(n.InclusiveOrExpression))
	case *cc.LogicalOrExpression:
		return ctree.NewLogic(b.at(n), true, b.scalar(n.LogicalOrExpression), b.scalar(n.LogicalAndExpression))
	case *cc.ConstantExpression:
		return b.object(n.ConditionalExpression)
	}
	return b.binary(n)
}

// list is a comma expression.
func (b *bodies) list(n *cc.ExpressionList) ctree.Expr {
	if n.ExpressionList == nil {
		return b.object(n.AssignmentExpression)
	}
	x := b.expr(n.AssignmentExpression)
	for n = n.ExpressionList; n != nil; n = n.ExpressionList {
		x = &ctree.Comma{Node: b.node(n), X: x, Y: b.expr(n.AssignmentExpression)}
	}
	return x
}

func (b *bodies) node(n cc.Node) ctree.Node { return ctree.Node{Span: b.at(n)} }

// binary is an operation on two numbers or pointers.
func (b *bodies) binary(n cc.ExpressionNode) ctree.Expr {
	switch n := n.(type) {
	case *cc.AdditiveExpression:
		op := ctree.Add
		if n.Case == cc.AdditiveExpressionSub {
			op = ctree.Sub
		}
		return b.additive(n, op, b.scalar(n.AdditiveExpression), b.scalar(n.MultiplicativeExpression),
			n.AdditiveExpression.Type(), n.MultiplicativeExpression.Type())
	case *cc.MultiplicativeExpression:
		op := map[cc.MultiplicativeExpressionCase]ctree.Op{cc.MultiplicativeExpressionMul: ctree.Mul,
			cc.MultiplicativeExpressionDiv: ctree.Div, cc.MultiplicativeExpressionMod: ctree.Mod}[n.Case]
		return b.arith(n, op, n.MultiplicativeExpression, n.CastExpression)
	case *cc.ShiftExpression:
		op := ctree.Shl
		if n.Case == cc.ShiftExpressionRsh {
			op = ctree.Shr
		}
		return ctree.NewBinary(b.at(n), op, promote(b.number(n.ShiftExpression)), promote(b.number(n.AdditiveExpression)))
	case *cc.AndExpression:
		return b.arith(n, ctree.And, n.AndExpression, n.EqualityExpression)
	case *cc.ExclusiveOrExpression:
		return b.arith(n, ctree.Xor, n.ExclusiveOrExpression, n.AndExpression)
	case *cc.InclusiveOrExpression:
		return b.arith(n, ctree.Or, n.InclusiveOrExpression, n.ExclusiveOrExpression)
	case *cc.EqualityExpression:
		op := ctree.Eq
		if n.Case == cc.EqualityExpressionNeq {
			op = ctree.Ne
		}
		return b.compare(n, op, n.EqualityExpression, n.RelationalExpression)
	case *cc.RelationalExpression:
		op := map[cc.RelationalExpressionCase]ctree.Op{cc.RelationalExpressionLt: ctree.Lt, cc.RelationalExpressionGt: ctree.Gt,
			cc.RelationalExpressionLeq: ctree.Le, cc.RelationalExpressionGeq: ctree.Ge}[n.Case]
		return b.compare(n, op, n.RelationalExpression, n.ShiftExpression)
	}
	b.unsupported(n, "this expression")
	return nil
}

func (b *bodies) arith(n cc.Node, op ctree.Op, l, r cc.ExpressionNode) ctree.Expr {
	x, y := balance(b.number(l), b.number(r))
	return ctree.NewBinary(b.at(n), op, x, y)
}

// compare compares numbers, or pointers, of which one may be a number: NULL.
func (b *bodies) compare(n cc.Node, op ctree.Op, l, r cc.ExpressionNode) ctree.Expr {
	x, y := b.scalar(l), b.scalar(r)
	px, py := x.Type().Kind == ctree.Pointer, y.Type().Kind == ctree.Pointer
	switch {
	case px:
		y = ctree.NewConvert(b.at(n), y, x.Type())
	case py:
		x = ctree.NewConvert(b.at(n), x, y.Type())
	default:
		x, y = balance(x, y)
	}
	return ctree.NewBinary(b.at(n), op, x, y)
}

// additive is a sum or a difference; of pointers in elements.
func (b *bodies) additive(n cc.Node, op ctree.Op, x, y ctree.Expr, tx, ty cc.Type) ctree.Expr {
	px, py := x.Type().Kind == ctree.Pointer, y.Type().Kind == ctree.Pointer
	switch {
	case px && py && op == ctree.Sub:
		size := b.elemSize(n, tx)
		if x, ok := x.(*ctree.Const); ok {
			if y, ok := y.(*ctree.Const); ok {
				return ctree.NewConst(b.at(n), ctree.LongType, (x.Val-y.Val)/size)
			}
		}
		return &ctree.PtrDiff{Node: b.node(n), X: x, Y: y, Size: size}
	case px && !py:
		return b.ptrAdd(n, x, y, b.elemSize(n, tx), op == ctree.Sub)
	case py && !px && op == ctree.Add:
		return b.ptrAdd(n, y, x, b.elemSize(n, ty), false)
	case px || py:
		b.fail(diag.CodeCSyntax, n, "pointers can't be added")
	}
	x, y = balance(x, y)
	return ctree.NewBinary(b.at(n), op, x, y)
}

// ptrAdd is p plus (less) n elements.
func (b *bodies) ptrAdd(n cc.Node, p, count ctree.Expr, size int64, less bool) ctree.Expr {
	count = ctree.NewConvert(count.Where(), promote(count), ctree.LongType)
	if less {
		size = -size
	}
	return ctree.NewPtrAdd(b.at(n), p, count, size)
}

// elemSize is the size of what a pointer points to; of void and functions it's 1, as gcc has it.
func (b *bodies) elemSize(n cc.Node, t cc.Type) int64 {
	t = t.Decay()
	p, ok := t.(*cc.PointerType)
	if !ok {
		b.unsupported(n, "this arithmetic with a pointer")
	}
	e := p.Elem()
	switch {
	case e.Kind() == cc.Void, e.Kind() == cc.Function:
		return 1
	case e.IsIncomplete() || e.Size() < 0:
		b.fail(diag.CodeCType, n, "the size of `%s` isn't known here", e)
	}
	return max(e.Size(), 1)
}

// unary is an operation on one operand.
func (b *bodies) unary(n *cc.UnaryExpression) ctree.Expr {
	switch n.Case {
	case cc.UnaryExpressionInc, cc.UnaryExpressionDec:
		return b.step(n, n.UnaryExpression, n.Case == cc.UnaryExpressionDec, false)
	case cc.UnaryExpressionAddrof:
		return b.addrOf(n)
	case cc.UnaryExpressionDeref:
		return b.deref(n, b.scalar(n.CastExpression), n.CastExpression.Type())
	case cc.UnaryExpressionPlus:
		return promote(b.number(n.CastExpression))
	case cc.UnaryExpressionMinus:
		return ctree.NewNeg(b.at(n), promote(b.number(n.CastExpression)))
	case cc.UnaryExpressionCpl:
		return ctree.NewCompl(b.at(n), promote(b.number(n.CastExpression)))
	case cc.UnaryExpressionNot:
		return ctree.NewNot(b.at(n), b.scalar(n.CastExpression))
	case cc.UnaryExpressionSizeofExpr, cc.UnaryExpressionSizeofType, cc.UnaryExpressionAlignofExpr, cc.UnaryExpressionAlignofType:
		if v, ok := integer(n.Value()); ok {
			return ctree.NewConst(b.at(n), ctree.ULongType, v)
		}
		b.fail(diag.CodeCType, n, "the size isn't known here")
	}
	b.unsupported(n, "`%s`", n.Token.SrcStr())
	return nil
}

// addrOf is &x.
func (b *bodies) addrOf(n *cc.UnaryExpression) ctree.Expr {
	x := b.object(n.CastExpression)
	if f, ok := x.(*ctree.FuncAddr); ok {
		return f
	}
	if m, ok := x.(*ctree.Member); ok && m.Bits > 0 {
		b.fail(diag.CodeCSyntax, n, "a bit-field has no address")
	}
	if !designates(x) {
		b.fail(diag.CodeCSyntax, n, "this has no address")
	}
	return ctree.NewAddrOf(b.at(n), x, ctree.PointerTo(x.Type()))
}

// designates reports whether an expression stands for memory.
func designates(x ctree.Expr) bool {
	switch x := x.(type) {
	case *ctree.VarRef, *ctree.Deref, *ctree.CompoundLit, *ctree.Absent:
		return true
	case *ctree.Member:
		return designates(x.X)
	}
	return false
}

// deref is *p, whose type is the front end's t.
func (b *bodies) deref(n cc.Node, p ctree.Expr, t cc.Type) ctree.Expr {
	if p.Type().Kind != ctree.Pointer {
		b.fail(diag.CodeCSyntax, n, "only a pointer can be followed")
	}
	if p == nil || p.Type().Elem.Kind == ctree.Void {
		b.fail(diag.CodeCSyntax, n, "a `void *` can't be followed")
	}
	if f, ok := p.(*ctree.FuncAddr); ok {
		return f
	}
	return &ctree.Deref{Node: b.node(n), X: p, T: p.Type().Elem}
}

// cast is (type)x.
func (b *bodies) cast(n *cc.CastExpression) ctree.Expr {
	if n.Case == cc.CastExpressionUnary {
		return b.object(n.UnaryExpression)
	}
	t := b.typ(n, n.TypeName.Type())
	x := b.expr(n.CastExpression)
	switch {
	case t.Kind == ctree.Void:
		return &ctree.Convert{Node: b.node(n), X: x, T: t}
	case t.Kind == ctree.Struct && x.Type() == t:
		return x
	case !t.Scalar() || !x.Type().Scalar():
		b.fail(diag.CodeCSyntax, n, "only numbers and pointers can be cast")
	}
	return b.convert(n, x, t)
}

// convert is x as a value of type t; pointers to functions stay known.
func (b *bodies) convert(n cc.Node, x ctree.Expr, t *ctree.Type) ctree.Expr {
	if _, ok := x.(*ctree.FuncAddr); ok && t.Kind == ctree.Pointer {
		return x
	}
	if t.Kind == ctree.Pointer && x.Type().Kind == ctree.Pointer {
		if k, ok := x.(*ctree.Const); ok {
			return ctree.NewConst(b.at(n), t, k.Val)
		}
		if x.Type() == t {
			return x
		}
		return &ctree.Convert{Node: b.node(n), X: x, T: t}
	}
	return ctree.NewConvert(b.at(n), x, t)
}

// coerce is x as an assignment to a t has it.
func (b *bodies) coerce(n cc.Node, x ctree.Expr, t *ctree.Type) ctree.Expr {
	from := x.Type()
	switch {
	case t.Scalar() && from.Scalar():
		if from.Kind == ctree.Int && t.Kind == ctree.Pointer && !isZero(x) {
			b.fail(diag.CodeCType, n, "a number isn't a pointer: a cast makes it one")
		}
		if from.Kind == ctree.Pointer && t.Kind == ctree.Int {
			b.fail(diag.CodeCType, n, "a pointer isn't a number: a cast makes it one")
		}
		return b.convert(n, x, t)
	case t.Kind == ctree.Struct && from.Kind == ctree.Struct && t.Size == from.Size:
		return x
	}
	b.fail(diag.CodeCType, n, "the types don't fit")
	return nil
}

func isZero(x ctree.Expr) bool {
	k, ok := x.(*ctree.Const)
	return ok && k.Val == 0
}

// conditional is c ? x : y.
func (b *bodies) conditional(n *cc.ConditionalExpression) ctree.Expr {
	c := b.scalar(n.LogicalOrExpression)
	y := b.expr(n.ConditionalExpression)
	x := c
	if n.ExpressionList == nil { // gcc's c ?: y
		if pure(c) {
			x = c
		} else {
			b.unsupported(n, "`?:` without a middle whose condition has effects")
		}
	} else {
		x = b.expr(n.ExpressionList)
	}
	px, py := x.Type().Kind == ctree.Pointer, y.Type().Kind == ctree.Pointer
	t := x.Type()
	switch {
	case t.Kind == ctree.Void, y.Type().Kind == ctree.Void:
		t = ctree.VoidType
	case px && py:
		if isZero(x) || t.Elem.Kind != ctree.Void && y.Type().Elem.Kind == ctree.Void && !isZero(y) {
			t = y.Type()
		}
		x, y = b.convert(n, x, t), b.convert(n, y, t)
	case px && isZero(y):
		y = b.convert(n, y, t)
	case py && isZero(x):
		t = y.Type()
		x = b.convert(n, x, t)
	case px || py:
		b.fail(diag.CodeCType, n, "a pointer and a number in one `?:`")
	case t.Scalar() && y.Type().Scalar():
		x, y = balance(x, y)
		t = x.Type()
	case t.Kind != y.Type().Kind || t.Size != y.Type().Size:
		b.fail(diag.CodeCType, n, "the types don't fit")
	}
	return ctree.NewCond(b.at(n), c, x, y, t)
}

// pure reports whether an expression may be computed twice.
func pure(x ctree.Expr) bool {
	switch x := x.(type) {
	case *ctree.Const, *ctree.VarRef, *ctree.FuncAddr:
		return true
	case *ctree.Member:
		return pure(x.X)
	case *ctree.Deref:
		return pure(x.X)
	case *ctree.Convert:
		return pure(x.X)
	case *ctree.Binary:
		return pure(x.X) && pure(x.Y)
	}
	return false
}
