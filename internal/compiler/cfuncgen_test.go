package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// cGen writes random C functions without undefined behaviour, but for signed overflow, which
// wraps in BPF and in gcc with -fwrapv.
type cGen struct {
	r       *rand.Rand
	b       strings.Builder
	ind     int
	vars    []cVar
	n       int      // of names
	funcs   []string // that may be called: int (int, long, struct s *)
	structs []string // the same: struct both (struct s, int)
	depth   int      // of loops
}

// cVar is a variable in scope.
type cVar struct {
	name   string
	locked bool // a loop's counter
}

var cTypes = []string{"signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int", "long", "unsigned long", "_Bool", "enum en"}

// randomC is a file with functions f0 … that take (int, unsigned, long, unsigned long).
func randomC(seed uint64, funcs int) string {
	g := &cGen{r: rand.New(rand.NewPCG(seed, 7))}
	g.b.WriteString(`typedef unsigned char u8;
enum en { EA, EB = 5, EC, ED = 1000 };
struct s { int a; unsigned char b; short c; unsigned d : 3, e : 11; int f : 7; long g; unsigned long h : 23, w : 40; u8 arr[5]; };
union un { unsigned int w; unsigned short h[2]; u8 b[4]; };
struct bits { signed char a : 5; u8 b : 3; short c : 9; unsigned short d : 7; int e : 31; unsigned f : 1, g : 17; int h : 15; _Bool i : 1; long j : 30; unsigned long k : 31; };
struct both { struct s s; struct bits b; };
struct out { struct s in[2]; union un u; struct { short x, y; }; };
static struct bits gb = { .a = -9, .c = -200, .e = -70000, .g = 99999, .k = 0x7fffffff };
static int gi = 17;
static unsigned long gl;
static struct s gs = { .a = -4, .e = 77, .f = -3, .g = 1L << 40, .arr = { 1, 2, [4] = 9 } };
static short ga[8] = { 3, -1, [5] = 12 };
static const int ctab[16] = { 1, -2, 3, 1000, -70000, [9] = 5, 6, [15] = 0x7fffffff };
static const struct s cs[2] = { { 1, 2, 3, .f = -9 }, { .h = 0x7bcdef } };
static const char text[] = "The quick brown fox";
`)
	for i := range funcs {
		g.helper(i)
		g.byValue(i)
		g.function(i)
	}
	return g.b.String()
}

func (g *cGen) one(n int) bool          { return g.r.IntN(n) == 0 }
func (g *cGen) pick(s ...string) string { return s[g.r.IntN(len(s))] }

func (g *cGen) line(format string, args ...any) {
	g.b.WriteString(strings.Repeat("\t", g.ind))
	fmt.Fprintf(&g.b, format+"\n", args...)
}

func (g *cGen) fresh() string {
	g.n++
	return fmt.Sprintf("v%d", g.n)
}

// helper is a static function that others call.
func (g *cGen) helper(i int) {
	g.vars = []cVar{{"p", false}, {"q", false}, {"t->a", false}, {"t->c", false}, {"t->f", false}, {"t->arr[2]", false}}
	g.line("static %s%s h%d(%s p, %s q, struct s *t)\n{", g.pick("", "inline ", "__attribute__((always_inline)) inline ", "__attribute__((noinline)) "),
		g.pick(cTypes...), i, g.pick(cTypes...), g.pick(cTypes...))
	g.body(1 + g.r.IntN(3))
	g.funcs = append(g.funcs, fmt.Sprintf("h%d", i))
}

// byValue is a function that takes and gives structs.
func (g *cGen) byValue(i int) {
	g.vars = []cVar{{"p", false}, {"v.a", false}, {"v.b", false}, {"v.e", false}, {"v.g", false}, {"z.b.c", false}, {"z.b.e", false}, {"z.s.c", false}}
	g.line("static struct both k%d(struct s v, %s p)\n{", i, g.pick(cTypes...))
	g.ind++
	g.line("struct both z = { .b = gb, .s = v };")
	for range 1 + g.r.IntN(3) {
		g.stmt(1)
	}
	g.line("z.s.a = v.a + %s;\n\treturn z;", g.expr(1))
	g.ind--
	g.line("}\n")
	g.structs = append(g.structs, fmt.Sprintf("k%d", i))
}

func (g *cGen) function(i int) {
	g.vars = []cVar{{"a", false}, {"b", false}, {"c", false}, {"d", false}, {"gi", false}, {"gl", false}, {"gs.e", false}, {"gs.g", false}, {"ga[3]", false}}
	for _, m := range "abcdefghijk" {
		g.vars = append(g.vars, cVar{"gb." + string(m), false})
	}
	g.line("%s f%d(int a, unsigned int b, long c, unsigned long d)\n{", g.pick(append(cTypes[:9:9], "long long")...), i)
	g.ind++
	g.line("struct s t = { %s, .c = %s, .e = %s, .f = %s, .h = %s, .arr = { [1] = %s } };", g.expr(1), g.expr(1), g.expr(1), g.expr(1), g.expr(1), g.expr(1))
	g.line("struct out o = { .in[1] = { .d = %s }, .y = %s };", g.expr(1), g.expr(1))
	g.line("int m[6] = { %s, [3] = %s };", g.expr(1), g.expr(1))
	g.line("long *pc = &c;\n\tint *pm = m + 2;\n\tshort *ps = &o.x;")
	for _, v := range []string{"t.a", "t.b", "t.d", "t.e", "t.f", "t.g", "t.h", "t.arr[1]", "o.in[1].d", "o.in[0].a", "o.u.w", "o.u.h[1]", "o.u.b[3]", "o.y", "(*ps)",
		"m[0]", "m[3]", "(*pc)", "pm[1]", "(*pm)", "pm[-1]", "(&t)->c"} {
		g.vars = append(g.vars, cVar{v, false})
	}
	g.ind--
	g.body(2 + g.r.IntN(4))
}

