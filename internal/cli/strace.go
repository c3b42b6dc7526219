package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/tools"
)

// straceOptions are those of `skep strace`.
type straceOptions struct {
	duration, least string
	count           int
	helpers, script bool
	hist            bool
}

// straceCommand is `skep strace`: the runs of programs that are there.
func (a *app) straceCommand() *cobra.Command {
	flags, o := new(bpfFlags), new(straceOptions)
	c := &cobra.Command{
		Use: "strace PROG…", Short: "Trace the runs of a BPF program: when, where, return value, duration",
		Long: "Trace the runs of a BPF program: when it ran, in which process and on which CPU, what it\n" +
			"returned, how long it took, and which functions of the kernel it called. Where the kernel\n" +
			"doesn't let programs be traced, its runs are counted.\n\n" + selectHelp,
		Example: "  skep strace name count_packets           each run\n  skep strace 97 --min 10us -n 100         100 runs that took 10 µs or more\n" +
			"  skep strace 97 --helpers                 with calls into the kernel\n  skep strace 97 --hist -d 10              how long its runs take, for 10 seconds\n  skep strace 97 --script > mine.bt        the script that does it",
		Args: wantArgs(1, -1, "a program"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.strace(o) }, args)
		},
	}
	f := c.Flags()
	f.BoolVarP(&flags.json, "json", "j", false, "print JSON, an object a line")
	f.StringVarP(&o.duration, "duration", "d", "", "end after this `time`: 10, 500ms, 2m")
	f.StringVar(&o.least, "min", "", "only runs that took this `time` or more: 10us")
	f.IntVarP(&o.count, "count", "n", 0, "end after `N` runs")
	f.BoolVar(&o.helpers, "helpers", false, "trace the kernel's functions that the program calls, too, and what it does with its maps")
	f.BoolVar(&o.hist, "hist", false, "print at the end how long all runs took, as a histogram, in place of each run")
	f.BoolVar(&o.script, "script", false, "print the script that does it")
	return c
}

// straced is a program that is traced.
type straced struct {
	id       uint32
	name, fn string // fn: its function's, as its BTF tells
	typ      string
}

// strace is a script for programs.
type strace struct {
	progs []straced
	calls []tracedCall
	least time.Duration
	count int
	json  bool
	hist  bool // of the times, in place of each run
}

func (b *bpfRun) strace(o *straceOptions) error {
	s := &strace{count: o.count, json: b.out.JSON != nil, hist: o.hist}
	var duration time.Duration
	var err error
	if o.least != "" {
		if s.least, err = time.ParseDuration(o.least); err != nil || s.least < 0 {
			return usagef("--min takes a time such as 10us, not %q", o.least)
		}
	}
	if o.duration != "" {
		if duration, err = parseDuration(o.duration); err != nil {
			return usagef("--duration takes a time such as 10, 500ms or 2m, not %q", o.duration)
		}
	}
	if o.count < 0 {
		return usagef("--count takes a number from 1 on, not %d", o.count)
	}
	if o.hist && o.helpers {
		return usagef("--hist and --helpers exclude each other")
	}
	chosen, err := b.chosen(inspect.KindProg)
	if err != nil {
		return err
	}
	why := s.find(b, chosen)
	var unseen []string
	if why == nil && o.helpers {
		if unseen, err = s.findCalls(b); err != nil {
			return err
		}
	}
	if o.script {
		if why != nil {
			return why
		}
		_, err := io.WriteString(b.app.out, s.text())
		return err
	}
	if why == nil {
		why = b.tryTrace(s)
	}
	if why != nil {
		fmt.Fprintf(b.err, "WARNING: the runs can't be traced: %v\n", why)
		fmt.Fprintln(b.err, "their number and mean time each second instead; return values, processes and calls can't be told")
		return b.countRuns(chosen, duration, o.count)
	}
	if o.helpers {
		fmt.Fprintf(b.err, "calls of %s are traced\n", s.callNames())
		if len(unseen) > 0 {
			fmt.Fprintf(b.err, "calls of %s can't be: the kernel refuses it, or skep calls them, too\n", strings.Join(unseen, ", "))
		}
	}
	j := s.job()
	j.Duration = duration
	if !s.json && !s.hist {
		fmt.Fprintf(b.app.out, "%-15s  %6s  %-*s  %7s  %-15s  %3s  %10s  %s\n", "TIME", "ID", s.width(), "NAME", "PID", "COMM", "CPU", "TOOK_NS", "RETURNED")
	}
	return exit(b.run(b.app, j))
}

// job is the session that runs the script.
func (s *strace) job() *Job {
	j := &Job{Name: "strace", Text: s.text(), Dir: ".", Format: "text", Quiet: true, Warnings: 1, Header: new(tools.Header)}
	j.Nested = slices.ContainsFunc(s.calls, func(c tracedCall) bool { return c.mapID != "" })
	if s.json {
		j.Format = "json"
	}
	return j
}

// width is that of the names' column.
func (s *strace) width() int {
	most := len("NAME")
	for _, p := range s.progs {
		most = max(most, len(p.name))
	}
	return most
}

