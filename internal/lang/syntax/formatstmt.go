package syntax

// block writes a block; one that is only a value stays on its line.
func (p *printer) block(b *Block) {
	if b.Value == nil || !isPlainBlock(b) || p.breaks(p.start(b), p.end(b)) {
		p.lines(b)
		return
	}
	p.token(p.start(b), "{")
	p.space = true
	p.expr(b.Value)
	p.space = true
	p.token(p.end(b)-1, "}")
}

// lines writes a block with a line for each statement.
func (p *printer) lines(b *Block) {
	p.token(p.start(b), "{")
	p.open()
	for _, s := range b.Stmts {
		p.item(p.start(s))
		p.stmt(s)
	}
	if b.Value != nil {
		p.item(p.start(b.Value))
		p.expr(b.Value)
	}
	p.closeBrace(p.end(b)-1, len(b.Stmts) == 0 && b.Value == nil)
}

// isPlainBlock reports whether b is an expression without statements in it.
func isPlainBlock(b *Block) bool {
	plain := true
	Inspect(b, func(n Node) bool {
		_, stmt := n.(Stmt)
		plain = plain && !stmt
		return plain
	})
	return plain
}

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *If:
		p.expr(s.X)
	case *BlockStmt:
		p.block(s.X)
	case *While:
		p.words("while")
		p.loop(s.Cond, s.Body)
	case *Unroll:
		p.words("unroll")
		p.loop(s.N, s.Body)
	case *For:
		p.forLoop(s)
	default:
		p.simpleStmt(s)
		p.write(";")
	}
	p.last = max(p.last, p.end(s))
}

// simpleStmt writes a statement that ends in a semicolon, without it.
func (p *printer) simpleStmt(s Stmt) {
	switch s := s.(type) {
	case *ExprStmt:
		p.expr(s.X)
	case *Let:
		p.words("let")
		p.expr(s.Name)
		if s.Type != nil {
			p.words(":")
			p.expr(s.Type)
		}
		if s.X != nil {
			p.operator("=", s.X)
		}
	case *Assign:
		p.expr(s.Target)
		p.operator(assignText(s.Op), s.X)
	case *Discard:
		p.write("_")
		p.operator("=", s.X)
	case *Jump:
		p.write(jumpText[s.Kind])
		if s.X != nil {
			p.operand(s.X)
		}
	case *ImportStmt:
		p.words("import")
		p.expr(s.Path)
	}
}

// loop writes the condition and the body of a loop.
func (p *printer) loop(cond Expr, body *Block) {
	p.write("(")
	p.expr(cond)
	p.words(")")
	p.block(body)
}

func (p *printer) forLoop(s *For) {
	p.words("for")
	p.write("(")
	p.expr(s.Var)
	p.space = true
	p.words(":")
	if s.Map != nil {
		p.expr(s.Map)
	} else {
		p.expr(s.From)
		p.write("..")
		p.expr(s.To)
	}
	p.words(")")
	p.block(s.Body)
}

// ifExpr writes an if; an else after a comment begins a line.
func (p *printer) ifExpr(e *IfExpr) {
	p.token(p.start(e), "if")
	p.space = true
	if e.Comptime {
		p.words("comptime")
	}
	p.write("(")
	p.expr(e.Cond)
	p.words(")")
	p.block(e.Then)
	if e.Else == nil {
		return
	}
	if off := p.start(e.Else); len(p.comments) > 0 && p.at(p.comments[0]) < off {
		p.rest(off)
		p.newline()
	} else {
		p.space = true
	}
	p.words("else")
	p.expr(e.Else)
}
