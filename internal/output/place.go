package output

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/skep-bpf/skep/internal/diag"
)

// tabWidth is the number of columns that a tab takes in shown source lines.
const tabWidth = 4

// Place is a range of a script, as messages show it.
type Place struct {
	File      string
	Line, Col int    // of its start, from 1
	Range     string // "stdin:1:9-12", or "stdin:1-3" over several lines
	// Context are the source lines, the last of them marking the range by tildes when
	// it's within one line.
	Context []string
}

// PlacesOf is where s stands: first the text itself, then the uses of macros that
// brought it there, from the inside out. None when s has no position.
func PlacesOf(src *diag.Sources, s diag.Span) []Place {
	if src == nil || !s.IsValid() {
		return nil
	}
	file, at, chain := src.Resolve(s.Start)
	if file == nil {
		return nil
	}
	places := []Place{placeOf(file, diag.Span{Start: at, End: at + s.End - s.Start})}
	for _, use := range chain {
		if f, at, _ := src.Resolve(use.Call.Start); f != nil {
			places = append(places, placeOf(f, diag.Span{Start: at, End: at + use.Call.End - use.Call.Start}))
		}
	}
	return places
}

func placeOf(f *diag.Source, s diag.Span) Place {
	line, col := f.LineCol(s.Start)
	endLine, endCol := f.LineCol(s.End)
	p := Place{File: f.Name, Line: line, Col: col}
	at := f.Name + ":" + strconv.Itoa(line)
	if line != endLine {
		p.Range = at + "-" + strconv.Itoa(endLine)
		for n := line; n <= endLine; n++ {
			p.Context = append(p.Context, shown(f.Line(n)))
		}
		return p
	}
	p.Range = at + ":" + strconv.Itoa(col) + "-" + strconv.Itoa(endCol)
	p.Context = underline(f.Line(line), col, endCol)
	return p
}

// underline is a source line and a line that marks its columns [from, to).
func underline(line string, from, to int) []string {
	var marks strings.Builder
	for i := 0; i < len(line) && i < to-1; i++ {
		mark := " "
		if i >= from-1 {
			mark = "~"
		}
		if line[i] == '\t' {
			mark = strings.Repeat(mark, tabWidth)
		}
		marks.WriteString(mark)
	}
	return []string{strings.ReplaceAll(shown(line), "\t", strings.Repeat(" ", tabWidth)), marks.String()}
}

// shown is a source line without what would change the terminal.
func shown(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, line)
}
