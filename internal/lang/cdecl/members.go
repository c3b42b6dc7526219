package cdecl

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// nameless finds a member that the front end would give another place than C: one without a
// name that isn't an anonymous struct or union, as in `struct s { int; }`, and one that's made a
// vector by an attribute of its own.
func nameless(text string) (at token, found bool) {
	s := scanner{text: text}
	open := []body{{}}
	for t := s.next(); t.kind != eof; t = s.next() {
		in := &open[len(open)-1]
		switch {
		case t.is("#"):
			s.off += lineLen(text[s.off:])
		case t.is("{"):
			open = append(open, body{members: in.opensMembers()})
		case t.is("}"):
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
			open[len(open)-1].decl = append(open[len(open)-1].decl, t)
		case t.is(";"):
			if in.members && isNameless(in.decl) {
				return in.decl[0], true
			}
			in.decl = in.decl[:0]
		case in.members && (t.is("vector_size") || t.is("__vector_size__")):
			return t, true
		default:
			in.decl = append(in.decl, t)
		}
	}
	return token{}, false
}

// body is what stands between a pair of braces.
type body struct {
	members bool    // a struct's or union's
	decl    []token // since the last semicolon; a body within is its closing brace
}

// opensMembers reports whether a brace that follows begins a struct's or union's members.
func (b *body) opensMembers() bool {
	for i := len(b.decl) - 1; i >= 0; i-- {
		if t := b.decl[i]; isTag(t) {
			return !t.is("enum")
		} else if t.is("=") || t.is("}") {
			return false
		}
	}
	return false
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

// checkMembers reports the members of this kind in the user's own text.
func (t *tree) checkMembers(rep *diag.Reporter) bool {
	ok := true
	check := func(name, text string) {
		if at, found := nameless(text); found {
			ok = false
			p := place{name, at.pos, at.pos + len(at.text)}
			code, msg := diag.CodeCSyntax, "expected a member's name"
			if strings.Contains(at.text, "vector_size") {
				code, msg = diag.CodeCUnsupported, vectorMember
			}
			t.noteChain(rep.Errorf(code, t.span(p, rep), "%s", msg), name, rep)
		}
	}
	for _, u := range t.units {
		check(u.name, string(u.text))
	}
	for _, h := range t.read {
		if !isSystem(h.path) {
			check(h.path, h.text)
		}
	}
	return ok
}
