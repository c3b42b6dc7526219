package syntax

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// block reads `{ … }`. With value, a last expression without a semicolon is the
// block's value; without, it's a statement like the others.
func (p *parser) block(value bool) *Block {
	open := p.peek()
	b := &Block{}
	if !p.got(LBrace) {
		p.missingBrace(b, value)
		return done(p, b, open.Start)
	}
	return p.blockRest(b, open, value)
}

// blockRest reads a block's statements and its closing brace; open is what opened it.
func (p *parser) blockRest(b *Block, open Token, value bool) *Block {
	if p.enter() {
		for !p.at(RBrace) && !p.at(EOF) && !p.escape {
			if p.beginsProbe() {
				p.probeInBlock(open)
				break
			}
			if p.at(Semi) {
				p.emptyStmt()
				continue
			}
			p.stmt(b, value)
			if p.lost && !p.escape {
				p.resync()
			}
		}
	}
	p.leave()
	p.closing(RBrace, open)
	return done(p, b, open.Start)
}

// stmtWord is what reads the statement that begins with a keyword; nil: it's no
// keyword, or if, which also begins an expression.
func stmtWord(word string) func(*parser) Stmt {
	switch word {
	case "import":
		return (*parser).importStmt
	case "while":
		return (*parser).while
	case "unroll":
		return (*parser).unroll
	case "for":
		return (*parser).forLoop
	case "break", "continue", "return":
		return (*parser).jump
	case "let":
		return (*parser).let
	}
	return nil
}

// stmt reads one statement into b.
func (p *parser) stmt(b *Block, value bool) {
	t := p.peek()
	if t.Kind == Name {
		if parse := stmtWord(p.textOf(t)); parse != nil {
			b.Stmts = append(b.Stmts, parse(p))
			return
		}
		if p.textOf(t) == "_" && p.followedByAssign() {
			b.Stmts = append(b.Stmts, p.discard())
			return
		}
	}
	e := p.stmtExpr()
	if p.at(AssignTok) && !p.lost {
		b.Stmts = append(b.Stmts, p.assign(e, t.Start))
		return
	}
	if value && p.at(RBrace) && hasValue(e) {
		b.Value = e
		return
	}
	b.Stmts = append(b.Stmts, stmtOf(e))
	switch e.(type) {
	case *IfExpr, *Block, *CondExpr: // bpftrace wants no semicolon after `c ? a : b` either
		if !p.lost {
			p.got(Semi)
		}
	default:
		if !p.callOf(e) && !p.assignOf(e) {
			p.endStmt()
		}
	}
}

// stmtExpr reads an expression that begins a statement. An if or a block ends there,
// unless it has a value and an operator follows.
func (p *parser) stmtExpr() Expr {
	var e Expr
	switch {
	case p.atWord("if"):
		e = p.ifExpr()
	case p.at(LBrace):
		e = p.block(true)
	default:
		return p.expr()
	}
	switch p.peek().Kind {
	case Operator, Question, Dot, Arrow, LBrack:
		if hasValue(e) {
			return p.ternary(p.binary(p.postfix(e), 1))
		}
	}
	return e
}

// hasValue reports whether e can be a block's value: an if or a block needs one itself.
func hasValue(e Expr) bool {
	switch e := e.(type) {
	case *Block:
		return e.Value != nil
	case *IfExpr:
		return e.Else != nil && hasValue(e.Then) && hasValue(e.Else)
	}
	return true
}

// stmtOf makes a statement of an expression whose value isn't used.
func stmtOf(e Expr) Stmt {
	switch e := e.(type) {
	case *Block:
		e.DropValue()
		return &BlockStmt{stmt{node{e.Pos}}, e}
	case *IfExpr:
		e.dropValue()
		return &If{stmt{node{e.Pos}}, e}
	}
	return &ExprStmt{stmt{node{e.Span()}}, e}
}

