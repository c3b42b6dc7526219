package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/kernel"
	"github.com/skep-bpf/skep/internal/host/sym"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/json"
	"github.com/skep-bpf/skep/internal/output/text"
	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/run"
)

// runJob compiles a job's script, runs it on the live kernel, and returns the exit status.
func runJob(a *app, j *Job) int {
	m := newMachine(j)
	defer m.Close()
	if j.List {
		return a.listProbes(j, m)
	}
	status, err := a.attempt(j, m)
	if mayBeNull(err) && !j.CheckNull {
		// Some arguments of raw tracepoints may be NULL, and the verifier alone knows
		// which. Nothing has run yet.
		j.CheckNull = true
		again := newMachine(j)
		defer again.Close()
		status, _ = a.attempt(j, again)
	}
	return status
}

// mayBeNull reports whether the verifier refused a load through a pointer that may be NULL.
func mayBeNull(err error) bool {
	var refused *engine.Rejection
	return errors.As(err, &refused) && strings.Contains(refused.Reason, "_or_null_")
}

// attempt compiles and runs a job once. The error is what the session ended with; it has
// been reported, unless it's of the kind that another attempt mends.
func (a *app) attempt(j *Job, m *machine) (int, error) {
	var child *run.Child
	pid := 0
	if j.Command != "" {
		var err error
		if child, err = run.StartChild(j.Command); err != nil {
			return a.trouble(err), nil
		}
		defer child.Stop()
		pid = child.Pid()
	}
	rep := diag.NewReporter(new(diag.Sources))
	compiled := a.compileScript(j, m, pid, rep)
	if rep.Failed() || !j.CheckNull { // the first attempt has said the warnings
		a.show(rep.Sources, j.wanted(rep), j.ErrorStyle)
	}
	if rep.Failed() {
		return statusOf(rep, j.Bpftrace), nil
	}
	out, err := a.output(j)
	if err != nil {
		return a.trouble(err), nil
	}
	conf := &compiled.Object.Config
	names := sym.New(sym.Config{Demangle: conf.CppDemangle, Source: conf.ShowDebugInfo && conf.UseBlazesym, Reread: conf.CacheUserSymbols == "NONE"})
	defer names.Close()
	cfg := run.Config{
		Object: compiled.Object, Engine: kernel.New(kernel.Config{Kernel: m.attached()}), Options: a.engineOptions(j, pid, compiled, rep.Sources),
		Sink: a.sink(j, out), Names: names, Boot: m.env.Facts().BootTime, Times: j.times(), Child: child, Pid: j.Pid,
		Script: j.Name, UnwindPids: j.UnwindPids,
		Duration: j.Duration, Buffering: bufferings[j.Buffering], Quiet: j.Quiet, DryRun: j.DryRun,
		Signals: true, Ready: a.out, Mode: j.Mode,
		Capture: func(w io.Writer) output.Sink { return text.New(w, w) },
	}
	status, err := run.Run(context.Background(), cfg)
	if f, ok := out.(*os.File); ok && j.Output != "" {
		err = errors.Join(err, f.Close())
	}
	switch {
	case mayBeNull(err) && !j.CheckNull:
		return exitError, err
	case err != nil:
		return a.runError(err, j, m, compiled, rep), err
	}
	return status, nil
}

// bufferings are those of -B; a line is complete when no further event waits.
var bufferings = map[string]run.Buffering{"": run.BufferIdle, "line": run.BufferIdle, "none": run.BufferNone, "full": run.BufferFull}

func (a *app) engineOptions(j *Job, child int, compiled *compiler.Output, sources *diag.Sources) engine.Options {
	opt := engine.Options{Pid: j.Pid, ChildPid: child, Verbose: j.Verbose, Unsafe: j.Unsafe, Nested: j.Nested, USDTFileActivation: j.USDTByFile}
	if j.Verbose > 0 {
		opt.Logf = func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
	}
	if j.Warnings > 0 {
		opt.Warnf = func(format string, args ...any) { fmt.Fprintf(a.err, "WARNING: "+format+"\n", args...) }
		gone := map[string]bool{}
		opt.Missing = func(e *engine.AttachError) {
			rep := diag.NewReporter(sources)
			gone[e.Point.Text] = true
			warnMissing(e, gone, j.Bpftrace, compiled, rep)
			a.report(sources, rep, j.ErrorStyle)
		}
	}
	return opt
}

// output opens -o's file; the caller closes it.
func (a *app) output(j *Job) (io.Writer, error) {
	if j.Output == "" {
		return a.out, nil
	}
	f, err := os.Create(j.Output)
	if err != nil {
		return nil, fmt.Errorf("open the output: %w", err)
	}
	return f, nil
}

func (a *app) sink(j *Job, out io.Writer) output.Sink {
	var sink output.Sink = text.New(out, a.err)
	switch {
	case j.Format == "json":
		sink = json.New(out, a.err)
	case j.Header != nil && j.Verbose == 0 && !j.Bpftrace:
		sink = toolSink{sink}
	}
	if j.Warnings == 0 {
		sink = unwarnedSink{sink}
	}
	return sink
}

// unwarnedSink is for --no-warnings, of which neither warnf() nor what goes wrong in a program
// is an exception.
type unwarnedSink struct{ output.Sink }

