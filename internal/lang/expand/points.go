package expand

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// points puts the positional parameters into attach points. A parameter may hold several
// parts: with $1 = "s:1", interval:$1 is interval:s:1.
func (v *values) points(list []*syntax.AttachPoint) []*syntax.AttachPoint {
	out := make([]*syntax.AttachPoint, len(list))
	for i, a := range list {
		out[i] = a
		if strings.Contains(a.Text, "$") {
			out[i] = v.point(a)
		}
	}
	return out
}

func (v *values) point(a *syntax.AttachPoint) *syntax.AttachPoint {
	own := *a
	own.Parts = nil
	for _, p := range a.Parts {
		if p.Quoted {
			own.Parts = append(own.Parts, p)
			continue
		}
		for _, text := range strings.Split(v.pointText(p, &own), ":") {
			own.Parts = append(own.Parts, syntax.AttachPart{Pos: p.Pos, Text: text})
		}
	}
	own.Text = pointText(own.Parts)
	if own.Name != "" {
		own.Text = own.Name + "=" + own.Text
	}
	return &own
}

// pointText is the parts joined again, with quotes where there were some.
func pointText(parts []syntax.AttachPart) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte(':')
		}
		if p.Quoted {
			b.WriteString(quote(p.Text))
			continue
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// pointText replaces the parameters in one part of own.
func (v *values) pointText(p syntax.AttachPart, own *syntax.AttachPoint) string {
	before, rest, found := strings.Cut(p.Text, "$")
	out := before
	for found {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' && (digits > 0 || rest[0] != '0') {
			digits++
		}
		n := 0
		for _, c := range rest[:min(digits, 6)] {
			n = n*10 + int(c-'0')
		}
		if digits == 0 {
			v.rep.Errorf(diag.CodePointParam, p.Pos, "a number must follow $ in an attach point").
				Note("to have a $ itself, quote the part: \"…$…\"")
			return p.Text
		}
		value := v.positional(n)
		if value == "" {
			own.Missing = n
		}
		if value == "" && !v.warned[n] && !v.opt.Open {
			v.warned[n] = true
			v.rep.Warnf(diag.CodeParamMissing, p.Pos, "positional parameter $%d wasn't given or is empty", n)
		}
		before, rest, found = strings.Cut(rest[digits:], "$")
		out += value + before
	}
	return out
}
