package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/tools"
)

// toolsCommand is `skep tools`.
func (a *app) toolsCommand() *cobra.Command {
	list := func(_ *cobra.Command, args []string) error { return a.listTools("") }
	c := &cobra.Command{
		Use: "tools", Short: "List and show the built-in tools", RunE: list, Args: wantArgs(0, 0, "no arguments"),
	}
	names := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, t := range tools.All() {
			out = append(out, t.Name)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	for _, sub := range []*cobra.Command{
		{Use: "list", Short: "List the tools", RunE: list, Args: wantArgs(0, 0, "no arguments")},
		{
			Use: "cat NAME", Short: "Print a tool's script", Args: wantArgs(1, 1, "a tool's name"), ValidArgsFunction: names,
			RunE: func(_ *cobra.Command, args []string) error { return a.catTool(args[0]) },
		},
		{
			Use: "search WORD", Short: "List the tools that say a word", Args: wantArgs(1, 1, "a word"),
			RunE: func(_ *cobra.Command, args []string) error { return a.listTools(args[0]) },
		},
	} {
		c.AddCommand(a.command(sub))
	}
	return c
}

// listTools prints the tools whose name, summary or text holds word.
func (a *app) listTools(word string) error {
	found := false
	for _, t := range tools.All() {
		h := t.Header()
		all := strings.ToLower(h.Name + " " + h.Summary + " " + h.Text)
		if strings.Contains(all, strings.ToLower(word)) {
			found = true
			fmt.Fprintf(a.out, "%-16s %s\n", t.Name, h.Summary)
		}
	}
	if !found {
		return fmt.Errorf("no tool says %q", word)
	}
	return nil
}

func (a *app) catTool(name string) error {
	t, ok := tools.Lookup(name)
	if !ok {
		return unknownTool(name)
	}
	_, err := io.WriteString(a.out, t.Source)
	return err
}

func unknownTool(name string) error {
	var names []string
	for _, t := range tools.All() {
		names = append(names, t.Name)
	}
	if near, ok := diag.Nearest(name, names); ok {
		return usagef("there is no tool %q; did you mean %s?", name, near)
	}
	return usagef("there is no tool %q; `skep tools` lists them", name)
}

// toolCommand is `skep NAME`. The flags behind the name are the tool's own.
func (a *app) toolCommand(flags *runFlags, t tools.Tool) *cobra.Command {
	return &cobra.Command{
		Use:                t.Name,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if flags.program != "" || flags.list {
				return usagef("-e and -l don't go with a tool's name")
			}
			j, err := flags.job()
			if err != nil {
				return err
			}
			j.Name, j.Text = t.Name+".bt", t.Source
			return a.script(j, args, "skep "+t.Name)
		},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return completeTool(t, word), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// completeTool lists the options of a tool that begin with word.
func completeTool(t tools.Tool, word string) []string {
	if !strings.HasPrefix(word, "-") {
		return nil
	}
	var out []string
	for _, o := range t.Header().Options {
		if strings.HasPrefix("--"+o.Long, word) {
			out = append(out, "--"+o.Long+"\t"+o.Help)
		}
		if o.Short != "" && word == "-" {
			out = append(out, "-"+o.Short+"\t"+o.Help)
		}
	}
	return out
}

// wantsAllHelp reports whether the command tells of all tools, so that their headers
// have to be read.
func wantsAllHelp(command string) bool {
	return command == "man" || command == "completion" || command == "__complete"
}

// describeTools gives the tools' commands their summaries and flags.
func describeTools(root *cobra.Command) {
	for _, c := range root.Commands() {
		t, ok := tools.Lookup(c.Name())
		if !ok {
			continue
		}
		h := t.Header()
		c.Short = h.Summary
		c.Long = strings.ToUpper(h.Summary[:1]) + h.Summary[1:] + ".\n\n" + h.Text
		for _, arg := range h.Args {
			c.Use += " [" + arg.Name + "]"
		}
		var lines []string
		for _, e := range h.Examples {
			lines = append(lines, fmt.Sprintf("  skep %s\n      %s", e.Command, e.Help))
		}
		c.Example = strings.Join(lines, "\n")
		c.Flags().AddFlagSet(h.Flags())
	}
}
