// Package inspect reads what BPF there is on a machine: programs, maps, links and type
// information in the kernel, who holds them, where they are pinned and attached.
//
// A Reader hands out data (Prog, Map, Link, BTF), not descriptors; an Object is a
// descriptor that the caller closes. What a kernel or a permission doesn't give is left
// out and told of in Missing; the rest is there.
package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sym"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Kind is a kind of BPF object that has ids.
type Kind = sys.Kind

// The kinds.
const (
	KindProg = sys.KindProg
	KindMap  = sys.KindMap
	KindBTF  = sys.KindBTF
	KindLink = sys.KindLink
)

// kindNames are the kinds in messages: one and many.
var kindNames = [...][2]string{
	KindProg: {"program", "programs"}, KindMap: {"map", "maps"}, KindBTF: {"BTF object", "BTF objects"},
	KindLink: {"link", "links"},
}

// Reader reads the machine's BPF objects. One goroutine uses it. It keeps types, symbols
// and the boot time once read; objects are read anew each time.
type Reader struct {
	kernel *kern.Kernel
	root   fs.FS
	boot   int64 // wall clock of boot, ns; 0: not read yet
	types  map[uint32]*kern.BTF
	syms   *sym.Symbolizer // of kernel addresses
	cpus   int
	mapIDs [someMaps]uint32 // room for a program's maps
	room   [1024]byte       // for fdinfo
	// fdinfos is /proc/self/fdinfo/, where descriptors of this process are told of.
	fdinfos string
	own     *ownObjects
	sibling bool
}

// ownObjects are the last programs and maps of iterators, which run or which the kernel may
// not have freed yet: lists leave them out. Readers of several goroutines share them.
type ownObjects struct {
	making sync.RWMutex // held for reading while one is made, so that no list has it unknown
	mu     sync.Mutex   // of what follows
	last   [16]objectID
	made   int
}

// New makes a Reader over a kernel's facts and the file system from /. Nothing is read yet.
// The kernel remains the caller's to close.
func New(k *kern.Kernel, root fs.FS) *Reader {
	return &Reader{kernel: k, root: root, fdinfos: "/proc/self/fdinfo/", own: new(ownObjects), types: map[uint32]*kern.BTF{}, syms: sym.New(sym.Config{Root: root})}
}

// ErrGone: there is no object with that id, name, tag or pin, or there is no more.
var ErrGone = errors.New("no such object")

// listError says that the ids of a kind can't be listed, apart from an object's own errors.
type listError struct {
	kind Kind
	err  error
}

func (e *listError) Error() string { return fmt.Sprintf("list %s: %v", kindNames[e.kind][1], e.err) }
func (e *listError) Unwrap() error { return e.err }

// IDs yields the ids of all objects of a kind in order. An error ends it.
func (r *Reader) IDs(k Kind) iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		for id := uint32(0); ; {
			next, err := sys.NextID(k, id)
			if errors.Is(err, sys.ENOENT) {
				return
			}
			if err != nil {
				yield(0, &listError{k, allowed(err)})
				return
			}
			id = next
			if r.own.has(k, id) {
				continue
			}
			if !yield(id, nil) {
				return
			}
		}
	}
}

// Sibling makes a Reader for another goroutine: each leaves out of its lists what the other
// makes for them. This process is no owner for it: while r reads objects, it holds them.
func (r *Reader) Sibling() *Reader {
	// What's there already can be read by both; an error is there too, for who needs it.
	_, _ = r.kernel.BTF()
	s := New(r.kernel, r.root)
	s.own, s.fdinfos, s.sibling = r.own, r.fdinfos, true
	return s
}

// hide leaves an object of skep's own out of lists.
func (o *ownObjects) hide(k Kind, id uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last[o.made%len(o.last)] = objectID{k, id}
	o.made++
}

// has reports whether an object that's there is skep's own.
func (o *ownObjects) has(k Kind, id uint32) bool {
	o.making.Lock()
	defer o.making.Unlock()
	return id != 0 && slices.Contains(o.last[:], objectID{k, id})
}

