package cdecl

import (
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// ReadProgram reads the C file path, whose text is given: the functions that it defines, static
// ones too, in its order. What's wrong with it is reported to rep; there are none then.
func ReadProgram(path, text string, opt Options, rep *diag.Reporter) []*types.CFunc {
	if opt.Arch == "" {
		opt.Arch = "amd64"
	}
	before := rep.Count()
	opt.bodies = true
	r := &Reader{opt: opt, rep: rep}
	u := &unit{name: path, src: rep.Sources.Add(path, text), end: len(text)}
	u.text.WriteString(withoutBrackets(text))
	r.units = []*unit{u}
	if !r.threadWords() {
		return nil
	}
	s := r.Scope()
	if s.ast == nil || rep.Count() != before && rep.Failed() {
		return nil
	}
	b := &bodies{scope: s, rep: rep, types: map[cc.Type]*ctree.Type{}, vars: map[*cc.Declarator]*ctree.Var{},
		funcs: map[string]*ctree.Func{}}
	funcs := b.program()
	if b.failed {
		return nil
	}
	return funcs
}

// threadWords reports the words for what threads share, which there's no code for.
func (r *Reader) threadWords() bool {
	ok := true
	u := r.units[0]
	s := scanner{text: u.text.String()}
	for t := s.next(); t.kind != eof; t = s.next() {
		if t.is("_Atomic") || t.is("_Thread_local") || t.is("__thread") {
			ok = false
			r.rep.Errorf(diag.CodeCUnsupported, diag.Span{Start: u.src.Pos(t.pos), End: u.src.Pos(t.pos + len(t.text))},
				"`%s` isn't supported", t.text).Note("__sync_fetch_and_add() and the like change memory that other CPUs change, too")
		}
	}
	return ok
}

// withoutBrackets blanks attributes of the form [[…]], which say nothing that code depends on.
func withoutBrackets(text string) string {
	if !strings.Contains(text, "[[") {
		return text
	}
	out := []byte(text)
	s := scanner{text: text}
	var before, last token
	from := -1
	for t := s.next(); t.kind != eof; t = s.next() {
		switch {
		case from < 0 && t.is("[") && last.is("[") && (before.is(";") || before.is("{") || before.is("}") || before.kind == eof):
			from = last.pos
		case from >= 0 && t.is("]") && last.is("]"):
			for i := from; i <= t.pos; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
			from = -1
		}
		before, last = last, t
	}
	return string(out)
}

// bodies makes the trees of a file's functions. A mistake is reported once for a function, and
// ends it: what follows would be guesses.
type bodies struct {
	scope    *Scope
	rep      *diag.Reporter
	types    map[cc.Type]*ctree.Type
	vars     map[*cc.Declarator]*ctree.Var
	funcs    map[string]*ctree.Func
	failed   bool
	fn       *ctree.Func     // whose body it is
	label    int             // of literals
	switches []*ctree.Switch // around, the innermost last
}

// stopped is what ends a function's tree after an error.
type stopped struct{}

// fail reports a mistake at a node, and ends the function.
func (b *bodies) fail(code diag.Code, n cc.Node, format string, args ...any) {
	b.failed = true
	d := b.rep.Errorf(code, b.at(n), format, args...)
	b.scope.tree.noteChain(d, fileOf(n), b.rep)
	panic(stopped{})
}

// failTwice reports what is defined again.
func (b *bodies) failTwice(n cc.Node, name string, first diag.Span) {
	b.failed = true
	b.rep.Errorf(diag.CodeCTwice, b.at(n), "`%s` is defined twice", name).NoteAt(first, "the first definition is here")
	panic(stopped{})
}

// unsupported reports C that there is no code for.
func (b *bodies) unsupported(n cc.Node, format string, args ...any) {
	b.fail(diag.CodeCUnsupported, n, format+" isn't supported", args...)
}

// guard runs f, which an error may end.
func guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stopped); !ok {
				panic(p)
			}
		}
	}()
	f()
}

// at is a node's place.
func (b *bodies) at(n cc.Node) diag.Span {
	pos := n.Position()
	p, ok := b.scope.tree.place(pos.Filename, pos.Line, pos.Column)
	if !ok {
		return diag.Span{}
	}
	return b.scope.tree.span(p, b.rep)
}

// program walks over the file: first its declarations, so that functions may call each other.
func (b *bodies) program() (funcs []*types.CFunc) {
	var defs []*cc.FunctionDefinition
	for u := b.scope.ast.TranslationUnit; u != nil; u = u.TranslationUnit {
		d := u.ExternalDeclaration
		switch d.Case {
		case cc.ExternalDeclarationFuncDef:
			guard(func() {
				f := d.FunctionDefinition
				b.function(f.Declarator, attributesOf(f.DeclarationSpecifiers, nil))
				defs = append(defs, f)
			})
		case cc.ExternalDeclarationDecl:
			guard(func() { b.globalDecl(d.Declaration) })
		case cc.ExternalDeclarationAsmStmt:
			guard(func() { b.unsupported(d.AsmStatement, "assembly") })
		}
	}
	for _, d := range defs {
		guard(func() { b.define(d) })
	}
	for _, d := range defs {
		if f := b.funcs[d.Declarator.Name()]; f != nil && f.Body != nil && !isSystem(fileOf(d)) {
			guard(func() { funcs = append(funcs, b.prototype(f, d.Declarator)) })
		}
	}
	return funcs
}

