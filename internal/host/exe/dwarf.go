package exe

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/skep-bpf/skep/internal/host/srcline"
)

// ErrNoDWARF: neither the binary nor a separate file has debug information.
var ErrNoDWARF = errors.New("no DWARF debug information")

// DWARF is the debug information, of the binary or its separate debug file.
func (f *File) DWARF() (*dwarf.Data, error) {
	g := f.withDWARF()
	if g == nil {
		return nil, ErrNoDWARF
	}
	d, err := g.joined, error(nil)
	if d == nil {
		other := cString(g.section(g.ELF.Section(".gnu_debugaltlink")), 0)
		switch s := f.sourceLines().Joined(); {
		case s != nil:
			d, err = joinedData(s)
			g.joined = d
		case other != "":
			err = fmt.Errorf("dwz has put a part of it into %s, which can't be used", other)
		default:
			d, err = g.ELF.DWARF()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read debug information of %s: %w", g.Path, err)
	}
	return d, nil
}

// joinedData is the debug information of sections that no ELF file has.
func joinedData(s srcline.Sections) (*dwarf.Data, error) {
	d, err := dwarf.New(s("debug_abbrev"), nil, nil, s("debug_info"), s("debug_line"), nil, s("debug_ranges"), s("debug_str"))
	for _, name := range []string{"debug_line_str", "debug_addr", "debug_str_offsets", "debug_rnglists"} {
		if data := s(name); err == nil && len(data) > 0 {
			err = d.AddSection("."+name, data)
		}
	}
	return d, err
}

// units calls yield with the debug information that DWARF gives, then with that of each split
// unit, in .dwo files or a .dwp package, until it returns false.
func (f *File) units(yield func(*dwarf.Data) bool) error {
	d, err := f.DWARF()
	if err != nil {
		return err
	}
	if !yield(d) {
		return nil
	}
	f.sourceLines().Splits(func(s srcline.Split) bool {
		if d, err = splitData(s); err != nil {
			err = fmt.Errorf("read split debug information of %s: %w", f.Path, err)
			return false
		}
		return yield(d)
	})
	return err
}

func splitData(s srcline.Split) (*dwarf.Data, error) {
	d, err := dwarf.New(s.Abbrev, nil, nil, s.Info, nil, nil, nil, s.Str)
	if err != nil {
		return nil, err
	}
	return d, errors.Join(d.AddSection(".debug_str_offsets", s.StrOffsets), d.AddSection(".debug_addr", s.Addr))
}

// Param is a parameter of a function as DWARF tells it.
type Param struct {
	Name string
	Type dwarf.Type
}

// Proto is a function as DWARF tells it.
type Proto struct {
	Params   []Param
	Result   dwarf.Type // nil: void
	Variadic bool
}

// Func finds a function's prototype by its name or linkage name; ok is false when there's none.
func (f *File) Func(name string) (p Proto, ok bool, err error) {
	var bad error
	err = f.units(func(d *dwarf.Data) bool {
		p, ok, bad = f.funcIn(d, name)
		return !ok && bad == nil
	})
	return p, ok, errors.Join(err, bad)
}

func (f *File) funcIn(d *dwarf.Data, name string) (p Proto, ok bool, err error) {
	r := d.Reader()
	declared := dwarf.Offset(0) // a declaration, which may have no names of parameters
	for {
		e, err := r.Next()
		if err != nil {
			return p, false, fmt.Errorf("read debug information of %s: %w", f.Path, err)
		}
		if e == nil {
			return p, declared != 0, nil
		}
		switch e.Tag {
		case dwarf.TagCompileUnit, dwarf.TagPartialUnit, dwarf.TagNamespace, dwarf.TagClassType, dwarf.TagStructType:
		case dwarf.TagSubprogram:
			of, _ := e.Val(dwarf.AttrSpecification).(dwarf.Offset)
			defines := declared != 0 && of == declared
			if !defines && e.Val(dwarf.AttrName) != name && e.Val(dwarf.AttrLinkageName) != name {
				r.SkipChildren()
				continue
			}
			found, err := f.proto(d, r, e)
			if only, _ := e.Val(dwarf.AttrDeclaration).(bool); err != nil || !only {
				if defines && found.Result == nil {
					found.Result = p.Result
				}
				return found, err == nil, err
			}
			if declared == 0 {
				p, declared = found, e.Offset
			}
		default:
			r.SkipChildren()
		}
	}
}

func (f *File) proto(d *dwarf.Data, r *dwarf.Reader, fn *dwarf.Entry) (p Proto, err error) {
	typeOf := func(e *dwarf.Entry) (dwarf.Type, error) {
		off, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
		if !ok {
			return nil, nil
		}
		t, err := d.Type(off)
		if err != nil {
			return nil, fmt.Errorf("read debug information of %s: %w", f.Path, err)
		}
		return t, nil
	}
	if p.Result, err = typeOf(fn); err != nil || !fn.Children {
		return p, err
	}
	for {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return p, err
		}
		switch e.Tag {
		case dwarf.TagFormalParameter:
			t, err := typeOf(e)
			if err != nil {
				return p, err
			}
			if result, _ := e.Val(dwarf.AttrVarParam).(bool); result { // as Go tells its results
				if p.Result == nil {
					p.Result = t
				}
				break
			}
			name, _ := e.Val(dwarf.AttrName).(string)
			p.Params = append(p.Params, Param{name, t})
		case dwarf.TagUnspecifiedParameters:
			p.Variadic = true
		}
		r.SkipChildren()
	}
}

