package compiler_test

import (
	"fmt"
	"strings"
)

// stmt writes a statement.
func (g *scriptGen) stmt() {
	g.budget--
	n := g.r.IntN(25)
	if g.inMap > 0 {
		g.sum()
		return
	}
	switch {
	case n < 5:
		g.assignVar()
	case n < 7:
		g.compound()
	case n < 11:
		g.setMap()
	case n < 13:
		if x := g.printable(); x[0] != '@' || strings.Contains(x, "[") { // a whole map is read later
			g.line("print(%s);", x)
		}
	case n < 16:
		g.printf()
	case n < 18:
		g.ifStmt()
	case n < 19:
		g.rangeLoop()
	case n < 20:
		g.mapLoop()
	case n < 21:
		g.otherLoop()
	case n < 22:
		g.incDec()
	case n < 23:
		g.deleteKey()
	case n < 24:
		g.line("{")
		g.body(2)
		g.line("}")
	default:
		g.leave()
	}
}

// body writes up to n statements in a scope of their own.
func (g *scriptGen) body(n int) {
	g.indent++
	g.push()
	for range 1 + g.r.IntN(n) {
		g.stmt()
	}
	g.pop()
	g.indent--
}

func (g *scriptGen) assignVar() {
	vs := g.vars(func(v genVar) bool { return !v.locked })
	if len(vs) > 0 && g.one(2) {
		v := vs[g.r.IntN(len(vs))]
		g.line("%s = %s;", v.name, g.expr(v.t, 2))
		return
	}
	t, name := g.valueType(2), g.fresh()
	x := g.expr(t, 2)
	switch {
	case t.kind == 'i' && g.one(2):
		g.line("let %s : %s = %s;", name, t.name, x)
	case t.kind == 's':
		// A variable for all strings.
		g.line("let %s : string[80] = %s;", name, x)
	case t.kind == 'i' && g.one(4):
		n := g.fresh()
		g.line("%s = { let %s = %s; %s + %s };", name, n, g.typedInt(g.intType(), 2), n, g.variable())
	case t.kind == 'i' && g.one(3):
		g.line("%s = if (%s) { %s } else { %s };", name, g.boolean(2), x, g.typedInt(t, 1))
	default:
		g.line("%s = %s;", name, x)
	}
	g.declare(name, t, false)
}

func (g *scriptGen) compound() {
	vs := g.vars(func(v genVar) bool { return !v.locked && v.t.kind == 'i' })
	if len(vs) == 0 {
		g.assignVar()
		return
	}
	v := vs[g.r.IntN(len(vs))]
	op := g.pick("+=", "-=", "*=", "&=", "|=", "^=")
	g.line("%s %s %s;", v.name, op, g.typedInt(v.t, 2))
}

func (g *scriptGen) incDec() {
	op := g.pick("++", "--")
	vs := g.vars(func(v genVar) bool { return !v.locked && v.t.kind == 'i' })
	m, ok := g.anyMap(func(m genMap) bool { return m.agg == "" && m.value.kind == 'i' })
	switch {
	case ok && g.one(2):
		g.line("%s%s;", g.element(m, 1), op)
	case len(vs) > 0:
		v := vs[g.r.IntN(len(vs))]
		name := g.fresh()
		g.line("%s = %s;", name, g.pick(v.name+op, op+v.name))
		g.declare(name, genType{kind: 'i', name: "int64"}, false)
	}
}

func (g *scriptGen) setMap() { g.set(g.maps[g.r.IntN(len(g.maps))]) }

func (g *scriptGen) set(m genMap) {
	switch {
	case m.agg == "count":
		g.line("%s = count();", g.element(m, 2))
	case m.agg != "":
		g.line("%s = %s(%s);", g.element(m, 2), m.agg, g.typedInt(genType{name: m.aggOperand}, 2))
	case m.value.kind == 'i' && g.one(3):
		g.line("%s %s %s;", g.element(m, 1), g.pick("+=", "-=", "|=", "^="), g.typedInt(m.value, 2))
	default:
		g.line("%s = %s;", g.element(m, 1), g.expr(m.value, 2))
	}
}

func (g *scriptGen) deleteKey() {
	if m, ok := g.anyMap(func(m genMap) bool { return m.key != nil }); ok {
		g.line("delete(%s, %s);", m.name, g.keyArg(m, 1))
		g.line("print(len(%s));", m.name)
	}
}

