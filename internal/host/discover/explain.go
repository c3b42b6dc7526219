package discover

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// Explain reports why a kernel function couldn't be attached to: it doesn't exist, has
// another name on this kernel, or exists and can't be traced. Of the script's other points,
// those at functions that don't exist are reported, too. It reads kallsyms and the list of
// traceable functions, and is for after an attach has failed. cause is the kernel's error,
// or nil.
func (f *Finder) Explain(p *probe.Point, cause error, others []*probe.Point, rep *diag.Reporter) {
	if !namesKernelFunc(p) {
		if cause != nil {
			rep.Errorf(diag.CodeNoMatch, p.Span, "%s: %v", p.Text, cause)
		}
		return
	}
	names := map[string]bool{}
	err := f.Kernel.Symbols(func(s kern.Symbol) bool {
		if s.IsFunc() {
			names[s.Name] = true
		}
		return true
	})
	if err != nil {
		rep.Errorf(diag.CodeNoKernelFunc, p.Span, "%s: %v", p.Text, cause)
		return
	}
	// Without the list any function may be traceable.
	traceable := map[string]bool{}
	_ = f.Kernel.TraceableFuncs(func(name, _ string) bool {
		traceable[name] = true
		return true
	})
	exists := func(name string) bool { return names[name] && (traceable[name] || len(traceable) == 0) }
	if names[p.Func] {
		f.untraceable(p, cause, exists, rep)
	} else {
		f.report(p, f.noKernelFunc(p, exists), rep)
	}
	for _, q := range others {
		if q != p && namesKernelFunc(q) && !names[q.Func] {
			f.report(q, f.noKernelFunc(q, exists), rep)
		}
	}
}

// untraceable explains a function that exists; exists reports the traceable ones.
func (f *Finder) untraceable(p *probe.Point, cause error, exists func(string) bool, rep *diag.Reporter) {
	d := rep.Errorf(diag.CodeNoKernelFunc, p.Span, "kernel function %s can't be traced", p.Func)
	switch {
	case !exists(p.Func):
		d.Note("it isn't among /sys/kernel/tracing/available_filter_functions, which lack what is inline in the kernel's source or marked notrace")
	default:
		if cause != nil {
			d.Note("the kernel says: %v", cause)
		}
		d.Note("it may be on the list of /sys/kernel/debug/kprobes/blacklist")
	}
	heir := probe.FindTraceable(p.Func, exists)
	if heir.Note != "" {
		d.Note("%s", heir.Note)
	}
	if heir.Name != "" {
		d.Suggest(pointPrefix(p) + heir.Name)
	}
}

// pointPrefix is what stands before the function in a point's text.
func pointPrefix(p *probe.Point) string {
	if p.Target != "" && p.Target != "*" {
		return p.Kind.String() + ":" + p.Target + ":"
	}
	return p.Kind.String() + ":"
}

// noKernelFunc explains an unknown function: by what became of it, or by the nearest name.
func (f *Finder) noKernelFunc(p *probe.Point, exists func(string) bool) *missingError {
	name := p.Func
	if p.Target != "" && p.Target != "*" {
		name = p.Target + ":" + name
	}
	m := missing(diag.CodeNoKernelFunc, "No matches for %s %s.", p.Kind, name)
	prefix := pointPrefix(p)
	heir := probe.FindHeir(p.Func, exists)
	m.note = "this kernel has no function " + p.Func
	if heir.Note != "" {
		m.note += "; " + heir.Note
	}
	if heir.Name != "" {
		m.near = prefix + heir.Name
		return m
	}
	if heir.Note != "" {
		return m
	}
	if near := probe.Nearest(p.Func, f.functionNames()); near != "" {
		m.near = prefix + near
	}
	return m
}

// functionNames are candidates for a suggestion: BTF's functions, else kallsyms's.
func (f *Finder) functionNames() []string {
	if f.names == nil {
		f.names = f.listFunctions()
	}
	return f.names
}

func (f *Finder) listFunctions() []string {
	var names []string
	if b, err := f.Kernel.BTF(); err == nil {
		f.typed = map[string]bool{}
		b.Named(func(t kern.Type) bool {
			names = append(names, t.Name())
			f.typed[t.Name()] = true
			return true
		}, kern.KindFunc)
		return names
	}
	// Without a list there's no suggestion, which is no trouble.
	_ = f.Kernel.Symbols(func(s kern.Symbol) bool {
		if s.IsFunc() {
			names = append(names, s.Name)
		}
		return true
	})
	return names
}
