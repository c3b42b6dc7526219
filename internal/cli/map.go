package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// mapCommand is `skep map`: bpftool's verbs for maps.
func (a *app) mapCommand() *cobra.Command {
	return a.object("map", "List, dump and change BPF maps", []verb{
		{use: "show [id N | name S | pinned FILE]", aliases: []string{"list"}, short: "Describe maps", run: showMaps},
		{use: "dump MAP", short: "Print all elements", run: dumpMaps},
		{use: "pin MAP FILE", short: "Pin a map in a BPF file system", run: pin(inspect.KindMap)},
	})
}
