package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// PerfFD is a process's descriptor of a perf event or raw tracepoint with a program.
type PerfFD struct {
	PID, FD int
	Prog    uint32
	Type    uint32 // FDRawTracepoint …
	Name    string // tracepoint, function or file
	Offset  uint64
	Addr    uint64
}

// What descriptors programs are attached to (enum bpf_task_fd_type).
const (
	FDRawTracepoint = iota
	FDTracepoint
	FDKprobe
	FDKretprobe
	FDUprobe
	FDUretprobe
)

// Return reports whether it's a function's return that is probed.
func (p *PerfFD) Return() bool { return p.Type == FDKretprobe || p.Type == FDUretprobe }

// PerfFDs are the perf events and raw tracepoints with programs of all processes, by pid
// and descriptor; those that only a link holds too, from kernel 6.6 on. The kernel doesn't tell
// of perf events of other kinds (timers and counters). unread is how many processes couldn't
// be looked into.
func (r *Reader) PerfFDs() (out []*PerfFD, unread int, err error) {
	procs, err := fs.ReadDir(r.root, "proc")
	if err != nil {
		return nil, 0, fmt.Errorf("list processes: %w", err)
	}
	for _, d := range procs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		found, err := r.perfFDs(pid)
		switch {
		case errors.Is(err, fs.ErrPermission):
			unread++
		case err != nil:
			return out, unread, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b *PerfFD) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.FD, b.FD)) })
	return out, unread, nil
}

// Unread says how many processes couldn't be looked into; nil: none.
func Unread(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d processes couldn't be looked into (it takes root, or CAP_SYS_PTRACE)", n)
}

// perfFDs are those of one process. The error wraps fs.ErrPermission when it isn't ours to look
// at.
func (r *Reader) perfFDs(pid int) ([]*PerfFD, error) {
	dir := "proc/" + strconv.Itoa(pid) + "/fd"
	fds, err := fs.ReadDir(r.root, dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	if err != nil {
		return nil, nil // it ended
	}
	var out, links []*PerfFD
	for _, f := range fds {
		name, err := fs.ReadLink(r.root, dir+"/"+f.Name())
		if err != nil || name != "anon_inode:[perf_event]" && linkNames[name] != KindLink &&
			name != "anon_inode:bpf-raw-tracepoint" {
			continue
		}
		fd, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		q, err := sys.QueryTaskFD(pid, fd)
		if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
			return out, fmt.Errorf("query descriptors of process %d: %v", pid, allowed(err))
		}
		if err == nil {
			out = append(out, &PerfFD{pid, fd, q.ProgID, q.Type, q.Name, q.Offset, q.Addr})
		} else if linkNames[name] == KindLink {
			links = append(links, r.perfLinkFD(pid, f.Name())...)
		}
	}
	return withLinks(out, links), nil
}

// withLinks are a process's perf events and those that only its links hold: who keeps an event
// beside its link has it once.
func withLinks(events, links []*PerfFD) []*PerfFD {
	all := events
	for _, l := range links {
		if !slices.ContainsFunc(events, func(e *PerfFD) bool { return e.Prog == l.Prog && e.Type == l.Type && e.Name == l.Name }) {
			all = append(all, l)
		}
	}
	return all
}

// linkFDTypes are the types of perf links as those of descriptors.
var linkFDTypes = map[uint32]uint32{
	PerfUprobe: FDUprobe, PerfUretprobe: FDUretprobe, PerfKprobe: FDKprobe, PerfKretprobe: FDKretprobe, PerfTracepoint: FDTracepoint,
}

// perfLinkFD is the perf event of a link that a process has, which BPF_TASK_FD_QUERY
// doesn't know.
func (r *Reader) perfLinkFD(pid int, fd string) []*PerfFD {
	h, ok := r.holding(pid, fd)
	if !ok {
		return nil
	}
	l, err := r.Link(h.ID)
	if err != nil || l.Perf == nil {
		return nil
	}
	typ, ok := linkFDTypes[l.Perf.Type]
	if !ok {
		return nil
	}
	return []*PerfFD{{pid, h.FD, l.Prog, typ, l.Perf.Name, uint64(l.Perf.Offset), l.Perf.Addr}}
}