// printable is an expression of any type.
func (g *scriptGen) printable() string {
	if g.one(4) {
		if m, ok := g.anyMap(func(m genMap) bool { return m.key != nil }); ok {
			x := g.element(m, 1)
			if m.agg != "" {
				// Kernels without this print an aggregation's element later.
				g.line("%s = (int64)%s;", g.fresh(), x)
			}
			return x
		}
	}
	if vs := g.vars(func(genVar) bool { return true }); g.one(2) {
		return vs[g.r.IntN(len(vs))].name
	}
	return g.expr(g.valueType(2), 2)
}

func (g *scriptGen) printf() {
	var format, args strings.Builder
	for range 1 + g.r.IntN(5) {
		verb := g.pick("%lld", "%llu", "%llx", "%d", "%u", "%x", "%s", "%s")
		format.WriteString(verb + g.pick(" ", "-", "", ": "))
		x := g.typedInt(g.intType(), 2)
		if verb == "%s" {
			x = g.str(2)
		}
		fmt.Fprintf(&args, ", %s", x)
	}
	g.line("printf(%q%s);", format.String()+"\n", args.String())
}

func (g *scriptGen) ifStmt() {
	g.line("if (%s) {", g.boolean(2))
	g.body(3)
	if g.one(2) {
		g.line("} else {")
		g.body(2)
	}
	g.line("}")
}

func (g *scriptGen) rangeLoop() {
	if g.loops >= 2 {
		return
	}
	name := g.fresh()
	from, to := fmt.Sprint(g.r.IntN(3)), fmt.Sprint(g.r.IntN(6))
	switch g.r.IntN(4) {
	case 0:
		to = "((int32)" + to + " + $one)"
	case 1:
		to = "((int64)" + g.variable() + " & 7)"
	}
	g.line("for (%s : %s..%s) {", name, from, to)
	g.loops++
	g.push()
	g.declare(name, genType{kind: 'i', name: "int64"}, true)
	g.body(3)
	g.jump()
	g.pop()
	g.loops--
	g.line("}")
}

// jump leaves a loop now and then.
func (g *scriptGen) jump() {
	if g.one(3) {
		g.line("  if (%s) { %s; }", g.boolean(2), g.pick("break", "continue", "break", "return"))
		g.line("  print(%s);", g.integer(1))
	}
}

func (g *scriptGen) otherLoop() {
	if g.loops >= 2 {
		return
	}
	g.loops++
	defer func() { g.loops-- }()
	if g.one(2) {
		g.line("unroll (%d) {", 1+g.r.IntN(3))
		g.body(2)
		g.line("}")
		return
	}
	name := g.fresh()
	g.line("%s = (uint64)%d;", name, g.r.IntN(4))
	g.line("while (%s < %d) {", name, 2+g.r.IntN(4))
	g.line("  %s++;", name)
	g.push()
	g.declare(name, genType{kind: 'i', name: "uint64"}, true)
	g.body(2)
	g.pop()
	g.line("}")
}

// mapLoop goes over a map; the order of its elements isn't known, so it only adds up.
func (g *scriptGen) mapLoop() {
	m, ok := g.anyMap(func(m genMap) bool { return m.key != nil })
	if !ok || g.loops >= 2 {
		return
	}
	sum, name := g.fresh(), g.fresh()
	g.line("%s = (uint64)%s;", sum, g.integer(1))
	g.declare(sum, genType{kind: 'i', name: "uint64"}, true)
	g.line("for (%s : %s) {", name, m.name)
	g.loops++
	g.inMap++
	g.push()
	key := m.key[0]
	if len(m.key) > 1 {
		key = genType{kind: 't', elems: m.key}
	}
	g.declare(name, genType{kind: 't', elems: []genType{key, m.value}}, true)
	g.declare(sum, genType{kind: 'i', name: "uint64"}, false)
	g.body(3)
	g.pop()
	g.inMap--
	g.loops--
	g.line("}")
	g.line("print(%s);", sum)
}

// sum adds to the only variable that isn't locked in a loop over a map.
func (g *scriptGen) sum() {
	top := g.scopes[len(g.scopes)-2]
	name, sum := top[0].name, top[1].name
	path, t := g.into(name, top[0].t, 'i')
	switch t.kind {
	case 'i':
		g.line("%s += (uint64)%s;", sum, path)
	case 's':
		g.line("%s += (uint64)strlen(%s);", sum, path)
	case 'b':
		g.line("if (%s) { %s += 5; }", path, sum)
	case 'a':
		g.line("%s += (uint64)%s[3];", sum, path)
	}
}

// leave ends the script early, under a condition that's seldom true.
func (g *scriptGen) leave() {
	if g.one(4) {
		g.line("if (%s && %s) { %s; }", g.boolean(2), g.boolean(1), g.pick("return", "exit()"))
	}
}
