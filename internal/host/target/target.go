// Package target answers the type checker's questions (types.Env) from a kernel's and
// its binaries' own descriptions: BTF, tracepoint formats, symbol tables, DWARF. A
// question costs when it's asked, and nothing before.
package target

import (
	"io/fs"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Env implements types.Env. One goroutine uses it.
type Env struct {
	kernel  *kern.Kernel
	files   *exe.Files
	root    fs.FS
	arch    string
	conv    converter
	modules []*kern.BTF // of the modules that were asked for
	named   map[string]lookup
	inMods  map[string]lookup            // of ModuleType, by the name and the module that comes first
	points  map[string]*types.StructType // tracepoints by category:name
	facts   *types.Facts
	err     error // the first machine trouble met
	cgroups *cgroupTree

	// CheckOnly: a symbol whose address the kernel hides counts as found, at a made-up address.
	CheckOnly bool
	// Progs are the loaded BPF programs; nil: none are known.
	Progs *kern.Progs
}

// lookup is a remembered answer of Type.
type lookup struct {
	t  *types.Type
	ok bool
}

var _ types.Env = (*Env)(nil)

// New makes an Env over a kernel's facts and a machine's binaries. root is the tree they are
// read from, arch the machine's GOARCH.
func New(kernel *kern.Kernel, files *exe.Files, root fs.FS, arch string) *Env {
	e := &Env{kernel: kernel, files: files, root: root, arch: arch,
		named: map[string]lookup{}, inMods: map[string]lookup{}, points: map[string]*types.StructType{}}
	e.conv.cache, e.conv.lookup = map[typeKey]*types.Type{}, e.AnyType
	return e
}

// Err is the first trouble that made an answer negative (a permission, a damaged
// file); nil when all the negative ones meant "there is none".
func (e *Env) Err() error { return e.err }

func (e *Env) trouble(err error) {
	if e.err == nil {
		e.err = err
	}
}

// btf is vmlinux's type information, or nil.
func (e *Env) btf() *kern.BTF {
	b, err := e.kernel.BTF()
	if err != nil {
		e.trouble(err)
		return nil
	}
	return b
}

// find looks in vmlinux, then in the modules that the script has named.
func (e *Env) find(look func(*kern.BTF) (kern.Type, bool)) (kern.Type, bool) {
	b := e.btf()
	if b == nil {
		return kern.Type{}, false
	}
	if t, ok := look(b); ok {
		return t, true
	}
	for _, m := range e.modules {
		if t, ok := look(m); ok {
			return t, true
		}
	}
	return kern.Type{}, false
}

// Type looks up "struct task_struct", "union …", "enum …", a typedef's name or an
// integer of C. Pointers in its fields point to the kernel, or to the user where
// the kernel's source says __user.
func (e *Env) Type(name string) (*types.Type, bool) {
	if l, ok := e.named[name]; ok {
		return l.t, l.ok
	}
	t, ok := e.lookupType(name)
	e.named[name] = lookup{t, ok}
	return t, ok
}

func (e *Env) lookupType(name string) (*types.Type, bool) {
	if t, ok := cInteger(name); ok {
		if name == "char" {
			t.Signed = e.signedChar()
		}
		return t, true
	}
	t, ok := e.find(func(b *kern.BTF) (kern.Type, bool) { return b.Lookup(name) })
	if !ok {
		return cTypedef(name)
	}
	return e.conv.convert(t), true
}

// ModuleType looks a type up in the loaded modules, which costs that each one's types are opened
// the first time: for names that nothing else knows.
func (e *Env) ModuleType(name, module, fn string) (*types.Type, bool) {
	first := e.modules
	if fn != "" {
		if t, ok := e.findFunc(module, fn); ok && t.BTF() != e.btf() {
			first = append([]*kern.BTF{t.BTF()}, first...)
		}
	}
	key := name
	if len(first) > 0 {
		key += "@" + first[0].Name
	}
	l, ok := e.inMods[key]
	if !ok {
		if t, found := e.kernel.LookupInModules(name, first...); found {
			l = lookup{e.conv.convert(t), true}
		}
		e.inMods[key] = l
	}
	return l.t, l.ok
}

// AnyType is Type, and then ModuleType without a function.
func (e *Env) AnyType(name string) (*types.Type, bool) {
	if t, ok := e.Type(name); ok {
		return t, true
	}
	return e.ModuleType(name, "", "")
}

// signedChar tells whether the kernel's char has a sign: since Linux 6.2 it has on no processor.
func (e *Env) signedChar() bool {
	const v6_2 = 6<<16 | 2<<8
	return e.arch == "amd64" && e.Facts().Kernel < v6_2
}

// Enumerator looks up an enumerator of the kernel.
func (e *Env) Enumerator(name string) (uint64, *types.Type, bool) {
	var v uint64
	t, ok := e.find(func(b *kern.BTF) (enum kern.Type, ok bool) {
		v, enum, ok = b.FindEnumerator(name)
		return enum, ok
	})
	if !ok {
		return 0, nil, false
	}
	return v, e.conv.convert(t), true
}

// Iter is the context of an iterator: the members of struct bpf_iter__NAME, with the
// unions taken off that the kernel pads its pointers with.
func (e *Env) Iter(name string) (*types.Type, bool) {
	t, ok := e.find(func(b *kern.BTF) (kern.Type, bool) { return b.Find("bpf_iter__"+name, kern.KindStruct) })
	if !ok {
		return nil, false
	}
	return e.conv.iterContext(t), true
}

// KernelSymbol is the address of a symbol, the first of several.
func (e *Env) KernelSymbol(name string) (uint64, bool) {
	found, err := e.kernel.FindSymbols(name)
	if err != nil {
		e.trouble(err)
	}
	switch {
	case len(found) > 0 && found[0].Addr == 0 && e.CheckOnly:
		return 1 << 63, true
	case len(found) == 0 || found[0].Addr == 0:
		return 0, false
	}
	return found[0].Addr, true
}

// UserSymbol is the address and size of a symbol in a binary.
func (e *Env) UserSymbol(path, name string) (addr, size uint64, ok bool) {
	f, err := e.files.Open(path)
	if err != nil {
		e.trouble(err)
		return 0, 0, false
	}
	s, ok := f.Symbol(name)
	return s.Addr, s.Size, ok
}

// Cgroup is the id of a cgroup2 directory.
func (e *Env) Cgroup(path string) (uint64, error) { return sys.CgroupID(path) }
