package cdecl

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
)

// errorLine is an error of the front end: place, message, and a place in its own source.
var errorLine = expression(`^(.*?):(\d+):(\d+): (.*?)(?: \([a-z0-9]+\.go:[^)]*\))?$`)

// reportAll reports the errors of the front end as diagnostics.
func (t *tree) reportAll(f *failure, rep *diag.Reporter) {
	if f.reported {
		return
	}
	some := false
	for line := range strings.SplitSeq(f.err.Error(), "\n") {
		if m := errorLine().FindStringSubmatch(line); m != nil {
			row, _ := strconv.Atoi(m[2])
			col, _ := strconv.Atoi(m[3])
			if p, ok := t.place(m[1], row, col); ok {
				t.report(rep, p, m[4], f.preprocessing)
				some = true
			}
		}
	}
	if !some {
		u := t.units[0]
		first, _, _ := strings.Cut(f.err.Error(), "\n")
		if strings.HasPrefix(first, "TODO") {
			first = "the C front end gave up, without telling where"
		}
		rep.Errorf(diag.CodeCUnsupported, diag.Span{Start: u.src.Pos(0), End: u.src.Pos(0)}, "%s", first)
	}
}

// place finds the token at a line and column.
func (t *tree) place(name string, row, col int) (place, bool) {
	text, ok := t.text(name)
	if !ok {
		return place{}, false
	}
	lines := t.lines[name]
	if lines == nil {
		lines = lineStarts(text)
		t.lines[name] = lines
	}
	if row > len(lines) {
		return place{name, len(text), len(text)}, true
	}
	at := min(lines[max(row, 1)-1]+col-1, len(text))
	return place{name, at, at + len(tokenAt(text, at))}, true
}

// lineStarts is where each line of a text begins.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func tokenAt(text string, at int) string {
	s := scanner{text: text, off: at}
	if t := s.next(); t.pos == at {
		return t.text
	}
	return ""
}

// text is the text of a header or unit.
func (t *tree) text(name string) (string, bool) {
	if u := t.unit(name); u != nil {
		return u.text.String(), true
	}
	if h := t.read[name]; h != nil {
		return h.text, true
	}
	return "", false
}

// span is a place as a position of the compilation.
func (t *tree) span(p place, rep *diag.Reporter) diag.Span {
	if u := t.unit(p.name); u != nil {
		if u.at.IsValid() {
			return u.at
		}
		// The unit's lines are the script's; only an added semicolon shifts a column.
		end := len(u.src.Text)
		return diag.Span{Start: u.src.Pos(min(p.start, end)), End: u.src.Pos(min(p.end, end))}
	}
	h := t.read[p.name]
	if h == nil {
		return diag.Span{}
	}
	if h.src == nil {
		h.src = rep.Sources.Add(h.path, h.text)
	}
	return diag.Span{Start: h.src.Pos(p.start), End: h.src.Pos(p.end)}
}

// report reports one error, with the directives that led to its header.
func (t *tree) report(rep *diag.Reporter, p place, msg string, preprocessing bool) {
	code, p, msg, notes := t.explain(p, msg, preprocessing)
	d := rep.Errorf(code, t.span(p, rep), "%s", msg)
	for _, n := range notes {
		d.Note("%s", n)
	}
	t.noteChain(d, p.name, rep)
}

func (t *tree) noteChain(d *diag.Diagnostic, name string, rep *diag.Reporter) {
	if u := t.unit(name); u != nil {
		return
	}
	for _, from := range t.chain(name) {
		d.NoteAt(t.span(from, rep), "included from here")
	}
}

// errorf reports at a node, or at the last word before it if that's given.
func (t *tree) errorf(rep *diag.Reporter, code diag.Code, n cc.Node, word, format string, args ...any) {
	pos := n.Position()
	if p, ok := t.place(pos.Filename, pos.Line, pos.Column); ok {
		text, _ := t.text(p.name)
		if i := strings.LastIndex(text[:p.start], word); i >= 0 && word != "" {
			p.start, p.end = i, i+len(word)
		}
		t.noteChain(rep.Errorf(code, t.span(p, rep), format, args...), p.name, rep)
	}
}

