package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Link describes a link: a program's attachment that is an object of its own. One of the
// pointers is set, by Type.
type Link struct {
	ID, Type uint32 // LinkTypes
	Prog     uint32 // 0 for struct_ops
	// AttachType is that of tracing, cgroup, netns, tcx, netkit and sockmap links; -1 for others.
	AttachType int
	Ifindex    uint32 // of xdp, tcx and netkit; 0: the interface is gone
	Map        uint32 // of struct_ops, sockmap and iterators over a map
	CgroupID   uint64 // of cgroup links
	NetnsIno   uint32 // of netns links
	Tracepoint string // of raw_tracepoint links
	TargetObj  uint32 // of tracing links: the program or BTF object, and the type in it
	TargetBTF  uint32
	Cookie     uint64 // of tracing, raw_tracepoint and perf_event links
	Iter       *IterLink
	Perf       *PerfLink
	Funcs      *MultiLink
	Netfilter  *NetfilterLink
	Missing    []error
}

// IterLink is what an iterator walks.
type IterLink struct {
	Target   string
	Map      uint32
	CgroupID uint64
	Order    uint32 // enum bpf_cgroup_iter_order
	TID, PID uint32
}

// PerfLink is the perf event of a link (enum bpf_perf_event_type).
type PerfLink struct {
	Type         uint32
	Name         string // the file, function or tracepoint
	Offset       uint32
	Addr         uint64
	Missed       uint64
	RefCtrOffset uint64
	Config       uint64 // of an event that is none of these
	EventType    uint32
	ReturnsOnly  bool
}

// The kinds of perf events (enum bpf_perf_event_type).
const (
	PerfUnspec = iota
	PerfUprobe
	PerfUretprobe
	PerfKprobe
	PerfKretprobe
	PerfTracepoint
	PerfEvent
)

// MultiLink is what a link attaches to in many places.
type MultiLink struct {
	Path    string // of uprobes
	PID     uint32
	Flags   uint32
	Missed  uint64
	Count   uint32
	Addrs   []uint64 // of kprobes; hidden ones are 0
	Offsets []uint64 // of uprobes
	RefCtrs []uint64
	Cookies []uint64
}

// Return reports whether the functions' returns are probed.
func (m *MultiLink) Return() bool { return m.Flags&1 != 0 }

// NetfilterLink is a netfilter hook.
type NetfilterLink struct {
	PF, Hook uint32
	Priority int32
	Flags    uint32
}

// TypeName is the link type's name.
func (l *Link) TypeName() string { s, _ := TypeName(LinkTypes, l.Type); return s }

// Links yields all links by id, but for those of skep's own iterators. Kernel 5.8.
func (r *Reader) Links() iter.Seq2[*Link, error] {
	return func(yield func(*Link, error) bool) {
		for l, err := range each(r, KindLink, r.LinkByFD) {
			if (err != nil || !r.own.has(KindProg, l.Prog)) && !yield(l, err) {
				return
			}
		}
	}
}

// Link describes the link with an id. The error wraps ErrGone when there's none.
func (r *Reader) Link(id uint32) (*Link, error) { return byID(KindLink, id, r.LinkByFD) }

// A name has room for most, and then for any path.
const (
	someName = 128
	maxName  = 4096
)

// LinkByFD describes the link that a descriptor is of. The offsets are those of struct
// bpf_link_info's union.
func (r *Reader) LinkByFD(fd int) (*Link, error) {
	var in sys.LinkInfo
	if err := sys.LinkInfoByFD(fd, &in); err != nil {
		return nil, fmt.Errorf("read link: %w", err)
	}
	l := &Link{ID: in.ID, Type: in.Type, Prog: in.ProgID, AttachType: -1}
	var err error
	switch in.Type {
	case linkRawTracepoint:
		l.Tracepoint, err = linkName(fd, &in, 0, 8)
		l.Cookie = in.Words[2]
	case linkTracing:
		l.AttachType, l.TargetObj, l.TargetBTF, l.Cookie = int(in.U32(0)), in.U32(4), in.U32(8), in.Words[2]
	case linkCgroup:
		l.CgroupID, l.AttachType = in.Words[0], int(in.U32(8))
	case linkIter:
		l.Iter, err = iterLink(fd, &in)
		l.Map = l.Iter.Map
	case linkNetns:
		l.NetnsIno, l.AttachType = in.U32(0), int(in.U32(4))
	case linkXDP:
		l.Ifindex = in.U32(0)
	case linkTCX, linkNetkit:
		l.Ifindex, l.AttachType = in.U32(0), int(in.U32(4))
	case linkStructOps:
		l.Map = in.U32(0)
	case linkSockmap:
		l.Map, l.AttachType = in.U32(0), int(in.U32(4))
	case linkNetfilter:
		l.Netfilter = &NetfilterLink{in.U32(0), in.U32(4), int32(in.U32(8)), in.U32(12)}
	case linkPerfEvent:
		err = l.perf(fd, &in)
	case linkKprobeMulti:
		err = l.kprobes(fd, &in)
	case linkUprobeMulti:
		err = l.uprobes(fd, &in)
	}
	if err != nil {
		l.Missing = append(l.Missing, fmt.Errorf("read details of link %d: %w", l.ID, err))
	}
	return l, nil
}

