package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// Dump is the tree of n as an s-expression: on one line for expressions and simple
// statements, indented for what holds blocks. It tells everything but ids, places and
// comments, so that equal dumps are equal trees.
func Dump(n Node) string {
	d := dumper{}
	d.node(n)
	return d.String()
}

// Equal reports whether two trees are the same but for ids, places and comments.
func Equal(a, b Node) bool { return Dump(a) == Dump(b) }

type dumper struct {
	strings.Builder
	indent int
}

// list writes `(head item …)`.
func (d *dumper) list(head string, items ...Node) {
	d.WriteByte('(')
	d.WriteString(head)
	children{func(n Node) {
		d.WriteByte(' ')
		d.node(n)
	}}.visit(items...)
	d.WriteByte(')')
}

// lines writes `(head`, then each of the children of n on its own indented line, `)`.
func (d *dumper) lines(head string, n Node) {
	d.WriteByte('(')
	d.WriteString(head)
	d.indent++
	Children(n, func(c Node) {
		d.WriteByte('\n')
		d.WriteString(strings.Repeat("  ", d.indent))
		d.node(c)
	})
	d.indent--
	d.WriteByte(')')
}

// all writes `(head children…)`.
func (d *dumper) all(head string, n Node) {
	var list []Node
	Children(n, func(c Node) { list = append(list, c) })
	d.list(head, list...)
}

func (d *dumper) node(n Node) {
	switch n := n.(type) {
	case *Script:
		d.lines("script "+strconv.Quote(n.Shebang), n)
	case Decl:
		d.decl(n)
	case Stmt:
		d.stmt(n)
	case Expr:
		d.expr(n)
	case *AttachPoint:
		fmt.Fprintf(d, "(point %q name=%q", n.Text, n.Name)
		for _, p := range n.Parts {
			fmt.Fprintf(d, " %q", p.Text)
			if p.Quoted {
				d.WriteString("(quoted)")
			}
		}
		d.WriteByte(')')
	case *ConfigVar:
		d.all("set", n)
	case *MacroParam:
		d.WriteString(n.Name)
	case *FuncParam:
		d.all("param "+n.Name, n)
	case *RecordField:
		d.all("=", n)
	default:
		panic(fmt.Sprintf("BUG: dump of %T", n))
	}
}

func (d *dumper) decl(n Decl) {
	switch n := n.(type) {
	case *CDef:
		fmt.Fprintf(d, "(c %q)", n.Text)
	case *Config:
		d.lines("config", n)
	case *Import:
		d.all("import", n)
	case *MapDecl:
		d.all("map "+n.Name, n)
	case *Const:
		d.all(fmt.Sprintf("const typed=%t", n.Type != nil), n)
	case *Macro:
		d.lines(fmt.Sprintf("macro parens=%t", n.Parens), n)
	case *Func:
		d.lines(fmt.Sprintf("fn result=%t", n.Result != nil), n)
	case *Probe:
		d.lines(fmt.Sprintf("probe pred=%t", n.Pred != nil), n)
	}
}

var jumpText = [...]string{Break: "break", Continue: "continue", Return: "return"}

func (d *dumper) stmt(n Stmt) {
	switch n := n.(type) {
	case *ExprStmt:
		d.node(n.X)
	case *Let:
		d.all(fmt.Sprintf("let typed=%t", n.Type != nil), n)
	case *Assign:
		d.all(assignText(n.Op), n)
	case *Discard:
		d.all("discard", n)
	case *If:
		d.list("stmt", n.X)
	case *While:
		d.all("while", n)
	case *Unroll:
		d.all("unroll", n)
	case *For:
		d.all("for", n)
	case *Jump:
		d.all(jumpText[n.Kind], n)
	case *ImportStmt:
		d.all("import", n)
	case *BlockStmt:
		d.list("stmt", n.X)
	}
}

func (d *dumper) expr(n Expr) {
	switch n := n.(type) {
	case *IntLit:
		d.WriteString(intText(n))
	case *BoolLit:
		fmt.Fprint(d, n.Val)
	case *StringLit:
		d.WriteString(strconv.Quote(n.Val))
	case *ParamExpr:
		d.WriteString(paramText(n.N))
	case *Ident:
		d.WriteString(n.Name)
	case *VarExpr:
		d.WriteString(n.Name)
	case *MapExpr:
		d.WriteString(n.Name)
	case *BadExpr:
		d.WriteString("(bad)")
	case *Block:
		d.lines(fmt.Sprintf("block value=%t", n.Value != nil), n)
	case *UnaryExpr:
		d.all(unaryHead(n.Op), n)
	case *BinaryExpr:
		d.all(n.Op.String(), n)
	case *CallExpr:
		head := "call"
		if n.Bang {
			head = "call!"
		}
		d.all(head, n)
	case *FieldExpr:
		head := "."
		if n.Arrow {
			head = "->"
		}
		d.all(head, n)
	case *TupleIndex:
		d.all(fmt.Sprintf(".%d", n.N), n)
	case *IfExpr:
		head := "if"
		if n.Comptime {
			head = "if-comptime"
		}
		d.all(head, n)
	case *TypeExpr:
		d.typ(n)
	default:
		d.all(exprHead(n), n)
	}
}

// exprHead is the head of the expressions that have nothing but children.
func exprHead(n Expr) string {
	switch n := n.(type) {
	case *IndexExpr:
		return "index"
	case *CondExpr:
		return "?:"
	case *CastExpr:
		return "cast"
	case *TupleExpr:
		return "tuple"
	case *RecordExpr:
		return "record"
	case *SizeofExpr:
		return "sizeof"
	case *OffsetofExpr:
		return fmt.Sprintf("offsetof type=%t", n.Type != nil)
	case *TypeinfoExpr:
		return "typeinfo"
	case *ComptimeExpr:
		return "comptime"
	case *ParenExpr:
		return "paren"
	}
	panic(fmt.Sprintf("BUG: dump of %T", n))
}

// unaryHead tells the unary operators from the binary ones of the same spelling.
func unaryHead(op Op) string {
	switch op {
	case PostInc, PostDec:
		return "post" + op.String()
	case PreInc, PreDec:
		return "pre" + op.String()
	}
	return "unary" + op.String()
}

func (d *dumper) typ(n *TypeExpr) {
	d.WriteString("(type")
	if n.Tag != "" {
		d.WriteString(" " + n.Tag)
	}
	if n.Name != "" {
		d.WriteString(" " + n.Name)
	}
	children{func(c Node) {
		d.WriteByte(' ')
		d.node(c)
	}}.visit(n.Elem, n.TypeofType)
	if n.Typeof != nil {
		d.WriteByte(' ')
		d.list("typeof", n.Typeof)
	}
	if n.Size != nil {
		d.WriteByte(' ')
		d.list("size", n.Size)
	}
	d.WriteString(strings.Repeat(" *", n.Ptr))
	for _, dim := range n.Dims {
		d.WriteByte(' ')
		d.list("dim", dim)
	}
	d.WriteByte(')')
}

// intText is an integer as it was written, or its value where it was made by a pass.
func intText(n *IntLit) string {
	switch {
	case n.Text != "":
		return n.Text
	case n.Neg:
		return strconv.FormatInt(int64(n.Val), 10)
	}
	return strconv.FormatUint(n.Val, 10)
}

// assignText is the spelling of an assignment's operator.
func assignText(op Op) string {
	if op == ASSIGN {
		return "="
	}
	return op.String() + "="
}

// paramText is the spelling of a positional parameter.
func paramText(n int) string {
	if n == 0 {
		return "$#"
	}
	return fmt.Sprintf("$%d", n)
}
