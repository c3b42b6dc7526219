package syntax

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// directive reads a preprocessor line, with the lines it continues on.
func (p *parser) directive() Decl {
	start := p.off
	end := p.lineEnd(start)
	for end < len(p.text) && strings.HasSuffix(strings.TrimRight(p.text[start:end], "\r"), `\`) {
		end = p.lineEnd(end + 1)
	}
	p.off = end
	text := strings.TrimRight(p.text[start:end], " \t\r\n\\") // a last \ continues nothing
	return p.cText(start, start+len(text))
}

// cText is the C text of [start, end) without the blanks that end it.
func (p *parser) cText(start, end int) Decl {
	text := strings.TrimRight(p.text[start:end], " \t\r\n")
	p.last = start + len(text)
	return place(p, &CDef{Text: text}, start)
}

// looksLikeC reports whether struct, union, enum … at the scanner begins C text, or const a
// constant, and isn't the provider of an attach point: names and bracketed groups up to a brace.
func (p *parser) looksLikeC() bool {
	s := p.reader()
	word := s.Next()
	if !strings.ContainsAny(s.text[word.Start:word.Start+1], "sue") { // typedef, static, extern, const
		return s.Next().Kind == Name
	}
	for {
		switch t := s.Next(); t.Kind {
		case LBrace:
			return true
		case LParen:
			if !skipGroup(&s, LParen, RParen) {
				return false
			}
		case LBrack:
			if !skipGroup(&s, LBrack, RBrack) {
				return false
			}
		case Name:
		default:
			return false
		}
	}
}

// skipGroup passes what stands between an opening bracket, already passed, and its
// closing one; false: there is none.
func skipGroup(s *Scanner, open, closing Kind) bool {
	for depth := 1; depth > 0; {
		switch s.Next().Kind {
		case open:
			depth++
		case closing:
			depth--
		case EOF:
			return false
		}
	}
	return true
}

// cDefinition reads a struct, union or enum definition with its attributes and its
// semicolon, which may be missing.
func (p *parser) cDefinition() Decl {
	start := p.off
	s := p.reader()
	for t := s.Next(); t.Kind != LBrace; t = s.Next() {
		p.last = t.End
	}
	open := s.off - 1
	if !skipGroup(&s, LBrace, RBrace) {
		p.errorf(diag.CodeUnclosed, open, open+1, "`{` is never closed")
		p.off = len(p.text)
		return p.cText(start, p.off)
	}
	end := s.off
	for t := s.Next(); ; t = s.Next() {
		switch {
		case t.Kind == Semi:
			p.off = t.End
			return p.cText(start, t.End)
		case t.Kind != Name || s.text[t.Start:t.End] != "__attribute__":
			p.off = end
			return p.cText(start, end)
		}
		at := t
		first, second := s.Next(), s.Next()
		if first.Kind != LParen || second.Kind != LParen || second.Start != first.End ||
			!skipGroup(&s, LParen, RParen) || s.Next().Kind != RParen {
			p.errorf(diag.CodeAttribute, at.Start, at.End, "expected `((…))` after __attribute__")
			p.off, p.lost = at.End, true
			return p.cText(start, end)
		}
		end = s.off
	}
}

// cOther reports a C declaration that a script can't hold, and passes it.
func (p *parser) cOther() Decl {
	start := p.off
	p.errorf(diag.CodeCDecl, start, p.nameEnd(start), "`%s` isn't supported in a script", p.text[start:p.nameEnd(start)]).
		Note("put it in a header and #include that; struct, union and enum definitions may stand here")
	s := p.reader()
	for depth := 0; ; {
		switch t := s.Next(); {
		case t.Kind == LBrace:
			depth++
		case t.Kind == RBrace:
			depth--
		case t.Kind == EOF, t.Kind == Semi && depth <= 0:
			p.off = s.off
			return nil
		}
	}
}
