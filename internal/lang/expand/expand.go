// Package expand turns a parsed script into one without imports, macros, parameters and
// C constants: what the type checker sees holds only what the script itself says.
//
// It works by copying: each step copies the trees with a syntax.Cloner and puts something
// else in the place of some expressions. First come imports, then macros, then values
// ($1, getopt, C defines), so that macros can pass values on.
package expand

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/cdecl"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Files reads the files that a script asks for. Paths are as the script gives them,
// relative ones joined to the script's directory.
type Files interface {
	ReadFile(path string) ([]byte, error)
	Stat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
}

// Named is a `--name=value` or `--name` of the command line.
type Named struct {
	Name, Value string
	Bare        bool // without a value
}

// Options are what a script is expanded with.
type Options struct {
	Params []string // $1, $2 …
	Named  []Named  // for getopt
	// Open: the parameters that aren't given may be anything, and aren't missed.
	Open bool
	// Files may be nil: then nothing can be imported or included.
	Files Files
	Dir   string // of the script: imports and quoted includes are relative to it
	// IncludeDirs (-I) and Includes (--include) are for C headers.
	IncludeDirs, Includes []string
	// Lookup finds a type of the kernel by name, for C definitions, Enumerator an enumerator; nil:
	// there are none.
	Lookup     func(name string) (*types.Type, bool)
	Enumerator func(name string) (uint64, *types.Type, bool)
	HaveBTF    bool
	Arch       string
	Release    string   // of the kernel, for its headers
	Headers    []string // where they are instead
	// IsBuiltin tells the names of the language's own functions and variables: a call
	// that fits no macro of such a name is the builtin's. nil: there are none.
	IsBuiltin func(name string) bool
}

// Result is the expanded script, with the declarations of its imports before its own.
type Result struct {
	Config   *syntax.Config // nil: none
	Consts   []*syntax.Const
	MapDecls []*syntax.MapDecl
	Funcs    []*syntax.Func
	Probes   []*syntax.Probe
	C        *cdecl.Scope
	CFuncs   []*types.CFunc // of the imported C files
	// Options are those that getopt asks for, in order of appearance, imports first.
	Options []types.Option
	Macros  []string // their names, sorted
}

// Expand expands a script that was parsed without errors. What is wrong is reported to
// rep, and the result is then only good for finding more errors.
func Expand(script *syntax.Script, opt Options, ids *syntax.IDs, rep *diag.Reporter) *Result {
	x := &expander{opt: opt, ids: ids, rep: rep, imported: map[string]bool{}}
	x.c = cdecl.NewReader(x.cOptions(), rep)
	for _, name := range opt.Includes {
		x.c.Include(name, script.Span(), ".")
	}
	x.script(script, opt.Dir, true)
	x.out.C = x.c.Scope()
	macros := newMacros(x)
	x.out.Macros = slices.Sorted(maps.Keys(macros.byName))
	values := newValues(x)
	for i, d := range x.out.Consts {
		own := *d
		own.Type = values.cloner().Type(d.Type)
		own.X = values.expr(macros.expr(d.X))
		x.out.Consts[i] = &own
	}
	for i, d := range x.out.MapDecls {
		own := *d
		own.Max = values.expr(d.Max)
		x.out.MapDecls[i] = &own
	}
	for i, f := range x.out.Funcs {
		own := *f
		own.Params = make([]*syntax.FuncParam, len(f.Params))
		for j, p := range f.Params {
			param := *p
			param.Type = values.cloner().Type(p.Type)
			own.Params[j] = &param
		}
		own.Result = values.cloner().Type(f.Result)
		own.Body = values.block(macros.block(f.Body))
		x.out.Funcs[i] = &own
	}
	for i, p := range x.out.Probes {
		own := *p
		own.Pred = values.expr(macros.expr(p.Pred))
		own.Body = values.block(macros.block(p.Body))
		own.Points = values.points(p.Points)
		x.out.Probes[i] = &own
		x.checkTypes(&own)
	}
	x.out.Options = values.options()
	return &x.out
}

// expander is one run of Expand.
type expander struct {
	opt      Options
	ids      *syntax.IDs
	rep      *diag.Reporter
	c        *cdecl.Reader
	out      Result
	decls    []*syntax.Macro
	imported map[string]bool // paths
	full     bool            // that the script is too large was reported
}

