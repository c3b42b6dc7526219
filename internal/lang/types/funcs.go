package types

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// checkFuncs checks the script's functions as declarations: their names, and that none calls
// itself, for which BPF has no stack.
func (c *checker) checkFuncs() {
	for _, f := range c.info.Funcs {
		name := f.Decl.Name
		if b := findBuiltin(name.Name); b != nil && !b.Own {
			c.errorf(diag.CodeRedeclared, name.Span(), "%s is a builtin's name", name.Name).Note("%s", b.Doc)
		}
	}
	done := map[*FuncInfo]bool{}
	for _, f := range c.info.Funcs {
		c.findRecursion(f, nil, done)
	}
}

// findRecursion walks the calls from f; path are the functions that led to it.
func (c *checker) findRecursion(f *FuncInfo, path []*FuncInfo, done map[*FuncInfo]bool) {
	if done[f] {
		return
	}
	path = append(path, f)
	syntax.Inspect(f.Decl.Body, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		to := c.info.Func(call.Fun.Name)
		if i := slices.Index(path, to); to != nil && i >= 0 {
			c.recursion(call, path[i:])
			return true
		}
		if to != nil {
			c.findRecursion(to, path, done)
		}
		return true
	})
	done[f] = true
}

// recursion reports the call that closes a circle.
func (c *checker) recursion(call *syntax.CallExpr, circle []*FuncInfo) {
	name := circle[0].Decl.Name.Name
	if len(circle) == 1 {
		c.errorf(diag.CodeRecursion, call.Span(), "%s calls itself", name).
			Note("BPF programs have 512 bytes of stack and no recursion: a loop with an array of the script's own does it")
		return
	}
	names := make([]string, len(circle))
	for i, f := range circle {
		names[i] = f.Decl.Name.Name
	}
	c.errorf(diag.CodeRecursion, call.Span(), "%s calls itself, through %s", name, strings.Join(names[1:], ", "))
}

// funcBody types a function of the script.
func (c *checker) funcBody(f *FuncInfo) {
	c.signature(f)
	c.body(f.Decl.Body)
	if !bad(f.Result) && f.Result.Kind != Void && !returns(f.Decl.Body) {
		c.errorf(diag.CodeReturn, f.Decl.Name.Span(), "%s may end without a value: it returns %s", f.Decl.Name.Name, f.Result)
	}
}

// signature types a function's parameters and result, which its declaration fixes but for the
// size of strings without one: that's the largest which is passed or returned.
func (c *checker) signature(f *FuncInfo) {
	for i, p := range f.Decl.Params {
		l, t := f.Params[i], c.typeExpr(p.Type)
		switch {
		case bad(t):
		case c.cannotPass(p.Type, t, "a parameter"):
		case open(t):
			if l.Type == nil {
				c.grow(&l.Type, t)
			}
		default:
			c.declared[l] = true
			c.grow(&l.Type, t)
		}
	}
	if f.Decl.Result == nil {
		f.Result = voidType()
		return
	}
	t := c.typeExpr(f.Decl.Result)
	if bad(t) || !c.cannotPass(f.Decl.Result, t, "a result") && (f.Result == nil || !open(t)) {
		f.Result = t
	}
}

// cannotPass reports types that are no values.
func (c *checker) cannotPass(e *syntax.TypeExpr, t *Type, what string) bool {
	switch {
	case t.Kind == Void, t.IsAggregate():
		c.errorf(diag.CodeMismatch, e.Span(), "%s can't be %s", what, t)
	case t.Kind == Array && t.Len == 0:
		c.errorf(diag.CodeMismatch, e.Span(), "%s has a size: how many elements are in the array?", what).
			Note("for example `%s[4]`", t.Elem)
	default:
		return false
	}
	return true
}

// open reports whether a declared type leaves its size to what it gets.
func open(t *Type) bool { return t.Size == 0 && (t.Kind == String || t.Kind == Buf) }

// fits widens the declared type in slot, if its declaration leaves that open, and reports
// whether value x of type t goes into it.
func (c *checker) fits(slot **Type, declared *syntax.TypeExpr, x syntax.Expr, t *Type) bool {
	if declared.Size == nil && (t.Kind == String || t.Kind == Buf) && (*slot).Kind == t.Kind && t.Size > (*slot).Size {
		c.grow(slot, t)
	}
	return c.assignable(x, t, *slot)
}

// returns reports whether every way through a block ends in a return.
func returns(b *syntax.Block) bool {
	if n := len(b.Stmts); b.Value == nil && n > 0 {
		return stmtReturns(b.Stmts[n-1])
	}
	return b.Value != nil && exprReturns(b.Value)
}

func stmtReturns(s syntax.Stmt) bool {
	switch s := s.(type) {
	case *syntax.Jump:
		return s.Kind == syntax.Return
	case *syntax.BlockStmt:
		return returns(s.X)
	case *syntax.If:
		return exprReturns(s.X)
	case *syntax.ExprStmt:
		return exprReturns(s.X)
	}
	return false
}

func exprReturns(e syntax.Expr) bool {
	switch x := unparen(e).(type) {
	case *syntax.Block:
		return returns(x)
	case *syntax.IfExpr:
		return x.Else != nil && returns(x.Then) && exprReturns(x.Else)
	}
	return false
}