// DropValue makes the value of b a statement, and that of the blocks that yield it:
// b stands where nothing takes its value, such as a macro's body called for its effect.
func (b *Block) DropValue() {
	if b.Value != nil {
		b.Stmts = append(b.Stmts, stmtOf(b.Value))
		b.Value = nil
	}
}

func (e *IfExpr) dropValue() {
	e.Then.DropValue()
	switch els := e.Else.(type) {
	case *Block:
		els.DropValue()
	case *IfExpr:
		els.dropValue()
	}
}

// endStmt uses up the semicolon after a statement; the last of a block needs none.
func (p *parser) endStmt() {
	if p.lost || p.got(Semi) || p.at(RBrace) || p.at(EOF) {
		return
	}
	p.missingSemicolon()
}

// missingSemicolon reports a missing semicolon where it should stand. Parsing goes on
// with the next statement if that's what follows.
func (p *parser) missingSemicolon() {
	next := p.peek()
	if p.lost || p.unclosed || p.lastErr >= p.last && p.lastErr < next.Start {
		p.lost = true // a character that was reported stands between
		return
	}
	d := p.errorf(diag.CodeSemicolon, p.last, p.last, "expected `;`, found %s", p.found())
	switch next.Kind {
	case LParen, LBrace:
		if strings.Contains(p.text[p.last:next.Start], "\n") {
			d.Suggest(";").Fix.Msg = "end the statement with `;`"
		}
	case Name, Var, Map, Param, Number, String, IncDec, Bang, Tilde:
		d.Suggest(";").Fix.Msg = "end the statement with `;`"
	case Colon:
		p.lost = true
		d.Note("a type is given where a variable is declared: `let $x: int8 = 1;`")
	case RParen, RBrack:
		p.lost = true
		d.Note("%s closes nothing that is open here", p.found())
	default:
		p.lost = true
	}
}

// assign reads the rest of `target op value`.
func (p *parser) assign(target Expr, start int) Stmt {
	op := p.next().Op
	s := &Assign{Target: target, Op: op, X: p.expr()}
	at := p.src.Offset(target.Span().Start)
	end := p.src.Offset(target.Span().End)
	switch {
	case isBad(target) || isPlace(target):
	case isMember(target):
		p.errorf(diag.CodeAssign, at, end, "tuples, records and the memory of the traced program can't be changed").
			Note("make a new value and assign that")
	default:
		p.errorf(diag.CodeAssign, at, end, "only variables, maps and their elements can be assigned")
	}
	place(p, s, start)
	p.endStmt()
	return s
}

// isPlace reports whether e can be assigned: $x, @m, @m[k], or what is in a variable: $x[i],
// $x.member, as deep as it goes.
func isPlace(e Expr) bool {
	switch e := e.(type) {
	case *VarExpr, *MapExpr:
		return true
	case *IndexExpr:
		_, ok := e.X.(*MapExpr)
		return ok || PlaceVar(e) != nil
	}
	return PlaceVar(e) != nil
}

