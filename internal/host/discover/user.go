package discover

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/probe"
)

func (f *Finder) uprobes(p *probe.Point) ([]*probe.Point, error) {
	paths, err := f.binaries(p)
	if err != nil {
		return nil, err
	}
	var found []*probe.Point
	for _, bin := range paths {
		q := with(p, bin.name, p.Func)
		q.Path = bin.path
		more, err := f.inBinary(q)
		if err != nil && len(paths) == 1 {
			return nil, err
		}
		found = append(found, more...)
	}
	if len(found) == 0 {
		return nil, unmatched("nothing matches %s", p.Text)
	}
	return found, nil
}

// inBinary finds the places of a point in its binary, Path.
func (f *Finder) inBinary(p *probe.Point) ([]*probe.Point, error) {
	if p.HasAddr && p.Func == "" && f.Unsafe {
		p.FileOff = p.Addr
	}
	file, err := f.Files.Open(p.Path)
	if err != nil {
		if p.HasAddr && f.Unsafe {
			return []*probe.Point{p}, nil
		}
		return nil, err
	}
	switch {
	case p.File != "":
		return f.sourceLine(p, file)
	case p.HasAddr:
		off, ok := file.Offset(p.Addr)
		if !ok && !f.Unsafe {
			return nil, missing(diag.CodeUserPlace, "Could not resolve address: %s:%#x", p.Target, p.Addr).because("it isn't in the binary's code")
		}
		if ok {
			p.FileOff = off
		}
		if sym, ok := around(file, p.Addr); ok {
			if err := f.boundary(p, file, sym, p.Addr-sym.Addr); err != nil {
				return nil, err
			}
		}
		return []*probe.Point{p}, nil
	case p.Lang != "" || probe.HasWildcard(p.Func):
		return f.matchingSymbols(p, file)
	}
	sym, ok := file.Symbol(p.Func)
	if !ok {
		m := missing(diag.CodeNoUserSymbol, "No matches for %s %s:%s.", p.Kind, p.Target, p.Func)
		if near := probe.Nearest(p.Func, funcNames(file)); near != "" {
			m.near = p.Kind.String() + ":" + p.Target + ":" + near
		}
		return nil, m
	}
	if sym.Size == 0 && !f.Unsafe { // named, it has to be a function for sure, as bpftrace sees it
		return nil, sizeless(sym)
	}
	return f.place(p, file, sym)
}

// place fills in where symbol+offset is in the file.
func (f *Finder) place(p *probe.Point, file *exe.File, sym exe.Symbol) ([]*probe.Point, error) {
	if err := f.boundary(p, file, sym, p.Offset); err != nil {
		return nil, err
	}
	off, ok := file.Offset(sym.Addr + p.Offset)
	if !ok {
		return nil, missing(diag.CodeNoUserSymbol, "symbol %s of %s isn't code", p.Func, p.Target)
	}
	p.FileOff = off
	if err := goFunction(p, file, sym); err != nil {
		return nil, err
	}
	return []*probe.Point{p}, nil
}

func (f *Finder) matchingSymbols(p *probe.Point, file *exe.File) ([]*probe.Point, error) {
	var found []*probe.Point
	at := map[uint64]bool{}
	for _, sym := range matchingFuncs(file, p.Func, p.Lang) {
		if at[sym.Addr] {
			continue
		}
		q, err := f.place(with(p, p.Target, sym.Name), file, sym)
		if err == nil {
			found = append(found, q...)
			// Two names of one place would make it fire twice.
			at[sym.Addr] = p.Lang == ""
		}
	}
	if len(found) == 0 {
		return nil, unmatched("no function of %s matches %s", p.Target, p.Func)
	}
	return found, nil
}

