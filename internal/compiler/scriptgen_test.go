package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// scriptGen writes random scripts of one begin probe that nearly always pass the checker.
// They print as they go; what they print depends on nothing but the script.
type scriptGen struct {
	r      *rand.Rand
	b      strings.Builder
	indent int
	names  int
	scopes [][]genVar
	maps   []genMap
	loops  int // loops around; their bodies are run often
	inMap  int // loops over maps around, whose order isn't known: only sums are allowed
	budget int // statements left
}

// genType is a type as the generator knows it: 'i' integers, 'b' bools, 's' strings, 't'
// tuples, 'r' records, 'a' arrays of 8 uint8.
type genType struct {
	kind  byte
	name  string // of an integer's type
	elems []genType
}

type genVar struct {
	name   string
	t      genType
	locked bool // a loop's variable or bound
}

type genMap struct {
	name       string
	key        []genType // nil: no key
	value      genType
	agg        string // count, sum …; "" otherwise
	aggOperand string // the integer type that it takes
}

// genInts are the integer types.
var genInts = []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}

// randomScript is the script of a seed.
func randomScript(seed uint64, size int) string {
	g := &scriptGen{r: rand.New(rand.NewPCG(seed, 1)), budget: size}
	for i := range 2 + g.r.IntN(4) {
		g.maps = append(g.maps, g.newMap(i))
	}
	g.line("begin {")
	g.indent++
	g.push()
	// Numbers that the compiler can't know.
	g.line("$zero = (uint64)(cpu > 5000 ? 1 : 0);")
	g.declare("$zero", genType{kind: 'i', name: "uint64"}, true)
	g.line("$one = (int32)(cpu < 5000 ? 1 : 0);")
	g.declare("$one", genType{kind: 'i', name: "int32"}, true)
	for _, m := range g.maps {
		g.set(m)
	}
	for g.budget > 0 {
		g.stmt()
	}
	g.pop()
	g.line("exit();")
	g.indent--
	g.line("}")
	g.line("end {")
	for _, m := range g.maps {
		g.line("  clear(%s);", m.name)
	}
	g.line("}")
	return g.b.String()
}

func (g *scriptGen) line(format string, args ...any) {
	g.b.WriteString(strings.Repeat("  ", g.indent))
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *scriptGen) one(n int) bool          { return g.r.IntN(n) == 0 }
func (g *scriptGen) pick(s ...string) string { return s[g.r.IntN(len(s))] }
func (g *scriptGen) push()                   { g.scopes = append(g.scopes, nil) }
func (g *scriptGen) pop()                    { g.scopes = g.scopes[:len(g.scopes)-1] }

func (g *scriptGen) declare(name string, t genType, locked bool) {
	top := len(g.scopes) - 1
	g.scopes[top] = append(g.scopes[top], genVar{name, t, locked})
}

func (g *scriptGen) fresh() string {
	g.names++
	return fmt.Sprintf("$v%d", g.names)
}

