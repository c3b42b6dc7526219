package discover

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/probe"
)

func (f *Finder) tracepoints(p *probe.Point) ([]*probe.Point, error) {
	if !p.Wild {
		ok, err := f.Kernel.HasEvent(p.Target, p.Func)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, f.noTracepoint(p)
		}
		return []*probe.Point{p}, nil
	}
	var found []*probe.Point
	err := f.eachTracepoint(p.Target, p.Func, func(category, name string) {
		found = append(found, with(p, category, name))
	})
	if err == nil && len(found) == 0 {
		err = unmatched("no tracepoint matches %s:%s", p.Target, p.Func)
	}
	return found, err
}

// eachTracepoint calls yield with each event that matches, in order.
func (f *Finder) eachTracepoint(category, name string, yield func(category, name string)) error {
	categories := []string{category}
	if probe.HasWildcard(category) {
		all, err := f.Kernel.Categories()
		if err != nil {
			return err
		}
		categories = all
	}
	for _, c := range categories {
		if !probe.Match(category, c) {
			continue
		}
		events, err := f.Kernel.Events(c)
		if err != nil {
			return err
		}
		for _, e := range events {
			if probe.Match(name, e) && c != "ftrace" {
				yield(c, e)
			}
		}
	}
	return nil
}

// noTracepoint explains an unknown tracepoint by the nearest in its category, else by
// the same event in another, else by a module that would bring the category, else by the
// nearest category. An event that begins with its category's name is of that one: kvm:kvm_exit
// isn't meant to be ksm:ksm_exit.
func (f *Finder) noTracepoint(p *probe.Point) error {
	m := missing(diag.CodeNoTracepoint, "No matches for tracepoint %s:%s.", p.Target, p.Func)
	events, err := f.Kernel.Events(p.Target)
	if err != nil {
		return err
	}
	suggest := func(category, event string) *missingError {
		m.near = p.Kind.String() + ":" + category + ":" + event
		return m
	}
	if near := probe.Nearest(p.Func, events); near != "" {
		return suggest(p.Target, near)
	}
	var other string
	if err := f.eachTracepoint("*", p.Func, func(c, _ string) { other = c }); err != nil {
		return err
	}
	if other != "" {
		return suggest(other, p.Func)
	}
	if len(events) > 0 {
		return m
	}
	if module := f.unloaded(p.Target); module != "" {
		m.note = "category " + p.Target + " isn't there: module " + module + " isn't loaded"
		return m
	}
	categories, err := f.Kernel.Categories()
	if err != nil {
		return err
	}
	own := strings.HasPrefix(p.Func, p.Target+"_")
	if c := probe.Nearest(p.Target, categories); c != "" && !own {
		if events, err = f.Kernel.Events(c); err == nil {
			if near := probe.Nearest(p.Func, events); near != "" {
				return suggest(c, near)
			}
		}
	}
	m.note = "there is no category " + p.Target
	if own {
		m.note += "; one of a module is there once that is loaded"
	}
	return m
}

// unloaded is the installed module that would bring a category of tracepoints, by its name: kvm of
// kvm, scsi of scsi_mod, nvme of nvme_core. "": none is known, or it's loaded.
func (f *Finder) unloaded(category string) string {
	installed := f.Kernel.InstalledModules()
	loaded, err := f.Kernel.Modules()
	if err != nil {
		return ""
	}
	base := strings.ReplaceAll(category, "-", "_")
	for _, name := range []string{base, base + "_mod", base + "_core"} {
		if slices.Contains(installed, name) {
			if slices.Contains(loaded, name) {
				return ""
			}
			return name
		}
	}
	return ""
}
