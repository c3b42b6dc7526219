package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/draw"
)

// graphKind is what a node of a graph is; it picks the color.
type graphKind int

const (
	graphProcess graphKind = iota + 1
	graphProg
	graphMap
	graphPoint
	graphPin
)

var graphKindNames = [...]string{graphProcess: "process", graphProg: "program", graphMap: "map", graphPoint: "point", graphPin: "pin"}

// Graph is how BPF objects hang together: processes and pins keep programs, programs use
// maps and are attached to points, by links or without.
type Graph struct {
	nodes []graphNode
	edges []graphEdge
	index map[string]int
}

type graphNode struct {
	kind  graphKind
	title string
	lines []string
	id    uint32 // of the program or map, or the process's pid
}

type graphEdge struct {
	from, to int
	label    string
	pin      bool
}

// node is the node with a key, made when it isn't there.
func (g *Graph) node(key string, n graphNode) int {
	if i, ok := g.index[key]; ok {
		return i
	}
	g.index[key] = len(g.nodes)
	g.nodes = append(g.nodes, n)
	return len(g.nodes) - 1
}

// edge adds an edge once.
func (g *Graph) edge(e graphEdge) {
	if !slices.Contains(g.edges, e) {
		g.edges = append(g.edges, e)
	}
}

// NewGraph makes the graph of programs, and of maps that no program uses when all is set.
func NewGraph(s *inspect.Survey, progs []*inspect.Prog, all bool) *Graph {
	g := &Graph{index: map[string]int{}}
	for _, p := range progs {
		at := g.prog(p)
		k := s.Keeper(p.ID)
		for _, o := range k.Processes {
			g.edge(graphEdge{from: g.process(o), to: at})
		}
		for _, path := range k.Pins {
			g.edge(graphEdge{from: g.pin(path), to: at, pin: true})
		}
		for _, id := range p.Maps {
			if m := s.Map(id); m != nil {
				g.edge(graphEdge{from: at, to: g.bpfMap(m)})
				for _, path := range s.PinsOf(inspect.KindMap, id) {
					g.edge(graphEdge{from: g.pin(path), to: g.bpfMap(m), pin: true})
				}
			}
		}
		for _, q := range s.PointsOf(p.ID) {
			if m := s.Map(q.Map); m != nil {
				g.edge(graphEdge{from: g.bpfMap(m), to: at, label: strings.TrimSuffix(q.Text, fmt.Sprintf(" of map %d", m.ID))})
			} else {
				g.attached(at, q)
			}
		}
	}
	if !all {
		return g
	}
	for _, m := range s.Maps {
		if len(s.MapUsers(m.ID)) > 0 {
			continue
		}
		at := g.bpfMap(m)
		for _, o := range s.Owners.Of(inspect.KindMap, m.ID) {
			g.edge(graphEdge{from: g.process(o), to: at})
		}
		for _, path := range s.PinsOf(inspect.KindMap, m.ID) {
			g.edge(graphEdge{from: g.pin(path), to: at, pin: true})
		}
	}
	return g
}

func (g *Graph) process(o *inspect.Process) int {
	n := graphNode{kind: graphProcess, title: fmt.Sprintf("%d %s", o.PID, o.Comm), id: uint32(o.PID)}
	if o.Container != "" {
		n.lines = append(n.lines, "container "+o.Container)
	}
	if o.Pod != "" {
		n.lines = append(n.lines, "pod "+o.Pod)
	}
	return g.node(fmt.Sprint("process ", o.PID), n)
}

func (g *Graph) pin(path string) int {
	return g.node("pin "+path, graphNode{kind: graphPin, title: "pin", lines: []string{path}})
}

func (g *Graph) prog(p *inspect.Prog) int {
	return g.node(fmt.Sprint("prog ", p.ID), graphNode{
		kind: graphProg, title: fmt.Sprintf("program %d %s", p.ID, p.Name), id: p.ID,
		lines: []string{fmt.Sprintf("%s, %s, %s", typeWord(inspect.ProgTypes, p.Type), Bytes(int64(p.XlatedLen)), p.TagText())},
	})
}

func (g *Graph) bpfMap(m *inspect.Map) int {
	room := ""
	if m.KeySize+m.ValueSize > 0 {
		room = fmt.Sprintf(" %d × (%d + %d),", m.MaxEntries, m.KeySize, m.ValueSize)
	}
	return g.node(fmt.Sprint("map ", m.ID), graphNode{
		kind: graphMap, title: fmt.Sprintf("map %d %s", m.ID, m.Name), id: m.ID,
		lines: []string{fmt.Sprintf("%s,%s %s", typeWord(inspect.MapTypes, m.Type), room, Bytes(m.Memlock))},
	})
}

// attached adds a program's point. Several events of the same name, of each CPU, are one.
func (g *Graph) attached(prog int, q inspect.Point) {
	n := graphNode{kind: graphPoint, title: q.Text}
	if q.Detached {
		n.lines = []string{"detached"}
	}
	to := g.node("point "+q.Text, n)
	label := ""
	if q.Link != 0 {
		label = fmt.Sprintf("link %d", q.Link)
	}
	i := slices.IndexFunc(g.edges, func(e graphEdge) bool { return e.from == prog && e.to == to })
	if i < 0 {
		g.edge(graphEdge{from: prog, to: to, label: label})
	} else if label != "" {
		g.edges[i].label = moreLinks(g.edges[i].label, label)
	}
}

