package draw

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Text of a fixed-width font at 12 pixels.
const (
	charWidth  = 7.25
	lineHeight = 16
	padding    = 8
	labelWidth = 6 // of an edge's label, at 10 pixels
)

// nodeSize is a box's width and height.
func nodeSize(n Node) (w, h float64) {
	longest, lines := utf8.RuneCountInString(n.Title), len(n.Lines)
	if n.Title != "" {
		lines++
	}
	for _, l := range n.Lines {
		longest = max(longest, utf8.RuneCountInString(l))
	}
	return float64(longest)*charWidth + 2*padding, float64(max(1, lines))*lineHeight + 2*padding
}

// SVG writes the graph as a picture.
func (g *Graph) SVG(w io.Writer) error {
	l := newLayout(g, func(i int) (across, along float64) {
		w, h := nodeSize(g.Nodes[i])
		if g.Horizontal {
			return h, w
		}
		return w, h
	})
	p := &picture{g: g, l: l}
	width, height := p.point(l.across, l.along)
	if len(g.Nodes) == 0 {
		width, height = 2*margin, 2*margin
	}
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="12">`+"\n",
		width, height, width, height)
	fmt.Fprintf(p, "<title>%s</title>\n", escapeXML(g.Title))
	p.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8z" fill="#666"/></marker></defs>` + "\n")
	p.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	for _, r := range l.routes {
		p.route(r)
	}
	for _, i := range l.loops {
		p.loop(i)
	}
	for i := range g.Nodes {
		p.node(i)
	}
	p.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.String())
	return err
}

// picture is an SVG being written.
type picture struct {
	strings.Builder
	g *Graph
	l *layout
}

// point is x and y of a place.
func (p *picture) point(cross, main float64) (x, y float64) {
	if p.g.Horizontal {
		return main, cross
	}
	return cross, main
}

func (p *picture) node(i int) {
	n, it := p.g.Nodes[i], p.l.items[i]
	w, h := nodeSize(n)
	x, y := p.point(it.cross, it.main)
	x, y = x-w/2, y-h/2
	k := n.Kind % Kinds
	fmt.Fprintf(p, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="4" fill="%s" stroke="%s"/>`+"\n", x, y, w, h, fills[k], strokes[k])
	y += padding + lineHeight - 4
	if n.Title != "" {
		fmt.Fprintf(p, `<text x="%.1f" y="%.1f" font-weight="bold" xml:space="preserve">%s</text>`+"\n", x+padding, y, escapeXML(n.Title))
		y += lineHeight
	}
	for _, line := range n.Lines {
		color := ""
		if strings.HasPrefix(line, ";") {
			color = ` fill="#3a6f3a"`
		}
		fmt.Fprintf(p, `<text x="%.1f" y="%.1f"%s xml:space="preserve">%s</text>`+"\n", x+padding, y, color, escapeXML(line))
		y += lineHeight
	}
}

// edgeStyle is an edge's dashes.
func edgeStyle(e Edge) string {
	if e.Dashed {
		return ` stroke-dasharray="5,4"`
	}
	return ""
}

// route draws an edge through its points, straight along the boxes' layers and curved
// between them.
func (p *picture) route(r route) {
	e := p.g.Edges[r.edge]
	type leg struct{ cross, from, to float64 } // a layer that is crossed or touched
	var legs []leg
	for _, i := range r.items {
		it := p.l.items[i]
		half := p.l.thickness(it.layer) / 2
		legs = append(legs, leg{it.cross, it.main - half, it.main + half})
	}
	// A box may be thinner than its layer: the edge leaves and enters the layer straight, so
	// that it doesn't pass behind the boxes beside.
	first, last := p.l.items[r.items[0]], p.l.items[r.items[len(r.items)-1]]
	var d strings.Builder
	x, y := p.point(legs[0].cross+spread(r, p.l, 0), first.main+first.height/2)
	fmt.Fprintf(&d, "M%.1f,%.1f", x, y)
	x, y = p.point(legs[0].cross+spread(r, p.l, 0), legs[0].to)
	fmt.Fprintf(&d, "L%.1f,%.1f", x, y)
	for n := 1; n < len(legs); n++ {
		a, b := legs[n-1], legs[n]
		bc := b.cross
		ac := a.cross
		if n == 1 {
			ac += spread(r, p.l, 0)
		}
		if n == len(legs)-1 {
			bc += spread(r, p.l, n)
		}
		mid := (a.to + b.from) / 2
		x1, y1 := p.point(ac, mid)
		x2, y2 := p.point(bc, mid)
		x, y := p.point(bc, b.from)
		fmt.Fprintf(&d, "C%.1f,%.1f %.1f,%.1f %.1f,%.1f", x1, y1, x2, y2, x, y)
		if n < len(legs)-1 {
			x, y := p.point(bc, b.to)
			fmt.Fprintf(&d, "L%.1f,%.1f", x, y)
		} else {
			x, y := p.point(bc, last.main-last.height/2)
			fmt.Fprintf(&d, "L%.1f,%.1f", x, y)
		}
	}
	tip := ` marker-end="url(#tip)"`
	color := "#666"
	if r.back {
		tip, color = ` marker-start="url(#tipback)"`, "#a33"
		p.backTip()
	}
	fmt.Fprintf(p, `<path d="%s" fill="none" stroke="%s"%s%s/>`+"\n", d.String(), color, edgeStyle(e), tip)
	if e.Label != "" {
		p.label(e.Label, legs[0].cross+spread(r, p.l, 0), legs[1].cross+spreadAt(r, p.l, 1), legs[0].to, legs[1].from)
	}
}

// label writes an edge's label between two layers: behind the source, or, where layers go to
// the right, on the middle of the edge's way. Lines that pass are covered.
func (p *picture) label(text string, fromCross, toCross, from, to float64) {
	x, y := p.point(fromCross, from+layerGap/3)
	x, anchor := x+4, "start"
	if p.g.Horizontal {
		x, y = p.point((fromCross+toCross)/2, (from+to)/2)
		y, anchor = y+3, "middle"
	}
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" font-size="10" fill="#444" text-anchor="%s" stroke="#fff" stroke-width="4" paint-order="stroke">%s</text>`+"\n",
		x, y, anchor, escapeXML(text))
}

