package cdecl

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Scope ends the reading and parses what the preprocessor left.
func (r *Reader) Scope() *Scope {
	for _, c := range r.conds {
		if c.active && c.wrong.kind != eof {
			continue // that was reported
		}
		d := r.rep.Errorf(diag.CodeCDirective, c.at, "`#%s` without `#endif`", c.word)
		if c.wrong.kind != eof {
			d.NoteAt(c.wrong.span(), "is this meant to be its end?")
		}
	}
	p := &parser{
		toks: r.out, rep: r.rep, lookup: r.opt.Lookup,
		scope:   &Scope{types: map[string]*types.Type{}, enums: map[string]enumerator{}, defines: r.macros},
		aligns:  map[*types.StructType]uint32{},
		defined: definedTags(r.out),
	}
	for p.peek().kind != eof {
		p.failed = false
		p.declaration()
	}
	return p.scope
}

// parser reads declarations from preprocessed tokens.
type parser struct {
	toks    []token
	pos     int
	rep     *diag.Reporter
	lookup  func(string) (*types.Type, bool)
	scope   *Scope
	aligns  map[*types.StructType]uint32
	defined map[string]bool // tags that the text itself defines, maybe later: "struct x"
	failed  bool            // an error of this declaration was reported
	depth   int             // of declarators and structs around
}

// maxDepth bounds the nesting of declarators, structs and constant expressions.
const maxDepth = 500

// enter counts a level of nesting, which the caller takes back by leave; false: there are too
// many, and the declaration is given up.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth && !p.failed {
		p.errorf(diag.CodeDepth, p.peek().span(), "nested too deeply: more than %d levels", maxDepth)
	}
	if p.depth > maxDepth {
		p.pos = len(p.toks)
	}
	return p.depth <= maxDepth
}

func (p *parser) leave() { p.depth-- }

// definedTags finds the tags whose definitions stand in the text: they hide the kernel's
// types of the same name even where they're only defined later.
func definedTags(toks []token) map[string]bool {
	tags := map[string]bool{}
	for i, t := range toks {
		if i+2 < len(toks) && isTag(t) && toks[i+1].kind == name && toks[i+2].is("{") {
			tags[t.text+" "+toks[i+1].text] = true
		}
	}
	return tags
}

func isTag(t token) bool { return t.is("struct") || t.is("union") || t.is("enum") }

func (p *parser) peek() token { return p.peekAt(0) }

func (p *parser) peekAt(n int) token {
	if p.pos+n < len(p.toks) {
		return p.toks[p.pos+n]
	}
	return token{}
}

func (p *parser) next() token {
	t := p.peek()
	p.pos++
	return t
}

func (p *parser) got(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) want(text string) bool {
	if p.got(text) {
		return true
	}
	p.expected("`" + text + "`")
	return false
}

// expected reports that the next token is not what, and gives the declaration up.
func (p *parser) expected(what string) {
	t := p.peek()
	found := "`" + t.text + "`"
	if t.kind == eof {
		found = "the end"
		if len(p.toks) > 0 {
			t = p.toks[len(p.toks)-1]
		}
	}
	p.errorf(diag.CodeCSyntax, t.span(), "expected %s, found %s", what, found)
}

func (p *parser) errorf(code diag.Code, at diag.Span, format string, args ...any) *diag.Diagnostic {
	if p.failed {
		return new(diag.Diagnostic)
	}
	p.failed = true
	return p.rep.Errorf(code, at, format, args...)
}

// skip passes the rest of a declaration: to its semicolon, or the end of a function's body.
func (p *parser) skip() {
	depth := 0
	for p.peek().kind != eof {
		switch t := p.next(); {
		case t.is("{"), t.is("("), t.is("["):
			depth++
		case t.is("}"), t.is(")"), t.is("]"):
			depth--
			if depth == 0 && t.is("}") && !p.peek().is(";") && !p.peek().is(",") {
				return
			}
		case t.is(";") && depth <= 0:
			return
		}
	}
}

// declaration reads one declaration. Those that define no type are passed over.
func (p *parser) declaration() {
	if p.got(";") {
		return
	}
	s := p.specifiers()
	if p.failed {
		p.skip()
		return
	}
	if p.got(";") {
		return
	}
	for {
		d := p.declarator()
		if p.failed || !s.typedef {
			p.skip() // a variable, a prototype or a function
			return
		}
		if d.name.text != "" {
			p.scope.types[d.name.text] = named(d.wrap(s.typ), d.name.text)
		}
		p.attributes(&s.attr)
		if !p.got(",") {
			p.want(";")
			return
		}
	}
}

// named is t under a typedef's name. Structs keep theirs: they may be completed later.
func named(t *types.Type, name string) *types.Type {
	if t.Kind != types.Int && t.Kind != types.Enum {
		return t
	}
	u := *t
	if u.Kind == types.Int {
		u.Name = name
	}
	return &u
}

