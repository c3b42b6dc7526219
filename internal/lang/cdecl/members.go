package cdecl

import (
	"github.com/skep-bpf/skep/internal/diag"
)

// misfit is what the front end would give another place in a struct than C does.
type misfit struct {
	at   token
	kind misfitKind
	tag  string // its tag; "": none
}

type misfitKind uint8

const (
	nameless misfitKind = iota // `struct s { int; }`: no member to C
	vector                     // an attribute of its own makes a vector of it
	empty                      // a stray semicolon: no member to C
)

// misfits finds them in a text.
func misfits(text string) (out []misfit) {
	s := scanner{text: text}
	open := []body{{}}
	for t := s.next(); t.kind != eof; t = s.next() {
		in := &open[len(open)-1]
		switch {
		case t.is("#"):
			s.off += lineLen(text[s.off:])
		case t.is("{"):
			members, tag := in.opensMembers()
			open = append(open, body{members: members, tag: tag})
		case t.is("}"):
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
			open[len(open)-1].decl = append(open[len(open)-1].decl, t)
		case t.is(";"):
			switch {
			case in.members && len(in.decl) == 0:
				out = append(out, misfit{t, empty, in.tag})
			case in.members && isNameless(in.decl):
				out = append(out, misfit{in.decl[0], nameless, in.tag})
			}
			in.decl = in.decl[:0]
		case in.members && (t.is("vector_size") || t.is("__vector_size__")):
			out = append(out, misfit{t, vector, in.tag})
		default:
			in.decl = append(in.decl, t)
		}
	}
	return out
}

// body is what stands between a pair of braces.
type body struct {
	members bool // a struct's or union's
	tag     string
	decl    []token // since the last semicolon; a body within is its closing brace
}

// opensMembers reports whether a brace that follows begins a struct's or union's members, and
// its tag.
func (b *body) opensMembers() (members bool, tag string) {
	for i := len(b.decl) - 1; i >= 0; i-- {
		if b.decl[i].is(")") {
			for depth := 0; i > 0; i-- {
				if b.decl[i].is(")") {
					depth++
				} else if b.decl[i].is("(") {
					depth--
				}
				if depth == 0 {
					break
				}
			}
			if i == 0 || !b.decl[i-1].is("__attribute__") {
				return false, "" // a function's body, or a statement's
			}
		}
		if t := b.decl[i]; isTag(t) {
			if i+1 < len(b.decl) && b.decl[i+1].kind == name {
				tag = b.decl[i+1].text
			}
			return !t.is("enum"), tag
		} else if t.is("=") || t.is("}") {
			return false, ""
		}
	}
	return false, ""
}

// isNameless reports whether a member's declaration, without its semicolon, has a type and
// nothing more.
func isNameless(decl []token) bool {
	if len(decl) == 0 {
		return false
	}
	if isTag(decl[0]) {
		rest := decl[1:]
		tagged := len(rest) > 0 && rest[0].kind == name
		if tagged {
			rest = rest[1:]
		}
		body := len(rest) == 1 && rest[0].is("}")
		return body && (tagged || decl[0].is("enum")) || tagged && len(rest) == 0
	}
	for _, t := range decl {
		if !arithmetic[t.text] {
			return false
		}
	}
	return true
}

// arithmetic are the words of the arithmetic types.
var arithmetic = words("const volatile void char short int long float double signed unsigned _Bool")

// vectorMember: the front end doesn't align vectors.
const vectorMember = "vectors as members aren't supported: write an array with the vector's alignment"

// checkMembers reports the misfits in the user's own text, and those that macros made.
func (t *tree) checkMembers(preprocessed string, rep *diag.Reporter) bool {
	ok := true
	check := func(name, text string) {
		for _, m := range misfits(text) {
			if m.kind == empty {
				continue // served without
			}
			ok = false
			p := place{name, m.at.pos, m.at.pos + len(m.at.text)}
			code, msg := diag.CodeCSyntax, "expected a member's name"
			if m.kind == vector {
				code, msg = diag.CodeCUnsupported, vectorMember
			}
			t.noteChain(rep.Errorf(code, t.span(p, rep), "%s", msg), name, rep)
		}
	}
	for _, u := range t.units {
		check(u.name, u.text.String())
	}
	for _, h := range t.read {
		if !isSystem(h.path) {
			check(h.path, h.text)
		}
	}
	if !ok {
		return false
	}
	for _, m := range misfits(preprocessed) {
		ok = false
		u := t.units[0]
		rep.Errorf(diag.CodeCUnsupported, t.span(place{u.name, 0, 0}, rep),
			"a macro makes an empty member or one without a name in `struct %s`, which isn't supported", m.tag)
	}
	return ok
}

// withoutEmpty blanks the stray semicolons among members.
func withoutEmpty(text string) string {
	var b []byte
	for _, m := range misfits(text) {
		if m.kind == empty {
			if b == nil {
				b = []byte(text)
			}
			b[m.at.pos] = ' '
		}
	}
	if b == nil {
		return text
	}
	return string(b)
}