// linkName asks for a name whose address goes to a word, and its size to a byte offset.
func linkName(fd int, in *sys.LinkInfo, word, size int) (string, error) {
	for room := someName; ; room = maxName {
		buf := make([]byte, room)
		in.SetU32(size, uint32(len(buf)))
		err := sys.LinkInfoByFD(fd, in, sys.LinkBuffer{Word: word, Data: buf})
		if room == maxName || !errors.Is(err, sys.ENOSPC) {
			return cString(buf), err
		}
	}
}

func iterLink(fd int, in *sys.LinkInfo) (*IterLink, error) {
	name, err := linkName(fd, in, 0, 8)
	it := &IterLink{Target: name}
	switch name {
	case "bpf_map_elem", "bpf_sk_storage_map":
		it.Map = in.U32(12)
	case "cgroup":
		it.CgroupID, it.Order = in.Words[2], in.U32(24)
	case "task", "task_file", "task_vma":
		it.TID, it.PID = in.U32(16), in.U32(20)
	}
	return it, err
}

// perf reads a perf event's link (kernel 6.6 tells more than its type).
func (l *Link) perf(fd int, in *sys.LinkInfo) error {
	p := &PerfLink{Type: in.U32(0)}
	l.Perf = p
	var err error
	switch p.Type {
	case PerfUprobe, PerfUretprobe:
		p.Name, err = linkName(fd, in, 1, 16)
		p.Offset, l.Cookie, p.RefCtrOffset = in.U32(20), in.Words[3], in.Words[4]
	case PerfKprobe, PerfKretprobe:
		p.Name, err = linkName(fd, in, 1, 16)
		p.Offset, p.Addr, p.Missed, l.Cookie = in.U32(20), in.Words[3], in.Words[4], in.Words[5]
	case PerfTracepoint:
		p.Name, err = linkName(fd, in, 1, 16)
		l.Cookie = in.Words[3]
	case PerfEvent:
		p.Config, p.EventType, l.Cookie = in.Words[1], in.U32(16), in.Words[3]
	}
	p.ReturnsOnly = p.Type == PerfUretprobe || p.Type == PerfKretprobe
	return err
}

// maxMulti bounds the places of a link that are read (MAX_KPROBE_MULTI_CNT, MAX_UPROBE_MULTI_CNT).
const maxMulti = 1 << 20

func (l *Link) kprobes(fd int, in *sys.LinkInfo) error {
	m := &MultiLink{Count: in.U32(8), Flags: in.U32(12), Missed: in.Words[2]}
	l.Funcs = m
	n := min(m.Count, maxMulti)
	addrs, cookies := make([]byte, 8*n), make([]byte, 8*n)
	err := sys.LinkInfoByFD(fd, in, sys.LinkBuffer{Word: 0, Data: addrs}, sys.LinkBuffer{Word: 3, Data: cookies})
	if err != nil { // before 6.9 there are no cookies
		in.Words[3] = 0
		err = sys.LinkInfoByFD(fd, in, sys.LinkBuffer{Word: 0, Data: addrs})
	}
	m.Addrs, m.Cookies = words(addrs), words(cookies)
	return err
}

func (l *Link) uprobes(fd int, in *sys.LinkInfo) error {
	m := &MultiLink{Count: in.U32(36), Flags: in.U32(40), PID: in.U32(44)}
	l.Funcs = m
	n := min(m.Count, maxMulti)
	path := make([]byte, maxName)
	offs, refs, cookies := make([]byte, 8*n), make([]byte, 8*n), make([]byte, 8*n)
	in.SetU32(32, uint32(len(path)))
	err := sys.LinkInfoByFD(fd, in, sys.LinkBuffer{Word: 0, Data: path}, sys.LinkBuffer{Word: 1, Data: offs},
		sys.LinkBuffer{Word: 2, Data: refs}, sys.LinkBuffer{Word: 3, Data: cookies})
	m.Path, m.Offsets, m.RefCtrs, m.Cookies = cString(path), words(offs), words(refs), words(cookies)
	return err
}

func words(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return out
}
