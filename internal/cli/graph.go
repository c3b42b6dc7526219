package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect/show"
)

// graphCommand is `skep graph`: how processes, programs, maps and attach points hang together.
func (a *app) graphCommand() *cobra.Command {
	flags := new(bpfFlags)
	c := &cobra.Command{
		Use: "graph [dot|svg] [PROG]…", Short: "Draw processes, BPF programs, their maps and attach points",
		Long: "Draw which processes and pins keep which BPF programs, which maps these use, and what they are\n" +
			"attached to: as a tree, as DOT for Graphviz, or as a picture.\n\n" + selectHelp,
		Example: "  skep graph                            a tree of everything\n  skep graph svg > bpf.svg              a picture\n" +
			"  skep graph dot name count | dot -Tpdf one program, drawn by Graphviz",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return a.runVerb(flags, (*bpfRun).graph, args) },
	}
	a.surveyFlags(c, flags)
	return c
}

func (b *bpfRun) graph() error {
	form := ""
	if b.more() && oneOf(b.words[0], "dot svg") {
		form, b.words = b.words[0], b.words[1:]
		if b.out.JSON != nil {
			return usagef("%s and -j exclude each other", form)
		}
	}
	s, progs, all, err := b.surveyed()
	if err != nil {
		return err
	}
	g := show.NewGraph(s, progs, all)
	switch form {
	case "dot":
		return g.Drawing().DOT(b.out.Text)
	case "svg":
		return g.Drawing().SVG(b.out.Text)
	}
	return b.out.Graph(g, b.width())
}
