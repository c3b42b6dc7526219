package inspect

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Net is what is attached to the network interfaces of a network namespace.
type Net struct {
	XDP           []XDP
	TC            []TC
	FlowDissector []uint32 // program ids
	Netfilter     []*Link
}

// XDP is an interface's XDP program.
type XDP struct {
	Device  string
	Ifindex uint32
	Progs   []XDPProg
	Multi   bool // several modes at once
}

// XDPProg is a program and where it runs: driver, generic or offload.
type XDPProg struct {
	Mode string
	ID   uint32
}

// TC is a program of traffic control: a filter with its actions, or one of tcx and netkit.
type TC struct {
	Device  string
	Ifindex uint32
	Kind    string // "clsact/ingress", "tcx/egress" …
	Name    string
	ID      uint32
	MProg   bool // tcx and netkit: Link is its link, 0 for none
	Link    uint32
	Actions []TCAction
}

// TCAction is a program that is an action of a filter.
type TCAction struct {
	Name string
	ID   uint32
}

// Numbers of include/uapi/linux/if_link.h, rtnetlink.h, pkt_cls.h and pkt_sched.h.
const (
	iflaIfname = 3
	iflaXDP    = 43

	xdpFD       = 1
	xdpAttached = 2
	xdpFlags    = 3
	xdpProgID   = 4
	xdpDrvID    = 5
	xdpSkbID    = 6
	xdpHwID     = 7

	tcaKind    = 1
	tcaOptions = 2

	tcaBPFAct  = 1
	tcaBPFName = 7
	tcaBPFID   = 11

	tcaActKind    = 1
	tcaActOptions = 2
	tcaActBPFName = 6
	tcaActBPFID   = 10

	handleRoot    = 0xffffffff
	handleIngress = 0xfffffff2
	handleEgress  = 0xfffffff3

	attachFlowDissector = 17
)

// Modes of IFLA_XDP_ATTACHED.
const (
	xdpNone = iota
	xdpDriver
	xdpGeneric
	xdpOffload
	xdpMulti
)

// Net reads what is attached in this process's network namespace; ifindex keeps to one
// interface, 0: all.
func (r *Reader) Net(ifindex uint32) (n *Net, err error) {
	nl, err := sys.OpenNetlink()
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer func() { err = errors.Join(err, nl.Close()) }()
	n = &Net{}
	links, err := netLinks(nl, n, ifindex)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	for _, l := range links {
		r.mprogs(n, l)
		if err := tcFilters(nl, n, l); err != nil {
			return nil, fmt.Errorf("list filters of %s: %w", l.name, err)
		}
	}
	r.flowDissector(n)
	for l, err := range r.Links() {
		if err != nil {
			return n, err
		}
		if l.Netfilter != nil {
			n.Netfilter = append(n.Netfilter, l)
		}
	}
	slices.SortStableFunc(n.Netfilter, func(a, b *Link) int { // as they run
		f, g := a.Netfilter, b.Netfilter
		return cmp.Or(cmp.Compare(f.PF, g.PF), cmp.Compare(f.Hook, g.Hook), cmp.Compare(f.Priority, g.Priority))
	})
	return n, nil
}

// netLink is an interface.
type netLink struct {
	name  string
	index uint32
}

// netLinks lists the interfaces (struct ifinfomsg and attributes), and their XDP programs.
func netLinks(nl *sys.Netlink, n *Net, only uint32) ([]netLink, error) {
	const ifinfoLen = 16
	var links []netLink
	err := nl.Dump(sys.RTMGetLink, make([]byte, ifinfoLen), func(b []byte) error {
		if len(b) < ifinfoLen {
			return nil
		}
		l := netLink{index: binary.NativeEndian.Uint32(b[4:])}
		var xdp []byte
		sys.NetlinkAttrs(b[ifinfoLen:], func(typ uint16, v []byte) {
			switch typ {
			case iflaIfname:
				l.name = cString(v)
			case iflaXDP:
				xdp = v
			}
		})
		if only != 0 && l.index != only {
			return nil
		}
		links = append(links, l)
		if x, ok := parseXDP(l, xdp); ok {
			n.XDP = append(n.XDP, x)
		}
		return nil
	})
	return links, err
}

