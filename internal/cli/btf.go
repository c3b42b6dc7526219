package cli

import "github.com/spf13/cobra"

// btfCommand is `skep btf`: bpftool's verbs for type information.
func (a *app) btfCommand() *cobra.Command {
	return a.object("btf", "List and dump type information", []verb{
		{use: "show [id N]", aliases: []string{"list"}, short: "Describe BTF objects", run: showBTFs},
	})
}
