package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// let types `let $x [: type] [= value]`.
func (c *checker) let(s *syntax.Let) {
	var t *Type
	if s.X != nil {
		t = c.expr(s.X)
	}
	v := c.info.Locals[s.Name.ID()]
	if v == nil {
		return
	}
	if s.Type != nil {
		c.letType(s, v)
	}
	if s.X != nil {
		c.assignVar(s.Name, s.Span(), s.X, t)
	}
	c.record(s.Name, v.Type)
}

// letType gives a variable its declared type. One without a size, such as string, still
// grows by its assignments.
func (c *checker) letType(s *syntax.Let, v *Local) {
	t := c.typeExpr(s.Type)
	if tuple, ok := unparen(s.X).(*syntax.TupleExpr); ok && !bad(t) && t.Kind == Array && t.Len == 0 {
		t = ArrayOf(t.Elem, uint32(len(tuple.Elems))) // as long as its value
	}
	switch {
	case bad(t):
		c.failed[v] = c.failed[v] || t != nil
	case t.Kind == Void || t.IsAggregate():
		c.failed[v] = true
		c.errorf(diag.CodeMismatch, s.Type.Span(), "a variable can't be %s", t)
	case t.Size > maxSize:
		c.failed[v] = true
		c.tooLarge(s.Type.Span(), uint64(t.Size), maxSize)
	case t.Size == 0 && (t.Kind == String || t.Kind == Buf || t.Kind == Array):
		if v.Type == nil {
			c.grow(&v.Type, t)
		}
	default:
		c.declared[v] = true
		c.grow(&v.Type, t)
	}
}

// assign types `target op value`.
func (c *checker) assign(s *syntax.Assign) {
	if c.assignAggregate(s) {
		return
	}
	var t *Type
	switch {
	case s.Op == syntax.ASSIGN:
		t = c.expr(s.X)
	default:
		x := c.expr(s.Target)
		y := c.expr(s.X)
		t = c.binaryType(s.Op, s.Span(), s.Target, s.X, x, y)
	}
	switch target := s.Target.(type) {
	case *syntax.VarExpr:
		c.assignVar(target, s.Span(), s.X, t)
	case *syntax.MapExpr, *syntax.IndexExpr, *syntax.FieldExpr:
		if syntax.PlaceVar(target) != nil {
			c.assignPart(s, t)
			return
		}
		c.assignMap(s, t)
	default:
		c.expr(s.Target)
		c.errorf(diag.CodeAssign, s.Target.Span(), "this can't be assigned")
	}
}

// assignPart types the assignment of a value of type t to an element or member of what is in a
// variable.
func (c *checker) assignPart(s *syntax.Assign, t *Type) {
	want := c.part(s.Target)
	if bad(want) || bad(t) {
		return
	}
	if !c.assignable(s.X, t, want) {
		c.errorf(diag.CodeMismatch, s.Span(), "this is %s, and can't be assigned %s", want, t)
	}
}

// part is the type of an element or member that can be set: it lies in the variable itself,
// and not behind a pointer in it.
func (c *checker) part(e syntax.Expr) *Type {
	t := c.expr(e)
	if bad(t) {
		return t
	}
	for x := unparen(e); ; {
		var in syntax.Expr
		switch p := x.(type) {
		case *syntax.IndexExpr:
			in = unparen(p.X)
		case *syntax.FieldExpr:
			in = unparen(p.X)
		default:
			return t
		}
		if k := c.info.Types[in.ID()]; k == nil || k.Kind != Array && k.Kind != Struct || k.Ctx {
			d := c.errorf(diag.CodeAssign, e.Span(), "tuples, records and the memory of the traced program can't be changed")
			if k != nil && k.Kind != Pointer {
				d.Note("make a new value and assign that")
			}
			return invalidType()
		}
		x = in
	}
}