func (g *cGen) body(stmts int) {
	g.ind++
	for range stmts {
		g.stmt(2)
	}
	g.line("return %s;", g.expr(3))
	g.ind--
	g.line("}\n")
}

// lvalue is something to assign to.
func (g *cGen) lvalue() string {
	for {
		if v := g.vars[g.r.IntN(len(g.vars))]; !v.locked {
			return v.name
		}
	}
}

func (g *cGen) block(depth int) {
	g.ind++
	n := len(g.vars)
	for range 1 + g.r.IntN(3) {
		g.stmt(depth - 1)
	}
	g.vars = g.vars[:n]
	g.ind--
}

func (g *cGen) stmt(depth int) {
	kinds := 12
	if depth <= 0 {
		kinds = 6
	}
	switch g.r.IntN(kinds) {
	case 0:
		name := g.fresh()
		g.line("%s %s = %s;", g.pick(cTypes...), name, g.expr(3))
		g.vars = append(g.vars, cVar{name, false})
	case 1, 2:
		g.line("%s = %s;", g.lvalue(), g.expr(3))
	case 3:
		g.line("%s %s %s;", g.lvalue(), g.pick("+=", "-=", "*=", "&=", "|=", "^="), g.expr(2))
	case 4:
		g.line("%s", g.pick(g.lvalue()+"++;", "--"+g.lvalue()+";", g.lvalue()+fmt.Sprintf(" <<= %d;", g.r.IntN(7)), g.lvalue()+fmt.Sprintf(" >>= %s & 7;", g.expr(1)),
			g.lvalue()+fmt.Sprintf(" /= %d;", 2+g.r.IntN(9)), g.lvalue()+" %= 7;"))
	case 5:
		g.special()
	case 6, 7:
		g.line("if (%s) {", g.expr(2))
		g.block(depth)
		if g.one(2) {
			g.line("} else {")
			g.block(depth)
		}
		g.line("}")
	case 8, 9:
		g.loop(depth)
	case 10:
		g.switchStmt(depth)
	case 11:
		g.line("{")
		g.block(depth)
		g.line("}")
	}
}

func (g *cGen) special() {
	switch g.r.IntN(11) {
	case 7:
		if len(g.structs) > 0 && g.depth == 0 {
			g.line("gb = %s(gs, %s).b;", g.pick(g.structs...), g.expr(1))
		}
	case 8:
		name := g.fresh()
		g.line("static %s %s = %d; %s += %s; gi ^= %s;", g.pick(cTypes[:9]...), name, g.r.IntN(100), name, g.expr(1), name)
	case 9:
		name := g.fresh()
		g.line("if (%s) goto %s;\n\tgi -= %s;\n\t%s: gi++;", g.expr(1), name, g.expr(1), name)
	case 10:
		g.line("(%s) ? (%s = %s) : (gl++, gi = %s);", g.expr(1), g.lvalue(), g.expr(1), g.expr(1))
	case 6: // gcc reckons with bit-fields wider than an int in their own width
		g.line("gs.w = %s; gl ^= (unsigned long)gs.w;", g.expr(2))
	case 0:
		g.line("gs = (struct s){ .a = %s, .arr = \"ab\" };", g.expr(2))
	case 1:
		g.line("__builtin_memcpy(&gs.a, &gi, %d);", []int{1, 2, 4}[g.r.IntN(3)])
	case 2:
		g.line("__builtin_memset(&gl, %d, %d);", g.r.IntN(300), g.r.IntN(9))
	case 3:
		g.line("%s = (gi++, ga[%s & 7]);", g.lvalue(), g.expr(1))
	case 4:
		g.line("ga[%s & 7] = %s;", g.expr(1), g.expr(2))
	case 5:
		name := g.fresh()
		g.line("struct s %s = gs; %s.b ^= %s; gs = %s;", name, name, g.expr(1), name)
	}
}

