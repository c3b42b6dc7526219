package run

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/output"
)

// Mode is which probes of a script a session is for.
type Mode uint8

// The modes.
const (
	ModeTrace Mode = iota // those that attach
	ModeTest              // test probes: each is run once
	ModeBench             // bench probes: each is run until that took benchTime
)

// benchTime is how long a benchmark's runs have to take together.
const benchTime = time.Millisecond

// Errors of sessions whose probes are for another mode.
var (
	ErrOnlyTests   = errors.New("No probes attached; use --test to run test probes.")
	ErrOnlyBenches = errors.New("No probes attached; use --bench to run benchmark probes.")
)

// errCannotTest: this engine only attaches.
var errCannotTest = errors.New("this engine can't run test probes")

// examine is a session of a mode other than tracing: begin probes, tests or benchmarks, end
// probes. It attaches nothing and prints no maps.
func (r *runner) examine() error {
	t, ok := r.s.(engine.Tester)
	if !ok {
		return errCannotTest
	}
	if err := r.runAll("begin"); err != nil {
		return err
	}
	if err := r.drain(); err != nil {
		return err
	}
	kind, each := "test", r.test
	if r.Mode == ModeBench {
		kind, each = "bench", r.bench
	}
	names, progs := r.named(kind)
	if len(progs) == 0 && r.count("begin")+r.count("end") == 0 {
		return ErrNotAttached
	}
	failed, err := each(t, names, progs)
	if err != nil {
		return err
	}
	r.ended = false
	if err := r.runAll("end"); err != nil {
		return err
	}
	if err := r.drain(); err != nil {
		return err
	}
	if r.exit == 0 && failed {
		r.exit = 1
	}
	r.Sink.End()
	return r.Sink.Flush()
}

// named are the names and the indexes of the programs of a kind.
func (r *runner) named(kind string) (names []string, progs []int) {
	for i, p := range r.Object.Programs {
		if kindOf(p) == kind {
			names, progs = append(names, p.Points[0].Target), append(progs, i)
		}
	}
	return names, progs
}

// captured runs f with a sink that writes to w, handles what the program sent, and reports
// whether that were errors or an exit status.
func (r *runner) captured(w io.Writer, f func() error) (bad bool, err error) {
	sink, exit := r.Sink, r.exit
	capture := &output.Capture{Sink: r.Capture(w)}
	r.Sink, r.exit = capture, 0
	err = f()
	if err == nil {
		err = r.drain()
	}
	if err == nil && r.ended {
		err = r.discard() // what came after exit()
	}
	if ferr := capture.Flush(); err == nil {
		err = ferr
	}
	bad = capture.Errors > 0 || r.exit != 0
	r.Sink, r.exit, r.ended = sink, exit, false
	return bad, err
}

// test runs each test once. It passes if it returns 0, and neither reports an error nor
// exits with a status.
func (r *runner) test(t engine.Tester, names []string, progs []int) (failed bool, err error) {
	var passed []bool
	for _, prog := range progs {
		var out bytes.Buffer
		var result uint32
		var took time.Duration
		bad, err := r.captured(&out, func() (err error) {
			result, took, err = t.Test(prog, 1)
			return err
		})
		if err != nil {
			return failed, err
		}
		ok := result == 0 && !bad
		passed, failed = append(passed, ok), failed || !ok
		r.Sink.Test(&output.TestResult{Names: names, Passed: passed, Time: took, Output: out.Bytes()})
	}
	return failed, nil
}

// bench runs each benchmark more and more often, until its runs take benchTime together; a lone
// run, which finds everything cold, is no measure. One that returns anything but 0 leaves itself
// out; one that reports an error fails.
func (r *runner) bench(t engine.Tester, names []string, progs []int) (failed bool, err error) {
	for i, prog := range progs {
		for runs := uint32(1); ; {
			var result uint32
			var mean time.Duration
			bad, err := r.captured(io.Discard, func() (err error) {
				result, mean, err = t.Test(prog, runs)
				return err
			})
			switch {
			case err != nil:
				return failed, err
			case bad:
				failed = true
				if r.Options.Warnf != nil {
					r.Options.Warnf("benchmark %s failed", names[i])
				}
			case result != 0:
			case runs == 1, mean*time.Duration(runs) < benchTime && runs < benchRuns:
				runs = more(runs, mean)
				continue
			default:
				r.Sink.Bench(&output.BenchResult{Names: names, Index: i, Mean: mean, Runs: runs})
			}
			break
		}
	}
	return failed, nil
}

// benchRuns bounds the runs of a benchmark that takes no time that can be measured.
const benchRuns = 1 << 20

// more is the number of runs after one of so many: up to a thousand times as many, as long as
// they take much less than what is asked for.
func more(runs uint32, mean time.Duration) uint32 {
	factor := benchTime / max(1, mean*time.Duration(runs))
	return runs * uint32(min(max(2, factor), 1000))
}

// onlyFor is the error of a session that attaches nothing because its probes are for
// another mode, or for none.
func (r *runner) onlyFor() error {
	switch {
	case r.count("test") > 0:
		return ErrOnlyTests
	case r.count("bench") > 0:
		return ErrOnlyBenches
	}
	return ErrNotAttached
}