func (c *checker) assignVar(target *syntax.VarExpr, at diag.Span, x syntax.Expr, t *Type) {
	v := c.info.Locals[target.ID()]
	if v == nil {
		return
	}
	defer func() { c.record(target, v.Type) }()
	if bad(t) {
		c.failed[v] = c.failed[v] || t != nil
		return
	}
	if t.Kind == Void || t.IsAggregate() && !t.Castable() {
		c.failed[v] = true
		c.errorf(diag.CodeAggregate, at, "a variable can't hold %s", describe(t))
		return
	}
	if !c.declared[v] {
		if up := Promote(v.Type, t); up != nil {
			c.grow(&v.Type, up)
		} else {
			c.mismatch(at, v.Name, t, v.Type, v.Decl)
			return
		}
	}
	if !c.assignable(x, t, v.Type) {
		c.mismatch(at, v.Name, t, v.Type, v.Decl)
	}
}

// mismatch reports a value of type t for what is of another type. Of a variable or map that's
// said once: where many differ from one, that one may be wrong.
func (c *checker) mismatch(at diag.Span, name string, t, have *Type, from diag.Span) {
	if c.quiet || c.mismatched[said{from, name}] {
		return
	}
	c.mismatched[said{from, name}] = from != at
	d := c.errorf(diag.CodeMismatch, at, "%s is %s, and can't be assigned %s", name, have, t)
	switch {
	case have.Kind == Array && t.Kind == Tuple && int(have.Len) != len(t.Fields):
		d.Note("it has %s, not %d", plural(int(have.Len), "element"), len(t.Fields))
	case have.Kind == Array && t.IsInt():
		d.Note(arrayValue)
	}
	if from.IsValid() && from != at {
		d.NoteAt(from, "it got its type here")
	}
}

// assignMap types the assignment of a value of type t to a map or an element.
func (c *checker) assignMap(s *syntax.Assign, t *Type) {
	m := c.target(s.Target)
	if m == nil {
		c.expr(s.Target)
		c.errorf(diag.CodeAssign, s.Target.Span(), "this can't be assigned")
		return
	}
	defer func() { c.record(s.Target, m.Value) }()
	if bad(t) {
		m.pend(t)
		return
	}
	if t.Kind == Void {
		m.failed = true
		c.errorf(diag.CodeAggregate, s.Span(), "a map can't hold %s", describe(t))
		return
	}
	if t.IsAggregate() && (m.Value == nil || !m.Value.IsInt()) {
		c.copiedAggregate(s, m, t)
		return
	}
	c.growMap(m, s.Span(), s.X, t)
}

// copiedAggregate reports `@a = @b` of an aggregation.
func (c *checker) copiedAggregate(s *syntax.Assign, m *mapVar, t *Type) {
	m.failed = true
	d := c.errorf(diag.CodeAggregate, s.Span(), "%s can't be copied from one map to another", describe(t)).
		Note("the function has to be called here: `%s = %s;`", m.Name, aggregateCall(t.Kind))
	if t.Castable() && s.X != nil {
		d.Note("or take its value as an integer: `(int64)…`")
	}
}

// growMap widens the value type of m by t.
func (c *checker) growMap(m *mapVar, at diag.Span, x syntax.Expr, t *Type) {
	t = stored(t)
	if m.Value != nil && m.Value.IsAggregate() {
		c.mismatch(at, m.Name, t, m.Value, m.valueAt)
		return
	}
	up := Promote(m.Value, t)
	if up == nil {
		c.mismatch(at, m.Name, t, m.Value, m.valueAt)
		return
	}
	if m.Value == nil {
		m.valueAt = at
	}
	c.grow(&m.Value, up)
	if x != nil && !c.assignable(x, t, m.Value) {
		c.mismatch(at, m.Name, t, m.Value, m.valueAt)
	}
}

// stored is what remains of a type in a map: the verifier forgets which kernel object a
// pointer led to.
func stored(t *Type) *Type {
	switch {
	case t.Kind == Pointer && t.Space == SpaceBTF:
		return t.In(SpaceKernel)
	case t.Kind == Tuple || t.Kind == Record:
		fields := make([]Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = Field{Name: f.Name, Type: stored(f.Type)}
		}
		return layOut(t.Kind, fields)
	}
	return t
}

