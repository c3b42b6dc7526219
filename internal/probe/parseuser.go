package probe

import (
	"math"

	"github.com/skep-bpf/skep/internal/diag"
)

// langCPP selects matching of demangled C++ names.
const langCPP = "cpp"

// addBinary puts an empty target in front where -p names the process instead.
func (p *parsing) addBinary() {
	if p.Pid == 0 {
		return
	}
	n := len(p.parts)
	if n == 1 || n == 2 && p.pt.Kind != USDT && p.parts[0].Text == langCPP {
		p.parts = append([]Part{{Span: p.pt.Span}}, p.parts...)
	}
}

// parseUprobe: binary:[cpp:]function[+offset], binary:address, binary@file:line[:column].
func (p *parsing) parseUprobe() {
	pt := p.pt
	pt.Target = p.parts[0].Text
	if pt.Target == "" && p.Pid == 0 {
		p.forms(p.errorf(diag.CodeProbeTarget, pt.Span, "%s needs a binary", p.info.Name))
		return
	}
	if len(p.parts) > 1 && p.parts[1].Text == "@" && !p.parts[1].Quoted {
		p.parseSourceLine()
		return
	}
	switch len(p.parts) {
	case 2:
	case 3:
		pt.Lang = p.parts[1].Text
		if pt.Lang != langCPP {
			p.errorf(diag.CodeProbeLang, p.parts[1].Span, "unknown language %q", pt.Lang).
				Note("cpp matches demangled C++ names; a name with a colon goes in quotes")
			return
		}
	default:
		p.countError()
		return
	}
	part := p.last()
	if addr, err := parseUint(part.Text); err == nil {
		pt.Addr, pt.HasAddr = addr, true
		if HasWildcard(pt.Target) {
			p.errorf(diag.CodeProbeWild, p.parts[0].Span, "an address goes with one binary, not with a wildcard")
		}
		if addr == 0 && !p.Unsafe {
			p.errorf(diag.CodeProbeUnsafe, part.Span, "probing address 0 needs --unsafe")
		}
		return
	}
	p.funcOffset(part, pt.Kind == Uprobe)
	if pt.Func == "" {
		p.forms(p.errorf(diag.CodeProbeTarget, pt.Span, "%s needs a function or an address", p.info.Name))
	}
}

// parseSourceLine reads binary "@" file line [column].
func (p *parsing) parseSourceLine() {
	pt := p.pt
	switch {
	case pt.Kind != Uprobe:
		p.errorf(diag.CodeProbeSource, pt.Span, "%s is at a function's return: it has no source line", p.info.Name)
		return
	case HasWildcard(pt.Target):
		p.errorf(diag.CodeProbeWild, p.parts[0].Span, "a source line goes with one binary, not with a wildcard")
		return
	case len(p.parts) < 4 || p.parts[2].Text == "" || p.parts[3].Text == "":
		p.errorf(diag.CodeProbeSource, pt.Span, "a place in the source is written binary@file:line[:column]")
		return
	}
	pt.File = p.parts[2].Text
	pt.Line = p.lineNumber(p.parts[3], "line")
	if len(p.parts) == 5 {
		pt.Col = p.lineNumber(p.parts[4], "column")
	}
}

func (p *parsing) lineNumber(part Part, what string) int {
	v := p.number(part, part.Text, what)
	if v > math.MaxInt32 {
		p.errorf(diag.CodeProbeNumber, part.Span, "%s %s: no such %s", what, part.Text, what)
	}
	return int(v)
}

// parseUSDT: binary:[provider:]event.
func (p *parsing) parseUSDT() {
	pt := p.pt
	if len(p.parts) < 2 {
		p.countError()
		return
	}
	pt.Target, pt.Func = p.parts[0].Text, p.last().Text
	if len(p.parts) == 3 {
		pt.NS = p.parts[1].Text
	}
	switch {
	case pt.Func == "":
		p.forms(p.errorf(diag.CodeProbeTarget, pt.Span, "usdt needs an event"))
	case pt.Target == "" && p.Pid == 0:
		p.errorf(diag.CodeProbeTarget, pt.Span, "usdt needs a binary or -p").
			Note("* as the binary means every binary that runs")
	}
}
