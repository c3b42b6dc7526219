package cdecl

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// declarator is a declared name, and what the stars, brackets and parentheses around it
// make of the base type.
type declarator struct {
	name token // kind eof: none
	wrap func(*types.Type) *types.Type
}

// declarator reads one: `*name[4]`, `(*name)(args)`, or an abstract one without a name.
func (p *parser) declarator() declarator {
	defer p.leave()
	if !p.enter() {
		return declarator{wrap: func(t *types.Type) *types.Type { return t }}
	}
	for qualifiers[p.peek().text] || p.peek().is("__attribute__") {
		if p.peek().is("__attribute__") {
			p.attributes(new(attributes))
			continue
		}
		p.next()
	}
	if p.got("*") {
		d := p.declarator()
		inner := d.wrap
		d.wrap = func(t *types.Type) *types.Type { return inner(types.PointerTo(t, types.SpaceNone)) }
		return d
	}
	d := declarator{wrap: func(t *types.Type) *types.Type { return t }}
	switch {
	case p.peek().is("(") && p.nested():
		p.next()
		d = p.declarator()
		p.want(")")
	case p.peek().kind == name:
		d.name = p.next()
	}
	return p.suffixes(d)
}

// nested reports whether the parenthesis holds a declarator, and not parameters.
func (p *parser) nested() bool {
	t := p.peekAt(1)
	return t.is("*") || t.is("(") || t.is("__attribute__")
}

// suffixes reads the brackets and parameters behind a declarator.
func (p *parser) suffixes(d declarator) declarator {
	var dims []uint32
	function := false
	for !p.failed {
		if p.peek().is("(") {
			p.parens()
			function = true
			continue
		}
		if !p.peek().is("[") {
			break
		}
		dims = append(dims, p.dimension())
	}
	inner := d.wrap
	d.wrap = func(t *types.Type) *types.Type {
		if function {
			t = &types.Type{Kind: types.Func}
		}
		for i := len(dims) - 1; i >= 0; i-- {
			t = types.ArrayOf(t, dims[i])
		}
		return inner(t)
	}
	return d
}

// dimension reads `[N]` or `[]`.
func (p *parser) dimension() uint32 {
	open := p.next()
	start, depth := p.pos, 1
	for p.peek().kind != eof {
		switch t := p.next(); {
		case t.is("["):
			depth++
		case t.is("]"):
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if depth > 0 {
		p.expected("`]`")
		return 0
	}
	toks := p.toks[start : p.pos-1]
	if len(toks) == 0 {
		return 0
	}
	n := p.constant(toks)
	if n < 0 || n > 1<<28 {
		p.errorf(diag.CodeCSyntax, open.span(), "array of %d elements", n)
		return 0
	}
	return uint32(n)
}
