package inspect

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// What a watch makes of a call that skep's own program saw (watchprog.go).

// seen tells of a call.
func (w *Watch) seen(c call, fresh map[objectID]bool, emit func(WatchEvent)) {
	id := objectID{c.kind, c.id}
	if int(c.pid) == os.Getpid() {
		w.own[id] = true
		return
	}
	by := &Actor{int(c.pid), c.comm, c.uid}
	e := WatchEvent{Time: w.at(c.ns), Kind: c.kind, ID: c.id, Name: c.name, By: by}
	switch c.cmd {
	case cmdProgLoad:
		fresh[id] = true
		e.Op, e.Type, e.Tag = "loaded", typeOf(ProgTypes, c.typ), (&Prog{Tag: c.tag}).TagText()
		if p, err := w.r.Prog(c.id); err == nil {
			e.Name = p.Name // in full
		}
		w.known[id] = &watched{typ: e.Type, name: e.Name, tag: e.Tag, by: by}
	case cmdMapCreate:
		fresh[id] = true
		e.Op, e.Type = "created", typeOf(MapTypes, c.typ)
		w.known[id] = &watched{typ: e.Type, name: e.Name, by: by}
	case cmdLinkCreate, cmdRawTPOpen:
		fresh[id] = true
		n := &watched{typ: typeOf(LinkTypes, c.typ), prog: c.prog, by: by, point: w.linkPoint(c.id, typeOf(LinkTypes, c.typ))}
		w.known[id] = n
		e = w.attached("attached", c.id, n, e)
	case cmdLinkDetach, cmdLinkUpdate:
		n := w.known[id]
		if n == nil {
			n = &watched{typ: typeOf(LinkTypes, c.typ), prog: c.prog}
		}
		if c.cmd == cmdLinkDetach {
			n.detached = true
			e = w.attached("detached", c.id, n, e)
			break
		}
		n.prog = c.prog
		e = w.attached("attached", c.id, n, e)
	case cmdProgAttach, cmdProgDetach:
		e.Op = "attached"
		if c.cmd == cmdProgDetach {
			e.Op = "detached"
		}
		e.Type, e.Point = typeOf(ProgTypes, c.typ), w.r.attachTarget(c)
	case cmdSetBPF:
		e.Op, e.Type, e.Point = "attached", typeOf(ProgTypes, c.typ), w.perfTarget(c)
	}
	if n := w.known[objectID{KindProg, e.ID}]; n != nil && e.Kind == KindProg && e.Name != "" {
		e.Name = n.name // in full
	}
	emit(e)
}

func typeOf(table []string, n uint32) string { s, _ := TypeName(table, n); return s }

// attached makes e that of a link's program.
func (w *Watch) attached(op string, link uint32, n *watched, e WatchEvent) WatchEvent {
	e.Op, e.Kind, e.ID, e.Link, e.Point, e.Name, e.Type = op, KindProg, n.prog, link, n.point, "", ""
	if p := w.known[objectID{KindProg, n.prog}]; p != nil {
		if p.name != "" {
			n.name = p.name // for when the program is told to be gone before its link
		}
		e.Type, e.Tag = p.typ, p.tag
	}
	e.Name = n.name
	return e
}

// linkPoint is what a new link attaches to; its type when it's gone already.
func (w *Watch) linkPoint(id uint32, typ string) string {
	l, err := w.r.Link(id)
	if err != nil {
		return typ
	}
	if p, err := w.r.Prog(l.Prog); err == nil {
		w.links.progs[p.ID] = p
	}
	return w.links.words(l)
}

// attachTarget is what a call attaches a program to without a link: a cgroup, by the caller's
// descriptor, or what the attach type says.
func (r *Reader) attachTarget(c call) string {
	typ := c.args[2]
	if slices.Contains(cgroupAttachTypes, typ) {
		place := "cgroup"
		root, err := r.CgroupRoot()
		dir, lerr := fs.ReadLink(r.root, fmt.Sprintf("proc/%d/fd/%d", c.pid, c.args[0]))
		if err == nil && lerr == nil && strings.HasPrefix(dir, root) {
			place += " " + path.Clean("/"+strings.TrimPrefix(dir, root))
		}
		return place + " " + cgroupWord(typ)
	}
	word := typeOf(AttachTypes, typ)
	if side, ok := strings.CutPrefix(word, "tcx_"); ok {
		return "tc " + side + " " + (&pointReader{devices: map[uint32]string{}}).device(c.args[0])
	}
	return word
}

// perfTarget is the event of a descriptor that a program was put to by ioctl.
func (w *Watch) perfTarget(c call) string {
	q, err := sys.QueryTaskFD(int(c.pid), int(c.args[0]))
	if err != nil {
		return "perf event"
	}
	return w.links.perfFD(&PerfFD{Prog: q.ProgID, Type: q.Type, Name: q.Name, Offset: q.Offset, Addr: q.Addr})
}
