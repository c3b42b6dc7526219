package text

import (
	"bytes"
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/output"
)

// Heads of the lines about tests: green and red.
const (
	headBar    = "\x1b[32m[==========]\x1b[0m "
	headRun    = "\x1b[32m[ RUN      ]\x1b[0m "
	headOK     = "\x1b[32m[       OK ]\x1b[0m "
	headPassed = "\x1b[32m[  PASSED  ]\x1b[0m "
	headFailed = "\x1b[31m[  FAILED  ]\x1b[0m "
)

// Test prints a test's end, with its output if it failed, and the sums after the last one.
func (s *Sink) Test(t *output.TestResult) {
	i := t.Index()
	if i == 0 {
		s.printf("%sRunning %d tests.\n", headBar, len(t.Names))
	}
	s.printf("%s%s\n", headRun, t.Names[i])
	head := headOK
	if !t.Passed[i] {
		head = headFailed
		for line := range bytes.Lines(t.Output) {
			if line = bytes.TrimSuffix(line, []byte("\n")); len(line) > 0 {
				s.printf("%s\n", line)
			}
		}
	}
	s.printf("%s%s (%s)\n", head, t.Names[i], duration(t.Time))
	if i == len(t.Names)-1 {
		s.testSums(t)
	}
	s.out.Check()
}

func (s *Sink) testSums(t *output.TestResult) {
	failed := 0
	for _, ok := range t.Passed {
		if !ok {
			failed++
		}
	}
	s.printf("%s%s ran.\n", headBar, tests(len(t.Names)))
	s.printf("%s%s.\n", headPassed, tests(len(t.Names)-failed))
	if failed == 0 {
		return
	}
	s.printf("%s%s, listed below:\n", headFailed, tests(failed))
	for i, ok := range t.Passed {
		if !ok {
			s.printf("%s%s\n", headFailed, t.Names[i])
		}
	}
}

func tests(n int) string {
	if n == 1 {
		return "1 test"
	}
	return fmt.Sprintf("%d tests", n)
}

// duration is d in whole ns, μs, ms or s.
func duration(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	case d >= time.Millisecond:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	case d >= time.Microsecond:
		return fmt.Sprintf("%d μs", d/time.Microsecond)
	}
	return fmt.Sprintf("%d ns", d)
}

// Columns of the benchmarks' table: the names' least width, and the times'.
const (
	benchName = 40
	benchTime = 15
)

// Bench prints a benchmark as a line of a table, which the first one begins.
func (s *Sink) Bench(b *output.BenchResult) {
	width := benchName
	for _, n := range b.Names {
		width = max(width, len(n))
	}
	width++
	if b.Index == 0 {
		const runs = "Iterations"
		s.printf("%-*s%-*s%s\n", width, "Benchmark", benchTime, "Time(ns)", runs)
		s.printf("%s\n", bytes.Repeat([]byte("-"), width+benchTime+len(runs)))
	}
	s.printf("%-*s%-*d%d\n", width, b.Names[b.Index], benchTime, b.Mean.Nanoseconds(), b.Runs)
	s.out.Check()
}

func (s *Sink) printf(format string, args ...any) {
	s.out.Buf = fmt.Appendf(s.out.Buf, format, args...)
}
