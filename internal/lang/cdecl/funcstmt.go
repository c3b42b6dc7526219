package cdecl

import (
	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// block is { … }.
func (b *bodies) block(n *cc.CompoundStatement) *ctree.Block {
	out := &ctree.Block{Node: b.node(n)}
	for l := n.BlockItemList; l != nil; l = l.BlockItemList {
		out.Stmts = append(out.Stmts, b.item(l.BlockItem)...)
	}
	return out
}

func (b *bodies) item(n *cc.BlockItem) []ctree.Stmt {
	switch n.Case {
	case cc.BlockItemDecl:
		return b.localDecl(n.Declaration)
	case cc.BlockItemStmt:
		return []ctree.Stmt{b.stmt(n.Statement)}
	case cc.BlockItemFuncDef:
		b.unsupported(n, "a function in a function")
	}
	b.unsupported(n, "this declaration")
	return nil
}

// stmtExpr is ({ … }), whose value is its last statement's.
func (b *bodies) stmtExpr(n *cc.CompoundStatement) ctree.Expr {
	blk := b.block(n)
	out := &ctree.StmtExpr{Node: b.node(n), Block: blk}
	if last := len(blk.Stmts) - 1; last >= 0 {
		if s, ok := blk.Stmts[last].(*ctree.ExprStmt); ok && s.X != nil {
			out.X, blk.Stmts = b.decay(n, s.X), blk.Stmts[:last]
		}
	}
	return out
}

// stmt is a statement.
func (b *bodies) stmt(n *cc.Statement) ctree.Stmt {
	switch n.Case {
	case cc.StatementLabeled:
		return b.labeled(n.LabeledStatement)
	case cc.StatementCompound:
		return b.block(n.CompoundStatement)
	case cc.StatementExpr:
		out := &ctree.ExprStmt{Node: b.node(n)}
		if e := n.ExpressionStatement.ExpressionList; e != nil {
			out.X = b.object(e)
		}
		return out
	case cc.StatementSelection:
		return b.selection(n.SelectionStatement)
	case cc.StatementIteration:
		return b.loop(n.IterationStatement)
	case cc.StatementJump:
		return b.jump(n.JumpStatement)
	}
	return b.asm(n.AsmStatement)
}

// asm is inline assembly: only an empty text, which keeps a compiler from moving code, has a
// meaning here. Nothing is moved.
func (b *bodies) asm(n *cc.AsmStatement) ctree.Stmt {
	if a := n.Asm; a == nil || a.Token3.SrcStr() != `""` {
		b.unsupported(n, "assembly")
	}
	return &ctree.ExprStmt{Node: b.node(n)}
}

func (b *bodies) labeled(n *cc.LabeledStatement) ctree.Stmt {
	if n.Case == cc.LabeledStatementLabel {
		return &ctree.Label{Node: b.node(n), Name: n.Token.SrcStr(), Body: b.stmt(n.Statement)}
	}
	c := &ctree.Case{Node: b.node(n), Default: n.Case == cc.LabeledStatementDefault}
	s := b.switches[len(b.switches)-1]
	if !c.Default {
		c.From = b.caseValue(n.ConstantExpression, s.X.Type())
		c.To = c.From
	}
	if n.Case == cc.LabeledStatementRange {
		c.To = b.caseValue(n.ConstantExpression2, s.X.Type())
	}
	for _, other := range s.Cases {
		if c.Default && other.Default || !c.Default && !other.Default && c.From <= other.To && other.From <= c.To {
			b.fail(diag.CodeCTwice, n, "this case stands twice in the switch")
		}
	}
	s.Cases = append(s.Cases, c)
	c.Body = b.stmt(n.Statement)
	return c
}

// caseValue is a case's value as the switch's type has it.
func (b *bodies) caseValue(n cc.ExpressionNode, t *ctree.Type) int64 {
	k, ok := b.number(n).(*ctree.Const)
	if !ok {
		b.fail(diag.CodeCSyntax, n, "a case needs a constant")
	}
	return ctree.Wrap(t, k.Val)
}

func (b *bodies) selection(n *cc.SelectionStatement) ctree.Stmt {
	if n.Case == cc.SelectionStatementSwitch {
		s := &ctree.Switch{Node: b.node(n), X: promote(b.number(n.ExpressionList))}
		b.switches = append(b.switches, s)
		s.Body = b.stmt(n.Statement)
		b.switches = b.switches[:len(b.switches)-1]
		return s
	}
	s := &ctree.If{Node: b.node(n), C: b.scalar(n.ExpressionList), Then: b.stmt(n.Statement)}
	if n.Case == cc.SelectionStatementIfElse {
		s.Else = b.stmt(n.Statement2)
	}
	return s
}

func (b *bodies) loop(n *cc.IterationStatement) ctree.Stmt {
	l := &ctree.Loop{Node: b.node(n)}
	optional := func(e cc.ExpressionNode) ctree.Expr {
		if e == nil || isNilExpr(e) {
			return nil
		}
		return b.scalar(e)
	}
	switch n.Case {
	case cc.IterationStatementWhile:
		l.C = b.scalar(n.ExpressionList)
	case cc.IterationStatementDo:
		l.C, l.Do = b.scalar(n.ExpressionList), true
	case cc.IterationStatementFor:
		if e := n.ExpressionList; e != nil && !isNilExpr(e) {
			l.Init = &ctree.ExprStmt{Node: b.node(e), X: b.object(e)}
		}
		l.C = optional(n.ExpressionList2)
		if e := n.ExpressionList3; e != nil && !isNilExpr(e) {
			l.Step = b.object(e)
		}
	case cc.IterationStatementForDecl:
		l.Init = &ctree.Block{Node: b.node(n), Stmts: b.localDecl(n.Declaration)}
		l.C = optional(n.ExpressionList)
		if e := n.ExpressionList2; e != nil && !isNilExpr(e) {
			l.Step = b.object(e)
		}
	}
	l.Body = b.stmt(n.Statement)
	return l
}

// isNilExpr reports whether an expression that may be left out is: the front end then has a nil
// of a concrete type.
func isNilExpr(e cc.ExpressionNode) bool {
	l, ok := e.(*cc.ExpressionList)
	return ok && l == nil
}

func (b *bodies) jump(n *cc.JumpStatement) ctree.Stmt {
	switch n.Case {
	case cc.JumpStatementGoto:
		return &ctree.Goto{Node: b.node(n), Name: n.Token2.SrcStr()}
	case cc.JumpStatementBreak:
		return &ctree.Break{Node: b.node(n)}
	case cc.JumpStatementContinue:
		return &ctree.Continue{Node: b.node(n)}
	case cc.JumpStatementGotoExpr:
		b.unsupported(n, "a jump to a computed place")
	}
	r := &ctree.Return{Node: b.node(n)}
	if e := n.ExpressionList; e != nil && !isNilExpr(e) {
		x := b.expr(e)
		switch {
		case b.fn.Result.Kind != ctree.Void:
			r.X = b.coerce(e, x, b.fn.Result)
		case x.Type().Kind == ctree.Void:
			r.X = x
		default:
			b.fail(diag.CodeReturn, e, "%s() returns nothing", b.fn.Name)
		}
	} else if b.fn.Result.Kind != ctree.Void {
		b.fail(diag.CodeReturn, n, "%s() returns a value", b.fn.Name)
	}
	return r
}
