package cdecl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Scope is what the C text defined: types, enumerators and macros. It's a types.CDefs.
type Scope struct {
	opt  *Options
	rep  *diag.Reporter
	tree *tree
	bad  bool    // the text has errors
	ast  *cc.AST // nil: nothing had to be translated, or it's bad
	conv *converter
	// enums are the enums of enumerators; made when one is asked for.
	enums map[*cc.Enumerator]*cc.EnumType
	// values is the text once more, with the values of all macros; made when one is asked for.
	values    *cc.AST
	prelude   *prelude
	macros    map[string]*Define
	late      *Scope                  // see lateScope
	constants map[string]*types.Const // of the kernel's headers; nil: none is known
}

// ending stands behind the text. The parser may loop at an end that it doesn't expect, or
// after some errors when there's no more name to go on from; so do brackets that don't pair
// up, for which see checkBrackets.
var ending = strings.Repeat(";int "+ownTag+"end;\n", 64)

const endName = "<end>"

// maxExpansion bounds the work of macros that expand to more macros.
const maxExpansion = 1 << 24

// Scope ends the reading: it preprocesses and translates the text.
func (r *Reader) Scope() *Scope {
	s := &Scope{opt: &r.opt, rep: r.rep, macros: map[string]*Define{}, constants: map[string]*types.Const{}}
	if len(r.units) == 0 {
		return s
	}
	s.tree = newTree(&r.opt, r.units)
	if s.tree.onlyKernel() {
		return s
	}
	if s.bad = true; !s.tree.directives(r.rep) || !s.tree.checkDepth(r.rep) {
		return s
	}
	ast, bad := s.read()
	if bad != nil && !bad.reported && s.readInstalled() {
		// The text needs more of a kernel header than types and well-known constants.
		before := *s
		s.install()
		var again *failure
		if ast, again = s.read(); again == nil || bad.missing {
			bad = again
		} else {
			*s = before
		}
	}
	if bad != nil {
		s.tree.reportAll(bad, r.rep)
		return s
	}
	s.bad = false
	s.take(ast)
	s.check()
	return s
}

// install begins anew, with the kernel's headers that are installed.
func (s *Scope) install() {
	s.tree = newTree(s.opt, s.tree.units)
	s.tree.installed = true
}

// take makes the scope one of what was read.
func (s *Scope) take(ast *cc.AST) {
	s.ast = ast
	s.conv = &converter{
		prelude: s.prelude, lookup: s.opt.Lookup, done: map[string]*types.Type{},
		report: func(code diag.Code, n cc.Node, word, format string, args ...any) {
			s.tree.errorf(s.rep, code, n, word, format, args...)
		},
	}
}

// lateScope is the text read with the kernel's headers that are installed, for what neither
// it nor BTF has; nil: there are none.
func (s *Scope) lateScope() *Scope {
	if s.late == nil && s.tree != nil && !s.bad && !s.tree.installed && s.readInstalled() {
		late := &Scope{opt: s.opt, rep: diag.NewReporter(s.rep.Sources), tree: s.tree, macros: map[string]*Define{}, constants: s.constants}
		late.install()
		if ast, bad := late.read(); bad == nil {
			late.take(ast)
		}
		s.late = late
	}
	return s.late
}

// Late finds a type that neither the text nor BTF has, in the included kernel headers that are
// installed.
func (s *Scope) Late(name string) (*types.Type, bool) {
	if l := s.lateScope(); l != nil {
		return l.Type(name)
	}
	return nil, false
}

// failure is the front end's, in one of its phases.
type failure struct {
	err           error
	preprocessing bool
	reported      bool // already
	missing       bool // names that a kernel header may have
}

// read preprocesses the text, declares what it needs, and translates it.
func (s *Scope) read() (*cc.AST, *failure) {
	s.prelude = nil
	var out strings.Builder
	if err := s.run(s.tree, func(cfg *cc.Config) error {
		return cc.Preprocess(cfg, s.sources(), &out)
	}); err != nil {
		return nil, &failure{err: err, preprocessing: true}
	}
	if _, why := tooDeep(out.String()); why != "" {
		return nil, &failure{err: fmt.Errorf("once macros are expanded: %s", why)}
	}
	if !s.tree.checkBrackets(out.String(), s.rep) || !s.tree.checkMembers(out.String(), s.rep) {
		return nil, &failure{reported: true}
	}
	n := findNeeds(out.String(), s.opt.bodies)
	s.prelude = newPrelude(s.opt, n, s.kernelConstant)
	if missing := append(n.macros, s.prelude.missing...); len(missing) > 0 && !s.tree.installed && s.readInstalled() {
		return nil, &failure{missing: true}
	}
	ast, err := s.translate(false)
	if err == nil && s.tree.pack(ast) {
		ast, err = s.translate(false)
	}
	if err != nil {
		return nil, &failure{err: err}
	}
	return ast, nil
}