func parseXDP(l netLink, b []byte) (x XDP, ok bool) {
	mode := xdpNone
	ids := map[uint16]uint32{}
	sys.NetlinkAttrs(b, func(typ uint16, v []byte) {
		switch {
		case typ == xdpAttached && len(v) > 0:
			mode = int(v[0])
		case len(v) >= 4:
			ids[typ] = binary.NativeEndian.Uint32(v)
		}
	})
	x = XDP{Device: l.name, Ifindex: l.index, Multi: mode == xdpMulti}
	switch mode {
	case xdpDriver:
		x.Progs = []XDPProg{{"driver", ids[xdpProgID]}}
	case xdpGeneric:
		x.Progs = []XDPProg{{"generic", ids[xdpProgID]}}
	case xdpOffload:
		x.Progs = []XDPProg{{"offload", ids[xdpProgID]}}
	case xdpMulti:
		for _, m := range []struct {
			attr uint16
			name string
		}{{xdpSkbID, "generic"}, {xdpDrvID, "driver"}, {xdpHwID, "offload"}} {
			if id, ok := ids[m.attr]; ok {
				x.Progs = append(x.Progs, XDPProg{m.name, id})
			}
		}
	}
	return x, len(x.Progs) > 0
}

// mprogs are an interface's programs of tcx (kernel 6.6) and netkit (6.7).
func (r *Reader) mprogs(n *Net, l netLink) {
	for _, at := range []struct {
		typ  uint32
		name string
	}{{46, "tcx/ingress"}, {47, "tcx/egress"}, {54, "netkit/primary"}, {55, "netkit/peer"}} {
		got, err := sys.QueryProgs(int(l.index), at.typ, 0)
		if err != nil {
			continue // the kernel has none, or the interface is of another kind
		}
		for i, id := range got.Progs {
			t := TC{Device: l.name, Ifindex: l.index, Kind: at.name, ID: id, MProg: true}
			if i < len(got.Links) {
				t.Link = got.Links[i]
			}
			if p, err := r.Prog(id); err == nil {
				t.Name = p.Name
			}
			n.TC = append(n.TC, t)
		}
	}
}

// tcmsgLen is the size of struct tcmsg.
const tcmsgLen = 20

func tcmsg(ifindex, parent uint32) []byte {
	b := make([]byte, tcmsgLen)
	binary.NativeEndian.PutUint32(b[4:], ifindex)
	binary.NativeEndian.PutUint32(b[12:], parent)
	return b
}

