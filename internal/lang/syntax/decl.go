package syntax

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// section is a part of a script; they follow each other in this order.
type section uint8

const (
	cSection    section = iota // #include, #define, struct …
	headSection                // config, import
	mainSection                // everything else
)

func (s section) String() string {
	return [...]string{"C definitions", "config and imports", "probes, macros, functions and map declarations"}[s]
}

// heading is the section and the reader of the declaration that begins with a word;
// nil: the word begins the attach point of a probe.
func heading(word string) (section, func(*parser) Decl) {
	switch word {
	case "struct", "union", "enum":
		return cSection, (*parser).cDefinition
	case "typedef", "static", "extern":
		return cSection, (*parser).cOther
	case "config":
		return headSection, (*parser).config
	case "import":
		return headSection, (*parser).importDecl
	case "macro":
		return mainSection, (*parser).macro
	case "fn":
		return mainSection, (*parser).function
	case "let":
		return mainSection, (*parser).mapDecl
	case "const":
		return mainSection, (*parser).constant
	}
	return mainSection, nil
}

// script reads the top level.
func (p *parser) script(s *Script) {
	p.skipLayout()
	if p.hasPrefix("#!") {
		end := p.lineEnd(p.off)
		s.Shebang = strings.TrimRight(p.text[p.off:end], " \t\r")
		p.off = end
	}
	reached := cSection
	for p.skipLayout(); p.off < len(p.text); p.skipLayout() {
		start := p.off
		if d := p.decl(&reached); d != nil {
			s.Decls = append(s.Decls, d)
		}
		switch {
		case p.escape:
			p.escape, p.lost, p.unclosed = false, false, false
		case p.lost:
			p.resync()
			p.got(RBrace) // one too many, or left over from what was skipped
			p.unclosed = p.unclosed && !p.beginsProbe()
		case strings.IndexByte("};)]", p.text[start]) < 0:
			p.unclosed = false
		}
		p.unread()
	}
	p.checkConfigs(s)
}

// decl reads one declaration; the scanner stands at its first byte.
func (p *parser) decl(reached *section) Decl {
	start := p.off
	if strings.IndexByte("};)]", p.text[start]) >= 0 {
		p.off++
		if p.unclosed || p.broken {
			return nil
		}
		d := p.errorf(diag.CodeExpected, start, p.off, "expected a probe, found `%s`", p.text[start:p.off])
		d.Suggest("").Fix.Msg = "leave it out"
		return nil
	}
	if p.text[start] == '{' && p.broken {
		p.lost = true
		return nil
	}
	word := p.text[start:p.nameEnd(start)]
	if beginsInner(word) {
		p.innerOutside(start, start+len(word))
		return nil
	}
	kind, parse := heading(word)
	switch {
	case p.text[start] == '#':
		word, kind, parse = "#", cSection, (*parser).directive
	case parse == nil, kind == cSection && !p.looksLikeC():
		kind, parse = mainSection, (*parser).probe
	}
	if word == "const" && kind == mainSection {
		kind = *reached // it may stand anywhere: C definitions use it
	}
	if kind < *reached {
		p.errorf(diag.CodeOrder, start, start+len(word), "%s must stand before %s", kind, *reached).
			Note("the order is: %s, %s, then %s", cSection, headSection, mainSection)
	}
	*reached = max(*reached, kind)
	p.last = start
	d := parse(p)
	switch word {
	case "import", "config", "let", "const", "#":
		p.broken = false
	default:
		p.broken = p.lastErr >= start
	}
	return d
}

// config reads `config = { name = value; … }`.
func (p *parser) config() Decl {
	start := p.next().Start
	c := &Config{}
	p.wantAssign()
	open := p.peek()
	if !p.want(LBrace) {
		return place(p, c, start)
	}
	for !p.at(RBrace) && !p.at(EOF) && !p.lost {
		c.Vars = append(c.Vars, p.configVar())
		if !p.at(RBrace) && !p.lost && !p.got(Semi) {
			p.stray(diag.CodeSemicolon, "expected `;` between config variables")
		}
	}
	p.closing(RBrace, open)
	return place(p, c, start)
}

func (p *parser) configVar() *ConfigVar {
	v := &ConfigVar{Name: p.name("the name of a config variable")}
	start := p.src.Offset(v.Name.Span().Start)
	p.wantAssign()
	switch t := p.peek(); {
	case t.Kind == Number, t.Kind == String, t.Kind == Name && p.textOf(t) != "if":
		v.Value = p.primary()
		switch v.Value.(type) {
		case *IntLit, *BoolLit, *StringLit, *Ident, *BadExpr:
		default:
			p.stray(diag.CodeConfig, "a config variable is a number, a word, a string, true or false")
		}
	default:
		p.stray(diag.CodeConfig, "a config variable is a number, a word, a string, true or false")
		v.Value = p.bad()
	}
	return place(p, v, start)
}

