package kern

import (
	"fmt"
	"strings"
)

// Decl writes a declaration of name with type t in C as libbpf's btf_dump does:
// "struct sock *sk", "int (*fn)(void *)", "char comm[16]". name may be "".
func Decl(t Type, name string) string {
	var d declWriter
	d.decl(t, name, 0)
	return d.String()
}

// Definition writes the definition of a struct, union or enum in C, as
// bpftool btf dump format c does, with paddings that make a compiler lay it
// out the same, ending in "};" without a newline.
func Definition(t Type) string {
	var d declWriter
	d.body(t, 0)
	d.WriteByte(';')
	return d.String()
}

// declWriter writes C. Its methods go by the same rules as btf_dump.c of libbpf, so
// that listings agree.
type declWriter struct {
	strings.Builder
	names *cNames // nil: types go by their own names
}

// typeName is the name that a type goes by.
func (d *declWriter) typeName(t Type) string {
	if d.names == nil {
		return t.Name()
	}
	return d.names.of(t)
}

// enumeratorName is the name that an enumerator goes by.
func (d *declWriter) enumeratorName(name string) string {
	if d.names == nil {
		return name
	}
	return d.names.ident(name)
}

// decl collects what's between the name and the base type, and writes it from
// the base type on.
func (d *declWriter) decl(t Type, name string, level int) {
	var stack []Type
	for range maxDepth {
		stack = append(stack, t)
		switch t.Kind() {
		case KindPtr, KindConst, KindVolatile, KindRestrict, KindTypeTag, KindFuncProto:
			t = t.Ref()
			continue
		case KindArray:
			t, _ = t.Array()
			continue
		}
		break
	}
	d.chain(stack, name, level)
}

// chain writes the declarator whose parts are stack, the base type last.
func (d *declWriter) chain(stack []Type, name string, level int) {
	afterPtr := true // at its start a declarator needs no space
	pop := func() Type {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return t
	}
	for len(stack) > 0 {
		t := pop()
		switch t.Kind() {
		case KindPtr:
			if !afterPtr {
				d.WriteByte(' ')
			}
			d.WriteByte('*')
		case KindConst, KindVolatile, KindRestrict:
			d.WriteString(" " + qualifier(t.Kind()))
		case KindTypeTag:
			stack = d.qualifiers(stack)
			if t.Flag() { // any attribute of a type (kernel 6.15)
				fmt.Fprintf(d, " __attribute__((%s))", t.Name())
			} else {
				fmt.Fprintf(d, " __attribute__((btf_type_tag(%q)))", t.Name())
			}
		case KindArray:
			d.array(t, stack, name, afterPtr, level)
			return
		case KindFuncProto:
			d.function(t, dropQualifiers(stack), name, afterPtr, level)
			return
		default:
			stack = d.qualifiers(stack)
			d.base(t, level)
		}
		afterPtr = t.Kind() == KindPtr
	}
	d.name(name, afterPtr)
}

func (d *declWriter) name(name string, afterPtr bool) {
	if name != "" && !afterPtr {
		d.WriteByte(' ')
	}
	d.WriteString(name)
}

func qualifier(k TypeKind) string {
	switch k {
	case KindConst:
		return "const"
	case KindVolatile:
		return "volatile"
	case KindRestrict:
		return "restrict"
	}
	return ""
}

// qualifiers writes the qualifiers next to the base type before it.
func (d *declWriter) qualifiers(stack []Type) []Type {
	for len(stack) > 0 {
		q := qualifier(stack[len(stack)-1].Kind())
		if q == "" {
			break
		}
		d.WriteString(q + " ")
		stack = stack[:len(stack)-1]
	}
	return stack
}

func dropQualifiers(stack []Type) []Type {
	for len(stack) > 0 && qualifier(stack[len(stack)-1].Kind()) != "" {
		stack = stack[:len(stack)-1]
	}
	return stack
}

// base writes a base type; an anonymous one with its definition.
func (d *declWriter) base(t Type, level int) {
	switch t.Kind() {
	case KindVoid:
		d.WriteString("void")
	case KindStruct, KindUnion, KindEnum, KindEnum64:
		if t.Anonymous() {
			d.body(t, level)
			return
		}
		d.WriteString(Tag(t) + " " + d.typeName(t))
	case KindFwd:
		d.WriteString(Tag(t) + " " + d.typeName(t))
	default:
		d.WriteString(d.typeName(t))
	}
}

// Tag is C's keyword of a struct, union or enum; "" for others.
func Tag(t Type) string {
	switch t.Kind() {
	case KindStruct:
		return "struct"
	case KindUnion:
		return "union"
	case KindEnum, KindEnum64:
		return "enum"
	case KindFwd:
		if t.Flag() {
			return "union"
		}
		return "struct"
	}
	return ""
}

func (d *declWriter) array(t Type, rest []Type, name string, afterPtr bool, level int) {
	_, n := t.Array()
	rest = dropQualifiers(rest)
	switch {
	case len(rest) == 0:
		d.name(name, afterPtr)
	case rest[len(rest)-1].Kind() == KindArray:
		if name != "" && !afterPtr {
			d.WriteByte(' ')
		}
		d.chain(rest, name, level)
	default:
		if name != "" && !afterPtr {
			d.WriteByte(' ')
		}
		d.WriteByte('(')
		d.chain(rest, name, level)
		d.WriteByte(')')
	}
	fmt.Fprintf(d, "[%d]", n)
}

