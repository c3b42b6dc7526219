package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// spot is a span found back in its source.
type spot struct {
	file       *Source
	start, end int // byte offsets in the file
	line, col  int // of start, from 1; col in bytes
	endLine    int // of end
	endCol     int
	chain      []Expansion
}

// locate finds the source of a span; false: the span is nowhere.
func (s *Sources) locate(span Span) (spot, bool) {
	if s == nil {
		return spot{}, false
	}
	f, at, chain := s.Resolve(span.Start)
	if f == nil {
		return spot{}, false
	}
	p := spot{file: f, start: f.Offset(at), chain: chain}
	p.end = p.start
	if span.End > span.Start {
		p.end = min(p.start+int(span.End-span.Start), len(f.Text))
	}
	p.line, p.col = f.LineCol(at)
	p.endLine, p.endCol = f.LineCol(f.Pos(p.end))
	return p, true
}

// tabWidth is the distance of the tab stops in shown source lines.
const tabWidth = 8

// Of a line of more than longLine bytes, as programs write them, shownLine are shown.
const (
	longLine  = 1000
	shownLine = 200
	cutMark   = "…"
)

// cut is the range of a line that's shown.
func (p spot) cut(line string) (begin, end int) {
	if len(line) <= longLine {
		return 0, len(line)
	}
	begin = max(0, min(p.col-1, len(line))-shownLine/2)
	end = min(begin+shownLine, len(line))
	for begin > 0 && !utf8.RuneStart(line[begin]) {
		begin--
	}
	for end < len(line) && !utf8.RuneStart(line[end]) {
		end++
	}
	return begin, end
}

// show gives the first line of the spot as it's shown, with tabs as blanks and control
// characters made harmless, and the columns [from, to) to underline in it.
func (p spot) show() (text string, from, to int) {
	line := p.file.Line(p.line)
	last := len(line)
	if p.endLine == p.line {
		last = min(p.endCol-1, len(line))
	}
	var out strings.Builder
	col := 0
	from, to = -1, -1
	begin, end := p.cut(line)
	if begin > 0 {
		out.WriteString(cutMark)
		col++
	}
	for i := begin; i < end; {
		if i >= p.col-1 && from < 0 {
			from = col
		}
		if i >= last && to < 0 {
			to = col
		}
		r, size := utf8.DecodeRuneInString(line[i:])
		i += size
		if r == '\t' {
			n := tabWidth - col%tabWidth
			out.WriteString(strings.Repeat(" ", n))
			col += n
			continue
		}
		if unicode.IsControl(r) {
			r = unicode.ReplacementChar
		}
		out.WriteRune(r)
		col += runeWidth(r)
	}
	if from < 0 {
		from = col
	}
	if to < 0 {
		to = col
	}
	if end < len(line) {
		out.WriteString(cutMark)
	}
	return out.String(), from, max(to, from+1)
}

// wide are the runes that take two columns of a terminal: East Asian wide and fullwidth
// forms and emoji, by Unicode's EastAsianWidth, in large blocks.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, {Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

// runeWidth is the number of columns that a terminal gives a rune.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
