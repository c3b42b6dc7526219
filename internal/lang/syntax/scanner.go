package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/skep-bpf/skep/internal/diag"
)

// Scanner cuts a source into tokens. It's a plain value: a copy with rep nil reads
// ahead without reporting anything twice.
type Scanner struct {
	src  *diag.Source
	text string
	off  int
	rep  *diag.Reporter // nil: quiet, comments aren't kept either

	comments []Comment
	// unclosed: a string of this declaration isn't closed, and may hold its brackets.
	unclosed bool
	lastErr  int // where the last error begins that was reported, to leave out its consequences
}

// NewScanner returns a scanner at the start of src that reports to rep.
func NewScanner(src *diag.Source, rep *diag.Reporter) *Scanner {
	s := &Scanner{src: src, text: src.Text, rep: rep, lastErr: -1}
	if strings.HasPrefix(s.text, byteOrderMark) {
		s.off = len(byteOrderMark)
	}
	return s
}

// byteOrderMark is what some editors begin a UTF-8 file with.
const byteOrderMark = "\ufeff"

// Next is the next token. At the end, and from then on, it's EOF.
func (s *Scanner) Next() Token {
	s.skipLayout()
	start := s.off
	if start >= len(s.text) {
		return Token{Kind: EOF, Start: start, End: start}
	}
	c := s.text[start]
	switch {
	case isNameStart(c):
		s.off = s.nameEnd(start)
		return Token{Kind: Name, Start: start, End: s.off}
	case isDigit(c):
		s.off = s.nameEnd(start)
		return Token{Kind: Number, Start: start, End: s.off}
	case c == '"':
		return s.scanString()
	case c == '$':
		return s.scanDollar()
	case c == '@':
		s.off++
		if s.off < len(s.text) && isNameStart(s.text[s.off]) {
			s.off = s.nameEnd(s.off)
		}
		return Token{Kind: Map, Start: start, End: s.off}
	}
	for _, p := range punctuation[c] {
		if strings.HasPrefix(s.text[start:], p.text) {
			s.off += len(p.text)
			return Token{Kind: p.kind, Op: p.op, Start: start, End: s.off}
		}
	}
	_, size := utf8.DecodeRuneInString(s.text[start:])
	s.off += size
	s.badChar(start, s.off)
	return Token{Kind: Invalid, Start: start, End: s.off}
}

// badChar reports a character that begins no token.
func (s *Scanner) badChar(start, end int) {
	char := s.text[start:end]
	d := s.errorf(diag.CodeChar, start, end, "unexpected character %q", char)
	for _, l := range lookalikes {
		if strings.Contains(l.chars, char) {
			d.Suggest(l.means)
		}
	}
	switch {
	case start < utf8.UTFMax && char < " " || char == "\x7f":
		d.Note("the file isn't text in UTF-8")
	case d.Fix != nil && d.Fix.Text == " ":
		d.Fix.Msg = "replace it by a blank"
	}
}

// lookalikes are characters that word processors and web pages put in the place of others.
var lookalikes = []struct{ chars, means string }{
	{"\u201c\u201d\u201e\u00ab\u00bb\uff02", `"`},
	{"\u2212\u2013\u2014\u2010\u2011\uff0d", "-"},
	{"\u00d7\u2217\uff0a", "*"},
	{"\u00f7\u2215\uff0f", "/"},
	{"\u2264", "<="}, {"\u2265", ">="}, {"\u2260", "!="}, {"\u2026", ".."},
	{"\uff08", "("}, {"\uff09", ")"}, {"\uff5b", "{"}, {"\uff5d", "}"}, {"\uff3b", "["}, {"\uff3d", "]"},
	{"\uff1b", ";"}, {"\uff0c", ","}, {"\uff1a", ":"}, {"\uff1d", "="}, {"\uff0b", "+"}, {"\uff04", "$"}, {"\uff20", "@"},
	{"\u00a0\u3000\u2003\u2009\u202f", " "},
}

// scanDollar reads $name, $1 or $#.
func (s *Scanner) scanDollar() Token {
	start := s.off
	s.off++
	if s.off < len(s.text) {
		switch c := s.text[s.off]; {
		case isNameStart(c):
			s.off = s.nameEnd(s.off)
			return Token{Kind: Var, Start: start, End: s.off}
		case isDigit(c):
			for s.off < len(s.text) && isDigit(s.text[s.off]) {
				s.off++
			}
			return Token{Kind: Param, Start: start, End: s.off}
		case c == '#':
			s.off++
			return Token{Kind: Param, Start: start, End: s.off}
		}
	}
	s.errorf(diag.CodeDollar, start, s.off, "a name, a number or # must follow $")
	return Token{Kind: Invalid, Start: start, End: s.off}
}

// scanString finds the end of a string; unquote gives it its value later.
func (s *Scanner) scanString() Token {
	start := s.off
	s.off++
	for s.off < len(s.text) && s.text[s.off] != '\n' {
		switch s.text[s.off] {
		case '"':
			s.off++
			return Token{Kind: String, Start: start, End: s.off}
		case '\\':
			if s.off+1 < len(s.text) && s.text[s.off+1] != '\n' {
				s.off++
			}
		}
		s.off++
	}
	s.unclosed = s.rep != nil
	s.errorf(diag.CodeString, start, s.off, "string isn't closed").
		Note("a string ends on its own line; \\n stands for a new line in it")
	return Token{Kind: String, Start: start, End: s.off}
}

// skipLayout passes blanks and comments, and keeps the comments.
func (s *Scanner) skipLayout() {
	for s.off < len(s.text) {
		switch c := s.text[s.off]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.off++
		case c == '/' && s.hasPrefix("//"):
			s.comment(s.lineEnd(s.off))
		case c == '/' && s.hasPrefix("/*"):
			end := strings.Index(s.text[s.off+2:], "*/")
			if end < 0 {
				s.errorf(diag.CodeComment, s.off, s.off+2, "comment isn't closed").
					Note("it runs to the end of the script; close it with */")
				s.off = len(s.text)
				return
			}
			s.comment(s.off + 2 + end + 2)
		default:
			return
		}
	}
}

// comment passes the comment that ends at end.
func (s *Scanner) comment(end int) {
	if s.rep != nil {
		text := strings.TrimRight(s.text[s.off:end], " \t\r")
		s.comments = append(s.comments, Comment{s.span(s.off, s.off+len(text)), text})
	}
	s.off = end
}

func (s *Scanner) span(start, end int) diag.Span {
	return diag.Span{Start: s.src.Pos(start), End: s.src.Pos(end)}
}

// errorf reports an error, unless the scanner only reads ahead.
func (s *Scanner) errorf(code diag.Code, start, end int, format string, args ...any) *diag.Diagnostic {
	if s.rep == nil {
		return new(diag.Diagnostic)
	}
	s.lastErr = start
	return s.rep.Errorf(code, s.span(start, end), format, args...)
}

func (s *Scanner) hasPrefix(p string) bool { return strings.HasPrefix(s.text[s.off:], p) }

// lineEnd is the offset of the newline that ends the line of off, or of the text's end.
func (s *Scanner) lineEnd(off int) int {
	if i := strings.IndexByte(s.text[off:], '\n'); i >= 0 {
		return off + i
	}
	return len(s.text)
}

// nameEnd is the end of the letters, digits and underscores from off.
func (s *Scanner) nameEnd(off int) int {
	for off < len(s.text) && (isNameStart(s.text[off]) || isDigit(s.text[off])) {
		off++
	}
	return off
}

func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
