package discover

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// Explain reports why a kernel function couldn't be attached to: it doesn't exist, has
// another name on this kernel, or exists and can't be traced. It reads kallsyms, and is
// for after an attach has failed. cause is the kernel's error, or nil.
func (f *Finder) Explain(p *probe.Point, cause error, rep *diag.Reporter) {
	if p.Kind != probe.Kprobe && p.Kind != probe.Kretprobe && p.Kind != probe.Fentry && p.Kind != probe.Fexit {
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
	switch {
	case err != nil:
		rep.Errorf(diag.CodeNoKernelFunc, p.Span, "%s: %v", p.Text, cause)
	case names[p.Func]:
		d := rep.Errorf(diag.CodeNoKernelFunc, p.Span, "kernel function %s can't be traced", p.Func)
		if cause != nil {
			d.Note("the kernel says: %v", cause)
		}
		d.Note("it may be marked notrace, or on the list of /sys/kernel/debug/kprobes/blacklist")
	default:
		m := f.noKernelFunc(p, func(name string) bool { return names[name] })
		f.report(p, m, rep)
	}
}

// noKernelFunc explains an unknown function: by what became of it, or by the nearest name.
func (f *Finder) noKernelFunc(p *probe.Point, exists func(string) bool) *missingError {
	name := p.Func
	if p.Target != "" && p.Target != "*" {
		name = p.Target + ":" + name
	}
	m := missing(diag.CodeNoKernelFunc, "No matches for %s %s.", p.Kind, name)
	prefix := p.Kind.String() + ":"
	if p.Target != "" && p.Target != "*" {
		prefix += p.Target + ":"
	}
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
