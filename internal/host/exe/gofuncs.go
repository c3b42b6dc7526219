package exe

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"strings"
)

// Go reports whether the binary was made by the Go toolchain.
func (f *File) Go() bool {
	return f.ELF.Section(".note.go.buildid") != nil || f.goTable() != nil
}

func (f *File) goTable() *elf.Section {
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if s := f.ELF.Section(name); s != nil {
			return s
		}
	}
	return nil
}

// goEntry is the function that a Go program without C code starts with.
var goEntry = map[elf.Machine]string{elf.EM_X86_64: "_rt0_amd64_linux", elf.EM_AARCH64: "_rt0_arm64_linux"}

// goFuncs yields the functions of Go's own table, which stripping leaves in place. A
// table whose addresses can't be made sure of gives nothing.
func (f *File) goFuncs(yield func(Symbol) bool) {
	data, text := f.section(f.goTable()), f.ELF.Section(".text")
	if data == nil || text == nil {
		return
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, goText(data, f.ELF.ByteOrder, text.Addr)))
	if err != nil {
		return
	}
	if entry := table.LookupFunc(goEntry[f.ELF.Machine]); entry == nil || entry.Entry != f.ELF.Entry {
		return // C code comes first: where Go's begins isn't known
	}
	for _, fn := range table.Funcs {
		if !yield(Symbol{Name: fn.Name, Addr: fn.Entry, Size: fn.End - fn.Entry, Type: elf.STT_FUNC}) {
			return
		}
	}
}

// goText is where Go's code starts: by the table's header (runtime.pcHeader) up to Go
// 1.25, else with the section.
func goText(table []byte, order binary.ByteOrder, section uint64) uint64 {
	const textStart, ptrSize = 24, 7
	if len(table) >= textStart+8 && table[ptrSize] == 8 {
		if addr := order.Uint64(table[textStart:]); addr > section {
			return addr
		}
	}
	return section
}

// GoFunc reports whether a function is of Go and takes its arguments in registers
// (cmd/compile/abi-internal.md): Go's names begin with a package and a dot, those of
// functions with Go's former convention end in .abi0.
func (f *File) GoFunc(name string) bool {
	return strings.Contains(name, ".") && !strings.HasPrefix(name, "_Z") && !strings.HasSuffix(name, ".abi0") && f.Go()
}
