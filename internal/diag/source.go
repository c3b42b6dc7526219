// Package diag holds sources, positions and diagnostics, and renders them.
//
// A position is one uint32, dense over all the sources of a compilation; lines
// and columns are computed only when something is shown.
package diag

import "sort"

// Pos is a byte position in a Sources set. 0 is "no position".
type Pos uint32

// NoPos is the zero Pos: no position is known.
const NoPos Pos = 0

// Span is the half-open range [Start, End) of one source.
type Span struct{ Start, End Pos }

// IsValid reports whether s has a position.
func (s Span) IsValid() bool { return s.Start != NoPos }

// To returns the span from the start of s to the end of t.
func (s Span) To(t Span) Span { return Span{s.Start, t.End} }

// Source is one text: a script, an imported file, a -e argument, a header.
type Source struct {
	Name  string // as shown: a path, "stdin", "builtin:…"
	Text  string
	base  Pos
	lines []uint32 // byte offset of each line's start; made at first use
}

// Base is the position of the text's first byte.
func (f *Source) Base() Pos { return f.base }

// Pos is the position of the byte at offset.
func (f *Source) Pos(offset int) Pos { return f.base + Pos(offset) }

// Offset is the byte offset of p in the text.
func (f *Source) Offset(p Pos) int { return int(p - f.base) }

// LineCol is the 1-based line and 1-based byte column of p.
func (f *Source) LineCol(p Pos) (line, col int) {
	f.index()
	off := uint32(p - f.base)
	i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > off }) - 1
	return i + 1, int(off-f.lines[i]) + 1
}

// Line is the text of the 1-based line n, without its newline; "" if there is none.
func (f *Source) Line(n int) string {
	f.index()
	if n < 1 || n > len(f.lines) {
		return ""
	}
	start := f.lines[n-1]
	end := uint32(len(f.Text))
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	for end > start && (f.Text[end-1] == '\n' || f.Text[end-1] == '\r') {
		end--
	}
	return f.Text[start:end]
}

func (f *Source) index() {
	if f.lines != nil {
		return
	}
	f.lines = append(f.lines, 0)
	for i := 0; i < len(f.Text); i++ {
		if f.Text[i] == '\n' {
			f.lines = append(f.lines, uint32(i+1))
		}
	}
}

// Expansion says that a range of positions is a copy of text from elsewhere:
// a macro's body at one of its call sites.
type Expansion struct {
	base, end Pos
	Origin    Pos    // where the copied text stands
	Call      Span   // what asked for it
	Name      string // the macro
}

// Sources is the set of texts of one compilation. The zero value is empty and ready.
type Sources struct {
	files      []*Source
	expansions []Expansion
	next       Pos
}

// Add enters a text and gives it its positions.
func (s *Sources) Add(name, text string) *Source {
	f := &Source{Name: name, Text: text, base: s.take(len(text) + 1)}
	s.files = append(s.files, f)
	return f
}

func (s *Sources) take(n int) Pos {
	if s.next == 0 {
		s.next = 1
	}
	p := s.next
	s.next += Pos(n)
	return p
}

// Expand gives the text origin a second run of positions, for its copy at call.
// A position p of origin has the copy p - origin.Start + the returned Pos.
func (s *Sources) Expand(origin, call Span, name string) Pos {
	base := s.take(int(origin.End-origin.Start) + 1)
	s.expansions = append(s.expansions, Expansion{base, s.next, origin.Start, call, name})
	return base
}

// SourceAt is a text that already stands at a position of some source, such as the body
// of a #define: its positions are those of that place. It belongs to no set.
func SourceAt(name, text string, at Pos) *Source {
	return &Source{Name: name, Text: text, base: at}
}

// Files are the texts, in the order they were added.
func (s *Sources) Files() []*Source { return s.files }

// Resolve follows expansions: the place in a real source where p's text stands,
// and the calls that brought it there, innermost first.
func (s *Sources) Resolve(p Pos) (f *Source, at Pos, chain []Expansion) {
	for {
		i := sort.Search(len(s.expansions), func(i int) bool { return s.expansions[i].end > p })
		if i == len(s.expansions) || p < s.expansions[i].base {
			break
		}
		e := s.expansions[i]
		chain = append(chain, e)
		p = e.Origin + (p - e.base)
	}
	i := sort.Search(len(s.files), func(i int) bool { return s.files[i].base > p }) - 1
	if i < 0 || p == NoPos {
		return nil, NoPos, chain
	}
	return s.files[i], p, chain
}
