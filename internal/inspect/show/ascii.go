package show

import (
	"io"
	"strings"
	"unicode/utf8"
)

// nearest are what stands for a character where only ASCII can be shown.
var nearest = map[rune]rune{
	'µ': 'u', '…': '~', '→': '>', '≥': '>', '×': 'x', '├': '|', '└': '`', '│': '|', '─': '-', '█': '#', '↑': '^', '↓': 'v', '▲': '^', '▼': 'v',
}

// ASCII is what stands for a character where only ASCII can be shown; '?' for most.
func ASCII(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	if n, ok := nearest[r]; ok {
		return n
	}
	return '?'
}

// ASCIIWriter passes text on in ASCII.
func ASCIIWriter(w io.Writer) io.Writer { return &asciiWriter{w: w} }

type asciiWriter struct {
	w    io.Writer
	rest []byte // the beginning of a character, whose end is to come
}

func (a *asciiWriter) Write(p []byte) (int, error) {
	text := append(a.rest, p...)
	a.rest = nil
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if last := text[len(text)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				a.rest, text = append([]byte(nil), last...), text[:len(text)-back]
			}
			break
		}
	}
	if _, err := io.WriteString(a.w, strings.Map(ASCII, string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}