// readInstalled reports whether a kernel header was included that's installed.
func (s *Scope) readInstalled() bool { return slices.ContainsFunc(s.tree.kernel, s.tree.inSystem) }

// config is how the front end is to work on a tree.
func (s *Scope) config(t *tree) (*cc.Config, error) {
	abi, err := cc.NewABI("linux", s.opt.Arch)
	if err != nil {
		return nil, err
	}
	once := map[string]bool{}
	return &cc.Config{
		ABI: abi, ABILayout: true, Header: !s.opt.bodies, UnsignedEnums: true, FS: t, FSOnly: true,
		IncludePaths: append([]string{""}, t.dirs...), SysIncludePaths: t.dirs,
		DefaultSizeT: cc.ULong, DefaultPtrdiffT: cc.Long, DefaultWcharT: cc.Int,
		ExpansionLimit: maxExpansion,
		PragmaHandler: func(toks []cc.Token) error {
			if len(toks) == 1 && toks[0].SrcStr() == "once" {
				file := toks[0].Position().Filename
				if once[file] {
					return cc.SkipSource
				}
				once[file] = true
			}
			return nil
		},
	}, nil
}

// run calls the front end. What it doesn't support yet it tells by a panic.
func (s *Scope) run(t *tree, f func(*cc.Config) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			first, _, _ := strings.Cut(strings.TrimSpace(fmt.Sprint(p)), "\n")
			err = fmt.Errorf("the C front end gave up: %s", first)
		}
	}()
	cfg, err := s.config(t)
	if err != nil {
		return err
	}
	return f(cfg)
}

// sources are the texts in their order.
func (s *Scope) sources() []cc.Source {
	list := []cc.Source{{Name: predefinedName, Value: predefined(s.opt)}}
	if s.prelude != nil {
		list = append(list, cc.Source{Name: preludeName, Value: s.prelude.text.String()})
	}
	if s.opt.HaveBTF {
		list = append(list, cc.Source{Name: ownDir, Value: "#define BPFTRACE_HAVE_BTF 1\n"})
	}
	for _, u := range s.tree.units {
		list = append(list, cc.Source{Name: u.name, Value: s.tree.served(u.name, u.text.String()) + "\n"})
	}
	return append(list, cc.Source{Name: endName, Value: ending})
}

// translate translates the text, and if wanted computes all macros that have a value.
func (s *Scope) translate(values bool) (ast *cc.AST, err error) {
	err = s.run(s.tree, func(cfg *cc.Config) error {
		cfg.EvalAllMacros = values
		ast, err = cc.Translate(cfg, s.sources())
		return err
	})
	return ast, err
}

// check converts the types of the user's own text, to find what's wrong with them, and
// warns of macros that are defined twice. Those of the machine's headers are converted when
// they're asked for.
func (s *Scope) check() {
	for _, nodes := range s.ast.Scope.Nodes {
		for _, n := range nodes {
			if isSystem(fileOf(n)) {
				continue
			}
			switch n := n.(type) {
			case *cc.StructOrUnionSpecifier:
				s.conv.typ(n.Type())
			case *cc.Declarator:
				if n.IsTypename() {
					s.conv.typ(n.Type())
				}
			}
		}
	}
	for _, m := range s.ast.Macros {
		if file := m.Position().Filename; !m.IsConst && !isSystem(file) {
			s.tree.redefined(m, s.rep)
		}
	}
}

