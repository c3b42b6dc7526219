package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// Table is a constant array or struct: `const name: type = (…);`. It lies in memory that
// programs can only read.
type Table struct {
	Name string
	Type *Type
	Data []byte // its value in memory
}

// constant is a declared constant: a value or a table.
type constant struct {
	decl  *syntax.Const
	typ   *Type // Invalid: its declaration is wrong
	value *Const
	lit   bool // it counts as a literal
	table *Table
}

// arrayValue tells how the value of an array is written.
const arrayValue = "the elements stand in parentheses, a single one with a comma behind it: `(1, 2)`, `(1,)`"

// maxTable is the largest table, in bytes.
const maxTable = 1 << 20

// declareConst computes a constant. It may name those before it.
func (c *checker) declareConst(d *syntax.Const) {
	k := &constant{decl: d, typ: invalidType()}
	name := d.Name
	switch b := findBuiltin(name.Name); {
	case b != nil && !b.Own:
		c.errorf(diag.CodeRedeclared, name.Span(), "%s is a builtin's name", name.Name).Note("%s", b.Doc)
	case c.consts[name.Name] != nil:
		c.errorf(diag.CodeRedeclared, name.Span(), "%s is already declared", name.Name).
			NoteAt(c.consts[name.Name].decl.Name.Span(), "here")
		return
	case c.definedInC(name.Name) || contains(c.opt.Macros, name.Name):
		c.errorf(diag.CodeRedeclared, name.Span(), "%s is already defined, by a macro or an enum", name.Name)
		return
	}
	c.consts[name.Name] = k
	if c.readsAtRunTime(d.X) {
		return
	}
	if d.Type == nil {
		c.inferredConst(k)
		return
	}
	t := c.typeExpr(d.Type)
	switch {
	case bad(t):
	case t.Kind == Array || t.Kind == Struct:
		c.tableConst(k, t)
	case t.IsInt() || t.Kind == Bool || t.Kind == String && t.Size > 0:
		if v := c.constValue(d.X, t); v != nil {
			k.typ, k.value = t, v
		}
	default:
		c.errorf(diag.CodeMismatch, d.Type.Span(), "a constant is a number, a string, or an array or struct of them, not %s", t)
	}
}

// readsAtRunTime reports what a constant can't be made of.
func (c *checker) readsAtRunTime(e syntax.Expr) bool {
	found := false
	report := func(n syntax.Node, why string) {
		c.errorf(diag.CodeLiteral, n.Span(), "the value of a constant has to be known at compile time: it can't be %s", why)
		found = true
	}
	syntax.Inspect(e, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.VarExpr, *syntax.MapExpr:
			report(n, "a variable's or a map's")
		case *syntax.CallExpr:
			if c.info.Func(n.Fun.Name) != nil {
				report(n, "what a function returns")
			}
		}
		return !found
	})
	return found
}

// inferredConst is a constant without a written type: a number or a string.
func (c *checker) inferredConst(k *constant) {
	x := k.decl.X
	t := c.expr(x)
	v := c.info.Consts[x.ID()]
	switch {
	case bad(t):
	case v != nil && (t.IsInt() || t.Kind == Bool || t.Kind == String):
		k.typ, k.value, k.lit = t, v, c.lits[x.ID()]
	case t.Kind == Tuple || t.Kind == Record:
		c.errorf(diag.CodeMismatch, x.Span(), "a constant array or struct has its type behind the name").
			Note("`const %s: uint32[] = (1, 2, 3);`", k.decl.Name.Name)
	default:
		c.errorf(diag.CodeLiteral, x.Span(), "the value of a constant has to be known at compile time")
	}
}

// tableConst is a constant array or struct.
func (c *checker) tableConst(k *constant, t *Type) {
	x := unparen(k.decl.X)
	if tuple, ok := x.(*syntax.TupleExpr); ok && t.Kind == Array && t.Len == 0 {
		t = ArrayOf(t.Elem, uint32(len(tuple.Elems)))
	}
	switch {
	case t.Kind == Array && uint64(t.Len)*uint64(t.Elem.Size) > maxTable, t.Size > maxTable:
		c.errorf(diag.CodeRange, k.decl.Span(), "a constant has at most %d bytes", maxTable)
		return
	case t.Size == 0:
		c.errorf(diag.CodeMismatch, k.decl.Type.Span(), "%s has no elements", t).Note(arrayValue)
		return
	}
	table := &Table{Name: k.decl.Name.Name, Type: t, Data: make([]byte, t.Size)}
	if c.constBytes(table.Data, x, t) {
		k.typ, k.table = t, table
	}
}

