package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// bpflistCommand is `skep bpflist`: processes with their counts of programs and maps, as
// bcc's bpflist has them.
func (a *app) bpflistCommand() *cobra.Command {
	var verbose int
	c := &cobra.Command{
		Use: "bpflist [-v]", Short: "List processes with their counts of BPF programs and maps",
		Long: "List processes with their counts of BPF programs, maps and links; with -v of probes too,\n" +
			"with -vv the probes themselves.",
		Example: "  skep bpflist      all processes that use BPF\n  skep bpflist -vv  with their probes",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.bpflist(verbose) },
	}
	c.Flags().CountVarP(&verbose, "verbose", "v", "count probes too; twice: list them")
	return c
}

func (a *app) bpflist(verbose int) error {
	k := kern.New(os.DirFS("/"))
	usages, unread, err := inspect.New(k, os.DirFS("/")).Usages()
	if err != nil {
		return errors.Join(err, k.Close())
	}
	if lack := inspect.Unread(unread); lack != nil {
		fmt.Fprintf(a.err, "WARNING: %v\n", lack)
	}
	return errors.Join(printUsages(a.out, usages, verbose), k.Close())
}

// objectKinds are the kinds that are counted without -v.
var objectKinds = map[string]bool{"prog": true, "map": true, "link": true}

func printUsages(w io.Writer, usages []*inspect.Usage, verbose int) error {
	var b strings.Builder
	if verbose > 1 {
		for _, u := range usages {
			for _, p := range u.Probes {
				fmt.Fprintf(&b, "%s %s prog_id %d %s(%d)\n", p.Kind, p.Text, p.Prog, u.Comm, u.PID)
			}
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
	}
	width := len("TYPE")
	for _, u := range usages {
		for _, c := range u.Counts {
			width = max(width, len(c.Kind))
		}
	}
	fmt.Fprintf(&b, "%-6s %-16s %-*s %s\n", "PID", "COMM", width+1, "TYPE", "COUNT")
	for _, u := range usages {
		for _, c := range u.Counts {
			if verbose > 0 || objectKinds[c.Kind] {
				fmt.Fprintf(&b, "%-6d %-16s %-*s %d\n", u.PID, u.Comm, width+1, c.Kind, c.N)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
