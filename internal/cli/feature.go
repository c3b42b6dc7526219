package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/inspect"
)

// featureCommand is `skep feature`: what the running kernel's BPF can do, by trying.
func (a *app) featureCommand() *cobra.Command {
	return a.object("feature", "Try what the kernel's BPF can do", []verb{
		{use: "probe [kernel] [full] [unprivileged] [macros [prefix PREFIX]]", short: "Try types of programs and maps, helpers, and what else kernels came to allow", run: featureProbe,
			long: "Try types of programs and maps, helpers, and what else kernels came to allow.\n\n" +
				"full: helpers too whose use the kernel logs. unprivileged: as a process without\n" +
				"capabilities may. macros: print #define lines of C, prefix: that all begin with PREFIX."},
		{use: "list_builtins GROUP", short: "List the names that skep knows of prog_types, map_types, attach_types, link_types or helpers", run: featureBuiltins},
	})
}

func featureBuiltins(b *bpfRun) error {
	group, err := b.next("the group")
	if err != nil {
		return err
	}
	if err := b.done(); err != nil {
		return err
	}
	var names []string
	groups := []string{"prog_types", "map_types", "attach_types", "link_types", "helpers"}
	for _, g := range groups {
		if isWord(group, g) {
			group = g
			break
		}
	}
	switch group {
	case "prog_types":
		names = inspect.ProgTypes
	case "map_types":
		names = inspect.MapTypes
	case "attach_types":
		names = inspect.AttachTypes
	case "link_types":
		names = inspect.LinkTypes
	case "helpers":
		names = []string{"bpf_unspec"} // number 0
		for _, h := range helper.All() {
			names = append(names, h.String())
		}
	default:
		return usagef("the group is %s, not %q%s", oneOfWords(groups), group, didYouMean(group, groups))
	}
	b.open("[")
	for _, n := range names {
		if b.out.JSON != nil {
			b.out.JSON.Text(n)
		} else {
			fmt.Fprintln(b.out.Text, n)
		}
	}
	b.end("]")
	return nil
}
