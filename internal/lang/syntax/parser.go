package syntax

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/diag"
)

// maxDepth bounds the nesting of expressions, blocks and types.
const maxDepth = 1000

// maxChain bounds what is nested in the tree but not in the text: else if, and operators in a row.
const maxChain = 1 << 14

// parser reads one source by recursive descent. Tokens are read when they are asked
// for and not before, since the top level (attach points, C text) has no tokens.
type parser struct {
	Scanner
	ids   *IDs
	tok   Token
	ahead bool // tok is the next token and not yet used
	last  int  // where the last used token ended
	depth int
	chain int // of else if, that lead to this branch

	// lost: the text didn't go on as the grammar wants it, which was reported. Until
	// a place is reached where parsing can go on, nothing more is reported.
	lost bool
	// broken: the probe or macro before had errors, and what follows it may be a part of it.
	broken bool
	// escape: a probe begins at the next token, inside of blocks; they're left for it.
	escape bool
}

// Parse reads a script. What is wrong is reported to rep and left out of the result,
// or stands in it as BadExpr; the result is never nil.
func Parse(src *diag.Source, ids *IDs, rep *diag.Reporter) *Script {
	p := &parser{Scanner: *NewScanner(src, rep), ids: ids}
	s := &Script{Source: src}
	p.script(s)
	s.Comments = p.comments
	return s
}

// ParseExpr reads a source that is one expression, such as the text of a C macro.
func ParseExpr(src *diag.Source, ids *IDs, rep *diag.Reporter) Expr {
	p := &parser{Scanner: *NewScanner(src, rep), ids: ids}
	e := p.expr()
	if p.peek().Kind != EOF {
		p.expected("end of expression")
	}
	return e
}

// peek is the next token; it stays the next one.
func (p *parser) peek() Token {
	for !p.ahead {
		p.tok = p.Next()
		p.ahead = p.tok.Kind != Invalid
	}
	return p.tok
}

// next uses up the next token and returns it.
func (p *parser) next() Token {
	t := p.peek()
	p.ahead = false
	p.last = t.End
	return t
}

// at reports whether the next token is of the kind.
func (p *parser) at(k Kind) bool { return p.peek().Kind == k }

// got uses up the next token if it's of the kind.
func (p *parser) got(k Kind) bool {
	if !p.at(k) {
		return false
	}
	p.next()
	return true
}

// want uses up the next token, which must be of the kind.
func (p *parser) want(k Kind) bool {
	if p.got(k) {
		return true
	}
	p.expected(fmt.Sprintf("`%s`", k))
	return false
}

// atWord reports whether the next token is the keyword.
func (p *parser) atWord(word string) bool {
	return p.at(Name) && p.textOf(p.tok) == word
}

// gotWord uses up the next token if it is the keyword.
func (p *parser) gotWord(word string) bool {
	if !p.atWord(word) {
		return false
	}
	p.next()
	return true
}

func (p *parser) textOf(t Token) string { return p.text[t.Start:t.End] }

// unread puts the scanner before the next token, for those that read text themselves.
func (p *parser) unread() {
	if p.ahead {
		p.off = p.tok.Start
		p.ahead = false
	}
}

// reader is a quiet copy of the scanner that stands before the next token.
func (p *parser) reader() Scanner {
	s := p.Scanner
	s.rep = nil
	if p.ahead {
		s.off = p.tok.Start
	}
	return s
}

// name uses up an identifier; what says what it is for.
func (p *parser) name(what string) *Ident {
	t := p.peek()
	if t.Kind != Name {
		p.expected(what)
		return done(p, &Ident{}, t.Start)
	}
	p.next()
	return done(p, &Ident{Name: p.textOf(t)}, t.Start)
}

// settable is what every node is, by embedding.
type settable interface {
	Node
	SetSpan(diag.Span)
}

// place gives a node without an id the span from start to the last used token.
func place[N settable](p *parser, n N, start int) N {
	n.SetSpan(p.span(start, max(start, p.last)))
	return n
}

// done gives an expression its id, and the span from start to the last used token.
func done[E interface {
	settable
	Expr
}](p *parser, e E, start int) E {
	e.SetID(p.ids.Next())
	return place(p, e, start)
}

// bad is the expression for one that can't be read at the next token.
func (p *parser) bad() Expr { return done(p, &BadExpr{}, p.peek().Start) }

// enter counts a level of nesting, and reports false where there are too many;
// each enter is followed by a leave.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth && !p.lost {
		t := p.peek()
		p.errorf(diag.CodeDepth, t.Start, t.End, "nested too deeply")
		p.lost = true
	}
	return p.depth <= maxDepth
}

func (p *parser) leave() { p.depth-- }

// tooMany reports that more than maxChain operators follow each other, of which n were read.
func (p *parser) tooMany(n int) bool {
	if n < maxChain {
		return false
	}
	p.stray(diag.CodeDepth, fmt.Sprintf("more than %d operators in a row", maxChain))
	return true
}

// expected reports that the next token is not what.
func (p *parser) expected(what string) *diag.Diagnostic {
	return p.stray(diag.CodeExpected, fmt.Sprintf("expected %s, found %s", what, p.found()))
}

// found describes the next token for messages.
func (p *parser) found() string {
	t := p.peek()
	if t.Kind == EOF {
		return t.Kind.String()
	}
	return fmt.Sprintf("`%s`", p.textOf(t))
}

// stray reports an error at the next token after which parsing is lost.
func (p *parser) stray(code diag.Code, msg string) *diag.Diagnostic {
	t := p.peek()
	if p.lost || p.unclosed {
		p.lost = true
		return new(diag.Diagnostic)
	}
	p.lost = true
	return p.errorf(code, t.Start, t.End, "%s", msg)
}

// closing uses up the token that closes what was opened by the token open.
func (p *parser) closing(k Kind, open Token) {
	if p.got(k) || p.lost {
		return
	}
	if p.at(EOF) {
		p.lost = true
		if p.lastErr > open.Start || p.unclosed {
			return // what went wrong inside may have been the end
		}
		p.errorf(diag.CodeUnclosed, open.Start, open.End, "`%s` is never closed", p.textOf(open))
		return
	}
	d := p.expected(fmt.Sprintf("`%s`", k))
	d.NoteAt(p.span(open.Start, open.End), "to close this `%s`", p.textOf(open))
}
