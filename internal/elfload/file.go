package elfload

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// file is an object file as read.
type file struct {
	name    string // what maps of its data are named after
	spec    *ebpf.CollectionSpec
	types   *kern.BTF // nil: it has none
	progs   []string  // in the order of the file
	maps    []string  // in libbpf's order: those of .maps, then sections of data
	weak    map[string]bool
	typed   map[string]bool // ksym variables with a type
	structs []*structDef

	data    []byte // the copy that the library reads
	elf     *elf.File
	symbols []elf.Symbol
}

// readFile reads an object file. What the library doesn't take is kept aside, and changed
// in the copy that the library reads.
func readFile(path string) (*file, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if pe := (*os.PathError)(nil); errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, err
	}
	f := &file{name: objectName(path), data: data, weak: map[string]bool{}, typed: map[string]bool{}}
	if f.elf, err = elf.NewFile(bytes.NewReader(data)); err != nil {
		if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
			return nil, errors.New("it isn't an ELF file")
		}
		return nil, fmt.Errorf("its ELF headers are damaged: %w", err)
	}
	switch {
	case f.elf.Machine != elf.EM_BPF && f.elf.Machine != elf.EM_NONE:
		return nil, fmt.Errorf("it's an ELF file for %s, not for BPF: `clang -target bpf` makes those", strings.TrimPrefix(f.elf.Machine.String(), "EM_"))
	case f.elf.ByteOrder.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0}):
		return nil, fmt.Errorf("it's compiled for machines of the other byte order, %s", f.elf.ByteOrder)
	case f.elf.Class != elf.ELFCLASS64:
		return nil, errors.New("it isn't a 64-bit ELF file")
	}
	if f.symbols, err = f.elf.Symbols(); err != nil {
		return nil, fmt.Errorf("read symbols: %w", err)
	}
	if err := f.readTypes(); err != nil {
		return nil, err
	}
	f.bindSymbols()
	if f.spec, err = ebpf.LoadCollectionSpecFromReader(bytes.NewReader(f.data)); err != nil {
		return nil, err
	}
	f.order()
	return f, nil
}

// objectName is the file's name up to its first dot, as libbpf has it.
func objectName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// readTypes reads the file's BTF, and takes out of it what the library refuses.
func (f *file) readTypes() error {
	s := f.elf.Section(".BTF")
	if s == nil {
		return nil
	}
	if s.Offset+s.FileSize > uint64(len(f.data)) {
		return fmt.Errorf("read BTF: %w", kern.ErrBadBTF)
	}
	raw := f.data[s.Offset : s.Offset+s.FileSize]
	types, err := kern.ParseBTF(f.name, slices.Clone(raw), nil)
	if err != nil {
		return err
	}
	f.types = types
	// The same once more, over the copy that's changed.
	ours, err := kern.ParseBTF(f.name, raw, nil)
	if err != nil {
		return err
	}
	if ds, ok := ours.FindOwn(".ksyms", kern.KindDatasec); ok {
		f.untypeSymbols(ds)
	}
	if ds, ok := ours.FindOwn(kconfigSection, kern.KindDatasec); ok {
		if err := f.hideConfig(ds, raw); err != nil {
			return err
		}
	}
	return f.takeStructOps()
}

// bindSymbols makes weak maps global, which is all the same to a single file, and notes
// the weak ones among undefined symbols.
func (f *file) bindSymbols() {
	table := f.elf.SectionByType(elf.SHT_SYMTAB)
	maps := f.elf.Section(".maps")
	for i, s := range f.symbols {
		if elf.ST_BIND(s.Info) != elf.STB_WEAK {
			continue
		}
		if s.Section == elf.SHN_UNDEF {
			f.weak[s.Name] = true
		}
		if maps != nil && int(s.Section) < len(f.elf.Sections) && f.elf.Sections[s.Section] == maps {
			const info = 4 // st_info of struct elf64_sym
			f.data[int(table.Offset)+(i+1)*elf.Sym64Size+info] = elf.ST_INFO(elf.STB_GLOBAL, elf.ST_TYPE(s.Info))
		}
	}
}

// hideSection makes the library pass over a section: it becomes one without contents.
func (f *file) hideSection(i int) {
	headers, size := f.elf.ByteOrder.Uint64(f.data[40:]), f.elf.ByteOrder.Uint16(f.data[58:]) // e_shoff, e_shentsize
	const typ = 4                                                                             // sh_type of struct elf64_shdr
	f.elf.ByteOrder.PutUint32(f.data[headers+uint64(i)*uint64(size)+typ:], uint32(elf.SHT_NOBITS))
}

// order puts programs and maps in libbpf's order: programs by their place, maps of .maps as
// the file's types list them, then sections of data.
func (f *file) order() {
	funcs := slices.DeleteFunc(slices.Clone(f.symbols), func(s elf.Symbol) bool {
		p := f.spec.Programs[s.Name]
		return p == nil || int(s.Section) >= len(f.elf.Sections) || f.elf.Sections[s.Section].Name != p.SectionName
	})
	slices.SortStableFunc(funcs, func(a, b elf.Symbol) int {
		if a.Section != b.Section {
			return int(a.Section) - int(b.Section)
		}
		return int(a.Value) - int(b.Value)
	})
	for _, s := range funcs {
		f.progs = append(f.progs, s.Name)
	}
	seen := map[string]bool{}
	add := func(name string) {
		if f.spec.Maps[name] != nil && !seen[name] {
			seen[name] = true
			f.maps = append(f.maps, name)
		}
	}
	if f.types != nil {
		if ds, ok := f.types.FindOwn(".maps", kern.KindDatasec); ok {
			for _, v := range ds.Vars() {
				add(v.Var.Name())
			}
		}
	}
	for _, s := range f.symbols { // maps of files without types
		add(s.Name)
	}
	for _, s := range f.elf.Sections {
		add(s.Name)
	}
}