func (d *declWriter) function(t Type, rest []Type, name string, afterPtr bool, level int) {
	if len(rest) > 0 {
		d.WriteString(" (")
		d.chain(rest, name, level)
		d.WriteByte(')')
	} else {
		d.name(name, afterPtr)
	}
	params := t.Params()
	if len(params) == 0 || len(params) == 1 && params[0].Type.ID == 0 {
		d.WriteString("(void)")
		return
	}
	d.WriteByte('(')
	for i, p := range params {
		if i > 0 {
			d.WriteString(", ")
		}
		if i == len(params)-1 && p.Type.ID == 0 {
			d.WriteString("...")
			break
		}
		d.decl(p.Type, p.Name, level)
	}
	d.WriteByte(')')
}

// body writes "struct name { … }" at a level of indentation.
func (d *declWriter) body(t Type, level int) {
	d.WriteString(Tag(t))
	if !t.Anonymous() {
		d.WriteString(" " + d.typeName(t))
	}
	d.WriteString(" {")
	if t.Kind() == KindEnum || t.Kind() == KindEnum64 {
		d.enumerators(t, level)
		return
	}
	isStruct := t.Kind() == KindStruct
	packed := isStruct && packed(t)
	empty, bitfield := true, false
	end := uint32(0)
	t.Members(func(m Member) bool {
		empty = false
		align := uint32(1)
		if !packed {
			align = alignment(m.Type)
		}
		d.padding(end, m.Bit, align, bitfield && m.Bits != 0, level+1)
		d.line(level + 1)
		d.decl(m.Type, m.Name, level+1)
		bitfield = m.Bits != 0
		if bitfield {
			fmt.Fprintf(d, ": %d", m.Bits)
			end = m.Bit + uint32(m.Bits)
		} else {
			end = m.Bit + m.Type.Size()*8
		}
		d.WriteByte(';')
		return true
	})
	if isStruct {
		d.padding(end, t.Size()*8, alignment(t), false, level+1)
	}
	if !empty || t.Size() != 0 {
		d.line(level)
	}
	d.WriteByte('}')
	if packed {
		d.WriteString(" __attribute__((packed))")
	}
}

func (d *declWriter) line(level int) {
	d.WriteByte('\n')
	for range level {
		d.WriteByte('\t')
	}
}

func (d *declWriter) enumerators(t Type, level int) {
	t.Enumerators(func(name string, v uint64) bool {
		d.line(level + 1)
		name = d.enumeratorName(name)
		switch wide := t.Kind() == KindEnum64; {
		case t.Flag() && wide:
			fmt.Fprintf(d, "%s = %dLL,", name, int64(v))
		case t.Flag():
			fmt.Fprintf(d, "%s = %d,", name, int64(v))
		case wide:
			fmt.Fprintf(d, "%s = %dULL,", name, v)
		default:
			fmt.Fprintf(d, "%s = %d,", name, v)
		}
		return true
	})
	d.line(level)
	d.WriteByte('}')
	if t.Kind() == KindEnum && t.Size() == 1 {
		d.WriteString(" __attribute__((mode(byte)))")
	}
}

// padTypes are the types of paddings with their bits, widest first.
var padTypes = [...]struct {
	name string
	bits uint32
}{{"long", 64}, {"int", 32}, {"short", 16}, {"char", 8}}

// padding fills the bits between two members with unnamed bit-fields where a
// compiler wouldn't leave the same gap by itself. align is the next member's.
func (d *declWriter) padding(from, to, align uint32, inBitfield bool, level int) {
	if from >= to {
		return
	}
	pad := padTypes[0]
	at := from
	for _, pad = range padTypes {
		if at = roundUp(from, pad.bits); at <= to {
			break
		}
	}
	if at > from && at <= to {
		natural := at == to && roundUp(from, align*8) == at
		swallowed := at != to && to-at <= at-from
		switch {
		case inBitfield:
			d.pad(pad.name, at-from, level)
		case at == to && !natural || swallowed:
			d.pad(pad.name, 0, level)
		}
		from = at
	}
	for ; to-from >= pad.bits; from += pad.bits {
		d.pad(pad.name, pad.bits, level)
	}
	if rest := to - from; rest > 0 {
		for i := len(padTypes) - 1; i >= 0; i-- {
			if padTypes[i].bits >= rest {
				d.pad(padTypes[i].name, rest, level)
				return
			}
		}
	}
}

func (d *declWriter) pad(name string, bits uint32, level int) {
	d.line(level)
	fmt.Fprintf(d, "%s: %d;", name, bits)
}

func roundUp(n, to uint32) uint32 { return (n + to - 1) / to * to }

// Align is the bytes that a value's address is a multiple of.
func (t Type) Align() uint32 { return alignment(t) }

// alignment is a type's in bytes; 1 for a struct that must be packed.
func alignment(t Type) uint32 {
	t = t.Unqualified()
	switch t.Kind() {
	case KindInt, KindEnum, KindEnum64, KindFloat:
		return max(1, min(8, t.Size()))
	case KindPtr:
		return 8
	case KindArray:
		elem, _ := t.Array()
		return alignment(elem)
	case KindStruct, KindUnion:
		widest := uint32(1)
		t.Members(func(m Member) bool {
			a := alignment(m.Type)
			widest = max(widest, a)
			if m.Bits == 0 && m.Bit%(8*a) != 0 {
				widest = 0
			}
			return widest != 0
		})
		if widest == 0 || t.Size()%widest != 0 {
			return 1
		}
		return widest
	}
	return 1
}

// packed reports whether a struct can only be laid out as it is with the packed attribute.
func packed(t Type) bool {
	widest, is := uint32(1), false
	t.Members(func(m Member) bool {
		a := alignment(m.Type)
		widest = max(widest, a)
		is = m.Bits == 0 && m.Bit%(8*a) != 0
		return !is
	})
	return is || t.Size()%widest != 0
}
