package elfobj

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// Sizes of ELF's structures, and the order of sections: first those that the others refer to.
const (
	ehdrLen     = 64
	shdrLen     = 64
	symLen      = 24
	strtabIndex = 1
	symtabIndex = 2
	firstIndex  = 3
)

// Encode puts the object together as a file. The same object gives the same bytes.
func (o *Object) Encode() []byte {
	w := &writer{o: o, strs: map[string]uint32{"": 0}, strtab: []byte{0}, index: map[*Section]int{}, sym: map[*Symbol]uint64{}}
	for i, s := range o.Sections {
		w.index[s] = firstIndex + i
	}
	symtab, locals := w.symbols()
	// Room for .strtab, which has its content last.
	w.headers = append(w.headers, elf.Section64{}, elf.Section64{})
	w.out.Write(make([]byte, ehdrLen))
	w.section(".symtab", elf.Section64{Type: uint32(elf.SHT_SYMTAB), Link: strtabIndex, Info: locals, Addralign: 8, Entsize: symLen}, symtab)
	for _, s := range o.Sections {
		w.section(s.Name, elf.Section64{Type: uint32(s.Type), Flags: uint64(s.Flags), Addralign: s.Align, Entsize: s.EntSize, Size: s.Size}, s.Data)
	}
	for _, s := range o.Sections {
		if len(s.Relocs) > 0 {
			w.section(".rel"+s.Name, elf.Section64{Type: uint32(elf.SHT_REL), Flags: uint64(elf.SHF_INFO_LINK), Link: symtabIndex, Info: uint32(w.index[s]), Addralign: 8, Entsize: relLen}, w.relocs(s))
		}
	}
	w.types()
	w.name(".strtab")
	w.strtabHeader()
	return w.finish()
}

// writer is the writing of one object.
type writer struct {
	o       *Object
	out     bytes.Buffer
	headers []elf.Section64
	strtab  []byte
	strs    map[string]uint32
	index   map[*Section]int
	sym     map[*Symbol]uint64
}

func (w *writer) name(s string) uint32 {
	off, ok := w.strs[s]
	if !ok {
		off = uint32(len(w.strtab))
		w.strs[s] = off
		w.strtab = append(append(w.strtab, s...), 0)
	}
	return off
}

// symbols puts the symbol table together, locals first as ELF wants it, and returns the
// number of the first global one.
func (w *writer) symbols() (data []byte, locals uint32) {
	syms := slices.Clone(w.o.Symbols)
	slices.SortStableFunc(syms, func(a, b *Symbol) int { return min(int(a.Bind), 1) - min(int(b.Bind), 1) })
	data = make([]byte, symLen)
	locals = 1
	for i, s := range syms {
		w.sym[s] = uint64(i + 1)
		shndx := uint16(s.Special)
		if s.Section != nil {
			shndx = uint16(w.index[s.Section])
		}
		if s.Bind == elf.STB_LOCAL {
			locals++
		}
		data = w.binary(data, elf.Sym64{Name: w.name(s.Name), Info: elf.ST_INFO(s.Bind, s.Type), Other: byte(s.Visibility), Shndx: shndx, Value: s.Value, Size: s.Size})
	}
	return data, locals
}

func (w *writer) relocs(s *Section) []byte {
	var data []byte
	for _, r := range s.Relocs {
		data = w.binary(data, elf.Rel64{Off: r.Offset, Info: w.sym[r.Symbol]<<32 | uint64(r.Type)})
	}
	return data
}

// types writes .BTF and .BTF.ext, whose strings are in .BTF.
func (w *writer) types() {
	if w.o.Types == nil {
		return
	}
	l := btf.NewLayout(w.o.Types.Strings)
	ext := w.o.encodeExt(l)
	const align = 4
	w.section(".BTF", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Addralign: align}, w.o.Types.Encode(w.o.Order, l))
	if ext != nil {
		w.section(".BTF.ext", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Addralign: align}, ext)
	}
}

// section writes a section's content and keeps its header.
func (w *writer) section(name string, h elf.Section64, data []byte) {
	w.pad(h.Addralign)
	h.Name, h.Off = w.name(name), uint64(w.out.Len())
	if elf.SectionType(h.Type) != elf.SHT_NOBITS {
		h.Size = uint64(len(data))
	}
	w.out.Write(data)
	w.headers = append(w.headers, h)
}

func (w *writer) strtabHeader() {
	w.headers[strtabIndex] = elf.Section64{Name: w.name(".strtab"), Type: uint32(elf.SHT_STRTAB), Addralign: 1, Off: uint64(w.out.Len()), Size: uint64(len(w.strtab))}
	w.out.Write(w.strtab)
}

func (w *writer) pad(align uint64) {
	if n := uint64(w.out.Len()) % max(align, 1); n != 0 {
		w.out.Write(make([]byte, align-n))
	}
}

// finish writes the section headers, and the file's header into the room left for it.
func (w *writer) finish() []byte {
	w.pad(8)
	h := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT), Shoff: uint64(w.out.Len()),
		Ehsize: ehdrLen, Shentsize: shdrLen, Shnum: uint16(len(w.headers)), Shstrndx: strtabIndex}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	if w.o.Order.String() == binary.BigEndian.String() {
		h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	for _, s := range w.headers {
		w.out.Write(w.binary(nil, s))
	}
	data := w.out.Bytes()
	copy(data, w.binary(nil, h))
	return data
}

// binary appends a structure of debug/elf.
func (w *writer) binary(data []byte, v any) []byte {
	data, err := binary.Append(data, w.o.Order, v)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return data
}
