package inspect

import (
	"slices"
	"time"
)

// What a watch finds by comparing lists: what nobody told of, and what is no more.

// list is the ids of all programs, maps and links.
func (w *Watch) list() (map[objectID]bool, error) {
	out := map[objectID]bool{}
	for _, k := range []Kind{KindProg, KindMap, KindLink} {
		for id, err := range w.r.IDs(k) {
			if err != nil {
				return nil, err
			}
			out[objectID{k, id}] = true
		}
	}
	return out, nil
}

// compare tells what the lists have that nothing else told of, and what they have no more.
func (w *Watch) compare(listed, fresh map[objectID]bool, emit func(WatchEvent)) {
	for id := range listed {
		if w.known[id] != nil || w.own[id] || id.kind == KindProg && w.unloaded[id.id] > 0 {
			continue
		}
		if !w.pending[id] && w.calls != nil {
			w.pending[id] = true
			continue
		}
		n := &watched{}
		e := WatchEvent{Kind: id.kind, ID: id.id}
		switch id.kind {
		case KindProg:
			p, err := w.r.Prog(id.id)
			if err != nil {
				continue
			}
			n.typ, n.name, n.tag, e.Op = p.TypeName(), p.Name, p.TagText(), "loaded"
		case KindMap:
			m, err := w.r.Map(id.id)
			if err != nil {
				continue
			}
			n.typ, n.name, e.Op = m.TypeName(), m.Name, "created"
		case KindLink:
			l, err := w.r.Link(id.id)
			if err != nil {
				continue
			}
			n.typ, n.prog, n.point = l.TypeName(), l.Prog, w.linkPoint(id.id, l.TypeName())
		}
		w.known[id] = n
		e.Type, e.Name, e.Tag = n.typ, n.name, n.tag
		if id.kind == KindLink {
			e = w.attached("attached", id.id, n, e)
		}
		emit(e)
	}
	// Links before maps and programs: they are detached before what they attach is unloaded.
	for _, k := range []Kind{KindLink, KindProg, KindMap} {
		var ids []uint32
		for id := range w.known {
			if id.kind == k && !listed[id] && !fresh[id] {
				ids = append(ids, id.id)
			}
		}
		slices.Sort(ids)
		for _, id := range ids {
			w.gone(objectID{k, id}, time.Time{}, emit)
		}
	}
	for id, poll := range w.unloaded {
		if !listed[objectID{KindProg, id}] && poll < w.polls {
			delete(w.unloaded, id)
		}
	}
	for id := range w.pending {
		if !listed[id] || w.known[id] != nil {
			delete(w.pending, id)
		}
	}
	for id := range w.own {
		if !listed[id] {
			delete(w.own, id)
		}
	}
}

// gone tells that an object is no more.
func (w *Watch) gone(id objectID, at time.Time, emit func(WatchEvent)) {
	n := w.known[id]
	e := WatchEvent{Time: at, Kind: id.kind, ID: id.id, Type: n.typ, Name: n.name, Tag: n.tag, By: n.by, Holder: n.by != nil}
	switch id.kind {
	case KindProg:
		e.Op = "unloaded"
	case KindMap:
		e.Op = "freed"
	case KindLink:
		e = w.attached("detached", id.id, n, e)
	}
	delete(w.known, id)
	if !n.detached {
		emit(e)
	}
}

// network tells what was attached to interfaces, or taken off, through netlink: no call of
// bpf(2) does it, and who did isn't known.
func (w *Watch) network(now time.Time, emit func(WatchEvent)) {
	if now.Sub(w.netAt) < netEvery {
		return
	}
	w.netAt = now
	p := w.r.newPoints(&Survey{})
	if w.hasNetProg() {
		p.network()
	}
	for _, q := range p.points {
		if w.netKnown && !containsPoint(w.net, q) && !w.hasLink(q) {
			w.emitPoint("attached", q, emit)
		}
	}
	for _, q := range w.net {
		if !containsPoint(p.points, q) && !w.hasLink(q) {
			w.emitPoint("detached", q, emit)
		}
	}
	w.net, w.netKnown, w.netNames = p.points, true, map[uint32]string{}
	for _, q := range w.net {
		if n := w.known[objectID{KindProg, q.Prog}]; n != nil {
			w.netNames[q.Prog] = n.name
		}
	}
}

// hasNetProg reports whether there's a program that interfaces may have.
func (w *Watch) hasNetProg() bool {
	for id, n := range w.known {
		if id.kind == KindProg && slices.Contains([]string{"xdp", "sched_cls", "sched_act", "flow_dissector"}, n.typ) {
			return true
		}
	}
	return false
}

func containsPoint(points []Point, q Point) bool {
	return slices.ContainsFunc(points, func(o Point) bool { return o.Prog == q.Prog && o.Text == q.Text })
}

// hasLink reports whether a link attaches a program to the same place: its events tell.
func (w *Watch) hasLink(q Point) bool {
	for id, n := range w.known {
		if id.kind == KindLink && n.prog == q.Prog && n.point == q.Text {
			return true
		}
	}
	return false
}

func (w *Watch) emitPoint(op string, q Point, emit func(WatchEvent)) {
	emit(w.attached(op, 0, &watched{prog: q.Prog, name: w.netNames[q.Prog], point: q.Text}, WatchEvent{}))
}
