package syntax

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/diag"
)

// Cloner copies trees. Each copy gets fresh ids from IDs.
type Cloner struct {
	IDs *IDs
	// At gives a position of the original its place in the copy, such as a position
	// in a macro's expansion; nil: the same place.
	At func(diag.Pos) diag.Pos
	// Subst, when set, is asked for each expression before it's copied; what it
	// returns stands in the copy as it is, nil asks for a plain copy. It's how macros
	// get their arguments. Where the tree holds a certain kind (the variable of a Let
	// or a For, the map of a For, a type, a block), a substitute of another kind is not
	// taken; for the names of calls and fields it isn't asked.
	Subst func(Expr) Expr
}

// Expr copies an expression; nil stays nil.
func (c *Cloner) Expr(e Expr) Expr {
	if e == nil {
		return nil
	}
	if c.Subst != nil {
		if s := c.Subst(e); s != nil {
			return s
		}
	}
	return c.copyExpr(e)
}

// Type copies a type; nil stays nil.
func (c *Cloner) Type(t *TypeExpr) *TypeExpr { return clone(c, t, c.copyType) }

// Block copies a block; nil stays nil.
func (c *Cloner) Block(b *Block) *Block { return clone(c, b, c.copyBlock) }

// clone copies a node of one kind.
func clone[E interface {
	comparable
	Expr
}](c *Cloner, e E, copy func(E) E) E {
	var none E
	if e == none {
		return none
	}
	if c.Subst != nil {
		if s, ok := c.Subst(e).(E); ok {
			return s
		}
	}
	return copy(e)
}

// Stmt copies a statement.
func (c *Cloner) Stmt(s Stmt) Stmt {
	switch s := s.(type) {
	case *ExprStmt:
		return &ExprStmt{c.stmt(s), c.Expr(s.X)}
	case *Let:
		return &Let{c.stmt(s), c.varExpr(s.Name), c.Type(s.Type), c.Expr(s.X)}
	case *Assign:
		return &Assign{c.stmt(s), c.Expr(s.Target), s.Op, c.Expr(s.X)}
	case *Discard:
		return &Discard{c.stmt(s), c.Expr(s.X)}
	case *If:
		return &If{c.stmt(s), clone(c, s.X, c.copyIf)}
	case *While:
		return &While{c.stmt(s), c.Expr(s.Cond), c.Block(s.Body)}
	case *Unroll:
		return &Unroll{c.stmt(s), c.Expr(s.N), c.Block(s.Body)}
	case *For:
		return &For{c.stmt(s), c.varExpr(s.Var), c.mapExpr(s.Map), c.Expr(s.From), c.Expr(s.To), c.Block(s.Body)}
	case *Jump:
		return &Jump{c.stmt(s), s.Kind, c.Expr(s.X)}
	case *ImportStmt:
		return &ImportStmt{c.stmt(s), c.stringLit(s.Path)}
	case *BlockStmt:
		return &BlockStmt{c.stmt(s), c.Block(s.X)}
	}
	panic(fmt.Sprintf("BUG: clone of %T", s))
}

func (c *Cloner) span(s diag.Span) diag.Span {
	if c.At == nil || !s.IsValid() {
		return s
	}
	return diag.Span{Start: c.At(s.Start), End: c.At(s.End)}
}

// base is the common part of the copy of an expression.
func (c *Cloner) base(e Expr) expr { return expr{node{c.span(e.Span())}, c.IDs.Next()} }

// stmt is the common part of the copy of a statement.
func (c *Cloner) stmt(s Stmt) stmt { return stmt{node{c.span(s.Span())}} }

func (c *Cloner) exprs(list []Expr) []Expr {
	if list == nil {
		return nil
	}
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = c.Expr(e)
	}
	return out
}

