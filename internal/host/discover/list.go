package discover

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// List lists what matches, a line at a time, as bpftrace -l does (-lv when verbose):
// patterns is one or several, separated by commas. One is "kind:target:name", with wildcards in
// each place, a word to search all kinds for, or "struct name", "union name", "enum name".
// Kinds whose facts can't be read give an error in their place, and the rest goes on.
func (f *Finder) List(patterns string, verbose bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for pattern := range strings.SplitSeq(patterns, ",") {
			l := lister{Finder: f, verbose: verbose, yield: yield}
			pattern = strings.Join(strings.Fields(pattern), " ")
			if tag, name, ok := strings.Cut(pattern, " "); ok && (tag == "struct" || tag == "union" || tag == "enum") {
				l.definitions(tag, name)
			} else {
				l.probes(pattern)
			}
			if l.stopped {
				return
			}
		}
	}
}

// lister lists one pattern.
type lister struct {
	*Finder
	verbose bool
	yield   func(string, error) bool
	stopped bool
	funcs   map[string]map[string]kern.Type // -lv: the functions of each module's BTF, once read
}

// function is a kernel function in the BTF of its module, which is read once: there are tens
// of thousands of functions, and a search for each takes as many steps.
func (l *lister) function(f kernelFunc) (kern.Type, bool) {
	index, ok := l.funcs[f.module]
	if !ok {
		index = map[string]kern.Type{}
		if b, err := l.Kernel.ModuleBTF(f.module); err == nil {
			b.Named(func(t kern.Type) bool {
				if _, ok := index[t.Name()]; !ok {
					index[t.Name()] = t
				}
				return true
			}, kern.KindFunc)
		}
		if l.funcs == nil {
			l.funcs = map[string]map[string]kern.Type{}
		}
		l.funcs[f.module] = index
	}
	t, ok := index[f.name]
	return t, ok
}

func (l *lister) line(s string) {
	if !l.stopped && !l.yield(s, nil) {
		l.stopped = true
	}
}

func (l *lister) trouble(kind probe.Kind, err error) {
	if err != nil && !l.stopped && !l.yield("", fmt.Errorf("list %s: %w", kind, err)) {
		l.stopped = true
	}
}

// entry is a line of a listing: what follows the kind, and its arguments' declarations.
type entry struct {
	text string
	args []string
}

// probes lists the kinds that a pattern names or, when the kind has a wildcard or is missing, all.
func (l *lister) probes(pattern string) {
	kindPattern, rest, ok := strings.Cut(pattern, ":")
	if !ok {
		kindPattern, rest = "*", pattern
		if rest == "" {
			rest = "*"
		}
	}
	for _, k := range l.kinds(kindPattern, rest) {
		if l.stopped {
			return
		}
		entries, err := l.entries(k, rest)
		l.trouble(k, err)
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.text, b.text) })
		entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.text == b.text })
		for _, e := range entries {
			l.line(k.String() + ":" + e.text)
			for _, a := range e.args {
				l.line("    " + a)
			}
		}
	}
}

// kinds are in the order of their names. Kinds of user probes are searched only when
// they are named, or a process or a file narrows the search.
func (l *lister) kinds(pattern, rest string) []probe.Kind {
	if !probe.HasWildcard(pattern) {
		if row, ok := probe.Lookup(pattern); ok {
			return []probe.Kind{row.Kind}
		}
		return nil
	}
	target, _, _ := strings.Cut(rest, ":")
	user := l.Pid != 0 || strings.Contains(target, "/")
	var kinds []probe.Kind
	for _, row := range probe.Kinds() {
		if (row.ListKernel || row.ListUser && user) && probe.Match(pattern, row.Name) {
			kinds = append(kinds, row.Kind)
		}
	}
	slices.SortFunc(kinds, func(a, b probe.Kind) int { return strings.Compare(a.String(), b.String()) })
	return kinds
}

func (l *lister) entries(k probe.Kind, rest string) ([]entry, error) {
	switch k {
	case probe.Tracepoint:
		return l.tracepointEntries(rest)
	case probe.RawTracepoint:
		return l.rawEntries(rest)
	case probe.Kprobe, probe.Kretprobe:
		return l.kprobeEntries(k, rest)
	case probe.Fentry, probe.Fexit:
		return l.fentryEntries(k, rest)
	case probe.Iter:
		return l.iterEntries(rest)
	case probe.Uprobe, probe.Uretprobe:
		return l.uprobeEntries(k, rest)
	case probe.USDT:
		return l.usdtEntries(rest)
	}
	return fixedEntries(k, rest), nil
}

