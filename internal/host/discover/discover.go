// Package discover finds what attach points can name on this machine: it expands
// wildcards into concrete points, checks that targets exist where that's cheap, explains
// missing ones, and lists.
package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// Missing says what becomes of attach points without a target.
type Missing uint8

// The choices of the option missing_probes.
const (
	MissingError Missing = iota
	MissingWarn
	MissingIgnore
)

// Finder looks targets up. One goroutine uses it.
type Finder struct {
	Kernel     *kern.Kernel
	Files      *exe.Files
	Root       fs.FS
	SearchPath string // $PATH
	Pid        int    // of -p: user probes are looked up in this process; 0: none
	Unsafe     bool   // any file may be probed by address
	Missing    Missing
	MaxProbes  int   // the most points that a script may have; 0: no limit
	MaxArgs    int   // arguments that the architecture passes in registers; 0: 6
	BPF        Progs // the running BPF programs; nil: unknown
	// CheckOnly: nothing is going to be attached. Functions of kprobes are looked up, and what
	// can't be read for want of privilege is noted and stays in as a Blind point.
	CheckOnly bool
	// FollowRenamed: kernel functions that are gone are replaced by today's.
	FollowRenamed bool

	count     int
	functions map[string]bool // of kallsyms; nil: not read yet
	named     map[string]bool // kernel functions that the script names
	names     []string        // functions to suggest; nil: not read yet
	typed     map[string]bool // those of BTF; nil: they weren't listed
}

// Progs lists running BPF programs and their functions, which have BTF.
type Progs interface {
	// Each calls f with each program's id and function name until it returns false.
	Each(f func(id uint32, name string) bool) error
}

// Expand turns the points of one probe into concrete ones: no wildcards, paths resolved, Text as
// the probe builtin prints it. Those that it can't find are reported to rep as Missing says; a
// wildcard that matches nothing counts only when the whole probe is left without a point. For a
// kprobe of one function nothing is read: whether it exists turns out when it's
// attached, and Explain says why it doesn't.
func (f *Finder) Expand(points []*probe.Point, rep *diag.Reporter) []*probe.Point {
	var out []*probe.Point
	var empty []*probe.Point // that match nothing, and
	var why []*missingError
	told := false
	if f.FollowRenamed {
		points = f.followRenames(points, rep)
	}
	for _, p := range points {
		f.warnWrapper(p, rep)
		found, err := f.expand(p)
		var m *missingError
		switch {
		case errors.As(err, &m) && m.wild:
			empty, why = append(empty, p), append(why, m)
			continue
		case f.CheckOnly && unreadable(err):
			found = []*probe.Point{f.unread(p, err, rep)}
		case err != nil:
			f.report(p, err, rep)
			told = true
			continue
		}
		for _, q := range found {
			if q != p && p.Orig != nil {
				q.Orig = p.Orig
			} else if q != p {
				q.Orig = p
			}
		}
		f.count += len(found)
		if f.MaxProbes > 0 && f.count > f.MaxProbes {
			rep.Errorf(diag.CodeManyProbes, p.Span, "Can't attach to %d probes because it exceeds the current limit of %d probes", f.count, f.MaxProbes).
				Note("%s matches %d; config = { max_probes = %d } allows all %d, each of which slows down what it's at", p.Text, len(found), f.count, f.count)
			return out
		}
		out = append(out, found...)
	}
	if len(out) == 0 && len(empty) > 0 && !told {
		f.reportEmpty(empty[0], why[0], rep)
		return nil
	}
	for i, p := range empty {
		if !probe.HasWildcard(p.Func) && f.Missing != MissingIgnore {
			describe(rep.Warnf(diag.WarnNoMatch, p.Span, "%s Skipping.", sentence(why[i].msg)), why[i])
		}
	}
	return out
}

// missingError is a target that doesn't exist: a diagnostic to be.
type missingError struct {
	code diag.Code
	msg  string
	near string // an attach point to write instead
	note string
	wild bool // nothing matches: no mistake while the probe has other points
}

func (e *missingError) Error() string { return e.msg }

func missing(code diag.Code, format string, args ...any) *missingError {
	return &missingError{code: code, msg: fmt.Sprintf(format, args...)}
}

// unmatched is a wildcard, or a name that's searched for like one, without a match.
func unmatched(format string, args ...any) *missingError {
	m := missing(diag.CodeNoMatch, format, args...)
	m.wild = true
	return m
}

// because adds a reason.
func (e *missingError) because(note string) *missingError {
	e.note = note
	return e
}

// sentence is a message with a full stop.
func sentence(msg string) string { return strings.TrimSuffix(msg, ".") + "." }

// report adds the diagnostic of an expansion that failed. What can't be read at all is an
// error even when missing probes are forgiven.
func (f *Finder) report(p *probe.Point, err error, rep *diag.Reporter) {
	var m *missingError
	if !errors.As(err, &m) {
		m = missing(troubleCode(err), "%s: %v", p.Text, err)
	} else if f.Missing == MissingIgnore {
		return
	} else if f.Missing == MissingWarn {
		describe(rep.Warnf(diag.WarnNoMatch, p.Span, "%s Skipping.", sentence(m.msg)), m)
		return
	}
	describe(rep.Errorf(m.code, p.Span, "%s", m.msg), m)
}

// reportEmpty adds the diagnostic of a probe whose wildcards match nothing.
func (f *Finder) reportEmpty(p *probe.Point, m *missingError, rep *diag.Reporter) {
	switch f.Missing {
	case MissingIgnore:
	case MissingWarn:
		describe(rep.Warnf(diag.WarnNoMatch, p.Span, "Probe has no valid attach points. It is being removed which may cause issues with program behavior.").
			Note("%s", m.msg), m)
	default:
		d := rep.Errorf(m.code, p.Span, "Probe has no valid attach points: %s", m.msg)
		describe(d, m)
		d.Note("if this is expected, set the option missing_probes to \"warn\"")
	}
}

func describe(d *diag.Diagnostic, m *missingError) {
	if m.near != "" {
		d.Suggest(m.near)
	}
	if m.note != "" {
		d.Note("%s", m.note)
	}
}

func troubleCode(err error) diag.Code {
	if errors.Is(err, kern.ErrNoBTF) {
		return diag.CodeNoBTF
	}
	return diag.CodeNoTracefs
}

// expand finds the concrete points of p. The error is a *missingError when there are none.
func (f *Finder) expand(p *probe.Point) ([]*probe.Point, error) {
	switch p.Kind {
	case probe.Tracepoint:
		return f.tracepoints(p)
	case probe.RawTracepoint:
		return f.rawTracepoints(p)
	case probe.Kprobe, probe.Kretprobe:
		return f.kprobes(p)
	case probe.Fentry, probe.Fexit:
		return f.fentries(p)
	case probe.Iter:
		return f.iters(p)
	case probe.Uprobe, probe.Uretprobe:
		return f.uprobes(p)
	case probe.USDT:
		return f.usdts(p)
	}
	return []*probe.Point{p}, nil
}

// with returns a copy of p with another target and function.
func with(p *probe.Point, target, fn string) *probe.Point {
	q := *p
	q.Target, q.Func, q.Wild = target, fn, false
	rename(&q, p)
	return &q
}

// rename makes q's text anew, unless the script gave p a name of its own.
func rename(q, p *probe.Point) {
	if p.Text == p.Canonical() {
		q.Text = q.Canonical()
	}
}

func (f *Finder) maxArgs() int {
	if f.MaxArgs == 0 {
		return 6
	}
	return f.MaxArgs
}
