package cli

import (
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// mapCommand is `skep map`: bpftool's verbs for maps. bpftool's words for bytes are kept:
// `key 1 0 0 0`, `key hex 0a 00`, one a byte.
func (a *app) mapCommand() *cobra.Command {
	return a.object("map", "List, dump and change BPF maps", []verb{
		{use: "show [id N | name S | pinned FILE]", aliases: []string{"list"}, short: "Describe maps", run: showMaps},
		{use: "dump MAP", short: "Print all elements, by their types", run: dumpMaps},
		{use: "update MAP [key DATA] [value VALUE] [any | exist | noexist]", short: "Set an element", run: mapUpdate},
		{use: "lookup MAP [key DATA]", short: "Print an element", run: mapLookup},
		{use: "getnext MAP [key DATA]", short: "Print the key after a key", run: mapGetNext},
		{use: "delete MAP key DATA", short: "Delete an element", run: mapDelete},
		{use: "pin MAP FILE", short: "Pin a map in a BPF file system", run: pin(inspect.KindMap)},
		{use: "event_pipe MAP [cpu N index M]", short: "Print what programs write to a map of perf events, until interrupted", run: mapEventPipe},
		{use: "create FILE type T key BYTES value BYTES entries N name S [flags F] [inner_map MAP] [offload_dev NAME]",
			short: "Make a map and pin it", run: mapCreate},
		{use: "peek MAP", short: "Print a queue's or stack's next element", run: mapLookup},
		{use: "push MAP value VALUE", short: "Push onto a stack", run: mapUpdate},
		{use: "enqueue MAP value VALUE", short: "Put at a queue's end", run: mapUpdate},
		{use: "pop MAP", short: "Take the next element off a stack", run: mapPop},
		{use: "dequeue MAP", short: "Take a queue's first element", run: mapPop},
		{use: "freeze MAP", short: "Make a map unchangeable from user space", run: mapFreeze},
	})
}
