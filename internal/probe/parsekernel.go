package probe

import (
	"math"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

func decimal(v uint64) string { return strconv.FormatUint(v, 10) }

// parseTracepoint: category:event. A lone pattern searches every category.
func (p *parsing) parseTracepoint() {
	if len(p.parts) == 1 {
		if !HasWildcard(p.parts[0].Text) {
			p.countError()
			return
		}
		p.pt.Target, p.pt.Func = "*", p.parts[0].Text
		return
	}
	p.pt.Target, p.pt.Func = p.parts[0].Text, p.parts[1].Text
	if p.pt.Target == "" || p.pt.Func == "" {
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "tracepoint needs a category and an event"))
	}
}

// parseRawTracepoint: [module:]event.
func (p *parsing) parseRawTracepoint() {
	p.pt.Target = "*"
	if len(p.parts) == 2 {
		p.pt.Target = p.parts[0].Text
	}
	p.pt.Func = p.last().Text
	if p.pt.Func == "" && !p.bad {
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "rawtracepoint needs an event"))
	}
}

// parseKprobe: [module:]function[+offset] or an address.
func (p *parsing) parseKprobe() {
	if len(p.parts) == 2 {
		p.pt.Target = p.parts[0].Text
	}
	part := p.last()
	if addr, err := parseUint(part.Text); err == nil {
		if !p.Unsafe {
			p.errorf(diag.CodeProbeUnsafe, part.Span, "probing a plain address needs --unsafe").
				Note("the kernel doesn't check that an instruction begins there")
		}
		p.pt.Addr, p.pt.HasAddr = addr, true
		return
	}
	p.funcOffset(part, p.pt.Kind == Kprobe)
	if p.pt.Func == "" && !p.bad {
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "%s needs a function or an address", p.info.Name))
	}
}

// funcOffset reads function[+offset].
func (p *parsing) funcOffset(part Part, offsetAllowed bool) {
	name, off, ok := strings.Cut(part.Text, "+")
	if !ok || p.pt.Lang != "" {
		p.pt.Func = part.Text
		return
	}
	if !offsetAllowed {
		p.errorf(diag.CodeProbeOffset, part.Span, "%s is at a function's return: it has no offset", p.info.Name)
		return
	}
	if strings.Contains(off, "+") || name == "" || off == "" {
		p.errorf(diag.CodeProbeOffset, part.Span, "offset is written function+number")
		return
	}
	p.pt.Func, p.pt.Offset = name, p.number(part, off, "offset")
}

// parseFentry: [module:]function, or bpf:[id:]program for a BPF program.
func (p *parsing) parseFentry() {
	if p.parts[0].Text == "bpf" {
		p.parseBPF()
		return
	}
	if len(p.parts) == 3 {
		p.countError()
		return
	}
	if len(p.parts) == 2 {
		p.pt.Target = p.parts[0].Text
	} else if HasWildcard(p.parts[0].Text) {
		p.pt.Target = "*"
	}
	p.pt.Func = p.last().Text
	if p.pt.Func == "" && !p.bad {
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "%s needs a function", p.info.Name))
	}
}

func (p *parsing) parseBPF() {
	p.pt.Target = "bpf"
	if len(p.parts) == 1 {
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "%s:bpf needs the name of a BPF program", p.info.Name))
		return
	}
	p.pt.Func = p.last().Text
	if len(p.parts) == 2 || p.parts[1].Text == "*" {
		return
	}
	id := p.number(p.parts[1], p.parts[1].Text, "BPF program id")
	if id > math.MaxUint32 {
		p.errorf(diag.CodeProbeNumber, p.parts[1].Span, "BPF program id %d doesn't fit 32 bits", id)
	}
	p.pt.BPFProg = uint32(id)
}

// parseIter: object[:pin].
func (p *parsing) parseIter() {
	p.pt.Func = p.parts[0].Text
	if len(p.parts) == 2 {
		p.pt.Mode = p.parts[1].Text
	}
	switch {
	case p.pt.Func == "":
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "iter needs an object"))
	case (HasWildcard(p.pt.Func) || HasWildcard(p.pt.Mode)) && !p.quiet:
		p.errorf(diag.CodeProbeWild, p.pt.Span, "iter takes no wildcards").
			Note("`-l 'iter:*'` lists the kernel's iterators")
	}
}

// parseWatchpoint: address:length:mode.
func (p *parsing) parseWatchpoint() {
	pt := p.pt
	pt.Addr, pt.HasAddr = p.number(p.parts[0], p.parts[0].Text, "address"), true
	pt.Len = p.number(p.parts[1], p.parts[1].Text, "length")
	if p.bad {
		return
	}
	if pt.Addr == 0 {
		p.errorf(diag.CodeProbeWatch, p.parts[0].Span, "a watchpoint's address can't be 0")
	}
	if pt.Len != 1 && pt.Len != 2 && pt.Len != 4 && pt.Len != 8 {
		p.errorf(diag.CodeProbeWatch, p.parts[1].Span, "a watchpoint's length is 1, 2, 4 or 8 bytes")
	}
	for _, c := range "rwx" {
		switch strings.Count(p.parts[2].Text, string(c)) {
		case 0:
		case 1:
			pt.Mode += string(c)
		default:
			p.errorf(diag.CodeProbeWatch, p.parts[2].Span, "mode %q names %c twice", p.parts[2].Text, c)
			return
		}
	}
	if pt.Mode == "" || len(pt.Mode) != len(p.parts[2].Text) {
		p.errorf(diag.CodeProbeWatch, p.parts[2].Span, "a watchpoint's mode is made of r, w and x")
	}
}

func (p *parsing) last() Part { return p.parts[len(p.parts)-1] }