// checkConfigs reports config blocks after the first.
func (p *parser) checkConfigs(s *Script) {
	var first *Config
	for _, d := range s.Decls {
		c, ok := d.(*Config)
		if !ok {
			continue
		}
		if first == nil {
			first = c
			continue
		}
		at := p.src.Offset(c.Span().Start)
		p.errorf(diag.CodeConfig, at, at+len("config"), "second config block").
			NoteAt(first.Span(), "the first is here")
	}
}

// wantAssign uses up a `=`.
func (p *parser) wantAssign() {
	if t := p.peek(); t.Kind == AssignTok && t.Op == ASSIGN {
		p.next()
		return
	}
	p.expected("`=`")
}

func (p *parser) importDecl() Decl {
	start := p.peek().Start
	d := &Import{Path: p.importPath()}
	return place(p, d, start)
}

// importPath reads `import "path";`.
func (p *parser) importPath() *StringLit {
	p.next()
	if !p.at(String) {
		p.expected("the path to import, in quotes")
		return done(p, &StringLit{}, p.last)
	}
	path := p.stringLit()
	if !p.got(Semi) {
		p.missingSemicolon()
	}
	return path
}

// macro reads `macro name(a, $b, @c) { … }`.
func (p *parser) macro() Decl {
	start := p.next().Start
	m := &Macro{Name: p.name("the macro's name")}
	if open := p.peek(); p.got(LParen) {
		m.Parens = true
		for !p.at(RParen) && !p.lost {
			m.Params = append(m.Params, p.macroParam())
			if !p.got(Comma) {
				break
			}
		}
		p.closing(RParen, open)
	}
	if !p.lost {
		m.Body = p.block(true)
	}
	return place(p, m, start)
}

func (p *parser) macroParam() *MacroParam {
	t := p.peek()
	text := p.textOf(t)
	switch {
	case t.Kind == Var, t.Kind == Map && text != "@":
		p.next()
	case t.Kind == Name && isValueName(text):
		p.next()
		p.errorf(diag.CodeExpected, t.Start, t.End, "`%s` is a builtin and can't name a parameter", text)
	case t.Kind == Name:
		p.next()
	default:
		p.expected("a parameter: a name, a $variable or a @map")
	}
	return place(p, &MacroParam{Name: text}, t.Start)
}

// function reads `fn name($a: type, …) : type { … }`.
func (p *parser) function() Decl {
	start := p.next().Start
	f := &Func{Name: p.name("the function's name")}
	open := p.peek()
	if p.want(LParen) {
		for !p.at(RParen) && !p.lost {
			f.Params = append(f.Params, p.funcParam())
			if !p.got(Comma) {
				break
			}
		}
		p.closing(RParen, open)
	}
	if p.got(Colon) {
		f.Result = p.typeExpr()
	}
	if p.at(Arrow) && !p.lost {
		p.expected("`{`").Note("the type of the result stands behind a colon: `fn f($x: int64): int64 { … }`")
	}
	if !p.lost {
		f.Body = p.block(false)
	}
	return place(p, f, start)
}

func (p *parser) funcParam() *FuncParam {
	t := p.peek()
	if t.Kind != Var {
		p.expected("a parameter such as `$x: int32`")
		return place(p, &FuncParam{}, t.Start)
	}
	p.next()
	f := &FuncParam{Name: p.textOf(t)}
	if !p.at(Colon) {
		p.expected("`:`").Note("a parameter has a type: `%s: int64`", f.Name)
		return place(p, f, t.Start)
	}
	p.next()
	f.Type = p.typeExpr()
	return place(p, f, t.Start)
}

// mapDecl reads `let @name = kind(max);`; the semicolon may be missing.
func (p *parser) mapDecl() Decl {
	start := p.next().Start
	d := &MapDecl{}
	t := p.peek()
	if t.Kind != Map {
		p.expected("a map").Note("outside of a block let declares maps: `let @m = hash(100);`")
		return place(p, d, start)
	}
	p.next()
	d.Name = p.textOf(t)
	p.wantAssign()
	d.Kind = p.name("the kind of map, such as hash")
	open := p.peek()
	if p.want(LParen) {
		switch {
		case p.at(Number):
			d.Max = p.number()
		case p.at(Name):
			d.Max = p.name("the map's number of entries")
		default:
			p.expected("the map's number of entries")
		}
		p.closing(RParen, open)
	}
	if !p.lost {
		p.got(Semi)
	}
	return place(p, d, start)
}

// constant reads `const name [: type] = value;`; the semicolon may be missing.
func (p *parser) constant() Decl {
	start := p.next().Start
	d := &Const{Name: p.name("the constant's name"), X: p.bad()}
	if p.got(Colon) {
		d.Type = p.typeExpr()
	}
	if p.wantAssign(); !p.lost {
		d.X = p.expr()
	}
	if !p.lost {
		p.got(Semi)
	}
	return place(p, d, start)
}
