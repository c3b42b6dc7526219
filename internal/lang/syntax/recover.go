package syntax

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// resync skips to where a statement or declaration ends: behind a semicolon or a
// block, or before the brace that closes the enclosing block, or the probe that begins a line.
func (p *parser) resync() {
	rep := p.rep
	p.rep = nil
	defer func() { p.rep, p.lost = rep, false }()
	for depth := 0; !p.at(EOF); {
		if start := p.peek().Start; start > p.last && p.text[start-1] == '\n' && p.beginsProbe() {
			return
		}
		switch p.peek().Kind {
		case LBrace:
			depth++
		case RBrace:
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				p.next()
				return
			}
		case Semi:
			if depth == 0 {
				p.next()
				return
			}
		}
		p.next()
	}
}

// toBlock skips what is wrong before a block that begins on the line of the last token, as the block of an
// if with a broken condition does.
func (p *parser) toBlock() {
	if !p.lost || p.escape || p.depth > maxDepth {
		return
	}
	s := p.reader()
	end := p.lineEnd(p.last)
	for t := s.Next(); t.Start < end; t = s.Next() {
		switch t.Kind {
		case LBrace:
			p.off, p.ahead, p.lost = t.Start, false, false
			return
		case Semi, RBrace, EOF:
			return
		}
	}
}

// missingBrace reports that a block should begin at the next token. What looks like a
// statement is read as one, so that one mistake isn't told again and again.
func (p *parser) missingBrace(b *Block, value bool) {
	t := p.peek()
	if d := p.expected("`{`"); t.Kind == Operator {
		d.Note("a condition of more than one value stands in parentheses: `if (a == b) { … }`")
	}
	if p.toBlock(); !p.lost {
		*b = *p.block(value)
		return
	}
	if p.escape || p.depth > maxDepth || !p.beginsStmt(t) {
		return
	}
	p.lost = false
	p.stmt(b, false)
	line := p.text[strings.LastIndexByte(p.text[:t.Start], '\n')+1 : t.Start]
	if next := p.peek(); next.Kind == RBrace && !strings.Contains(line, "{") && !strings.Contains(p.text[p.last:next.Start], "\n") {
		p.next() // the one that closes what should be here
	}
}

// beginsStmt reports whether t, the next token, begins a statement rather than anything else.
func (p *parser) beginsStmt(t Token) bool {
	switch t.Kind {
	case Var, Map:
		return true
	case Name:
		if stmtWord(p.textOf(t)) != nil || p.textOf(t) == "if" {
			return true
		}
		s := p.reader()
		s.Next()
		return s.Next().Kind == LParen
	}
	return false
}

// beginsProbe reports whether the next token begins a probe, where a statement should stand:
// no statement begins with `name:` or `begin {`.
func (p *parser) beginsProbe() bool {
	t := p.peek()
	if t.Kind != Name {
		return false
	}
	s := p.reader()
	s.Next()
	after := s.Next()
	switch p.textOf(t) {
	case "begin", "end", "BEGIN", "END":
		return after.Kind == LBrace
	}
	if after.Kind != Colon || after.Start != t.End {
		return false
	}
	switch next := s.Next(); next.Kind {
	case Name, Number, String, Param, Operator:
		return next.Start == after.End
	}
	return false
}

// probeInBlock reports a probe that begins before the block around it ends, and leaves all
// blocks for it.
func (p *parser) probeInBlock(open Token) {
	t := p.peek()
	end := p.off
	if i := strings.IndexAny(p.text[t.Start:], " \t\r\n{"); i > 0 {
		end = t.Start + i
	}
	if !p.lost && !p.unclosed {
		p.errorf(diag.CodeUnclosed, t.Start, end, "a probe begins here, inside of a block").
			NoteAt(p.span(open.Start, open.End), "this `{` isn't closed before it")
	}
	p.lost, p.escape = true, true
}

// beginsInner reports whether a statement begins with the word, and no probe does.
func beginsInner(word string) bool {
	switch word {
	case "if", "else", "while", "for", "unroll", "break", "continue", "return":
		return true
	}
	return false
}

// innerOutside reports the statement at start, outside of all blocks: one brace too many closes
// the block that it belongs to. What goes with it is passed over.
func (p *parser) innerOutside(start, end int) {
	if !p.broken && !p.unclosed {
		p.errorf(diag.CodeExpected, start, end, "expected a probe, found `%s`", p.text[start:end]).
			Note("statements stand in the block of a probe: is there one `}` too many before it?")
	}
	p.broken, p.lost = true, true
}

// emptyStmt reports a semicolon that ends nothing.
func (p *parser) emptyStmt() {
	t := p.next()
	if !p.lost && !p.unclosed {
		p.errorf(diag.CodeExpr, t.Start, t.End, "expected a statement, found `;`").Suggest("").Fix.Msg = "leave it out"
	}
}

// assignOf reports that the sign is missing between a variable, or what can be set, and a value on
// its line, which is read; false: it isn't.
func (p *parser) assignOf(e Expr) bool {
	if p.lost || p.unclosed || !isPlace(e) {
		return false
	}
	t := p.peek()
	switch t.Kind {
	case String, Number, Var, Map, Param:
	case Name:
		if stmtWord(p.textOf(t)) != nil {
			return false
		}
	default:
		return false
	}
	if strings.Contains(p.text[p.last:t.Start], "\n") || p.lastErr >= p.last && p.lastErr < t.Start {
		return false
	}
	p.errorf(diag.CodeExpected, p.last, p.last, "expected `=`, found %s", p.found()).Suggest(" =").Fix.Msg = "assign with `=`"
	p.expr()
	p.endStmt()
	return true
}

// callOf reports that the arguments of what seems to be a call have no parentheses; false:
// it's none, since a value that stands for itself doesn't go before another on a line.
func (p *parser) callOf(e Expr) bool {
	id, ok := e.(*Ident)
	if !ok || p.lost {
		return false
	}
	switch t := p.peek(); t.Kind {
	case String, Number, Var, Map, Param:
		if strings.Contains(p.text[p.last:t.Start], "\n") {
			return false
		}
		p.stray(diag.CodeExpected, fmt.Sprintf("expected `(` after `%s`, found %s", id.Name, p.found())).
			Note("the arguments of a call stand in parentheses: `%s(…)`", id.Name)
		return true
	}
	return false
}
