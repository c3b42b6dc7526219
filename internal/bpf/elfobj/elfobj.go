// Package elfobj is BPF's relocatable ELF object, what `clang -target bpf` writes and loaders
// read: sections with their relocations, symbols, types (.BTF), and what .BTF.ext tells of
// instructions. It reads and writes bytes and does no I/O.
package elfobj

import (
	"debug/elf"
	"errors"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// ErrMalformed: the data isn't a BPF object as this package knows it.
var ErrMalformed = errors.New("malformed BPF object")

// Object is a BPF object.
type Object struct {
	Order    btf.Order
	Sections []*Section // code and data, in the file's order; not the tables that ELF needs itself
	Symbols  []*Symbol
	Types    *btf.Types // nil: it has none
}

// Section is code or data with what's known of it.
type Section struct {
	Name    string
	Type    elf.SectionType // SHT_PROGBITS or SHT_NOBITS
	Flags   elf.SectionFlag
	Align   uint64 // a power of two
	EntSize uint64
	Size    uint64 // len(Data), except of SHT_NOBITS, which has none
	Data    []byte
	Relocs  []Reloc

	// What .BTF.ext tells of the section's instructions.
	Funcs []FuncInfo
	Lines []LineInfo
	CORE  []CoreReloc
}

// Code reports whether the section holds instructions.
func (s *Section) Code() bool { return s.Flags&elf.SHF_EXECINSTR != 0 }

// Symbol is an entry of the symbol table.
type Symbol struct {
	Name        string
	Bind        elf.SymBind
	Type        elf.SymType
	Visibility  elf.SymVis
	Section     *Section         // nil: undefined, or Special
	Special     elf.SectionIndex // SHN_ABS and the like, 0 for none
	Value, Size uint64
}

// Undefined reports whether another object has to define the symbol.
func (s *Symbol) Undefined() bool { return s.Section == nil && s.Special == elf.SHN_UNDEF }

// Reloc is a relocation. What's to be added to the symbol is in the relocated place.
type Reloc struct {
	Offset uint64
	Type   RelocType
	Symbol *Symbol
}

// RelocType is a R_BPF_… (llvm/BinaryFormat/ELFRelocs/BPF.def).
type RelocType uint32

// The types of relocations.
const (
	R_BPF_64_64       RelocType = 1  // the immediate of a 64-bit load, in two slots
	R_BPF_64_ABS64    RelocType = 2  // 64 bits of data
	R_BPF_64_ABS32    RelocType = 3  // 32 bits of data
	R_BPF_64_NODYLD32 RelocType = 4  // 32 bits of data that a loader leaves alone
	R_BPF_64_32       RelocType = 10 // the immediate of a call
)

// FuncInfo is the function that begins at an instruction (struct bpf_func_info).
type FuncInfo struct {
	Offset uint32 // in bytes from the section's start
	Type   btf.ID
}

// LineInfo is the source of an instruction (struct bpf_line_info).
type LineInfo struct {
	Offset     uint32 // in bytes from the section's start
	File, Line btf.Name
	Col        uint32 // line number << 10 | column
}

// CoreReloc is what of an instruction depends on the kernel's types (struct bpf_core_relo).
type CoreReloc struct {
	Offset uint32 // in bytes from the section's start
	Type   btf.ID
	Access btf.Name // "0:1:2"
	Kind   uint32   // BPF_CORE_…
}
