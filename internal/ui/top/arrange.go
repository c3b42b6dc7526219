package top

import (
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// Arrange puts a table's programs in the order that the screen has, and leaves those out
// that it doesn't show.
func Arrange(t *show.Top, sortKey string, only []uint32, running bool) {
	m := New(sortKey, time.Second)
	m.Only, m.running = only, running
	if t.Survey != nil {
		m.facts = Facts(t.Survey)
	}
	m.fills = t.Fills
	m.Feed(t.Sample)
	rows := make([]inspect.Sampled, len(m.rows))
	for i, p := range m.rows {
		rows[i] = p.Sampled
	}
	sample := *t.Sample
	sample.Progs = rows
	t.Sample = &sample
}
