package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/top"
)

// topOptions are those of `skep top`.
type topOptions struct {
	interval, sort string
	count          int
	batch, running bool
}

// topCommand is `skep top`: what programs do now.
func (a *app) topCommand() *cobra.Command {
	flags, o := new(bpfFlags), new(topOptions)
	c := &cobra.Command{
		Use: "top [PROG]…", Short: "Watch what BPF programs do: runs, time, CPU, misses, maps",
		Long: "Watch what BPF programs do: runs a second, time of a run, share of a CPU, missed runs and\n" +
			"how full their maps are. h shows the keys, Enter looks into a program. The kernel's run\n" +
			"statistics are on while it runs. Where there's no terminal it prints tables.\n\n" + selectHelp,
		Example: "  skep top                     all programs\n  skep top -d 0.5 --sort time  each half second, the slowest first\n" +
			"  skep top -b -n 3             three tables\n  skep top -j -n 60 > top.jsonl",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.top(o) }, args)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.interval, "interval", "d", "1", "look each `time`: 2, 500ms")
	f.StringVar(&o.sort, "sort", "cpu", "sort by `KEY`: "+strings.Join(top.SortKeys(), ", "))
	f.BoolVarP(&o.batch, "batch", "b", false, "print tables, also on a terminal")
	f.IntVarP(&o.count, "iterations", "n", 0, "end after `N` intervals")
	f.BoolVarP(&o.running, "running", "r", false, "only programs that ran in the interval")
	f.BoolVarP(&flags.json, "json", "j", false, "print JSON, an object for each interval")
	return c
}

func (b *bpfRun) top(o *topOptions) error {
	every, err := parseDuration(o.interval)
	if err != nil || every < 10*time.Millisecond {
		return usagef("--interval takes a time such as 2 or 500ms, 10ms at least, not %q", o.interval)
	}
	if !slices.Contains(top.SortKeys(), o.sort) {
		return usagef("--sort takes one of %s, not %q", strings.Join(top.SortKeys(), ", "), o.sort)
	}
	if o.count < 0 {
		return usagef("--iterations takes a number from 1 on, not %d", o.count)
	}
	chosen, err := b.chosen(inspect.KindProg)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	if o.batch || b.out.JSON != nil || !b.onTerminal() {
		return b.topTables(ctx, o, every, chosen)
	}
	// A second reader for what takes longer.
	k := kern.New(os.DirFS("/"))
	err = top.Run(ctx, top.Config{
		Samples: b.reader, Surveys: inspect.New(k, os.DirFS("/")), Interval: every, Sort: o.sort, Only: chosen, Running: o.running, Count: o.count,
	})
	return errors.Join(err, k.Close())
}

// onTerminal reports whether input and output are a terminal that can do more than print.
func (b *bpfRun) onTerminal() bool {
	in, inFile := b.in.(*os.File)
	out, outFile := b.app.out.(*os.File)
	return inFile && outFile && os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb" && sys.TerminalWidth(int(in.Fd())) > 0 && sys.TerminalWidth(int(out.Fd())) > 0
}

// Maps are counted for a part of an interval; who owns what is read again at times.
const (
	topFillShare   = 4
	topSurveyEvery = 10 * time.Second
)

// topTables prints a table, or an object of JSON, for each interval until ctx is done.
func (b *bpfRun) topTables(ctx context.Context, o *topOptions, every time.Duration, chosen []uint32) (err error) {
	s, missing, err := b.reader.StartSampler()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	b.lacking(missing)
	fills := b.reader.NewFills()
	var survey *inspect.Survey
	next := time.Now()
	for n := 0; o.count == 0 || n < o.count; n++ {
		next = next.Add(every)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(next)):
		}
		sample, err := s.Sample()
		if err != nil {
			return err
		}
		if survey == nil || time.Since(survey.Taken) > max(topSurveyEvery, every) {
			read := b.reader.Survey
			if survey == nil {
				read = b.survey // which warns of what isn't to be had, once
			}
			if survey, err = read(); err != nil {
				return err
			}
		}
		t := &show.Top{Sample: sample, Survey: survey, Fills: countFills(fills, sample, chosen, every)}
		top.Arrange(t, o.sort, chosen, o.running)
		if n > 0 && b.out.JSON == nil {
			fmt.Fprintln(b.out.Text)
		}
		if err := b.out.Top(t, b.width()); err != nil {
			return err
		}
	}
	return nil
}

// countFills counts the maps of programs.
func countFills(f *inspect.Fills, s *inspect.Sample, chosen []uint32, every time.Duration) map[uint32]inspect.Fill {
	var maps []uint32
	for i := range s.Progs {
		if g := &s.Progs[i]; chosen == nil || slices.Contains(chosen, g.ID) {
			maps = append(maps, g.Maps...)
		}
	}
	f.Update(maps, every/topFillShare)
	return f.All()
}
