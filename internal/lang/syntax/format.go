package syntax

import (
	"strings"
	"unicode/utf8"
)

// Format prints a script that was parsed without errors in the standard layout: one
// statement a line, blocks indented by tabs, one blank at binary operators. Comments,
// single blank lines, C text, and line breaks inside of lists and operators stay.
// Formatting what was formatted changes nothing.
func Format(s *Script) string {
	p := printer{text: s.Source.Text, base: int(s.Source.Base()), comments: s.Comments, fresh: true}
	if s.Shebang != "" {
		p.write(s.Shebang)
		p.last = strings.Index(p.text, s.Shebang) + len(s.Shebang)
	}
	for _, d := range s.Decls {
		p.item(p.start(d))
		p.decl(d)
	}
	p.rest(len(p.text))
	if p.out.Len() > 0 {
		p.newline()
	}
	return p.out.String()
}

// lineWidth is the width up to which attach points stay on one line.
const lineWidth = 80

// printer writes a tree, and between its parts the comments of the source.
type printer struct {
	text     string // the source
	base     int    // the position of its first byte
	comments []Comment
	out      strings.Builder
	indent   int
	last     int  // where in the source what was printed last ends
	first    bool // at the start of a block, where no blank line stands
	fresh    bool // the line is still empty
	space    bool // a blank is due before the next text
	mustEnd  bool // a line comment ends the line
}

func (p *printer) start(n Node) int { return int(n.Span().Start) - p.base }
func (p *printer) end(n Node) int   { return int(n.Span().End) - p.base }

// merging are the bytes that would join to another token if they met.
var merging = map[string]bool{"--": true, "++": true, "//": true, "/*": true}

// write puts s on the line, after the blanks that are due.
func (p *printer) write(s string) {
	if p.mustEnd {
		p.newline()
	}
	switch {
	case p.fresh:
		p.out.WriteString(strings.Repeat("\t", p.indent))
	case p.space:
		p.out.WriteByte(' ')
	case merging[p.lastByte()+s[:1]]:
		p.out.WriteByte(' ')
	}
	p.fresh, p.space = false, false
	p.out.WriteString(s)
}

func (p *printer) lastByte() string {
	s := p.out.String()
	if s == "" {
		return ""
	}
	return s[len(s)-1:]
}

func (p *printer) newline() {
	p.out.WriteByte('\n')
	p.fresh, p.space, p.mustEnd = true, false, false
}

// token writes s, which stands at off in the source, after the comments before it.
func (p *printer) token(off int, s string) {
	for len(p.comments) > 0 && p.at(p.comments[0]) < off {
		p.space = p.space || !strings.ContainsAny(p.lastByte(), "([")
		p.comment()
		p.space = true
	}
	p.write(s)
	p.last = off + len(s)
}

func (p *printer) at(c Comment) int { return int(c.Pos.Start) - p.base }

// comment writes the next comment.
func (p *printer) comment() {
	c := p.comments[0]
	p.comments = p.comments[1:]
	lines := strings.Split(c.Text, "\n")
	p.write(strings.TrimRight(lines[0], " \t\r"))
	for _, l := range lines[1:] {
		p.newline()
		l = strings.TrimRight(l, " \t\r")
		if t := strings.TrimLeft(l, " \t"); strings.HasPrefix(t, "*") {
			p.out.WriteString(strings.Repeat("\t", p.indent) + " " + t)
		} else {
			p.out.WriteString(l)
		}
		p.fresh = false
	}
	p.mustEnd = strings.HasPrefix(c.Text, "//")
	p.last = p.at(c) + len(c.Text)
}

// breaks reports whether the source between two offsets has a line break.
func (p *printer) breaks(from, to int) bool {
	return from < to && strings.Contains(p.text[from:to], "\n")
}

// blankLine reports whether the source between two offsets has an empty line.
func (p *printer) blankLine(from, to int) bool {
	if from >= to {
		return false
	}
	lines := strings.Split(p.text[from:to], "\n")
	for _, l := range lines[1:max(1, len(lines)-1)] {
		if strings.Trim(l, " \t\r") == "" {
			return true
		}
	}
	return false
}

// line begins a new line for what stands at off, after an empty one if the source has one.
func (p *printer) line(off int) {
	if p.out.Len() == 0 {
		p.first = false
		return
	}
	p.newline()
	if !p.first && p.blankLine(p.last, off) {
		p.newline()
	}
	p.first = false
}

// rest writes the comments before off: those on the line of what stands before them
// stay there, others get a line.
func (p *printer) rest(off int) {
	for len(p.comments) > 0 && p.at(p.comments[0]) < off {
		at := p.at(p.comments[0])
		switch {
		case p.out.Len() == 0, p.mustEnd, p.breaks(p.last, at):
			p.line(at)
		default:
			p.space = true
		}
		p.comment()
	}
}

