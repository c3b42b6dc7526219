package elfload

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// structDef is a struct of kernel functions as the file defines it.
type structDef struct {
	name     string
	local    kern.Type         // the file's idea of the struct
	data     []byte            // its members' values
	progs    map[uint32]string // by the offset of the member that the program is for
	link     bool              // it's registered by a link
	optional bool              // it's defined only
}

// structOps is a struct of kernel functions, its map made.
type structOps struct {
	def   *structDef
	value []byte            // for the kernel: struct bpf_struct_ops_…
	funcs map[uint32]string // programs by the offsets in value at which their descriptors belong
}

// Registered is a struct that the kernel uses from now on.
type Registered struct {
	Map    *Map
	Struct string          // the kernel's: "tcp_congestion_ops"
	Link   *inspect.Object // that keeps it registered; nil: it stays until it's unregistered
}

// takeStructOps reads the sections of structs, and hides them from the library.
func (f *file) takeStructOps() error {
	for i, s := range f.elf.Sections {
		name, optional := strings.CutPrefix(s.Name, "?")
		if s.Type != elf.SHT_PROGBITS || name != ".struct_ops" && name != ".struct_ops.link" {
			continue
		}
		f.hideSection(i)
		data, err := s.Data()
		if err != nil {
			return fmt.Errorf("read section %s: %w", s.Name, err)
		}
		funcs, err := f.relocations(i)
		if err != nil {
			return fmt.Errorf("read relocations of section %s: %w", s.Name, err)
		}
		ds, ok := f.types.FindOwn(s.Name, kern.KindDatasec)
		if !ok {
			return fmt.Errorf("section %s: its types are missing", s.Name)
		}
		for _, v := range ds.Vars() {
			d := &structDef{name: v.Var.Name(), local: v.Var.Ref().Unqualified(), progs: map[uint32]string{},
				link: name == ".struct_ops.link", optional: optional}
			at, ok := f.variable(d.name, i)
			if !ok || d.local.Kind() != kern.KindStruct || at+uint64(d.local.Size()) > uint64(len(data)) {
				return fmt.Errorf("section %s: %s isn't a struct in it", s.Name, d.name)
			}
			d.data = data[at : at+uint64(d.local.Size())]
			for off, prog := range funcs {
				if off >= at && off < at+uint64(d.local.Size()) {
					d.progs[uint32(off-at)] = prog
				}
			}
			f.structs = append(f.structs, d)
		}
	}
	return nil
}

// variable is where a variable begins in a section.
func (f *file) variable(name string, section int) (uint64, bool) {
	for _, s := range f.symbols {
		if s.Name == name && int(s.Section) == section {
			return s.Value, true
		}
	}
	return 0, false
}

// relocations are the symbols that a section refers to, by offset.
func (f *file) relocations(section int) (map[uint64]string, error) {
	refs := map[uint64]string{}
	for _, s := range f.elf.Sections {
		if s.Type != elf.SHT_REL || int(s.Info) != section {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, err
		}
		for ; len(data) >= 16; data = data[16:] { // struct elf64_rel
			sym := int(elf.R_SYM64(f.elf.ByteOrder.Uint64(data[8:]))) - 1
			if sym < 0 || sym >= len(f.symbols) {
				return nil, fmt.Errorf("there is no symbol %d", sym)
			}
			refs[f.elf.ByteOrder.Uint64(data)] = f.symbols[sym].Name
		}
	}
	return refs, nil
}

// makeStructOps makes the maps of structs and types the programs that they're made of. Of
// names, those of programs, it returns the ones to load: not those that are in optional
// structs only.
func (l *loader) makeStructOps(names []string) ([]string, error) {
	used, wanted := map[string]bool{}, map[string]bool{}
	for _, d := range l.file.structs {
		for _, prog := range d.progs {
			used[prog] = true
		}
		if d.optional {
			continue
		}
		m, err := l.makeStruct(d)
		if err != nil {
			return nil, fmt.Errorf("struct %s: %w", d.name, err)
		}
		l.Maps = append(l.Maps, m)
		for _, prog := range m.ops.funcs {
			wanted[prog] = true
		}
	}
	var load []string
	for _, name := range names {
		switch spec := l.file.spec.Programs[name]; {
		case spec.Type != ebpf.StructOps || wanted[name]:
			load = append(load, name)
		case !used[name]:
			return nil, fmt.Errorf("program %s: no struct is made of it", name)
		}
	}
	return load, nil
}

