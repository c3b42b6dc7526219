package cdecl

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// structure reads a struct or union: its definition, or its name alone. anon: it was
// defined without a name.
func (p *parser) structure() (t *types.Type, anon bool) {
	word := p.next()
	defer p.leave()
	if !p.enter() {
		return &types.Type{}, false
	}
	var attr attributes
	p.attributes(&attr)
	var tag token
	if p.peek().kind == name {
		tag = p.next()
	}
	full := word.text + " " + tag.text
	if !p.peek().is("{") {
		if tag.kind == eof {
			p.expected("a name or `{`")
			return &types.Type{}, false
		}
		return p.tagged(full), false
	}
	if tag.kind == eof {
		full = ""
	}
	t = p.incomplete(full)
	t.S.Union = word.is("union")
	members := p.members()
	p.attributes(&attr)
	p.define(t, members, attr, tag)
	return t, full == ""
}

// incomplete is the type of a tag before its definition: the one already referred to, or
// a new one.
func (p *parser) incomplete(full string) *types.Type {
	if t := p.scope.types[full]; t != nil && t.Size == 0 {
		return t
	}
	t := &types.Type{Kind: types.Struct, S: &types.StructType{Name: full}}
	if full != "" && p.scope.types[full] == nil {
		p.scope.types[full] = t
	}
	return t
}

// tagged finds a struct or union by its tag; one that's nowhere defined stays incomplete.
func (p *parser) tagged(full string) *types.Type {
	if t, ok := p.scope.types[full]; ok {
		return t
	}
	if !p.defined[full] && p.lookup != nil {
		if t, ok := p.lookup(full); ok {
			return t
		}
	}
	return p.incomplete(full)
}

// define completes t.
func (p *parser) define(t *types.Type, members []member, attr attributes, tag token) {
	fields, size, align := p.layout(members, t.S.Union, attr)
	t.S.Load = func() []types.Field { return fields }
	t.S.Size, t.Size = size, size
	p.aligns[t.S] = align
	if old := p.scope.types[t.S.Name]; t.S.Name != "" && old != t && !sameFields(old.S.Fields(), fields) {
		p.errorf(diag.CodeCTwice, tag.span(), "`%s` is defined twice, differently", t.S.Name)
	}
}

func sameFields(a, b []types.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Offset != b[i].Offset || a[i].Type.Size != b[i].Type.Size {
			return false
		}
	}
	return true
}

// members reads `{ … }`.
func (p *parser) members() []member {
	p.want("{")
	var out []member
	for !p.got("}") && !p.failed {
		if p.got(";") {
			continue
		}
		s := p.specifiers()
		if p.failed {
			return nil
		}
		if p.got(";") {
			if s.anon {
				out = append(out, member{typ: s.typ, bits: -1, align: s.attr.align})
			}
			continue
		}
		for !p.failed {
			out = append(out, p.member(s))
			if p.got(",") {
				continue
			}
			// Compilers let the last semicolon be left out.
			if !p.peek().is("}") {
				p.want(";")
			}
			break
		}
	}
	return out
}

// member reads one declarator of a member, with the width of a bit-field.
func (p *parser) member(s specifiers) member {
	at := p.peek().span()
	m := member{bits: -1}
	d := declarator{wrap: func(t *types.Type) *types.Type { return t }}
	if !p.peek().is(":") {
		d = p.declarator()
	}
	if m.typ = d.wrap(s.typ); d.name.kind != eof {
		m.name = d.name.text
		at = d.name.span()
	}
	if p.got(":") {
		m.bits = p.width(m, at)
	} else if d.name.kind == eof {
		p.expected("a member's name")
	}
	attr := s.attr
	p.attributes(&attr)
	m.align, m.pack = attr.align, attr.packed
	if m.typ.Kind == types.Void || m.typ.Kind == types.Func || m.typ.Kind == types.Struct && m.typ.Size == 0 && p.aligns[m.typ.S] == 0 {
		p.errorf(diag.CodeCType, at, "member `%s` has the incomplete type `%s`", m.name, m.typ)
	}
	return m
}

// width reads a bit-field's width.
func (p *parser) width(m member, at diag.Span) int {
	start := p.pos
	for !p.peek().is(",") && !p.peek().is(";") && !p.peek().is("}") && !p.peek().is("__attribute__") && p.peek().kind != eof {
		p.next()
	}
	n := p.constant(p.toks[start:p.pos])
	switch {
	case m.typ.Kind != types.Int && m.typ.Kind != types.Enum && m.typ.Kind != types.Bool:
		p.errorf(diag.CodeCSyntax, at, "a bit-field has an integer's type")
		return -1
	case n < 0 || n > int64(m.typ.Size)*8 || n == 0 && m.name != "":
		p.errorf(diag.CodeCSyntax, at, "width %d doesn't fit the bit-field's type", n)
		return -1
	}
	return int(n)
}

// enum reads an enum: its definition, or its name alone.
func (p *parser) enum() *types.Type {
	p.next()
	var attr attributes
	p.attributes(&attr)
	var tag token
	if p.peek().kind == name {
		tag = p.next()
	}
	full := "enum " + tag.text
	if !p.got("{") {
		if t, ok := p.scope.types[full]; ok {
			return t
		}
		if p.lookup != nil {
			if t, ok := p.lookup(full); ok {
				return t
			}
		}
		p.errorf(diag.CodeCType, tag.span(), "unknown type `%s`", full)
		return &types.Type{}
	}
	t := &types.Type{Kind: types.Enum, Name: full, Enum: &types.EnumType{Name: full}}
	p.enumerators(t)
	p.attributes(&attr)
	if attr.packed {
		t.Size = packedEnum(t)
	}
	if tag.kind != eof {
		p.scope.types[full] = t
	} else {
		t.Name, t.Enum.Name = "", ""
	}
	return t
}

// enumerators reads `A, B = 2 }` and decides on the size and sign of t.
func (p *parser) enumerators(t *types.Type) {
	var next, least, most int64
	for !p.got("}") && !p.failed {
		id := p.peek()
		if id.kind != name {
			p.expected("an enumerator's name")
			return
		}
		p.next()
		p.attributes(new(attributes))
		if p.got("=") {
			start, depth := p.pos, 0
			for depth > 0 || !p.peek().is(",") && !p.peek().is("}") {
				switch v := p.next(); {
				case v.kind == eof:
					p.expected("`}`")
					return
				case v.is("("):
					depth++
				case v.is(")"):
					depth--
				}
			}
			next = p.constant(p.toks[start:p.pos])
		}
		t.Enum.Values = append(t.Enum.Values, types.Enumerator{Name: id.text, Val: uint64(next)})
		p.scope.enums[id.text] = enumerator{uint64(next), t}
		least, most = min(least, next), max(most, next)
		next++
		if !p.got(",") {
			p.want("}")
			break
		}
	}
	t.Signed = least < 0
	t.Size = 4
	if most > 1<<32-1 || least < -1<<31 || t.Signed && most > 1<<31-1 {
		t.Size = 8
	}
}

// packedEnum is the size of an enum with __attribute__((packed)): the smallest that fits.
func packedEnum(t *types.Type) uint32 {
	size := uint32(1)
	for _, v := range t.Enum.Values {
		n := int64(v.Val)
		for size < t.Size && (t.Signed && (n < -1<<(8*size-1) || n >= 1<<(8*size-1)) || !t.Signed && n >= 1<<(8*size)) {
			size *= 2
		}
	}
	return size
}
