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
		{use: "load" + progLoadUse, short: "Load an object file, and pin its first program", long: progLoadLong, run: progLoad(false)},
		{use: "loadall" + progLoadUse, short: "Load an object file, and pin its programs in a folder", long: progLoadLong, run: progLoad(true)},
		{use: "attach PROG ATTACH_TYPE [MAP]", short: "Attach a program to a map of sockets, or as flow dissector", run: progAttach(true)},
		{use: "detach PROG ATTACH_TYPE [MAP]", short: "Take a program off again", run: progAttach(false)},
		{use: "tracelog [stdout|stderr PROG]", short: "Print what programs write by bpf_printk, until interrupted, or what is in a program's stream", run: progTracelog},
		{use: "run PROG [data_in FILE] [data_out FILE [data_size_out N]] [ctx_in FILE] [ctx_out FILE [ctx_size_out N]] [repeat N]",
			short: "Run a program on data or a context of yours", run: progRun},
	})
}
