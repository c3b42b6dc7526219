// Package elfload loads BPF object files, as clang makes them with -target bpf, and pins and
// attaches what is in them, with libbpf's meaning of sections and externs.
//
// Reading and relocating is cilium/ebpf's work. What libbpf takes and that library doesn't is
// done here: it's read from the file (file.go), taken out of the copy that the library gets,
// and put into the loaded object by hand: externs (extern.go), structs of kernel functions
// (structops.go), names, order and re-use of maps (maps.go), types of programs (section.go).
package elfload

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// Options say how an object is loaded.
type Options struct {
	Type      *Type         // of all programs; nil: as their sections say
	Replace   []Replacement // maps that are there already
	Offload   uint32        // interface that runs programs and keeps maps; 0: the kernel does
	MetaDev   uint32        // interface whose metadata XDP programs read; 0: none
	KernelBTF string        // file with the types that CO-RE relocations go by; "": the kernel's
	Log       io.Writer     // for the verifier's log of each program; nil: not wanted
}

// Replacement is a map to use in place of one of the object's, which is told by its name, or
// by its number in the file when Name is "". The caller closes FD after the load.
type Replacement struct {
	Name  string
	Index int
	FD    int
}

func (r Replacement) String() string {
	if r.Name != "" {
		return strconv.Quote(r.Name)
	}
	return "number " + strconv.Itoa(r.Index)
}

// Object is a loaded object file. Close closes its descriptors: what isn't pinned or
// attached ends.
type Object struct {
	Programs []*Program // in the order of the file
	Maps     []*Map
	kernel   *kern.Kernel
	closers  []io.Closer
}

// Program is a loaded program.
type Program struct {
	Name    string
	section section
	target  string
	prog    *ebpf.Program
}

// Object is the program for those who pin it; it stays this package's to close.
func (p *Program) Object() *inspect.Object {
	return &inspect.Object{Kind: inspect.KindProg, FD: p.prog.FD()}
}

// loader is a load in the making.
type loader struct {
	*Object
	file  *file
	opts  Options
	cache *btf.Cache
	maps  map[string]*ebpf.Map // by their keys in the library's spec
}

// Load reads an object file and loads its maps and programs. Nothing is pinned or attached.
// The kernel's facts come from k.
func Load(k *kern.Kernel, path string, opts Options) (_ *Object, err error) {
	f, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	l := &loader{Object: &Object{kernel: k}, file: f, opts: opts, cache: btf.NewCache(), maps: map[string]*ebpf.Map{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	version, err := k.Version()
	if err != nil {
		return nil, err
	}
	if version < kern.MakeVersion(5, 11, 0) { // it counts BPF as locked memory
		if err := sys.LiftMemlock(); err != nil {
			return nil, err
		}
	}
	names, err := l.choose()
	if err != nil {
		return nil, err
	}
	if err := l.resolveExterns(); err != nil {
		return nil, err
	}
	if err := l.makeMaps(); err != nil {
		return nil, err
	}
	if names, err = l.makeStructOps(names); err != nil {
		return nil, err
	}
	if err := l.loadPrograms(names); err != nil {
		return nil, err
	}
	if err := l.fillStructOps(); err != nil {
		return nil, err
	}
	return l.Object, nil
}

// Close closes what the object holds.
func (o *Object) Close() error {
	var errs []error
	for _, c := range slices.Backward(o.closers) {
		errs = append(errs, c.Close())
	}
	o.closers = nil
	return errors.Join(errs...)
}

// choose types the programs and returns the names of those to load: all but the optional
// ones, whose section begins with "?".
func (l *loader) choose() (names []string, err error) {
	for _, name := range l.file.progs {
		spec := l.file.spec.Programs[name]
		secName, optional := strings.CutPrefix(spec.SectionName, "?")
		s, target, ok := sectionOf(secName)
		if l.opts.Type != nil {
			flags := s.flags
			s = l.opts.Type.section
			s.flags |= flags
		} else if !ok {
			return nil, fmt.Errorf("program %s: the section %q is of no program type; the word `type` tells one", name, secName)
		}
		spec.Type, spec.AttachType, spec.Flags, spec.AttachTo = s.prog, s.attach, s.flags, ""
		if s.byBTF() {
			spec.AttachTo = target[strings.IndexByte(target, ':')+1:] // "module:function"
		}
		if spec.Ifindex = l.opts.Offload; s.prog == ebpf.XDP && l.opts.MetaDev != 0 {
			spec.Ifindex = l.opts.MetaDev
			spec.Flags |= flagDevBoundOnly
		}
		l.Programs = append(l.Programs, &Program{Name: name, section: s, target: target})
		if !optional {
			names = append(names, name)
		}
	}
	return names, nil
}

// byBTF reports whether the kernel is told the target when the program is loaded.
func (s section) byBTF() bool {
	switch s.prog {
	case ebpf.Tracing, ebpf.LSM, ebpf.Extension:
		return !strings.Contains(s.name, ".multi")
	}
	return false
}

// loadPrograms loads programs in their order, and fills maps that hold programs or maps.
func (l *loader) loadPrograms(names []string) error {
	opts := ebpf.CollectionOptions{MapReplacements: l.maps, Cache: l.cache}
	if l.opts.Log != nil {
		opts.Programs.LogLevel = ebpf.LogLevelBranch | ebpf.LogLevelInstruction | ebpf.LogLevelStats
	}
	if l.opts.KernelBTF != "" {
		types, err := btf.LoadSpec(l.opts.KernelBTF)
		if err != nil {
			return fmt.Errorf("read types of %s: %w", l.opts.KernelBTF, err)
		}
		opts.Programs.KernelTypes = types
	}
	// The library takes what is to be loaded, in order, as a struct's fields.
	var fields []reflect.StructField
	add := func(name string, t reflect.Type) {
		fields = append(fields, reflect.StructField{Name: "F" + strconv.Itoa(len(fields)), Type: t,
			Tag: reflect.StructTag("ebpf:" + strconv.Quote(name))})
	}
	for _, name := range names {
		add(name, reflect.TypeFor[*ebpf.Program]())
	}
	for _, m := range l.Maps {
		if l.file.spec.Maps[m.key] != nil {
			add(m.key, reflect.TypeFor[*ebpf.Map]())
		}
	}
	to := reflect.New(reflect.StructOf(fields))
	err := l.file.spec.LoadAndAssign(to.Interface(), &opts)
	if err != nil {
		for i, name := range names {
			if to.Elem().Field(i).IsNil() {
				return l.refused(name, err)
			}
		}
		return fmt.Errorf("fill maps: %w", plain(err))
	}
	for i := range fields {
		l.closers = append(l.closers, to.Elem().Field(i).Interface().(io.Closer))
	}
	l.Programs = slices.DeleteFunc(l.Programs, func(p *Program) bool {
		i := slices.Index(names, p.Name)
		if i >= 0 {
			p.prog = to.Elem().Field(i).Interface().(*ebpf.Program)
		}
		return i < 0
	})
	return l.writeLogs()
}

func (l *loader) writeLogs() error {
	if l.opts.Log == nil {
		return nil
	}
	for _, p := range l.Programs {
		if _, err := fmt.Fprintf(l.opts.Log, "program %s:\n%s\n", p.Name, strings.TrimSpace(p.prog.VerifierLog)); err != nil {
			return err
		}
	}
	return nil
}
