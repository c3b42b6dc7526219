package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/cgroup"
)

// Process is a process that holds BPF objects.
type Process struct {
	PID       int
	Comm      string
	Cgroup    string // path in cgroup2, or in the first hierarchy
	Container string // id, 12 digits; "" outside of containers
	Pod       string // uid of the Kubernetes pod; "" outside
}

// Holding is a process's descriptor of a BPF object.
type Holding struct {
	PID, FD int
	Kind    Kind
	ID      uint32
	Prog    uint32 // of a link: its program
}

// Owners tells which processes hold which objects.
type Owners struct {
	Holdings  []Holding
	Processes map[int]*Process
	Unread    int    // processes whose descriptors couldn't be read
	held      []held // by object and process
}

// held is an object and a process that holds it.
type held struct {
	objectID
	pid uint32
}

func compareHeld(a, b held) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	if a.id != b.id {
		return cmp.Compare(a.id, b.id)
	}
	return cmp.Compare(a.pid, b.pid)
}

type objectID struct {
	kind Kind
	id   uint32
}

// Of are the processes that hold an object, by pid.
func (o *Owners) Of(k Kind, id uint32) []*Process {
	if o == nil {
		return nil
	}
	object := objectID{k, id}
	at, _ := slices.BinarySearchFunc(o.held, held{objectID: object}, compareHeld)
	var out []*Process
	for ; at < len(o.held) && o.held[at].objectID == object; at++ {
		out = append(out, o.Processes[int(o.held[at].pid)])
	}
	return out
}

// Owners reads who holds BPF objects from each process's descriptors. The iterator of
// tasks' files does it in one pass; where the kernel has none, /proc is read.
func (r *Reader) Owners() (*Owners, error) {
	unread := 0
	found, err := r.iterateFiles()
	if err != nil {
		if found, unread, err = r.scanFDs(); err != nil {
			return nil, fmt.Errorf("find owners of BPF objects: %w", err)
		}
	}
	if r.sibling {
		found = slices.DeleteFunc(found, func(h Holding) bool { return h.PID == os.Getpid() })
	}
	o := newOwners(found, r.process)
	o.Unread = unread
	return o, nil
}

// newOwners sorts what was found by process and descriptor, and describes the processes.
func newOwners(found []Holding, process func(pid int) *Process) *Owners {
	slices.SortFunc(found, func(a, b Holding) int {
		if a.PID != b.PID {
			return cmp.Compare(a.PID, b.PID)
		}
		return cmp.Compare(a.FD, b.FD)
	})
	o := &Owners{Holdings: found, Processes: map[int]*Process{}, held: make([]held, len(found))}
	for i, h := range found {
		o.held[i] = held{objectID{h.Kind, h.ID}, uint32(h.PID)}
		if i == 0 || found[i-1].PID != h.PID {
			o.Processes[h.PID] = process(h.PID)
		}
	}
	slices.SortFunc(o.held, compareHeld)
	o.held = slices.Compact(o.held)
	return o
}

func (r *Reader) process(pid int) *Process {
	p := &Process{PID: pid}
	dir := "proc/" + strconv.Itoa(pid)
	if b, err := fs.ReadFile(r.root, dir+"/comm"); err == nil {
		p.Comm = strings.TrimSuffix(string(b), "\n")
	}
	if b, err := fs.ReadFile(r.root, dir+"/cgroup"); err == nil {
		p.Cgroup, p.Container, p.Pod = parseCgroup(string(b))
	}
	return p
}

// parseCgroup reads /proc/PID/cgroup: lines "id:controllers:path". cgroup2's is "0::path".
func parseCgroup(text string) (path, container, pod string) {
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" || path == "" {
			path = f[2]
		}
		if o, ok := cgroup.ContainerOf(f[2]); ok && container == "" {
			container = cgroup.Short(o.ID)
		}
		if o, ok := cgroup.PodOf(f[2]); ok && pod == "" {
			pod = cgroup.Short(o.ID)
		}
	}
	return path, container, pod
}

// scanFDs looks at each descriptor of each process in /proc.
func (r *Reader) scanFDs() (found []Holding, unread int, err error) {
	procs, err := fs.ReadDir(r.root, "proc")
	if err != nil {
		return nil, 0, err
	}
	if _, err := fs.Stat(r.root, "proc/self"); err != nil {
		return nil, 0, fmt.Errorf("no processes are in /proc: %w", err)
	}
	for _, d := range procs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		fds, err := fs.ReadDir(r.root, path.Join("proc", d.Name(), "fd"))
		if errors.Is(err, fs.ErrPermission) {
			unread++
		}
		for _, f := range fds {
			if h, ok := r.holding(pid, f.Name()); ok {
				found = append(found, h)
			}
		}
	}
	return found, unread, nil
}

// idKeys are the ids in fdinfo.
var idKeys = [...]string{KindProg: "prog_id", KindMap: "map_id", KindBTF: "btf_id", KindLink: "link_id"}

func (r *Reader) holding(pid int, fd string) (h Holding, ok bool) {
	dir := "proc/" + strconv.Itoa(pid)
	name, err := fs.ReadLink(r.root, dir+"/fd/"+fd)
	if err != nil {
		return h, false
	}
	k, ok := linkNames[name]
	if !ok {
		return h, false
	}
	data, err := fs.ReadFile(r.root, dir+"/fdinfo/"+fd)
	if err != nil {
		return h, false
	}
	info := fdInfo(data)
	id, err := strconv.ParseUint(info.field(idKeys[k]), 10, 32)
	n, nerr := strconv.Atoi(fd)
	if err != nil || nerr != nil {
		return h, false
	}
	h = Holding{PID: pid, FD: n, Kind: k, ID: uint32(id)}
	if k == KindLink {
		p, _ := strconv.ParseUint(info.field("prog_id"), 10, 32)
		h.Prog = uint32(p)
	}
	return h, true
}
