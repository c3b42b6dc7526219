package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/testkit"
)

// scaleScript is a probe of n lines, each with a keyed map, a branch and an aggregation: some
// 60 instructions.
func scaleScript(n int) string {
	var b strings.Builder
	b.WriteString("rawtracepoint:sys_enter {\n")
	for i := range n {
		fmt.Fprintf(&b, "  @a%d[pid, %d] = count(); if (args.id == %d) { @s = sum(args.id * %d); }\n", i%40, i, i, i)
	}
	b.WriteString("}\n")
	return b.String()
}

// shapes are scripts of n parts in other directions: what is looked up, expanded, inlined or chained.
var shapes = []struct {
	name   string
	script func(n int) string
}{
	{"probe", scaleScript},
	{"functions", func(n int) string {
		return repeated(n, "fn f%[1]d($x: uint64): uint64 { return $x + %[1]d; }\n") +
			"begin { $x = nsecs; " + repeated(n, "$x = f%d($x); ") + "print($x); }"
	}},
	{"calls in calls", func(n int) string {
		var b strings.Builder
		b.WriteString("fn f0($x: uint64): uint64 { return $x; }\n")
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, "fn f%d($x: uint64): uint64 { return f%d($x) + %[1]d; }\n", i, i-1)
		}
		return b.String() + fmt.Sprintf("begin { print(f%d(nsecs)); }", n-1)
	}},
	{"pointers", func(n int) string {
		return "begin { " + repeated(n, "$t%[1]d = curtask; @ = sum($t%[1]d.pid); ") + "}"
	}},
	{"arrays", func(n int) string {
		return "begin { " + repeated(n, "let $a%[1]d: int64[4]; $a%[1]d[nsecs & 3] = 1; @ = sum($a%[1]d[1]); ") + "}"
	}},
	{"defines", func(n int) string {
		return repeated(n, "#define D%[1]d %[1]d\n") + "begin { $x = nsecs; " + repeated(n, "$x += D%d; ") + "print($x); }"
	}},
	{"else if", func(n int) string {
		return "begin { $x = nsecs; " + repeated(n, "if ($x == %[1]d) { @a = %[1]d; } else ") + "{ @a = 0; } }"
	}},
}

// repeated is text n times, with the numbers from 0.
func repeated(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, text, i)
	}
	return b.String()
}

// BenchmarkShapes compiles scripts of growing length in several directions: the time of a part,
// ns/part, is to stay the same.
func BenchmarkShapes(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range []int{1000, 4000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				l := newFacts(b)
				script := shape.script(n)
				for b.Loop() {
					if out, rep := l.compile(script, func(o *compiler.Options) { o.CheckIR = false }); out == nil || rep.Failed() {
						b.Fatal(errorsOf(rep))
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/part")
			})
		}
	}
}

// TestDoublingIsBounded: what doubles with each line ends in an error, and not in hours of compilation.
func TestDoublingIsBounded(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	var functions, loops, tuples, structs strings.Builder
	functions.WriteString("fn f0($x: uint64): uint64 { @x = $x; return $x; }\n")
	loops.WriteString("fn f0() { @x++; }\n")
	tuples.WriteString("begin { $t0 = (1, 1); ")
	structs.WriteString("struct f0 { int a; };\n")
	const n = 40
	for i := 1; i < n; i++ {
		fmt.Fprintf(&functions, "fn f%d($x: uint64): uint64 { return f%d($x) + f%[2]d($x + 1); }\n", i, i-1)
		fmt.Fprintf(&loops, "fn f%d() { for ($i : 0..1000) { f%d(); f%[2]d(); } }\n", i, i-1)
		fmt.Fprintf(&tuples, "$t%d = ($t%d, $t%[2]d); ", i, i-1)
		fmt.Fprintf(&structs, "struct f%d { struct f%d a; struct f%[2]d b; };\n", i, i-1)
	}
	fmt.Fprintf(&functions, "begin { print(f%d(nsecs)); }", n-1)
	fmt.Fprintf(&loops, "begin { f%d(); }", n-1)
	fmt.Fprintf(&tuples, "print($t%d); }", n-1)
	fmt.Fprintf(&structs, "begin { print(sizeof(struct f%d)); }", n-1)
	l := newFacts(t)
	for _, tt := range []struct{ script, want string }{
		{functions.String(), "E0501 with functions in the places of their calls, this is too large for a BPF program"},
		{loops.String(), "E0501 with functions in the places of their calls, this is too large for a BPF program"},
		{tuples.String(), "E0322 this has 2097152 bytes, and can have at most 1048576"},
		{structs.String(), "E0235 member `b` ends at byte 2147483648, and structs have at most 2147483647"},
		{"begin { let $x: int64[1000][1000][1000]; }", "E0322 this has 8000000000 bytes, and can have at most 16777216"},
		{"struct s { char a[100000000]; }; begin { let $x: struct s; }", "E0322 this has 100000000 bytes, and can have at most 16777216"},
	} {
		_, rep := l.compile(tt.script, func(o *compiler.Options) { o.CheckIR = false })
		if first, _, _ := strings.Cut(errorsOf(rep), "\n"); first != tt.want {
			t.Errorf("%.80s …\n gives %s\n want  %s", tt.script, first, tt.want)
		}
	}
}

// BenchmarkScale compiles scripts of growing length: the time of an instruction, ns/insn, is to
// stay the same.
func BenchmarkScale(b *testing.B) {
	for _, lines := range []int{250, 500, 1000, 2000, 4000} {
		b.Run(fmt.Sprint(lines), func(b *testing.B) {
			l := newFacts(b)
			script := scaleScript(lines)
			insns := 0
			for b.Loop() {
				out, rep := l.compile(script, func(o *compiler.Options) { o.CheckIR = false })
				if out == nil || rep.Failed() {
					b.Fatal(errorsOf(rep))
				}
				insns = len(out.Object.Programs[0].Insns)
			}
			b.ReportMetric(float64(insns), "insns")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(insns), "ns/insn")
		})
	}
}
