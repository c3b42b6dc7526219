package diag

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var severityText = [...]string{Error: "ERROR", Warning: "WARNING", Note: "NOTE"}

// String is the severity as messages show it.
func (s Severity) String() string { return severityText[s] }

// color are the ANSI codes of a text report; the zero value has none.
type color struct {
	severity          [3]string
	place, fix, reset string
}

var ansi = color{
	severity: [3]string{Error: "\x1b[1;31m", Warning: "\x1b[1;33m", Note: "\x1b[1;36m"},
	place:    "\x1b[1m", fix: "\x1b[32m", reset: "\x1b[0m",
}

// textWriter writes diagnostics as text.
type textWriter struct {
	*bufio.Writer
	src *Sources
	color
}

// WriteText writes diagnostics for people:
//
//	tool.bt:3:9: ERROR: unknown variable `$y` [E0201]
//	3 |   print($y);
//	  |         ^~
//	  note: …
//	  fix: did you mean `$x`?
//
// Columns count bytes from 1. Of a span over several lines the first is shown. A
// diagnostic inside of a macro is followed by the calls that led there, innermost first.
func WriteText(w io.Writer, src *Sources, list []*Diagnostic, colored bool) error {
	t := textWriter{Writer: bufio.NewWriter(w), src: src}
	if colored {
		t.color = ansi
	}
	for _, d := range list {
		t.diagnostic(d)
	}
	return t.Flush()
}

func (t *textWriter) diagnostic(d *Diagnostic) {
	p, ok := t.src.locate(d.Span)
	t.head(p, ok, d.Severity, d.Msg)
	if d.Code != "" {
		fmt.Fprintf(t, " [%s]", d.Code)
	}
	t.WriteByte('\n')
	indent := 2
	if ok {
		indent = t.snippet(p, d.Severity)
		for _, e := range p.chain {
			t.expansion(e)
		}
	}
	for _, n := range d.Notes {
		if p, ok := t.src.locate(n.Span); ok {
			t.head(p, ok, Note, n.Msg)
			t.WriteByte('\n')
			t.snippet(p, Note)
			continue
		}
		t.remark(indent, t.severity[Note], "note", n.Msg)
	}
	if d.Fix != nil {
		t.remark(indent, t.fix, "fix", d.Fix.Msg)
	}
}

// head writes `file:line:col: ERROR: message`.
func (t *textWriter) head(p spot, placed bool, sev Severity, msg string) {
	if placed {
		fmt.Fprintf(t, "%s%s:%d:%d:%s ", t.place, p.file.Name, p.line, p.col, t.reset)
	}
	fmt.Fprintf(t, "%s%s:%s %s", t.severity[sev], sev, t.reset, msg)
}

// snippet writes the source line and marks the spot; its result is the width of the
// line number's column, under which remarks are set.
func (t *textWriter) snippet(p spot, sev Severity) int {
	text, from, to := p.show()
	num := strconv.Itoa(p.line)
	blank := strings.Repeat(" ", len(num))
	fmt.Fprintf(t, "%s | %s\n", num, text)
	fmt.Fprintf(t, "%s | %s%s^%s%s\n", blank, strings.Repeat(" ", from),
		t.severity[sev], strings.Repeat("~", to-from-1), t.reset)
	return len(num) + 1
}

// expansion writes the call of a macro that a diagnostic came through.
func (t *textWriter) expansion(e Expansion) {
	p, ok := t.src.locate(e.Call)
	t.head(p, ok, Note, fmt.Sprintf("in the expansion of macro `%s`", e.Name))
	t.WriteByte('\n')
	if ok {
		t.snippet(p, Note)
	}
}

func (t *textWriter) remark(indent int, color, word, msg string) {
	fmt.Fprintf(t, "%s%s%s:%s %s\n", strings.Repeat(" ", indent), color, word, t.reset, msg)
}

// WriteLines writes diagnostics one a line, `file:line:col: ERROR: message [E0201]`,
// with the proposed fix in parentheses: the form that editors and CI logs match.
func WriteLines(w io.Writer, src *Sources, list []*Diagnostic) error {
	t := textWriter{Writer: bufio.NewWriter(w), src: src}
	for _, d := range list {
		p, ok := src.locate(d.Span)
		t.head(p, ok, d.Severity, d.Msg)
		if d.Code != "" {
			fmt.Fprintf(t, " [%s]", d.Code)
		}
		if d.Fix != nil {
			fmt.Fprintf(t, " (%s)", d.Fix.Msg)
		}
		t.WriteByte('\n')
	}
	return t.Flush()
}
