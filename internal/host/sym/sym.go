// Package sym names addresses: kernel addresses by /proc/kallsyms, those of processes by
// the symbol tables of what they have mapped. Everything is read when first asked for:
// the kernel's table once, a process's mappings once, a file's symbols once for all
// processes that map it.
package sym

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ianlancetaylor/demangle"

	"github.com/skep-bpf/skep/internal/host/exe"
)

// Symbol is the name for an address.
type Symbol struct {
	Name   string
	Offset uint64 // bytes from the symbol's start
	Module string // path of the binary, "[vdso]"; of kernel symbols the module, "" for vmlinux
}

// Config says where to read and how to name.
type Config struct {
	Root     fs.FS // the file system tree from /; nil: the running machine's
	Demangle bool  // C++ and Rust names
	// Source: frames of stacks have file and line, and the functions that were inlined
	// there have frames of their own (show_debug_info).
	Source bool
	// Reread: a process's mappings are read anew for each address (cache_user_symbols
	// NONE).
	Reread bool
}

// Symbolizer names addresses. One goroutine uses it. What it was asked about a process
// it still answers when the process is gone.
type Symbolizer struct {
	cfg    Config
	kernel *kernelTable // nil: not read yet
	procs  map[uint32]*process
	files  *exe.Files
	// unwound are the files that Unwind has read.
	unwound map[fileID]*unwound
	tables  tables
	names   map[string]string // demangled
	groups  cgroups
	users   map[uint32]string // nil: not read yet
	follow  follower
}

// maxNames bounds the demangled names that are kept.
const maxNames = 1 << 16

// New returns a Symbolizer that has read nothing yet.
func New(cfg Config) *Symbolizer {
	if cfg.Root == nil {
		cfg.Root = os.DirFS("/")
	}
	return &Symbolizer{
		cfg: cfg, procs: map[uint32]*process{}, files: exe.NewFiles(cfg.Root),
		tables: newTables(), names: map[string]string{},
	}
}

// Close gives mapped files back; names that were returned stay valid.
func (s *Symbolizer) Close() error {
	s.tables, s.procs = newTables(), map[uint32]*process{}
	err := errors.Join(s.files.Close(), s.follow.close())
	if s.groups.watch != nil {
		err = errors.Join(err, s.groups.watch.Close())
		s.groups.watch = nil
	}
	return err
}

// Kernel names a kernel address; false when it's below all symbols, or when the kernel
// hides its addresses from this user.
func (s *Symbolizer) Kernel(addr uint64) (Symbol, bool) { return s.kernelTable().find(addr) }

// KernelAddr is the address of the kernel's first function with a name.
func (s *Symbolizer) KernelAddr(name string) (uint64, bool) { return s.kernelTable().addr(name) }

func (s *Symbolizer) kernelTable() *kernelTable {
	if s.kernel == nil {
		s.kernel = &kernelTable{}
		if f, err := s.cfg.Root.Open("proc/kallsyms"); err == nil {
			s.kernel = readKallsyms(f)
			f.Close()
		}
	}
	return s.kernel
}

// User names an address of a process, whose id is that of the first pid namespace.
// Without a symbol Module alone is set when a file is mapped there.
func (s *Symbolizer) User(pid uint32, addr uint64) (Symbol, bool) {
	sym, _, ok := s.user(pid, addr)
	return sym, ok
}

// place is an address in a binary, as the binary's own headers have it.
type place struct {
	file *exe.File // nil: it's in none
	addr uint64
}

func (s *Symbolizer) user(pid uint32, addr uint64) (sym Symbol, at place, ok bool) {
	p := s.process(pid)
	m := s.mapping(pid, p, addr)
	switch {
	case m == nil:
		return Symbol{}, at, false
	case m.path == vdsoName:
		sym, ok = s.tableOf(pid, m).find(addr-m.start, vdsoName, s.demangle)
		return sym, at, ok
	case m.generated():
		sym, ok = s.generated(pid, p, addr)
		return sym, at, ok
	}
	t := s.tableOf(pid, m)
	at = place{t.file, t.vaddr(addr - m.start + m.off)}
	sym, ok = t.find(at.addr, m.path, s.demangle)
	return sym, at, ok
}

// Preload reads a process's mappings and symbols now, before it ends.
func (s *Symbolizer) Preload(pid uint32) {
	p := s.process(pid)
	s.readMaps(pid, p)
	for i := range p.maps {
		if p.maps[i].ino != 0 || p.maps[i].path == vdsoName {
			s.tableOf(pid, &p.maps[i])
		}
	}
}

// demangle is a C++ or Rust name as its source has it; others stay as they are.
func (s *Symbolizer) demangle(name string) string {
	if !s.cfg.Demangle || len(name) < 3 || name[0] != '_' {
		return name
	}
	if d, ok := s.names[name]; ok {
		return d
	}
	d, err := demangle.ToString(name)
	if errors.Is(err, demangle.ErrNotMangledName) || err != nil {
		d = name
	}
	if len(s.names) >= maxNames {
		clear(s.names)
	}
	s.names[name] = d
	return d
}
