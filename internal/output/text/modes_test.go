package text

import (
	"bytes"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/output"
)

func TestResults(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, &out)
	names := []string{"good", "bad"}
	s.Test(&output.TestResult{Names: names, Passed: []bool{true}, Time: 5 * time.Microsecond, Output: []byte("unseen\n")})
	s.Test(&output.TestResult{Names: names, Passed: []bool{true, false}, Time: 7, Output: []byte("a\n\nb")})
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "\x1b[32m[==========]\x1b[0m Running 2 tests.\n" +
		"\x1b[32m[ RUN      ]\x1b[0m good\n" +
		"\x1b[32m[       OK ]\x1b[0m good (5 μs)\n" +
		"\x1b[32m[ RUN      ]\x1b[0m bad\na\nb\n" +
		"\x1b[31m[  FAILED  ]\x1b[0m bad (7 ns)\n" +
		"\x1b[32m[==========]\x1b[0m 2 tests ran.\n" +
		"\x1b[32m[  PASSED  ]\x1b[0m 1 test.\n" +
		"\x1b[31m[  FAILED  ]\x1b[0m 1 test, listed below:\n" +
		"\x1b[31m[  FAILED  ]\x1b[0m bad\n"
	if got := out.String(); got != want {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

func TestBenchmarks(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, &out)
	s.Bench(&output.BenchResult{Names: []string{"a", "b"}, Index: 0, Mean: 21, Runs: 90000})
	s.Bench(&output.BenchResult{Names: []string{"a", "b"}, Index: 1, Mean: time.Microsecond, Runs: 1000})
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "Benchmark                                Time(ns)       Iterations\n" +
		"------------------------------------------------------------------\n" +
		"a                                        21             90000\n" +
		"b                                        1000           1000\n"
	if got := out.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
