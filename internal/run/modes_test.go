package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/text"
)

// tester is a fake that tests, and iterates: a program's result is the next of results, a run
// takes mean, and an iterator has batches of objects, each of which sends its records.
type tester struct {
	*fake
	results map[int]uint32
	mean    time.Duration
	runs    []uint32
	batches int
}

func (f *tester) Load(_ context.Context, o *object.Object, _ engine.Options) (engine.Session, error) {
	f.obj = o
	return f, nil
}

func (f *tester) Test(prog int, times uint32) (uint32, time.Duration, error) {
	f.runs = append(f.runs, times)
	f.send(prog)
	return f.results[prog], f.mean, nil
}

func (f *tester) Iterate(prog int) (bool, error) {
	f.log = append(f.log, "iterate")
	f.send(prog)
	f.batches--
	return f.batches > 0, nil
}

func capture(w io.Writer) output.Sink { return text.New(w, w) }

func TestTests(t *testing.T) {
	o := testObject("begin", "test", "test", "test", "end")
	for i, p := range o.Programs {
		p.TestRun = true
		p.Points[0].Target = string(rune('a' + i))
	}
	f := &tester{fake: newFake(map[int][][]byte{
		0: {rec(actPrintf, 0, 1)},
		1: {rec(actPrintf, 0, 2), rec(actExit, 0), rec(actPrintf, 0, 99)},
		2: {rec(actErrorf, 0)},
		3: {rec(actPrintf, 0, 3), rec(actExit, 4)},
		4: {rec(actPrintf, 0, 5)},
	}), mean: 10}
	var out bytes.Buffer
	exit, err := Run(context.Background(), Config{Object: o, Engine: f, Sink: text.New(&out, &out), Capture: capture, Mode: ModeTest})
	if err != nil || exit != 1 {
		t.Errorf("status %d, %v", exit, err)
	}
	got := out.String()
	for _, want := range []string{"n=1\n", "OK ]\x1b[0m b (10 ns)\n", "bad thing\n", "FAILED  ]\x1b[0m c (", "n=3\n", "FAILED  ]\x1b[0m d (", "2 tests, listed", "n=5\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Contains(got, "n=2") || strings.Contains(got, "99") || strings.Contains(got, "Attached") {
		t.Errorf("too much: %q", got)
	}
	if steps := strings.Join(f.log, ", "); steps != "run begin, run end, close" {
		t.Errorf("steps: %s", steps)
	}
}

// Benchmarks run more and more often until that took a millisecond.
func TestBenches(t *testing.T) {
	o := testObject("bench", "bench")
	for _, p := range o.Programs {
		p.TestRun, p.Points[0].Target = true, "x"
	}
	f := &tester{fake: newFake(nil), mean: 100, results: map[int]uint32{1: 1}}
	var out bytes.Buffer
	exit, err := Run(context.Background(), Config{Object: o, Engine: f, Sink: text.New(&out, &out), Capture: capture, Mode: ModeBench})
	if err != nil || exit != 0 {
		t.Errorf("status %d, %v", exit, err)
	}
	last := f.runs[len(f.runs)-2]
	if time.Duration(last)*f.mean < benchTime || f.runs[0] != 1 || f.runs[len(f.runs)-1] != 1 {
		t.Errorf("runs %v", f.runs)
	}
	if n := strings.Count(out.String(), "\nx "); n != 1 {
		t.Errorf("%d benchmarks shown: %s", n, out.String())
	}
}

func TestOnlyOtherModes(t *testing.T) {
	for kind, want := range map[string]error{"test": ErrOnlyTests, "bench": ErrOnlyBenches} {
		o := testObject(kind)
		o.Programs[0].TestRun = true
		_, err := Run(context.Background(), Config{Object: o, Engine: newFake(nil), Sink: text.New(io.Discard, io.Discard)})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// An iterator is asked until it's through, and what it sent is printed each time.
func TestIterators(t *testing.T) {
	o := testObject("iter", "end")
	f := &tester{fake: newFake(map[int][][]byte{0: {rec(actPrintf, 0, 1)}}), batches: 3}
	var out bytes.Buffer
	if _, err := Run(context.Background(), Config{Object: o, Engine: f, Sink: text.New(&out, io.Discard)}); err != nil {
		t.Fatal(err)
	}
	// The fake sends once when it's attached, too.
	if want := "n=1\nn=1\nn=1\nn=1\n\n\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if steps := strings.Join(f.log, ", "); steps != "attach, iterate, iterate, iterate, detach, run end, close" {
		t.Errorf("steps: %s", steps)
	}

	o.Programs[0].Points[0].Pin = "/sys/fs/bpf/x"
	f = &tester{fake: newFake(nil), batches: 3}
	out.Reset()
	if _, err := Run(context.Background(), Config{Object: o, Engine: f, Sink: text.New(&out, io.Discard)}); err != nil {
		t.Fatal(err)
	}
	if want := "Program pinned to /sys/fs/bpf/x\n\n\n"; out.String() != want || f.batches != 3 {
		t.Errorf("pinned: %q", out.String())
	}
}