// constBytes writes the value of x, which is to be of type t, to dst, which is zero; false:
// something is wrong with it.
func (c *checker) constBytes(dst []byte, x syntax.Expr, t *Type) bool {
	switch e := unparen(x).(type) {
	case *syntax.TupleExpr:
		if t.Kind == Array || t.Kind == Struct {
			return c.constTuple(dst, e, t)
		}
	case *syntax.RecordExpr:
		if t.Kind == Struct {
			return c.constRecord(dst, e, t)
		}
	case *syntax.Ident:
		if k := c.consts[e.Name]; k != nil && k.table != nil && Identical(k.typ, t) {
			c.expr(e)
			copy(dst, k.table.Data)
			return true
		}
	}
	if t.Kind == Array && t.Elem.Kind == Int && t.Elem.Size == 1 {
		t = StringType(t.Len) // an array of char
	}
	v := c.constValue(x, t)
	if v == nil {
		return false
	}
	v.put(dst, t)
	return true
}

// put writes k, of type t, to dst as it is in memory.
func (k *Const) put(dst []byte, t *Type) {
	if k.IsStr {
		copy(dst, k.Str)
		return
	}
	for i := range t.Size {
		dst[i] = byte(k.Int >> (8 * i))
	}
}

func (c *checker) constTuple(dst []byte, x *syntax.TupleExpr, t *Type) bool {
	if t.Kind == Array {
		if uint32(len(x.Elems)) != t.Len {
			c.errorf(diag.CodeMismatch, x.Span(), "%s has %s, not %d", t, plural(int(t.Len), "element"), len(x.Elems))
			return false
		}
		ok := true
		for i, e := range x.Elems {
			ok = c.constBytes(dst[uint32(i)*t.Elem.Size:][:t.Elem.Size], e, t.Elem) && ok
		}
		return ok
	}
	members := tupleMembers(t, len(x.Elems))
	if members == nil {
		c.errorf(diag.CodeMismatch, x.Span(), "%s has %s, not %d", t, plural(len(t.S.Fields()), "member"), len(x.Elems))
		return false
	}
	ok := true
	for i, f := range members {
		ok = c.constMember(dst, x.Elems[i], f, f.Offset) && ok
	}
	return ok
}

func (c *checker) constRecord(dst []byte, x *syntax.RecordExpr, t *Type) bool {
	ok := true
	for _, f := range x.Fields {
		sel := Select(t.S, f.Name.Name)
		if sel == nil {
			c.noField(f.Name, t.String(), t.S.Fields())
			ok = false
			continue
		}
		ok = c.constMember(dst, f.X, sel.Field, sel.Offset) && ok
	}
	return ok
}

// constMember writes x into the member f at byte off of a struct.
func (c *checker) constMember(dst []byte, x syntax.Expr, f Field, off uint32) bool {
	if f.BitLen == 0 {
		return c.constBytes(dst[off:][:f.Type.Size], x, f.Type)
	}
	v := c.constValue(x, f.Type)
	if v == nil {
		return false
	}
	for i := range uint32(f.BitLen) {
		bit := uint32(f.BitOff) + i
		dst[off+bit/8] |= byte(v.Int>>i&1) << (bit % 8)
	}
	return true
}

// constValue is the value of x, a number or string, as one of type t; nil: something is wrong
// with it.
func (c *checker) constValue(x syntax.Expr, t *Type) *Const {
	have := c.expr(x)
	v := c.info.Consts[x.ID()]
	switch {
	case bad(have):
		return nil
	case v == nil && c.info.Tables[x.ID()] == nil:
		c.errorf(diag.CodeLiteral, x.Span(), "the value of a constant has to be known at compile time")
		return nil
	case v == nil || !c.assignable(x, have, t):
		d := c.errorf(diag.CodeMismatch, x.Span(), "this is %s, and can't be assigned %s", t, have)
		if t.Kind == Array {
			d.Note(arrayValue)
		}
		return nil
	case v.IsStr:
		return v
	}
	return &Const{Int: truncate(v.Int, t)}
}

// constName types the name of a constant.
func (c *checker) constName(e *syntax.Ident, k *constant) *Type {
	if k.value != nil {
		c.setConst(e, k.value, k.lit)
	}
	if k.table != nil {
		c.info.Tables[e.ID()] = k.table
	}
	return k.typ
}

// inTable reports whether e is an element or member of a constant, or all of it.
func (c *checker) inTable(e syntax.Expr) bool {
	for {
		switch x := unparen(e).(type) {
		case *syntax.IndexExpr:
			e = x.X
		case *syntax.FieldExpr:
			e = x.X
		default:
			return c.info.Tables[x.ID()] != nil
		}
	}
}
