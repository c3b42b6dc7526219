package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// index types `x[i]`: an element of a map, array, tuple, string, or of what a pointer leads to.
func (c *checker) index(e *syntax.IndexExpr) *Type {
	if m, ok := e.X.(*syntax.MapExpr); ok {
		v := c.mapNamed(m.Name)
		c.record(m, voidType())
		if v.known && v.scalar {
			c.keyType(e.Args)
			return invalidType() // reported where it was bound
		}
		c.mapKey(e, v, e.Args)
		return c.valueOf(v)
	}
	t := c.expr(e.X)
	if len(e.Args) != 1 {
		c.errorf(diag.CodeIndex, e.Span(), "only a map has keys of several values")
		return invalidType()
	}
	i := c.expr(e.Args[0])
	if bad(t) || bad(i) {
		return worse(t, i)
	}
	return c.elementAt(e, t, i)
}

func (c *checker) elementAt(e *syntax.IndexExpr, t, i *Type) *Type {
	switch t.Kind {
	case Tuple:
		return c.tupleElement(e, t)
	case Array:
		if !c.checkIndex(e, i, t.Len) {
			return invalidType()
		}
		return c.loaded(t.Elem, noBTF(t.Space), t.Ctx)
	case String:
		if !c.checkIndex(e, i, t.Size) {
			return invalidType()
		}
		c.foldIndex(e)
		return IntType(1, true)
	case Pointer:
		t.Elem.complete()
		if t.Elem.Size == 0 {
			c.errorf(diag.CodeIndex, e.Span(), "what %s points to has no size", t)
			return invalidType()
		}
		if !c.checkIndex(e, i, 0) {
			return invalidType()
		}
		return c.loaded(t.Elem, noBTF(t.Space), false)
	}
	c.errorf(diag.CodeIndex, e.Span(), "arrays, pointers, tuples and maps have elements; %s has none", t)
	return invalidType()
}

// noBTF is the space of what is reached by a computed address: the verifier doesn't
// follow it.
func noBTF(s Space) Space {
	if s == SpaceBTF {
		return SpaceKernel
	}
	return s
}

// MemberType is t, a member of s, as it's read: arrays of char are strings, which is what
// they hold nearly always, and of the kernel's structs all arrays of bytes. Without a struct, nil,
// t is what an array or a pointer leads to.
func MemberType(s *StructType, t *Type) *Type {
	if t.Kind == Array && t.Elem.Kind == Int && t.Elem.Size == 1 && t.Len > 0 &&
		(t.Elem.Name == "char" || s != nil && s.BTFID != 0) {
		return StringType(t.Len)
	}
	if t.Kind == Array && t.Elem.Kind == Array {
		if elem := MemberType(nil, t.Elem); elem != t.Elem {
			return ArrayOf(elem, t.Len)
		}
	}
	return t
}

// loaded is the type of a value of type t read from space s. Pointers read from it point
// into the same space, unless the machine marks them as user space's.
func (c *checker) loaded(t *Type, s Space, ctx bool) *Type {
	u := *MemberType(nil, t)
	if u.Kind != Pointer || u.Space != SpaceUser {
		u.Space = s
	}
	u.Ctx = ctx && (u.Kind == Struct || u.Kind == Array)
	if s == SpaceCtx && !u.Ctx {
		u.Space = c.probeSpace()
	}
	return &u
}

// checkIndex checks an index against the number of elements, 0: unknown.
func (c *checker) checkIndex(e *syntax.IndexExpr, i *Type, n uint32) bool {
	x := e.Args[0]
	if k := c.info.Consts[x.ID()]; k != nil && c.lits[x.ID()] && i.IsInt() {
		if n != 0 && (k.Int >= uint64(n)) {
			c.errorf(diag.CodeIndex, x.Span(), "the index %s is out of bounds for array of size %d", number(k, i), n)
			return false
		}
		return true
	}
	// The bounds of the script's own arrays are checked: a negative number is out of them.
	own := (syntax.PlaceVar(e.X) != nil || c.inTable(e.X)) && c.info.Types[e.X.ID()].Kind == Array
	if !i.IsInt() || i.Signed && !i.Flex && !own {
		c.errorf(diag.CodeIndex, x.Span(), "an index is an unsigned integer, not %s", i).
			Note("cast it: `(uint64)…`")
		return false
	}
	return true
}

// foldIndex computes a byte of a string literal.
func (c *checker) foldIndex(e *syntax.IndexExpr) {
	s, i := c.info.Consts[e.X.ID()], c.info.Consts[e.Args[0].ID()]
	if s == nil || !s.IsStr || i == nil {
		return
	}
	var b byte
	if i.Int < uint64(len(s.Str)) {
		b = s.Str[i.Int]
	}
	c.setConst(e, &Const{Int: uint64(b)}, true)
}

func (c *checker) tupleElement(e *syntax.IndexExpr, t *Type) *Type {
	k := c.info.Consts[e.Args[0].ID()]
	if k == nil || k.IsStr {
		c.errorf(diag.CodeLiteral, e.Args[0].Span(), "the index of a tuple has to be known at compile time")
		return invalidType()
	}
	return c.nth(e, t, k.Int)
}

// tupleIndex types `x.0`.
func (c *checker) tupleIndex(e *syntax.TupleIndex) *Type {
	t := c.expr(e.X)
	switch {
	case bad(t):
		return t
	case isNumber(e.X):
		c.errorf(diag.CodeIndex, e.Span(), "numbers are integers: there are no fractions").
			Note("printf's %%f prints quotients with decimals: `printf(\"%%.2f\\n\", 3 / 2)`")
		return invalidType()
	case t.Kind != Tuple:
		c.errorf(diag.CodeIndex, e.Span(), "%s has no element %d: it's no tuple", t, e.N)
		return invalidType()
	}
	if x, ok := unparen(e.X).(*syntax.TupleExpr); ok && e.N < len(x.Elems) && c.lits[x.Elems[e.N].ID()] {
		c.setConst(e, c.info.Consts[x.Elems[e.N].ID()], true)
	}
	return c.nth(e, t, uint64(e.N))
}

