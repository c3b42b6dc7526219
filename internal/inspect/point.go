package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Point is a place that a program is attached to.
type Point struct {
	Prog     uint32
	Link     uint32 // that attaches it; 0: the attachment has none
	Map      uint32 // that a program is called from: a prog_array, sockmap or struct_ops map; 0: none
	PIDs     []int  // processes whose perf event it is, where no link tells
	Text     string // in words: "tracepoint sched:sched_switch", "xdp on eth0"
	Detached bool   // the link is there and its target isn't any more
}

// pointReader gathers points. What can't be read goes to missing.
type pointReader struct {
	*Reader
	survey  *Survey
	progs   map[uint32]*Prog
	points  []Point
	missing []error
	cgroups map[uint64]string // paths below the mount, by id; nil: not read yet
	devices map[uint32]string
	events  map[string]string // "sched:sched_switch" by "sched_switch"
}

func (p *pointReader) add(q Point) { p.points = append(p.points, q) }

func (p *pointReader) lack(err error) { p.missing = append(p.missing, err) }

// has reports whether a program of one of the types is loaded: what no program can be
// attached to needn't be looked at.
func (p *pointReader) has(types ...string) bool {
	for _, g := range p.progs {
		if slices.Contains(types, g.TypeName()) {
			return true
		}
	}
	return false
}

// points are the places that programs are attached to: by links, perf events, network
// interfaces of this network namespace, cgroups and maps. What the kernel doesn't tell of
// are perf events of timers and counters without a link, sockets' filters, and interfaces of
// other namespaces without a link.
func (r *Reader) points(s *Survey) ([]Point, []error) {
	p := r.newPoints(s)
	for _, l := range s.Links {
		p.link(l)
	}
	if p.has("kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable") {
		p.perfEvents(s.Owners)
	}
	if p.has("xdp", "sched_cls", "sched_act", "flow_dissector") {
		p.network()
	}
	if p.has("cgroup_skb", "cgroup_sock", "cgroup_device", "cgroup_sock_addr", "cgroup_sysctl", "cgroup_sockopt", "sock_ops", "lsm") {
		p.cgroupPrograms()
	}
	for _, m := range s.Maps {
		p.fromMap(m)
	}
	return p.points, p.missing
}

// newPoints begins to gather those of a survey's programs.
func (r *Reader) newPoints(s *Survey) *pointReader {
	p := &pointReader{Reader: r, survey: s, progs: map[uint32]*Prog{}, devices: map[uint32]string{}, events: map[string]string{}}
	for _, g := range s.Progs {
		p.progs[g.ID] = g
	}
	return p
}

// words is what a link attaches to.
func (p *pointReader) words(l *Link) string {
	have := len(p.points)
	p.link(l)
	defer func() { p.points = p.points[:have] }()
	if len(p.points) == have {
		return l.TypeName()
	}
	return p.points[have].Text
}

// link adds a link's points.
func (p *pointReader) link(l *Link) {
	q := Point{Prog: l.Prog, Link: l.ID}
	switch {
	case l.Type == linkStructOps:
		return // its map tells the programs
	case l.Type == linkRawTracepoint:
		q.Text = "tracepoint " + p.event(l.Tracepoint)
		if g := p.progs[l.Prog]; g != nil && g.Type != progTracing {
			q.Text = "raw tracepoint " + p.event(l.Tracepoint)
		}
	case l.Type == linkTracing:
		q.Text = p.tracing(l)
	case l.Iter != nil:
		q.Text = "iterator " + l.Iter.Target
	case l.Type == linkCgroup:
		q.Text, q.Detached = p.cgroupPlace(l.CgroupID)+" "+cgroupWord(uint32(l.AttachType)), l.CgroupID == 0
	case l.Type == linkNetns:
		q.Text, q.Detached = fmt.Sprintf("netns %d %s", l.NetnsIno, attachWord(l.AttachType)), l.NetnsIno == 0
	case l.Type == linkXDP:
		q.Text, q.Detached = "xdp on "+p.device(l.Ifindex), l.Ifindex == 0
	case l.Type == linkTCX:
		side := strings.TrimPrefix(attachWord(l.AttachType), "tcx_")
		q.Text, q.Detached = "tc "+side+" "+p.device(l.Ifindex), l.Ifindex == 0
	case l.Type == linkNetkit:
		side := strings.TrimPrefix(attachWord(l.AttachType), "netkit_")
		q.Text, q.Detached = "netkit "+side+" "+p.device(l.Ifindex), l.Ifindex == 0
	case l.Type == linkSockmap:
		q.Text, q.Map = fmt.Sprintf("%s of map %d", attachWord(l.AttachType), l.Map), l.Map
	case l.Netfilter != nil:
		q.Text = netfilterPlace(l.Netfilter)
	default:
		q.Text = p.probePlaces(l)
	}
	p.add(q)
}

