package draw

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// The layout is Sugiyama's, in its simplest form: edges that close a circle are turned,
// nodes get layers by the longest way to them, edges over several layers get a point in
// each, and the order in the layers is that of the neighbors' middle, a few times over.

// Distances in pixels.
const (
	layerGap = 46 // between layers
	nodeGap  = 26 // between nodes of a layer
	pointGap = 12 // beside a passing edge
	margin   = 16
)

// item is a node, or a point of an edge in a layer that it passes. Its place is along the
// layers (main) and across.
type item struct {
	node        int // -1: a point
	layer       int
	cross, main float64 // of the middle
	width       float64 // across
	height      float64 // along
	up, down    []int
}

// route is an edge's items from its source to its target.
type route struct {
	edge  int
	items []int
	back  bool // it was turned: items go from target to source
}

type layout struct {
	items  []item
	layers [][]int
	routes []route
	loops  []int   // edges from a node to itself
	gap    float64 // between layers
	across float64
	along  float64
}

// newLayout places nodes of those sizes (across, along).
func newLayout(g *Graph, size func(i int) (across, along float64)) *layout {
	l := &layout{gap: layerGap}
	for _, e := range g.Edges {
		if g.Horizontal { // labels stand between the layers
			l.gap = max(l.gap, float64(utf8.RuneCountInString(e.Label))*labelWidth+layerGap)
		}
	}
	for i := range g.Nodes {
		w, h := size(i)
		l.items = append(l.items, item{node: i, width: w, height: h})
	}
	back := backEdges(g)
	l.rank(g, back)
	l.connect(g, back)
	l.order()
	l.place()
	return l
}

// backEdges are the edges that close a circle, by a walk in depth from the first node on.
func backEdges(g *Graph) []bool {
	out := make([][]int, len(g.Nodes))
	for i, e := range g.Edges {
		out[e.From] = append(out[e.From], i)
	}
	back := make([]bool, len(g.Edges))
	state := make([]uint8, len(g.Nodes)) // 1: on the way, 2: done
	type frame struct{ node, next int }
	for root := range g.Nodes {
		if state[root] != 0 {
			continue
		}
		state[root] = 1
		stack := []frame{{root, 0}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next == len(out[f.node]) {
				state[f.node] = 2
				stack = stack[:len(stack)-1]
				continue
			}
			i := out[f.node][f.next]
			f.next++
			switch to := g.Edges[i].To; state[to] {
			case 0:
				state[to] = 1
				stack = append(stack, frame{to, 0})
			case 1:
				back[i] = true
			}
		}
	}
	return back
}

// ends are an edge's nodes in the direction of the layers.
func ends(e Edge, back bool) (from, to int) {
	if back {
		return e.To, e.From
	}
	return e.From, e.To
}

// rank gives each node its layer: one more than the highest before it.
func (l *layout) rank(g *Graph, back []bool) {
	for changed, rounds := true, 0; changed && rounds <= len(g.Nodes); rounds++ {
		changed = false
		for i, e := range g.Edges {
			from, to := ends(e, back[i])
			if from != to && l.items[to].layer < l.items[from].layer+1 {
				l.items[to].layer = l.items[from].layer + 1
				changed = true
			}
		}
	}
}

// connect makes routes, with points where they pass layers, and fills the layers.
func (l *layout) connect(g *Graph, back []bool) {
	for i, e := range g.Edges {
		if e.From == e.To {
			l.loops = append(l.loops, i)
			continue
		}
		from, to := ends(e, back[i])
		r := route{edge: i, items: []int{from}, back: back[i]}
		for layer := l.items[from].layer + 1; layer < l.items[to].layer; layer++ {
			l.items = append(l.items, item{node: -1, layer: layer, width: pointGap})
			r.items = append(r.items, len(l.items)-1)
		}
		r.items = append(r.items, to)
		for n := 1; n < len(r.items); n++ {
			a, b := r.items[n-1], r.items[n]
			l.items[a].down = append(l.items[a].down, b)
			l.items[b].up = append(l.items[b].up, a)
		}
		l.routes = append(l.routes, r)
	}
	for i := range l.items {
		for len(l.layers) <= l.items[i].layer {
			l.layers = append(l.layers, nil)
		}
		l.layers[l.items[i].layer] = append(l.layers[l.items[i].layer], i)
	}
}

