package probe

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// minPeriod is the shortest period of interval and profile, in ns.
const minPeriod = 1000

// parseSpecial: begin and end have nothing after them, but for the * of a listing.
func (p *parsing) parseSpecial() {
	if len(p.parts) == 1 && p.parts[0].Text != "*" {
		p.countError()
	}
}

// parseSelf: signal:NAME.
func (p *parsing) parseSelf() {
	p.pt.Target, p.pt.Func = p.parts[0].Text, p.parts[1].Text
	for i, what := range []string{"trigger", "signal"} {
		if p.parts[i].Text == "" {
			p.missing(diag.CodeProbeEvent, p.parts[i], what)
			return
		}
	}
	if p.pt.Target != "signal" {
		p.forms(p.errorf(diag.CodeProbeEvent, p.parts[0].Span, "unknown trigger %q", p.pt.Target))
		return
	}
	if !slices.Contains(Signals(), p.pt.Func) {
		d := p.errorf(diag.CodeProbeEvent, p.parts[1].Span, "signal %q can't be probed", p.pt.Func)
		d.Note("signals are %s", strings.Join(Signals(), ", "))
	}
}

// parseNamed: the name of a test or benchmark, once in a script.
func (p *parsing) parseNamed() {
	name := p.parts[0].Text
	p.pt.Target = name
	if name == "" {
		p.errorf(diag.CodeProbeTarget, p.pt.Span, "%s needs a name", p.info.Name)
		return
	}
	key := p.info.Name + ":" + name
	if first, ok := p.named[key]; ok {
		p.errorf(diag.CodeProbeName, p.parts[0].Span, "%s %q is there already", p.info.Name, name).
			NoteAt(first, "the first one")
		return
	}
	if p.named == nil {
		p.named = map[string]diag.Span{}
	}
	p.named[key] = p.parts[0].Span
}

// parseTimer: unit:n, or a duration such as 10ms (a plain number is ns).
func (p *parsing) parseTimer() {
	if len(p.parts) == 1 {
		part := p.parts[0]
		if slices.Contains(Units(), part.Text) {
			p.countError()
			return
		}
		ns := p.number(part, part.Text, "period")
		if !p.bad && ns < minPeriod {
			d := p.errorf(diag.CodeProbeNumber, part.Span, "period of %d ns is too short", ns)
			d.Note("the shortest is 1us; a number without a unit is nanoseconds")
		}
		p.pt.Unit, p.pt.Value, p.pt.HasValue = "us", ns/1000, true
		return
	}
	unit := p.parts[0]
	if unit.Text == "" {
		p.missing(diag.CodeProbeEvent, unit, "unit")
		return
	}
	if !slices.Contains(Units(), unit.Text) {
		d := p.errorf(diag.CodeProbeEvent, unit.Span, "unknown unit %q", unit.Text)
		d.Note("units are %s", strings.Join(Units(), ", "))
		return
	}
	n := p.number(p.parts[1], p.parts[1].Text, "rate")
	if !p.bad && n == 0 {
		p.errorf(diag.CodeProbeNumber, p.parts[1].Span, "%s needs a rate above 0", p.info.Name)
	}
	p.pt.Unit, p.pt.Value, p.pt.HasValue = unit.Text, n, true
}

// parseEvent: a software or hardware event, and every how many of them.
func (p *parsing) parseEvent() {
	part := p.parts[0]
	p.pt.Target = part.Text
	if len(p.parts) == 2 && p.parts[1].Text != "*" && p.parts[1].Text != "" {
		p.pt.Value, p.pt.HasValue = p.number(p.parts[1], p.parts[1].Text, "count"), true
		if !p.bad && p.pt.Value == 0 {
			p.errorf(diag.CodeProbeNumber, p.parts[1].Span, "count has to be above 0")
		}
	}
	switch {
	case HasWildcard(part.Text):
		p.errorf(diag.CodeProbeWild, part.Span, "%s takes no wildcards", p.info.Name)
	case part.Text == "":
		p.forms(p.errorf(diag.CodeProbeTarget, p.pt.Span, "%s needs an event", p.info.Name))
	default:
		p.checkEvent(part)
	}
}

func (p *parsing) checkEvent(part Part) {
	if _, ok := FindEvent(p.info.Kind, part.Text); ok {
		return
	}
	var names []string
	for _, e := range Events(p.info.Kind) {
		names = append(names, e.Name)
		if e.Alias != "" {
			names = append(names, e.Alias)
		}
	}
	d := p.errorf(diag.CodeProbeEvent, part.Span, "unknown %s event %q", p.info.Name, part.Text)
	if near := Nearest(part.Text, names); near != "" {
		d.Suggest(near)
		return
	}
	d.Note("events are %s", strings.Join(names, ", "))
}
