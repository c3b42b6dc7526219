// Package link is the static linker of BPF objects: several objects made one, in which the
// sections of a name are one section, what one object declares and another defines is one
// symbol, and each type stands once. What's linked with what, and when objects contradict each
// other, is as libbpf's linker has it (`bpftool gen object`). It does no I/O.
package link

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
)

// File is an object's content, and its name for errors.
type File struct {
	Name string
	Data []byte
}

// Link makes one object of several, or another one of one. The same files in the same order
// give the same bytes. What no object defines stays open, for a later link or for the loader.
func Link(files []File) ([]byte, error) {
	strs := btf.NewStrings()
	l := &linker{out: &elfobj.Object{}, types: btf.NewTypes(strs), sections: map[string]*section{}, globals: map[string]*global{}}
	for _, f := range files {
		obj, err := elfobj.Read(f.Data, strs)
		if err == nil {
			err = l.add(f.Name, obj)
		}
		if err != nil {
			return nil, fmt.Errorf("link %s: %w", f.Name, err)
		}
	}
	if l.out.Order == nil {
		return nil, errors.New("link: no objects")
	}
	if err := l.finish(); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return l.out.Encode(), nil
}

// linker is the linking of some objects.
type linker struct {
	out      *elfobj.Object
	types    *btf.Types
	sections map[string]*section
	order    []*section
	globals  map[string]*global
	names    []*global // in order of first mention
	canon    []btf.ID  // what's to stand for each type: see btf.Dedup
}

// section is a section of the output.
type section struct {
	name  string
	from  string          // the first object that has it
	out   *elfobj.Section // nil: only types know of it, as they do of .kconfig and .ksyms
	sym   *elfobj.Symbol  // its STT_SECTION symbol, once there is one
	typed bool            // types have a KindDatasec of it
	vars  []btf.SecVar
}

// input is an object that's being added.
type input struct {
	*linker
	name  string
	obj   *elfobj.Object
	shift btf.ID // from the object's type numbers to the output's
	place map[*elfobj.Section]place
	syms  map[*elfobj.Symbol]*elfobj.Symbol // nil: not kept
	typed map[string]typed
}

// place is where an object's section went.
type place struct {
	to   *section
	off  uint64
	same bool // the output has the same content already
}

func (l *linker) add(name string, obj *elfobj.Object) error {
	if l.out.Order == nil {
		l.out.Order = obj.Order
	}
	if l.out.Order != obj.Order {
		return fmt.Errorf("its byte order is %s, that of the objects before is %s", obj.Order, l.out.Order)
	}
	in := &input{linker: l, name: name, obj: obj, place: map[*elfobj.Section]place{}, syms: map[*elfobj.Symbol]*elfobj.Symbol{}}
	for _, step := range []func() error{in.addTypes, in.addSections, in.addSymbols, in.addRelocs, in.addVariables} {
		if err := step(); err != nil {
			return err
		}
	}
	in.addExt()
	return nil
}

// sectionOf is the output's section of a name.
func (in *input) sectionOf(name string) *section {
	s, ok := in.sections[name]
	if !ok {
		s = &section{name: name, from: in.name}
		in.sections[name] = s
		in.order = append(in.order, s)
	}
	return s
}

// onlyOnce are the sections of which all objects have the same content.
var onlyOnce = map[string]bool{"license": true, "version": true}

func (in *input) addSections() error {
	for _, s := range in.obj.Sections {
		to := in.sectionOf(s.Name)
		if to.out == nil {
			to.out = &elfobj.Section{Name: s.Name, Type: s.Type, Flags: s.Flags, Align: s.Align, EntSize: s.EntSize}
			to.from = in.name
			in.out.Sections = append(in.out.Sections, to.out)
		} else if onlyOnce[s.Name] {
			if !bytes.Equal(to.out.Data, s.Data) {
				return fmt.Errorf("section %s is %q here and %q in %s", s.Name, cString(s.Data), cString(to.out.Data), to.from)
			}
			in.place[s] = place{to: to, same: true}
			continue
		}
		if err := in.compatible(to, s); err != nil {
			return err
		}
		in.place[s] = place{to: to, off: extend(to.out, s)}
	}
	return nil
}

func cString(b []byte) string { s, _, _ := bytes.Cut(b, []byte{0}); return string(s) }

func (in *input) compatible(to *section, s *elfobj.Section) error {
	o := to.out
	switch {
	case o.Type != s.Type:
		return fmt.Errorf("section %s is of type %s here and of %s in %s", s.Name, s.Type, o.Type, to.from)
	case o.Flags != s.Flags:
		return fmt.Errorf("section %s has flags %s here and %s in %s", s.Name, s.Flags, o.Flags, to.from)
	case o.EntSize != s.EntSize:
		return fmt.Errorf("section %s has entries of %d bytes here and of %d in %s", s.Name, s.EntSize, o.EntSize, to.from)
	}
	return nil
}

// extend appends a section's content and returns where it begins.
func extend(out, s *elfobj.Section) uint64 {
	out.Align = max(out.Align, s.Align)
	off := (out.Size + out.Align - 1) &^ (out.Align - 1)
	if s.Type != elf.SHT_NOBITS {
		out.Data = append(append(out.Data, make([]byte, off-out.Size)...), s.Data...)
	}
	out.Size = off + s.Size
	return off
}

func (in *input) addRelocs() error {
	for _, s := range in.obj.Sections {
		p := in.place[s]
		if p.same {
			continue
		}
		for _, r := range s.Relocs {
			sym := in.syms[r.Symbol]
			if sym == nil {
				return fmt.Errorf("section %s at %d refers to %q in section %s, which is kept only once", s.Name, r.Offset, r.Symbol.Name, r.Symbol.Section.Name)
			}
			out := elfobj.Reloc{Offset: p.off + r.Offset, Type: r.Type, Symbol: sym}
			p.to.out.Relocs = append(p.to.out.Relocs, out)
			if r.Symbol.Type == elf.STT_SECTION {
				in.move(p.to.out, out, in.place[r.Symbol.Section].off)
			}
		}
	}
	return nil
}

// callOp is the opcode of a call.
const callOp = 0x85

// move adds to what a relocated place has of the section that it refers to: that section
// begins at by now. A call counts instructions.
func (in *input) move(s *elfobj.Section, r elfobj.Reloc, by uint64) {
	o, at := in.obj.Order, s.Data[r.Offset:]
	add32 := func(b []byte, n uint64) { o.PutUint32(b, o.Uint32(b)+uint32(n)) }
	switch {
	case s.Code() && at[0] == callOp:
		add32(at[4:], by/8)
	case s.Code():
		add32(at[4:], by)
	case r.Type == elfobj.R_BPF_64_ABS64:
		o.PutUint64(at, o.Uint64(at)+by)
	default:
		add32(at, by)
	}
}

// addExt adds what's known of instructions.
func (in *input) addExt() {
	shift := func(id btf.ID) btf.ID {
		if id == 0 {
			return 0
		}
		return id + in.shift
	}
	for _, s := range in.obj.Sections {
		p := in.place[s]
		if p.same {
			continue
		}
		out, off := p.to.out, uint32(p.off)
		for _, f := range s.Funcs {
			out.Funcs = append(out.Funcs, elfobj.FuncInfo{Offset: off + f.Offset, Type: shift(f.Type)})
		}
		for _, i := range s.Lines {
			i.Offset += off
			out.Lines = append(out.Lines, i)
		}
		for _, c := range s.CORE {
			c.Offset, c.Type = c.Offset+off, shift(c.Type)
			out.CORE = append(out.CORE, c)
		}
	}
}
