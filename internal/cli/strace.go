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
			"  skep strace 97 --helpers                 with calls into the kernel\n  skep strace 97 --script > mine.bt        the script that does it",
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
	f.BoolVar(&o.helpers, "helpers", false, "trace the kernel's functions that the program calls, too")
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
	progs   []straced
	helpers []string // kernel functions whose calls are traced
	values  map[string]bool
	least   time.Duration
	count   int
	json    bool
}

func (b *bpfRun) strace(o *straceOptions) error {
	s := &strace{count: o.count, json: b.out.JSON != nil}
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
	chosen, err := b.chosen(inspect.KindProg)
	if err != nil {
		return err
	}
	why := s.find(b, chosen)
	var unseen []string
	if why == nil && o.helpers {
		if unseen, err = s.findHelpers(b); err != nil {
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
		fmt.Fprintf(b.err, "calls of %s are traced\n", orNothing(s.helpers))
		if len(unseen) > 0 {
			fmt.Fprintf(b.err, "calls of %s can't be: the kernel refuses it, or skep calls them, too\n", strings.Join(unseen, ", "))
		}
	}
	j := s.job()
	j.Duration = duration
	if !s.json {
		fmt.Fprintf(b.app.out, "%-15s  %6s  %-*s  %7s  %-15s  %3s  %10s  %s\n", "TIME", "ID", s.width(), "NAME", "PID", "COMM", "CPU", "TOOK_NS", "RETURNED")
	}
	return exit(b.run(b.app, j))
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no functions"
	}
	return strings.Join(names, ", ")
}

// job is the session that runs the script.
func (s *strace) job() *Job {
	j := &Job{Name: "strace", Text: s.text(), Dir: ".", Format: "text", Quiet: true, Warnings: 1, Header: new(tools.Header)}
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

// own are parts of names of functions that skep's own programs call, too: whose calls these
// are couldn't be told.
var own = []string{"_map_", "ringbuf", "ktime_get", "smp_processor_id", "get_current_task", "pid_tgid", "trace_printk"}

// findHelpers finds the kernel's functions that the programs call. unseen are those that
// can't be traced.
func (s *strace) findHelpers(b *bpfRun) (unseen []string, err error) {
	called := map[string]bool{}
	for _, p := range s.progs {
		if err := b.calls(p.id, called); err != nil {
			return nil, err
		}
	}
	traceable := map[string]bool{}
	known := b.reader.Kernel().TraceableFuncs(func(name, _ string) bool {
		traceable[name] = called[name]
		return true
	}) == nil
	types, err := b.reader.Vmlinux()
	if err != nil {
		return nil, err
	}
	s.values = map[string]bool{}
	for name := range called {
		fn, typed := types.Find(name, kern.KindFunc)
		if !typed || known && !traceable[name] || slices.ContainsFunc(own, func(part string) bool { return strings.Contains(name, part) }) {
			unseen = append(unseen, name)
			continue
		}
		s.helpers = append(s.helpers, name)
		s.values[name] = fn.Ref().Ref().Kind() != kern.KindVoid
	}
	slices.Sort(s.helpers)
	slices.Sort(unseen)
	return unseen, nil
}

// calls adds the kernel's functions that a program calls.
func (b *bpfRun) calls(id uint32, called map[string]bool) error {
	o, err := b.reader.OpenOne(inspect.KindProg, inspect.Selector{By: "id", Value: fmt.Sprint(id)}, false)
	if err != nil {
		return err
	}
	defer o.Close()
	c, err := b.reader.Code(o.FD)
	if err != nil {
		return err
	}
	insns, err := b.reader.XlatedInsns(c)
	if err != nil {
		return err
	}
	for _, in := range insns {
		if name, ok := in.Calls(); ok {
			called[name] = true
		}
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
	for _, fn := range s.helpers {
		s.helper(&b, fn)
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
	result := `""`
	for i, name := range slices.Backward(returns[p.typ]) {
		result = fmt.Sprintf("$ret == %d ? %q : %s", i, " "+name, result)
	}
	if s.count > 0 { // several CPUs may be at it
		fmt.Fprintf(b, "%sif (@runs >= %d) {\n%s\treturn;\n%s}\n", indent, s.count, indent, indent)
	}
	fmt.Fprintf(b, "%s$ret = retval;\n", indent)
	if s.json {
		fmt.Fprintf(b, "%sprint((time=strftime(\"%%Y-%%m-%%dT%%H:%%M:%%S.%%f%%z\", $start), id=%d, name=%q, pid=pid, comm=comm, cpu=cpu, took_ns=$took, returned=$ret));\n", indent, p.id, p.name)
	} else {
		fmt.Fprintf(b, "%sprintf(\"%%s  %%6d  %%-%ds  %%7d  %%-15s  %%3d  %%10d  %%d%%s\\n\", strftime(\"%%H:%%M:%%S.%%f\", $start), %d, %q, pid, comm, cpu, $took, $ret, %s);\n",
			indent, s.width(), p.id, p.name, result)
	}
	if s.count > 0 {
		fmt.Fprintf(b, "%s@runs++;\n%sif (@runs >= %d) {\n%s\texit();\n%s}\n", indent, indent, s.count, indent, indent)
	}
	if s.least > 0 {
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
}

// helper traces the returns of a kernel function while one of the programs runs.
func (s *strace) helper(b *strings.Builder, fn string) {
	var inside []string
	for _, p := range s.progs {
		inside = append(inside, fmt.Sprintf("@start[cpu, tid, %d]", p.id))
	}
	value, format := "", ""
	if s.values[fn] {
		value, format = ", (int64)retval", " = %d"
	}
	fmt.Fprintf(b, "\nfexit:vmlinux:%s /%s/ {\n", fn, strings.Join(inside, " || "))
	switch {
	case s.json && value != "":
		fmt.Fprintf(b, "\tprint((call=%q, pid=pid, cpu=cpu, returned=(int64)retval));\n", fn)
	case s.json:
		fmt.Fprintf(b, "\tprint((call=%q, pid=pid, cpu=cpu));\n", fn)
	default:
		fmt.Fprintf(b, "\tprintf(\"    cpu %%d  %%s%s\\n\", cpu, %q%s);\n", format, fn, value)
	}
	b.WriteString("}\n")
}

// tryTrace attaches to the programs for a moment; the error says why that can't be done.
func (b *bpfRun) tryTrace(s *strace) error {
	var said bytes.Buffer
	quiet := &app{in: strings.NewReader(""), out: io.Discard, err: &said, run: runJob}
	only := *s
	only.helpers = nil
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
