// Package draw draws directed graphs of boxes with text: as DOT for Graphviz, and as SVG
// with a layout of its own, in layers along the edges.
package draw

import (
	"fmt"
	"io"
	"strings"
)

// Graph is what is drawn. Nodes and edges keep their order where the layout is free.
type Graph struct {
	Title      string
	Nodes      []Node
	Edges      []Edge
	Horizontal bool // layers go from left to right, not from top to bottom
}

// Node is a box.
type Node struct {
	Title string   // in bold; "" for none
	Lines []string // below it, in a fixed-width font
	Kind  int      // picks the color, from 0 to Kinds-1
}

// Edge goes from one node to another, by index.
type Edge struct {
	From, To int
	Label    string
	Dashed   bool
}

// Kinds is how many colors there are.
const Kinds = 6

// fills and strokes are the boxes' colors by kind: plain, and five soft hues that can be
// told apart in print.
var (
	fills   = [Kinds]string{"#ffffff", "#e8f1fb", "#fdf1dc", "#e6f4e6", "#f3e8f7", "#fbe9e7"}
	strokes = [Kinds]string{"#555555", "#3b75af", "#c58a1b", "#4c9a4c", "#8a5aa0", "#c0574a"}
)

// DOT writes the graph in Graphviz's language.
func (g *Graph) DOT(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", quoteDOT(g.Title))
	if g.Horizontal {
		b.WriteString("\trankdir=LR;\n")
	}
	b.WriteString("\tnode [shape=box, style=filled, fontname=\"monospace\", fontsize=10];\n\tedge [fontname=\"monospace\", fontsize=9];\n")
	for i, n := range g.Nodes {
		var text strings.Builder
		if n.Title != "" {
			text.WriteString(escapeDOT(n.Title) + `\l`)
		}
		for _, l := range n.Lines {
			text.WriteString(escapeDOT(l) + `\l`)
		}
		fmt.Fprintf(&b, "\tn%d [label=\"%s\", fillcolor=\"%s\", color=\"%s\"];\n", i, text.String(), fills[n.Kind%Kinds], strokes[n.Kind%Kinds])
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "\tn%d -> n%d", e.From, e.To)
		var attrs []string
		if e.Label != "" {
			attrs = append(attrs, "label="+quoteDOT(e.Label))
		}
		if e.Dashed {
			attrs = append(attrs, "style=dashed")
		}
		if len(attrs) > 0 {
			fmt.Fprintf(&b, " [%s]", strings.Join(attrs, ", "))
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func quoteDOT(s string) string { return `"` + escapeDOT(s) + `"` }

// escapeDOT makes text fit between quotes, control characters as blanks.
func escapeDOT(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s))
}
