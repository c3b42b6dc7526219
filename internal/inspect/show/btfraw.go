package show

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// kindNames are the kinds of types by number (BTF_KIND_…).
var kindNames = []string{
	"UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST", "RESTRICT",
	"FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
}

// linkages are a function's or variable's.
var linkages = []string{"static", "global", "extern"}

// field is a property of a type; several in a list make a row of it.
type field struct {
	name  string
	value any
}

// rawType is a type's record as properties, and its list of members, values or the like.
type rawType struct {
	fields []field
	list   string // its name in JSON
	rows   [][]field
}

func anon(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

// BTFRaw prints the types from one id to another as they are.
func (p *Printer) BTFRaw(b *kern.BTF, ids []kern.TypeID) error {
	if j := p.JSON; j != nil {
		j.Open("{")
		j.Name("types")
		j.Open("[")
	}
	for _, id := range ids {
		p.rawType(b.Type(id))
		if err := p.Err(); err != nil {
			return err
		}
	}
	if j := p.JSON; j != nil {
		j.End("]")
		j.End("}")
	}
	return nil
}

func (p *Printer) rawType(t kern.Type) {
	r := describe(t)
	kind := kindNames[t.Kind()]
	if j := p.JSON; j != nil {
		j.Open("{")
		j.Member("id", t.ID)
		j.Member("kind", kind)
		j.Member("name", anon(t.Name()))
		for _, f := range r.fields {
			j.Member(f.name, f.value)
		}
		if r.list != "" {
			j.Name(r.list)
			j.Open("[")
			for _, row := range r.rows {
				j.Open("{")
				for _, f := range row {
					j.Member(f.name, f.value)
				}
				j.End("}")
			}
			j.End("]")
		}
		j.End("}")
		return
	}
	p.printf("[%d] %s '%s'", t.ID, kind, anon(t.Name()))
	for i, f := range r.fields {
		comma := ""
		if t.Kind() == kern.KindVar && i == 0 {
			comma = ","
		}
		p.printf(" %s=%v%s", f.name, f.value, comma)
	}
	for _, row := range r.rows {
		p.printf("\n\t")
		p.rawRow(t, row)
	}
	p.printf("\n")
}

func (p *Printer) rawRow(t kern.Type, row []field) {
	for i, f := range row {
		if i > 0 {
			p.printf(" ")
		}
		switch {
		case f.name == "name":
			p.printf("'%s'", f.value)
		case f.name == "val" && t.Kind() == kern.KindEnum64 && t.Flag():
			p.printf("val=%dLL", f.value)
		case f.name == "val" && t.Kind() == kern.KindEnum64:
			p.printf("val=%dULL", f.value)
		default:
			p.printf("%s=%v", f.name, f.value)
		}
	}
	if t.Kind() == kern.KindDatasec {
		if id, ok := row[0].value.(kern.TypeID); ok {
			v := t.BTF().Type(id)
			p.printf(" (%s '%s')", kindNames[v.Kind()], anon(v.Name()))
		}
	}
}

// describe takes a type's record apart.
func describe(t kern.Type) (r rawType) {
	add := func(name string, v any) { r.fields = append(r.fields, field{name, v}) }
	switch t.Kind() {
	case kern.KindInt:
		signed, char, boolean, bits := t.Int()
		enc := "(none)"
		switch {
		case signed:
			enc = "SIGNED"
		case char:
			enc = "CHAR"
		case boolean:
			enc = "BOOL"
		}
		add("size", t.Size())
		add("bits_offset", t.IntOffset())
		add("nr_bits", bits)
		add("encoding", enc)
	case kern.KindPtr, kern.KindConst, kern.KindVolatile, kern.KindRestrict, kern.KindTypedef, kern.KindTypeTag:
		add("type_id", t.Ref().ID)
	case kern.KindArray:
		elem, n := t.Array()
		add("type_id", elem.ID)
		add("index_type_id", t.Index().ID)
		add("nr_elems", n)
	case kern.KindStruct, kern.KindUnion:
		add("size", t.Size())
		add("vlen", t.Vlen())
		r.list = "members"
		t.Members(func(m kern.Member) bool {
			row := []field{{"name", anon(m.Name)}, {"type_id", m.Type.ID}, {"bits_offset", m.Bit}}
			if m.Bits != 0 {
				row = append(row, field{"bitfield_size", m.Bits})
			}
			r.rows = append(r.rows, row)
			return true
		})
	case kern.KindEnum, kern.KindEnum64:
		describeEnum(t, &r)
	case kern.KindFwd:
		add("fwd_kind", kern.Tag(t))
	case kern.KindFunc:
		add("type_id", t.Ref().ID)
		add("linkage", linkage(uint32(t.Vlen())))
	case kern.KindFuncProto:
		add("ret_type_id", t.Ref().ID)
		add("vlen", t.Vlen())
		r.list = "params"
		for _, p := range t.Params() {
			r.rows = append(r.rows, []field{{"name", anon(p.Name)}, {"type_id", p.Type.ID}})
		}
	case kern.KindVar:
		add("type_id", t.Ref().ID)
		add("linkage", linkage(t.Linkage()))
	case kern.KindDatasec:
		add("size", t.Size())
		add("vlen", t.Vlen())
		r.list = "vars"
		for _, v := range t.Vars() {
			r.rows = append(r.rows, []field{{"type_id", v.Var.ID}, {"offset", v.Offset}, {"size", v.Size}})
		}
	case kern.KindFloat:
		add("size", t.Size())
	case kern.KindDeclTag:
		add("type_id", t.Ref().ID)
		add("component_idx", t.Component())
	}
	return r
}

func describeEnum(t kern.Type, r *rawType) {
	enc := "UNSIGNED"
	if t.Flag() {
		enc = "SIGNED"
	}
	r.fields = []field{{"encoding", enc}, {"size", t.Size()}, {"vlen", t.Vlen()}}
	r.list = "values"
	t.Enumerators(func(name string, v uint64) bool {
		val := any(v)
		if t.Flag() {
			val = int64(v)
		}
		r.rows = append(r.rows, []field{{"name", anon(name)}, {"val", val}})
		return true
	})
}

func linkage(n uint32) string {
	if int(n) < len(linkages) {
		return linkages[n]
	}
	return fmt.Sprintf("(unknown %d)", n)
}
