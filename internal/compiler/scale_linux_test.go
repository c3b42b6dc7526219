package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/compiler"
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
