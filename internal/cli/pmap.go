package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// pmapOptions are those of `skep pmap`.
type pmapOptions struct {
	limit uint64 // elements of a map that are counted
	given bool   // the limit is the user's, who has the time
}

// Without a limit of the user's a map's elements are counted up to countElements, and for
// countTime at most; else for an hour.
const (
	countElements = 1 << 20
	countTime     = 200 * time.Millisecond
)

// pmapCommand is `skep pmap`: the memory of programs and their maps.
func (a *app) pmapCommand() *cobra.Command {
	flags, o := new(bpfFlags), new(pmapOptions)
	c := &cobra.Command{
		Use: "pmap [PROG]…", Short: "Show the memory of BPF programs and their maps",
		Long: "Show the memory of BPF programs and their maps: elements used of those that fit, bytes, and\n" +
			"which programs share a map.\n\n" + selectHelp,
		Example: "  skep pmap                      all programs\n  skep pmap name count_packets   one of them\n  skep pmap 97 --limit 10000000  count large maps to their end",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.pmap(o) }, args)
		},
		PreRun: func(c *cobra.Command, _ []string) { o.given = c.Flags().Changed("limit") },
	}
	a.surveyFlags(c, flags)
	c.Flags().Uint64Var(&o.limit, "limit", countElements, "count a map's elements up to `N`; unless it's given, for 200ms at most")
	return c
}

func (b *bpfRun) pmap(o *pmapOptions) error {
	limit := inspect.CountLimit{Elements: o.limit, Time: countTime}
	if o.given {
		limit.Time = time.Hour
	}
	s, progs, _, err := b.surveyed()
	if err != nil {
		return err
	}
	entries := b.countEntries(s, progs, limit)
	b.open("[")
	for i, g := range progs {
		if i > 0 && b.out.JSON == nil {
			b.out.Text.WriteString("\n")
		}
		if err := b.out.PMap(&show.PMap{Prog: g, Maps: show.MapUses(s, g, entries)}, b.width()); err != nil {
			return err
		}
	}
	b.end("]")
	return nil
}

// countEntries counts the elements of the programs' maps, each map once.
func (b *bpfRun) countEntries(s *inspect.Survey, progs []*inspect.Prog, limit inspect.CountLimit) map[uint32]inspect.Entries {
	entries := map[uint32]inspect.Entries{}
	for _, g := range progs {
		for _, id := range g.Maps {
			m := s.Map(id)
			if _, done := entries[id]; done || m == nil {
				continue
			}
			e, err := b.reader.CountEntries(m, limit)
			if err != nil {
				b.lacking([]error{err})
			}
			entries[id] = e
		}
	}
	return entries
}
