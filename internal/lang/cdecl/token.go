package cdecl

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// kind tells C's preprocessing tokens apart.
type kind uint8

const (
	eof kind = iota
	name
	number
	char
	str
	punct
)

// token is one preprocessing token.
type token struct {
	kind kind
	text string
	pos  diag.Pos
	// bol: it's the first of its line; space: a blank stands before it.
	bol, space bool
	// hidden: a name that came out of its own macro, which isn't expanded again.
	hidden bool
}

func (t token) span() diag.Span {
	return diag.Span{Start: t.pos, End: t.pos + diag.Pos(len(t.text))}
}

// is reports whether t is the punctuator or the word.
func (t token) is(text string) bool {
	return t.text == text && (t.kind == punct || t.kind == name)
}

// scanner cuts C text into preprocessing tokens; a backslash before a newline joins lines.
type scanner struct {
	text string
	base diag.Pos
	off  int
}

// puncts are the punctuators of more than one byte, longest first.
var puncts = []string{"...", "<<=", ">>=", "##", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="}

// next is the next token; at the end it's eof.
func (s *scanner) next() token {
	t := token{bol: s.off == 0}
	if s.blanks() {
		t.bol = true
	}
	t.space = s.off > 0 && strings.ContainsRune(" \t/", rune(s.text[s.off-1]))
	start := s.off
	t.pos = s.base + diag.Pos(start)
	if start >= len(s.text) {
		return t
	}
	switch c := s.text[start]; {
	case nameByte(c) && !digit(c):
		for s.off < len(s.text) && nameByte(s.text[s.off]) {
			s.off++
		}
		t.kind = name
	case digit(c):
		for s.off < len(s.text) && (nameByte(s.text[s.off]) || s.text[s.off] == '.') {
			s.off++
		}
		t.kind = number
	case c == '"' || c == '\'':
		s.quoted(c)
		t.kind = str
		if c == '\'' {
			t.kind = char
		}
	default:
		t.kind = punct
		s.off++
		for _, p := range puncts {
			if strings.HasPrefix(s.text[start:], p) {
				s.off = start + len(p)
				break
			}
		}
	}
	t.text = s.text[start:s.off]
	return t
}

// quoted passes a literal in the quotes q; it ends at the line's end at the latest.
func (s *scanner) quoted(q byte) {
	for s.off++; s.off < len(s.text) && s.text[s.off] != '\n'; s.off++ {
		switch s.text[s.off] {
		case q:
			s.off++
			return
		case '\\':
			if s.off+1 < len(s.text) {
				s.off++
			}
		}
	}
}

// blanks passes blanks, comments and joined lines; it reports whether a line ended.
func (s *scanner) blanks() (newline bool) {
	for s.off < len(s.text) {
		rest := s.text[s.off:]
		switch {
		case rest[0] == '\n':
			newline = true
			s.off++
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\f':
			s.off++
		case strings.HasPrefix(rest, "\\\n"):
			s.off += 2
		case strings.HasPrefix(rest, "\\\r\n"):
			s.off += 3
		case strings.HasPrefix(rest, "//"):
			s.off += len(rest[:lineLen(rest)])
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				s.off = len(s.text)
				return newline
			}
			s.off += end + 4
		default:
			return newline
		}
	}
	return newline
}

// line reads the tokens up to the end of the line, that is, before the next bol token.
func (s *scanner) line() []token {
	var out []token
	for {
		at := s.off
		t := s.next()
		if t.kind == eof || t.bol {
			s.off = at
			return out
		}
		out = append(out, t)
	}
}

// lineLen is the length of the first line of s; joined lines count as one.
func lineLen(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' && !strings.HasSuffix(strings.TrimSuffix(s[:i], "\r"), "\\") {
			return i
		}
	}
	return len(s)
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func nameByte(c byte) bool {
	return c == '_' || digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