func isNumber(e syntax.Expr) bool { _, ok := e.(*syntax.IntLit); return ok }

func (c *checker) nth(e syntax.Expr, t *Type, n uint64) *Type {
	if n >= uint64(len(t.Fields)) {
		c.errorf(diag.CodeIndex, e.Span(), "the tuple has %s; there is no element %d", plural(len(t.Fields), "element"), n)
		return invalidType()
	}
	f := t.Fields[n]
	c.info.Fields[e.ID()] = &Selection{Path: []Field{f}, Offset: f.Offset, Field: f, Index: int(n)}
	return f.Type
}

// field types `x.name`, going through any number of pointers.
func (c *checker) field(e *syntax.FieldExpr) *Type {
	if c.isConfig(e.X) {
		return c.configField(e)
	}
	t := c.expr(e.X)
	if bad(t) {
		return t
	}
	space, ctx := t.Space, t.Ctx
	for depth := 0; t.Kind == Pointer; depth++ {
		if space = t.Space; depth > 0 {
			space = noBTF(space)
		}
		ctx = space == SpaceCtx
		t = t.Elem
	}
	switch t.Kind {
	case Record:
		return c.recordField(e, t)
	case Struct:
		return c.member(e, t, space, ctx)
	}
	c.errorf(diag.CodeNoFields, e.Span(), "%s has no fields", t)
	return invalidType()
}

func (c *checker) recordField(e *syntax.FieldExpr, t *Type) *Type {
	i, ok := t.field(e.Name.Name)
	if !ok {
		c.noField(e.Name, "the record", t.Fields)
		return invalidType()
	}
	f := t.Fields[i]
	c.info.Fields[e.ID()] = &Selection{Path: []Field{f}, Offset: f.Offset, Field: f, Index: i}
	if x, ok := unparen(e.X).(*syntax.RecordExpr); ok && c.lits[x.Fields[i].X.ID()] {
		c.setConst(e, c.info.Consts[x.Fields[i].X.ID()], true)
	}
	if info, ok := unparen(e.X).(*syntax.TypeinfoExpr); ok {
		c.typeinfoField(e, info)
	}
	return f.Type
}

// member types a struct's or union's field.
func (c *checker) member(e *syntax.FieldExpr, t *Type, space Space, ctx bool) *Type {
	sel := Select(t.S, e.Name.Name)
	if sel == nil {
		what := structName(t.S)
		if ctx && t.S == c.argsStruct() {
			what = "args"
		}
		c.noField(e.Name, what, t.S.Fields())
		return invalidType()
	}
	if ctx && c.tracepointCommon(t, sel) {
		c.errorf(diag.CodeCommonField, e.Name.Span(), "programs can't read the common fields of a tracepoint, such as %s", e.Name.Name)
		return invalidType()
	}
	c.info.Fields[e.ID()] = sel
	if throughUnion(t.S, sel) {
		space = noBTF(space)
	}
	return c.fieldValue(t.S, sel, space, ctx)
}

// fieldValue is the type of a member read from space.
func (c *checker) fieldValue(s *StructType, sel *Selection, space Space, ctx bool) *Type {
	t := MemberType(s, sel.Field.Type)
	switch {
	case sel.Field.DataLoc:
		return t.In(SpaceKernel)
	case ctx && t.Kind == Pointer && s == c.argsStruct() && t.Space != SpaceUser:
		return t.In(c.argSpace(t))
	}
	u := c.loaded(t, space, ctx)
	if u.Kind == Pointer && u.Space == SpaceBTF && !followable(u) {
		u = u.In(SpaceKernel)
	}
	return u
}

// followable reports whether the verifier knows what a kernel pointer leads to.
func followable(t *Type) bool {
	return t.Elem.Kind == Struct && t.Elem.S.BTFID != 0 && t.Elem.Size != 0 && !t.Elem.S.Forward
}

// throughUnion: of the members of a union at one place the verifier takes the first.
func throughUnion(s *StructType, sel *Selection) bool {
	for _, f := range sel.Path {
		if s == nil || s.Union {
			return true
		}
		s = f.Type.S
	}
	return false
}

// tracepointCommon: the first 8 bytes of a tracepoint's record are common_type … common_pid.
func (c *checker) tracepointCommon(t *Type, sel *Selection) bool {
	return c.unit != nil && c.unit.Sig == nil && t.S == c.unit.Args && sel.Offset < 8 && c.isTracepoint()
}

// fieldNames are the names that can be written after the dot, those of anonymous members included.
func fieldNames(fields []Field) []string {
	var names []string
	for _, f := range fields {
		switch {
		case f.Name != "":
			names = append(names, f.Name)
		case f.Type.Kind == Struct:
			names = append(names, fieldNames(f.Type.S.Fields())...)
		}
	}
	return names
}

// Select finds the member called name of s, also in anonymous structs and unions; nil:
// there is none.
func Select(s *StructType, name string) *Selection {
	for _, f := range s.Fields() {
		if f.Name == name {
			return &Selection{Path: []Field{f}, Offset: f.Offset, Field: f}
		}
	}
	for _, f := range s.Fields() {
		if f.Name != "" || f.Type.Kind != Struct {
			continue
		}
		if in := Select(f.Type.S, name); in != nil {
			in.Path = append([]Field{f}, in.Path...)
			in.Offset += f.Offset
			return in
		}
	}
	return nil
}
