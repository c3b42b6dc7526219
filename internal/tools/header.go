package tools

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// Header is what a script says of itself in the comment at its top, which for bpftrace is
// a comment like others:
//
//	#!/usr/bin/env skep
//	// biolatency: summarize block device I/O latency as a histogram.
//	//
//	// More about the tool, in paragraphs.
//	//
//	// @option -m --milliseconds   millisecond histogram
//	// @option -d --disk DISK      trace this disk only
//	// @option -L --port PORT{1..65535},...  trace these ports only
//	// @option --mode MODE{fast,full}  how much to collect
//	// @exclusive milliseconds mode
//	// @arg interval{1..} [99999999]  output interval, in seconds
//	// @example biolatency 1 10    print 1 second summaries, 10 times
//
// The script gets the value of an option by getopt("disk", ""), whose default gives the
// option's type; an option without a VALUE is true or false. The @arg lines are the
// positional parameters $1, $2 … in their order, with the defaults in brackets. Two or
// more blanks stand between what a line declares and the words that explain it, which go
// on in lines indented by four or more. `PORT,...` is a list of numbers, for in_list;
// braces hold the words, the range of numbers or the directory of files that are allowed.
type Header struct {
	Name     string // the tool
	Summary  string // one sentence
	Text     string // paragraphs, divided by empty lines; "" for none
	Options  []Option
	Args     []Arg
	Examples []Example
	// Exclusive are sets of options of which one can be given, by their long names.
	Exclusive [][]string
}

// Option is an @option line.
type Option struct {
	Short   string // one letter or digit, or ""
	Long    string
	Value   string   // what -h calls the value; "" for an option that's true or false
	List    bool     // values separated by commas
	Choices []string // the values allowed; nil: any
	Range   *Range   // the numbers allowed; nil: all, or it isn't a number
	Dir     string   // the value is a file below it, "/dev/"; "" for others
	Help    string
	Span    diag.Span
}

// Arg is an @arg line: a positional parameter.
type Arg struct {
	Name       string
	Range      *Range // the numbers allowed; nil: all, or it isn't a number
	Default    string
	HasDefault bool
	Help       string
	Span       diag.Span
}

// Example is an @example line.
type Example struct{ Command, Help string }

// ParseHeader reads the header of a script. It's nil if the script has none, that is,
// no @ line in the comment at its top.
func ParseHeader(src *diag.Source, rep *diag.Reporter) *Header {
	p := &headerParser{src: src, rep: rep, h: &Header{}, names: map[string]diag.Span{"help": {}, "-h": {}}}
	for _, l := range commentLines(src) {
		p.line(l)
	}
	if !p.found {
		return nil
	}
	p.h.Text = strings.TrimSpace(p.h.Text)
	p.finish()
	return p.h
}

// commentLine is a // line without its slashes.
type commentLine struct {
	text  string
	start int // offset of text in the source
}

// commentLines are the // lines at the top of the source, behind the #! line.
func commentLines(src *diag.Source) []commentLine {
	var out []commentLine
	off := 0
	for text := range strings.Lines(src.Text) {
		line := strings.TrimRight(text, " \t\r\n")
		comment, ok := strings.CutPrefix(line, "//")
		switch {
		case ok:
			out = append(out, commentLine{comment, off + 2})
		case off == 0 && strings.HasPrefix(line, "#!"), line == "" && len(out) == 0:
		default:
			return out
		}
		off += len(text)
	}
	return out
}

type headerParser struct {
	src   *diag.Source
	rep   *diag.Reporter
	h     *Header
	found bool // an @ line
	names map[string]diag.Span
	help  *string // where an indented line goes on
	// exclusive are the @exclusive lines, checked when all options are known.
	exclusive []diag.Span
}

func (p *headerParser) span(l commentLine) diag.Span {
	start := l.start + len(l.text) - len(strings.TrimLeft(l.text, " "))
	return diag.Span{Start: p.src.Pos(start), End: p.src.Pos(l.start + len(l.text))}
}

func (p *headerParser) errorf(at diag.Span, format string, args ...any) {
	p.rep.Errorf(diag.CodeHeaderLine, at, format, args...)
}

// line takes in one line.
func (p *headerParser) line(l commentLine) {
	text := strings.TrimSpace(l.text)
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case word == "@option" || word == "@arg" || word == "@exclusive" || word == "@example":
		p.found = true
		p.help = nil
		decl, help := splitHelp(rest)
		p.directive(word, decl, help, p.span(l))
	case p.help != nil && text != "" && strings.HasPrefix(l.text, "     "):
		*p.help = strings.TrimSpace(*p.help + " " + text)
	case p.found:
		p.help = nil
	case p.h.Summary == "" && text != "":
		p.summary(text)
	default:
		p.h.Text += text + "\n"
	}
}

