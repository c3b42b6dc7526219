package syntax

import "reflect"

// Inspect calls f for n and, where f returns true, for its children in the order of
// the source, depth first.
func Inspect(n Node, f func(Node) bool) {
	if f(n) {
		Children(n, func(c Node) { Inspect(c, f) })
	}
}

// Walk calls pre for n, then walks its children, then calls post; where pre returns
// false it does neither. Either may be nil.
func Walk(n Node, pre func(Node) bool, post func(Node)) {
	if pre != nil && !pre(n) {
		return
	}
	Children(n, func(c Node) { Walk(c, pre, post) })
	if post != nil {
		post(n)
	}
}

// Children calls f for each child of n in the order of the source.
func Children(n Node, f func(Node)) {
	c := children{f}
	switch n := n.(type) {
	case *Script:
		each(c, n.Decls)
	case Decl:
		c.decl(n)
	case Stmt:
		c.stmt(n)
	case Expr:
		c.expr(n)
	default:
		c.part(n)
	}
}

// children visits the children of one node; nil ones are none.
type children struct{ f func(Node) }

func (c children) visit(nodes ...Node) {
	for _, n := range nodes {
		if n != nil && !reflect.ValueOf(n).IsNil() {
			c.f(n)
		}
	}
}

func each[N Node](c children, list []N) {
	for _, n := range list {
		c.visit(n)
	}
}

func (c children) decl(n Decl) {
	switch n := n.(type) {
	case *CDef:
	case *Config:
		each(c, n.Vars)
	case *Import:
		c.visit(n.Path)
	case *MapDecl:
		c.visit(n.Kind, n.Max)
	case *Const:
		c.visit(n.Name, n.Type, n.X)
	case *Macro:
		c.visit(n.Name)
		each(c, n.Params)
		c.visit(n.Body)
	case *Func:
		c.visit(n.Name)
		each(c, n.Params)
		c.visit(n.Result, n.Body)
	case *Probe:
		each(c, n.Points)
		c.visit(n.Pred, n.Body)
	}
}

func (c children) stmt(n Stmt) {
	switch n := n.(type) {
	case *ExprStmt:
		c.visit(n.X)
	case *Let:
		c.visit(n.Name, n.Type, n.X)
	case *Assign:
		c.visit(n.Target, n.X)
	case *Discard:
		c.visit(n.X)
	case *If:
		c.visit(n.X)
	case *While:
		c.visit(n.Cond, n.Body)
	case *Unroll:
		c.visit(n.N, n.Body)
	case *For:
		c.visit(n.Var, n.Map, n.From, n.To, n.Body)
	case *Jump:
		c.visit(n.X)
	case *ImportStmt:
		c.visit(n.Path)
	case *BlockStmt:
		c.visit(n.X)
	}
}

func (c children) expr(n Expr) {
	switch n := n.(type) {
	case *Block:
		each(c, n.Stmts)
		c.visit(n.Value)
	case *IndexExpr:
		c.visit(n.X)
		each(c, n.Args)
	case *FieldExpr:
		c.visit(n.X, n.Name)
	case *TupleIndex:
		c.visit(n.X)
	case *CallExpr:
		c.visit(n.Fun)
		each(c, n.Args)
	case *UnaryExpr:
		c.visit(n.X)
	case *BinaryExpr:
		c.visit(n.X, n.Y)
	case *CondExpr:
		c.visit(n.Cond, n.A, n.B)
	case *IfExpr:
		c.visit(n.Cond, n.Then, n.Else)
	case *CastExpr:
		c.visit(n.Type, n.X)
	case *TupleExpr:
		each(c, n.Elems)
	case *RecordExpr:
		each(c, n.Fields)
	case *SizeofExpr:
		c.visit(n.Type, n.X)
	case *TypeinfoExpr:
		c.visit(n.Type, n.X)
	case *OffsetofExpr:
		c.visit(n.Type, n.X)
		each(c, n.Path)
	case *ComptimeExpr:
		c.visit(n.X)
	case *ParenExpr:
		c.visit(n.X)
	case *TypeExpr:
		c.visit(n.Elem, n.Typeof, n.TypeofType, n.Size)
		each(c, n.Dims)
	}
}

// part visits the children of nodes that are neither declaration, statement nor expression.
func (c children) part(n Node) {
	switch n := n.(type) {
	case *ConfigVar:
		c.visit(n.Name, n.Value)
	case *FuncParam:
		c.visit(n.Type)
	case *RecordField:
		c.visit(n.Name, n.X)
	}
}