// attachWord is an attach type's name; "" for none.
func attachWord(typ int) string {
	if typ < 0 {
		return ""
	}
	s, _ := TypeName(AttachTypes, uint32(typ))
	return s
}

// probePlaces are the events of a link of probes. Of many, the first and their number.
func (p *pointReader) probePlaces(l *Link) string {
	const some = 3
	probes := p.ProbesOf(l)
	if len(probes) == 0 {
		return l.TypeName()
	}
	var names []string
	for _, b := range probes[:min(some, len(probes))] {
		names = append(names, b.Text)
	}
	text := strings.ReplaceAll(probes[0].Kind, "_", " ") + " " + strings.Join(names, ", ")
	if l.Perf != nil && l.Perf.Type == PerfTracepoint {
		text = "tracepoint " + p.event(l.Perf.Name)
	} else if l.Perf != nil && l.Perf.Type == PerfUnspec {
		text = "perf event (untold)" // before 6.6
	} else if l.Perf != nil && l.Perf.Type == PerfEvent {
		text = "perf event " + p.perfEvent(l.Perf)
	}
	if n := len(probes) - some; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// perfEvent is an event's name. Types above the table's are those that the kernel numbers as
// it boots; sysfs has their names.
func (p *pointReader) perfEvent(e *PerfLink) string {
	if int(e.EventType) < len(PerfTypes) {
		return PerfEventName(e.EventType, e.Config)
	}
	const dir = "sys/bus/event_source/devices"
	devices, _ := fs.ReadDir(p.root, dir)
	for _, d := range devices {
		b, err := fs.ReadFile(p.root, path.Join(dir, d.Name(), "type"))
		if err == nil && strings.TrimSpace(string(b)) == strconv.FormatUint(uint64(e.EventType), 10) {
			return fmt.Sprintf("%s 0x%x", d.Name(), e.Config)
		}
	}
	// From 6.4 on an event of a clock gets the type of the clock's own PMU, which has no name
	// in sysfs; the two are the first that are numbered (perf_event_init, kernel/events/core.c).
	switch int(e.EventType) - len(PerfTypes) {
	case 0:
		return "software cpu-clock"
	case 1:
		return "software task-clock"
	}
	return PerfEventName(e.EventType, e.Config)
}

// tracingWords are attach types of tracing programs as scripts spell them.
var tracingWords = map[string]string{
	"trace_raw_tp": "tracepoint", "trace_fentry": "fentry", "trace_fexit": "fexit", "modify_return": "fmod_ret",
	"lsm_mac": "lsm", "trace_iter": "iterator", "trace_fsession": "fsession",
}

// tracing is what a program is attached to by BTF: a kernel function, a tracepoint, or a
// function of another program.
func (p *pointReader) tracing(l *Link) string {
	word := tracingWords[attachWord(l.AttachType)]
	if word == "" {
		word = attachWord(l.AttachType)
	}
	if target, ok := p.progs[l.TargetObj]; ok && p.ofProgram(l) {
		if g := p.progs[l.Prog]; g != nil && g.TypeName() == "ext" {
			word = "freplace"
		}
		return fmt.Sprintf("%s program %d %s", word, target.ID, target.Name)
	}
	name := ""
	if b, err := p.Types(l.TargetObj); err == nil {
		name = b.Type(kern.TypeID(l.TargetBTF)).Name()
	}
	switch word {
	case "tracepoint":
		name = p.event(strings.TrimPrefix(name, "btf_trace_"))
	case "lsm":
		name = strings.TrimPrefix(name, "bpf_lsm_")
	}
	return strings.TrimSpace(word + " " + name)
}

// ofProgram reports whether a tracing link's target object is a program and not a BTF
// object; the kernel forgets what an attached program was loaded for when that was a program.
func (p *pointReader) ofProgram(l *Link) bool {
	g := p.progs[l.Prog]
	if g == nil || g.TypeName() == "ext" || g.AttachBTFObj == 0 {
		return true
	}
	info, err := p.BTF(g.AttachBTFObj)
	return err == nil && !info.Kernel
}

// event is a tracepoint's name with its category, where there's tracefs to tell it.
func (p *pointReader) event(name string) string {
	if full, ok := p.events[name]; ok {
		return full
	}
	full := name
	categories, err := p.kernel.Categories()
	if err == nil {
		for _, c := range categories {
			if has, err := p.kernel.HasEvent(c, name); err == nil && has {
				full = c + ":" + name
				break
			}
		}
	}
	p.events[name] = full
	return full
}

// device is an interface's name.
func (p *pointReader) device(index uint32) string {
	if index == 0 {
		return "(gone)"
	}
	if s, ok := p.devices[index]; ok {
		return s
	}
	name := fmt.Sprintf("interface %d", index) // of another network namespace
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		name = i.Name
	}
	p.devices[index] = name
	return name
}

