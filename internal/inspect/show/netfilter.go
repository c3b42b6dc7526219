package show

import "github.com/skep-bpf/skep/internal/inspect"

// Names of protocol families and hooks (include/uapi/linux/netfilter.h).
var (
	families = map[uint32]string{1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
	hooks    = []string{"prerouting", "input", "forward", "output", "postrouting"}
	arpHooks = []string{"input", "output"}
)

// netfilterText prints a netfilter hook on a line of its own.
func (p *Printer) netfilterText(n *inspect.NetfilterLink) {
	table := hooks
	switch n.PF {
	case 3:
		table = arpHooks
	case 1, 2, 7, 10:
	default:
		table = nil
	}
	if name := families[n.PF]; name != "" {
		p.printf("\n\t%s", name)
	} else {
		p.printf("\n\tpf: %d", n.PF)
	}
	if int(n.Hook) < len(table) {
		p.printf(" %s", table[n.Hook])
	} else {
		p.printf(", hook %d,", n.Hook)
	}
	p.printf(" prio %d", n.Priority)
	if n.Flags != 0 {
		p.printf(" flags 0x%x", n.Flags)
	}
}
