package cdecl

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// maxGrowth bounds the tokens that macros become: each that names another twice doubles them.
const maxGrowth = 1 << 17

// expandText is expand for a text of its own. One whose macros grow too large stays as it is
// from there on, which is an error.
func (r *Reader) expandText(toks []token, active []string) []token {
	r.growth = 0
	return r.expand(toks, active)
}

// tooLarge counts n more tokens of the macro m, used by the active ones; true: they're too
// many. It says so once.
func (r *Reader) tooLarge(m *Define, call token, n int, active []string) bool {
	if len(active) > 0 {
		m = r.macros[active[0]]
	}
	before := r.growth
	r.growth += n
	if before <= maxGrowth && r.growth > maxGrowth {
		r.rep.Errorf(diag.CodeExpansion, call.span(), "C macro `%s` leads to more than %d tokens", m.Name, maxGrowth).
			NoteAt(m.Span, "it's defined here")
	}
	return r.growth > maxGrowth
}

// expand replaces the macros in toks but for the active ones, whose text this is.
// What comes out of a macro stands where the macro was used.
func (r *Reader) expand(toks []token, active []string) []token {
	var out []token
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		m := r.macros[t.text]
		if t.kind != name || t.hidden || m == nil {
			out = append(out, t)
			continue
		}
		if slices.Contains(active, t.text) || r.tooLarge(m, t, len(m.body), active) {
			t.hidden = true
			out = append(out, t)
			continue
		}
		body := m.body
		if m.Func {
			args, used := arguments(toks[i+1:])
			if used == 0 {
				out = append(out, t)
				continue
			}
			i += used
			body = r.substitute(m, t, args, active)
			if r.tooLarge(m, t, len(body), active) {
				return append(out, t)
			}
		}
		body = slices.Clone(body)
		for j := range body {
			body[j].pos, body[j].bol = t.pos, false
		}
		out = append(out, r.expand(body, append(slices.Clip(active), m.Name))...)
	}
	return out
}

// arguments reads `(a, b)`: the arguments, and how many tokens that were (0: no parenthesis).
func arguments(toks []token) (args [][]token, used int) {
	if len(toks) == 0 || !toks[0].is("(") {
		return nil, 0
	}
	depth := 0
	var arg []token
	for i, t := range toks {
		switch {
		case t.is("("):
			depth++
			if depth == 1 {
				continue
			}
		case t.is(")"):
			depth--
			if depth == 0 {
				return append(args, arg), i + 1
			}
		case t.is(",") && depth == 1:
			args, arg = append(args, arg), nil
			continue
		}
		arg = append(arg, t)
	}
	return nil, 0
}

// substitute is the body of a function-like macro with its parameters replaced.
func (r *Reader) substitute(m *Define, call token, args [][]token, active []string) []token {
	if len(m.Params) == 0 && len(args) == 1 && len(args[0]) == 0 {
		args = nil
	}
	if len(args) != len(m.Params) {
		r.rep.Errorf(diag.CodeCSyntax, call.span(), "macro `%s` takes %d arguments, not %d", m.Name, len(m.Params), len(args)).
			NoteAt(m.Span, "it's defined here")
		return nil
	}
	var out []token
	for i := 0; i < len(m.body); i++ {
		t := m.body[i]
		n := slices.Index(m.Params, t.text)
		switch {
		case t.is("##") && len(out) > 0 && i+1 < len(m.body):
			i++
			right := m.body[i : i+1]
			if n := slices.Index(m.Params, right[0].text); n >= 0 {
				right = args[n]
			}
			out = paste(out, right)
		case t.is("#") && i+1 < len(m.body):
			i++
			if n := slices.Index(m.Params, m.body[i].text); n >= 0 {
				out = append(out, quote(t, args[n]))
			}
		case t.kind == name && n >= 0 && i+1 < len(m.body) && m.body[i+1].is("##"):
			out = append(out, args[n]...)
		case t.kind == name && n >= 0:
			out = append(out, r.expand(args[n], active)...)
		default:
			out = append(out, t)
		}
	}
	return out
}

// paste joins the last token of left with the first of right.
func paste(left, right []token) []token {
	if len(right) == 0 {
		return left
	}
	last := &left[len(left)-1]
	last.text += right[0].text
	return append(left, right[1:]...)
}

// quote is the string of an argument after #.
func quote(at token, arg []token) token {
	var b strings.Builder
	for i, t := range arg {
		if i > 0 && t.space {
			b.WriteByte(' ')
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(t.text))
	}
	at.kind, at.text = str, `"`+b.String()+`"`
	return at
}