// find looks up the programs' functions; the error says why one can't be traced.
func (s *strace) find(b *bpfRun, ids []uint32) error {
	names := map[uint32]string{}
	err := kern.Progs{}.Each(func(id uint32, name string) bool {
		if names[id] == "" {
			names[id] = name // the main function is the first
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		p, err := b.reader.Prog(id)
		if err != nil {
			return err
		}
		switch {
		case names[id] == "":
			return fmt.Errorf("program %d %s was loaded without BTF, which tells its functions", id, p.Name)
		case p.JitedLen == 0:
			return fmt.Errorf("program %d %s is interpreted: there is no machine code to attach to (net.core.bpf_jit_enable)", id, p.Name)
		}
		s.progs = append(s.progs, straced{id: id, name: p.Name, fn: names[id], typ: p.TypeName()})
	}
	return nil
}

// returns are names of return values by program type (enum xdp_action, TC_ACT_*).
var returns = map[string][]string{
	"xdp":       {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"},
	"sched_cls": {"TC_ACT_OK", "TC_ACT_RECLASSIFY", "TC_ACT_SHOT", "TC_ACT_PIPE", "TC_ACT_STOLEN", "TC_ACT_QUEUED", "TC_ACT_REPEAT", "TC_ACT_REDIRECT"},
}

// text is the script. A run is what happens on a CPU in a thread between the program's
// entry and its return.
func (s *strace) text() string {
	var b strings.Builder
	b.WriteString("config = { print_maps_on_exit = 0; missing_probes = \"ignore\" }\n")
	for _, p := range s.progs {
		s.program(&b, p)
	}
	for i := range s.calls {
		s.call(&b, &s.calls[i])
	}
	if s.hist {
		b.WriteString("\nend { print(@took_ns); }\n")
	}
	return b.String()
}

func (s *strace) program(b *strings.Builder, p straced) {
	fmt.Fprintf(b, "\nfentry:bpf:%d:%s { @start[cpu, tid, %d] = nsecs; }\n\n", p.id, p.fn, p.id)
	fmt.Fprintf(b, "fexit:bpf:%d:%s /@start[cpu, tid, %d]/ {\n", p.id, p.fn, p.id)
	fmt.Fprintf(b, "\t$start = @start[cpu, tid, %d];\n\t$took = nsecs - $start;\n\tdelete(@start, (cpu, tid, %d));\n", p.id, p.id)
	indent := "\t"
	if s.least > 0 {
		fmt.Fprintf(b, "\tif ($took >= %d) {\n", s.least.Nanoseconds())
		indent = "\t\t"
	}
	if s.count > 0 { // several CPUs may be at it
		fmt.Fprintf(b, "%sif (@runs >= %d) {\n%s\treturn;\n%s}\n", indent, s.count, indent, indent)
	}
	b.WriteString(indent + s.told(p))
	if s.count > 0 {
		fmt.Fprintf(b, "%s@runs++;\n%sif (@runs >= %d) {\n%s\texit();\n%s}\n", indent, indent, s.count, indent, indent)
	}
	if s.least > 0 {
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
}

// told is the statement that tells of a run.
func (s *strace) told(p straced) string {
	switch {
	case s.hist:
		return fmt.Sprintf("@took_ns[%d, %q] = hist($took);\n", p.id, p.name)
	case s.json:
		return fmt.Sprintf("print((time=strftime(\"%%Y-%%m-%%dT%%H:%%M:%%S.%%f%%z\", $start), id=%d, name=%q, pid=pid, comm=comm, cpu=cpu, took_ns=$took, returned=retval));\n", p.id, p.name)
	}
	result := `""`
	for i, name := range slices.Backward(returns[p.typ]) {
		result = fmt.Sprintf("retval == %d ? %q : %s", i, " "+name, result)
	}
	return fmt.Sprintf("printf(\"%%s  %%6d  %%-%ds  %%7d  %%-15s  %%3d  %%10d  %%d%%s\\n\", strftime(\"%%H:%%M:%%S.%%f\", $start), %d, %q, pid, comm, cpu, $took, retval, %s);\n",
		s.width(), p.id, p.name, result)
}

// tryTrace attaches to the programs for a moment; the error says why that can't be done.
func (b *bpfRun) tryTrace(s *strace) error {
	var said bytes.Buffer
	quiet := &app{in: strings.NewReader(""), out: io.Discard, err: &said, run: runJob}
	only := *s
	only.calls = nil
	j := only.job()
	j.Text = strings.Replace(j.Text, `missing_probes = "ignore"`, `missing_probes = "error"`, 1)
	j.DryRun, j.ErrorStyle = true, "short"
	if quiet.run(quiet, j) == exitOK {
		return nil
	}
	// The first message, without its place in a script that the user hasn't written.
	first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	if _, after, ok := strings.Cut(first, "ERROR: "); ok {
		first = after
	}
	return errors.New(first)
}

// countRuns prints how often programs ran and how long, each second.
func (b *bpfRun) countRuns(ids []uint32, duration time.Duration, count int) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	sampler, missing, err := b.reader.StartSampler()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sampler.Close()) }()
	b.lacking(missing)
	if b.out.JSON == nil {
		if err := b.out.CountsHeader(); err != nil {
			return err
		}
	}
	for total := uint64(0); ; {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(time.Second):
		}
		s, err := sampler.Sample()
		if err != nil {
			return err
		}
		s.Progs = slices.DeleteFunc(s.Progs, func(g inspect.Sampled) bool { return !slices.Contains(ids, g.ID) })
		if len(s.Progs) == 0 {
			return fmt.Errorf("count runs: %w", inspect.ErrGone)
		}
		for i := range s.Progs {
			total += s.Progs[i].Runs.Count
			if err := b.out.Counts(s.At, &s.Progs[i]); err != nil {
				return err
			}
		}
		if ended || count > 0 && total >= uint64(count) {
			return nil
		}
	}
}