// LineAddr is the address of the first statement at file:line, and at col when it
// isn't 0. file matches a path that ends in it.
func (f *File) LineAddr(file string, line, col int) (addr uint64, ok bool, err error) {
	d, err := f.DWARF()
	if err != nil {
		return 0, false, err
	}
	r := d.Reader()
	for {
		cu, err := r.Next()
		if err != nil {
			return 0, false, fmt.Errorf("read debug information of %s: %w", f.Path, err)
		}
		if cu == nil {
			return addr, ok, nil
		}
		r.SkipChildren()
		lines, err := d.LineReader(cu)
		if err != nil || lines == nil {
			continue
		}
		if a, found := lineAddr(lines, file, line, col); found && (!ok || a < addr) {
			addr, ok = a, true
		}
	}
}

func lineAddr(lines *dwarf.LineReader, file string, line, col int) (addr uint64, ok bool) {
	var e dwarf.LineEntry
	for {
		if err := lines.Next(&e); err != nil {
			if !errors.Is(err, io.EOF) {
				return 0, false
			}
			return addr, ok
		}
		if e.EndSequence || !e.IsStmt || e.File == nil || e.Line != line || col != 0 && e.Column != col ||
			!sameFile(e.File.Name, file) {
			continue
		}
		if !ok || e.Address < addr {
			addr, ok = e.Address, true
		}
	}
}

// sameFile reports whether the compiler's path is what the script calls file.
func sameFile(have, file string) bool {
	have, file = path.Clean(have), path.Clean(file)
	return have == file || strings.HasSuffix(have, "/"+file)
}

// CName is a type as C writes it before a name: "const char*", "struct point".
func CName(t dwarf.Type) string {
	switch t := t.(type) {
	case nil:
		return "void"
	case *dwarf.PtrType:
		return CName(t.Type) + "*"
	case *dwarf.QualType:
		if _, ok := t.Type.(*dwarf.PtrType); ok {
			return CName(t.Type) + " " + t.Qual
		}
		return t.Qual + " " + CName(t.Type)
	case *dwarf.StructType:
		return t.Kind + " " + orAnonymous(t.StructName)
	case *dwarf.EnumType:
		return "enum " + orAnonymous(t.EnumName)
	}
	if name := t.Common().Name; name != "" {
		return name
	}
	return "<unknown type>"
}

func orAnonymous(name string) string {
	if name == "" {
		return "<anonymous>"
	}
	return name
}
