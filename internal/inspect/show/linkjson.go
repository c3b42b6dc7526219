package show

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/inspect"
)

func (p *Printer) linkJSON(l *inspect.Link) {
	j := p.JSON
	j.Open("{")
	j.Member("id", l.ID)
	typeMember(j, "type", inspect.LinkTypes, l.Type)
	j.Member("prog_id", l.Prog)
	switch l.TypeName() {
	case "raw_tracepoint":
		j.Member("tp_name", l.Tracepoint)
		j.Member("cookie", l.Cookie)
	case "tracing":
		j.Member("prog_type", p.progType(l.Prog))
		p.attachTypeJSON(l)
		j.Member("target_obj_id", l.TargetObj)
		j.Member("target_btf_id", l.TargetBTF)
		j.Member("cookie", l.Cookie)
	case "cgroup":
		j.Member("cgroup_id", l.CgroupID)
		p.attachTypeJSON(l)
	case "iter":
		p.iterJSON(l.Iter)
	case "netns":
		j.Member("netns_ino", l.NetnsIno)
		p.attachTypeJSON(l)
	case "xdp", "tcx", "netkit":
		j.Member("devname", p.device(l.Ifindex))
		j.Member("ifindex", l.Ifindex)
		p.attachTypeJSON(l)
	case "sockmap":
		j.Member("map_id", l.Map)
		p.attachTypeJSON(l)
	case "struct_ops":
		j.Member("map_id", l.Map)
	case "netfilter":
		j.Member("pf", l.Netfilter.PF)
		j.Member("hook", l.Netfilter.Hook)
		j.Member("prio", l.Netfilter.Priority)
		j.Member("flags", l.Netfilter.Flags)
	case "kprobe_multi":
		p.kprobesJSON(l.Funcs)
	case "uprobe_multi":
		p.uprobesJSON(l.Funcs)
	case "perf_event":
		p.perfJSON(l)
	}
	p.references(inspect.KindLink, l.ID, true)
	j.End("}")
}

func (p *Printer) attachTypeJSON(l *inspect.Link) {
	if l.AttachType >= 0 {
		typeMember(p.JSON, "attach_type", inspect.AttachTypes, uint32(l.AttachType))
	}
}

func (p *Printer) iterJSON(it *inspect.IterLink) {
	j := p.JSON
	j.Member("target_name", it.Target)
	switch {
	case it.Target == "bpf_map_elem" || it.Target == "bpf_sk_storage_map":
		j.Member("map_id", it.Map)
	case it.TID != 0:
		j.Member("tid", it.TID)
	case it.PID != 0:
		j.Member("pid", it.PID)
	}
	if it.Target == "cgroup" {
		j.Member("cgroup_id", it.CgroupID)
		s, _ := inspect.TypeName(orders, it.Order)
		j.Member("order", s)
	}
}

func (p *Printer) kprobesJSON(m *inspect.MultiLink) {
	j := p.JSON
	j.Member("retprobe", m.Return())
	j.Member("func_cnt", m.Count)
	j.Member("missed", m.Missed)
	j.Name("funcs")
	j.Open("[")
	for _, a := range places(m) {
		s, ok := p.Reader.Symbol(a.addr)
		if !ok {
			continue
		}
		j.Open("{")
		j.Member("addr", a.addr)
		j.Member("func", s.Name)
		if s.Module != "" {
			j.Member("module", s.Module)
		} else {
			j.Member("module", nil)
		}
		j.Member("cookie", a.cookie)
		j.End("}")
	}
	j.End("]")
}

func (p *Printer) uprobesJSON(m *inspect.MultiLink) {
	j := p.JSON
	j.Member("retprobe", m.Return())
	j.Member("path", m.Path)
	j.Member("func_cnt", m.Count)
	j.Member("pid", m.PID)
	j.Name("funcs")
	j.Open("[")
	for i := range m.Offsets {
		j.Open("{")
		j.Member("offset", m.Offsets[i])
		j.Member("ref_ctr_offset", m.RefCtrs[i])
		j.Member("cookie", m.Cookies[i])
		j.End("}")
	}
	j.End("]")
}

func (p *Printer) perfJSON(l *inspect.Link) {
	j, e := p.JSON, l.Perf
	switch e.Type {
	case inspect.PerfUprobe, inspect.PerfUretprobe:
		j.Member("retprobe", e.ReturnsOnly)
		j.Member("file", e.Name)
		j.Member("offset", e.Offset)
		j.Member("cookie", l.Cookie)
		j.Member("ref_ctr_offset", e.RefCtrOffset)
	case inspect.PerfKprobe, inspect.PerfKretprobe:
		j.Member("retprobe", e.ReturnsOnly)
		j.Member("addr", e.Addr)
		j.Member("func", e.Name)
		j.Member("offset", e.Offset)
		j.Member("missed", e.Missed)
		j.Member("cookie", l.Cookie)
	case inspect.PerfTracepoint:
		j.Member("tracepoint", e.Name)
		j.Member("cookie", l.Cookie)
	case inspect.PerfEvent:
		typeMember(j, "event_type", inspect.PerfTypes, e.EventType)
		j.Member("event_config", inspect.PerfConfig(e.EventType, e.Config))
		j.Member("cookie", l.Cookie)
	}
}

// hexOff is an offset as C's %#x prints it: 0 has no 0x.
func hexOff(n uint64) string {
	if n == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(n, 16)
}
