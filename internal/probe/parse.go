package probe

import (
	"errors"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// Part is one colon-separated part of an attach point, quotes taken off and
// positional parameters filled in.
type Part struct {
	Text   string
	Quoted bool
	Span   diag.Span
}

// Parser turns attach points into Points. The zero value is for a script without
// -p and --unsafe. It remembers the names of tests and benchmarks, which are
// unique in a script. One goroutine uses it.
type Parser struct {
	Pid    int  // of -p: the binary may be left out; 0: none
	Unsafe bool // --unsafe: plain kernel addresses
	named  map[string]diag.Span
}

// Parse reads one attach point with a Parser of its own; see Parser.Parse.
func Parse(text string, parts []Part, span diag.Span, rep *diag.Reporter) []*Point {
	return new(Parser).Parse(text, parts, span, rep)
}

// Parse reads one attach point: text as the script has it and its parts, the kind
// first. It reports mistakes to rep and then returns nil. A kind with a wildcard
// gives several points, and those kinds for which the rest makes no sense are left out.
func (ps *Parser) Parse(text string, parts []Part, span diag.Span, rep *diag.Reporter) []*Point {
	if len(parts) == 0 || parts[0].Text == "" {
		rep.Errorf(diag.CodePointKind, span, "probe kind missing")
		return nil
	}
	name := ""
	if before, after, ok := strings.Cut(parts[0].Text, "="); ok && after != "" {
		parts = append([]Part(nil), parts...)
		name, parts[0].Text = before, after
	}
	if HasWildcard(parts[0].Text) {
		return ps.parseWildKind(text, parts, span, rep)
	}
	info, ok := Lookup(parts[0].Text)
	if !ok {
		reportUnknownKind(parts[0], rep)
		return nil
	}
	p := &parsing{Parser: ps, info: info, parts: splitSource(parts[1:]), text: text, rep: rep,
		pt: &Point{Kind: info.Kind, Span: span}}
	if !p.run() {
		return nil
	}
	if name != "" {
		p.pt.Text = name
	}
	return []*Point{p.pt}
}

// parseWildKind tries each kind that matches: the user's kinds when the next part
// is a path or a process was given, else the kernel's.
func (ps *Parser) parseWildKind(text string, parts []Part, span diag.Span, rep *diag.Reporter) []*Point {
	user := ps.Pid != 0 || len(parts) > 1 && strings.Contains(parts[1].Text, "/")
	var points []*Point
	for i := range Kinds() {
		info := &Kinds()[i]
		if user && !info.ListUser || !user && !info.ListKernel || !Match(parts[0].Text, info.Name) {
			continue
		}
		p := &parsing{Parser: ps, info: info, parts: splitSource(parts[1:]), text: text, rep: rep, quiet: true,
			pt: &Point{Kind: info.Kind, Span: span}}
		if p.run() {
			points = append(points, p.pt)
		}
	}
	if len(points) == 0 {
		d := rep.Errorf(diag.CodePointKind, parts[0].Span, "no probe kind matches %q here", parts[0].Text)
		if whole := withColon(parts[0].Text); whole != "" {
			d.Suggest(whole)
		}
	}
	return points
}

func reportUnknownKind(part Part, rep *diag.Reporter) {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	d := rep.Errorf(diag.CodePointKind, part.Span, "unknown probe kind %q", part.Text)
	if near := Nearest(strings.ToLower(part.Text), names); near != "" {
		d.Suggest(near)
		return
	}
	if strings.Contains(part.Text, "(") {
		d.Note("a macro begins with the word macro, a function with fn: `macro %s { … }`", part.Text)
		return
	}
	if whole := withColon(part.Text); whole != "" {
		d.Suggest(whole)
		return
	}
	d.Note("kinds are %s", strings.Join(names, ", "))
}

// withColon is text with a colon behind the kind that it begins with, "" if it begins with none.
func withColon(text string) (whole string) {
	kind := ""
	for _, k := range Kinds() {
		if rest, ok := strings.CutPrefix(text, k.Name); ok && rest != "" && len(k.Name) > len(kind) {
			kind, whole = k.Name, k.Name+":"+rest
		}
	}
	return whole
}

// splitSource cuts binary@file into three parts: the binary, "@", the file.
func splitSource(parts []Part) []Part {
	if len(parts) == 0 || parts[0].Quoted {
		return parts
	}
	bin, file, ok := strings.Cut(parts[0].Text, "@")
	if !ok {
		return parts
	}
	s := parts[0].Span
	cut := []Part{{Text: bin, Span: s}, {Text: "@", Span: s}, {Text: file, Span: s}}
	return append(cut, parts[1:]...)
}

// parsing is the work on one attach point of one kind.
type parsing struct {
	*Parser
	info  *Info
	parts []Part // without the kind
	text  string
	pt    *Point
	rep   *diag.Reporter
	quiet bool // a mistake leaves the point out
	bad   bool
}

// run parses the parts and fills in what holds for every kind.
func (p *parsing) run() bool {
	if p.pt.Kind == Uprobe || p.pt.Kind == Uretprobe || p.pt.Kind == USDT {
		p.addBinary()
	}
	if n := len(p.parts); n < p.info.min || n > p.info.max {
		p.countError()
		return false
	}
	p.dispatch()
	if p.bad {
		return false
	}
	pt := p.pt
	pt.Wild = HasWildcard(pt.Target) || HasWildcard(pt.NS) || HasWildcard(pt.Func)
	pt.Text = pt.Canonical()
	return true
}

func (p *parsing) dispatch() {
	switch p.info.Kind {
	case Begin, End:
		p.parseSpecial()
	case Self:
		p.parseSelf()
	case Test, Bench:
		p.parseNamed()
	case Interval, Profile:
		p.parseTimer()
	case Tracepoint:
		p.parseTracepoint()
	case RawTracepoint:
		p.parseRawTracepoint()
	case Software, Hardware:
		p.parseEvent()
	case Kprobe, Kretprobe:
		p.parseKprobe()
	case Fentry, Fexit:
		p.parseFentry()
	case Uprobe, Uretprobe:
		p.parseUprobe()
	case USDT:
		p.parseUSDT()
	case Watchpoint:
		p.parseWatchpoint()
	case Iter:
		p.parseIter()
	default:
		panic("BUG: no parser for probe kind " + p.info.Name)
	}
}

// errorf reports a mistake at a span; the point is dropped.
func (p *parsing) errorf(code diag.Code, s diag.Span, format string, args ...any) *diag.Diagnostic {
	p.bad = true
	if p.quiet {
		return &diag.Diagnostic{}
	}
	return p.rep.Errorf(code, s, format, args...)
}

func (p *parsing) countError() {
	p.forms(p.errorf(diag.CodeProbeParts, p.pt.Span, "%s doesn't have this form", p.info.Name))
}

// missing reports an empty part; what says what should be there.
func (p *parsing) missing(code diag.Code, part Part, what string) {
	p.forms(p.errorf(code, part.Span, "the %s is missing", what))
}

// forms adds how the kind is written.
func (p *parsing) forms(d *diag.Diagnostic) {
	d.Note("it is written %s", strings.Join(p.info.Grammar, " or "))
}

// number reads a part as a number; what says what it is in a message.
func (p *parsing) number(part Part, text, what string) uint64 {
	v, err := parseUint(text)
	switch {
	case text == "":
		p.missing(diag.CodeProbeNumber, part, what)
	case errors.Is(err, errNotNumber):
		p.forms(p.errorf(diag.CodeProbeNumber, part.Span, "%s %q: %v", what, text, err))
	case err != nil:
		p.errorf(diag.CodeProbeNumber, part.Span, "%s %q: %v", what, text, err)
	}
	return v
}

// Canonical is the point's name in full: kind, target and the rest without quotes
// and short names, as the probe builtin prints it.
func (pt *Point) Canonical() string {
	var b strings.Builder
	b.WriteString(pt.Kind.String())
	add := func(s string) {
		if s != "" {
			b.WriteByte(':')
			b.WriteString(s)
		}
	}
	if pt.Kind == Watchpoint {
		add(decimal(pt.Addr))
		add(decimal(pt.Len))
		add(pt.Mode)
		return b.String()
	}
	add(pt.Target)
	add(pt.Unit)
	add(pt.Lang)
	add(pt.NS)
	if pt.BPFProg != 0 {
		add(decimal(uint64(pt.BPFProg)))
	}
	add(pt.Func)
	if pt.Offset != 0 {
		b.WriteString("+" + decimal(pt.Offset))
	}
	if pt.Addr != 0 {
		add(decimal(pt.Addr))
	}
	if pt.Value != 0 {
		add(decimal(pt.Value))
	}
	return b.String()
}