// fixedEntries are those of kinds with a list of their own.
func fixedEntries(k probe.Kind, rest string) []entry {
	var texts []string
	switch k {
	case probe.Software, probe.Hardware:
		for _, e := range probe.Events(k) {
			texts = append(texts, e.Name+":")
			if e.Alias != "" {
				texts = append(texts, e.Alias+":")
			}
		}
	case probe.Interval, probe.Profile:
		for _, u := range probe.Units() {
			texts = append(texts, u+":")
		}
	case probe.Self:
		for _, s := range probe.Signals() {
			texts = append(texts, "signal:"+s)
		}
	}
	if rest == "" {
		rest = "*"
	}
	var found []entry
	for _, t := range texts {
		if probe.Match(rest, t) {
			found = append(found, entry{text: t})
		}
	}
	return found
}

// split cuts "target:name"; without a target it's any.
func split(rest string) (target, name string) {
	target, name, ok := strings.Cut(rest, ":")
	if !ok {
		return "*", rest
	}
	return target, name
}

func (l *lister) tracepointEntries(rest string) ([]entry, error) {
	category, name := split(rest)
	var found []entry
	var trouble error
	err := l.eachTracepoint(category, name, func(c, n string) {
		e := entry{text: c + ":" + n}
		if l.verbose {
			ev, err := l.Kernel.Event(c, n)
			if err != nil {
				trouble = errors.Join(trouble, err)
				return
			}
			for _, field := range ev.Fields {
				if !field.Common {
					e.args = append(e.args, field.Decl)
				}
			}
		}
		found = append(found, e)
	})
	return found, errors.Join(err, trouble)
}

func (l *lister) rawEntries(rest string) ([]entry, error) {
	module, name := split(rest)
	btfs, err := l.btfs(module)
	if err != nil {
		return nil, err
	}
	var found []entry
	for b := range btfs {
		for _, n := range rawNames(only(b), name) {
			e := entry{text: b.Name + ":" + n}
			if l.verbose {
				e.args = rawArgs(b, n)
			}
			found = append(found, e)
		}
	}
	return found, nil
}

// rawArgs are the parameters of a raw tracepoint, without the data pointer.
func rawArgs(b *kern.BTF, name string) []string {
	for _, prefix := range []string{"__probestub_", "__traceiter_", "__bpf_trace_"} {
		if fn, ok := b.Find(prefix+name, kern.KindFunc); ok {
			return paramDecls(fn)[1:]
		}
	}
	return nil
}

func paramDecls(fn kern.Type) []string {
	var decls []string
	for _, p := range fn.Ref().Params() {
		decls = append(decls, kern.Decl(p.Type, "")+" "+p.Name)
	}
	return decls
}

func (l *lister) kprobeEntries(k probe.Kind, rest string) ([]entry, error) {
	module, name, ok := strings.Cut(rest, ":")
	if !ok {
		module, name = "", rest
	}
	funcs, err := l.traceable(module, name)
	var found []entry
	for _, fn := range funcs {
		e := entry{text: fn.name}
		if module != "" {
			e.text = fn.module + ":" + fn.name
		}
		if l.verbose {
			e.args = l.kprobeArgs(k, fn)
		}
		found = append(found, e)
	}
	return found, err
}

// kprobeArgs are arg0… with their types, or the result's.
func (l *lister) kprobeArgs(k probe.Kind, f kernelFunc) []string {
	fn, ok := l.function(f)
	if !ok {
		return nil
	}
	if k == probe.Kretprobe {
		if result := fn.Ref().Ref(); result.ID != 0 {
			return []string{kern.Decl(result, "") + " retval"}
		}
		return []string{"void"}
	}
	var args []string
	for _, p := range fn.Ref().Params() {
		if p.Type.Kind() != kern.KindFloat {
			args = append(args, fmt.Sprintf("%s arg%d", kern.Decl(p.Type, ""), len(args)))
		}
	}
	return args
}

func (l *lister) fentryEntries(k probe.Kind, rest string) ([]entry, error) {
	module, name := split(rest)
	if module == "bpf" {
		return l.bpfEntries(name)
	}
	btfs, err := l.btfs(module)
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, fn := range l.fentryFuncs(btfs, name) {
		e := entry{text: fn.module + ":" + fn.name}
		if !l.verbose {
			found = append(found, e)
			continue
		}
		if t, ok := l.function(fn); ok {
			e.args = paramDecls(t)
			if result := t.Ref().Ref(); k == probe.Fexit && result.ID != 0 {
				e.args = append(e.args, kern.Decl(result, "")+" retval")
			}
		}
		found = append(found, e)
	}
	return found, nil
}