// summary reads `name: what it does`.
func (p *headerParser) summary(text string) {
	name, rest, ok := strings.Cut(text, ": ")
	if !ok || strings.ContainsAny(name, " \t") {
		p.h.Summary = text
		return
	}
	p.h.Name, p.h.Summary = name, strings.TrimSpace(rest)
}

// splitHelp cuts at the first two blanks.
func splitHelp(s string) (decl, help string) {
	decl, help, _ = strings.Cut(s, "  ")
	return decl, strings.TrimSpace(help)
}

func (p *headerParser) directive(word, decl, help string, at diag.Span) {
	switch word {
	case "@option":
		p.option(decl, help, at)
	case "@arg":
		p.arg(decl, help, at)
	case "@exclusive":
		p.h.Exclusive = append(p.h.Exclusive, strings.Fields(decl))
		p.exclusive = append(p.exclusive, at)
	case "@example":
		p.h.Examples = append(p.h.Examples, Example{decl, help})
		p.help = &p.h.Examples[len(p.h.Examples)-1].Help
	}
}

// option reads `-s --long VALUE`.
func (p *headerParser) option(decl, help string, at diag.Span) {
	o := Option{Help: help, Span: at}
	words := strings.Fields(decl)
	if len(words) > 0 && len(words[0]) == 2 && words[0][0] == '-' && words[0][1] != '-' {
		o.Short = words[0][1:]
		words = words[1:]
	}
	if len(words) > 0 {
		o.Long, _ = strings.CutPrefix(words[0], "--")
	}
	if o.Long == "" || !strings.HasPrefix(words[0], "--") || len(words) > 2 {
		p.errorf(at, "an option is declared as `@option -s --long VALUE  help`")
		return
	}
	if len(words) == 2 {
		o.value(words[1])
	}
	if o.Short != "" {
		p.enter("-"+o.Short, at)
	}
	p.enter(o.Long, at)
	p.h.Options = append(p.h.Options, o)
	p.help = &p.h.Options[len(p.h.Options)-1].Help
}

// value reads VALUE, VALUE{a,b}, VALUE{1..9}, VALUE{/dev/}, and VALUE,... or VALUE{1..9},... .
func (o *Option) value(s string) {
	s, o.List = strings.CutSuffix(s, ",...")
	name, allowed, ok := strings.Cut(strings.TrimSuffix(s, "}"), "{")
	o.Value = name
	if !ok {
		return
	}
	o.Range = parseRange(allowed)
	switch {
	case strings.HasPrefix(allowed, "/"):
		o.Dir = allowed
	case o.Range == nil:
		o.Choices = strings.Split(allowed, ",")
	}
}

// arg reads `name`, `name{1..9}`, `name [default]` or `name{1..9} [default]`.
func (p *headerParser) arg(decl, help string, at diag.Span) {
	a := Arg{Help: help, Span: at}
	name, rest, _ := strings.Cut(decl, " ")
	if name, allowed, ok := strings.Cut(strings.TrimSuffix(name, "}"), "{"); ok {
		a.Name, a.Range = name, parseRange(allowed)
	} else {
		a.Name = name
	}
	if rest != "" {
		a.HasDefault = true
		a.Default = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	}
	if name == "" || rest != "" && (rest[0] != '[' || !strings.HasSuffix(rest, "]")) {
		p.errorf(at, "an argument is declared as `@arg name [default]  help`")
		return
	}
	if n := len(p.h.Args); n > 0 && p.h.Args[n-1].HasDefault && !a.HasDefault {
		p.rep.Errorf(diag.CodeHeaderPosition, at, "argument `%s` has no default, and the one before it has", name)
	}
	p.h.Args = append(p.h.Args, a)
	p.help = &p.h.Args[len(p.h.Args)-1].Help
}

// enter notes an option's name or letter, which must be new.
func (p *headerParser) enter(name string, at diag.Span) {
	old, taken := p.names[name]
	if !taken {
		p.names[name] = at
		return
	}
	if name[0] != '-' {
		name = "--" + name
	}
	d := p.rep.Errorf(diag.CodeHeaderTwice, at, "option %s is already taken", name)
	if old.IsValid() {
		d.NoteAt(old, "it's declared here")
	}
}

// finish checks the @exclusive lines.
func (p *headerParser) finish() {
	for i, set := range p.h.Exclusive {
		for _, name := range set {
			if _, ok := p.h.option(name); !ok {
				p.errorf(p.exclusive[i], "@exclusive names options by their long names, and there is no --%s", name)
			}
		}
		if len(set) < 2 {
			p.errorf(p.exclusive[i], "@exclusive names two or more options")
		}
	}
}

// option finds an option by its long name.
func (h *Header) option(long string) (*Option, bool) {
	for i := range h.Options {
		if h.Options[i].Long == long {
			return &h.Options[i], true
		}
	}
	return nil, false
}
