package types

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// parseFormat parses a printf format for n arguments; problem says what doesn't fit.
// A % that begins no conversion is text. A * takes an argument when there are enough of
// them, and otherwise nothing, as in bpftrace.
func parseFormat(text string, n int) (f *object.Format, problem string) {
	f = &object.Format{Text: text}
	lit, specs, stars := "", 0, 0
	for i := 0; i < len(text); {
		part, size := conversion(text[i:])
		switch {
		case size == 0:
			lit += text[i : i+1]
			i++
			continue
		case part.Verb == '%':
			lit += "%"
		default:
			if lit != "" {
				f.Parts = append(f.Parts, object.FormatPart{Lit: lit, Width: -1, Prec: -1})
				lit = ""
			}
			f.Parts = append(f.Parts, part)
			specs++
			stars += int(bit(part.StarWidth) + bit(part.StarPrec))
		}
		i += size
	}
	if lit != "" {
		f.Parts = append(f.Parts, object.FormatPart{Lit: lit, Width: -1, Prec: -1})
	}
	if n != specs+stars && n != specs {
		return f, fmt.Sprintf("the format takes %s, not %d", takes(specs+stars, specs+stars), n)
	}
	next := 0
	for i := range f.Parts {
		if p := &f.Parts[i]; p.Verb != 0 {
			next = takeArgs(p, next, n == specs+stars)
		}
	}
	return f, ""
}

// takeArgs numbers the arguments of a conversion from next on.
func takeArgs(p *object.FormatPart, next int, stars bool) int {
	p.StarWidth, p.StarPrec = p.StarWidth && stars, p.StarPrec && stars
	if p.StarWidth {
		p.Width = next
		next++
	}
	if p.StarPrec {
		p.Prec = next
		next++
	}
	p.Arg = next
	return next + 1
}

// conversion parses the conversion that s begins with: flags in the order "-+ #0", width,
// precision, length and verb. Size 0: there is none.
func conversion(s string) (p object.FormatPart, size int) {
	p = object.FormatPart{Width: -1, Prec: -1}
	if s[0] != '%' {
		return p, 0
	}
	rest := s[1:]
	for _, flag := range "-+ #0" {
		if strings.HasPrefix(rest, string(flag)) {
			p.Flags += string(flag)
			rest = rest[1:]
		}
	}
	p.Width, p.StarWidth, rest = count(rest)
	if after, ok := strings.CutPrefix(rest, "."); ok {
		n, star, tail := count(after)
		if n >= 0 || star {
			p.Prec, p.StarPrec, rest = n, star, tail
		}
	}
	mods := len(rest) - len(strings.TrimLeft(rest, "hlLjzt"))
	p.Mod, rest = rest[:mods], rest[mods:]
	for _, verb := range []string{"gr", "rh", "rx", "r"} {
		if strings.HasPrefix(rest, verb) {
			p.Verb, p.Mod = verb[0], ""
			if len(verb) == 2 {
				p.Mod = verb
			}
			return p, len(s) - len(rest) + len(verb)
		}
	}
	if rest == "" || !strings.Contains("diouxXeEfFgGaAcspn%", rest[:1]) {
		return p, 0
	}
	p.Verb = rest[0]
	return p, len(s) - len(rest) + 1
}

// count parses a width: digits or a star; -1 without.
func count(s string) (n int, star bool, rest string) {
	if after, ok := strings.CutPrefix(s, "*"); ok {
		return -1, true, after
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits == 0 || digits > 5 {
		return -1, false, s
	}
	n, _ = strconv.Atoi(s[:digits])
	return n, false, s[digits:]
}

// checkConversion checks the arguments of one conversion.
func (c *checker) checkConversion(p object.FormatPart, args []syntax.Expr, types []*Type) {
	if p.Verb == 0 {
		return
	}
	for _, i := range starArgs(p) {
		if t := types[i]; !bad(t) && !t.IsInt() {
			c.errorf(diag.CodeFormat, args[i].Span(), "the * of a width or precision takes an integer, not %s", t)
		}
	}
	t, at := types[p.Arg], args[p.Arg].Span()
	if bad(t) {
		return
	}
	if p.IsReal() {
		c.checkReal(&p, at)
		return
	}
	verb := "%" + string(p.Verb)
	if p.Verb == 'r' && p.Mod != "" || p.Verb == 'g' && p.Mod != "" {
		verb = "%" + p.Mod
	}
	ok := false
	switch p.Verb {
	case 'd', 'i', 'u', 'o', 'x', 'X', 'c', 'p':
		ok = t.IsInt() || t.Kind == Bool || t.Kind == Pointer
	case 'r':
		ok = t.Kind == Buf
	case 's':
		ok = t.Kind != Void && !t.Buckets() && t.Kind != Stats && t.Space != SpaceCtx
	case 'g':
		ok = p.Mod == "gr" && t.IsInt()
	}
	if ok {
		return
	}
	d := c.errorf(diag.CodeFormat, at, "%s doesn't print %s", verb, describeValue(t))
	switch {
	case p.Verb == 'a' || p.Verb == 'A':
		d.Note("floating-point numbers are printed with %%f, %%e or %%g")
	case p.Verb == 'n':
		d.Note("there is no such conversion")
	case t.Castable():
		d.Note("cast it: `(int64)…`")
	case t.Kind == String:
		d.Note("strings are printed with %%s")
	case p.Verb == 'r':
		d.Note("%%r prints what buf() gives")
	}
}

func starArgs(p object.FormatPart) []int {
	var list []int
	if p.StarWidth {
		list = append(list, p.Width)
	}
	if p.StarPrec {
		list = append(list, p.Prec)
	}
	return list
}

func describeValue(t *Type) string {
	if t.Kind == Void {
		return "what has no value"
	}
	return t.String()
}

// printed is a constant to print at compile time.
type printed struct {
	k *Const
	t *Type
}

// sprint formats constants at compile time, for fail().
func sprint(format string, values []printed) string {
	f, problem := parseFormat(format, len(values))
	if problem != "" {
		return format
	}
	var b strings.Builder
	for _, p := range f.Parts {
		if p.Verb == 0 {
			b.WriteString(p.Lit)
			continue
		}
		b.WriteString(values[p.Arg].String())
	}
	return b.String()
}

func (v printed) String() string {
	switch {
	case v.k.IsStr:
		return v.k.Str
	case v.t.Kind == Bool:
		return strconv.FormatBool(v.k.Int != 0)
	}
	return number(v.k, v.t)
}