// matchingFuncs are a binary's functions that match, by name, each once. With lang cpp the
// pattern may match the demangled name, whose parameters count only when the
// pattern has a parenthesis.
func matchingFuncs(file *exe.File, pattern, lang string) []exe.Symbol {
	var found []exe.Symbol
	file.Funcs(func(s exe.Symbol) bool {
		ok := probe.Match(pattern, s.Name)
		if !ok && lang != "" {
			plain, mangled := exe.Demangle(s.Name, strings.Contains(pattern, "("))
			ok = mangled && probe.Match(pattern, plain)
		}
		if ok && !strings.Contains(s.Name, ".part.") {
			found = append(found, s)
		}
		return true
	})
	slices.SortFunc(found, func(a, b exe.Symbol) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(found, func(a, b exe.Symbol) bool { return a.Name == b.Name })
}

func funcNames(file *exe.File) []string {
	var names []string
	for _, s := range matchingFuncs(file, "*", "") {
		names = append(names, s.Name)
	}
	return names
}

func (f *Finder) sourceLine(p *probe.Point, file *exe.File) ([]*probe.Point, error) {
	addr, ok, err := file.LineAddr(p.File, p.Line, p.Col)
	if errors.Is(err, exe.ErrNoDWARF) {
		return nil, missing(diag.CodeNoDebugInfo, "%s has no debug information: places in its source aren't known", p.Path)
	}
	if err != nil {
		return nil, err
	}
	off, mapped := file.Offset(addr)
	if !ok || !mapped {
		return nil, missing(diag.CodeNoSourceLine, "no statement begins at %s:%d in %s", p.File, p.Line, p.Path)
	}
	p.Addr, p.HasAddr, p.FileOff = addr, true, off
	p.Text = p.Canonical()
	return []*probe.Point{p}, nil
}

func (f *Finder) usdts(p *probe.Point) ([]*probe.Point, error) {
	paths, err := f.binaries(p)
	if err != nil {
		return nil, err
	}
	var found []*probe.Point
	var names []string
	for _, bin := range paths {
		file, err := f.Files.Open(bin.path)
		if f.CheckOnly && len(paths) == 1 && unreadable(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		for _, u := range file.USDTs() {
			names = append(names, u.Name)
			if !probe.Match(p.Func, u.Name) || p.NS != "" && !probe.Match(p.NS, u.Provider) {
				continue
			}
			q := with(p, bin.name, u.Name)
			q.NS, q.Path, q.FileOff, q.Semaphore, q.USDTArgs = u.Provider, bin.path, u.FileOff, u.Semaphore, u.Args
			rename(q, p)
			found = append(found, q)
		}
	}
	if len(found) == 0 {
		m := unmatched("no static event matches %s", p.Text)
		m.code = diag.CodeNoUSDT
		if near := probe.Nearest(p.Func, names); near != "" && len(paths) == 1 {
			m.near = "usdt:" + paths[0].name + ":" + near
		}
		return nil, m
	}
	return found, nil
}

// binaries resolves a user probe's target. With a process and no target it's the process's own
// binary; * is every binary that the process, or any process, runs.
func (f *Finder) binaries(p *probe.Point) ([]binary, error) {
	switch {
	case p.Target == "" && p.Kind == probe.USDT, p.Target == "*" && f.Pid != 0:
		paths, err := f.mapped(f.Pid)
		return byPath(paths), err
	case p.Target == "":
		exe, err := fs.ReadLink(f.Root, procPath(f.Pid, "exe"))
		if err != nil {
			return nil, fmt.Errorf("find the binary of process %d: %w", f.Pid, err)
		}
		return byPath([]string{f.mountRoot() + exe}), nil
	case p.Target == "*":
		paths, err := f.mappedByAll()
		return byPath(paths), err
	}
	if lib, ok := f.mappedLibrary(p.Target); ok {
		return byPath([]string{lib}), nil
	}
	target := p.Target
	if root := f.mountRoot(); root != "" && strings.HasPrefix(target, "/") {
		target = root + target
	}
	paths, err := f.Files.Find(target, f.SearchPath)
	switch {
	case errors.Is(err, exe.ErrNotFound):
		return nil, missing(diag.CodeNoBinary, "%s target file '%s' does not exist or is not executable", p.Kind, p.Target)
	case errors.Is(err, exe.ErrNotELF) && f.Unsafe && p.HasAddr:
		abs, err := filepath.Abs(target)
		return []binary{{target, abs}}, err
	case errors.Is(err, exe.ErrNotELF):
		return nil, missing(diag.CodeNoBinary, "%s isn't an ELF binary", p.Target).
			because("a script's interpreter can be probed instead; other files by address, with --unsafe")
	case f.CheckOnly && unreadable(err):
		return nil, err
	case err != nil:
		return nil, missing(diag.CodeNoBinary, "%s: %v", p.Target, err)
	case len(paths) == 0:
		return nil, missing(diag.CodeNoBinary, "no program or library matches %s", p.Target)
	}
	found := byPath(paths)
	for i := range found {
		found[i].name = writtenName(target, found[i].path)
	}
	return found, nil
}

func procPath(pid int, name string) string { return "proc/" + strconv.Itoa(pid) + "/" + name }

// mountRoot is the prefix of paths as the process sees them: "" when it's in our
// mount namespace, or there's none.
func (f *Finder) mountRoot() string {
	if f.Pid == 0 {
		return ""
	}
	own, err1 := fs.ReadLink(f.Root, "proc/self/ns/mnt")
	its, err2 := fs.ReadLink(f.Root, procPath(f.Pid, "ns/mnt"))
	if err1 != nil || err2 != nil || own == its {
		return ""
	}
	return "/" + procPath(f.Pid, "root")
}

// mappedLibrary is the library that the process itself has mapped under a short name
// (libc, libssl.so.3), which may be another one than the machine's.
func (f *Finder) mappedLibrary(name string) (string, bool) {
	if f.Pid == 0 || !strings.HasPrefix(name, "lib") || strings.ContainsAny(name, "/*") {
		return "", false
	}
	paths, err := f.mapped(f.Pid)
	if err != nil {
		return "", false
	}
	for _, path := range paths {
		base := filepath.Base(path)
		if rest, ok := strings.CutPrefix(base, name); ok && (rest == "" || strings.HasPrefix(rest, ".so") || strings.Contains(name, ".so") && rest[0] == '.') {
			return path, true
		}
	}
	return "", false
}

// mapped are the files whose code a process has mapped, sorted.
func (f *Finder) mapped(pid int) ([]string, error) {
	data, err := fs.ReadFile(f.Root, procPath(pid, "maps"))
	if err != nil {
		return nil, fmt.Errorf("read mappings of process %d: %w", pid, err)
	}
	root := ""
	if pid == f.Pid {
		root = f.mountRoot()
	}
	var paths []string
	for line := range bytes.Lines(data) {
		i := bytes.IndexByte(line, '/')
		fields := bytes.Fields(line)
		if i < 0 || len(fields) < 6 || !bytes.Contains(fields[1], []byte("x")) {
			continue
		}
		name := strings.TrimSuffix(string(line[i:]), "\n")
		if !strings.HasSuffix(name, " (deleted)") {
			paths = append(paths, root+name)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func (f *Finder) mappedByAll() ([]string, error) {
	entries, err := fs.ReadDir(f.Root, "proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []string
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// A process that's gone meanwhile, or isn't ours, has nothing to add.
		paths, _ := f.mapped(pid)
		all = append(all, paths...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
