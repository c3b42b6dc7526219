package link

import (
	"debug/elf"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
)

// global is a name that several objects may mention and one defines.
type global struct {
	sym      *elfobj.Symbol
	from     string // the object that defines it; else the first that mentions it
	defined  bool
	weak     bool   // the definition gives way to another
	section  string // by its type: .data, .maps, .kconfig; "" for functions and plain externs
	typ      btf.ID // its KindVar or KindFunc
	mentions []btf.ID
}

// typed is an object's KindVar or KindFunc that isn't static.
type typed struct {
	id      btf.ID
	section string // of the KindDatasec that lists it
}

// externSection is the section that clang's types have for variables of other objects.
const externSection = ".extern"

// jumpTables is the section of a switch's targets; its symbols are global in name only.
const jumpTables = ".jumptables"

func (in *input) addSymbols() error {
	for _, s := range in.obj.Symbols {
		if s.Section != nil && in.place[s.Section].same {
			continue
		}
		if s.Type == elf.STT_SECTION && s.Section != nil {
			to := in.place[s.Section].to
			if to.sym == nil {
				to.sym = in.addSymbol(s)
				to.sym.Value = 0
			}
			in.syms[s] = to.sym
			continue
		}
		if s.Bind == elf.STB_LOCAL || s.Section != nil && s.Section.Name == jumpTables {
			in.syms[s] = in.addSymbol(s)
			continue
		}
		if err := in.addGlobal(s); err != nil {
			return err
		}
	}
	return nil
}

// addSymbol adds an object's symbol to the output's.
func (in *input) addSymbol(s *elfobj.Symbol) *elfobj.Symbol {
	sym := new(elfobj.Symbol)
	*sym = *s
	in.locate(sym, s)
	in.out.Symbols = append(in.out.Symbols, sym)
	return sym
}

// locate puts a symbol of the output where an object's is.
func (in *input) locate(sym, s *elfobj.Symbol) {
	sym.Type, sym.Special, sym.Section, sym.Value, sym.Size = s.Type, s.Special, nil, s.Value, s.Size
	if s.Section != nil {
		p := in.place[s.Section]
		sym.Section, sym.Value = p.to.out, p.off+s.Value
	}
}

func (in *input) addGlobal(s *elfobj.Symbol) error {
	t := in.typed[s.Name]
	if s.Undefined() && t.id == 0 {
		return fmt.Errorf("%q is declared but has no type information; compile with -g", s.Name)
	}
	g, ok := in.globals[s.Name]
	if !ok {
		g = &global{sym: in.addSymbol(s), from: in.name, defined: !s.Undefined(), weak: s.Bind == elf.STB_WEAK, section: t.section, typ: t.id}
		in.globals[s.Name] = g
		in.names = append(in.names, g)
	} else if err := in.resolve(g, s, t); err != nil {
		return err
	}
	if t.id != 0 {
		g.mentions = append(g.mentions, t.id)
	}
	in.syms[s] = g.sym
	return nil
}

// resolve makes one of a symbol and what objects before said of its name.
func (in *input) resolve(g *global, s *elfobj.Symbol, t typed) error {
	weak := s.Bind == elf.STB_WEAK
	if g.defined && !s.Undefined() && !g.weak && !weak {
		return fmt.Errorf("%q is defined in %s (%s) and again here (%s)", s.Name, g.from, where(g.sym), where(s))
	}
	if err := in.matches(g, s, t); err != nil {
		return err
	}
	if !weak {
		g.sym.Bind = elf.STB_GLOBAL
	}
	if s.Visibility == elf.STV_HIDDEN {
		g.sym.Visibility = elf.STV_HIDDEN
	}
	switch {
	case s.Undefined():
		if !g.defined && g.section == "" && t.section != "" {
			g.section, g.typ = t.section, t.id
		}
		return nil
	case g.defined && weak:
		lost := *s
		in.locate(&lost, s)
		in.keepLost(&lost)
		return nil
	case g.defined:
		lost := *g.sym
		in.keepLost(&lost)
	}
	in.locate(g.sym, s)
	g.from, g.defined, g.weak, g.section, g.typ = in.name, true, weak, t.section, t.id
	return nil
}

// textSection is the section of functions that programs call.
const textSection = ".text"

// keepLost keeps a function's definition that gave way to another as a static one, NAME.weak:
// loaders may take code that no symbol tells of for part of the function before. (A section of
// programs has no static ones.)
func (in *input) keepLost(s *elfobj.Symbol) {
	if s.Type == elf.STT_FUNC && s.Section != nil && s.Section.Name == textSection {
		s.Name, s.Bind, s.Visibility = s.Name+".weak", elf.STB_LOCAL, elf.STV_DEFAULT
		in.out.Symbols = append(in.out.Symbols, s)
	}
}

// where is where a symbol is, for errors.
func where(s *elfobj.Symbol) string {
	if s.Section == nil {
		return s.Special.String()
	}
	return fmt.Sprintf("%s+%#x", s.Section.Name, s.Value)
}

// matches reports what hinders a symbol and what's known of its name from being the same.
func (in *input) matches(g *global, s *elfobj.Symbol, t typed) error {
	if g.typ == 0 || t.id == 0 {
		if g.typ == t.id {
			return nil
		}
		return fmt.Errorf("%q has type information in only one of this object and %s; compile with -g", s.Name, g.from)
	}
	declared := !g.defined && g.section == "" || s.Undefined() && t.section == ""
	if g.section != t.section && !declared {
		return fmt.Errorf("%q is in section %s here and in %s in %s", s.Name, sectionName(t.section), sectionName(g.section), g.from)
	}
	m := matcher{in.types}
	reason := ""
	if g.section == mapsSection && t.section == mapsSection {
		reason = m.maps(t.id, g.typ)
	} else {
		reason = m.same(t.id, g.typ, true, 0)
	}
	if reason == "" {
		return nil
	}
	return fmt.Errorf("%q differs from %s %s: %s", s.Name, verb(s, g), g.from, reason)
}

func sectionName(s string) string {
	if s == "" {
		return "no section of data"
	}
	return s
}

// verb tells what the two of a conflict are to each other.
func verb(s *elfobj.Symbol, g *global) string {
	switch {
	case s.Undefined() && g.defined:
		return "its definition in"
	case !s.Undefined() && !g.defined:
		return "its declaration in"
	case g.defined:
		return "its other definition in"
	}
	return "its other declaration in"
}
