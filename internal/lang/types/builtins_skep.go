package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// skepBuiltins are skep's own additions, which tools need and bpftrace lacks. No valid
// bpftrace script calls functions of these names; docs/language.md describes them.
func skepBuiltins() []Builtin {
	rows := []Builtin{
		{ID: BuiltinPrintLog2, Name: "print_log2", Min: 2, Max: 3, Async: true, Stmt: true, check: checkPrintLog2, Doc: "prints a hist() in bcc's form: print_log2(@map, \"unit\"[, \"section\"])"},
		{ID: BuiltinPrintLog2JSON, Name: "print_log2_json", Min: 2, Max: 3, Async: true, Stmt: true, check: checkPrintLog2, Doc: "prints a hist() as bcc's JSON: print_log2_json(@map, \"unit\"[, \"section\"])"},
		{ID: BuiltinPrintLinear, Name: "print_linear", Min: 2, Max: 3, Async: true, Stmt: true, check: checkPrintLinear, Doc: "prints an lhist() or bhist() in bcc's form: print_linear(@map, \"unit\"[, \"section\"])"},
		{ID: BuiltinPrintLinearJSON, Name: "print_linear_json", Min: 2, Max: 3, Async: true, Stmt: true, check: checkPrintLinear, Doc: "prints an lhist() or bhist() as bcc's JSON: print_linear_json(@map, \"unit\"[, \"section\"])"},
		{ID: BuiltinPrintCSV, Name: "print_csv", Min: 1, Max: 3, Async: true, Stmt: true, check: checkPrintCSV, Doc: "prints a map as CSV: print_csv(@map[, top[, div]])"},
		{ID: BuiltinQuantile, Name: "quantile", Min: 2, Max: 2, check: checkStatistic, Doc: "a quantile of a summary(), for printf's %f: quantile(@map, 0.99), quantile(@map[key], 0.99)"},
		{ID: BuiltinStddev, Name: "stddev", Min: 1, Max: 1, check: checkStatistic, Doc: "the standard deviation of a summary(), for printf's %f: stddev(@map), stddev(@map[key])"},
		{ID: BuiltinBitNames, Name: "bit_names", Min: 4, Max: -1, check: checkBitNames, Doc: "a number that prints as the names of its bits, joined by -: bit_names(x, mask, bits, \"name\", …)"},
		{ID: BuiltinDecimal, Name: "decimal", Min: 3, Max: 3, check: checkDecimal, Doc: "a number that prints with a decimal point: decimal(x, digits behind the point, digits to print)"},
		{ID: BuiltinHasField, Name: "has_field", Min: 2, Max: 2, check: checkHasField, Doc: "whether a struct has a member, at compile time: has_field(struct request, \"rq_disk\")"},
		{ID: BuiltinContainer, Name: "container", Max: 1, Var: true, check: checkContainer, Doc: "the container that the task is in, by the short id, the full one or the name: container, container(full), container(name)"},
		{ID: BuiltinPod, Name: "pod", Max: 1, Var: true, check: checkPod, Doc: "the pod that the task is in, by its name or uid: pod, pod(uid)"},
	}
	for i := range rows {
		rows[i].Own = true
	}
	return rows
}

func checkPrintLog2(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	return c.printBCC(args, b, "a hist() with buckets of powers of two", func(t *Type) bool { return t.Kind == Hist && t.Hist.Bits == 0 })
}

func checkPrintLinear(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	return c.printBCC(args, b, "an lhist() or bhist()", func(t *Type) bool { return t.Kind == Lhist || t.Kind == Bhist })
}

// printBCC types a print in one of bcc's forms, which takes a map of some kinds of histograms.
func (c *checker) printBCC(args []syntax.Expr, b *Builtin, what string, takes func(*Type) bool) *Type {
	m := c.mapArg(args[0], b.Name)
	for _, a := range args[1:] {
		c.constStr(a, b.Name)
	}
	if m != nil && m.Value != nil && !takes(m.Value) {
		c.errorf(diag.CodeMapKind, args[0].Span(), "%s() takes %s, and %s is %s", b.Name, what, m.Name, m.Value)
	}
	return voidType()
}

func checkPrintCSV(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if _, ok := unparen(args[0]).(*syntax.MapExpr); !ok {
		c.args(args)
		c.errorf(diag.CodeArgType, args[0].Span(), "print_csv() prints a whole map")
		return voidType()
	}
	return c.printMap(e, c.mapNamed(unparen(args[0]).(*syntax.MapExpr).Name), args, b)
}

// checkBitNames makes an enum whose names are of bits: the rows after x.
func checkBitNames(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.intArg(args[0], b.Name)
	if !ok {
		return worse(t)
	}
	if (len(args)-1)%3 != 0 {
		c.errorf(diag.CodeArgCount, e.Span(), "%s", b.Doc)
		return invalidType()
	}
	enum := &EnumType{}
	for i := 1; i < len(args); i += 3 {
		mask, ok1 := c.constInt(args[i], b.Name)
		bits, ok2 := c.constInt(args[i+1], b.Name)
		name, ok3 := c.constStr(args[i+2], b.Name)
		if !ok1 || !ok2 || !ok3 {
			return invalidType()
		}
		enum.Bits = append(enum.Bits, object.BitName{Mask: mask, Bits: bits, Name: name})
	}
	return &Type{Kind: Enum, Size: 8, Enum: enum}
}

// maxDigits is how many digits an integer of 64 bits has for certain.
const maxDigits = 18

// checkDecimal makes an enum without names: a number with its decimal point.
func checkDecimal(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t, ok := c.intArg(args[0], b.Name)
	digits, ok1 := c.constInt(args[1], b.Name)
	places, ok2 := c.constInt(args[2], b.Name)
	switch {
	case !ok:
		return worse(t)
	case !ok1 || !ok2:
		return invalidType()
	case digits < 1 || digits > maxDigits || places > maxDigits:
		c.errorf(diag.CodeRange, args[1].Span(), "decimal() takes 1 to %d digits behind the point and prints up to %d", maxDigits, maxDigits)
		return invalidType()
	}
	point := object.DecimalPoint{Digits: uint8(digits), Places: uint8(places)}
	if of := c.info.Calls[unparen(args[0]).ID()]; of != nil {
		point.Elapsed = of.ID == BuiltinElapsed && digits == 9
	}
	return &Type{Kind: Enum, Size: 8, Signed: t.Signed, Enum: &EnumType{Point: point}}
}

// checkHasField answers at compile time, so that a script fits several kernels.
func checkHasField(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[1], b.Name)
	if ok && c.unknownType(args[0]) {
		return c.boolConst(e, false)
	}
	t := c.quietly(args[0])
	if bad(t) || !ok {
		return invalidType()
	}
	if t.Kind == Pointer && t.Elem != nil {
		t = t.Elem
	}
	return c.boolConst(e, t.Kind == Struct && t.S != nil && Select(t.S, name) != nil)
}

// unknownType reports whether e is a type that this kernel, or the script, doesn't have.
func (c *checker) unknownType(e syntax.Expr) bool {
	t, ok := unparen(e).(*syntax.TypeExpr)
	for ok && t.TypeofType != nil {
		t = t.TypeofType
	}
	if !ok || t.Name == "" {
		return false
	}
	_, known := c.lookupType(t.Tag, t.Name)
	return !known
}
