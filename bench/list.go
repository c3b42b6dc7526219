package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/testkit/swarm"
)

// listed is how many programs are loaded for the list.
const listed = 2000

// list times `prog list` among many programs, as text and as JSON. The peer is bpftool.
func (b *bench) list() (err error) {
	s, err := swarm.Load(listed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Printf("\n### List of %d programs\n\n| output | tool | ms | ms of CPU | MiB | ms / peer | CPU / peer | MiB / peer |\n|---|---|---:|---:|---:|---:|---:|---:|\n", listed)
	for _, format := range []string{"text", "JSON"} {
		var got []measured
		for _, t := range b.tools {
			cmd := append(slices.Clone(t.cmd), "prog", "list")
			if format == "JSON" {
				cmd = append(cmd, "-j")
			}
			m, err := best(cmd, 10*b.rounds)
			if err != nil {
				return err
			}
			got = append(got, m)
		}
		last := got[len(got)-1]
		for i, m := range got {
			fmt.Printf("| %s | %s | %.1f | %.1f | %.1f | %.2f | %.2f | %.2f |\n", format, b.tools[i].name, m.wall, m.cpu, m.mib,
				m.wall/last.wall, m.cpu/last.cpu, m.mib/last.mib)
		}
	}
	return nil
}
