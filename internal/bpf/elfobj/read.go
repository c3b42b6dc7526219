package elfobj

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// Read reads an object. The names in its types are put into strs.
func Read(data []byte, strs *btf.Strings) (*Object, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read ELF: %w", err)
	}
	switch {
	case f.Machine != elf.EM_BPF:
		return nil, fmt.Errorf("it's made for %s, not for BPF", f.Machine)
	case f.Type != elf.ET_REL:
		return nil, fmt.Errorf("it's of type %s; an object is ET_REL", f.Type)
	case f.Class != elf.ELFCLASS64:
		return nil, fmt.Errorf("it's of %s; an object is of ELFCLASS64", f.Class)
	}
	r := &reader{f: f, strs: strs, byIndex: make([]*Section, len(f.Sections))}
	r.obj.Order = binary.LittleEndian
	if f.Data == elf.ELFDATA2MSB {
		r.obj.Order = binary.BigEndian
	}
	for _, step := range []func() error{r.sections, r.symbols, r.relocs, r.types} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &r.obj, nil
}

// reader is the reading of one object.
type reader struct {
	f       *elf.File
	strs    *btf.Strings
	obj     Object
	byIndex []*Section // those of f.Sections that are kept
	bySym   []*Symbol  // by number in the file; nil for those of sections that aren't kept
	btf     *elf.Section
	ext     *elf.Section
}

func badf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrMalformed)
}

// debugging reports whether a section is for debuggers, which nothing of BPF reads.
func debugging(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".rel.debug_")
}

// shtAddrsig lists symbols whose address matters (SHT_LLVM_ADDRSIG).
const shtAddrsig = elf.SectionType(0x6fff4c03)

func (r *reader) sections() error {
	for i, s := range r.f.Sections {
		if i == 0 || debugging(s.Name) {
			continue
		}
		switch s.Type {
		case elf.SHT_PROGBITS, elf.SHT_NOBITS:
		case elf.SHT_NULL, elf.SHT_STRTAB, elf.SHT_SYMTAB, elf.SHT_REL, shtAddrsig:
			continue
		default:
			return badf("section %s is of type %s", s.Name, s.Type)
		}
		switch s.Name {
		case "":
			return badf("section %d has no name", i)
		case ".BTF":
			r.btf = s
			continue
		case ".BTF.ext":
			r.ext = s
			continue
		}
		if s.Type == elf.SHT_PROGBITS && s.Size == 0 && s.Name == ".text" {
			continue
		}
		sec, err := readSection(s)
		if err != nil {
			return err
		}
		r.byIndex[i] = sec
		r.obj.Sections = append(r.obj.Sections, sec)
	}
	return nil
}

// maxBSS bounds memory that a section without data asks for.
const maxBSS = 1 << 32

func readSection(s *elf.Section) (*Section, error) {
	sec := &Section{Name: s.Name, Type: s.Type, Flags: s.Flags, Align: max(s.Addralign, 1), EntSize: s.Entsize, Size: s.Size}
	if sec.Align&(sec.Align-1) != 0 || sec.Align > 1<<20 {
		return nil, badf("section %s is aligned to %d", s.Name, sec.Align)
	}
	if s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, badf("section %s is compressed", s.Name)
	}
	if s.Type == elf.SHT_NOBITS {
		if s.Size >= maxBSS || sec.Code() {
			return nil, badf("section %s has %d bytes without data", s.Name, s.Size)
		}
		return sec, nil
	}
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read section %s: %w", s.Name, err)
	}
	sec.Data, sec.Size = data, uint64(len(data))
	if sec.Code() && len(data)%8 != 0 {
		return nil, badf("section %s has %d bytes, no multiple of an instruction's", s.Name, len(data))
	}
	return sec, nil
}

