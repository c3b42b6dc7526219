package exe

import (
	"bytes"
	"debug/elf"
	"unsafe"
)

// Symbol is an entry of a symbol table.
type Symbol struct {
	Name string
	Addr uint64 // virtual address
	Size uint64
	Type elf.SymType
}

// Func reports whether it's a function: STT_FUNC or STT_GNU_IFUNC.
func (s Symbol) Func() bool { return s.Type == elf.STT_FUNC || s.Type == elf.STT_GNU_IFUNC }

// Symbols calls f with each defined symbol until it returns false: .symtab and .dynsym; of
// a stripped binary also those of the separate debug file, else of those that it carries
// compressed or in Go's table of functions. A symbol in two tables comes twice. Names
// share the file's memory.
func (f *File) Symbols(yield func(Symbol) bool) {
	if !f.ownSymbols(yield) || f.ELF.SectionByType(elf.SHT_SYMTAB) != nil {
		return
	}
	if d := f.debugFile(); d != nil && d.ELF.SectionByType(elf.SHT_SYMTAB) != nil {
		d.ownSymbols(yield)
	} else if m := f.miniDebug(); m != nil {
		m.ownSymbols(yield)
	} else {
		f.goFuncs(yield)
	}
}

func (f *File) ownSymbols(yield func(Symbol) bool) bool {
	for _, s := range f.ELF.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM || int(s.Link) >= len(f.ELF.Sections) {
			continue
		}
		table, names := f.section(s), f.section(f.ELF.Sections[s.Link])
		if !f.eachSymbol(table, names, yield) {
			return false
		}
	}
	return true
}

// eachSymbol decodes Elf64_Sym or Elf32_Sym records.
func (f *File) eachSymbol(table, names []byte, yield func(Symbol) bool) bool {
	size := elf.Sym64Size
	if f.ELF.Class == elf.ELFCLASS32 {
		size = elf.Sym32Size
	}
	order := f.ELF.ByteOrder
	for ; len(table) >= size; table = table[size:] {
		var s Symbol
		var info byte
		var section uint16
		if size == elf.Sym64Size {
			info, section = table[4], order.Uint16(table[6:])
			s.Addr, s.Size = order.Uint64(table[8:]), order.Uint64(table[16:])
		} else {
			s.Addr, s.Size = uint64(order.Uint32(table[4:])), uint64(order.Uint32(table[8:]))
			info, section = table[12], order.Uint16(table[14:])
		}
		if section == uint16(elf.SHN_UNDEF) {
			continue
		}
		s.Name, s.Type = cString(names, order.Uint32(table)), elf.SymType(info&0xf)
		if s.Name != "" && !yield(s) {
			return false
		}
	}
	return true
}

// cString is the string at off, in the table's own memory.
func cString(table []byte, off uint32) string {
	if uint64(off) >= uint64(len(table)) {
		return ""
	}
	b := table[off:]
	n := bytes.IndexByte(b, 0)
	if n <= 0 {
		return ""
	}
	return unsafe.String(&b[0], n)
}

// Symbol finds a symbol by its name, a function before others.
func (f *File) Symbol(name string) (Symbol, bool) {
	var found Symbol
	ok := false
	f.Symbols(func(s Symbol) bool {
		if s.Name == name && (!ok || s.Func()) {
			found, ok = s, true
		}
		return !ok || !found.Func()
	})
	return found, ok
}

// Funcs calls yield with each function, as Symbols does.
func (f *File) Funcs(yield func(Symbol) bool) {
	f.Symbols(func(s Symbol) bool { return !s.Func() || yield(s) })
}
