package cdecl

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// For function bodies the kernel's structs are declared with their members: those whose names
// the text has, wherever it has them, since a struct of the kernel leads to hundreds of others.
// Each member stands at its offset, in an anonymous union of them all, so that nothing else
// about the struct has to be known.

// define declares a struct or union of the kernel with the members that the text may use, and
// what they need, first.
func (p *prelude) define(t *types.Type) {
	tag := t.S.Name
	if _, done := p.types[tag]; done {
		return
	}
	p.types[tag] = t
	if t.Size == 0 {
		return
	}
	body := p.members(t)
	fmt.Fprintf(&p.text, "%s %s;\n", tag, body)
}

// defineLater declares the structs that pointers lead to.
func (p *prelude) defineLater() {
	for len(p.later) > 0 {
		next := p.later[0]
		p.later = p.later[1:]
		p.define(next)
	}
}

// members is the body of a struct.
func (p *prelude) members(t *types.Type) string {
	var b strings.Builder
	// A member aligns it: the front end loses what leads back to a struct with attributes.
	align := integerName(types.IntType(min(alignOf(t), 8), false))
	fmt.Fprintf(&b, "{ union { unsigned char %sall[%d]; %s %salign; ", ownTag, t.Size, align, ownTag)
	seen := map[string]bool{}
	p.flatten(&b, t, 0, seen)
	for _, name := range p.asked {
		if !seen[name] {
			seen[name] = true
			fmt.Fprintf(&b, "%s %s; ", absentType, name)
		}
	}
	b.WriteString("}; }")
	return b.String()
}

// absentType is the type of members that the text asks for with bpf_core_field_exists() and that
// the kernel doesn't have.
const absentType = ownTag + "absent"

// flatten writes the members of t, which begins at byte base; those of anonymous structs are
// the struct's own.
func (p *prelude) flatten(b *strings.Builder, t *types.Type, base uint32, seen map[string]bool) {
	for _, f := range t.S.Fields() {
		if f.Name == "" && f.Type.Kind == types.Struct {
			p.flatten(b, f.Type, base+f.Offset, seen)
			continue
		}
		if !p.names[f.Name] || seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		off, bits := base+f.Offset, uint32(0)
		if f.BitLen > 0 {
			off, bits = off+uint32(f.BitOff)/8, uint32(f.BitOff)%8
		}
		b.WriteString("struct { ")
		if off > 0 {
			fmt.Fprintf(b, "unsigned char %s%s[%d]; ", ownTag, f.Name, off)
		}
		if bits > 0 {
			fmt.Fprintf(b, "%s:%d; ", p.declare(f.Type, ""), bits)
		}
		b.WriteString(p.declare(f.Type, f.Name))
		if f.BitLen > 0 {
			fmt.Fprintf(b, ":%d", f.BitLen)
		}
		b.WriteString("; } __attribute__((packed)); ")
	}
}

// declare is a declaration of name with type t, without its semicolon.
func (p *prelude) declare(t *types.Type, name string) string {
	switch t.Kind {
	case types.Int:
		if t.Name == "char" {
			return "char " + name
		}
		return integerName(t) + " " + name
	case types.Bool:
		return "_Bool " + name
	case types.Enum:
		return integerName(types.IntType(t.Size, t.Signed)) + " " + name
	case types.Void:
		return "void " + name
	case types.Func:
		return "int " + name + "()"
	case types.Pointer:
		return p.declarePointer(t.Elem, name)
	case types.Array:
		if t.Name == "" && t.Elem != nil {
			return p.declare(t.Elem, fmt.Sprintf("%s[%d]", name, t.Len))
		}
	case types.Struct:
		if t.S != nil && t.Size > 0 {
			if t.S.Name == "" {
				return "struct " + p.members(t) + " " + name // a union's, too: it has one member
			}
			p.define(t)
			return t.S.Name + " " + name
		}
	}
	return fmt.Sprintf("unsigned char %s[%d]", name, t.Size)
}

func (p *prelude) declarePointer(elem *types.Type, name string) string {
	switch {
	case elem == nil, elem.Kind == types.Struct && (elem.S == nil || elem.S.Name == ""), elem.Kind == types.Array:
		return "void *" + name
	case elem.Kind == types.Func:
		return "int (*" + name + ")()"
	case elem.Kind == types.Struct:
		p.later = append(p.later, elem)
		return elem.S.Name + " *" + name
	}
	return p.declare(elem, "*"+name)
}