var (
	notFound   = expression(`^include file not found: (["<])(.*)[">]$`)
	unexpected = expression(`^unexpected (.*), expected (.*)$`)
	undefined  = expression(`^undefined: (\w+)$`)
	typeBody   = expression(` ?\{[^{}]*\}`) // of a struct, where its name is enough
	again      = expression(`^redeclaration of '(\w+)' at .*:(\d+):(\d+):$`)
	redeclared = expression(`^(?:incompatible redeclaration of|conflicting types for) '((?:struct |union |enum )?\w+)`)
)

// explain gives the front end's messages codes and the language's words.
func (t *tree) explain(p place, msg string, preprocessing bool) (code diag.Code, at place, text string, notes []string) {
	source, _ := t.text(p.name)
	word := source[p.start:p.end]
	for body := typeBody().FindStringIndex(msg); body != nil; body = typeBody().FindStringIndex(msg) {
		msg = msg[:body[0]] + msg[body[1]:]
	}
	if m := notFound().FindStringSubmatch(msg); m != nil {
		return diag.CodeCHeader, p, fmt.Sprintf("'%s' file not found", m[2]), []string{t.searched(m[1] == `"`)}
	}
	if m := undefined().FindStringSubmatch(msg); m != nil {
		where := " in a constant expression"
		if t.opt.bodies {
			where = ""
		}
		return diag.CodeCSyntax, p, fmt.Sprintf("unknown name `%s`%s", m[1], where), nil
	}
	if m := redeclared().FindStringSubmatch(msg); m != nil {
		if isTag(token{kind: name, text: word}) { // the tag says more
			s := scanner{text: source, off: p.end}
			tag := s.next()
			p.start, p.end = tag.pos, tag.pos+len(tag.text)
		}
		return diag.CodeCTwice, p, fmt.Sprintf("`%s` is defined twice, differently", m[1]), nil
	}
	if m := again().FindStringSubmatch(msg); m != nil {
		row, _ := strconv.Atoi(m[2])
		col, _ := strconv.Atoi(m[3])
		if second, ok := t.place(p.name, row, col); ok {
			p = second
		}
		return diag.CodeCTwice, p, fmt.Sprintf("`%s` is declared twice", m[1]), nil
	}
	if m := unexpected().FindStringSubmatch(msg); m != nil && word != "" {
		return diag.CodeCSyntax, p, fmt.Sprintf("expected %s, found `%s`", quoted(m[2]), word), nil
	}
	switch {
	case word == "error" && preprocessing:
		return diag.CodeCError, p, "#error " + msg, nil
	case msg == "expected #endif":
		return diag.CodeCDirective, unclosedIf(p.name, source), "`#if` without `#endif`", nil
	case strings.HasPrefix(msg, "unexpected #"):
		return diag.CodeCDirective, p, fmt.Sprintf("`%s` without `#if`", strings.TrimPrefix(msg, "unexpected ")), nil
	case msg == "invalid argument":
		return diag.CodeCDirective, p, "`#include` takes \"file\" or <file>", nil
	case strings.HasPrefix(msg, "unabalanced"):
		return diag.CodeCDirective, p, "unbalanced parenthesis", nil
	case strings.Contains(msg, "macro argument"), !preprocessing:
		return diag.CodeCSyntax, p, quoted(msg), nil
	}
	return diag.CodeCDirective, p, quoted(msg), nil
}

// quoted puts the language's quotes into a message.
func quoted(msg string) string {
	parts := strings.Split(msg, "'")
	if len(parts)%2 == 0 {
		return msg
	}
	return strings.Join(parts, "`")
}

// searched tells where a header was looked for.
func (t *tree) searched(quotes bool) string {
	where := "looked for in the directories of -I"
	if quotes {
		where = "looked for beside the file that includes it, in the directories of -I"
	}
	return where + " and in /usr/include; the types of the kernel's headers come from BTF"
}

var conditional = expression(`(?m)^[ \t]*#[ \t]*(\w+)`)