// target is the map that an assignment's target stands for, whose key it types; nil when
// it's something else.
func (c *checker) target(e syntax.Expr) *mapVar {
	switch e := e.(type) {
	case *syntax.MapExpr:
		m := c.mapNamed(e.Name)
		m.read = true
		return c.agreeing(e, m, true)
	case *syntax.IndexExpr:
		if x, ok := e.X.(*syntax.MapExpr); ok {
			c.record(x, voidType())
			m := c.agreeing(x, c.mapNamed(x.Name), false)
			c.mapKey(e, m, e.Args)
			return m
		}
	}
	return nil
}

// agreeing is m, or a map that is nowhere else, when m is used with keys here and without
// elsewhere, or the other way: that was reported where it was bound.
func (c *checker) agreeing(at *syntax.MapExpr, m *mapVar, scalar bool) *mapVar {
	if !m.known || m.scalar == scalar {
		return m
	}
	return &mapVar{MapInfo: &MapInfo{Name: m.Name, Decl: at.Span()}}
}

// assignable reports whether value x of type t goes into type want, and warns where that
// may change it. It's where ssagen converts.
func (c *checker) assignable(x syntax.Expr, t, want *Type) bool {
	switch {
	case want == nil || Identical(t, want):
		return true
	case (t.IsInt() || t.Castable()) && (want.IsInt() || want.Castable()):
		return c.fitInt(x, t, want)
	case t.Kind == Bool && want.Kind == Int:
		return want.Name == "bool" // of a C definition
	case t.Kind == Tuple && want.Kind == Array:
		return c.fitElements(x, t, want)
	case (t.Kind == Tuple || t.Kind == Record) && want.Kind == Struct:
		return c.fitStruct(x, t, want)
	case t.Kind != want.Kind:
		return false
	case t.Kind == String:
		return t.Size <= want.Size || want.Size == 0
	case t.Kind == Tuple || t.Kind == Record:
		return c.fitFields(x, t, want)
	case t.Kind == Pointer, t.Kind == Buf:
		return true
	case t.Kind == Array:
		return Identical(t.Elem, want.Elem) && (want.Len == 0 || t.Len == want.Len)
	}
	return false
}

// fitElements: a tuple that is written out goes into an array of as many elements.
func (c *checker) fitElements(x syntax.Expr, t, want *Type) bool {
	tuple, ok := unparen(x).(*syntax.TupleExpr)
	if !ok || uint32(len(tuple.Elems)) != want.Len {
		return false
	}
	for i, e := range tuple.Elems {
		if !c.assignable(e, t.Fields[i].Type, want.Elem) {
			return false
		}
	}
	return true
}

// fitInt: a literal has to be in range; of others only a warning is given.
func (c *checker) fitInt(x syntax.Expr, t, want *Type) bool {
	if x != nil && c.lits[x.ID()] {
		if k := c.info.Consts[x.ID()]; k != nil {
			return holds(want, k.Int, t.Signed && int64(k.Int) < 0)
		}
	}
	sameEnum := t.Kind == Enum && want.Kind == Enum && t.enumName() == want.enumName()
	if x != nil && !Fits(t, want) && !t.Castable() && !sameEnum {
		c.warnf(diag.CodeNarrow, x.Span(), "%s becomes %s here, which doesn't hold all of its values", t, want).
			Note("an explicit cast silences this")
	}
	return true
}

func (c *checker) fitFields(x syntax.Expr, t, want *Type) bool {
	if !Compatible(t, want) {
		return false
	}
	for i, f := range t.Fields {
		j := i
		if t.Kind == Record {
			j, _ = want.field(f.Name)
		}
		if !c.assignable(element(x, i), f.Type, want.Fields[j].Type) {
			return false
		}
	}
	return true
}

// element is the i-th expression of a tuple or record that is written out.
func element(x syntax.Expr, i int) syntax.Expr {
	if x == nil {
		return nil
	}
	switch x := unparen(x).(type) {
	case *syntax.TupleExpr:
		return x.Elems[i]
	case *syntax.RecordExpr:
		return x.Fields[i].X
	}
	return x
}

// describe names what can't be a value.
func describe(t *Type) string {
	if t.Kind == Void {
		return "what has no value"
	}
	return "a " + t.String()
}
