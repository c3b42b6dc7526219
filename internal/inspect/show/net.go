package show

import "github.com/skep-bpf/skep/internal/inspect"

// Net prints what is attached to network interfaces.
func (p *Printer) Net(n *inspect.Net) {
	if p.JSON != nil {
		p.netJSON(n)
		return
	}
	p.printf("xdp:\n")
	for _, x := range n.XDP {
		p.printf("%s(%d)", x.Device, x.Ifindex)
		for _, g := range x.Progs {
			p.printf(" %s id %d", g.Mode, g.ID)
		}
		p.printf("\n")
	}
	p.printf("\ntc:\n")
	for _, t := range n.TC {
		p.printf("%s(%d) %s", t.Device, t.Ifindex, t.Kind)
		if t.Name != "" {
			p.printf(" %s", t.Name)
		}
		switch {
		case t.MProg:
			p.printf(" prog_id %d ", t.ID)
			if t.Link != 0 {
				p.printf("link_id %d ", t.Link)
			}
		case t.ID != 0:
			p.printf(" id %d", t.ID)
		}
		if len(t.Actions) > 0 {
			p.printf(" act [")
			for _, a := range t.Actions {
				p.printf("%s id %d", a.Name, a.ID)
			}
			p.printf("] ")
		}
		p.printf("\n")
	}
	p.printf("\nflow_dissector:\n")
	for _, id := range n.FlowDissector {
		p.printf("id %d\n", id)
	}
	p.printf("\nnetfilter:\n")
	for _, l := range n.Netfilter {
		p.netfilterText(l.Netfilter)
		p.printf(" prog_id %d \n", l.Prog)
	}
	p.printf("\n")
}

func (p *Printer) netJSON(n *inspect.Net) {
	j := p.JSON
	j.Open("[")
	j.Open("{")
	j.Name("xdp")
	j.Open("[")
	for _, x := range n.XDP {
		p.xdpJSON(x)
	}
	j.End("]")
	j.Name("tc")
	j.Open("[")
	for _, t := range n.TC {
		p.tcJSON(t)
	}
	j.End("]")
	j.Name("flow_dissector")
	j.Open("[")
	for _, id := range n.FlowDissector {
		j.Open("{")
		j.Member("id", id)
		j.End("}")
	}
	j.End("]")
	j.Name("netfilter")
	j.Open("[")
	for _, l := range n.Netfilter {
		j.Open("{")
		j.Member("pf", l.Netfilter.PF)
		j.Member("hook", l.Netfilter.Hook)
		j.Member("prio", l.Netfilter.Priority)
		j.Member("flags", l.Netfilter.Flags)
		j.Member("id", l.Prog)
		j.End("}")
	}
	j.End("]")
	j.End("}")
	j.End("]")
}

func (p *Printer) xdpJSON(x inspect.XDP) {
	j := p.JSON
	j.Open("{")
	j.Member("devname", x.Device)
	j.Member("ifindex", x.Ifindex)
	if x.Multi {
		j.Name("multi_attachments")
		j.Open("[")
	}
	for _, g := range x.Progs {
		if x.Multi {
			j.Open("{")
		}
		j.Member("mode", g.Mode)
		j.Member("id", g.ID)
		if x.Multi {
			j.End("}")
		}
	}
	if x.Multi {
		j.End("]")
	}
	j.End("}")
}

func (p *Printer) tcJSON(t inspect.TC) {
	j := p.JSON
	j.Open("{")
	j.Member("devname", t.Device)
	j.Member("ifindex", t.Ifindex)
	j.Member("kind", t.Kind)
	if t.Name != "" {
		j.Member("name", t.Name)
	}
	switch {
	case t.MProg:
		j.Member("prog_id", t.ID)
		j.Member("prog_flags", []uint32{})
		j.Member("link_id", t.Link)
		j.Member("link_flags", []uint32{})
	case t.ID != 0:
		j.Member("id", t.ID)
	}
	if len(t.Actions) > 0 {
		j.Name("act")
		j.Open("[")
		for _, a := range t.Actions {
			j.Open("{")
			j.Member("name", a.Name)
			j.Member("id", a.ID)
			j.End("}")
		}
		j.End("]")
	}
	j.End("}")
}
