package show

import (
	"fmt"
	"slices"
	"strings"
)

// A picture of more programs than drawnAlone has one box for those that are alike, when there are
// at least alikeLeast of them.
const (
	drawnAlone = 60
	alikeLeast = 3
)

// grouped is the graph with one node for all programs of a type that have the same owners, maps
// and points; a small graph stays as it is.
func (g *Graph) grouped() *Graph {
	progs := 0
	for _, n := range g.nodes {
		if n.kind == graphProg {
			progs++
		}
	}
	if progs <= drawnAlone {
		return g
	}
	around := make([][]string, len(g.nodes)) // of each node, what it's joined to
	for _, e := range g.edges {
		label := e.label
		if strings.HasPrefix(label, "link") { // its number is the program's own
			label = "link"
		}
		around[e.from] = append(around[e.from], fmt.Sprint(">", e.to, label))
		around[e.to] = append(around[e.to], fmt.Sprint("<", e.from, label))
	}
	alike := map[string][]int{}
	keys := make([]string, len(g.nodes))
	for i, n := range g.nodes {
		if n.kind == graphProg {
			typ, _, _ := strings.Cut(n.lines[0], ",")
			slices.Sort(around[i])
			keys[i] = typ + " " + strings.Join(around[i], " ")
			alike[keys[i]] = append(alike[keys[i]], i)
		}
	}
	out := &Graph{}
	to := make([]int, len(g.nodes)) // where a node is in out
	for i, n := range g.nodes {
		group := alike[keys[i]]
		switch {
		case n.kind == graphProg && len(group) >= alikeLeast && i != group[0]:
			to[i] = to[group[0]]
			continue
		case n.kind == graphProg && len(group) >= alikeLeast:
			n = g.groupNode(group)
		}
		to[i] = len(out.nodes)
		out.nodes = append(out.nodes, n)
	}
	seen := map[graphEdge]bool{}
	for _, e := range g.edges {
		if n := len(alike[keys[e.from]]); n >= alikeLeast && strings.HasPrefix(e.label, "link") {
			e.label = fmt.Sprintf("%d links", n)
		}
		e.from, e.to = to[e.from], to[e.to]
		if !seen[e] {
			seen[e] = true
			out.edges = append(out.edges, e)
		}
	}
	return out
}

// groupNode stands for programs that are alike, which it names by the first and the last.
func (g *Graph) groupNode(group []int) graphNode {
	first, last := g.nodes[group[0]], g.nodes[group[len(group)-1]]
	typ, _, _ := strings.Cut(first.lines[0], ",")
	return graphNode{
		kind: graphProg, id: first.id, title: fmt.Sprintf("%d programs %s", len(group), typ),
		lines: []string{strings.TrimPrefix(first.title, "program "), "…", strings.TrimPrefix(last.title, "program ")},
	}
}
