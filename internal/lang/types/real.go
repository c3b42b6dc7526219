package types

import (
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// realVerb is the floating-point conversion that prints argument i of f, or "".
func realVerb(f *object.Format, i int) string {
	for j := range f.Parts {
		if p := &f.Parts[j]; p.IsReal() && p.Arg == i {
			return "%" + string(p.Verb)
		}
	}
	return ""
}

// RealParts are the operands of an expression of which user space computes the value as a real
// number: of + - * / and a negation, of both sides of a choice (whose condition isn't one of
// them) and of parentheses and blocks without statements. None: it's an integer of the kernel.
func RealParts(e syntax.Expr) []syntax.Expr {
	switch x := e.(type) {
	case *syntax.ParenExpr:
		return []syntax.Expr{x.X}
	case *syntax.Block:
		if len(x.Stmts) == 0 && x.Value != nil {
			return []syntax.Expr{x.Value}
		}
	case *syntax.BinaryExpr:
		switch x.Op {
		case syntax.Add, syntax.Sub, syntax.Mul, syntax.Div:
			return []syntax.Expr{x.X, x.Y}
		}
	case *syntax.UnaryExpr:
		if x.Op == syntax.Neg {
			return []syntax.Expr{x.X}
		}
	case *syntax.CondExpr:
		if x.A != nil {
			return []syntax.Expr{x.A, x.B}
		}
	}
	return nil
}

// real types the argument of a floating-point conversion.
func (c *checker) real(e syntax.Expr, verb string) *Type {
	parts := RealParts(e)
	if parts == nil {
		return c.realLeaf(e, verb)
	}
	if x, ok := e.(*syntax.CondExpr); ok {
		c.cond(x.Cond)
	}
	types := make([]*Type, len(parts))
	for i, p := range parts {
		if types[i] = c.real(p, verb); bad(types[i]) {
			for _, rest := range parts[i+1:] {
				c.real(rest, verb)
			}
			return c.record(e, types[i])
		}
	}
	if len(parts) == 1 {
		return c.record(e, types[0])
	}
	return c.record(e, IntType(8, true))
}

// realLeaf types what's sent to user space: an integer, or a C program's own number. Of a
// summary's statistics that's the key.
func (c *checker) realLeaf(e syntax.Expr, verb string) *Type {
	if b := c.statistic(e); b != nil {
		return c.record(e, c.printedStatistic(e.(*syntax.CallExpr), b))
	}
	t := c.expr(e)
	if bad(t) || t.IsInt() || t.Kind == Bool || t.Castable() || t.IsFloat() && t.Size <= 8 {
		return t
	}
	d := c.errorf(diag.CodeFormat, e.Span(), "%s prints integers and what's computed from them, not %s", verb, describeValue(t))
	switch t.Kind {
	case Pointer:
		d.Note("cast it: `(uint64)…`")
	case Stats:
		d.Note("a stats() has several numbers; avg(), count() or sum() can be printed this way")
	}
	return invalidType()
}

// checkReal reports the flag that floating-point conversions haven't got.
func (c *checker) checkReal(p *object.FormatPart, at diag.Span) {
	if strings.Contains(p.Flags, "#") {
		c.errorf(diag.CodeFormat, at, "%%%s has no flag #", string(p.Verb))
	}
}
