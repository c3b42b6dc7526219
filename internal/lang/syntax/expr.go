package syntax

import (
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// expr reads an expression.
func (p *parser) expr() Expr {
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	return p.ternary(p.binary(p.unary(), 1))
}

// startOf is the offset at which e begins.
func (p *parser) startOf(e Expr) int { return p.src.Offset(e.Span().Start) }

// ternary reads what may follow a condition: `? a : b` or `?: b`.
func (p *parser) ternary(cond Expr) Expr {
	if !p.got(Question) {
		return cond
	}
	e := &CondExpr{Cond: cond}
	if !p.got(Colon) {
		e.A = p.expr()
		p.want(Colon)
	}
	e.B = p.expr()
	return done(p, e, p.startOf(cond))
}

// binary reads the operators after x that bind at least as strongly as least.
func (p *parser) binary(x Expr, least int) Expr {
	for n := 0; ; n++ {
		t := p.peek()
		if t.Kind != Operator || t.Op.Precedence() < least || p.closesPredicate(t) || p.tooMany(n) {
			return x
		}
		p.next()
		y := p.binary(p.unary(), t.Op.Precedence()+1)
		x = done(p, &BinaryExpr{Op: t.Op, OpPos: p.span(t.Start, t.End), X: x, Y: y}, p.startOf(x))
	}
}

// closesPredicate reports whether the operator is the slash before a probe's block:
// nothing is divided by a block.
func (p *parser) closesPredicate(t Token) bool {
	if t.Op != Div {
		return false
	}
	s := p.reader()
	s.Next()
	return s.Next().Kind == LBrace
}

// prefixOp is the unary operator that a token is at the start of an expression.
func prefixOp(t Token) Op {
	switch {
	case t.Kind == Bang:
		return Not
	case t.Kind == Tilde:
		return BitNot
	case t.Kind == IncDec && t.Op == PostInc:
		return PreInc
	case t.Kind == IncDec:
		return PreDec
	case t.Kind != Operator:
		return NoOp
	case t.Op == Sub:
		return Neg
	case t.Op == Mul:
		return Deref
	case t.Op == And:
		return AddrOf
	}
	return NoOp
}

func (p *parser) unary() Expr {
	defer p.leave()
	if !p.enter() {
		return p.bad()
	}
	t := p.peek()
	op := prefixOp(t)
	if op == NoOp {
		return p.postfix(p.primary())
	}
	p.next()
	x := p.unary()
	switch op {
	case PreInc, PreDec:
		p.checkIncDec(x, t)
	case AddrOf:
		p.checkAddrOf(x)
	}
	return done(p, &UnaryExpr{Op: op, X: x}, t.Start)
}

func (p *parser) checkIncDec(x Expr, op Token) {
	for {
		paren, ok := x.(*ParenExpr)
		if !ok {
			break
		}
		x = paren.X
	}
	if _, bad := x.(*BadExpr); !bad && !isPlace(x) && !p.lost {
		p.errorf(diag.CodeIncDec, op.Start, op.End, "`%s` needs a variable, a map or an element of a map", p.textOf(op))
	}
}

func (p *parser) checkAddrOf(x Expr) {
	switch x.(type) {
	case *VarExpr, *MapExpr, *BadExpr:
	default:
		if !p.lost {
			p.errorf(diag.CodeAddrOf, p.startOf(x), p.src.Offset(x.Span().End),
				"`&` takes the address of a variable or of a map")
		}
	}
}

// postfix reads what follows a primary expression: .name ->name .N [i] ++ --.
func (p *parser) postfix(x Expr) Expr {
	start := p.startOf(x)
	for n := 0; !p.lost && !p.tooMany(n); n++ {
		switch t := p.peek(); t.Kind {
		case Dot, Arrow:
			p.next()
			if n := p.peek(); t.Kind == Dot && n.Kind == Number {
				x = p.tupleIndex(x)
				break
			}
			f := &FieldExpr{X: x, Arrow: t.Kind == Arrow}
			f.Name = p.name("a field's name")
			x = done(p, f, start)
		case LBrack:
			x = p.index(x)
		case IncDec:
			p.next()
			p.checkIncDec(x, t)
			x = done(p, &UnaryExpr{Op: t.Op, X: x}, start)
		default:
			return x
		}
	}
	return x
}

func (p *parser) tupleIndex(x Expr) Expr {
	t := p.next()
	text := p.textOf(t)
	n, err := strconv.Atoi(text)
	if err != nil {
		p.errorf(diag.CodeNumber, t.Start, t.End, "an element of a tuple is a plain number")
	}
	return done(p, &TupleIndex{X: x, N: n, Digits: len(text)}, p.startOf(x))
}

// index reads `[i]`, and `[k, …]` after a map.
func (p *parser) index(x Expr) Expr {
	open := p.next()
	e := &IndexExpr{X: x, Args: []Expr{p.expr()}}
	if _, isMap := x.(*MapExpr); isMap {
		for !p.lost && p.got(Comma) {
			e.Args = append(e.Args, p.expr())
		}
	}
	p.closing(RBrack, open)
	return done(p, e, p.startOf(x))
}

// primary reads an operand.
func (p *parser) primary() Expr {
	switch t := p.peek(); t.Kind {
	case LParen:
		return p.paren()
	case LBrace:
		return p.block(true)
	case Name:
		if parse := exprWord(p.textOf(t)); parse != nil {
			return parse(p)
		}
		return p.nameOrCall()
	case Map:
		p.next()
		return done(p, &MapExpr{Name: p.textOf(t)}, t.Start)
	case Var:
		p.next()
		return done(p, &VarExpr{Name: p.textOf(t)}, t.Start)
	case Param:
		return p.param()
	case Number:
		return p.number()
	case String:
		return p.stringLit()
	}
	p.stray(diag.CodeExpr, "expected an expression, found "+p.found())
	return p.bad()
}

// exprWord is what reads the operand that begins with a keyword; nil: it's no keyword.
func exprWord(word string) func(*parser) Expr {
	switch word {
	case "if":
		return func(p *parser) Expr { return p.ifExpr() }
	case "true", "false":
		return (*parser).boolLit
	case "sizeof":
		return (*parser).sizeof
	case "offsetof":
		return (*parser).offsetof
	case "typeinfo":
		return (*parser).typeinfo
	case "comptime":
		return (*parser).comptime
	}
	return nil
}

func (p *parser) boolLit() Expr {
	t := p.next()
	return done(p, &BoolLit{Val: p.textOf(t) == "true"}, t.Start)
}

func (p *parser) comptime() Expr {
	start := p.next().Start
	return done(p, &ComptimeExpr{X: p.unary()}, start)
}

// param reads $N or $#.
func (p *parser) param() Expr {
	t := p.next()
	digits := p.textOf(t)[1:]
	if digits == "#" {
		return done(p, &ParamExpr{}, t.Start)
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 1 {
		p.errorf(diag.CodeParam, t.Start, t.End, "positional parameters are $1 to $2147483647")
	}
	return done(p, &ParamExpr{N: int(n)}, t.Start)
}

func (p *parser) number() *IntLit {
	t := p.next()
	e := &IntLit{Text: p.textOf(t)}
	var err error
	e.Val, e.Duration, err = parseNumber(e.Text)
	switch {
	case err == errOverflow:
		p.errorf(diag.CodeOverflow, t.Start, t.End, "`%s` is too large", e.Text)
	case err != nil:
		p.errorf(diag.CodeNumber, t.Start, t.End, "%v", err)
	}
	return done(p, e, t.Start)
}

func (p *parser) stringLit() *StringLit {
	t := p.next()
	e := &StringLit{Text: p.textOf(t)}
	val, bad := unquote(e.Text)
	e.Val = val
	for _, b := range bad {
		p.errorf(diag.CodeEscape, t.Start+b.start, t.Start+b.end, "%s", b.msg)
	}
	return done(p, e, t.Start)
}

// nameOrCall reads `name`, `name(args)` or `name!(args)`.
func (p *parser) nameOrCall() Expr {
	id := p.name("a name")
	start := p.startOf(id)
	bang := p.bangCall()
	if bang {
		p.next()
	}
	if !p.at(LParen) {
		return id
	}
	open := p.next()
	call := &CallExpr{Fun: id, Bang: bang}
	if !p.at(RParen) {
		call.Args = append(call.Args, p.arg())
		for !p.lost && p.got(Comma) {
			call.Args = append(call.Args, p.arg())
		}
	}
	p.closing(RParen, open)
	return done(p, call, start)
}

// bangCall reports whether `!(` follows, with the ! right behind the name.
func (p *parser) bangCall() bool {
	if t := p.peek(); t.Kind != Bang || t.Start != p.last {
		return false
	}
	s := p.reader()
	s.Next()
	return s.Next().Kind == LParen
}

// arg reads an argument of a call: an expression, or a type as typeof(…).
func (p *parser) arg() Expr {
	if p.atWord("typeof") {
		return p.typeExpr()
	}
	return p.expr()
}

// paren reads what begins with a parenthesis: a tuple, a record, a cast or a group.
func (p *parser) paren() Expr {
	switch {
	case p.isRecord():
		return p.record()
	case p.isCast():
		return p.cast()
	}
	open := p.next()
	if p.got(RParen) {
		return done(p, &TupleExpr{}, open.Start)
	}
	first := p.expr()
	if !p.at(Comma) {
		p.closing(RParen, open)
		return done(p, &ParenExpr{X: first}, open.Start)
	}
	t := &TupleExpr{Elems: []Expr{first}}
	for !p.lost && p.got(Comma) && !p.at(RParen) {
		t.Elems = append(t.Elems, p.expr())
	}
	p.closing(RParen, open)
	return done(p, t, open.Start)
}

// isRecord reports whether `(name=` follows.
func (p *parser) isRecord() bool {
	s := p.reader()
	s.Next()
	if t := s.Next(); t.Kind != Name || isValueName(p.textOf(t)) {
		return false
	}
	t := s.Next()
	return t.Kind == AssignTok && t.Op == ASSIGN
}

// record reads `(name=value, …)`.
func (p *parser) record() Expr {
	open := p.next()
	r := &RecordExpr{}
	for {
		f := &RecordField{Name: p.name("a field's name")}
		start := p.startOf(f.Name)
		p.checkFieldName(r, f.Name)
		p.wantAssign()
		f.X = p.expr()
		r.Fields = append(r.Fields, place(p, f, start))
		if p.lost || !p.got(Comma) {
			break
		}
	}
	p.closing(RParen, open)
	return done(p, r, open.Start)
}

func (p *parser) checkFieldName(r *RecordExpr, name *Ident) {
	for _, f := range r.Fields {
		if f.Name.Name == name.Name && !p.lost {
			p.errorf(diag.CodeField, p.startOf(name), p.startOf(name)+len(name.Name),
				"the record has a field `%s` already", name.Name).NoteAt(f.Name.Span(), "the first is here")
		}
	}
}

// ifExpr reads `if cond { … } else …`.
func (p *parser) ifExpr() *IfExpr {
	start := p.next().Start
	e := &IfExpr{}
	defer p.leave()
	if !p.enter() {
		e.Cond, e.Then = p.bad(), done(p, &Block{}, p.last)
		return done(p, e, start)
	}
	if p.gotWord("comptime") {
		e.Comptime = true
		e.Cond = p.unary()
		if paren, ok := e.Cond.(*ParenExpr); ok {
			e.Cond = paren.X
		}
	} else {
		e.Cond = p.cond()
	}
	if p.toBlock(); p.lost {
		e.Then = done(p, &Block{}, p.last)
		return done(p, e, start)
	}
	e.Then = p.block(true)
	p.elsePart(e)
	return done(p, e, start)
}

// elsePart reads what follows else, if there's one.
func (p *parser) elsePart(e *IfExpr) {
	if p.lost || !p.gotWord("else") {
		return
	}
	switch {
	case p.atWord("if"):
		e.Else = p.elseIf()
	case p.at(LBrace):
		e.Else = p.block(true)
	default:
		p.elseBlock(e)
	}
}

// elseIf reads one more branch of a chain, which nests no deeper to a reader.
func (p *parser) elseIf() *IfExpr {
	p.chain++
	if p.chain <= maxChain {
		p.depth--
		defer func() { p.depth++ }()
	}
	defer func() { p.chain-- }()
	return p.ifExpr()
}

// elseBlock reports what stands after else in the place of a block, and reads a statement there.
func (p *parser) elseBlock(e *IfExpr) {
	t := p.peek()
	p.expected("`{` or `if` after else")
	b := &Block{}
	if p.toBlock(); !p.lost {
		b = p.block(true)
		if p.atWord("else") && p.enter() { // it was an else if
			inner := &IfExpr{Cond: p.bad(), Then: b}
			p.elsePart(inner)
			e.Else = done(p, inner, t.Start)
			p.leave()
			return
		}
	} else if !p.escape && p.depth <= maxDepth && p.beginsStmt(t) {
		p.lost = false
		if p.stmt(b, false); !p.lost && strings.HasSuffix(p.text[:p.last], ";") {
			p.last-- // the semicolon is after the if as a whole
			p.off, p.ahead = p.last, false
		}
	}
	e.Else = done(p, b, t.Start)
}

// isValueName reports whether a name is always a value, so that it can't begin a type,
// a cast or a record. Others are decided by what follows them.
func isValueName(name string) bool {
	switch name {
	case "args", "ctx", "kstack", "nsecs", "pid", "tid", "ustack":
		return true
	}
	if strings.HasPrefix(name, "__builtin_") {
		return true
	}
	digits, ok := strings.CutPrefix(name, "arg")
	if !ok {
		digits, ok = strings.CutPrefix(name, "sarg")
	}
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