// maxExprs bounds the expressions of a script with its macros expanded: nested macros that
// name a parameter twice double it with every level.
const maxExprs = 1 << 18

// overflow reports, once, that the script grows too large at a place.
func (x *expander) overflow(at diag.Span) bool {
	if x.ids.Len() < maxExprs {
		return false
	}
	if !x.full {
		x.full = true
		x.rep.Errorf(diag.CodeExpansion, at, "the script has more than %d expressions once its macros are expanded", maxExprs)
	}
	return true
}

// cOptions are what C text is read with.
func (x *expander) cOptions() cdecl.Options {
	return cdecl.Options{
		Lookup: x.opt.Lookup, Enumerator: x.enumerator, ReadFile: x.readFile, Dirs: x.opt.IncludeDirs,
		Arch: x.opt.Arch, Release: x.opt.Release, Headers: x.opt.Headers, HaveBTF: x.opt.HaveBTF,
	}
}

func (x *expander) isBuiltin(name string) bool {
	return x.opt.IsBuiltin != nil && x.opt.IsBuiltin(name)
}

// enumerator is a value that C text may name: of the script's constants, or of the kernel's
// enumerators.
func (x *expander) enumerator(name string) (uint64, *types.Type, bool) {
	i := slices.IndexFunc(x.out.Consts, func(d *syntax.Const) bool { return d.Name.Name == name })
	switch {
	case i >= 0:
		return x.constant(i), nil, true
	case x.opt.Enumerator == nil:
		return 0, nil, false
	}
	return x.opt.Enumerator(name)
}

// constant is the value of the script's i-th constant, which C text uses.
func (x *expander) constant(i int) uint64 {
	known := map[string]*syntax.IntLit{}
	for _, d := range x.out.Consts[:i] {
		if k, ok := types.FoldInt(d.X, known); ok {
			known[d.Name.Name] = k
		}
	}
	d := x.out.Consts[i]
	k, ok := types.FoldInt(d.X, known)
	if !ok {
		x.rep.Errorf(diag.CodeLiteral, d.X.Span(), "a C definition uses %s, which has to be made of numbers and of constants before it", d.Name.Name)
		return 1
	}
	return k.Val
}

func (x *expander) readFile(path string) ([]byte, error) {
	if x.opt.Files == nil {
		return nil, fs.ErrNotExist
	}
	return x.opt.Files.ReadFile(path)
}

// script takes in the declarations of a script that stands in dir. What it imports comes
// before its own probes, so that its begin and end probes run after theirs.
func (x *expander) script(s *syntax.Script, dir string, root bool) {
	for _, d := range s.Decls {
		if d, ok := d.(*syntax.Import); ok {
			x.importPath(d.Path, dir, true)
		}
	}
	for _, d := range s.Decls {
		switch d := d.(type) {
		case *syntax.CDef:
			x.c.Text(d.Text, d.Span().Start, dir)
		case *syntax.Config:
			if !root && len(d.Vars) > 0 {
				x.rep.Errorf(diag.CodeImportConfig, d.Span(), "an imported script can't have a config block")
			} else if root {
				x.out.Config = d
			}
		case *syntax.MapDecl:
			x.out.MapDecls = append(x.out.MapDecls, d)
		case *syntax.Const:
			x.out.Consts = append(x.out.Consts, d)
		case *syntax.Macro:
			x.decls = append(x.decls, d)
			x.innerImports(d.Body, dir)
		case *syntax.Func:
			x.out.Funcs = append(x.out.Funcs, d)
			x.innerImports(d.Body, dir)
		case *syntax.Probe:
			x.out.Probes = append(x.out.Probes, d)
			x.innerImports(d.Body, dir)
		}
	}
}

// innerImports does the imports that stand in a block.
func (x *expander) innerImports(body *syntax.Block, dir string) {
	if body == nil {
		return
	}
	syntax.Inspect(body, func(n syntax.Node) bool {
		if n, ok := n.(*syntax.ImportStmt); ok {
			x.importPath(n.Path, dir, false)
		}
		return true
	})
}
