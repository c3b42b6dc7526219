package cdecl

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/diag"
)

// unpaired finds the first bracket that closes none, or the last that's never closed.
func unpaired(text string) (at token, found bool) {
	s := scanner{text: text}
	closes := map[string]string{")": "(", "]": "[", "}": "{"}
	var open []token
	for t := s.next(); t.kind != eof; t = s.next() {
		switch {
		case t.is("#"):
			s.off += lineLen(text[s.off:])
		case t.is("("), t.is("["), t.is("{"):
			open = append(open, t)
		case t.is(")"), t.is("]"), t.is("}"):
			if len(open) == 0 || !open[len(open)-1].is(closes[t.text]) {
				return t, true
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return open[len(open)-1], true
	}
	return token{}, false
}

// maxDepth bounds the nesting of brackets, and maxRun the operators up to the next comma, semicolon
// or brace: each takes the front end some stack.
const (
	maxDepth = 500
	maxRun   = 1 << 14
)

// tooDeep finds the first place that's nested too deeply, in directives too; why is "" if there's none.
func tooDeep(text string) (at int, why string) {
	depth, run := 0, 0
	s := scanner{text: text}
	for t := s.next(); t.kind != eof; t = s.next() {
		if t.kind != punct {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			if depth++; depth > maxDepth {
				return t.pos, fmt.Sprintf("nested too deeply: more than %d levels", maxDepth)
			}
		case ")", "]", "}":
			depth = max(depth-1, 0)
		}
		switch {
		case t.is("#"), t.is(";"), t.is(","), t.is("{"):
			run = 0
		default:
			run++
		}
		if run > maxRun {
			return t.pos, fmt.Sprintf("more than %d operators in a row", maxRun)
		}
	}
	return 0, ""
}

// checkDepth reports nesting in the script's own text that would overflow the front end's stack.
func (t *tree) checkDepth(rep *diag.Reporter) bool {
	for _, u := range t.units {
		if at, why := tooDeep(u.text.String()); why != "" {
			rep.Errorf(diag.CodeDepth, t.span(place{u.name, at, at + 1}, rep), "%s", why)
			return false
		}
	}
	return true
}

// checkBrackets reports brackets that don't pair up: the front end's parser, unlike its
// preprocessor, may loop at an end that it doesn't expect.
func (t *tree) checkBrackets(preprocessed string, rep *diag.Reporter) bool {
	bad, found := unpaired(preprocessed)
	if !found {
		return true
	}
	name := t.units[0].name
	check := func(file, text string) bool {
		at, found := unpaired(text)
		if found {
			bad, name = at, file
		}
		return found
	}
	in := false
	for _, u := range t.units {
		in = in || check(u.name, u.text.String())
	}
	for _, h := range t.read {
		in = in || !isSystem(h.path) && check(h.path, h.text)
	}
	p := place{name, bad.pos, bad.pos + len(bad.text)}
	msg := fmt.Sprintf("`%s` is never closed", bad.text)
	if bad.is(")") || bad.is("]") || bad.is("}") {
		msg = fmt.Sprintf("unexpected `%s`", bad.text)
	}
	if !in {
		p.start, p.end = 0, 0
		msg += ", after macros are expanded"
	}
	t.noteChain(rep.Errorf(diag.CodeCSyntax, t.span(p, rep), "%s", msg), name, rep)
	return false
}
