package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// loop is a graph with a branch, a circle and an edge over two layers.
func loop() *Graph {
	return &Graph{
		Title: `a "loop" <1>`,
		Nodes: []Node{{Title: "start", Lines: []string{"r1 = 0"}}, {Lines: []string{"; body", `if r1 < 5 & "x"`}, Kind: 1}, {Title: "skip"}, {Title: "end", Kind: 3}},
		Edges: []Edge{{From: 0, To: 1}, {From: 1, To: 1}, {From: 1, To: 2, Label: "yes"}, {From: 2, To: 0, Dashed: true}, {From: 2, To: 3}, {From: 0, To: 3}},
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	for _, horizontal := range []bool{false, true} {
		g := loop()
		g.Horizontal = horizontal
		var b bytes.Buffer
		if err := g.SVG(&b); err != nil {
			t.Fatal(err)
		}
		rects, paths := 0, 0
		d := xml.NewDecoder(&b)
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				switch e.Name.Local {
				case "rect":
					rects++
				case "path":
					paths++
				}
			}
		}
		// A background, and a box each; a path for each edge and each of two arrow heads.
		if rects != 1+len(g.Nodes) || paths != len(g.Edges)+2 {
			t.Errorf("%d boxes, %d paths", rects, paths)
		}
	}
}

func TestNoOverlaps(t *testing.T) {
	g := &Graph{}
	for i := range 60 {
		g.Nodes = append(g.Nodes, Node{Title: strings.Repeat("x", i%17+1)})
		for _, to := range []int{i / 2, i * 7 % 60, (i + 1) % 60} {
			g.Edges = append(g.Edges, Edge{From: i, To: to})
		}
	}
	l := newLayout(g, func(i int) (float64, float64) { return nodeSize(g.Nodes[i]) })
	for _, layer := range l.layers {
		for n := 1; n < len(layer); n++ {
			a, b := l.items[layer[n-1]], l.items[layer[n]]
			if a.cross+a.width/2 > b.cross-b.width/2 {
				t.Fatalf("items %+v and %+v overlap", a, b)
			}
		}
	}
	for _, r := range l.routes {
		for n := 1; n < len(r.items); n++ {
			if l.items[r.items[n]].layer != l.items[r.items[n-1]].layer+1 {
				t.Fatalf("edge %d jumps over a layer", r.edge)
			}
		}
	}
}

func TestDOT(t *testing.T) {
	var b strings.Builder
	if err := loop().DOT(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`digraph "a \"loop\" <1>" {`, `n1 [label="; body\lif r1 < 5 & \"x\"\l"`, `n1 -> n2 [label="yes"];`, `n2 -> n0 [style=dashed];`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

func TestEmpty(t *testing.T) {
	var b strings.Builder
	if err := (&Graph{}).SVG(&b); err != nil || !strings.HasSuffix(b.String(), "</svg>\n") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestLabelsHaveRoom: where layers go to the right, they stand as far apart as labels need.
func TestLabelsHaveRoom(t *testing.T) {
	width := func(label string) float64 {
		g := &Graph{Horizontal: true, Nodes: []Node{{Title: "a"}, {Title: "b"}}, Edges: []Edge{{From: 0, To: 1, Label: label}}}
		return newLayout(g, func(int) (float64, float64) { return 10, 10 }).along
	}
	const label = "links 1, 2, 3 …"
	if more := width(label) - width(""); more < labelWidth*15 {
		t.Errorf("a label of 15 letters makes the picture %v wider", more)
	}
}

// TestThinBoxes: an edge leaves its layer straight before it turns, when the box is thinner
// than another of the layer.
func TestThinBoxes(t *testing.T) {
	g := &Graph{Horizontal: true, Nodes: []Node{{Title: "thin"}, {Title: strings.Repeat("wide", 9)}, {Title: "to"}}, Edges: []Edge{{From: 0, To: 2}, {From: 1, To: 2}}}
	var b strings.Builder
	if err := g.SVG(&b); err != nil {
		t.Fatal(err)
	}
	l := newLayout(g, func(i int) (float64, float64) { w, h := nodeSize(g.Nodes[i]); return h, w })
	if end := l.items[1].main + l.items[1].height/2; !strings.Contains(b.String(), fmt.Sprintf("L%.1f,%.1fC", end, l.items[0].cross)) {
		t.Errorf("no edge goes straight to %.1f\n%s", end, b.String())
	}
}
