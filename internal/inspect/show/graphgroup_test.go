package show

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/inspect"
)

// crowd is a survey of programs of which ten and ten share a map; one of all has a point of its
// own.
func crowd(n int) *inspect.Survey {
	const xdp = 6
	s := &inspect.Survey{}
	for i := range uint32(n) {
		if i%10 == 0 {
			s.Maps = append(s.Maps, &inspect.Map{ID: 1000 + i/10, Name: "shared"})
		}
		s.Progs = append(s.Progs, &inspect.Prog{ID: i + 1, Name: fmt.Sprintf("bee_%d", i), Type: xdp, Maps: []uint32{1000 + i/10}})
		if i < 10 {
			s.Links = append(s.Links, &inspect.Link{ID: 500 + i, Prog: i + 1})
			s.Points = append(s.Points, inspect.Point{Prog: i + 1, Link: 500 + i, Text: "xdp on lo"})
		}
	}
	s.Points = append(s.Points, inspect.Point{Prog: 25, Text: "xdp on eth0"})
	return s
}

// A picture of many programs has one box for those that are alike; of few, each has its own.
func TestGraphGroups(t *testing.T) {
	boxes := func(n int) (titles []string, edges int, dot string) {
		s := crowd(n)
		d := NewGraph(s, s.Progs, true).Drawing()
		for _, node := range d.Nodes {
			if node.Kind == int(graphProg) {
				titles = append(titles, strings.Join(append([]string{node.Title}, node.Lines...), " "))
			}
		}
		var b strings.Builder
		if err := d.DOT(&b); err != nil {
			t.Fatal(err)
		}
		return titles, len(d.Edges), b.String()
	}
	if few, _, _ := boxes(60); len(few) != 60 {
		t.Errorf("60 programs have %d boxes", len(few))
	}
	many, edges, dot := boxes(100)
	// Ten groups, and of the third one program that isn't like the others.
	if len(many) != 11 || edges != 13 {
		t.Errorf("%d boxes, %d edges:\n%s", len(many), edges, strings.Join(many, "\n"))
	}
	for _, want := range []string{"10 programs xdp 1 bee_0 … 10 bee_9", "9 programs xdp 21 bee_20 … 30 bee_29", "program 25 bee_24 xdp, 0, 0000000000000000"} {
		if !strings.Contains(strings.Join(many, "\n"), want) {
			t.Errorf("there's no %q in\n%s", want, strings.Join(many, "\n"))
		}
	}
	if !strings.Contains(dot, `label="10 links"`) || strings.Contains(dot, "link 50") {
		t.Errorf("links:\n%s", dot)
	}
}