// tcFilters are the classic filters of an interface: of each queueing discipline and class,
// and of clsact's two hooks.
func tcFilters(nl *sys.Netlink, n *Net, l netLink) error {
	type place struct {
		handle uint32
		kind   string
	}
	var places []place
	for _, typ := range []uint16{sys.RTMGetTClass, sys.RTMGetQdisc} {
		err := nl.Dump(typ, tcmsg(l.index, 0), func(b []byte) error {
			if len(b) < tcmsgLen || binary.NativeEndian.Uint32(b[4:]) != l.index {
				return nil
			}
			p := place{handle: binary.NativeEndian.Uint32(b[8:])}
			sys.NetlinkAttrs(b[tcmsgLen:], func(typ uint16, v []byte) {
				if typ == tcaKind {
					p.kind = cString(v)
				}
			})
			// clsact's hooks are asked for by name.
			if p.kind != "clsact" && p.kind != "ingress" && p.handle != 0 {
				places = append(places, p)
			}
			return nil
		})
		if err != nil && !absent(err) {
			return err
		}
	}
	places = append(places, place{handleRoot, "root"}, place{handleIngress, "clsact/ingress"}, place{handleEgress, "clsact/egress"})
	for _, p := range places {
		err := nl.Dump(sys.RTMGetTFilter, tcmsg(l.index, p.handle), func(b []byte) error {
			if t, ok := parseFilter(b, l, p.kind); ok {
				n.TC = append(n.TC, t)
			}
			return nil
		})
		if err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// absent reports whether an error says that there's no such hook.
func absent(err error) bool {
	return errors.Is(err, sys.EINVAL) || errors.Is(err, sys.ENOENT) || errors.Is(err, sys.EOPNOTSUPP) || errors.Is(err, sys.ENODEV)
}

func parseFilter(b []byte, l netLink, place string) (t TC, ok bool) {
	if len(b) < tcmsgLen {
		return t, false
	}
	var kind string
	var options []byte
	sys.NetlinkAttrs(b[tcmsgLen:], func(typ uint16, v []byte) {
		switch typ {
		case tcaKind:
			kind = cString(v)
		case tcaOptions:
			options = v
		}
	})
	if kind != "bpf" || options == nil {
		return t, false
	}
	t = TC{Device: l.name, Ifindex: l.index, Kind: place}
	sys.NetlinkAttrs(options, func(typ uint16, v []byte) {
		switch {
		case typ == tcaBPFName:
			t.Name = cString(v)
		case typ == tcaBPFID && len(v) >= 4:
			t.ID = binary.NativeEndian.Uint32(v)
		case typ == tcaBPFAct:
			sys.NetlinkAttrs(v, func(_ uint16, act []byte) {
				if a, ok := parseAction(act); ok {
					t.Actions = append(t.Actions, a)
				}
			})
		}
	})
	// A filter without a program that was only begun is told of too, with nothing but its place.
	return t, true
}

func parseAction(b []byte) (a TCAction, ok bool) {
	sys.NetlinkAttrs(b, func(typ uint16, v []byte) {
		switch typ {
		case tcaActKind:
			ok = cString(v) == "bpf"
		case tcaActOptions:
			sys.NetlinkAttrs(v, func(typ uint16, v []byte) {
				switch {
				case typ == tcaActBPFName:
					a.Name = cString(v)
				case typ == tcaActBPFID && len(v) >= 4:
					a.ID = binary.NativeEndian.Uint32(v)
				}
			})
		}
	})
	return a, ok
}

// flowDissector is the namespace's flow dissector.
func (r *Reader) flowDissector(n *Net) {
	f, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return
	}
	defer f.Close()
	if got, err := sys.QueryProgs(int(f.Fd()), attachFlowDissector, 0); err == nil {
		n.FlowDissector = got.Progs
	}
}

// XDP flags (include/uapi/linux/if_link.h).
const (
	XDPNoReplace = 1 << 0
	XDPGeneric   = 1 << 1
	XDPDriver    = 1 << 2
	XDPOffload   = 1 << 3
)

// AttachXDP sets an interface's XDP program, or takes it away (prog -1).
func AttachXDP(ifindex uint32, prog int, flags uint32) (err error) {
	nl, err := sys.OpenNetlink()
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer func() { err = errors.Join(err, nl.Close()) }()
	msg := make([]byte, 16) // struct ifinfomsg
	binary.NativeEndian.PutUint32(msg[4:], ifindex)
	word := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	nested := append(sys.NetlinkAttr(xdpFD, word(uint32(int32(prog)))), sys.NetlinkAttr(xdpFlags, word(flags))...)
	msg = append(msg, sys.NetlinkAttr(iflaXDP|sys.NetlinkNested, nested)...)
	if err := nl.Do(sys.RTMSetLink, msg); err != nil {
		return fmt.Errorf("set XDP program: %w", err)
	}
	return nil
}

// AttachDevice attaches a program to an interface's tcx hook (kernel 6.6), behind or before those
// that are there.
func AttachDevice(ifindex uint32, o *Object, attach uint32, first bool) error {
	flags := uint32(0)
	if first {
		flags = sys.AttachBefore
	}
	if err := sys.ProgAttach(int(ifindex), o.FD, attach, flags); err != nil {
		return fmt.Errorf("attach program to interface %d: %w", ifindex, err)
	}
	return nil
}

// DetachDevice takes a program off an interface's tcx hook: the last one when o is nil.
func DetachDevice(ifindex uint32, o *Object, attach uint32) error {
	prog := 0
	if o != nil {
		prog = o.FD
	}
	if err := sys.ProgDetach(int(ifindex), prog, attach); err != nil {
		return fmt.Errorf("detach program from interface %d: %w", ifindex, err)
	}
	return nil
}
