package syntax

import (
	"fmt"
	"strings"
)

// expr writes an expression or type.
func (p *printer) expr(e Expr) {
	off := p.start(e)
	switch e := e.(type) {
	case *IntLit:
		p.token(off, intText(e))
	case *BoolLit:
		p.token(off, fmt.Sprint(e.Val))
	case *StringLit:
		p.token(off, e.Text)
	case *ParamExpr:
		p.token(off, paramText(e.N))
	case *Ident:
		p.token(off, e.Name)
	case *VarExpr:
		p.token(off, e.Name)
	case *MapExpr:
		p.token(off, e.Name)
	case *BadExpr:
		p.token(off, "_") // only parsed scripts are formatted; the text was reported
	case *Block:
		p.block(e)
	case *IfExpr:
		p.ifExpr(e)
	case *UnaryExpr:
		p.unary(e)
	case *BinaryExpr:
		p.expr(e.X)
		p.operator(e.Op.String(), e.Y)
	case *CondExpr:
		p.cond(e)
	case *TypeExpr:
		p.typeExpr(e)
	default:
		p.bracketed(e)
	}
	p.last = max(p.last, p.end(e))
}

// operator writes an operator and what stands after it.
func (p *printer) operator(op string, e Expr) {
	p.space = true
	p.write(op)
	p.operand(e)
}

// operand writes what stands after an operator: on the next line, indented, where the
// source has it so.
func (p *printer) operand(e Expr) {
	broken := p.breaks(p.last, p.start(e))
	if broken {
		p.indent++
	}
	p.gap(p.start(e), true)
	p.expr(e)
	if broken {
		p.indent--
	}
}

func (p *printer) unary(e *UnaryExpr) {
	if e.Op == PostInc || e.Op == PostDec {
		p.expr(e.X)
		p.write(e.Op.String())
		return
	}
	p.token(p.start(e), e.Op.String())
	p.expr(e.X)
}

func (p *printer) cond(e *CondExpr) {
	p.expr(e.Cond)
	if e.A == nil {
		p.operator("?:", e.B)
		return
	}
	p.operator("?", e.A)
	p.operator(":", e.B)
}

// bracketed writes the expressions that have brackets or a dot.
func (p *printer) bracketed(e Expr) {
	off, closing := p.start(e), p.end(e)-1
	switch e := e.(type) {
	case *IndexExpr:
		p.expr(e.X)
		p.write("[")
		list(p, e.Args, "]", closing)
	case *FieldExpr:
		p.expr(e.X)
		if e.Arrow {
			p.write("->")
		} else {
			p.write(".")
		}
		p.expr(e.Name)
	case *TupleIndex:
		p.expr(e.X)
		p.write(fmt.Sprintf(".%0*d", e.Digits, e.N))
	case *CallExpr:
		p.expr(e.Fun)
		if e.Bang {
			p.write("!")
		}
		p.write("(")
		list(p, e.Args, ")", closing)
	case *CastExpr:
		p.token(off, "(")
		p.expr(e.Type)
		p.write(")")
		p.expr(e.X)
	case *TupleExpr:
		p.tuple(e)
	case *RecordExpr:
		p.token(off, "(")
		list(p, e.Fields, ")", closing)
	case *SizeofExpr:
		p.token(off, "sizeof")
		p.write("(")
		list(p, operands(e.Type, e.X), ")", closing)
	case *OffsetofExpr:
		p.offsetof(e)
	case *TypeinfoExpr:
		p.token(off, "typeinfo")
		p.write("(")
		list(p, operands(e.Type, e.X), ")", closing)
	case *ComptimeExpr:
		p.token(off, "comptime")
		p.space = true
		p.expr(e.X)
	case *ParenExpr:
		p.token(off, "(")
		list(p, []Expr{e.X}, ")", closing)
	default:
		panic(fmt.Sprintf("BUG: format of %T", e))
	}
}

// operands is the one of a type and an expression that is set.
func operands(t *TypeExpr, x Expr) []Expr {
	if t != nil {
		return []Expr{t}
	}
	return []Expr{x}
}

// list writes comma-separated nodes and the bracket after them, which stands at off.
// Where the source breaks lines between them they stay broken, indented once.
func list[N Node](p *printer, nodes []N, closing string, off int) {
	broken := listBreaks(p, nodes, off)
	if broken {
		p.indent++
	}
	for i, n := range nodes {
		if i > 0 {
			p.write(",")
		}
		p.gap(p.start(n), i > 0)
		p.element(n)
	}
	if broken {
		p.indent--
	}
	p.gap(off, false)
	p.space = false
	p.write(closing)
	p.last = off + 1
}

// listBreaks reports whether the source has a line break around one of the nodes.
func listBreaks[N Node](p *printer, nodes []N, off int) bool {
	last := p.last
	for _, n := range nodes {
		if p.breaks(last, p.start(n)) {
			return true
		}
		last = p.end(n)
	}
	return p.breaks(last, off)
}

// element writes a node of a list.
func (p *printer) element(n Node) {
	if f, ok := n.(*RecordField); ok {
		p.expr(f.Name)
		p.write("=")
		p.expr(f.X)
		return
	}
	p.expr(n.(Expr))
}

// tuple writes a tuple; one of a single element needs its comma.
func (p *printer) tuple(e *TupleExpr) {
	p.token(p.start(e), "(")
	if len(e.Elems) == 1 {
		p.expr(e.Elems[0])
		p.write(",)")
		return
	}
	list(p, e.Elems, ")", p.end(e)-1)
}

func (p *printer) offsetof(e *OffsetofExpr) {
	p.token(p.start(e), "offsetof")
	p.write("(")
	p.expr(operands(e.Type, e.X)[0])
	p.words(",")
	for i, id := range e.Path {
		if i > 0 {
			p.write(".")
		}
		p.expr(id)
	}
	p.write(")")
}

func (p *printer) typeExpr(t *TypeExpr) {
	off := p.start(t)
	switch {
	case t.Elem != nil:
		p.expr(t.Elem)
	case t.Typeof != nil || t.TypeofType != nil:
		p.token(off, "typeof")
		p.write("(")
		p.expr(operands(t.TypeofType, t.Typeof)[0])
		p.write(")")
	case t.Tag != "":
		p.token(off, t.Tag)
		p.space = true
		p.write(t.Name)
	default:
		p.token(off, t.Name)
	}
	if t.Size != nil {
		p.dimension(t.Size)
	}
	if t.Ptr > 0 {
		p.space = true
		p.write(strings.Repeat("*", t.Ptr))
	}
	for _, d := range t.Dims {
		p.dimension(d)
	}
}

func (p *printer) dimension(n Expr) {
	p.write("[")
	if n != nil {
		p.expr(n)
	}
	p.write("]")
}