// spreadAt is spread at a route's item that may be between its ends, where nothing moves.
func spreadAt(r route, l *layout, n int) float64 {
	if n == len(r.items)-1 {
		return spread(r, l, n)
	}
	return 0
}

// backTip defines the arrow of turned edges, once.
func (p *picture) backTip() {
	if !strings.Contains(p.String(), `id="tipback"`) {
		p.WriteString(`<defs><marker id="tipback" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M8,0L0,4L8,8z" fill="#a33"/></marker></defs>` + "\n")
	}
}

// spread moves an edge's end along its box's side, so that edges of a box don't share a
// point: towards where they go.
func spread(r route, l *layout, n int) float64 {
	it := l.items[r.items[n]]
	var others []int
	var other int
	if n == 0 {
		others, other = it.down, r.items[1]
	} else {
		others, other = it.up, r.items[n-1]
	}
	if len(others) < 2 {
		return 0
	}
	rank := 0
	for _, o := range others {
		if l.items[o].cross < l.items[other].cross || l.items[o].cross == l.items[other].cross && o < other {
			rank++
		}
	}
	step := min(24, it.width/float64(len(others)+1))
	return (float64(rank) - float64(len(others)-1)/2) * step
}

// loop draws an edge from a node to itself at its side.
func (p *picture) loop(i int) {
	it := p.l.items[p.g.Edges[i].From]
	w, h := nodeSize(p.g.Nodes[it.node])
	x, y := p.point(it.cross, it.main)
	fmt.Fprintf(p, `<path d="M%.1f,%.1fc22,0 22,%.1f 0,%.1f" fill="none" stroke="#a33"%s marker-end="url(#tip)"/>`+"\n",
		x+w/2, y-h/4, h/2, h/2, edgeStyle(p.g.Edges[i]))
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// escapeXML makes text fit into XML, which has no control characters.
func escapeXML(s string) string {
	return xmlEscapes.Replace(strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
}