// sweeps is how often the order is improved, downwards and upwards.
const sweeps = 12

// order sorts each layer by the middle of the neighbors' places in the layer before.
func (l *layout) order() {
	pos := make([]float64, len(l.items))
	number := func(layer []int) {
		for n, i := range layer {
			pos[i] = float64(n)
		}
	}
	for _, layer := range l.layers {
		number(layer)
	}
	sortBy := func(layer []int, neighbors func(*item) []int) {
		mid := make(map[int]float64, len(layer))
		for _, i := range layer {
			mid[i] = pos[i]
			if ns := neighbors(&l.items[i]); len(ns) > 0 {
				sum := 0.0
				for _, n := range ns {
					sum += pos[n]
				}
				mid[i] = sum / float64(len(ns))
			}
		}
		slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(mid[a], mid[b]) })
		number(layer)
	}
	for range sweeps {
		for n := 1; n < len(l.layers); n++ {
			sortBy(l.layers[n], func(it *item) []int { return it.up })
		}
		for n := len(l.layers) - 2; n >= 0; n-- {
			sortBy(l.layers[n], func(it *item) []int { return it.down })
		}
	}
}

// place gives all items their places: layers one after another, and in a layer each item
// as near to its neighbors as the others let it.
func (l *layout) place() {
	at := float64(margin)
	for _, layer := range l.layers {
		tall := 0.0
		for _, i := range layer {
			tall = max(tall, l.items[i].height)
		}
		x := float64(margin)
		for _, i := range layer {
			it := &l.items[i]
			if it.node < 0 {
				it.height = tall // an edge passes all of the layer straight
			}
			it.main, it.cross = at+tall/2, x+it.width/2
			x += it.width + l.beside(i)
		}
		at += tall + l.gap
	}
	l.along = at - l.gap + margin
	for round := range sweeps {
		for n := range l.layers {
			if round%2 == 1 {
				n = len(l.layers) - 1 - n
			}
			l.relax(l.layers[n])
		}
	}
	least, most := 0.0, 0.0
	for i, it := range l.items {
		if lo := it.cross - it.width/2; i == 0 || lo < least {
			least = lo
		}
	}
	for i := range l.items {
		l.items[i].cross += margin - least
		most = max(most, l.items[i].cross+l.items[i].width/2)
	}
	l.across = most + margin
}

// thickness is a layer's extent along: that of its thickest box.
func (l *layout) thickness(layer int) (most float64) {
	for _, i := range l.layers[layer] {
		most = max(most, l.items[i].height)
	}
	return most
}

// beside is the distance from an item to the next of its layer.
func (l *layout) beside(i int) float64 {
	if l.items[i].node < 0 {
		return pointGap
	}
	return nodeGap
}

// relax moves a layer's items towards the mean of their neighbors; where they would
// overlap, a run of them shares the shift.
func (l *layout) relax(layer []int) {
	type run struct {
		items      []int
		offsets    []float64 // of the items from the run's start
		want, size float64   // sum of wished starts; width
	}
	var runs []run
	for _, i := range layer {
		it := &l.items[i]
		wish := it.cross
		if n := len(it.up) + len(it.down); n > 0 {
			sum := 0.0
			for _, o := range it.up {
				sum += l.items[o].cross
			}
			for _, o := range it.down {
				sum += l.items[o].cross
			}
			wish = sum / float64(n)
		}
		r := run{items: []int{i}, offsets: []float64{0}, want: wish - it.width/2, size: it.width + l.beside(i)}
		for len(runs) > 0 {
			last := &runs[len(runs)-1]
			if last.want/float64(len(last.items))+last.size <= r.want/float64(len(r.items)) {
				break
			}
			for n, o := range r.offsets {
				last.items = append(last.items, r.items[n])
				last.offsets = append(last.offsets, last.size+o)
			}
			last.want += r.want - last.size*float64(len(r.items))
			last.size += r.size
			r = *last
			runs = runs[:len(runs)-1]
		}
		runs = append(runs, r)
	}
	for _, r := range runs {
		start := r.want / float64(len(r.items))
		for n, i := range r.items {
			l.items[i].cross = start + r.offsets[n] + l.items[i].width/2
		}
	}
}