func (l *lister) bpfEntries(rest string) ([]entry, error) {
	if l.BPF == nil {
		return nil, nil
	}
	idPattern, name := split(rest)
	var found []entry
	err := l.BPF.Each(func(id uint32, prog string) bool {
		n := fmt.Sprint(id)
		if probe.Match(idPattern, n) && probe.Match(name, prog) {
			found = append(found, entry{text: "bpf:" + n + ":" + prog})
		}
		return true
	})
	return found, err
}

func (l *lister) iterEntries(rest string) ([]entry, error) {
	names, err := l.iterNames(rest)
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, n := range names {
		e := entry{text: n}
		if b, err := l.Kernel.BTF(); l.verbose && err == nil {
			if fn, ok := b.Find("bpf_iter_"+n, kern.KindFunc); ok {
				e.args = paramDecls(fn)[1:]
			}
		}
		found = append(found, e)
	}
	return found, nil
}

// userBinaries finds the binaries that a pattern for user probes, "target:name", is about, and
// its name. A name alone is searched for in the binaries of the process of -p, or in all
// programs of the search path.
func (l *lister) userBinaries(k probe.Kind, rest string) (found []binary, name string, err error) {
	target, name, ok := strings.Cut(rest, ":")
	if !ok {
		target, name = "*", rest
	}
	if ok || l.Pid != 0 {
		found, err = l.binaries(&probe.Point{Kind: k, Target: target})
		return found, name, err
	}
	if strings.Contains(name, "/") {
		return nil, name, nil
	}
	for _, dir := range filepath.SplitList(l.SearchPath) {
		programs, err := l.Files.Find(filepath.Join(dir, "*"), "")
		if err != nil {
			return nil, name, err
		}
		found = append(found, byPath(programs)...)
	}
	return found, name, nil
}

func (l *lister) uprobeEntries(k probe.Kind, rest string) ([]entry, error) {
	paths, name, err := l.userBinaries(k, rest)
	if err != nil {
		return nil, err
	}
	lang := ""
	if plain, ok := strings.CutPrefix(name, "cpp:"); ok {
		lang, name = "cpp", plain
	}
	var found []entry
	for _, p := range paths {
		file, err := l.Files.Open(p.path)
		if err != nil {
			continue
		}
		for _, sym := range matchingFuncs(file, name, lang) {
			found = append(found, l.uprobeEntry(k, p.name, file, sym, lang))
		}
	}
	return found, nil
}

func (l *lister) uprobeEntry(k probe.Kind, bin string, file *exe.File, sym exe.Symbol, lang string) entry {
	e := entry{text: bin + ":" + sym.Name}
	if plain, ok := exe.Demangle(sym.Name, true); lang != "" {
		e.text = bin + ":" + lang + ":" + sym.Name
		if ok {
			e.text = bin + ":" + lang + ":\"" + plain + "\""
		}
	}
	if !l.verbose || k == probe.Uretprobe {
		return e
	}
	if proto, ok, err := file.Func(sym.Name); ok && err == nil {
		for _, p := range proto.Params {
			e.args = append(e.args, strings.TrimSuffix(exe.CName(p.Type)+" "+p.Name, " "))
		}
	}
	return e
}

func (l *lister) usdtEntries(rest string) ([]entry, error) {
	paths, name, err := l.userBinaries(probe.USDT, rest)
	if err != nil {
		return nil, err
	}
	provider, event, ok := strings.Cut(name, ":")
	if !ok {
		provider, event = "*", name
	}
	var found []entry
	for _, p := range paths {
		file, err := l.Files.Open(p.path)
		if err != nil {
			continue
		}
		for _, u := range file.USDTs() {
			if probe.Match(provider, u.Provider) && probe.Match(event, u.Name) {
				found = append(found, entry{text: p.name + ":" + u.Provider + ":" + u.Name})
			}
		}
	}
	return found, nil
}

// definitions lists structs, unions and enums by name; verbose: whole, with where they are.
func (l *lister) definitions(tag, pattern string) {
	btfs, err := l.btfs("")
	if err != nil {
		l.trouble(probe.Fentry, err)
		return
	}
	kinds := map[string][]kern.TypeKind{"struct": {kern.KindStruct}, "union": {kern.KindUnion},
		"enum": {kern.KindEnum, kern.KindEnum64}}[tag]
	seen := map[string]bool{}
	var found []string
	for b := range btfs {
		b.Named(func(t kern.Type) bool {
			if !probe.Match(pattern, t.Name()) {
				return true
			}
			text := tag + " " + t.Name()
			if l.verbose {
				text = kern.Definition(t) + "\n"
			}
			if !seen[text] {
				seen[text] = true
				if l.verbose {
					text = b.Name + ": " + text
				}
				found = append(found, text)
			}
			return true
		}, kinds...)
	}
	slices.Sort(found)
	for _, s := range found {
		l.line(s)
	}
}
