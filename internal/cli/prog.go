package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// progCommand is `skep prog`: bpftool's verbs for programs.
func (a *app) progCommand() *cobra.Command {
	return a.object("prog", "List, dump, pin, load and run BPF programs", []verb{
		{use: "show [id N | tag T | name S | pinned FILE]", aliases: []string{"list"}, short: "Describe programs", run: showProgs},
		{use: "pin PROG FILE", short: "Pin a program in a BPF file system", run: pin(inspect.KindProg)},
	})
}
