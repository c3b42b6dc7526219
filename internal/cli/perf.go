package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// perfCommand is `skep perf`: the perf events and raw tracepoints of all processes that
// have programs.
func (a *app) perfCommand() *cobra.Command {
	return a.object("perf", "List perf events with programs, by process", []verb{
		{use: "show", aliases: []string{"list"}, short: "List perf events and raw tracepoints with programs", run: showPerf},
	})
}

func showPerf(b *bpfRun) error {
	if err := b.done(); err != nil {
		return err
	}
	fds, unread, err := b.reader.PerfFDs()
	if lack := inspect.Unread(unread); lack != nil {
		b.lacking([]error{lack})
	}
	b.open("[")
	for _, f := range fds {
		b.out.PerfFD(f)
	}
	b.end("]")
	return err
}