func (g *cGen) loop(depth int) {
	if g.depth >= 2 {
		g.line("gi ^= %s;", g.expr(2))
		return
	}
	g.depth++
	i := g.fresh()
	n := 1 + g.r.IntN(6)
	if g.depth > 1 { // each turn is a state of the verifier's
		n = 1 + g.r.IntN(2)
	}
	g.vars = append(g.vars, cVar{i, true})
	kind := g.r.IntN(4)
	switch kind {
	case 0:
		g.line("for (int %s = 0; %s < %d; %s++) {", i, i, n, i)
	case 1:
		g.line("for (unsigned char %s = %d; %s; --%s) {", i, n, i, i)
	case 2:
		g.line("long %s = %d;\n%swhile (%s-- > 0) {", i, n, strings.Repeat("\t", g.ind), i)
	case 3:
		g.line("short %s = 0;\n%sdo {", i, strings.Repeat("\t", g.ind))
	}
	if g.one(3) {
		g.line("\tif (%s)\n%s\t\t%s;", g.expr(2), strings.Repeat("\t", g.ind), g.pick("break", "continue"))
	}
	g.block(depth)
	if kind == 3 {
		g.line("} while (++%s < %d);", i, n)
	} else {
		g.line("}")
	}
	if kind < 2 {
		g.vars = g.vars[:len(g.vars)-1]
	}
	g.depth--
}

func (g *cGen) switchStmt(depth int) {
	g.line("switch (%s) {", g.pick(g.expr(2)+" & 7", "(u8)("+g.expr(2)+")", g.expr(1)))
	for i := range 1 + g.r.IntN(4) {
		g.line("case %s:", g.pick(fmt.Sprint(i), fmt.Sprintf("%d ... %d", 100*(i+1), 100*(i+1)+g.r.IntN(90)), fmt.Sprint(-5-i)))
		g.block(depth)
		if g.one(2) {
			g.line("\tbreak;")
		}
	}
	if g.one(2) {
		g.line("default:")
		g.block(depth)
	}
	g.line("}")
}

// expr is an expression; both sides of an operator may be computed in any order, so only
// sequenced ones have effects.
func (g *cGen) expr(depth int) string {
	if depth <= 0 {
		return g.atom()
	}
	x := func() string { return g.expr(depth - 1) }
	switch g.r.IntN(19) {
	case 17:
		return fmt.Sprintf("((&ga[%s & 7] - ga) * 3 + (&ga[%s & 3] %s &ga[%s & 7]))", x(), g.atom(), g.pick("<", ">=", "==", "!="), g.atom())
	case 18:
		if len(g.structs) > 0 && g.depth == 0 {
			return fmt.Sprintf("%s(%s, %s).%s", g.pick(g.structs...), g.pick("gs", "cs[1]", "(struct s){ 1, 2, .g = 3 }"), g.atom(), g.pick("s.a", "s.b", "b.a", "b.e", "b.g"))
		}
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", x(), g.pick("+", "-", "*", "&", "|", "^"), x())
	case 3:
		return fmt.Sprintf("(%s %s %s)", x(), g.pick("<", "<=", ">", ">=", "==", "!="), x())
	case 4:
		return fmt.Sprintf("(%s %s ((%s & 7) + 2))", x(), g.pick("/", "%"), x())
	case 5:
		return fmt.Sprintf("(%s %s -((%s & 15) + 2L))", x(), g.pick("/", "%"), x())
	case 6:
		return fmt.Sprintf("(%s %s (%s & 7))", x(), g.pick("<<", ">>"), x())
	case 7:
		return fmt.Sprintf("(%s %s %d)", x(), g.pick("/", "%"), []int{1, 2, 3, 7, 10, 64, -3, 1000, 65537}[g.r.IntN(9)])
	case 8:
		return fmt.Sprintf("%s(%s)", g.pick("-", "~", "!", "+"), x())
	case 9, 10:
		return fmt.Sprintf("(%s)(%s)", g.pick(cTypes...), x())
	case 11:
		return fmt.Sprintf("(%s ? %s : %s)", x(), x(), x())
	case 12:
		return fmt.Sprintf("(%s %s %s)", x(), g.pick("&&", "||"), x())
	case 13:
		return g.pick(fmt.Sprintf("ctab[(%s) & 15]", x()), fmt.Sprintf("text[(unsigned)(%s) & 15]", x()), fmt.Sprintf("cs[%s & 1].f", x()))
	case 14:
		if len(g.funcs) > 0 && g.depth == 0 {
			return fmt.Sprintf("%s(%s, %s, &gs)", g.funcs[g.r.IntN(len(g.funcs))], g.atom(), g.atom())
		}
	case 15:
		return fmt.Sprintf("({ %s w = %s; w ^ (w >> 3); })", g.pick("int", "unsigned long", "short"), x())
	case 16:
		return g.pick(fmt.Sprintf("(%s == EC ? sizeof(struct s) : EB)", x()), fmt.Sprintf("(int)__builtin_bswap32(%s)", x()), fmt.Sprintf("__builtin_popcountll(%s)", x()),
			fmt.Sprintf("((union un){ .w = %s }).h[1]", x()))
	}
	return g.atom()
}

func (g *cGen) atom() string {
	if g.one(3) {
		return g.pick("0", "1", "-1", "2", "7", "255", "256", "-128", "32767", "65535", "0x7fffffff", "0x80000000", "0xffffffffu", "1L", "-1L",
			"0x123456789abcdefL", "'x'", "(-0x7fffffffffffffffL-1)", "EB", "3u", "100ul")
	}
	return g.vars[g.r.IntN(len(g.vars))].name
}