// PlaceVar is the variable that e is a part of: $x of $x[i].member; nil when it's none.
func PlaceVar(e Expr) *VarExpr {
	for {
		switch x := e.(type) {
		case *VarExpr:
			return x
		case *IndexExpr:
			e = x.X
		case *FieldExpr:
			if x.Arrow {
				return nil
			}
			e = x.X
		case *ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func isBad(e Expr) bool { _, bad := e.(*BadExpr); return bad }

// isMember reports whether e is a part of something else than a variable.
func isMember(e Expr) bool {
	switch e.(type) {
	case *TupleIndex, *FieldExpr:
		return true
	}
	return false
}

// followedByAssign reports whether a plain = stands after the next token.
func (p *parser) followedByAssign() bool {
	s := p.reader()
	s.Next()
	t := s.Next()
	return t.Kind == AssignTok && t.Op == ASSIGN
}

func (p *parser) discard() Stmt {
	start := p.next().Start
	p.next()
	s := &Discard{X: p.expr()}
	place(p, s, start)
	p.endStmt()
	return s
}

func (p *parser) importStmt() Stmt {
	start := p.peek().Start
	return place(p, &ImportStmt{Path: p.importPath()}, start)
}

// let reads `let $x [: type] [= value];`.
func (p *parser) let() Stmt {
	start := p.next().Start
	s := &Let{}
	t := p.peek()
	if t.Kind != Var {
		d := p.expected("a variable")
		if t.Kind == Map {
			d.Note("maps need no declaration; to choose a map's kind, declare it outside of the probes")
		}
		s.Name = done(p, &VarExpr{}, t.Start)
		return place(p, s, start)
	}
	p.next()
	s.Name = done(p, &VarExpr{Name: p.textOf(t)}, t.Start)
	if p.got(Colon) {
		s.Type = p.typeExpr()
	}
	if t := p.peek(); t.Kind == AssignTok && t.Op == ASSIGN {
		p.next()
		s.X = p.expr()
	} else if p.assignOf(s.Name) {
		return place(p, s, start)
	}
	place(p, s, start)
	p.endStmt()
	return s
}

var jumpKinds = map[string]JumpKind{"break": Break, "continue": Continue, "return": Return}

func (p *parser) jump() Stmt {
	t := p.next()
	s := &Jump{Kind: jumpKinds[p.textOf(t)]}
	if s.Kind == Return && !p.at(Semi) && !p.at(RBrace) {
		s.X = p.expr()
	}
	place(p, s, t.Start)
	p.endStmt()
	return s
}

// cond reads the condition of if, while and unroll: one in parentheses, which then
// are neither a tuple's nor a cast's, or else a unary expression.
func (p *parser) cond() Expr {
	open := p.peek()
	if !p.got(LParen) {
		return p.unary()
	}
	e := p.expr()
	p.closing(RParen, open)
	return e
}

func (p *parser) while() Stmt {
	start := p.next().Start
	s := &While{Cond: p.cond()}
	s.Body = p.body()
	return place(p, s, start)
}

func (p *parser) unroll() Stmt {
	start := p.next().Start
	s := &Unroll{N: p.cond()}
	s.Body = p.body()
	return place(p, s, start)
}

// body reads the block of a loop, unless what stands before it went wrong.
func (p *parser) body() *Block {
	if p.toBlock(); p.lost {
		return done(p, &Block{}, p.last)
	}
	return p.block(false)
}

// forLoop reads `for ($v : @map) { … }` and `for ($v : from..to) { … }`; the
// parentheses may be missing.
func (p *parser) forLoop() Stmt {
	start := p.next().Start
	s := &For{}
	open := p.peek()
	parens := p.got(LParen)
	t := p.peek()
	if t.Kind != Var {
		p.stray(diag.CodeLoop, "expected the loop's variable, found "+p.found())
		s.Var = done(p, &VarExpr{}, t.Start)
		s.Body = p.body()
		return place(p, s, start)
	}
	p.next()
	s.Var = done(p, &VarExpr{Name: p.textOf(t)}, t.Start)
	p.want(Colon)
	p.forRange(s)
	if parens {
		p.closing(RParen, open)
	}
	s.Body = p.body()
	return place(p, s, start)
}

// forRange reads what a for loop runs over.
func (p *parser) forRange(s *For) {
	x := p.unary()
	if p.got(DotDot) {
		s.From, s.To = x, p.unary()
		return
	}
	m, ok := x.(*MapExpr)
	if !ok && !p.lost {
		p.errorf(diag.CodeLoop, p.src.Offset(x.Span().Start), p.src.Offset(x.Span().End),
			"a for loop runs over a map or a range").
			Note("a range is written `0..10`; a sum as a bound needs parentheses: `0..($n + 1)`")
		p.lost = !p.at(RParen) && !p.at(LBrace)
	}
	if !ok {
		m = done(p, &MapExpr{}, p.last)
	}
	s.Map = m
}
