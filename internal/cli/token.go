package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// tokenCommand is `skep token`: what user namespaces may be lent.
func (a *app) tokenCommand() *cobra.Command {
	return a.object("token", "List BPF file systems that delegate BPF to user namespaces", []verb{
		{use: "show", aliases: []string{"list"}, short: "List mounted BPF file systems with what tokens from them allow", run: tokenShow},
	})
}

func tokenShow(b *bpfRun) error {
	if err := b.done(); err != nil {
		return err
	}
	list, err := b.reader.Delegations()
	if err != nil {
		return err
	}
	b.open("[")
	for _, d := range list {
		sets := []struct {
			name  string
			items []string
		}{{"allowed_cmds", d.Cmds}, {"allowed_maps", d.Maps}, {"allowed_progs", d.Progs}, {"allowed_attachs", d.AttachTypes}}
		if j := b.out.JSON; j != nil {
			j.Open("{")
			j.Member("token_info", d.Path)
			for _, s := range sets {
				j.Member(s.name, append([]string{}, s.items...))
			}
			j.End("}")
			continue
		}
		fmt.Fprintf(b.out.Text, "token_info  %s", d.Path)
		for _, s := range sets {
			fmt.Fprintf(b.out.Text, "\n\t%s:", s.name)
			for i, item := range s.items {
				if i%4 == 0 {
					fmt.Fprint(b.out.Text, "\n\t  ")
				}
				fmt.Fprintf(b.out.Text, "%-20s", item)
			}
		}
		fmt.Fprintln(b.out.Text)
	}
	b.end("]")
	return nil
}