// Type finds a type by its name: "struct x", "union x", "enum x", or a typedef's.
func (s *Scope) Type(name string) (*types.Type, bool) {
	if s.ast == nil {
		return nil, false
	}
	word, tag, tagged := strings.Cut(name, " ")
	if !tagged {
		for _, n := range s.ast.Scope.Nodes[name] {
			if d, ok := n.(*cc.Declarator); ok && d.IsTypename() && fileOf(d) != preludeName && fileOf(d) != predefinedName {
				return s.conv.typ(d.Type()), true
			}
		}
		return nil, false
	}
	for _, n := range s.ast.Scope.Nodes[tag] {
		if fileOf(n) == preludeName {
			return nil, false // the kernel's
		}
		var t cc.Type
		switch n := n.(type) {
		case *cc.StructOrUnionSpecifier:
			if n.StructOrUnion.Token.SrcStr() == word {
				t = n.Type()
			}
		case *cc.EnumSpecifier:
			if word == "enum" {
				t = n.Type()
			}
		}
		if t != nil && !t.IsIncomplete() {
			return s.conv.typ(t), true
		}
	}
	return nil, false
}

// Enumerator finds an enumerator's value and type.
func (s *Scope) Enumerator(name string) (uint64, *types.Type, bool) {
	if s.ast == nil {
		return 0, nil, false
	}
	for _, n := range s.ast.Scope.Nodes[name] {
		if e, ok := n.(*cc.Enumerator); ok && fileOf(n) != preludeName {
			if v, ok := integer(e.Value()); ok {
				return uint64(v), s.enumOf(e), true
			}
		}
	}
	return 0, nil, false
}

// enumOf is the enum of an enumerator.
func (s *Scope) enumOf(e *cc.Enumerator) *types.Type {
	if s.enums == nil {
		s.enums = enumerators(s.ast)
	}
	if t := s.enums[e]; t != nil {
		return s.conv.enum(t)
	}
	return basic(e.Type())
}

// Macro finds a macro without parameters.
func (s *Scope) Macro(name string) (*Define, bool) {
	if s.tree == nil {
		return nil, false
	}
	d, seen := s.macros[name]
	if !seen {
		if s.ast != nil {
			if m := s.ast.Macros[name]; m != nil && !m.IsFnLike {
				d = s.tree.define(m, s.rep)
			}
		}
		if text, ok := s.known(name); ok && d == nil {
			d = &Define{Name: name, Text: text}
		}
		s.macros[name] = d
	}
	return d, d != nil
}

// Calls reports whether a macro's text uses a C macro with parameters, which only C expands.
func (s *Scope) Calls(d *Define) bool {
	if s.ast == nil {
		return false
	}
	scan := scanner{text: d.Text}
	for t := scan.next(); t.kind != eof; t = scan.next() {
		if m := s.ast.Macros[t.text]; t.kind == name && m != nil && m.IsFnLike {
			return true
		}
	}
	return false
}

// known finds a well-known constant of the included headers.
func (s *Scope) known(name string) (text string, ok bool) {
	i := slices.IndexFunc(s.tree.known, func(c constant) bool { return c.name == name })
	if i < 0 {
		return "", false
	}
	return s.tree.known[i].text, true
}

// Define is a constant of the kernel's headers, which expand hasn't put into the script: the
// script names it, and neither the C text nor BTF has it.
func (s *Scope) Define(name string) (*types.Const, bool) {
	if d, ok := s.Macro(name); ok {
		return s.constant(d)
	}
	if c, ok := s.fromKernel(name); ok {
		return c, true
	}
	if l := s.lateScope(); l != nil {
		if v, _, ok := l.Enumerator(name); ok {
			return &types.Const{Int: v}, true
		}
	}
	return nil, false
}

// constant is a macro whose text is an integer or a string constant.
func (s *Scope) constant(d *Define) (*types.Const, bool) {
	if strings.HasPrefix(d.Text, `"`) {
		text, err := strconv.Unquote(d.Text)
		return &types.Const{Str: text, IsStr: true}, err == nil
	}
	v, ok := s.Value(d)
	return &types.Const{Int: uint64(v)}, ok
}

// Value is the value of a macro without parameters that is an integer constant in C.
func (s *Scope) Value(d *Define) (int64, bool) {
	if text, ok := s.known(d.Name); ok && d.Pos == diag.NoPos {
		c := s.evaluate(text)
		return int64(c.Int), true
	}
	if s.values == nil {
		ast, err := s.translate(true)
		if err != nil {
			return 0, false
		}
		s.values = ast
	}
	if m := s.values.Macros[d.Name]; m != nil {
		return integer(m.Value())
	}
	return 0, false
}

var _ types.CDefs = (*Scope)(nil)
