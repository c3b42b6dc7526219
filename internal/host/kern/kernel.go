// Package kern reads what a kernel tells about itself: types (BTF), tracepoint
// descriptions (tracefs), symbols, configuration, version, CPUs. It reads through an
// fs.FS rooted at /, so that tests read captured files, and reads nothing before it's
// asked for.
package kern

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Kernel is a kernel's facts. One goroutine uses it. Close gives mappings and
// mounts back; what came from its BTF is invalid then.
type Kernel struct {
	root     fs.FS
	types    string // the file of vmlinux's type information; "": the kernel shows it
	btf      *BTF
	btfErr   error
	modules  map[string]*BTF // by name; nil: it has none
	tracefs  *Tracefs
	traceErr error
	done     []func() error
}

// New makes the facts over root, the file system tree from /. Nothing is read yet.
func New(root fs.FS) *Kernel { return &Kernel{root: root} }

// TypesFrom has vmlinux's type information read from a file, for a kernel that has none itself.
// It's to be called before anything is asked for. path is as root takes it.
func (k *Kernel) TypesFrom(path string) { k.types = path }

// ErrNoBTF: the kernel was built without type information, or hides it.
var ErrNoBTF = errors.New("the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")

const btfDir = "sys/kernel/btf/"

// BTF is vmlinux's type information. The error wraps ErrNoBTF when there's none.
func (k *Kernel) BTF() (*BTF, error) {
	if k.btf == nil && k.btfErr == nil {
		k.btf, k.btfErr = k.openBTF("vmlinux", nil)
	}
	return k.btf, k.btfErr
}

func (k *Kernel) openBTF(name string, base *BTF) (*BTF, error) {
	path := btfDir + name
	if base == nil && k.types != "" {
		path = k.types
	}
	f, err := k.root.Open(path)
	if errors.Is(err, fs.ErrNotExist) && path != k.types {
		return nil, fmt.Errorf("open /%s: %w", path, ErrNoBTF)
	}
	if err != nil {
		return nil, fmt.Errorf("open BTF: %w", err)
	}
	defer f.Close()
	data, done, err := sys.MapFile(f)
	if err != nil {
		return nil, fmt.Errorf("read BTF of %s: %w", name, err)
	}
	k.done = append(k.done, done)
	return ParseBTF(name, data, base)
}

// ModuleBTF is the type information of a loaded module, over vmlinux's.
func (k *Kernel) ModuleBTF(name string) (*BTF, error) {
	if name == "" || name == "vmlinux" {
		return k.BTF()
	}
	if b := k.modules[name]; b != nil {
		return b, nil
	}
	base, err := k.BTF()
	if err != nil {
		return nil, err
	}
	b, err := k.openBTF(name, base)
	if err != nil {
		return nil, err
	}
	if k.modules == nil {
		k.modules = map[string]*BTF{}
	}
	k.modules[name] = b
	return b, nil
}

// BTFs are vmlinux's and the modules' type information, of the names that are wanted, each
// opened when it's reached. A module that went meanwhile is left out.
func (k *Kernel) BTFs(wanted func(name string) bool) (iter.Seq[*BTF], error) {
	vmlinux, err := k.BTF()
	if err != nil {
		return nil, err
	}
	return func(yield func(*BTF) bool) {
		if wanted(vmlinux.Name) && !yield(vmlinux) {
			return
		}
		for _, name := range k.BTFModules() {
			if !wanted(name) {
				continue
			}
			if b, err := k.ModuleBTF(name); err == nil && !yield(b) {
				return
			}
		}
	}, nil
}

// BTFModules are the names of the modules with type information, sorted.
func (k *Kernel) BTFModules() []string {
	entries, err := fs.ReadDir(k.root, "sys/kernel/btf")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "vmlinux" {
			names = append(names, e.Name())
		}
	}
	return names
}

// LookupInModules is Lookup among the types that loaded modules have besides vmlinux's, those
// of the modules called first before the others'. vmlinux's strings, which a type of a module
// may be called by, are searched once.
func (k *Kernel) LookupInModules(name string, first ...*BTF) (Type, bool) {
	base, err := k.BTF()
	name, kinds := tagged(name)
	if err != nil || name == "" {
		return Type{}, false
	}
	shared, set := base.stringOff(name), kindSet(kinds)
	look := func(b *BTF) (Type, bool) {
		if shared != noString {
			return b.findNamed(shared, set)
		}
		return b.findNamed(b.ownStringOff(name), set)
	}
	for _, b := range first {
		if t, ok := look(b); ok {
			return t, true
		}
	}
	for _, m := range k.BTFModules() {
		b, err := k.ModuleBTF(m)
		if err != nil {
			continue
		}
		if t, ok := look(b); ok {
			return t, true
		}
	}
	return Type{}, false
}

// Close gives everything back.
func (k *Kernel) Close() error {
	var errs []error
	for _, f := range k.done {
		errs = append(errs, f())
	}
	*k = Kernel{root: k.root, types: k.types}
	return errors.Join(errs...)
}
