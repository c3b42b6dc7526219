package discover

import (
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// rawPrefix begins the typedefs that the kernel makes for its raw tracepoints.
const rawPrefix = "btf_trace_"

func (f *Finder) rawTracepoints(p *probe.Point) ([]*probe.Point, error) {
	btfs, err := f.btfs(p.Target)
	if err != nil {
		return nil, err
	}
	if !probe.HasWildcard(p.Func) {
		for b := range btfs {
			if _, ok := b.FindOwn(rawPrefix+p.Func, kern.KindTypedef); ok {
				return []*probe.Point{with(p, b.Name, p.Func)}, nil
			}
		}
		if module := f.tracepointModule(p); module != "" {
			return []*probe.Point{with(p, module, p.Func)}, nil
		}
		m := unmatched("no raw tracepoint %s", p.Func)
		m.code = diag.CodeNoTracepoint
		if near := probe.Nearest(p.Func, rawNames(btfs, "*")); near != "" {
			m.near = p.Kind.String() + ":" + near
		}
		return nil, m
	}
	var found []*probe.Point
	for b := range btfs {
		for _, name := range rawNames(only(b), p.Func) {
			found = append(found, with(p, b.Name, name))
		}
	}
	if len(found) == 0 {
		return nil, unmatched("no raw tracepoint matches %s", p.Func)
	}
	return found, nil
}

// tracepointModule is the module, of those that the point means, that has the raw tracepoint
// and tells nothing of its types, as all do before Linux 5.11; "" when none is known.
func (f *Finder) tracepointModule(p *probe.Point) string {
	module := ""
	// Without the list none is known.
	_ = f.Kernel.Symbols(func(s kern.Symbol) bool {
		if s.Name == "__tracepoint_"+p.Func && s.Module != "" && (p.Target == "" || probe.Match(p.Target, s.Module)) {
			module = s.Module
		}
		return module == ""
	})
	return module
}

func only(b *kern.BTF) iter.Seq[*kern.BTF] {
	return func(yield func(*kern.BTF) bool) { yield(b) }
}

func rawNames(btfs iter.Seq[*kern.BTF], pattern string) []string {
	var names []string
	for b := range btfs {
		b.Named(func(t kern.Type) bool {
			if name, ok := strings.CutPrefix(t.Name(), rawPrefix); ok && probe.Match(pattern, name) {
				names = append(names, name)
			}
			return true
		}, kern.KindTypedef)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// btfs are vmlinux's and the modules' type information as a point's module asks for it, each
// opened when it's reached.
func (f *Finder) btfs(module string) (iter.Seq[*kern.BTF], error) {
	return f.Kernel.BTFs(func(name string) bool { return module == "" || probe.Match(module, name) })
}

// kprobes reads nothing for a plain name.
func (f *Finder) kprobes(p *probe.Point) ([]*probe.Point, error) {
	if !p.Wild {
		if p.Target == "" || p.Target == "vmlinux" {
			return f.checkedFunction(p)
		}
		loaded, err := f.Kernel.Modules()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(loaded, p.Target) {
			m := missing(diag.CodeNoModule, "specified module %s in probe %s is not loaded", p.Target, p.Text)
			if near := probe.Nearest(p.Target, loaded); near != "" {
				m.near = p.Kind.String() + ":" + near + ":" + p.Func
			}
			return nil, m
		}
		return f.checkedFunction(p)
	}
	var found []*probe.Point
	names, err := f.traceable(p.Target, p.Func)
	for _, n := range names {
		module := n.module
		if p.Target == "" {
			module = ""
		}
		found = append(found, with(p, module, n.name))
	}
	if err == nil && len(found) == 0 {
		err = unmatched("no kernel function matches %s", p.Func)
	}
	return found, err
}

// kernelFunc is a function that can be traced.
type kernelFunc struct{ module, name string }

// compare orders by "module:name" without making that text: a kernel has 60,000 functions.
func (a kernelFunc) compare(b kernelFunc) int {
	if a.module == b.module {
		return strings.Compare(a.name, b.name)
	}
	return strings.Compare(a.module+":", b.module+":")
}

// traceable lists the functions that match, each once, sorted: those ftrace knows, or
// where the kernel doesn't say (no CONFIG_FUNCTION_TRACER, no root) all of kallsyms.
// Left out are pieces (.part.N), and those whose tracing is known to hang
// kernels (as in the kernel's own prog_tests/kprobe_multi_test.c).
func (f *Finder) traceable(module, pattern string) ([]kernelFunc, error) {
	var found []kernelFunc
	blacklist := f.Kernel.KprobeBlacklist()
	add := func(name, mod string) bool {
		if mod == "" {
			mod = "vmlinux"
		}
		if probe.Match(pattern, name) && (module == "" || probe.Match(module, mod)) &&
			!untraceable(name) && !blacklist[name] {
			found = append(found, kernelFunc{mod, name})
		}
		return true
	}
	if !f.CheckOnly && !f.hasKprobes() {
		return nil, nil
	}
	err := f.Kernel.TraceableFuncs(add)
	if err != nil {
		found = found[:0]
		err = f.Kernel.Symbols(func(s kern.Symbol) bool {
			return !s.IsFunc() || add(s.Name, s.Module)
		})
	}
	if module == "" {
		slices.SortFunc(found, func(a, b kernelFunc) int { return strings.Compare(a.name, b.name) })
	} else {
		slices.SortFunc(found, kernelFunc.compare)
	}
	return slices.CompactFunc(found, func(a, b kernelFunc) bool {
		return a.name == b.name && (module == "" || a.module == b.module)
	}), err
}

// hasKprobes reports whether the kernel has kprobes at all. A tree without event sources says nothing.
func (f *Finder) hasKprobes() bool {
	if _, err := fs.Stat(f.Root, "sys/bus/event_source/devices"); err != nil {
		return true
	}
	_, err := fs.Stat(f.Root, "sys/bus/event_source/devices/kprobe")
	return err == nil
}

func untraceable(name string) bool {
	return strings.Contains(name, ".part.") || strings.HasPrefix(name, "rcu_") ||
		strings.HasPrefix(name, "__ftrace_invalid_address__") ||
		name == "arch_cpu_idle" || name == "default_idle" || name == "bpf_dispatcher_xdp_func"
}

func (f *Finder) fentries(p *probe.Point) ([]*probe.Point, error) {
	if p.Target == "bpf" {
		return f.bpfProgs(p)
	}
	btfs, err := f.btfs(p.Target)
	if err != nil {
		return nil, err
	}
	if !probe.HasWildcard(p.Func) {
		for b := range btfs {
			if _, ok := b.FindOwn(p.Func, kern.KindFunc); ok {
				return []*probe.Point{with(p, b.Name, p.Func)}, nil
			}
		}
		return nil, f.noKernelFunc(p, func(name string) bool {
			for b := range btfs {
				if _, ok := b.FindOwn(name, kern.KindFunc); ok {
					return true
				}
			}
			return false
		})
	}
	var found []*probe.Point
	for _, fn := range f.fentryFuncs(btfs, p.Func) {
		found = append(found, with(p, fn.module, fn.name))
	}
	if len(found) == 0 {
		return nil, unmatched("no kernel function matches %s", p.Func)
	}
	return found, nil
}

// fentryFuncs lists the functions of BTF that match, that ftrace can trace as far as the
// kernel tells, and whose arguments fit the registers.
func (f *Finder) fentryFuncs(btfs iter.Seq[*kern.BTF], pattern string) []kernelFunc {
	known, blacklist := map[kernelFunc]bool{}, f.Kernel.KprobeBlacklist()
	err := f.Kernel.TraceableFuncs(func(name, mod string) bool {
		if mod == "" {
			mod = "vmlinux"
		}
		if probe.Match(pattern, name) {
			known[kernelFunc{mod, name}] = true
		}
		return true
	})
	var found []kernelFunc
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no ftrace: no trampolines
	}
	for b := range btfs {
		b.Named(func(t kern.Type) bool {
			fn := kernelFunc{b.Name, t.Name()}
			if probe.Match(pattern, fn.name) && (err != nil || known[fn]) && !untraceable(fn.name) && !blacklist[fn.name] &&
				len(t.Ref().Params()) <= f.maxArgs() {
				found = append(found, fn)
			}
			return true
		}, kern.KindFunc)
	}
	slices.SortFunc(found, kernelFunc.compare)
	return slices.Compact(found)
}

func (f *Finder) bpfProgs(p *probe.Point) ([]*probe.Point, error) {
	if f.CheckOnly {
		return nil, errNoProgs
	}
	if f.BPF == nil {
		return nil, missing(diag.CodeNoMatch, "the running BPF programs can't be listed")
	}
	var found []*probe.Point
	err := f.BPF.Each(func(id uint32, name string) bool {
		if (p.BPFProg == 0 || p.BPFProg == id) && probe.Match(p.Func, name) {
			q := with(p, "bpf", name)
			q.BPFProg = id
			rename(q, p)
			found = append(found, q)
		}
		return true
	})
	if err == nil && len(found) == 0 {
		err = unmatched("no running BPF program matches %s", p.Func)
	}
	return found, err
}

// iterPrefix begins the structs that iterators' contexts are.
const iterPrefix = "bpf_iter__"

func (f *Finder) iters(p *probe.Point) ([]*probe.Point, error) {
	names, err := f.iterNames(p.Func)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		m := missing(diag.CodeNoIter, "this kernel has no iterator %s", p.Func)
		if slices.Contains(mapIters, p.Func) {
			return nil, missing(diag.CodeNoIter, "iterator %s goes through one BPF map, and a script can't name which", p.Func)
		}
		if all, err := f.iterNames("*"); err == nil {
			if near := probe.Nearest(p.Func, all); near != "" {
				m.near = "iter:" + near
			}
		}
		return nil, m
	}
	var found []*probe.Point
	for _, n := range names {
		found = append(found, with(p, p.Target, n))
	}
	return found, nil
}

// mapIters are iterators over the elements of a map, which the kernel wants to be given
// when they're attached (bpf_iter_attach_map, kernel/bpf/map_iter.c, net/core).
var mapIters = []string{"bpf_map_elem", "bpf_sk_storage_map", "sockmap"}

// iterNames lists iterators, sorted, but for those that need a map. The kernel has an
// annotation, not an iterator, in the structs that end in __safe_trusted.
func (f *Finder) iterNames(pattern string) ([]string, error) {
	btfs, err := f.btfs("")
	if err != nil {
		return nil, err
	}
	var names []string
	for b := range btfs {
		b.Named(func(t kern.Type) bool {
			name, ok := strings.CutPrefix(t.Name(), iterPrefix)
			if ok && !strings.HasSuffix(name, "__safe_trusted") && !slices.Contains(mapIters, name) && probe.Match(pattern, name) {
				names = append(names, name)
			}
			return true
		}, kern.KindStruct)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