// vars are the variables in scope that pass want.
func (g *scriptGen) vars(want func(genVar) bool) (out []genVar) {
	for _, s := range g.scopes {
		for _, v := range s {
			if want(v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (g *scriptGen) newMap(i int) genMap {
	m := genMap{name: fmt.Sprintf("@m%d", i), value: g.valueType(1)}
	if g.one(4) {
		m.agg = g.pick("count", "sum", "min", "max", "avg")
		m.aggOperand = g.pick("int64", "uint64")
		m.value = genType{kind: 'i', name: m.aggOperand}
	}
	if !g.one(4) {
		for range 1 + g.r.IntN(3)/2 + g.r.IntN(2) {
			m.key = append(m.key, g.keyType())
		}
	}
	return m
}

func (g *scriptGen) keyType() genType {
	switch g.r.IntN(6) {
	case 0, 1:
		return genType{kind: 's'}
	case 2:
		return genType{kind: 't', elems: []genType{g.intType(), {kind: 's'}, g.intType()}}
	}
	return g.intType()
}

func (g *scriptGen) intType() genType {
	return genType{kind: 'i', name: genInts[g.r.IntN(len(genInts))]}
}

func (g *scriptGen) valueType(depth int) genType {
	switch g.r.IntN(9) {
	case 0, 1:
		return genType{kind: 's'}
	case 2:
		return genType{kind: 'b'}
	case 3, 4:
		if depth > 0 {
			t := genType{kind: "tr"[g.r.IntN(2)]}
			for range 2 + g.r.IntN(3) {
				t.elems = append(t.elems, g.valueType(depth-1))
			}
			return t
		}
	case 5:
		if depth > 0 {
			return genType{kind: 'a'}
		}
	}
	return g.intType()
}

// Expressions.

func (g *scriptGen) expr(t genType, depth int) string {
	switch t.kind {
	case 'i':
		return g.typedInt(t, depth)
	case 'b':
		return g.boolean(depth)
	case 's':
		return g.str(depth)
	case 'a':
		return g.array(depth)
	}
	return g.tuple(t, depth)
}

// typedInt is an integer of type t. A cast keeps a variable from growing.
func (g *scriptGen) typedInt(t genType, depth int) string {
	return fmt.Sprintf("(%s)%s", t.name, g.integer(depth))
}

var genLiterals = []string{"0", "1", "2", "3", "7", "8", "100", "127", "128", "200", "255", "256", "1000", "32767", "32768",
	"65535", "65536", "1000000", "2147483647", "2147483648", "4294967295", "4294967296", "0x123456789abcdef", "-1", "-2", "-128", "-129", "-40000"}

// integer is an integer of any type, in parentheses where it takes them.
func (g *scriptGen) integer(depth int) string {
	if depth <= 0 {
		return g.atom()
	}
	d := depth - 1
	switch g.r.IntN(14) {
	case 0, 1, 2, 3:
		op := g.pick("+", "-", "*", "&", "|", "^")
		return fmt.Sprintf("(%s %s %s)", g.integer(d), op, g.variable())
	case 4:
		return fmt.Sprintf("(%s %s %d)", g.variable(), g.pick("<<", ">>"), g.r.IntN(64))
	case 5:
		return fmt.Sprintf("((uint64)%s %s (uint64)%s)", g.integer(d), g.pick("/", "%"), g.integer(d))
	case 6:
		return fmt.Sprintf("(%s%s)", g.pick("-", "~"), g.typedInt(g.intType(), d))
	case 7:
		return fmt.Sprintf("(%s ? %s : %s)", g.boolean(d), g.typedInt(g.intType(), d), g.typedInt(g.intType(), d))
	case 8:
		return g.typedInt(g.intType(), d)
	case 9:
		return fmt.Sprintf("(%s)(!(%s))", g.pick(genInts...), g.boolean(d))
	case 10:
		return fmt.Sprintf("(int64)strlen(%s)", g.strVariable())
	case 11:
		return fmt.Sprintf("%s[(uint64)%s %% %d]", g.arrayVariable(), g.integer(d), 7+g.r.IntN(2))
	case 12:
		return fmt.Sprintf("bswap(%s)", g.typedInt(g.intType(), d))
	}
	return g.mapInt(d)
}

func (g *scriptGen) atom() string {
	if g.one(3) {
		return genLiterals[g.r.IntN(len(genLiterals))]
	}
	return g.variable()
}

// variable is an integer that isn't a literal.
func (g *scriptGen) variable() string {
	vs := g.vars(func(v genVar) bool { return v.t.kind == 'i' || v.t.kind == 't' || v.t.kind == 'r' })
	v := vs[g.r.IntN(len(vs))]
	path, t := g.into(v.name, v.t, 'i')
	if t.kind != 'i' {
		return "$zero"
	}
	return path
}

// into goes down a tuple's elements to one of kind, if there is any.
func (g *scriptGen) into(path string, t genType, kind byte) (string, genType) {
	for len(t.elems) > 0 {
		i := g.r.IntN(len(t.elems))
		if t.kind == 'r' {
			path = fmt.Sprintf("%s.f%d", path, i)
		} else {
			path = fmt.Sprintf("%s.%d", path, i)
		}
		t = t.elems[i]
	}
	return path, t
}

func (g *scriptGen) strVariable() string {
	vs := g.vars(func(v genVar) bool { return v.t.kind == 's' })
	if len(vs) == 0 {
		return fmt.Sprintf("%q", g.letters(g.r.IntN(12)))
	}
	return vs[g.r.IntN(len(vs))].name
}

func (g *scriptGen) arrayVariable() string {
	vs := g.vars(func(v genVar) bool { return v.t.kind == 'a' })
	if len(vs) == 0 {
		return fmt.Sprintf("((uint8[8])(uint64)%s)", g.variable())
	}
	return vs[g.r.IntN(len(vs))].name
}

func (g *scriptGen) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefgh"[g.r.IntN(2+g.r.IntN(7))]
	}
	return string(b)
}

func (g *scriptGen) boolean(depth int) string {
	if depth <= 0 {
		return g.pick("true", "false", "$zero == 0", "$one == 0")
	}
	d := depth - 1
	switch g.r.IntN(8) {
	case 0:
		return fmt.Sprintf("(%s && %s)", g.boolean(d), g.boolean(d))
	case 1:
		return fmt.Sprintf("(%s || %s)", g.boolean(d), g.boolean(d))
	case 2:
		return fmt.Sprintf("(!%s)", g.variable())
	case 3:
		return fmt.Sprintf("(%s %s %s)", g.strVariable(), g.pick("==", "!="), g.str(d))
	case 4:
		return fmt.Sprintf("(%s(%s, %q))", "strcontains", g.strVariable(), g.letters(1+g.r.IntN(3)))
	case 5:
		if m, ok := g.anyMap(func(m genMap) bool { return m.key != nil }); ok {
			return fmt.Sprintf("has_key(%s, %s)", m.name, g.keyArg(m, d))
		}
	case 6:
		t := genType{kind: 't', elems: []genType{g.intType(), {kind: 's'}}}
		return fmt.Sprintf("(%s %s %s)", g.tuple(t, d), g.pick("==", "!="), g.tuple(t, d))
	}
	return fmt.Sprintf("(%s %s %s)", g.integer(d), g.pick("==", "!=", "<", "<=", ">", ">="), g.variable())
}

func (g *scriptGen) str(depth int) string {
	switch {
	case depth > 0 && g.one(5):
		return fmt.Sprintf("(%s ? %s : %s)", g.boolean(depth-1), g.str(depth-1), g.str(depth-1))
	case depth > 0 && g.one(5):
		if m, ok := g.anyMap(func(m genMap) bool { return m.value.kind == 's' }); ok {
			return g.element(m, depth-1)
		}
	case g.one(2):
		return g.strVariable()
	}
	return fmt.Sprintf("%q", g.letters([]int{0, 1, 3, 7, 8, 15, 16, 33, 70}[g.r.IntN(9)]))
}

func (g *scriptGen) array(depth int) string {
	return fmt.Sprintf("(uint8[8])(uint64)%s", g.integer(depth))
}

func (g *scriptGen) tuple(t genType, depth int) string {
	var parts []string
	for i, e := range t.elems {
		x := g.expr(e, depth-1)
		if t.kind == 'r' {
			x = fmt.Sprintf("f%d=%s", i, x)
		}
		parts = append(parts, x)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// Maps.

func (g *scriptGen) anyMap(want func(genMap) bool) (genMap, bool) {
	var ms []genMap
	for _, m := range g.maps {
		if want(m) {
			ms = append(ms, m)
		}
	}
	if len(ms) == 0 {
		return genMap{}, false
	}
	return ms[g.r.IntN(len(ms))], true
}

// keyPart is a key of few values, so that keys meet.
func (g *scriptGen) keyPart(t genType, depth int) string {
	switch t.kind {
	case 'i':
		if g.one(2) {
			return fmt.Sprintf("(%s)%d", t.name, g.r.IntN(3))
		}
		return fmt.Sprintf("(%s)(%s & 3)", t.name, g.integer(depth))
	case 's':
		if g.one(3) {
			return g.strVariable()
		}
		return fmt.Sprintf("%q", g.letters(g.r.IntN(3)))
	}
	var parts []string
	for _, e := range t.elems {
		parts = append(parts, g.keyPart(e, depth-1))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (g *scriptGen) keyParts(m genMap, depth int) string {
	var parts []string
	for _, t := range m.key {
		parts = append(parts, g.keyPart(t, depth))
	}
	return strings.Join(parts, ", ")
}

// keyArg is a key as one argument.
func (g *scriptGen) keyArg(m genMap, depth int) string {
	if k := g.keyParts(m, depth); len(m.key) == 1 {
		return k
	} else {
		return "(" + k + ")"
	}
}

func (g *scriptGen) element(m genMap, depth int) string {
	if m.key == nil {
		return m.name
	}
	return fmt.Sprintf("%s[%s]", m.name, g.keyParts(m, depth))
}

// mapInt is an integer out of a map.
func (g *scriptGen) mapInt(depth int) string {
	m, ok := g.anyMap(func(m genMap) bool { return m.value.kind == 'i' })
	if !ok {
		return g.variable()
	}
	return fmt.Sprintf("(int64)%s", g.element(m, depth))
}
