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
		heir, what := f.heir(p), "this kernel has no function %s: following it to %s"
		if heir.Name == "" {
			heir, what = f.wrapped(p), "kernel function %s is a wrapper: following it to %s"
			if heir.Some {
				what = "some callers do without kernel function %s: following it to %s"
			}
			if f.named[heir.Name] {
				heir = probe.Heir{} // the script has that one, too
			}
		}
		if heir.Name == "" {
			out = append(out, p)
			continue
		}
		d := rep.Warnf(diag.WarnRenamed, p.Span, what, p.Func, heir.Name)
		if heir.Note != "" {
			d.Note("%s", heir.Note)
		}
		has := func(q *probe.Point) bool { return q.Kind == p.Kind && q.Func == heir.Name && q.Offset == p.Offset }
		if slices.ContainsFunc(points, has) || slices.ContainsFunc(out, has) {
			continue
		}
		q := with(p, p.Target, heir.Name)
		q.Orig, q.Args = p, heir.Args
		out = append(out, q)
	}
	return out
}

// heir is what became of the function that p names and the kernel lacks; none when it has
// it, or nothing else is known.
func (f *Finder) heir(p *probe.Point) probe.Heir {
	if !namesKernelFunc(p) || f.hasFunction(p.Func) {
		return probe.Heir{}
	}
	return probe.FindHeir(p.Func, f.hasFunction)
}

// wrapped is what most callers of the function that p names call today; none when they call
// it, or nothing is known.
func (f *Finder) wrapped(p *probe.Point) probe.Heir {
	if !namesKernelFunc(p) {
		return probe.Heir{}
	}
	return probe.FindWrapped(p.Func, f.hasFunction)
}

// ReadPoints notes the kernel functions that the script names.
func (f *Finder) ReadPoints(points []*probe.Point) {
	for _, p := range points {
		if namesKernelFunc(p) {
			if f.named == nil {
				f.named = map[string]bool{}
			}
			f.named[p.Func] = true
		}
	}
}

// warnWrapper says that a function is there but hardly called.
func (f *Finder) warnWrapper(p *probe.Point, rep *diag.Reporter) {
	heir := f.wrapped(p)
	if heir.Name == "" || f.named[heir.Name] {
		return
	}
	what := "kernel function %s is hardly called: %s does its work"
	if heir.Some {
		what = "some callers do without kernel function %s, and the probe misses them: %s is called by all"
	}
	rep.Warnf(diag.WarnWrapper, p.Span, what, p.Func, heir.Name).Note("%s", heir.Note)
}

// namesKernelFunc reports whether p is at one kernel function, by name.
func namesKernelFunc(p *probe.Point) bool {
	switch p.Kind {
	case probe.Kprobe, probe.Kretprobe, probe.Fentry, probe.Fexit:
		return !p.Wild && !p.HasAddr && p.Func != "" && p.Target != "bpf"
	}
	return false
}

// hasFunction reports whether the kernel has a function: the BTF knows most of them at
// once, kallsyms all.
func (f *Finder) hasFunction(name string) bool {
	if f.typedFunction(name) {
		return true
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

// typedFunction reports whether BTF has a function. It's looked for, unless all were listed.
func (f *Finder) typedFunction(name string) bool {
	if f.typed != nil {
		return f.typed[name]
	}
	b, err := f.Kernel.BTF()
	if err != nil {
		return false
	}
	_, ok := b.FindOwn(name, kern.KindFunc)
	return ok
}