// allowed says what a refused call would need.
func allowed(err error) error {
	if errors.Is(err, sys.EPERM) {
		return fmt.Errorf("%w (it takes root, or CAP_SYS_ADMIN)", err)
	}
	return err
}

// open opens an object by id for reading. The error wraps ErrGone when there's none.
func open(k Kind, id uint32) (int, error) {
	var fd int
	var err error
	if k == KindMap {
		fd, err = sys.MapByID(id, false)
	} else {
		fd, err = sys.ByID(k, id)
	}
	if errors.Is(err, sys.ENOENT) {
		return -1, fmt.Errorf("open %s %d: %w", kindNames[k][0], id, ErrGone)
	}
	if err != nil {
		return -1, fmt.Errorf("open %s %d: %w", kindNames[k][0], id, allowed(err))
	}
	return fd, nil
}

// each yields what read makes of each object of a kind. An object that goes away meanwhile
// is left out.
func each[T any](r *Reader, k Kind, read func(fd int) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for id, err := range r.IDs(k) {
			if err != nil {
				yield(none, err)
				return
			}
			t, err := byID(k, id, read)
			if errors.Is(err, ErrGone) {
				continue
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// byID reads the object with an id.
func byID[T any](k Kind, id uint32, read func(fd int) (T, error)) (t T, err error) {
	fd, err := open(k, id)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, sys.Close(fd)) }()
	return read(fd)
}

// fdInfo is what fdinfo tells of a descriptor: lines "key:\tvalue".
type fdInfo []byte

// field is the value of a key; "" when there's none.
func (f fdInfo) field(key string) string {
	for line := range bytes.Lines(f) {
		if k, v, ok := bytes.Cut(line, []byte(":")); ok && string(k) == key {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}

// fdinfo is what is told of a descriptor of this process. It's good until the next.
func (r *Reader) fdinfo(fd int) (fdInfo, error) {
	data, err := sys.ReadFile(r.fdinfos+strconv.Itoa(fd), r.room[:])
	if err != nil {
		return nil, fmt.Errorf("read fdinfo: %w", err)
	}
	return data, nil
}

// someTypes is how much type information is kept.
const someTypes = 64

// Types is the type information of a BTF object; vmlinux is its base when it's a module's.
func (r *Reader) Types(id uint32) (*kern.BTF, error) {
	if b := r.types[id]; b != nil {
		return b, nil
	}
	data, err := sys.BTFData(id)
	if errors.Is(err, sys.ENOENT) {
		return nil, fmt.Errorf("read BTF %d: %w", id, ErrGone)
	}
	if err != nil {
		return nil, fmt.Errorf("read BTF %d: %w", id, allowed(err))
	}
	info, err := r.BTF(id)
	if err != nil {
		return nil, err
	}
	var base *kern.BTF
	if info.Kernel && info.Name != "vmlinux" {
		if base, err = r.kernel.BTF(); err != nil {
			return nil, err
		}
	}
	b, err := kern.ParseBTF(info.Title(), data, base)
	if err != nil {
		return nil, err
	}
	if len(r.types) >= someTypes { // programs come and go while a watch or an exporter runs
		clear(r.types)
	}
	r.types[id] = b
	return b, nil
}

// Kernel is the kernel's facts that the reader was made with.
func (r *Reader) Kernel() *kern.Kernel { return r.kernel }

// Vmlinux is the kernel's own type information.
func (r *Reader) Vmlinux() (*kern.BTF, error) { return r.kernel.BTF() }

// CPUs is the number of possible CPUs: the values that a per-CPU map's element has.
func (r *Reader) CPUs() (int, error) {
	if r.cpus == 0 {
		c, err := r.kernel.PossibleCPUs()
		if err != nil {
			return 0, err
		}
		r.cpus = len(c)
	}
	return r.cpus, nil
}

// cString is the text before the first NUL.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// Symbol is the kernel function at an address.
func (r *Reader) Symbol(addr uint64) (sym.Symbol, bool) {
	s, ok := r.syms.Kernel(addr)
	return s, ok && addr != 0
}
