package expand

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// values puts literals in the place of positional parameters and getopt calls, and their
// text in the place of C macros.
type values struct {
	*expander
	*seen
	active []string // C macros whose text this is
	at     func(diag.Pos) diag.Pos
}

// seen is what was found so far, in the script and in the texts of C macros.
type seen struct {
	opts   []*option
	byName map[string]*option
	lists  int          // in_list calls
	warned map[int]bool // missing positional parameters that were reported
}

func newValues(x *expander) *values {
	return &values{expander: x, seen: &seen{byName: map[string]*option{}, warned: map[int]bool{}}}
}

func (v *values) cloner() *syntax.Cloner {
	return &syntax.Cloner{IDs: v.ids, At: v.at, Subst: v.subst}
}

func (v *values) expr(e syntax.Expr) syntax.Expr      { return v.cloner().Expr(e) }
func (v *values) block(b *syntax.Block) *syntax.Block { return v.cloner().Block(b) }

func (v *values) subst(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.ParamExpr:
		return v.param(e)
	case *syntax.Ident:
		return v.define(e)
	case *syntax.CallExpr:
		switch e.Fun.Name {
		case "str":
			return v.str(e)
		case "getopt":
			return v.getopt(e)
		case "in_list":
			return v.inList(e)
		}
	case *syntax.SizeofExpr:
		return v.typeOperand(e, e.X)
	case *syntax.TypeinfoExpr:
		return v.typeOperand(e, e.X)
	case *syntax.OffsetofExpr:
		return v.typeOperand(e, e.X)
	case *syntax.TypeExpr:
		return v.typeOperand(e, e.Typeof)
	}
	return nil
}

// typeOperand leaves e as it is if its operand is a bare name, which may be a type's.
func (v *values) typeOperand(e, operand syntax.Expr) syntax.Expr {
	if _, ok := operand.(*syntax.Ident); !ok {
		return nil
	}
	return (&syntax.Cloner{IDs: v.ids, At: v.at}).Expr(e)
}

// span is the place of a node of the original in the copy.
func (v *values) span(n syntax.Node) diag.Span {
	s := n.Span()
	if v.at != nil {
		s = diag.Span{Start: v.at(s.Start), End: v.at(s.End)}
	}
	return s
}

// place gives a new expression an id and the place of old, an original.
func (v *values) place(e placed, old syntax.Expr) syntax.Expr {
	e.SetID(v.ids.Next())
	e.SetSpan(v.span(old))
	return e
}

func (v *values) intLit(val uint64, neg bool, old syntax.Expr) syntax.Expr {
	return v.place(&syntax.IntLit{Val: val, Neg: neg}, old)
}

func (v *values) stringLit(s string, old syntax.Expr) syntax.Expr {
	return v.place(&syntax.StringLit{Val: s, Text: quote(s)}, old)
}

// quote is s as a string literal of the language.
func quote(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	return `"` + r.Replace(s) + `"`
}

// positional is $n as text; "" if it wasn't given.
func (v *values) positional(n int) string {
	if n < 1 || n > len(v.opt.Params) {
		return ""
	}
	return v.opt.Params[n-1]
}

// param is $N: a number if it looks like one, else a string. $# is their count.
func (v *values) param(e *syntax.ParamExpr) syntax.Expr {
	if e.N == 0 {
		return v.intLit(uint64(len(v.opt.Params)), false, e)
	}
	text := v.positional(e.N)
	if text == "" {
		if !v.warned[e.N] && !v.opt.Open {
			v.warned[e.N] = true
			v.rep.Warnf(diag.CodeParamMissing, e.Span(), "positional parameter $%d wasn't given or is empty", e.N).
				Note("it counts as 0, or as \"\" in str($%d)", e.N)
		}
		return v.intLit(0, false, e)
	}
	if val, neg, ok := parseNumber(text); ok {
		return v.intLit(val, neg, e)
	}
	return v.stringLit(text, e)
}

// str handles str($N) and str($N + n): the parameter as a string, whatever it looks like.
func (v *values) str(e *syntax.CallExpr) syntax.Expr {
	if len(e.Args) == 0 {
		return nil
	}
	var text string
	switch a := e.Args[0].(type) {
	case *syntax.ParamExpr:
		if a.N == 0 {
			return nil
		}
		text = v.positional(a.N)
	case *syntax.BinaryExpr:
		p, isParam := a.X.(*syntax.ParamExpr)
		n, isInt := a.Y.(*syntax.IntLit)
		if !isParam || !isInt || p.N == 0 || a.Op != syntax.Add || n.Neg {
			return nil
		}
		text = v.positional(p.N)
		text = text[min(n.Val, uint64(len(text))):]
	default:
		return nil
	}
	lit := v.stringLit(text, e.Args[0])
	if len(e.Args) == 1 {
		return lit
	}
	args := []syntax.Expr{lit}
	for _, a := range e.Args[1:] {
		args = append(args, v.expr(a))
	}
	fun := v.place(&syntax.Ident{Name: e.Fun.Name}, e.Fun).(*syntax.Ident)
	return v.place(&syntax.CallExpr{Fun: fun, Args: args}, e)
}

// define is the text of a C macro as an expression.
func (v *values) define(e *syntax.Ident) syntax.Expr {
	d, ok := v.out.C.Macro(e.Name)
	if !ok {
		return nil
	}
	call := v.span(e)
	if slices.Contains(v.active, e.Name) {
		v.rep.Errorf(diag.CodeCRecursion, call, "C macro `%s` uses itself: %s", e.Name, strings.Join(append(v.active, e.Name), " > "))
		return v.place(&syntax.BadExpr{}, e)
	}
	if v.overflow(call) {
		return v.place(&syntax.BadExpr{}, e)
	}
	src := diag.SourceAt("#define "+d.Name, d.Text, d.Pos)
	if d.Pos == diag.NoPos {
		src = v.rep.Sources.Add("#define "+d.Name, d.Text)
	}
	quiet := diag.NewReporter(v.rep.Sources)
	x := syntax.ParseExpr(src, v.ids, quiet)
	if quiet.Failed() || v.out.C.Calls(d) {
		if val, ok := v.out.C.Value(d); ok {
			return v.intLit(uint64(val), val < 0, e)
		}
	}
	if quiet.Failed() {
		diagnostic := v.rep.Errorf(diag.CodeCNoExpr, call, "C macro `%s` isn't an expression: `%s`", d.Name, d.Text)
		if d.Span.IsValid() {
			diagnostic.NoteAt(d.Span, "it's defined here")
		}
		return v.place(&syntax.BadExpr{}, e)
	}
	text := diag.Span{Start: src.Pos(0), End: src.Pos(len(src.Text))}
	base := v.rep.Sources.Expand(text, call, d.Name)
	inner := &values{
		expander: v.expander, seen: v.seen, active: append(slices.Clip(v.active), d.Name),
		at: func(p diag.Pos) diag.Pos { return p - text.Start + base },
	}
	return inner.expr(x)
}