// Families and hooks of netfilter (include/uapi/linux/netfilter.h).
var (
	netfilterFamilies = map[uint32]string{1: "inet", 2: "ipv4", 3: "arp", 5: "netdev", 7: "bridge", 10: "ipv6"}
	netfilterHooks    = []string{"prerouting", "input", "forward", "output", "postrouting"}
)

func netfilterPlace(n *NetfilterLink) string {
	family := netfilterFamilies[n.PF]
	if family == "" {
		family = fmt.Sprintf("family %d", n.PF)
	}
	hook, _ := TypeName(netfilterHooks, n.Hook)
	return fmt.Sprintf("netfilter %s %s priority %d", family, hook, n.Priority)
}

// perfEvents adds those that no link holds.
func (p *pointReader) perfEvents(o *Owners) {
	fds, unread, err := p.PerfFDs()
	if err != nil {
		p.lack(err)
	}
	if unread > 0 && (o == nil || o.Unread == 0) { // else it's told of as to owners
		p.lack(fmt.Errorf("perf events: %w", Unread(unread)))
	}
	linked := map[[2]int]bool{}
	if o != nil {
		for _, h := range o.Holdings {
			linked[[2]int{h.PID, h.FD}] = linked[[2]int{h.PID, h.FD}] || h.Kind == KindLink
		}
	}
	for _, f := range fds {
		if linked[[2]int{f.PID, f.FD}] {
			continue
		}
		text := p.perfFD(f)
		// Processes that were forked share the event.
		i := slices.IndexFunc(p.points, func(q Point) bool { return q.Link == 0 && q.Prog == f.Prog && q.Text == text })
		if i < 0 {
			p.add(Point{Prog: f.Prog, Text: text, PIDs: []int{f.PID}})
		} else if !slices.Contains(p.points[i].PIDs, f.PID) {
			p.points[i].PIDs = append(p.points[i].PIDs, f.PID)
		}
	}
}

// perfFD is a descriptor's event.
func (p *pointReader) perfFD(f *PerfFD) string {
	b := f.Probe()
	if f.Type == FDTracepoint || f.Type == FDRawTracepoint {
		b.Text = p.event(f.Name)
	}
	return strings.ReplaceAll(b.Kind, "_", " ") + " " + b.Text
}