func (r *reader) symbols() error {
	syms, err := r.f.Symbols()
	if err != nil {
		return fmt.Errorf("read symbols: %w", err)
	}
	r.bySym = make([]*Symbol, len(syms)+1)
	for i, s := range syms {
		sym := &Symbol{Name: s.Name, Bind: elf.ST_BIND(s.Info), Type: elf.ST_TYPE(s.Info), Visibility: elf.ST_VISIBILITY(s.Other), Value: s.Value, Size: s.Size}
		switch sym.Bind {
		case elf.STB_LOCAL, elf.STB_GLOBAL, elf.STB_WEAK:
		default:
			return badf("symbol %q is bound as %s", s.Name, sym.Bind)
		}
		if sym.Visibility != elf.STV_DEFAULT && sym.Visibility != elf.STV_HIDDEN {
			return badf("symbol %q is visible as %s", s.Name, sym.Visibility)
		}
		switch {
		case s.Section >= elf.SHN_LORESERVE:
			sym.Special = s.Section
		case s.Section == elf.SHN_UNDEF:
			if sym.Bind == elf.STB_LOCAL {
				return badf("symbol %q is local and undefined", s.Name)
			}
		case int(s.Section) >= len(r.byIndex):
			return badf("symbol %q is in section %d of %d", s.Name, s.Section, len(r.byIndex))
		default:
			if sym.Section = r.byIndex[s.Section]; sym.Section == nil {
				continue // debugging information's
			}
			if s.Value > sym.Section.Size || sym.Type == elf.STT_SECTION && s.Value != 0 {
				return badf("symbol %q is at %d of %d bytes of section %s", s.Name, s.Value, sym.Section.Size, sym.Section.Name)
			}
		}
		r.bySym[i+1] = sym
		r.obj.Symbols = append(r.obj.Symbols, sym)
	}
	return nil
}

// relLen is the size of an Elf64_Rel.
const relLen = 16

// widths are the bytes that a relocation changes.
var widths = map[RelocType]uint64{R_BPF_64_64: 16, R_BPF_64_ABS64: 8, R_BPF_64_ABS32: 4, R_BPF_64_NODYLD32: 4, R_BPF_64_32: 8}

func (r *reader) relocs() error {
	for _, s := range r.f.Sections {
		if s.Type != elf.SHT_REL {
			continue
		}
		if s.Info == 0 || int(s.Info) >= len(r.byIndex) {
			return badf("section %s relocates section %d of %d", s.Name, s.Info, len(r.byIndex))
		}
		sec := r.byIndex[s.Info]
		if sec == nil {
			continue // debugging information's, or .BTF's, whose places are known otherwise
		}
		data, err := s.Data()
		if err != nil {
			return fmt.Errorf("read section %s: %w", s.Name, err)
		}
		if len(data)%relLen != 0 {
			return badf("section %s has %d bytes", s.Name, len(data))
		}
		for ; len(data) > 0; data = data[relLen:] {
			if err := r.reloc(sec, data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) reloc(sec *Section, data []byte) error {
	info := r.obj.Order.Uint64(data[8:])
	rel := Reloc{Offset: r.obj.Order.Uint64(data), Type: RelocType(info)}
	width, ok := widths[rel.Type]
	switch n := info >> 32; {
	case !ok:
		return badf("relocation of section %s at %d is of unknown type %d", sec.Name, rel.Offset, rel.Type)
	case rel.Offset > uint64(len(sec.Data)) || width > uint64(len(sec.Data))-rel.Offset:
		return badf("relocation of section %s at %d of %d bytes", sec.Name, rel.Offset, len(sec.Data))
	case sec.Code() && rel.Offset%8 != 0:
		return badf("relocation of section %s at %d, inside an instruction", sec.Name, rel.Offset)
	case n >= uint64(len(r.bySym)) || r.bySym[n] == nil:
		return badf("relocation of section %s at %d to symbol %d, which there isn't", sec.Name, rel.Offset, n)
	default:
		rel.Symbol = r.bySym[n]
	}
	sec.Relocs = append(sec.Relocs, rel)
	return nil
}

func (r *reader) types() error {
	if r.btf == nil {
		return nil
	}
	data, err := r.btf.Data()
	if err != nil {
		return fmt.Errorf("read section .BTF: %w", err)
	}
	types, table, err := btf.Read(data, r.obj.Order, r.strs)
	if err != nil {
		return err
	}
	r.obj.Types = types
	if r.ext == nil {
		return nil
	}
	if data, err = r.ext.Data(); err != nil {
		return fmt.Errorf("read section .BTF.ext: %w", err)
	}
	return r.obj.readExt(data, table)
}
