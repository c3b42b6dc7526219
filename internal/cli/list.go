package cli

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"syscall"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/probe"
)

// listProbes prints the probes that match a search, or those of a script.
func (a *app) listProbes(j *Job, m *machine) int {
	lines := m.finder.List(j.Search, j.Verbose > 0)
	if j.Search == "" {
		rep := diag.NewReporter(new(diag.Sources))
		points := compiler.Points(rep.Sources.Add(j.Name, j.Text), a.compileOptions(j, m, 0), rep)
		a.show(rep.Sources, j.wanted(rep), j.ErrorStyle)
		if rep.Failed() {
			return exitError
		}
		lines = m.listPoints(points, j.Verbose > 0)
	}
	out := bufio.NewWriter(a.out)
	for line, err := range lines {
		if err != nil {
			fmt.Fprintf(a.err, "WARNING: %v\n", err)
			continue
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			break
		}
	}
	if err := out.Flush(); err != nil && !errors.Is(err, syscall.EPIPE) {
		return a.trouble(err)
	}
	return exitOK
}

// listPoints lists a script's points as a search for them would: timers and counters
// without their numbers; begin and end aren't found anywhere.
func (m *machine) listPoints(points []*probe.Point, verbose bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, p := range points {
			text := p.Text
			switch p.Kind {
			case probe.Begin, probe.End, probe.Self, probe.Test, probe.Bench:
				continue
			case probe.Interval, probe.Profile:
				text = p.Kind.String() + ":" + p.Unit + ":"
			case probe.Software, probe.Hardware:
				text = p.Kind.String() + ":" + p.Target + p.Func + ":"
			default:
				if verbose && p.Offset == 0 && !p.HasAddr {
					for line, err := range m.finder.List(p.Canonical(), true) {
						if !yield(line, err) {
							return
						}
					}
					continue
				}
			}
			if !yield(text, nil) {
				return
			}
		}
	}
}
