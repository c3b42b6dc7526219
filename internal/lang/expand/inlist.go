package expand

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// inList is in_list(value, "a,b,c"), which is true if the value is one of the list: with
// numbers in the list compared as a number, else as a string. It's skep's own; bpftrace
// knows no such function. It becomes
//
//	{ let $$v = value; $$v == a || $$v == b || $$v == c }
//
// An empty list has no members, and its value isn't computed. container, pod and cgroup_path are
// compared themselves, as the kernel does it, and by names alone.
func (v *values) inList(e *syntax.CallExpr) syntax.Expr {
	if len(e.Args) != 2 {
		v.rep.Errorf(diag.CodeInList, v.span(e), "in_list takes a value and a list, not %d arguments", len(e.Args))
		return v.place(&syntax.BadExpr{}, e)
	}
	list, ok := v.expr(e.Args[1]).(*syntax.StringLit)
	if !ok {
		v.rep.Errorf(diag.CodeInList, v.span(e.Args[1]), "the list is a string literal or a getopt call with a string")
		return v.place(&syntax.BadExpr{}, e)
	}
	items := splitList(list.Val)
	if len(items) == 0 {
		return v.place(&syntax.BoolLit{}, e)
	}
	if isCgroup(e.Args[0]) {
		return v.anyOf(e, items, func() syntax.Expr { return v.expr(e.Args[0]) }, func(item string) syntax.Expr {
			return v.stringLit(item, list)
		})
	}
	v.lists++
	name := fmt.Sprintf("$$in_list%d", v.lists)
	variable := func() *syntax.VarExpr { return v.place(&syntax.VarExpr{Name: name}, e).(*syntax.VarExpr) }
	let := &syntax.Let{Name: variable(), X: v.expr(e.Args[0])}
	let.SetSpan(v.span(e))
	block := &syntax.Block{Stmts: []syntax.Stmt{let}}
	numbers := allNumbers(items)
	block.Value = v.anyOf(e, items, func() syntax.Expr { return variable() }, func(item string) syntax.Expr {
		return v.item(item, numbers, list)
	})
	return v.place(block, e)
}

// anyOf is value == item || value == item …
func (v *values) anyOf(e *syntax.CallExpr, items []string, value func() syntax.Expr, literal func(string) syntax.Expr) (chain syntax.Expr) {
	for _, item := range items {
		is := v.place(&syntax.BinaryExpr{Op: syntax.Eq, X: value(), Y: literal(item)}, e)
		if chain == nil {
			chain = is
			continue
		}
		chain = v.place(&syntax.BinaryExpr{Op: syntax.LOr, X: chain, Y: is}, e)
	}
	return chain
}

// isCgroup reports whether e is the current task's container, pod or cgroup.
func isCgroup(e syntax.Expr) bool {
	name := ""
	switch e := e.(type) {
	case *syntax.Ident:
		name = e.Name
	case *syntax.CallExpr:
		if name = e.Fun.Name; name == "cgroup_path" { // of an id
			return false
		}
	}
	return name == "container" || name == "pod" || name == "cgroup_path"
}

func (v *values) item(text string, number bool, at syntax.Expr) syntax.Expr {
	if !number {
		return v.stringLit(text, at)
	}
	val, neg, _ := parseNumber(text)
	return v.intLit(val, neg, at)
}

func splitList(text string) []string {
	var out []string
	for _, s := range strings.Split(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func allNumbers(items []string) bool {
	for _, s := range items {
		if _, _, ok := parseNumber(s); !ok {
			return false
		}
	}
	return true
}
