package syntax

// typeNames are the names that are a type wherever a type may stand; any other name
// may be a typedef, a macro or a macro's parameter, which later stages tell apart.
var typeNames = map[string]bool{
	"bool": true, "void": true,
	"int8": true, "int16": true, "int32": true, "int64": true,
	"uint8": true, "uint16": true, "uint32": true, "uint64": true,
	"count_t": true, "sum_t": true, "min_t": true, "max_t": true, "avg_t": true, "stats_t": true,
	"usum_t": true, "umin_t": true, "umax_t": true, "uavg_t": true, "ustats_t": true,
	"timestamp": true, "macaddr_t": true, "cgroup_path_t": true, "username_t": true,
	"string": true, "buffer": true, "inet": true,
}

// sizedTypes are the types whose first brackets are a size and not an array's.
var sizedTypes = map[string]bool{"string": true, "buffer": true, "inet": true}

// cTags are the words before the name of a C type.
var cTags = map[string]bool{"struct": true, "union": true, "enum": true}

// typeExpr reads a type: a name, `struct name`, or `typeof(…)`, with stars and brackets.
func (p *parser) typeExpr() *TypeExpr {
	start := p.peek().Start
	t := &TypeExpr{}
	switch {
	case p.atWord("typeof"):
		p.next()
		open := p.peek()
		if p.want(LParen) {
			t.TypeofType, t.Typeof = p.typeOrExpr(RParen)
			p.closing(RParen, open)
		}
	case p.at(Name) && cTags[p.textOf(p.tok)]:
		t.Tag = p.textOf(p.next())
		t.Name = p.name("the name of a " + t.Tag).Name
	default:
		t.Name = p.name("a type").Name
	}
	return p.typeSuffixes(t, start)
}

// typeSuffixes reads the stars and brackets after a type's name.
func (p *parser) typeSuffixes(t *TypeExpr, start int) *TypeExpr {
	if t.Tag == "" && sizedTypes[t.Name] && p.at(LBrack) {
		t.Size = p.dimension()
	}
	for n := 0; !p.lost && !p.tooMany(n); n++ {
		switch {
		case p.at(Operator) && p.tok.Op == Mul:
			if len(t.Dims) > 0 {
				t = &TypeExpr{Elem: done(p, t, start)}
			}
			p.next()
			t.Ptr++
		case p.at(LBrack):
			t.Dims = append(t.Dims, p.dimension())
		default:
			return done(p, t, start)
		}
	}
	return done(p, t, start)
}

// dimension reads `[N]` or `[]`; nil stands for the latter. N is an expression: a number, a
// constant's name …
func (p *parser) dimension() Expr {
	open := p.next()
	var n Expr
	if !p.at(RBrack) {
		n = p.expr()
	}
	p.closing(RBrack, open)
	return n
}

// typeOrExpr reads a type or an expression, up to one of ends: one result is nil.
// A lone name that isn't a known type is an expression, an Ident.
func (p *parser) typeOrExpr(ends ...Kind) (*TypeExpr, Expr) {
	if p.atWord("typeof") || p.isType(ends) {
		return p.typeExpr(), nil
	}
	return nil, p.expr()
}

// isType reports whether a type and then one of ends follow.
func (p *parser) isType(ends []Kind) bool {
	s := p.reader()
	t := s.Next()
	if t.Kind != Name || isValueName(p.textOf(t)) {
		return false
	}
	known := typeNames[p.textOf(t)]
	if cTags[p.textOf(t)] {
		known = true
		if s.Next().Kind != Name {
			return false
		}
	}
	end, suffixes := skipSuffixes(&s, known)
	for _, k := range ends {
		if end.Kind == k {
			return known || suffixes
		}
	}
	return false
}