// unclosedIf is the last #if of a text that has no #endif.
func unclosedIf(name, text string) place {
	var open [][]int
	for _, m := range conditional().FindAllStringSubmatchIndex(text, -1) {
		switch text[m[2]:m[3]] {
		case "if", "ifdef", "ifndef":
			open = append(open, m)
		case "endif":
			open = open[:max(len(open)-1, 0)]
		}
	}
	if len(open) == 0 {
		return place{name, len(text), len(text)}
	}
	m := open[len(open)-1]
	return place{name, m[2], m[3]}
}

// directives reports the unknown directives of the script, which the front end passes over,
// as C compilers do in an #if that isn't taken.
func (t *tree) directives(rep *diag.Reporter) bool {
	words := []string{"include", "include_next", "define", "undef", "error", "warning", "pragma", "line", "ident", "if", "ifdef", "ifndef", "elif", "else", "endif"}
	ok := true
	for _, u := range t.units {
		depth := 0
		text := u.text.String()
		for _, m := range conditional().FindAllStringSubmatchIndex(text, -1) {
			switch word := text[m[2]:m[3]]; word {
			case "if", "ifdef", "ifndef":
				depth++
			case "endif":
				depth--
			default:
				if depth == 0 && !slices.Contains(words, word) {
					ok = false
					d := rep.Errorf(diag.CodeCDirective, t.span(place{u.name, m[2], m[3]}, rep), "unknown directive `#%s`", word)
					if near, found := diag.Nearest(word, words); found {
						d.Suggest(near)
					}
				}
			}
		}
	}
	return ok
}

// define is a macro of the front end. Those that come from no file aren't the script's, but
// for constants of headers.
func (t *tree) define(m *cc.Macro, rep *diag.Reporter) *Define {
	file := m.Position().Filename
	if file == predefinedName {
		return nil
	}
	d := &Define{Name: m.Name.SrcStr()}
	list := m.ReplacementList()
	source, ok := t.text(file)
	if !ok || file[0] == '<' {
		for i, tok := range list {
			if i > 0 && len(tok.Sep()) > 0 {
				d.Text += " "
			}
			d.Text += tok.SrcStr()
		}
		return d
	}
	at := m.Name.Position()
	name, _ := t.place(file, at.Line, at.Column)
	d.Span = t.span(name, rep)
	d.Pos = d.Span.End
	if len(list) == 0 {
		return d
	}
	first, last := list[0].Position(), list[len(list)-1].Position()
	from, _ := t.place(file, first.Line, first.Column)
	to, _ := t.place(file, last.Line, last.Column)
	d.Pos = t.span(from, rep).Start
	d.Text = unjoin(source[from.start:to.end])
	return d
}

// unjoin replaces the ends of joined lines by blanks of the same length.
func unjoin(s string) string {
	return strings.NewReplacer("\\\r\n", "   ", "\\\n", "  ").Replace(s)
}

// redefined warns of a macro of the user's that is defined again, differently, unless it's
// taken back in between.
func (t *tree) redefined(m *cc.Macro, rep *diag.Reporter) {
	name := m.Name.SrcStr()
	find := regexp.MustCompile(`(?m)^[ \t]*#[ \t]*(define|undef)[ \t]+(` + regexp.QuoteMeta(name) + `)\b`)
	at := m.Name.Position()
	last, ok := t.place(at.Filename, at.Line, at.Column)
	if !ok {
		return
	}
	var first *place
	scan := func(file, text string) {
		for _, f := range find.FindAllStringSubmatchIndex(text, -1) {
			if text[f[2]:f[3]] == "undef" {
				ok = false
			}
			if p := (place{file, f[4], f[5]}); first == nil && p != last {
				first = &p
			}
		}
	}
	for _, u := range t.units {
		scan(u.name, u.text.String())
	}
	for _, h := range t.read {
		if !isSystem(h.path) {
			scan(h.path, h.text)
		}
	}
	if ok && first != nil {
		rep.Warnf(diag.CodeMacroRedefinedC, t.span(last, rep), "`%s` is defined again", name).
			NoteAt(t.span(*first, rep), "the first definition is here")
	}
}

// expression is a pattern that is compiled when it's first asked for: most runs have no C.
func expression(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