// network adds what interfaces have, unless a link has told it.
func (p *pointReader) network() {
	n, err := p.Net(0)
	if err != nil {
		p.lack(err)
	}
	if n == nil {
		return
	}
	for _, x := range n.XDP {
		for _, g := range x.Progs {
			p.unlinked(Point{Prog: g.ID, Text: "xdp on " + x.Device})
		}
	}
	for _, t := range n.TC {
		place, side, _ := strings.Cut(t.Kind, "/")
		switch place {
		case "tcx", "clsact":
			p.unlinked(Point{Prog: t.ID, Text: "tc " + side + " " + t.Device})
		case "netkit":
			p.unlinked(Point{Prog: t.ID, Text: "netkit " + side + " " + t.Device})
		default:
			p.unlinked(Point{Prog: t.ID, Text: "tc " + place + " " + t.Device})
		}
		for _, a := range t.Actions {
			p.unlinked(Point{Prog: a.ID, Text: "tc action " + t.Device})
		}
	}
	for _, id := range n.FlowDissector {
		p.unlinked(Point{Prog: id, Text: "flow dissector"})
	}
}

// unlinked adds a point unless the program has it by a link.
func (p *pointReader) unlinked(q Point) {
	same := func(o Point) bool { return o.Prog == q.Prog && o.Text == q.Text }
	if q.Prog != 0 && !slices.ContainsFunc(p.points, same) {
		p.add(q)
	}
}

// readCgroups walks the tree of cgroup2.
func (p *pointReader) readCgroups() {
	if p.cgroups != nil {
		return
	}
	p.cgroups = map[uint64]string{}
	root, err := p.CgroupRoot()
	if err != nil {
		return
	}
	fs.WalkDir(p.root, strings.Trim(root, "/"), func(dir string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it went meanwhile
		}
		if d.IsDir() {
			if id, err := sys.CgroupID("/" + dir); err == nil {
				p.cgroups[id] = path.Clean("/" + strings.TrimPrefix("/"+dir, root))
			}
		}
		return nil
	})
}

// cgroupPlace is a cgroup by its id: "cgroup /system.slice".
func (p *pointReader) cgroupPlace(id uint64) string {
	if id == 0 {
		return "cgroup (gone)"
	}
	p.readCgroups()
	if s, ok := p.cgroups[id]; ok {
		return "cgroup " + s
	}
	return fmt.Sprintf("cgroup %d", id)
}

// cgroupWord is an attach type of cgroups in short: "egress", "connect4".
func cgroupWord(typ uint32) string {
	name, _ := TypeName(AttachTypes, typ)
	if first := firstNames[name]; first != "" {
		return first
	}
	return strings.TrimPrefix(name, "cgroup_")
}

// cgroupPrograms adds those that are attached to cgroups without a link.
func (p *pointReader) cgroupPrograms() {
	root, err := p.CgroupRoot()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = p.CgroupTree(root, false, func(c *Cgroup) error {
			place := "cgroup " + path.Clean("/"+strings.TrimPrefix(c.Path, root))
			for _, g := range c.Progs {
				p.unlinked(Point{Prog: g.Prog.ID, Text: place + " " + cgroupWord(g.AttachType)})
			}
			return nil
		})
	}
	if err != nil {
		p.lack(err)
	}
}

// sockmapAttachTypes are those of programs of socket maps (enum bpf_attach_type).
var sockmapAttachTypes = []uint32{4, 5, 7, 38}

// fromMap adds the programs that a map calls.
func (p *pointReader) fromMap(m *Map) {
	switch m.TypeName() {
	case "prog_array":
		p.tailCalls(m)
	case "struct_ops":
		p.structOps(m)
	case "sockmap", "sockhash":
		fd, err := open(KindMap, m.ID)
		if err != nil {
			return
		}
		defer sys.Close(fd)
		for _, typ := range sockmapAttachTypes {
			got, err := sys.QueryProgs(fd, typ, 0)
			if err != nil {
				continue // before 5.16
			}
			for _, id := range got.Progs {
				p.unlinked(Point{Prog: id, Map: m.ID, Text: fmt.Sprintf("%s of map %d", attachWord(int(typ)), m.ID)})
			}
		}
	}
}
