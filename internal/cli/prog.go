package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// progCommand is `skep prog`: bpftool's verbs for programs.
func (a *app) progCommand() *cobra.Command {
	dump := new(dumpFlags)
	return a.object("prog", "List, dump, pin, load and run BPF programs", []verb{
		{use: "show [id N | tag T | name S | pinned FILE]", aliases: []string{"list"}, short: "Describe programs", run: showProgs},
		{use: "dump xlated|jited PROG [opcodes] [linum] [visual] [svg] [file FILE]", short: "List a program's instructions, translated or of the machine",
			flags: dump.register, run: progDump(dump)},
		{use: "pin PROG FILE", short: "Pin a program in a BPF file system", run: pin(inspect.KindProg)},
	})
}
