package show

import (
	"cmp"
	"slices"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Link prints a link's description.
func (p *Printer) Link(l *inspect.Link) {
	if p.JSON != nil {
		p.linkJSON(l)
		return
	}
	p.printf("%d: %s  ", l.ID, typeWord(inspect.LinkTypes, l.Type))
	if l.TypeName() == "struct_ops" {
		p.printf("map %d  ", l.Map)
	} else {
		p.printf("prog %d  ", l.Prog)
	}
	p.linkDetails(l)
	p.references(inspect.KindLink, l.ID, true)
	p.printf("\n")
}

// linkDetails prints what depends on the link's type.
func (p *Printer) linkDetails(l *inspect.Link) {
	switch l.TypeName() {
	case "raw_tracepoint":
		p.printf("\n\ttp '%s'  ", l.Tracepoint)
		p.cookie(l, "")
	case "tracing":
		p.printf("\n\tprog_type %s  ", p.progType(l.Prog))
		p.attachType(l)
		if l.TargetObj != 0 || l.TargetBTF != 0 {
			p.printf("\n\ttarget_obj_id %d  target_btf_id %d  ", l.TargetObj, l.TargetBTF)
		}
		p.cookie(l, "\n\t")
	case "cgroup":
		p.printf("\n\tcgroup_id %d  ", l.CgroupID)
		p.attachType(l)
	case "iter":
		p.iterText(l.Iter)
	case "netns":
		p.printf("\n\tnetns_ino %d  ", l.NetnsIno)
		p.attachType(l)
	case "xdp", "tcx", "netkit":
		p.printf("\n\tifindex %s  ", p.ifindexText(l.Ifindex))
		p.attachType(l)
	case "sockmap":
		p.printf("\n\tmap_id %d  ", l.Map)
		p.attachType(l)
	case "netfilter":
		p.netfilterText(l.Netfilter)
	case "kprobe_multi":
		p.kprobesText(l)
	case "uprobe_multi":
		p.uprobesText(l)
	case "perf_event":
		p.perfText(l)
	}
}

func (p *Printer) cookie(l *inspect.Link, before string) {
	if l.Cookie != 0 {
		p.printf("%scookie %d  ", before, l.Cookie)
	}
}

func (p *Printer) attachType(l *inspect.Link) {
	if l.AttachType >= 0 {
		s, _ := inspect.TypeName(inspect.AttachTypes, uint32(l.AttachType))
		p.printf("attach_type %s  ", s)
	}
}

func (p *Printer) ifindexText(index uint32) string {
	name := p.device(index)
	if name[0] == '(' {
		return name
	}
	return name + "(" + ids([]uint32{index}) + ")"
}

// progType is the type of a link's program.
func (p *Printer) progType(id uint32) string {
	g, err := p.Reader.Prog(id)
	if err != nil {
		return "unknown"
	}
	return g.TypeName()
}

// orders are enum bpf_cgroup_iter_order.
var orders = []string{"order_unspec", "self_only", "descendants_pre", "descendants_post", "ancestors_up"}

func (p *Printer) iterText(it *inspect.IterLink) {
	p.printf("target_name %s  ", it.Target)
	switch {
	case it.Map != 0:
		p.printf("map_id %d  ", it.Map)
	case it.TID != 0:
		p.printf("tid %d ", it.TID)
	case it.PID != 0:
		p.printf("pid %d ", it.PID)
	}
	if it.Target == "cgroup" {
		s, _ := inspect.TypeName(orders, it.Order)
		p.printf("cgroup_id %d  order %s  ", it.CgroupID, s)
	}
}

// place is one of a link's many places.
type place struct{ addr, cookie uint64 }

// places are a kprobe link's functions by address.
func places(m *inspect.MultiLink) []place {
	out := make([]place, len(m.Addrs))
	for i, a := range m.Addrs {
		out[i].addr = a
		if i < len(m.Cookies) {
			out[i].cookie = m.Cookies[i]
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Compare(a.addr, b.addr) })
	return out
}

func (p *Printer) kprobesText(l *inspect.Link) {
	m := l.Funcs
	if m.Count == 0 {
		return
	}
	word := "kprobe.multi"
	if m.Return() {
		word = "kretprobe.multi"
	}
	p.printf("\n\t%s  func_cnt %d  ", word, m.Count)
	if m.Missed != 0 {
		p.printf("missed %d  ", m.Missed)
	}
	p.printf("\n\t%-16s %-16s %s", "addr", "cookie", "func [module]")
	for _, a := range places(m) {
		s, ok := p.Reader.Symbol(a.addr)
		if !ok {
			continue
		}
		p.printf("\n\t%016x %-16x %s", a.addr, a.cookie, s.Name)
		if s.Module != "" {
			p.printf(" [%s]", s.Module)
		}
		p.printf("  ")
	}
}

func (p *Printer) uprobesText(l *inspect.Link) {
	m := l.Funcs
	if m.Count == 0 {
		return
	}
	word := "uprobe.multi"
	if m.Return() {
		word = "uretprobe.multi"
	}
	p.printf("\n\t%s  path %s  func_cnt %d  ", word, m.Path, m.Count)
	if m.PID != 0 {
		p.printf("pid %d  ", m.PID)
	}
	p.printf("\n\t%-16s   %-16s   %-16s", "offset", "ref_ctr_offset", "cookies")
	for i := range m.Offsets {
		p.printf("\n\t0x%-16x 0x%-16x 0x%-16x", m.Offsets[i], m.RefCtrs[i], m.Cookies[i])
	}
}

func (p *Printer) perfText(l *inspect.Link) {
	e := l.Perf
	word := [...]string{"", "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint", "event"}
	if int(e.Type) >= len(word) || e.Type == 0 || e.Type != inspect.PerfEvent && e.Name == "" && e.Addr == 0 {
		return
	}
	p.printf("\n\t%s ", word[e.Type])
	switch e.Type {
	case inspect.PerfUprobe, inspect.PerfUretprobe:
		p.printf("%s+%s  ", e.Name, hexOff(uint64(e.Offset)))
		p.cookie(l, "")
		if e.RefCtrOffset != 0 {
			p.printf("ref_ctr_offset 0x%x  ", e.RefCtrOffset)
		}
	case inspect.PerfKprobe, inspect.PerfKretprobe:
		if e.Addr != 0 {
			p.printf("%x ", e.Addr)
		}
		p.printf("%s", e.Name)
		if e.Offset != 0 {
			p.printf("+%s", hexOff(uint64(e.Offset)))
		}
		if e.Missed != 0 {
			p.printf("  missed %d", e.Missed)
		}
		if l.Cookie != 0 {
			p.printf("  cookie %d", l.Cookie)
		}
		p.printf("  ")
	case inspect.PerfTracepoint:
		p.printf("%s  ", e.Name)
		p.cookie(l, "")
	case inspect.PerfEvent:
		if s, ok := inspect.TypeName(inspect.PerfTypes, e.EventType); ok {
			p.printf("%s:", s)
		} else {
			p.printf("%s :", s)
		}
		p.printf("%v  ", inspect.PerfConfig(e.EventType, e.Config))
		p.cookie(l, "")
	}
}