func (s unwarnedSink) Message(sev output.Severity, text []byte, at []output.Place) {
	if sev != output.Warning {
		s.Sink.Message(sev, text, at)
	}
}

func (unwarnedSink) RuntimeError(*output.RuntimeError) {}

// toolSink is for scripts with an option header, which are tools: all that they print is
// their own, without the lines by which bpftrace frames a session.
type toolSink struct{ output.Sink }

func (toolSink) Attached(int) {}
func (toolSink) End()         {}

// trouble says an error of the machine.
func (a *app) trouble(err error) int {
	fmt.Fprintf(a.err, "ERROR: %v\n", err)
	return exitError
}

// runError says why a session ended; a program or an attach point that the kernel refused
// is shown in the script.
func (a *app) runError(err error, j *Job, m *machine, compiled *compiler.Output, rep *diag.Reporter) int {
	shown := diag.NewReporter(rep.Sources)
	var missing *engine.AttachError
	if errors.As(err, &missing) && missing.Point.Span.Start != diag.NoPos {
		if j.Bpftrace {
			warnUntraceable(missing, shown)
		}
		explainAttach(missing, m, compiled, shown)
		a.report(rep.Sources, shown, j.ErrorStyle)
		// bpftrace knows what doesn't exist before it attaches, but for --unsafe.
		if j.Bpftrace && (j.Unsafe || !isGone(missing)) {
			fmt.Fprintln(a.err, unableToAttach(missing.Point.Text))
		}
		return exitError
	}
	var refused *engine.Rejection
	if !errors.As(err, &refused) {
		return a.trouble(err)
	}
	d := shown.Errorf("", rejectedSpan(refused), "the kernel refused this program: %s", refused.Reason)
	if refused.Hint != "" {
		d.Note("%s", refused.Hint)
	}
	if j.Verbose == 0 {
		d.Note("-v shows the verifier's log")
	}
	a.report(rep.Sources, shown, j.ErrorStyle)
	if j.Verbose > 0 {
		fmt.Fprintln(a.err, refused.Log)
	}
	if j.Bpftrace {
		return exitRefused
	}
	return exitError
}

// explainAttach says why a point couldn't be attached to: for a function that the kernel
// doesn't know, or doesn't take, what it's called today.
func explainAttach(e *engine.AttachError, m *machine, compiled *compiler.Output, rep *diag.Reporter) {
	gone := isGone(e) || errors.Is(e.Err, syscall.EINVAL)
	var points []*probe.Point
	for _, u := range compiled.Info.Units {
		points = append(points, u.Points...)
	}
	i := slices.IndexFunc(points, func(p *probe.Point) bool { return p.Text == e.Point.Text })
	if gone && i >= 0 {
		m.finder.Explain(points[i], errors.New(e.Reason), points, rep)
		return
	}
	rep.Errorf(diag.CodeNoMatch, e.Point.Span, "%s: %s", e.Point.Text, e.Reason)
}

// isGone reports whether what a point names doesn't exist.
func isGone(e *engine.AttachError) bool {
	return errors.Is(e.Err, fs.ErrNotExist) || errors.Is(e.Err, syscall.ESRCH)
}

// warnMissing says that an optional point isn't there, and that a probe has none left; gone
// are all that are missing so far, by text.
func warnMissing(e *engine.AttachError, gone map[string]bool, bpftrace bool, compiled *compiler.Output, rep *diag.Reporter) {
	if bpftrace {
		warnUntraceable(e, rep)
	}
	kind, target, _ := strings.Cut(e.Point.Text, ":")
	if isGone(e) {
		rep.Warnf(diag.WarnNoMatch, e.Point.Span, "No matches for %s %s. Skipping.", kind, target)
	} else {
		rep.Warnf(diag.WarnNoMatch, e.Point.Span, "%s: %s. Skipping.", e.Point.Text, e.Reason)
	}
	here := func(p *probe.Point) bool { return p.Text == e.Point.Text }
	for _, u := range compiled.Info.Units {
		if slices.ContainsFunc(u.Points, here) &&
			!slices.ContainsFunc(u.Points, func(p *probe.Point) bool { return !gone[p.Text] }) {
			rep.Warnf(diag.WarnNoMatch, e.Point.Span, "Probe has no valid attach points. It is being removed which may cause issues with program behavior.")
		}
	}
}

// warnUntraceable is bpftrace's warning of a kernel function that it can't find.
func warnUntraceable(e *engine.AttachError, rep *diag.Reporter) {
	if isGone(e) && (e.Point.Kind == "kprobe" || e.Point.Kind == "kretprobe") {
		rep.Warnf(diag.WarnNoMatch, e.Point.Span, `%s is not traceable (either non-existing, inlined, or marked as "notrace"); attaching to it will likely fail`, e.Point.Func)
	}
}

// rejectedSpan is the place in the script of the instruction that the verifier stopped at.
func rejectedSpan(r *engine.Rejection) (s diag.Span) {
	for _, l := range r.Prog.Lines {
		if r.Insn >= 0 && l.Insn > r.Insn {
			break
		}
		if s.Start == diag.NoPos || r.Insn >= 0 {
			s = diag.Span{Start: l.Pos, End: l.Pos + 1}
		}
	}
	return s
}
