// Command img draws terminal sessions: each TEXT file becomes an SVG file beside it.
//
//	go run ./docs/img docs/img/*.txt
//
// The texts are what skep printed, under the commands that made it ("$ command").
package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
)

func main() {
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(strings.TrimSuffix(file, ".txt")+".svg", draw(string(text)), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "img:", err)
			os.Exit(1)
		}
	}
}

// Sizes in pixels; a cell is one character of the font.
const (
	cellWidth  = 8.43
	lineHeight = 19
	fontSize   = 14
	margin     = 18
	titleBar   = 30
)

// draw is the window with the text in it.
func draw(text string) []byte {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	columns := 0
	for _, l := range lines {
		columns = max(columns, len([]rune(l)))
	}
	width := int(float64(columns)*cellWidth) + 2*margin
	height := len(lines)*lineHeight + titleBar + 2*margin - 8
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<style>text{font:%dpx "DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#d6dbe3;white-space:pre}`+
		".p{fill:#7ee0a1}.c{fill:#fff}.e{fill:#ff8278}.n{fill:#8fb8ff}.b{fill:#f5bd4f}.d{fill:#8a93a3}</style>\n", fontSize)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="9" fill="#1b1f27"/>`+"\n", width, height)
	for i, color := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="16" r="6" fill="%s"/>`, 20+20*i, color)
	}
	b.WriteByte('\n')
	for i, l := range lines {
		y := titleBar + margin + i*lineHeight
		for _, s := range spans(l) {
			// Each piece gets its length, so that every font keeps the columns.
			n := len([]rune(s.text))
			fmt.Fprintf(&b, `<text xml:space="preserve" x="%.1f" y="%d" textLength="%.1f" class="%s">%s</text>`+"\n",
				margin+float64(s.column)*cellWidth, y, float64(n)*cellWidth, s.class, html.EscapeString(s.text))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// span is a piece of a line in one color.
type span struct {
	column      int
	text, class string
}

// colors give pieces of lines their class; the first pattern that matches a line counts.
// Its groups get the classes in turn.
var colors = []struct {
	pattern *regexp.Regexp
	classes []string
}{
	{regexp.MustCompile(`^(\$ )(.*)$`), []string{"p", "c"}},
	{regexp.MustCompile(`^(  > )(.*)$`), []string{"p", "c"}},
	{regexp.MustCompile(`^(\S+: )(ERROR: )(.*)$`), []string{"d", "e", "c"}},
	{regexp.MustCompile(`^( *\| *)([\^~]+)$`), []string{"d", "e"}},
	{regexp.MustCompile(`^( +fix: )(.*)$`), []string{"p", "p"}},
	{regexp.MustCompile(`^( +note: )(.*)$`), []string{"n", "n"}},
	{regexp.MustCompile(`^(.*\|)([@*]+ *)(\|)$`), []string{"d", "b", "d"}},
	{regexp.MustCompile(`^(.*\|)( +)(\|)$`), []string{"d", "d", "d"}},
}

// spans cuts a line, without blanks at the pieces' ends, into its colors.
func spans(line string) []span {
	for _, c := range colors {
		m := c.pattern.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		var list []span
		for i, class := range c.classes {
			list = appendSpan(list, line, m[2*i+2], m[2*i+3], class)
		}
		return list
	}
	return appendSpan(nil, line, 0, len(line), "t")
}

func appendSpan(list []span, line string, from, to int, class string) []span {
	text := strings.TrimRight(line[from:to], " ")
	left := strings.TrimLeft(text, " ")
	if left == "" {
		return list
	}
	column := len([]rune(line[:from])) + len(text) - len(left)
	return append(list, span{column, left, class})
}
