// Package term is a terminal's screen: a Grid of characters to draw into, and a Screen that
// shows it and tells of keys. Grid needs no terminal, so that what draws can be tested.
package term

import (
	"strings"
	"unicode"
)

// Style is how a character looks. Colours are the terminal's own eight, so that it fits the
// user's scheme.
type Style struct {
	Color                    Color
	Bold, Dim, Reverse, Line bool // Line: underlined
}

// Color is one of the terminal's colours.
type Color uint8

// The colours; Plain is the terminal's default.
const (
	Plain Color = iota
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
)

// Cell is a character.
type Cell struct {
	Rune  rune
	Style Style
}

// Grid is a rectangle of characters.
type Grid struct {
	Width, Height int
	cells         []Cell
}

// NewGrid makes an empty grid.
func NewGrid(width, height int) *Grid {
	g := &Grid{}
	g.Resize(width, height)
	return g
}

// Resize empties the grid and gives it a size.
func (g *Grid) Resize(width, height int) {
	g.Width, g.Height = max(0, width), max(0, height)
	if n := g.Width * g.Height; cap(g.cells) >= n {
		g.cells = g.cells[:n]
	} else {
		g.cells = make([]Cell, n)
	}
	for i := range g.cells {
		g.cells[i] = Cell{Rune: ' '}
	}
}

// At is the character at a place; outside it's a blank.
func (g *Grid) At(x, y int) Cell {
	if x < 0 || y < 0 || x >= g.Width || y >= g.Height {
		return Cell{Rune: ' '}
	}
	return g.cells[y*g.Width+x]
}

// Set puts a character, which takes one column; what would take another number or disturb
// the terminal becomes '?'. Outside of the grid nothing happens.
func (g *Grid) Set(x, y int, r rune, s Style) {
	if x < 0 || y < 0 || x >= g.Width || y >= g.Height {
		return
	}
	g.cells[y*g.Width+x] = Cell{single(r), s}
}

// Text writes a text from a place on and returns the column behind it. What doesn't fit is
// left out.
func (g *Grid) Text(x, y int, text string, s Style) int {
	for _, r := range text {
		g.Set(x, y, r, s)
		x++
	}
	return x
}

// Fill gives a row a style, and blanks to the columns from x on.
func (g *Grid) Fill(x, y int, s Style) {
	for ; x < g.Width; x++ {
		g.Set(x, y, ' ', s)
	}
}

// String is the grid's text, without blanks at the ends of lines.
func (g *Grid) String() string {
	var b strings.Builder
	for y := range g.Height {
		var line strings.Builder
		for x := range g.Width {
			line.WriteRune(g.At(x, y).Rune)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// single is a character that takes one column.
func single(r rune) rune {
	if r < 0x7f && r >= ' ' {
		return r
	}
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || wide(r) {
		return '?'
	}
	return r
}

// wide reports whether a character takes two columns (East Asian Width W and F, emoji).
func wide(r rune) bool {
	for _, w := range [...][2]rune{
		{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653},
		{0x267f, 0x26ff}, {0x2705, 0x27bf}, {0x2b1b, 0x2b55}, {0x2e80, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
		{0xfe10, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff}, {0x1f004, 0x1faff}, {0x20000, 0x3fffd},
	} {
		if r >= w[0] && r <= w[1] {
			return true
		}
	}
	return false
}