// makeStruct makes a struct's map.
func (l *loader) makeStruct(d *structDef) (*Map, error) {
	name, _, _ := strings.Cut(d.local.Name(), "___") // a flavour of CO-RE
	value, err := l.findType(inspect.StructOpsPrefix+name, kern.KindStruct)
	if err != nil {
		return nil, fmt.Errorf("this kernel takes no %s from programs: %w", name, err)
	}
	ops := &structOps{def: d, value: make([]byte, value.Size()), funcs: map[uint32]string{}}
	var own kern.Member
	value.Members(func(m kern.Member) bool {
		own = m
		return m.Type.Unqualified().Name() != name
	})
	kernel := own.Type.Unqualified()
	if kernel.Name() != name {
		return nil, fmt.Errorf("this kernel's %s has no %s", value.Name(), name)
	}
	d.local.Members(func(m kern.Member) bool {
		err = l.copyMember(ops, m, kernel, own.Bit/8)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return l.createStruct(ops, value)
}

// copyMember takes a member of the file's struct over to the kernel's, which begins at base
// of the value. A member that the kernel hasn't got must be zero.
func (l *loader) copyMember(ops *structOps, m kern.Member, kernel kern.Type, base uint32) error {
	d := ops.def
	at, size := m.Bit/8, m.Type.Size()
	if uint64(at)+uint64(size) > uint64(len(d.data)) {
		return fmt.Errorf("member %s is beyond the struct: %w", m.Name, kern.ErrBadBTF)
	}
	data := d.data[at : at+size]
	zero := !slices.ContainsFunc(data, func(b byte) bool { return b != 0 })
	prog := d.progs[at]
	theirs, index := kern.Member{}, -1
	n := 0
	kernel.Members(func(k kern.Member) bool {
		if k.Name == m.Name {
			theirs, index = k, n
		}
		n++
		return index < 0
	})
	switch {
	case index < 0 && zero && prog == "":
		return nil
	case index < 0:
		return fmt.Errorf("this kernel's %s has no member %s, which the object sets", kernel.Name(), m.Name)
	case prog != "":
		spec := l.file.spec.Programs[prog]
		if spec == nil || spec.Type != ebpf.StructOps {
			return fmt.Errorf("member %s is %s, which isn't a program of type struct_ops", m.Name, prog)
		}
		if theirs.Type.Unqualified().Kind() != kern.KindPtr {
			return fmt.Errorf("member %s isn't a function in this kernel", m.Name)
		}
		to := kernel.Name() + ":" + m.Name
		if spec.AttachTo != "" && spec.AttachTo != to {
			return fmt.Errorf("program %s is for %s and for %s", prog, spec.AttachTo, to)
		}
		spec.AttachTo = to
		ops.funcs[base+theirs.Bit/8] = prog
		return nil
	case m.Bits != 0 || theirs.Bits != 0 || theirs.Type.Size() != size:
		if zero {
			return nil
		}
		return fmt.Errorf("member %s is of another size in this kernel", m.Name)
	}
	copy(ops.value[base+theirs.Bit/8:], data)
	return nil
}

// createStruct makes the map of a struct whose type for the kernel is value.
func (l *loader) createStruct(ops *structOps, value kern.Type) (*Map, error) {
	// The kernel wants types of the object's, though it looks at none.
	local, err := l.file.spec.Types.TypeByID(btf.TypeID(ops.def.local.ID))
	if err != nil {
		return nil, err
	}
	var b btf.Builder
	if _, err := b.Add(local); err != nil {
		return nil, err
	}
	types, err := btf.NewHandle(&b)
	if err != nil {
		return nil, fmt.Errorf("load types: %w", err)
	}
	l.closers = append(l.closers, types)
	a := &sys.MapCreateAttr{Type: uint32(ebpf.StructOpsMap), KeySize: 4, ValueSize: value.Size(), MaxEntries: 1,
		Name: sys.ObjName(ops.def.name), BTFFD: uint32(types.FD()), VmlinuxValue: uint32(value.ID)}
	if ops.def.link {
		a.Flags |= mapLink
	}
	module, err := l.moduleFD(value)
	if err != nil {
		return nil, err
	}
	if module != 0 {
		a.Flags |= mapModuleValue
		a.ValueBTF = int32(module)
	}
	fd, err := sys.MapCreate(a)
	if err != nil {
		return nil, explainMap(&ebpf.MapSpec{MaxEntries: 1}, err)
	}
	l.closers = append(l.closers, descriptor(fd))
	return &Map{Name: ops.def.name, fd: fd, ops: ops}, nil
}

// fillStructOps puts the programs into the structs.
func (l *loader) fillStructOps() error {
	for _, m := range l.Maps {
		if m.ops == nil {
			continue
		}
		for at, name := range m.ops.funcs {
			i := slices.IndexFunc(l.Programs, func(p *Program) bool { return p.Name == name })
			if i < 0 {
				return fmt.Errorf("struct %s: its program %s is optional, and isn't loaded", m.Name, name)
			}
			binary.NativeEndian.PutUint64(m.ops.value[at:], uint64(l.Programs[i].prog.FD()))
		}
	}
	return nil
}

// Register gives the kernel the structs of the object. What was registered before an error
// is returned with it; the caller closes links.
func (o *Object) Register() (done []Registered, err error) {
	for _, m := range o.Maps {
		if m.ops == nil {
			continue
		}
		r := Registered{Map: m}
		r.Struct, _, _ = strings.Cut(m.ops.def.local.Name(), "___")
		if err := sys.MapUpdate(m.fd, make([]byte, 4), m.ops.value); err != nil {
			return done, fmt.Errorf("register struct %s: %w", m.Name, explainRegister(err))
		}
		if m.ops.def.link {
			fd, err := sys.LinkStructOps(m.fd)
			if err != nil {
				return done, fmt.Errorf("register struct %s: %w", m.Name, explainRegister(err))
			}
			r.Link = &inspect.Object{Kind: inspect.KindLink, FD: fd}
		}
		done = append(done, r)
	}
	return done, nil
}

// explainRegister says why the kernel didn't take a struct.
func explainRegister(err error) error {
	switch {
	case errors.Is(err, sys.EEXIST):
		return fmt.Errorf("%w: one of this name is registered", err)
	case errors.Is(err, sys.EBUSY):
		return fmt.Errorf("%w: the kernel has one already, and takes no other", err)
	case errors.Is(err, sys.EINVAL):
		return fmt.Errorf("%w: the kernel doesn't take it: a function that it needs may be missing, or the name; see its log (dmesg)", err)
	}
	return err
}

// Unregister takes a struct out of the kernel again.
func (r Registered) Unregister() error {
	if r.Link != nil {
		return r.Link.Close()
	}
	return sys.MapDelete(r.Map.fd, make([]byte, 4))
}
