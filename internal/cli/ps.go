package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// psOptions are those of `skep ps`.
type psOptions struct{ sort, duration string }

// selectHelp tells how objects are chosen.
const selectHelp = "A program is told by `id N`, `tag T`, `name S` or `pinned FILE`, as for `skep prog`;\n" +
	"the word may be left out."

// psCommand is `skep ps`: programs as processes are listed.
func (a *app) psCommand() *cobra.Command {
	flags, o := new(bpfFlags), new(psOptions)
	c := &cobra.Command{
		Use: "ps [PROG]…", Short: "List BPF programs with owner, state, attach points, memory and CPU time",
		Long: "List BPF programs: who keeps each, what it's attached to, its age, size and memory, and how\n" +
			"often and how long it runs. For that, the kernel's run statistics are on for a moment.\n\n" + selectHelp,
		Example: "  skep ps                          all programs\n  skep ps --sort cpu --duration 5  by their share of a CPU, over 5 seconds\n" +
			"  skep ps name count_packets -j    one program, in JSON",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.ps(o) }, args)
		},
	}
	a.surveyFlags(c, flags)
	f := c.Flags()
	f.StringVar(&o.sort, "sort", "id", "sort by `KEY`: "+strings.Join(show.PSKeys(), ", "))
	f.StringVarP(&o.duration, "duration", "d", "250ms", "count runs for this `time`: 2, 500ms, 0 for not at all")
	return c
}

// surveyFlags are the flags of all commands that look at the whole machine.
func (a *app) surveyFlags(c *cobra.Command, flags *bpfFlags) {
	f := c.Flags()
	f.BoolVarP(&flags.json, "json", "j", false, "print JSON")
	f.BoolVarP(&flags.pretty, "pretty", "p", false, "print JSON, indented")
}

func (b *bpfRun) ps(o *psOptions) error {
	if !slices.Contains(show.PSKeys(), o.sort) {
		return usagef("--sort takes one of %s, not %q", strings.Join(show.PSKeys(), ", "), o.sort)
	}
	wait, err := lookTime(o.duration)
	if err != nil {
		return err
	}
	s, progs, _, err := b.surveyed()
	if err != nil {
		return err
	}
	ps := &show.PS{Survey: s}
	if wait > 0 {
		if ps.Runs, err = b.measure(progs, wait); err != nil {
			b.lacking([]error{err})
		}
	}
	return b.out.PS(ps, progs, o.sort, b.width())
}

// lookTime reads a time that may be 0.
func lookTime(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(strings.TrimRight(s, "nmsh"), 64); err == nil && n == 0 {
		return 0, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return 0, usagef("--duration takes a time such as 2, 500ms or 0, not %q", s)
	}
	return d, nil
}

// survey reads the machine's BPF.
func (b *bpfRun) survey() (*inspect.Survey, error) {
	s, err := b.reader.Survey()
	if err != nil {
		return nil, err
	}
	b.lacking(s.Missing)
	if s.Owners != nil && s.Owners.Unread > 0 {
		b.lacking([]error{inspect.Unread(s.Owners.Unread)})
	}
	return s, nil
}

// measure counts the runs of programs for a time; an interrupt ends it early.
func (b *bpfRun) measure(progs []*inspect.Prog, wait time.Duration) (map[uint32]inspect.Runs, error) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	m, err := b.reader.StartMeter(progs)
	if err != nil {
		return nil, err
	}
	select {
	case <-interrupted:
	case <-time.After(wait):
	}
	return m.Read(), m.Close()
}

// width is how many characters a line may have: $COLUMNS, or the terminal's; 0 for a pipe.
func (b *bpfRun) width() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := b.app.out.(*os.File); ok {
		return sys.TerminalWidth(int(f.Fd()))
	}
	return 0
}

// isTag reports whether a word looks like a tag: 16 hexadecimal digits.
func isTag(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 16
}

// choice reads a selector whose word may be left out: a number is an id, 16 hexadecimal
// digits a tag, a path a pin, all else a name.
func (b *bpfRun) choice(k inspect.Kind) (inspect.Selector, error) {
	w := b.words[0]
	if slices.Contains(selectorWords[k], w) && len(b.words) > 1 {
		return b.selector(k)
	}
	b.words = b.words[1:]
	s := inspect.Selector{By: "name", Value: w}
	switch _, err := strconv.ParseUint(w, 10, 32); {
	case slices.Contains(selectorWords[k], w):
		return s, usagef("the %s is missing", w)
	case err == nil:
		s.By = "id"
	case strings.Contains(w, "/"):
		s.By = "pinned"
	case isTag(w) && k == inspect.KindProg:
		s.By = "tag"
	}
	if !slices.Contains(selectorWords[k], s.By) {
		return s, usagef("expected %s, not %q", strings.Join(selectorWords[k], ", "), w)
	}
	return s, nil
}

// chosen are the ids of the objects that the words tell; none: there were no words.
func (b *bpfRun) chosen(k inspect.Kind) (ids []uint32, err error) {
	for b.more() {
		s, err := b.choice(k)
		if err != nil {
			return nil, err
		}
		found, err := b.reader.Resolve(k, s)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// surveyed is a survey of the system and, of it, the programs that were asked for; all: none
// in particular.
func (b *bpfRun) surveyed() (s *inspect.Survey, progs []*inspect.Prog, all bool, err error) {
	chosen, err := b.chosen(inspect.KindProg)
	if err != nil {
		return nil, nil, false, err
	}
	if s, err = b.survey(); err != nil {
		return nil, nil, false, err
	}
	progs, err = pick(s, chosen)
	return s, progs, len(chosen) == 0, err
}

// pick finds programs by id; none means all. One that went after it was chosen is an error.
func pick(s *inspect.Survey, ids []uint32) ([]*inspect.Prog, error) {
	if len(ids) == 0 {
		return s.Progs, nil
	}
	var out []*inspect.Prog
	var errs []error
	for _, id := range ids {
		if p := s.Prog(id); p != nil {
			out = append(out, p)
		} else {
			errs = append(errs, fmt.Errorf("read program %d: %w", id, inspect.ErrGone))
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}
