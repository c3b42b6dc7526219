package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// snapshotCommand is `skep snapshot`: all BPF of the machine, to be compared later.
func (a *app) snapshotCommand() *cobra.Command {
	return &cobra.Command{
		Use: "snapshot", Short: "Write down all BPF of this machine, for `skep diff`",
		Long: "Write down the machine's programs, maps and links, with owners, pins and attach points, as JSON.\n" +
			"`skep diff` tells what changed since.",
		Example: "  skep snapshot > before.json\n  skep diff before.json",
		Args:    wantArgs(0, 0, "no arguments; its output goes to a file: skep snapshot > FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(new(bpfFlags), (*bpfRun).snapshot, args)
		},
	}
}

func (b *bpfRun) snapshot() error {
	n, err := b.now()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	_, err = b.out.Text.Write(append(text, '\n'))
	return err
}

// now is a snapshot of the machine.
func (b *bpfRun) now() (*inspect.Snapshot, error) {
	s, err := b.survey()
	if err != nil {
		return nil, err
	}
	return b.reader.Snapshot(s)
}

// diffCommand is `skep diff`: what changed between two snapshots, or since one.
func (a *app) diffCommand() *cobra.Command {
	flags := new(bpfFlags)
	var code bool
	c := &cobra.Command{
		Use: "diff FILE [FILE]", Short: "Tell what changed since a snapshot of BPF, or between two",
		Long: "Tell which programs, maps and links were added (+), removed (-) or changed (~) since the snapshot\n" +
			"in a file (-: standard input), or between two snapshots.",
		Example: "  skep snapshot > before.json; systemctl start agent; skep diff before.json\n  skep diff -j monday.json tuesday.json",
		Args:    wantArgs(1, 2, "one file, or two, that `skep snapshot` has written"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.diff(code) }, args)
		},
	}
	a.surveyFlags(c, flags)
	c.Flags().BoolVar(&code, "exit-code", false, "end with status 1 when something changed")
	return c
}

func (b *bpfRun) diff(code bool) error {
	var sides [2]*inspect.Snapshot
	for i, name := range b.words {
		var err error
		if sides[i], err = b.readSnapshot(name); err != nil {
			return err
		}
	}
	if sides[1] == nil {
		var err error
		if sides[1], err = b.now(); err != nil {
			return err
		}
	}
	d := &show.Diff{From: sides[0], To: sides[1], Changes: inspect.Diff(sides[0], sides[1])}
	b.out.Diff(d)
	if code && len(d.Changes) > 0 {
		return exit(exitError)
	}
	return nil
}

func (b *bpfRun) readSnapshot(name string) (n *inspect.Snapshot, err error) {
	in := b.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open snapshot: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		in = f
	}
	if n, err = inspect.ReadSnapshot(in); err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", name, err)
	}
	return n, nil
}
