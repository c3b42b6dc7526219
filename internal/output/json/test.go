package json

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/output"
)

// Test prints a test's end.
func (s *Sink) Test(t *output.TestResult) {
	i := t.Index()
	s.named("test_result", t.Names[i])
	b := strconv.AppendInt(append(s.out.Buf, `{"duration": `...), t.Time.Nanoseconds(), 10)
	b = strconv.AppendBool(append(b, `, "passed": `...), t.Passed[i])
	b = appendString(append(b, `, "output": `...), t.Output)
	s.out.Buf = append(b, "}}"...)
	s.close()
}

// Bench prints what a benchmark took.
func (s *Sink) Bench(r *output.BenchResult) {
	s.named("benchmark_result", r.Names[r.Index])
	b := strconv.AppendInt(append(s.out.Buf, `{"average": `...), r.Mean.Nanoseconds(), 10)
	b = strconv.AppendUint(append(b, `, "iters": `...), uint64(r.Runs), 10)
	s.out.Buf = append(b, "}}"...)
	s.close()
}

// named opens a line whose data is an object with one member.
func (s *Sink) named(kind, name string) {
	s.open(kind)
	s.out.Buf = append(appendString(append(s.out.Buf, '{'), []byte(name)), ": "...)
}
