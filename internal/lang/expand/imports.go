package expand

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/cdecl"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// stdlib are the parts of bpftrace's standard library that can be imported by name. All of them
// are built in, but for the function by which bpftrace's users see that importing works.
var stdlib = []string{"map", "process", "stack", "strings", "system", "task", stdlibTest, "usdt"}

const (
	stdlibTest       = "test"
	stdlibTestScript = "fn __always_true(): int32 { return 1; }\n"
)

// importPath imports a file, or at the top level a directory of files, once.
func (x *expander) importPath(lit *syntax.StringLit, dir string, top bool) {
	name := lit.Val
	if part, ok := strings.CutPrefix(name, "stdlib/"); ok || name == "stdlib" {
		if ok && !slices.Contains(stdlib, part) {
			x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "import `%s` not found", name).
				Note("parts of the standard library are %s", strings.Join(stdlib, ", "))
		}
		if part == stdlibTest && !x.imported[name] {
			x.imported[name] = true
			x.script(syntax.Parse(x.rep.Sources.Add(name, stdlibTestScript), x.ids, x.rep), dir, false)
		}
		return
	}
	if name == "" {
		x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "an import names a file or a directory")
		return
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, name)
	}
	if x.opt.Files == nil {
		x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "nothing can be imported here")
		return
	}
	info, err := x.opt.Files.Stat(path)
	if err != nil {
		x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "import `%s` not found", name).Note("looked for %s", path)
		return
	}
	if x.worldWritable(path) {
		x.rep.Errorf(diag.CodeImportRefused, lit.Span(), "import of %s refused: everyone may write it or its directory", path)
		return
	}
	switch {
	case !info.IsDir():
		x.importFile(lit, path, top)
	case top:
		x.importDir(lit, path)
	default:
		x.rep.Errorf(diag.CodeImportKind, lit.Span(), "in a block only C can be imported: a header (.h) or functions (.bpf.c)")
	}
}

// importDir imports the files of a directory that can be, in the order of their names.
func (x *expander) importDir(lit *syntax.StringLit, path string) {
	entries, err := x.opt.Files.ReadDir(path)
	if err != nil {
		x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "import of %s: %v", path, err)
		return
	}
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		switch kind := importKind(file); {
		case e.IsDir() || kind == unknownImport:
		case x.worldWritable(file):
			x.rep.Warnf(diag.CodeImportSkipped, lit.Span(), "%s isn't imported: everyone may write it", file)
		default:
			x.importFile(lit, file, true)
		}
	}
}

// kinds of files that can be imported.
const (
	unknownImport = iota
	scriptImport
	headerImport
	programImport // BPF C source
	objectImport  // what a compiler made of it
)

func importKind(path string) int {
	switch {
	case strings.HasSuffix(path, ".bt"):
		return scriptImport
	case strings.HasSuffix(path, ".h"):
		return headerImport
	case strings.HasSuffix(path, ".bpf.c"):
		return programImport
	case strings.HasSuffix(path, ".bpf.o"):
		return objectImport
	}
	return unknownImport
}

func (x *expander) importFile(lit *syntax.StringLit, path string, top bool) {
	if x.imported[path] {
		return
	}
	x.imported[path] = true
	switch kind := importKind(path); {
	case kind == unknownImport:
		x.rep.Errorf(diag.CodeImportKind, lit.Span(), "%s is no script (.bt), C source (.bpf.c) or C header (.h)", filepath.Base(path))
	case kind == objectImport:
		x.rep.Errorf(diag.CodeImportKind, lit.Span(), "%s is an object file: functions are imported as C source (.bpf.c)", filepath.Base(path))
	case kind == programImport:
		x.importProgram(lit, path)
	case kind == headerImport:
		x.c.Include(filepath.Base(path), lit.Span(), filepath.Dir(path))
	case !top:
		x.rep.Errorf(diag.CodeImportKind, lit.Span(), "in a block only C can be imported: a header (.h) or functions (.bpf.c)")
	default:
		text, err := x.opt.Files.ReadFile(path)
		if err != nil {
			x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "import of %s: %v", path, err)
			return
		}
		before := x.rep.Count()
		script := syntax.Parse(x.rep.Sources.Add(path, string(text)), x.ids, x.rep)
		if x.rep.Count() == before {
			x.script(script, filepath.Dir(path), false)
		}
	}
}

// importProgram takes in the functions of a file of BPF C.
func (x *expander) importProgram(lit *syntax.StringLit, path string) {
	text, err := x.opt.Files.ReadFile(path)
	if err != nil {
		x.rep.Errorf(diag.CodeImportMissing, lit.Span(), "import of %s: %v", path, err)
		return
	}
	x.addProgram(cdecl.ReadProgram(path, string(text), x.cOptions(), x.rep))
}

// addProgram takes in functions, of which no two may have one name, but for static ones.
func (x *expander) addProgram(funcs []*types.CFunc) {
	for _, f := range funcs {
		for _, other := range x.out.CFuncs {
			if other.Code.Name == f.Code.Name && !other.Code.Static && !f.Code.Static {
				x.rep.Errorf(diag.CodeCTwice, f.Code.Span, "`%s` is defined twice", f.Code.Name).
					NoteAt(other.Code.Span, "the first definition is here")
			}
		}
		x.out.CFuncs = append(x.out.CFuncs, f)
	}
}

// worldWritable reports whether everyone may change the file or put another in its place.
func (x *expander) worldWritable(path string) bool {
	for _, p := range []string{path, filepath.Dir(path)} {
		if info, err := x.opt.Files.Stat(p); err == nil && info.Mode().Perm()&0o002 != 0 {
			return true
		}
	}
	return false
}
