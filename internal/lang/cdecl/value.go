package cdecl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// evaluator computes C's integer constant expressions: the conditions of #if, the
// values of enumerators, the lengths of arrays. Arithmetic is in 64 signed bits.
type evaluator struct {
	toks []token
	pos  int
	deep int // parentheses and operators around
	// name gives the value of an identifier; sizeof that of `sizeof (type)`, of which
	// it gets the tokens from behind the word on, and returns how many it used.
	name   func(t token) (int64, error)
	sizeof func(rest []token) (val int64, used int, err error)
}

// errExpr is the error of a malformed expression.
var errExpr = errors.New("malformed constant expression")

// binaryPrecedence of C's binary operators, 1 binding least.
var binaryPrecedence = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6,
	"<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

// all computes the whole of toks.
func (e *evaluator) all() (int64, error) {
	v, err := e.cond()
	if err == nil && e.pos < len(e.toks) {
		err = fmt.Errorf("unexpected `%s` in a constant expression", e.toks[e.pos].text)
	}
	return v, err
}

func (e *evaluator) peek() token {
	if e.pos < len(e.toks) {
		return e.toks[e.pos]
	}
	return token{}
}

func (e *evaluator) got(text string) bool {
	if !e.peek().is(text) {
		return false
	}
	e.pos++
	return true
}

func (e *evaluator) cond() (int64, error) {
	c, err := e.binary(1)
	if err != nil || !e.got("?") {
		return c, err
	}
	a, err := e.cond()
	if err != nil {
		return 0, err
	}
	if !e.got(":") {
		return 0, errExpr
	}
	b, err := e.cond()
	if c != 0 {
		b = a
	}
	return b, err
}

func (e *evaluator) binary(least int) (int64, error) {
	x, err := e.unary()
	for err == nil {
		op := e.peek()
		prec := binaryPrecedence[op.text]
		if op.kind != punct || prec < least {
			return x, nil
		}
		e.pos++
		var y int64
		if y, err = e.binary(prec + 1); err == nil {
			x, err = apply(op.text, x, y)
		}
	}
	return 0, err
}

func apply(op string, x, y int64) (int64, error) {
	switch op {
	case "||":
		return truth(x != 0 || y != 0), nil
	case "&&":
		return truth(x != 0 && y != 0), nil
	case "|":
		return x | y, nil
	case "^":
		return x ^ y, nil
	case "&":
		return x & y, nil
	case "==":
		return truth(x == y), nil
	case "!=":
		return truth(x != y), nil
	case "<":
		return truth(x < y), nil
	case "<=":
		return truth(x <= y), nil
	case ">":
		return truth(x > y), nil
	case ">=":
		return truth(x >= y), nil
	case "<<":
		return x << (uint64(y) & 63), nil
	case ">>":
		return x >> (uint64(y) & 63), nil
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	}
	if y == 0 {
		return 0, errors.New("division by zero in a constant expression")
	}
	if op == "/" {
		return x / y, nil
	}
	return x % y, nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (e *evaluator) unary() (int64, error) {
	t := e.peek()
	e.pos++
	e.deep++
	defer func() { e.deep-- }()
	switch {
	case e.deep > maxDepth:
		return 0, errors.New("constant expression nested too deeply")
	case t.is("-"), t.is("+"), t.is("~"), t.is("!"):
		x, err := e.unary()
		switch t.text {
		case "-":
			x = -x
		case "~":
			x = ^x
		case "!":
			x = truth(x == 0)
		}
		return x, err
	case t.is("("):
		x, err := e.cond()
		if err == nil && !e.got(")") {
			err = errExpr
		}
		return x, err
	case t.kind == number:
		return parseInt(t.text)
	case t.kind == char:
		return parseChar(t.text)
	case t.is("sizeof") && e.sizeof != nil:
		v, used, err := e.sizeof(e.toks[e.pos:])
		e.pos += used
		return v, err
	case t.kind == name:
		return e.name(t)
	case t.kind == eof:
		return 0, errors.New("constant expression expected")
	}
	return 0, fmt.Errorf("unexpected `%s` in a constant expression", t.text)
}

// parseInt reads a C integer literal.
func parseInt(text string) (int64, error) {
	digits := strings.TrimRight(text, "uUlL")
	if v, err := strconv.ParseUint(digits, 0, 64); err == nil && !strings.Contains(digits, "_") {
		return int64(v), nil
	}
	return 0, fmt.Errorf("`%s` is no integer", text)
}

// parseChar reads a C character literal.
func parseChar(text string) (int64, error) {
	r, _, rest, err := strconv.UnquoteChar(strings.TrimPrefix(text, "'"), '\'')
	if text == `'\0'` {
		return 0, nil
	}
	if err != nil || rest != "'" {
		return 0, fmt.Errorf("`%s` is no character", text)
	}
	return int64(r), nil
}