func (c *Cloner) copyExpr(e Expr) Expr {
	switch e := e.(type) {
	case *IntLit, *BoolLit, *StringLit, *ParamExpr, *Ident, *VarExpr, *MapExpr, *BadExpr:
		return c.copyLeaf(e)
	case *Block:
		return c.copyBlock(e)
	case *IndexExpr:
		return &IndexExpr{c.base(e), c.Expr(e.X), c.exprs(e.Args)}
	case *FieldExpr:
		return &FieldExpr{c.base(e), c.Expr(e.X), c.name(e.Name), e.Arrow}
	case *TupleIndex:
		return &TupleIndex{c.base(e), c.Expr(e.X), e.N, e.Digits}
	case *CallExpr:
		return &CallExpr{c.base(e), c.name(e.Fun), c.exprs(e.Args), e.Bang}
	case *UnaryExpr:
		return &UnaryExpr{c.base(e), e.Op, c.Expr(e.X)}
	case *BinaryExpr:
		return &BinaryExpr{c.base(e), e.Op, c.span(e.OpPos), c.Expr(e.X), c.Expr(e.Y)}
	case *CondExpr:
		return &CondExpr{c.base(e), c.Expr(e.Cond), c.Expr(e.A), c.Expr(e.B)}
	case *IfExpr:
		return c.copyIf(e)
	case *CastExpr:
		return &CastExpr{c.base(e), c.Type(e.Type), c.Expr(e.X)}
	case *TupleExpr:
		return &TupleExpr{c.base(e), c.exprs(e.Elems)}
	case *RecordExpr:
		return c.copyRecord(e)
	case *SizeofExpr:
		return &SizeofExpr{c.base(e), c.Type(e.Type), c.Expr(e.X)}
	case *OffsetofExpr:
		return c.copyOffsetof(e)
	case *TypeinfoExpr:
		return &TypeinfoExpr{c.base(e), c.Type(e.Type), c.Expr(e.X)}
	case *ComptimeExpr:
		return &ComptimeExpr{c.base(e), c.Expr(e.X)}
	case *ParenExpr:
		return &ParenExpr{c.base(e), c.Expr(e.X)}
	case *TypeExpr:
		return c.copyType(e)
	}
	panic(fmt.Sprintf("BUG: clone of %T", e))
}

// copyLeaf copies an expression without children.
func (c *Cloner) copyLeaf(e Expr) Expr {
	switch e := e.(type) {
	case *IntLit:
		return &IntLit{c.base(e), e.Val, e.Neg, e.Text, e.Duration}
	case *BoolLit:
		return &BoolLit{c.base(e), e.Val}
	case *StringLit:
		return &StringLit{c.base(e), e.Val, e.Text}
	case *ParamExpr:
		return &ParamExpr{c.base(e), e.N}
	case *Ident:
		return c.name(e)
	case *VarExpr:
		return &VarExpr{c.base(e), e.Name}
	case *MapExpr:
		return &MapExpr{c.base(e), e.Name}
	}
	return &BadExpr{c.base(e)}
}

func (c *Cloner) copyBlock(b *Block) *Block {
	out := &Block{expr: c.base(b)}
	for _, s := range b.Stmts {
		out.Stmts = append(out.Stmts, c.Stmt(s))
	}
	out.Value = c.Expr(b.Value)
	return out
}

func (c *Cloner) copyIf(e *IfExpr) *IfExpr {
	return &IfExpr{c.base(e), e.Comptime, c.Expr(e.Cond), c.Block(e.Then), c.Expr(e.Else)}
}

func (c *Cloner) copyRecord(e *RecordExpr) *RecordExpr {
	out := &RecordExpr{expr: c.base(e)}
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, &RecordField{node{c.span(f.Pos)}, c.name(f.Name), c.Expr(f.X)})
	}
	return out
}

func (c *Cloner) copyOffsetof(e *OffsetofExpr) *OffsetofExpr {
	out := &OffsetofExpr{expr: c.base(e), Type: c.Type(e.Type), X: c.Expr(e.X)}
	for _, id := range e.Path {
		out.Path = append(out.Path, c.name(id))
	}
	return out
}

func (c *Cloner) copyType(t *TypeExpr) *TypeExpr {
	return &TypeExpr{
		expr: c.base(t), Tag: t.Tag, Name: t.Name, Size: c.Expr(t.Size), Ptr: t.Ptr, Dims: c.exprs(t.Dims),
		Typeof: c.Expr(t.Typeof), TypeofType: c.Type(t.TypeofType), Elem: c.Type(t.Elem),
	}
}

// name copies an identifier without asking for a substitute.
func (c *Cloner) name(e *Ident) *Ident { return &Ident{c.base(e), e.Name} }

func (c *Cloner) varExpr(e *VarExpr) *VarExpr {
	return clone(c, e, func(e *VarExpr) *VarExpr { return &VarExpr{c.base(e), e.Name} })
}

func (c *Cloner) mapExpr(e *MapExpr) *MapExpr {
	return clone(c, e, func(e *MapExpr) *MapExpr { return &MapExpr{c.base(e), e.Name} })
}

func (c *Cloner) stringLit(e *StringLit) *StringLit {
	return clone(c, e, func(e *StringLit) *StringLit { return &StringLit{c.base(e), e.Val, e.Text} })
}