// moreLinks adds a link to an edge's label: "link 1", "links 1, 2", "links 1, 2 …".
func moreLinks(have, label string) string {
	const most = 3
	id := strings.TrimPrefix(label, "link ")
	switch {
	case have == "":
		return label
	case strings.HasSuffix(have, "…"):
		return have
	case strings.Count(have, ",")+1 == most:
		return have + " …"
	}
	return "links " + strings.TrimPrefix(strings.TrimPrefix(have, "links "), "link ") + ", " + id
}

// Drawing is the graph to be drawn, from left to right. Of many programs those that are alike
// are one box.
func (g *Graph) Drawing() *draw.Graph {
	g = g.grouped()
	d := &draw.Graph{Title: "BPF", Horizontal: true}
	for _, n := range g.nodes {
		d.Nodes = append(d.Nodes, draw.Node{Title: plain(n.title), Lines: plainAll(n.lines), Kind: int(n.kind)})
	}
	for _, e := range g.edges {
		d.Edges = append(d.Edges, draw.Edge{From: e.from, To: e.to, Label: e.label, Dashed: e.pin})
	}
	return d
}

func plainAll(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = plain(l)
	}
	return out
}

// Graph prints the graph as JSON, or as a tree of lines up to width characters (0: any).
func (p *Printer) Graph(g *Graph, width int) error {
	if p.JSON == nil {
		return g.tree(p.Text, width)
	}
	j := p.JSON
	j.Open("{")
	j.Name("nodes")
	j.Open("[")
	for _, n := range g.nodes {
		j.Open("{")
		j.Member("kind", graphKindNames[n.kind])
		if n.id != 0 {
			j.Member("id", n.id)
		}
		j.Member("title", n.title)
		j.Member("lines", n.lines)
		j.End("}")
	}
	j.End("]")
	j.Name("edges")
	j.Open("[")
	for _, e := range g.edges {
		j.Open("{")
		j.Member("from", e.from)
		j.Member("to", e.to)
		if e.label != "" {
			j.Member("label", e.label)
		}
		j.End("}")
	}
	j.End("]")
	j.End("}")
	return nil
}

// tree prints what keeps programs, below it the programs, below them their points and maps.
// What hangs below several is described at the first.
func (g *Graph) tree(w io.Writer, width int) error {
	t := &treeWriter{g: g, width: width, seen: make([]bool, len(g.nodes))}
	for _, kind := range []graphKind{graphProcess, graphPin} {
		for i, n := range g.nodes {
			if n.kind == kind {
				t.text(t.describe(n))
				t.below(i, "")
			}
		}
	}
	if alone := t.unkept(); len(alone) > 0 {
		t.text("kept by nobody, or by attachments alone")
		for n, i := range alone {
			branch, next := branches(n == len(alone)-1)
			t.text(branch + t.describe(g.nodes[i]))
			t.below(i, next)
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}

type treeWriter struct {
	strings.Builder
	g     *Graph
	width int
	seen  []bool
}

func (t *treeWriter) text(s string) {
	s = plain(s)
	if t.width > 0 {
		s = cut(s, t.width)
	}
	t.WriteString(s + "\n")
}

// unkept are the programs and maps that nothing written keeps: each without an edge to it, and
// of circles (a program in a map that it uses) one.
func (t *treeWriter) unkept() (roots []int) {
	to := make([]bool, len(t.g.nodes))
	for _, e := range t.g.edges {
		to[e.to] = true
	}
	reached := slices.Clone(t.seen)
	var reach func(i int)
	reach = func(i int) {
		reached[i] = true
		for _, e := range t.g.edges {
			if e.from == i && !reached[e.to] {
				reach(e.to)
			}
		}
	}
	for _, circles := range []bool{false, true} {
		for i, n := range t.g.nodes {
			if (n.kind == graphProg || n.kind == graphMap) && !reached[i] && (circles || !to[i]) {
				roots = append(roots, i)
				reach(i)
				t.seen[i] = true
			}
		}
	}
	return roots
}

// branches are the lines before the last one of several, or another, and below it.
func branches(last bool) (branch, below string) {
	if last {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
}

// describe is a node in a line.
func (t *treeWriter) describe(n graphNode) string {
	if n.kind == graphPin {
		return "pin " + n.lines[0]
	}
	text := n.title
	if n.kind == graphProcess {
		text = "process " + text
	}
	if len(n.lines) > 0 {
		text += "  " + strings.Join(n.lines, ", ")
	}
	return text
}

// below prints the nodes that edges of one go to.
func (t *treeWriter) below(i int, indent string) {
	var out []graphEdge
	for _, e := range t.g.edges {
		if e.from == i {
			out = append(out, e)
		}
	}
	// Points stand before maps.
	slices.SortStableFunc(out, func(a, b graphEdge) int { return int(t.g.nodes[b.to].kind) - int(t.g.nodes[a.to].kind) })
	for n, e := range out {
		branch, next := branches(n == len(out)-1)
		to := t.g.nodes[e.to]
		text := t.describe(to)
		if to.kind == graphPoint {
			text = "→ " + text
		}
		if e.label != "" {
			text += " (" + e.label + ")"
		}
		if t.seen[e.to] && to.kind != graphPoint {
			t.text(indent + branch + to.title + "  (see above)")
			continue
		}
		t.seen[e.to] = true
		t.text(indent + branch + text)
		t.below(e.to, indent+next)
	}
}
