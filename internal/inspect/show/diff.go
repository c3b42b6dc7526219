package show

import (
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Diff is what changed between two snapshots.
type Diff struct {
	From, To *inspect.Snapshot
	Changes  []inspect.Change
}

// marks are the signs before changes.
var marks = map[string]string{"added": "+", "removed": "-", "changed": "~"}

// Diff prints changes: a line for each object, and below it one for each field that changed.
func (p *Printer) Diff(d *Diff) {
	if p.JSON != nil {
		p.diffJSON(d)
		return
	}
	p.printf("--- %s\n+++ %s\n", snapshotTitle(d.From), snapshotTitle(d.To))
	if d.From.Boot != d.To.Boot {
		p.printf("different boots or machines: compared by types and names, not by ids\n")
	}
	for _, c := range d.Changes {
		p.printf("%s %s %d %s", marks[c.Op], c.Kind, c.ID, plain(c.Title))
		for _, f := range c.Fields {
			if c.Op == "changed" {
				p.printf("\n    %s: %s → %s", f.Name, orNone(f.From), orNone(f.To))
			} else if slices.Contains(telling, f.Name) {
				p.printf("  %s: %s", f.Name, plain(f.From+f.To))
			}
		}
		p.printf("\n")
	}
}

// telling are the fields that text tells of what was added or removed; JSON has all.
var telling = []string{"attached to", "program", "owners", "pinned"}

func snapshotTitle(n *inspect.Snapshot) string {
	return n.Taken.UTC().Format(time.RFC3339) + "  kernel " + plain(n.Kernel)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return plain(s)
}

func (p *Printer) diffJSON(d *Diff) {
	j := p.JSON
	j.Open("{")
	for _, side := range []struct {
		name string
		n    *inspect.Snapshot
	}{{"from", d.From}, {"to", d.To}} {
		j.Name(side.name)
		j.Open("{")
		j.Member("taken", side.n.Taken.UTC().Format(time.RFC3339Nano))
		j.Member("kernel", side.n.Kernel)
		j.Member("boot", side.n.Boot)
		j.End("}")
	}
	j.Name("changes")
	j.Open("[")
	for _, c := range d.Changes {
		j.Open("{")
		j.Member("op", c.Op)
		j.Member("kind", c.Kind)
		j.Member("id", c.ID)
		j.Member("title", c.Title)
		j.Name("fields")
		j.Open("[")
		for _, f := range c.Fields {
			j.Open("{")
			j.Member("name", f.Name)
			if c.Op != "added" {
				j.Member("from", f.From)
			}
			if c.Op != "removed" {
				j.Member("to", f.To)
			}
			j.End("}")
		}
		j.End("]")
		j.End("}")
	}
	j.End("]")
	j.End("}")
}
