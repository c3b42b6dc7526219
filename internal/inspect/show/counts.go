package show

import (
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// CountsHeader prints the titles of Counts.
func (p *Printer) CountsHeader() error {
	p.printf("%-8s  %6s  %-15s  %8s  %8s  %6s  %s\n", "TIME", "ID", "NAME", "RUNS", "TIME/RUN", "%CPU", "MISSED")
	return p.Text.Flush()
}

// Counts prints the runs of a program in an interval in a line, and writes it out.
func (p *Printer) Counts(at time.Time, g *inspect.Sampled) error {
	if j := p.JSON; j != nil {
		j.Open("{")
		j.Member("time", at.UTC().Format(time.RFC3339Nano))
		j.Member("id", g.ID)
		j.Member("name", g.Name)
		p.measuredJSON(g.Runs)
		j.End("}")
		return j.EndLine()
	}
	mean := "-"
	if g.Runs.Count > 0 {
		mean = Short(g.Runs.PerRun())
	}
	p.printf("%-8s  %6d  %-15s  %8d  %8s  %6s  %d\n", at.Format("15:04:05"), g.ID, plain(g.Name), g.Runs.Count, mean, fmt.Sprintf("%.2f", g.Runs.CPU()), g.Runs.Misses)
	return p.Text.Flush()
}