// specifiers are what stands before the declarators.
type specifiers struct {
	typ     *types.Type
	typedef bool
	attr    attributes
	anon    bool // an anonymous struct or union was defined
}

func (p *parser) specifiers() specifiers {
	var s specifiers
	var base []string
	for !p.failed {
		t := p.peek()
		switch {
		case t.kind != name:
			return p.finish(s, base)
		case t.is("typedef"):
			s.typedef = true
			p.next()
		case storage[t.text] || qualifiers[t.text]:
			p.next()
		case t.is("__attribute__") || t.is("_Alignas"):
			p.attributes(&s.attr)
		case baseWords[t.text]:
			base = append(base, t.text)
			p.next()
		case s.typ != nil || len(base) > 0:
			return p.finish(s, base)
		case t.is("enum"):
			s.typ = p.enum()
		case isTag(t):
			s.typ, s.anon = p.structure()
		default:
			s.typ = p.typedefName()
		}
	}
	return p.finish(s, base)
}

// finish makes the type of the arithmetic words.
func (p *parser) finish(s specifiers, base []string) specifiers {
	if len(base) > 0 {
		s.typ = baseType(base)
	}
	if s.typ == nil {
		p.expected("a type")
		s.typ = &types.Type{}
	}
	return s
}

// typedefName reads a typedef's name.
func (p *parser) typedefName() *types.Type {
	t := p.next()
	if typ, ok := p.scope.types[t.text]; ok {
		return typ
	}
	if p.lookup != nil {
		if typ, ok := p.lookup(t.text); ok {
			return typ
		}
	}
	if typ := knownTypedef(t.text); typ != nil {
		return typ
	}
	if t.is("typeof") || t.is("__typeof__") {
		p.errorf(diag.CodeCUnsupported, t.span(), "`%s` isn't supported in C definitions yet", t.text)
	}
	p.errorf(diag.CodeCType, t.span(), "unknown type `%s`", t.text)
	return &types.Type{}
}

// attributes reads any number of __attribute__((…)).
func (p *parser) attributes(a *attributes) {
	for {
		switch {
		case p.got("_Alignas"):
			a.align = max(a.align, p.alignment())
		case p.got("__packed"):
			a.packed = true
		case p.got("__attribute__"):
			if outer := p.want("("); outer && p.want("(") {
				p.attributeList(a)
				p.want(")")
			}
		default:
			return
		}
		if p.failed {
			return
		}
	}
}

// attributeList reads `packed, aligned(8), …)`.
func (p *parser) attributeList(a *attributes) {
	for !p.got(")") && !p.failed {
		switch t := p.next(); {
		case t.kind == eof:
			p.expected("`)`")
		case t.is("packed"), t.is("__packed__"):
			a.packed = true
		case t.is("aligned"), t.is("__aligned__"):
			a.align = max(a.align, 16)
			if p.peek().is("(") {
				a.align = p.alignment()
			}
		case t.is("("):
			p.pos--
			p.parens()
		}
	}
}

func (p *parser) alignment() uint32 {
	at := p.peek().span()
	v := p.constant(p.parens())
	if v < 1 || v > 1<<28 || v&(v-1) != 0 {
		p.errorf(diag.CodeCSyntax, at, "an alignment is a power of two")
		return 1
	}
	return uint32(v)
}

// parens reads the tokens in a pair of parentheses.
func (p *parser) parens() []token {
	if !p.want("(") {
		return nil
	}
	start, depth := p.pos, 1
	for p.peek().kind != eof {
		switch t := p.next(); {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return p.toks[start : p.pos-1]
			}
		}
	}
	p.expected("`)`")
	return nil
}

// constant computes a constant expression.
func (p *parser) constant(toks []token) int64 {
	e := evaluator{toks: toks, name: p.constantName, sizeof: p.sizeof}
	v, err := e.all()
	if err != nil && !p.failed {
		at := p.peek().span()
		if len(toks) > 0 {
			at = toks[0].span().To(toks[len(toks)-1].span())
		}
		p.errorf(diag.CodeCSyntax, at, "%v", err)
	}
	return v
}

func (p *parser) constantName(t token) (int64, error) {
	if e, ok := p.scope.enums[t.text]; ok {
		return int64(e.val), nil
	}
	return 0, fmt.Errorf("unknown name `%s` in a constant expression", t.text)
}

// sizeof computes `(type)`.
func (p *parser) sizeof(rest []token) (int64, int, error) {
	if len(rest) == 0 || !rest[0].is("(") {
		return 0, 0, errExpr
	}
	sub := *p
	sub.toks, sub.pos = rest, 1
	s := sub.specifiers()
	d := sub.declarator()
	sub.want(")")
	p.failed = p.failed || sub.failed
	return int64(d.wrap(s.typ).Size), sub.pos, nil
}
