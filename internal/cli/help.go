package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/tools"
)

// rootHelp fits a screen of 24 lines by 80 columns; the tools' names follow it.
const rootHelp = `skep runs bpftrace scripts and tracing tools.

  skep [options] FILE [ARGS] [--NAME=VALUE]   skep [options] TOOL [TOOL OPTIONS]
  skep [options] -e PROGRAM [ARGS]            skep COMMAND -h

  -e PROGRAM       run this program          -f FORMAT        text or json
  -c COMMAND       run and trace it          -o FILE          output to a file
  -p PID           only this process         -q               less output
  --duration TIME  end after 10, 500ms, 2m   -v, -vv          more messages
  -l [SEARCH]      list probes               -k               warn of bad reads
  --unsafe         allow system() …          -B MODE          line, full, none
  -I, --include    C headers                 --utc, --iso     forms of times
  --dump STAGES    ast,types,ssa,insns       --error-format   text, short, json

commands:
  run        run a script            check      check scripts, without root
  tools      list and show tools     fmt        format scripts
  bpftrace, bpftool: their flags     explain    explain a message's code
  doctor     what works here         man        write manual pages
  version    print the version       completion for bash, zsh, fish
  BPF here: ps top pmap graph watch strace snapshot diff exporter bpflist
  bpftool's: prog map link btf perf net cgroup struct_ops feature gen iter token
tools: %s
exit status: 0; 1 error; 2 wrong usage; or the script's own
`

// help prints the help of any command.
func (a *app) help(c *cobra.Command, _ []string) {
	if !c.HasParent() {
		var names []string
		for _, t := range tools.All() {
			names = append(names, t.Name)
		}
		text := fmt.Sprintf(rootHelp, strings.Join(names, " "))
		if len(names) > 8 {
			text = fmt.Sprintf(rootHelp, fmt.Sprintf("%d of them, see `skep tools`", len(names)))
		}
		fmt.Fprint(a.out, text)
		return
	}
	if t, ok := tools.Lookup(c.Name()); ok && c.DisableFlagParsing && c.Parent() == c.Root() {
		fmt.Fprint(a.out, t.Header().Usage("skep "+t.Name))
		return
	}
	if text := c.Long; text != "" {
		fmt.Fprintf(a.out, "%s\n\n", text)
	} else {
		fmt.Fprintf(a.out, "%s\n\n", c.Short)
	}
	fmt.Fprintf(a.out, "usage: %s\n", c.UseLine())
	if c.HasAvailableSubCommands() {
		fmt.Fprint(a.out, "\ncommands:\n")
		for _, s := range c.Commands() {
			fmt.Fprintf(a.out, "  %-12s %s\n", s.Name(), s.Short)
		}
	}
	if c.HasAvailableLocalFlags() {
		fmt.Fprintf(a.out, "\noptions:\n%s", c.LocalFlags().FlagUsagesWrapped(80))
	}
	if c.Example != "" {
		fmt.Fprintf(a.out, "\nexamples:\n%s\n", c.Example)
	}
}

// helpOf is `skep help COMMAND`.
func (a *app) helpOf(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		a.help(root, nil)
		return nil
	}
	c, _, err := root.Find(args)
	if err != nil || c == root {
		return a.unknownCommand(args[0])
	}
	a.help(c, nil)
	return nil
}
