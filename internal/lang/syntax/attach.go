package syntax

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/skep-bpf/skep/internal/diag"
)

// probe reads attach points, a predicate, and the block.
func (p *parser) probe() Decl {
	start := p.off
	d := &Probe{}
	for {
		a := p.attachPoint()
		if a == nil {
			return place(p, d, start)
		}
		d.Points = append(d.Points, a)
		p.skipLayout()
		if !p.hasPrefix(",") {
			break
		}
		p.off++
		p.skipLayout()
		if p.hasPrefix("/") || p.hasPrefix("{") {
			break // the comma after the last
		}
	}
	if p.hasPrefix("/") {
		d.Pred = p.predicate()
	}
	if p.lost {
		return place(p, d, start)
	}
	if !p.at(LBrace) && !p.probeBody(d) {
		return place(p, d, start)
	}
	d.Body = p.block(false)
	return place(p, d, start)
}

// headings are the words that a misspelt one before a name may be.
var headings = []string{"struct", "union", "enum", "macro", "const", "import", "config"}

// probeBody reports that the brace of a probe's body is missing; true: it stands further on in
// the line. Statements in its place are read as the body.
func (p *parser) probeBody(d *Probe) bool {
	last := d.Points[len(d.Points)-1]
	end := p.src.Offset(last.Span().End)
	t := p.peek()
	e := p.expected("`{`")
	near, isHeading := diag.Nearest(last.Text, headings)
	pointGoesOn := strings.HasPrefix(p.text[t.End:], ":")
	switch line := p.text[end:p.lineEnd(end)]; {
	case d.Pred != nil || t.Kind == EOF || strings.Contains(p.text[end:t.Start], "\n"):
	case isHeading && t.Kind == Name && !pointGoesOn:
		e.SuggestAt(last.Span(), near)
	case strings.Contains(line, "/") && !pointGoesOn:
		e.Note("a condition stands between slashes before the block: `%s /pid == 1/ { … }`", last.Text)
	case p.beginsStmt(t) || t.Kind == RBrace || t.Kind == RParen:
		e.Note("what a probe does stands in braces: `%s { … }`", last.Text)
	default:
		e.NoteAt(last.Span(), "an attach point ends at the first blank outside quotes")
	}
	p.toBlock()
	if p.lost && p.beginsStmt(t) && !p.escape {
		p.lost = false
		d.Body = p.blockRest(&Block{}, t, false)
		return false
	}
	if p.lost && t.Kind == Name && strings.HasPrefix(p.text[t.End:], ":") {
		p.escape = true // the next probe
	}
	return !p.lost
}

// predicate reads `/cond/`; the scanner stands at the first slash.
func (p *parser) predicate() Expr {
	open := p.off
	p.off++
	e := p.expr()
	if t := p.peek(); t.Kind == Operator && t.Op == Div {
		p.next()
	} else if !p.lost {
		p.expected("`/`").NoteAt(p.span(open, open+1), "to close this predicate")
	}
	return e
}

// attachPoint reads one attach point, or returns nil after reporting that there is none.
func (p *parser) attachPoint() *AttachPoint {
	p.skipLayout()
	start := p.off
	end := p.pointEnd()
	if end == start {
		p.stray(diag.CodePoint, fmt.Sprintf("expected an attach point such as `kprobe:vfs_read`, found %s", p.found()))
		return nil
	}
	if i := strings.IndexFunc(p.text[start:end], unicode.IsControl); i >= 0 {
		p.badChar(start+i, start+i+1)
		p.off, p.last, p.lost = end, end, true
		return nil
	}
	p.off, p.last = end, end
	a := place(p, &AttachPoint{Text: p.text[start:end]}, start)
	a.Parts = p.parts(start, end)
	first := &a.Parts[0]
	if i := strings.IndexByte(first.Text, '='); i >= 0 && i < len(first.Text)-1 && !first.Quoted {
		a.Name = first.Text[:i]
		first.Text = first.Text[i+1:]
		first.Pos.Start = p.src.Pos(start + i + 1)
	}
	return a
}

// pointEnd finds the end of the attach point at the scanner: a blank, a comma, a
// brace, or, while no part was seen that could be a path, a slash.
func (p *parser) pointEnd() int {
	path := false
	for i := p.off; i < len(p.text); i++ {
		switch p.text[i] {
		case '{', ',', ' ', '\t', '\r', '\n', '\v', '\f':
			return i
		case ':':
			path = true
		case '/':
			if !path {
				return i
			}
		case '"':
			n := quotedLen(p.text[i:])
			if n < 0 {
				p.errorf(diag.CodeString, i, i+1, "quoted part isn't closed")
				p.unclosed = true
				n = 1
			}
			i += n - 1
		}
	}
	return len(p.text)
}

// quotedLen is the length of the quoted text at the start of s, or -1 if its line
// ends before the quote that closes it.
func quotedLen(s string) int {
	for i := 1; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// parts cuts the attach point [start, end) at its colons outside quotes, and takes
// the quotes off.
func (p *parser) parts(start, end int) []AttachPart {
	var parts []AttachPart
	var text []byte
	from, quoted, inside := start, false, false
	for i := start; i <= end; i++ {
		if i == end || p.text[i] == ':' && !inside {
			parts = append(parts, AttachPart{Pos: p.span(from, i), Text: string(text), Quoted: quoted})
			text, from, quoted = nil, i+1, false
			continue
		}
		switch c := p.text[i]; {
		case c == '"':
			inside, quoted = !inside, true
		case c == '\\' && inside && i+1 < end:
			i++
			text = append(text, p.text[i])
		default:
			text = append(text, c)
		}
	}
	return parts
}
