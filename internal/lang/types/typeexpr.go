package types

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// typeName is the language's own type called name; nil: there is none.
func typeName(name string) *Type {
	switch name {
	case "bool":
		return boolType()
	case "int8", "int16", "int32", "int64":
		return IntType(map[string]uint32{"int8": 1, "int16": 2, "int32": 4, "int64": 8}[name], true)
	case "uint8", "uint16", "uint32", "uint64":
		return IntType(map[string]uint32{"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8}[name], false)
	case "void":
		return voidType()
	case "string":
		return StringType(0)
	case "buffer":
		return BufType(0)
	}
	if k, signed, ok := kindByName(name); ok {
		t := plain(k)
		t.Signed = signed
		return t
	}
	return nil
}

// typeNames are the types that most scripts name, to be suggested.
var typeNames = []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "void", "string", "buffer"}

func kindByName(name string) (k Kind, signed, ok bool) {
	kinds := map[string]Kind{
		"count_t": Count, "sum_t": Sum, "avg_t": Avg, "min_t": Min, "max_t": Max, "stats_t": Stats,
		"usum_t": Sum, "uavg_t": Avg, "umin_t": Min, "umax_t": Max, "ustats_t": Stats,
		"timestamp": Timestamp, "macaddr_t": Mac, "cgroup_path_t": CgroupPath, "inet": Inet,
		"username_t": Username,
	}
	k, ok = kinds[name]
	return k, ok && name[0] != 'u' && k >= Sum && k <= Stats, ok
}

// lookupType finds a named type: the language's, then the script's C definitions, then
// the kernel's.
func (c *checker) lookupType(tag, name string) (*Type, bool) {
	if tag == "" {
		if t := typeName(name); t != nil {
			return t, true
		}
	} else {
		name = tag + " " + name
	}
	if c.opt.CDefs != nil {
		if t, ok := c.opt.CDefs.Type(name); ok {
			return t, true
		}
	}
	if t, ok := c.env.Type(name); ok {
		return t, true
	}
	if t, ok := c.userType(name); ok {
		return t, true
	}
	if t, ok := c.moduleType(name); ok || c.opt.CDefs == nil {
		return t, ok
	}
	return c.opt.CDefs.Late(name)
}

// moduleType looks a type up in the modules, first in that of the function that the probe is at.
func (c *checker) moduleType(name string) (*Type, bool) {
	if c.kindIs(probe.Kprobe, probe.Fentry, probe.Fexit) && len(c.unit.Points) > 0 && c.unit.Points[0].Target != "bpf" {
		pt := c.unit.Points[0]
		return c.env.ModuleType(name, pt.Target, pt.Func)
	}
	return c.env.ModuleType(name, "", "")
}

// userType looks a type up in the binary of a user probe. Each is looked for once, so that it
// stays the same type.
func (c *checker) userType(name string) (*Type, bool) {
	if c.unit == nil || !c.kindIs(userKinds()...) || len(c.unit.Points) == 0 {
		return nil, false
	}
	key := [2]string{binary(c.unit.Points[0]), name}
	t, seen := c.userTypes[key]
	if !seen {
		t, _ = c.env.UserType(key[0], name)
		c.userTypes[key] = t
	}
	return t, t != nil
}

// typeExpr resolves a type as written, and records it.
func (c *checker) typeExpr(e *syntax.TypeExpr) *Type {
	return c.record(e, c.writtenType(e))
}

func (c *checker) writtenType(e *syntax.TypeExpr) *Type {
	t := c.baseType(e)
	if bad(t) {
		return t
	}
	if e.Size != nil {
		n, ok := c.dimension(e.Size)
		if !ok {
			return invalidType()
		}
		u := *t
		if u.Kind == String || u.Kind == Buf {
			u.Size = n
		}
		t = &u
	}
	for range e.Ptr {
		t = PointerTo(t, SpaceNone)
	}
	for _, d := range e.Dims {
		n := uint32(0)
		if d != nil {
			var ok bool
			if n, ok = c.dimension(d); !ok {
				return invalidType()
			}
		}
		if uint64(n)*uint64(t.Size) > maxSize {
			c.tooLarge(e.Span(), uint64(n)*uint64(t.Size), maxSize)
			return invalidType()
		}
		t = ArrayOf(t, n)
	}
	return t
}

// The largest values that a script makes, in bytes. A tuple of tuples of tuples … gets long with few words.
const (
	maxSize  = 1 << 24
	maxTuple = 1 << 20
)

func (c *checker) tooLarge(at diag.Span, size, limit uint64) {
	c.errorf(diag.CodeRange, at, "this has %d bytes, and can have at most %d", size, limit)
}

func (c *checker) baseType(e *syntax.TypeExpr) *Type {
	switch {
	case e.Elem != nil:
		return c.typeExpr(e.Elem)
	case e.TypeofType != nil:
		return c.typeExpr(e.TypeofType)
	case e.Typeof != nil:
		t := c.typeOrExpr(nil, e.Typeof)
		if t != nil && t.Flex {
			t = t.fixed()
		}
		return t
	}
	if t, ok := c.lookupType(e.Tag, e.Name); ok {
		return t
	}
	name := e.Name
	if e.Tag != "" {
		name = e.Tag + " " + name
	}
	d := c.errorf(diag.CodeUnknownType, e.Span(), "unknown type: %s", name)
	if near := nearest(name, typeNames); near != "" && e.Tag == "" {
		d.Suggest(near)
	}
	return invalidType()
}

// dimension is the value of an array's size.
func (c *checker) dimension(e syntax.Expr) (uint32, bool) {
	t := c.expr(e)
	k := c.info.Consts[e.ID()]
	if bad(t) {
		return 0, false
	}
	if k == nil || k.IsStr || !t.IsInt() || t.Signed && int64(k.Int) < 0 || k.Int > 1<<20 {
		c.errorf(diag.CodeLiteral, e.Span(), "the size of a type is a number from 0 to %d, known at compile time", 1<<20)
		return 0, false
	}
	return uint32(k.Int), true
}

// quietly types an expression that isn't run.
func (c *checker) quietly(e syntax.Expr) *Type {
	c.meta++
	defer func() { c.meta-- }()
	return c.expr(e)
}

// typeOrExpr is the type that sizeof and its like are asked about. A lone name may be
// either a type's or a value's.
func (c *checker) typeOrExpr(t *syntax.TypeExpr, x syntax.Expr) *Type {
	if t != nil {
		return c.typeExpr(t)
	}
	if id, ok := unparen(x).(*syntax.Ident); ok {
		if named, ok := c.lookupType("", id.Name); ok {
			return c.record(id, named)
		}
	}
	return c.quietly(x)
}

func (c *checker) sizeof(e *syntax.SizeofExpr) *Type {
	t := c.typeOrExpr(e.Type, e.X)
	if bad(t) {
		return t
	}
	return c.literal(e, sizeOf(t), false)
}

// sizeOf is what sizeof tells of a type: the bytes that bpftrace keeps of it, whatever skep
// takes. Only values that user space gives a form differ.
func sizeOf(t *Type) uint64 {
	switch t.Kind {
	case Inet:
		return 24 // the family's 8 bytes, and an address
	case Timestamp, CgroupPath:
		return 16 // which format or directory, and the number
	case Kstack:
		return 8 + 8*uint64(t.Stack.Limit) // the count, and the frames
	case Ustack:
		return 16 + 8*uint64(t.Stack.Limit) // and the process
	}
	if t.IsAggregate() {
		return 8
	}
	return uint64(t.Bytes())
}

func (c *checker) offsetof(e *syntax.OffsetofExpr) *Type {
	t := c.typeOrExpr(e.Type, e.X)
	if bad(t) {
		return t
	}
	off := uint32(0)
	for _, id := range e.Path {
		if t.Kind != Struct {
			c.errorf(diag.CodeNoFields, id.Span(), "%s has no fields", t)
			return invalidType()
		}
		sel := Select(t.S, id.Name)
		if sel == nil {
			c.noField(id, t.String(), t.S.Fields())
			return invalidType()
		}
		off += sel.Offset + uint32(sel.Field.BitOff/8)
		t = sel.Field.Type
	}
	return c.literal(e, uint64(off), false)
}

// typeinfo is a record of strings that tell a type.
func (c *checker) typeinfo(e *syntax.TypeinfoExpr) *Type {
	t := c.typeOrExpr(e.Type, e.X)
	if bad(t) {
		return t
	}
	if c.unstable["unstable_typeinfo"] == unstableError && e.Span().IsValid() {
		c.errorf(diag.CodeUnstable, e.Span(), "typeinfo may still change, and isn't enabled").
			Note("`config = { unstable_typeinfo=enable }` enables it")
		return invalidType()
	}
	values := typeinfoOf(t)
	fields := make([]Field, len(values))
	for i, f := range values {
		fields[i] = Field{Name: f.name, Type: IntType(8, false)}
		if f.IsStr {
			fields[i].Type = StringType(uint32(len(f.Str)) + 1)
		}
	}
	info := RecordOf(fields)
	data := make([]byte, info.Bytes())
	for i, f := range info.Fields {
		values[i].put(data[f.Offset:], f.Type)
	}
	c.info.Tables[e.ID()] = &Table{Name: "typeinfo", Type: info, Data: data}
	return info
}

// namedConst is a field of what typeinfo tells.
type namedConst struct {
	name string
	Const
}

func typeinfoOf(t *Type) []namedConst {
	id := uint32(0)
	if t.Kind == Struct {
		id = t.S.BTFID
	}
	return []namedConst{
		{"btf_id", Const{Int: uint64(id)}},
		{"base_type", Const{IsStr: true, Str: t.Kind.String()}},
		{"full_type", Const{IsStr: true, Str: t.String()}},
	}
}

// typeinfoField computes `typeinfo(x).name`.
func (c *checker) typeinfoField(e *syntax.FieldExpr, info *syntax.TypeinfoExpr) {
	t := c.typeOrExpr(info.Type, info.X)
	if bad(t) {
		return
	}
	for _, f := range typeinfoOf(t) {
		switch {
		case f.name != e.Name.Name:
		case f.IsStr:
			c.stringConst(e, f.Str)
		default:
			c.setConst(e, &f.Const, true)
		}
	}
}
