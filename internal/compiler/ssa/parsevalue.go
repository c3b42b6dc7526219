package ssa

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// valueLine reads "v3 = op.suffix TYPE aux args tail" or "op.suffix aux args tail".
func (p *parser) valueLine(w []string, pos diag.Pos) error {
	v := &Value{Block: p.b, Pos: pos}
	name := ""
	if len(w) > 2 && w[1] == "=" {
		id, err := number('v', w[0])
		if err != nil {
			return err
		}
		if p.vals[w[0]] != nil {
			return fmt.Errorf("%s is defined twice", w[0])
		}
		name, w = w[0], w[2:]
		v.ID = id
		p.vals[name] = v
		p.f.lastValue = max(p.f.lastValue, id+1)
	} else {
		p.voids = append(p.voids, v)
	}
	opName, suffix, _ := strings.Cut(w[0], ".")
	op, ok := opByName(opName)
	if !ok {
		return fmt.Errorf("no op %q", opName)
	}
	v.Op = op
	w = w[1:]
	if name != "" {
		if len(w) == 0 {
			return fmt.Errorf("%s has no type", name)
		}
		if v.Type, ok = indexOf[Type](typeNames[:], w[0]); !ok {
			return fmt.Errorf("no type %q", w[0])
		}
		w = w[1:]
	}
	p.b.Values = append(p.b.Values, v)
	return p.operands(v, suffix, w)
}

func opByName(s string) (Op, bool) {
	for op := range opTable {
		if opTable[op].Name == s {
			return Op(op), true
		}
	}
	return 0, false
}

// operands reads what follows an op's type.
func (p *parser) operands(v *Value, suffix string, w []string) error {
	w, err := p.head(v, w)
	if err != nil {
		return err
	}
	n := 0
	for n < len(w) && len(w[n]) > 1 && w[n][0] == 'v' {
		n++
	}
	if n > 0 {
		v.Args = make([]*Value, n)
	}
	for i, name := range w[:n] {
		p.use(name, func(a *Value) { v.Args[i] = a; a.Uses++ })
	}
	t := tail{words: w[n:]}
	switch opForms[v.Op] {
	case formInt:
		v.AuxInt = t.int("")
	case formOffset, formSlot, formMap:
		v.AuxInt = t.int("+")
	case formMem, formZero:
		m := Mem{}
		if v.Op == OpLoad {
			m.Signed = strings.HasPrefix(suffix, "s")
			suffix = strings.TrimLeft(suffix, "us")
		}
		m.Size = t.size(suffix)
		if opForms[v.Op] == formMem {
			v.AuxInt = t.int("+")
		} else {
			v.AuxInt = t.int("")
		}
		m.Class = t.class()
		v.Aux = m
	case formMove:
		m := MoveInfo{Align: t.size(suffix)}
		v.AuxInt = t.int("")
		m.Dst, m.Src = t.class(), t.class()
		v.Aux = m
	}
	if t.err == nil && len(t.words) > 0 {
		t.err = fmt.Errorf("%q left over", t.words[0])
	}
	return t.err
}

// head reads what stands before the arguments.
func (p *parser) head(v *Value, w []string) ([]string, error) {
	form := opForms[v.Op]
	switch form {
	case formSlot, formMap, formName, formFunc, formHelper:
	default:
		return w, nil
	}
	if len(w) == 0 {
		return nil, fmt.Errorf("%s lacks an operand", v.Op)
	}
	s := w[0]
	switch form {
	case formSlot:
		id, err := number('s', s)
		if err != nil || int(id) >= len(p.f.Slots) {
			return nil, fmt.Errorf("no slot %s", s)
		}
		v.Aux = p.f.Slots[id]
	case formMap:
		id, err := number('m', s)
		if err != nil {
			return nil, err
		}
		v.Aux = int(id)
	case formName:
		name, err := strconv.Unquote(s)
		if err != nil {
			return nil, fmt.Errorf("name %s isn't quoted", s)
		}
		v.Aux = name
	case formFunc:
		if s[0] != '&' {
			return nil, fmt.Errorf("%q where &func should be", s)
		}
		p.calls = append(p.calls, funcUse{s[1:], p.line, v})
	case formHelper:
		n, err := strconv.ParseInt(strings.TrimPrefix(s, "#"), 10, 64)
		if err != nil || s[0] != '#' {
			return nil, fmt.Errorf("%q where #helper should be", s)
		}
		v.AuxInt = n
	}
	return w[1:], nil
}

// tail reads the words after the arguments; the first error stays.
type tail struct {
	words []string
	err   error
}

func (t *tail) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// int reads a number; with sign "+" it's an offset, which begins with its sign and
// is 0 when it isn't there.
func (t *tail) int(sign string) int64 {
	if sign != "" && (len(t.words) == 0 || !strings.ContainsAny(t.words[0][:1], "+-")) {
		return 0
	}
	if len(t.words) == 0 {
		t.fail("a number is missing")
		return 0
	}
	n, err := strconv.ParseInt(t.words[0], 0, 64)
	if err != nil {
		t.fail("%q isn't a number", t.words[0])
	}
	t.words = t.words[1:]
	return n
}

func (t *tail) size(s string) uint8 {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		t.fail("size %q isn't a number", s)
	}
	return uint8(n)
}

func (t *tail) class() MemClass {
	if len(t.words) == 0 || t.words[0][0] != '!' {
		t.fail("a memory class is missing")
		return MemAny
	}
	c, ok := indexOf[MemClass](classNames[:], t.words[0][1:])
	if !ok {
		t.fail("no memory class %s", t.words[0])
	}
	t.words = t.words[1:]
	return c
}
