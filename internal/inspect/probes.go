package inspect

import (
	"cmp"
	"fmt"
	"slices"
)

// Usage is how many BPF objects and probes a process has.
type Usage struct {
	*Process
	Counts []Count // by kind: btf, kprobe, link, map, prog, tracepoint, uprobe …
	Probes []Probe // what its programs are attached to, in words
}

// Count is a number of objects of a kind.
type Count struct {
	Kind string
	N    int
}

// Probe is an event that a process has attached a program to.
type Probe struct {
	Kind string // kprobe, kretprobe, uprobe, uretprobe, tracepoint, raw_tracepoint, perf_event
	Prog uint32
	Text string
}

// Usages are the processes that hold BPF objects, by pid, with what their links and perf
// events attach to; unread is how many processes weren't to be looked into.
func (r *Reader) Usages() (usages []*Usage, unread int, err error) {
	owners, err := r.Owners()
	if err != nil {
		return nil, 0, err
	}
	byPID := map[int]*Usage{}
	count := map[int]map[string]int{}
	use := func(pid int) *Usage {
		if byPID[pid] == nil {
			p := owners.Processes[pid]
			if p == nil {
				p = r.process(pid)
			}
			byPID[pid], count[pid] = &Usage{Process: p}, map[string]int{}
		}
		return byPID[pid]
	}
	words := [...]string{KindProg: "prog", KindMap: "map", KindBTF: "btf", KindLink: "link"}
	linked := map[[2]int]bool{}
	for _, h := range owners.Holdings {
		u := use(h.PID)
		count[h.PID][words[h.Kind]]++
		if h.Kind != KindLink {
			continue
		}
		linked[[2]int{h.PID, h.FD}] = true
		l, err := r.Link(h.ID)
		if err != nil {
			continue
		}
		for _, p := range r.ProbesOf(l) {
			u.Probes = append(u.Probes, p)
			count[h.PID][p.Kind]++
		}
	}
	// Perf events that no link holds; the kernel tells of raw tracepoints' links here too.
	fds, unread, err := r.PerfFDs()
	if err != nil {
		return nil, owners.Unread, err
	}
	for _, f := range fds {
		if linked[[2]int{f.PID, f.FD}] {
			continue
		}
		p := f.Probe()
		use(f.PID).Probes = append(use(f.PID).Probes, p)
		count[f.PID][p.Kind]++
	}
	for pid, u := range byPID {
		for kind, n := range count[pid] {
			u.Counts = append(u.Counts, Count{kind, n})
		}
		slices.SortFunc(u.Counts, func(a, b Count) int { return cmp.Compare(a.Kind, b.Kind) })
		usages = append(usages, u)
	}
	slices.SortFunc(usages, func(a, b *Usage) int { return cmp.Compare(a.PID, b.PID) })
	return usages, max(unread, owners.Unread), nil
}

// fdKinds are the kinds of PerfFD.
var fdKinds = [...]string{"raw_tracepoint", "tracepoint", "kprobe", "kretprobe", "uprobe", "uretprobe"}

// Probe is the descriptor's event in words.
func (p *PerfFD) Probe() Probe {
	out := Probe{Kind: "perf_event", Prog: p.Prog, Text: p.Name}
	if int(p.Type) < len(fdKinds) {
		out.Kind = fdKinds[p.Type]
	}
	if p.Type >= FDKprobe {
		out.Text = probePlace(p.Name, p.Addr, p.Offset)
	}
	return out
}

func probePlace(name string, addr, offset uint64) string {
	switch {
	case name == "":
		return fmt.Sprintf("0x%x", addr)
	case offset != 0:
		return fmt.Sprintf("%s+0x%x", name, offset)
	}
	return name
}

// ProbesOf are the events that a link attaches to; none for links that aren't probes.
func (r *Reader) ProbesOf(l *Link) []Probe {
	switch {
	case l.Type == linkRawTracepoint:
		return []Probe{{"raw_tracepoint", l.Prog, l.Tracepoint}}
	case l.Perf != nil:
		kinds := [...]string{"perf_event", "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint", "perf_event"}
		p := Probe{Kind: "perf_event", Prog: l.Prog, Text: probePlace(l.Perf.Name, l.Perf.Addr, uint64(l.Perf.Offset))}
		if int(l.Perf.Type) < len(kinds) {
			p.Kind = kinds[l.Perf.Type]
		}
		switch l.Perf.Type {
		case PerfTracepoint:
			p.Text = l.Perf.Name
		case PerfUnspec, PerfEvent:
			p.Text = fmt.Sprintf("type %d config %d", l.Perf.EventType, l.Perf.Config)
		}
		return []Probe{p}
	case l.Funcs != nil:
		return r.multiProbes(l)
	}
	return nil
}

func (r *Reader) multiProbes(l *Link) (out []Probe) {
	m := l.Funcs
	kind := map[bool]string{true: "ret", false: ""}[m.Return()]
	if l.Type == linkUprobeMulti {
		for _, off := range m.Offsets {
			out = append(out, Probe{"u" + kind + "probe", l.Prog, probePlace(m.Path, 0, off)})
		}
		return out
	}
	for _, a := range m.Addrs {
		name := fmt.Sprintf("0x%x", a)
		if s, ok := r.Symbol(a); ok {
			name = probePlace(s.Name, a, s.Offset)
		}
		out = append(out, Probe{"k" + kind + "probe", l.Prog, name})
	}
	return out
}
