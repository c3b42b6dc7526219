package cdecl

import "strings"

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
	pos  int // its offset
}

// is reports whether t is the punctuator or the word.
func (t token) is(text string) bool {
	return t.text == text && (t.kind == punct || t.kind == name)
}

// scanner cuts C text into preprocessing tokens; a backslash before a newline joins lines.
type scanner struct {
	text string
	off  int
}

// puncts are the punctuators of more than one byte, longest first.
var puncts = []string{"...", "<<=", ">>=", "##", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="}

// next is the next token; at the end it's eof.
func (s *scanner) next() token {
	s.blanks()
	start := s.off
	t := token{pos: start}
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

// blanks passes blanks, comments and joined lines.
func (s *scanner) blanks() {
	for s.off < len(s.text) {
		rest := s.text[s.off:]
		switch {
		case strings.IndexByte(" \n\t\r\f\v", rest[0]) >= 0:
			s.off++
		case strings.HasPrefix(rest, "\\\n"):
			s.off += 2
		case strings.HasPrefix(rest, "\\\r\n"):
			s.off += 3
		case strings.HasPrefix(rest, "//"):
			s.off += lineLen(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				s.off = len(s.text)
				return
			}
			s.off += end + 4
		default:
			return
		}
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

// nameByte reports whether c can be part of a name, a dollar sign too, as compilers have it.
func nameByte(c byte) bool {
	return c == '_' || c == '$' || digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