// skipSuffixes passes stars and brackets, and returns the token after them and
// whether there were any. Behind the name of a type that is known, any size is one; behind
// another, which may be a value's, only a number.
func skipSuffixes(s *Scanner, known bool) (end Token, any bool) {
	for t := s.Next(); ; t = s.Next() {
		switch {
		case t.Kind == Operator && t.Op == Mul:
		case t.Kind == LBrack && known:
			if !skipGroup(s, LBrack, RBrack) {
				return t, any
			}
		case t.Kind == LBrack:
			if t = s.Next(); t.Kind == Number {
				t = s.Next()
			}
			if t.Kind != RBrack {
				return t, any
			}
		default:
			return t, any
		}
		any = true
	}
}

// isCast reports whether `(type)` and an operand follow. As in bpftrace `(name) - 1`
// is a cast, unless the name is known for a value.
func (p *parser) isCast() bool {
	s := p.reader()
	s.Next()
	t := s.Next()
	name := p.text[t.Start:t.End]
	if t.Kind != Name || isValueName(name) {
		return false
	}
	plain := false
	switch {
	case name == "typeof":
		return s.Next().Kind == LParen
	case cTags[name]:
		if s.Next().Kind != Name {
			return false
		}
	default:
		plain = !typeNames[name]
	}
	end, suffixes := skipSuffixes(&s, !plain)
	if end.Kind != RParen {
		return false
	}
	return startsOperand(s.Next(), &s, plain && !suffixes && macroValues[name])
}

// startsOperand reports whether t, which stands after a parenthesis, begins an operand
// of a cast. With value, the parenthesis holds a name that is rather a value, and what
// can be a binary operator or a call is one.
func startsOperand(t Token, s *Scanner, value bool) bool {
	switch t.Kind {
	case Name, Var, Param, Map, Number, String, Tilde, Bang:
		return true
	case LParen:
		return !value
	case Operator:
		return !value && (t.Op == Sub || t.Op == Mul || t.Op == And)
	case IncDec:
		k := s.Next().Kind
		return k == Var || k == Map
	}
	return false
}

// macroValues are the values that the standard library's macros without arguments
// stand for: bpftrace would read `(cpu) - 1` as a cast to a type cpu.
var macroValues = map[string]bool{
	"cgroup": true, "comm": true, "cpid": true, "cpu": true, "curtask": true, "elapsed": true,
	"func": true, "gid": true, "jiffies": true, "ncpus": true, "numaid": true, "ppid": true,
	"probe": true, "rand": true, "retval": true, "uid": true, "username": true, "usermode": true,
}

// cast reads `(type)x`.
func (p *parser) cast() Expr {
	open := p.next()
	c := &CastExpr{Type: p.typeExpr()}
	p.closing(RParen, open)
	c.X = p.unary()
	return done(p, c, open.Start)
}

// sizeof reads `sizeof(type or expr)`.
func (p *parser) sizeof() Expr {
	start := p.next().Start
	e := &SizeofExpr{}
	e.Type, e.X = p.typeArg(RParen)
	return done(p, e, start)
}

// typeinfo reads `typeinfo(type or expr)`.
func (p *parser) typeinfo() Expr {
	start := p.next().Start
	e := &TypeinfoExpr{}
	e.Type, e.X = p.typeArg(RParen)
	return done(p, e, start)
}

// typeArg reads a type or an expression in parentheses.
func (p *parser) typeArg(end Kind) (t *TypeExpr, x Expr) {
	open := p.peek()
	if !p.want(LParen) {
		return nil, p.bad()
	}
	t, x = p.typeOrExpr(end)
	p.closing(RParen, open)
	return t, x
}

// offsetof reads `offsetof(type or expr, a.b.c)`.
func (p *parser) offsetof() Expr {
	start := p.next().Start
	e := &OffsetofExpr{}
	open := p.peek()
	if !p.want(LParen) {
		e.X = p.bad()
		return done(p, e, start)
	}
	e.Type, e.X = p.typeOrExpr(Comma)
	p.want(Comma)
	for !p.lost {
		e.Path = append(e.Path, p.name("a field's name"))
		if !p.got(Dot) {
			break
		}
	}
	p.closing(RParen, open)
	return done(p, e, start)
}
