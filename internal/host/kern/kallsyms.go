package kern

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Symbol is a line of /proc/kallsyms.
type Symbol struct {
	Addr   uint64 // 0 when the kernel hides addresses (kptr_restrict)
	Type   byte   // as nm: t and T are code
	Name   string
	Module string // "" for vmlinux
}

// IsFunc reports whether the symbol is code.
func (s Symbol) IsFunc() bool { return s.Type|0x20 == 't' || s.Type|0x20 == 'w' }

// Symbols calls f with each symbol of the kernel in the file's order until it
// returns false.
func (k *Kernel) Symbols(f func(Symbol) bool) error {
	return k.scanSymbols(nil, f)
}

// FindSymbols returns the symbols with a name: several when it's that of static
// functions of several files.
func (k *Kernel) FindSymbols(name string) ([]Symbol, error) {
	var found []Symbol
	err := k.scanSymbols([]byte(name), func(s Symbol) bool {
		found = append(found, Symbol{s.Addr, s.Type, s.Name, s.Module})
		return true
	})
	return found, err
}

// scanSymbols is Symbols for the lines whose name is want; nil: all.
func (k *Kernel) scanSymbols(want []byte, f func(Symbol) bool) error {
	file, err := k.root.Open("proc/kallsyms")
	if err != nil {
		return fmt.Errorf("open kernel symbols: %w", err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	sc.Buffer(make([]byte, 64<<10), 64<<10)
	for sc.Scan() {
		line := sc.Bytes()
		if want != nil && !bytes.Contains(line, want) {
			continue
		}
		s, ok := parseSymbol(line)
		if !ok || want != nil && s.Name != string(want) {
			continue
		}
		if !f(s) {
			return nil
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("read kernel symbols: %w", err)
	}
	return nil
}

// parseSymbol reads "ffffffff81000000 T name\t[module]".
func parseSymbol(line []byte) (s Symbol, ok bool) {
	addr, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(rest) < 3 || rest[1] != ' ' {
		return s, false
	}
	v, err := strconv.ParseUint(string(addr), 16, 64)
	if err != nil {
		return s, false
	}
	name, module, _ := bytes.Cut(rest[2:], []byte("\t"))
	return Symbol{v, rest[0], string(name), string(bytes.Trim(module, "[] "))}, true
}

// TraceableFuncs calls f with each function that ftrace can trace, and its module
// ("" for vmlinux), until it returns false: tracefs's available_filter_functions.
// The error wraps fs.ErrNotExist when the kernel was built without it.
func (k *Kernel) TraceableFuncs(f func(name, module string) bool) error {
	t, err := k.Tracefs()
	if err != nil {
		return err
	}
	file, err := t.Open("available_filter_functions")
	if err != nil {
		return fmt.Errorf("list traceable functions: %w", err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	for sc.Scan() {
		name, module, _ := bytes.Cut(sc.Bytes(), []byte(" "))
		if !f(string(name), string(bytes.Trim(module, "[] "))) {
			return nil
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("list traceable functions: %w", err)
	}
	return nil
}

// Modules are the names of the loaded modules, in /proc/modules's order; none where the kernel
// takes no modules, and has no such file.
func (k *Kernel) Modules() ([]string, error) {
	b, err := fs.ReadFile(k.root, "proc/modules")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	var names []string
	for line := range bytes.Lines(b) {
		name, _, ok := bytes.Cut(line, []byte(" "))
		if ok {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// InstalledModules are the names of the modules that the kernel's folder has, loaded or not, as
// /proc/modules spells them; none without such a folder.
func (k *Kernel) InstalledModules() []string {
	release, err := k.Release()
	if err != nil {
		return nil
	}
	b, err := fs.ReadFile(k.root, "lib/modules/"+release+"/modules.dep")
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		// kernel/arch/x86/kvm/kvm-intel.ko.xz: kernel/…
		file, _, _ := strings.Cut(line, ":")
		name, _, _ := strings.Cut(path.Base(file), ".")
		names = append(names, strings.ReplaceAll(name, "-", "_"))
	}
	return names
}

// KprobeBlacklist are the functions that kprobes refuse; none where debugfs isn't
// mounted or readable.
func (k *Kernel) KprobeBlacklist() map[string]bool {
	b, err := fs.ReadFile(k.root, "sys/kernel/debug/kprobes/blacklist")
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for line := range bytes.Lines(b) {
		// 0xffffffff81000000-0xffffffff81000010\tname
		if _, name, ok := bytes.Cut(bytes.TrimSpace(line), []byte("\t")); ok {
			names[string(name)] = true
		}
	}
	return names
}