// prototype is a function in the language's types.
func (b *bodies) prototype(f *ctree.Func, d *cc.Declarator) *types.CFunc {
	t := d.Type().(*cc.FunctionType)
	out := &types.CFunc{Code: f, Result: b.scope.conv.typ(t.Result())}
	if f.Result.Kind == ctree.Bool {
		out.Result = &types.Type{Kind: types.Bool, Size: 1} // a truth value, where bpftrace has one
	}
	for _, p := range params(t) {
		pt := b.scope.conv.typ(p.Type().Decay())
		out.Params = append(out.Params, pt)
	}
	return out
}

// params are a function type's parameters; none for (void).
func params(t *cc.FunctionType) []*cc.Parameter {
	list := t.Parameters()
	if len(list) == 1 && list[0].Type().Kind() == cc.Void {
		return nil
	}
	return list
}

// attrs are what a declaration says besides a type, by name: the text of a string in
// parentheses, or "".
type attrs map[string]string

func (a attrs) has(name string) bool {
	_, ok := a[name]
	_, under := a["__"+name+"__"]
	return ok || under
}

// attributesOf collects the attributes of a declaration and of one of its declarators.
func attributesOf(s *cc.DeclarationSpecifiers, d *cc.InitDeclarator) attrs {
	a := attrs{}
	for ; s != nil; s = s.DeclarationSpecifiers {
		a.add(s.AttributeSpecifierList)
		if s.Case == cc.DeclarationSpecifiersFunc && s.FunctionSpecifier.Case == cc.FunctionSpecifierInline {
			a["inline"] = ""
		}
	}
	if d != nil {
		a.add(d.AttributeSpecifierList)
	}
	return a
}

func (a attrs) add(l *cc.AttributeSpecifierList) {
	for ; l != nil; l = l.AttributeSpecifierList {
		for v := l.AttributeSpecifier.AttributeValueList; v != nil; v = v.AttributeValueList {
			name, text := v.AttributeValue.Token.SrcStr(), ""
			if args := v.AttributeValue.ArgumentExpressionList; args != nil && args.AssignmentExpression != nil {
				if s, ok := args.AssignmentExpression.Value().(cc.StringValue); ok {
					text = strings.TrimRight(string(s), "\x00")
				}
			}
			a[strings.Trim(name, "_")] = text
		}
	}
}

// function declares a function, and gives the one that was declared before.
func (b *bodies) function(d *cc.Declarator, attr attrs) *ctree.Func {
	t, ok := d.Type().(*cc.FunctionType)
	if !ok {
		b.unsupported(d, "this declaration of a function")
	}
	f := b.funcs[d.Name()]
	if f == nil {
		f = &ctree.Func{Name: d.Name(), Span: b.at(d)}
		b.funcs[d.Name()] = f
	}
	f.Result, f.Variadic = b.typ(d, t.Result()), t.IsVariadic()
	f.Static = f.Static || d.Linkage() == cc.Internal
	if f.Body == nil {
		f.Params = nil
		for _, p := range params(t) {
			f.Params = append(f.Params, &ctree.Var{Name: p.Name(), Type: b.typ(d, p.Type().Decay()), Span: b.at(d)})
		}
	}
	switch {
	case attr.has("always_inline"):
		f.Inline = ctree.AlwaysInline
	case attr.has("noinline"):
		f.Inline = ctree.NeverInline
	case attr.has("inline") && f.Inline == ctree.MayInline:
		f.Inline = ctree.WantsInline
	}
	section := attr["section"]
	f.Kernel = f.Kernel || section == ".ksyms"
	f.Weak = f.Weak || attr.has("weak")
	f.Helper = helperNumber(d)
	return f
}

// define makes the tree of a function's body.
func (b *bodies) define(d *cc.FunctionDefinition) {
	f := b.funcs[d.Declarator.Name()]
	if f.Body != nil {
		b.failTwice(d.Declarator, f.Name, f.Span)
	}
	if f.Variadic {
		b.unsupported(d.Declarator, "a function with any number of arguments")
	}
	if s := attributesOf(d.DeclarationSpecifiers, nil)["section"]; isProgramSection(s) {
		b.rep.Warnf(diag.CodeCSection, b.at(d.Declarator), "SEC(\"%s\") attaches nothing: it's a function that the script may call", s)
	}
	t := d.Declarator.Type().(*cc.FunctionType)
	f.Span = b.at(d.Declarator)
	f.Params = nil
	for _, p := range params(t) {
		v := &ctree.Var{Name: p.Name(), Type: b.typ(d.Declarator, p.Type().Decay()), Span: f.Span}
		if p.Declarator != nil {
			v.Span = b.at(p.Declarator)
			b.vars[p.Declarator] = v
		}
		f.Params = append(f.Params, v)
	}
	b.fn = f
	f.Body = b.block(d.CompoundStatement)
	b.fn = nil
	if f.Result.Kind != ctree.Void && !isSystem(fileOf(d)) && ctree.FallsOff(f.Body) {
		b.rep.Warnf(diag.CodeCNoReturn, f.Span, "%s() may end without a value, which is 0 then", f.Name)
	}
}

// isProgramSection reports whether libbpf would attach a function of the section.
func isProgramSection(s string) bool {
	return s != "" && s[0] != '.' && s != "license" && s != "version"
}