// item begins the line of a declaration or statement at off.
func (p *printer) item(off int) {
	p.rest(off)
	p.line(off)
	p.last = max(p.last, off)
}

// gap stands between two parts of an expression, the second at off: a line break if
// the source has one, with sep else.
func (p *printer) gap(off int, sep bool) {
	n := len(p.comments)
	for len(p.comments) > 0 && p.at(p.comments[0]) < off {
		switch {
		case p.mustEnd, p.breaks(p.last, p.at(p.comments[0])):
			p.newline()
		default:
			p.space = !strings.ContainsAny(p.lastByte(), "([")
		}
		p.comment()
	}
	switch {
	case p.mustEnd, p.breaks(p.last, off):
		p.newline()
	default:
		p.space = sep || len(p.comments) < n
	}
}

func (p *printer) decl(d Decl) {
	switch d := d.(type) {
	case *CDef:
		p.write(d.Text)
	case *Config:
		p.config(d)
	case *Import:
		p.words("import")
		p.expr(d.Path)
		p.write(";")
	case *MapDecl:
		p.words("let", d.Name, "=")
		p.expr(d.Kind)
		p.write("(")
		p.expr(d.Max)
		p.write(");")
	case *Const:
		p.constant(d)
	case *Macro:
		p.macro(d)
	case *Func:
		p.function(d)
	case *Probe:
		p.probe(d)
	}
	p.last = max(p.last, p.end(d))
}

// words writes words, each with a blank after it.
func (p *printer) words(words ...string) {
	for _, w := range words {
		p.write(w)
		p.space = true
	}
}

func (p *printer) config(d *Config) {
	p.words("config", "=")
	p.write("{")
	p.open()
	for _, v := range d.Vars {
		p.item(p.start(v))
		p.expr(v.Name)
		p.space = true
		p.words("=")
		p.expr(v.Value)
		p.write(";")
	}
	p.closeBrace(p.end(d)-1, len(d.Vars) == 0)
}

// open begins the inside of a brace that was just written.
func (p *printer) open() {
	p.indent++
	p.first = true
}

// closeBrace ends what open began with the brace at off.
func (p *printer) closeBrace(off int, empty bool) {
	empty = empty && (len(p.comments) == 0 || p.at(p.comments[0]) >= off)
	p.rest(off)
	p.indent--
	if !empty {
		p.newline()
	}
	p.write("}")
	p.last, p.first = off+1, false
}

// body writes the block of a declaration, its brace on a line of its own.
func (p *printer) body(b *Block) {
	p.rest(p.start(b))
	p.newline()
	p.lines(b)
}

func (p *printer) constant(d *Const) {
	p.words("const")
	p.expr(d.Name)
	if d.Type != nil {
		p.words(":")
		p.expr(d.Type)
	}
	p.operator("=", d.X)
	p.write(";")
}

func (p *printer) macro(d *Macro) {
	p.words("macro")
	p.expr(d.Name)
	if d.Parens {
		p.write("(")
		for i, m := range d.Params {
			if i > 0 {
				p.words(",")
			}
			p.token(p.start(m), m.Name)
		}
		p.write(")")
	}
	p.body(d.Body)
}

func (p *printer) function(d *Func) {
	p.words("fn")
	p.expr(d.Name)
	p.write("(")
	for i, f := range d.Params {
		if i > 0 {
			p.words(",")
		}
		p.token(p.start(f), f.Name)
		p.words(":")
		p.expr(f.Type)
	}
	p.write(")")
	if d.Result != nil {
		p.words(":")
		p.expr(d.Result)
	}
	p.body(d.Body)
}

func (p *printer) probe(d *Probe) {
	for i, a := range d.Points {
		switch {
		case i == 0:
		case p.pointsBreak(d):
			p.rest(p.start(a))
			p.newline()
		default:
			p.space = true
		}
		p.token(p.start(a), a.Text)
		if i < len(d.Points)-1 {
			p.write(",")
		}
	}
	if d.Pred != nil {
		p.rest(p.start(d.Pred))
		p.newline()
		p.write("/")
		p.expr(d.Pred)
		p.write("/")
	}
	p.body(d.Body)
}

// pointsBreak reports whether each attach point gets a line of its own: where the
// source breaks them, or where they'd be long.
func (p *printer) pointsBreak(d *Probe) bool {
	width := -2
	for i, a := range d.Points {
		width += utf8.RuneCountInString(a.Text) + 2
		if i > 0 && p.breaks(p.end(d.Points[i-1]), p.start(a)) {
			return true
		}
	}
	return width > lineWidth
}
