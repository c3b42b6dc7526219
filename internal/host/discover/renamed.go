package discover

import (
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// followRenames puts today's functions in the place of those that are gone
// (renamed_functions = "follow"), and says so. A function that the probe has anyway isn't
// put there a second time.
func (f *Finder) followRenames(points []*probe.Point, rep *diag.Reporter) []*probe.Point {
	var out []*probe.Point
	for _, p := range points {
		heir, note := f.heir(p)
		if heir == "" {
			out = append(out, p)
			continue
		}
		d := rep.Warnf(diag.WarnRenamed, p.Span, "this kernel has no function %s: following it to %s", p.Func, heir)
		if note != "" {
			d.Note("%s", note)
		}
		has := func(q *probe.Point) bool { return q.Kind == p.Kind && q.Func == heir && q.Offset == p.Offset }
		if slices.ContainsFunc(points, has) || slices.ContainsFunc(out, has) {
			continue
		}
		q := with(p, p.Target, heir)
		q.Orig = p
		out = append(out, q)
	}
	return out
}

// heir is today's name of the function that p names and the kernel lacks, and a note; ""
// when it has it, or nothing else is known.
func (f *Finder) heir(p *probe.Point) (name, note string) {
	switch p.Kind {
	case probe.Kprobe, probe.Kretprobe, probe.Fentry, probe.Fexit:
	default:
		return "", ""
	}
	if p.Wild || p.HasAddr || p.Func == "" || p.Target == "bpf" || f.hasFunction(p.Func) {
		return "", ""
	}
	return probe.Heir(p.Func, f.hasFunction)
}

// hasFunction reports whether the kernel has a function: the BTF knows most of them at
// once, kallsyms all.
func (f *Finder) hasFunction(name string) bool {
	if b, err := f.Kernel.BTF(); err == nil {
		if _, ok := b.FindOwn(name, kern.KindFunc); ok {
			return true
		}
	}
	if f.functions == nil {
		f.functions = map[string]bool{}
		// Without the list nothing but BTF's functions is known.
		_ = f.Kernel.Symbols(func(s kern.Symbol) bool {
			if s.IsFunc() {
				f.functions[s.Name] = true
			}
			return true
		})
	}
	return f.functions[name]
}
