package cdecl

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// directive reads the rest of a line that begins with #.
func (r *Reader) directive(s *scanner, dir string) {
	line := s.line()
	if len(line) == 0 {
		return
	}
	word, args := line[0], line[1:]
	if r.conditional(word, args) {
		return
	}
	if !r.active() {
		r.mayEnd(word)
		return
	}
	switch word.text {
	case "include":
		r.includeLine(word, args, dir)
	case "define":
		r.define(s, word, args)
	case "undef":
		if len(args) != 1 || args[0].kind != name {
			r.malformed(word, "`#undef` takes one name")
			return
		}
		delete(r.macros, args[0].text)
	case "error":
		r.rep.Errorf(diag.CodeCError, lineSpan(word, args), "#error%s", textOf(s, args))
	case "pragma":
		if len(args) == 1 && args[0].is("once") {
			if f, _, _ := r.rep.Sources.Resolve(word.pos); f != nil {
				r.once[f.Name] = true
			}
		}
	case "warning", "line", "ident":
	default:
		d := r.rep.Errorf(diag.CodeCDirective, word.span(), "unknown directive `#%s`", word.text)
		if near, ok := diag.Nearest(word.text, directives); ok {
			d.Suggest(near)
		}
		r.mayEnd(word)
	}
}

// directives are those that there are.
var directives = []string{"include", "define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif", "error", "pragma", "warning", "line", "ident"}

// mayEnd keeps a directive that's none, and may be an #endif misspelt, for when the #if around
// it turns out to have no end.
func (r *Reader) mayEnd(word token) {
	near, ok := diag.Nearest(word.text, directives)
	if n := len(r.conds); ok && near == "endif" && near != word.text && n > 0 && r.conds[n-1].wrong.kind == eof {
		r.conds[n-1].wrong = word
	}
}

func (r *Reader) malformed(at token, msg string) {
	r.rep.Errorf(diag.CodeCDirective, at.span(), "%s", msg)
}

func lineSpan(word token, args []token) diag.Span {
	s := word.span()
	if len(args) > 0 {
		s = s.To(args[len(args)-1].span())
	}
	return s
}

// textOf is the source text of toks, which stand in a row, with a blank before it.
func textOf(s *scanner, toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	last := toks[len(toks)-1]
	return " " + s.text[toks[0].pos-s.base:int(last.pos-s.base)+len(last.text)]
}

// conditional does the directives that choose; it reports whether word is one.
func (r *Reader) conditional(word token, args []token) bool {
	switch word.text {
	case "if", "ifdef", "ifndef":
		c := condition{at: word.span(), done: !r.active(), word: word.text}
		if !c.done {
			c.active = r.test(word, args)
			c.done = c.active
		}
		r.conds = append(r.conds, c)
		return true
	case "elif", "else", "endif":
	default:
		return false
	}
	if len(r.conds) == 0 {
		r.malformed(word, "`#"+word.text+"` without `#if`")
		return true
	}
	c := &r.conds[len(r.conds)-1]
	switch {
	case word.text == "endif":
		r.conds = r.conds[:len(r.conds)-1]
	case c.els:
		r.malformed(word, "`#"+word.text+"` after `#else`")
	case word.text == "else":
		c.els, c.active, c.done = true, !c.done, true
	default:
		c.active = !c.done && r.test(word, args)
		c.done = c.done || c.active
	}
	return true
}

// test computes the condition of #if, #elif, #ifdef or #ifndef.
func (r *Reader) test(word token, args []token) bool {
	if word.text == "ifdef" || word.text == "ifndef" {
		if len(args) != 1 || args[0].kind != name {
			r.malformed(word, "`#"+word.text+"` takes one name")
			return false
		}
		return (r.macros[args[0].text] != nil) == (word.text == "ifdef")
	}
	e := evaluator{toks: r.expandText(r.defined(args), nil), name: func(token) (int64, error) { return 0, nil }}
	v, err := e.all()
	if err != nil {
		r.rep.Errorf(diag.CodeCDirective, lineSpan(word, args), "%v", err)
	}
	return v != 0
}

// defined replaces defined(X) and defined X by 0 or 1.
func (r *Reader) defined(in []token) []token {
	var out []token
	for i := 0; i < len(in); i++ {
		t := in[i]
		if t.is("defined") {
			arg, used := token{}, 0
			switch {
			case i+1 < len(in) && in[i+1].kind == name:
				arg, used = in[i+1], 1
			case i+3 < len(in) && in[i+1].is("(") && in[i+3].is(")"):
				arg, used = in[i+2], 3
			}
			if used > 0 {
				i += used
				t.kind, t.text = number, "0"
				if r.macros[arg.text] != nil {
					t.text = "1"
				}
			}
		}
		out = append(out, t)
	}
	return out
}

// includeLine does #include "x" or <x>.
func (r *Reader) includeLine(word token, args []token, dir string) {
	if len(args) > 0 && args[0].kind == name {
		args = r.expandText(args, nil)
	}
	at := lineSpan(word, args)
	switch {
	case len(args) == 1 && args[0].kind == str && len(args[0].text) > 2:
		r.include(strings.Trim(args[0].text, `"`), at, true, dir)
	case len(args) > 2 && args[0].is("<") && args[len(args)-1].is(">"):
		var path strings.Builder
		for _, t := range args[1 : len(args)-1] {
			path.WriteString(t.text)
		}
		r.include(path.String(), at, false, dir)
	default:
		r.rep.Errorf(diag.CodeCDirective, at, "`#include` takes \"file\" or <file>")
	}
}

// define does #define.
func (r *Reader) define(s *scanner, word token, args []token) {
	if len(args) == 0 || args[0].kind != name {
		r.malformed(word, "`#define` takes a name")
		return
	}
	m := &Define{Name: args[0].text, Span: args[0].span(), Pos: args[0].span().End}
	body := args[1:]
	if len(body) > 0 && body[0].is("(") && body[0].pos == args[0].span().End {
		m.Func = true
		used, ok := m.params(body[1:])
		if !ok {
			r.malformed(args[0], "malformed parameters of the macro")
			return
		}
		body = body[1+used:]
	}
	if m.body = body; len(body) > 0 {
		m.Pos = body[0].pos
		m.Text = unjoin(textOf(s, body)[1:])
	}
	if old := r.macros[m.Name]; old != nil && old.Pos != diag.NoPos && old.Text != m.Text {
		r.rep.Warnf(diag.CodeMacroRedefinedC, m.Span, "`%s` is defined again", m.Name).
			NoteAt(old.Span, "the first definition is here")
	}
	r.macros[m.Name] = m
}

// unjoin replaces the ends of joined lines by blanks of the same length.
func unjoin(s string) string {
	return strings.NewReplacer("\\\r\n", "   ", "\\\n", "  ").Replace(s)
}

// params reads `a, b)` and returns how many tokens that were.
func (m *Define) params(toks []token) (used int, ok bool) {
	for i := 0; i < len(toks); i++ {
		switch t := toks[i]; {
		case t.is(")"):
			return i + 1, true
		case t.kind == name || t.is("..."):
			m.Params = append(m.Params, t.text)
		case t.is(","):
		default:
			return 0, false
		}
	}
	return 0, false
}
