// Package cgroup reads the tree of cgroup2, and what its paths say: which container and which
// pod a cgroup belongs to.
package cgroup

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Dir is a cgroup of the tree.
type Dir struct {
	Path string // from the mount's top: "/", "/system.slice/x.service"
	ID   uint64
}

// Mount is where cgroup2 is mounted. fs.ErrNotExist: nowhere.
func Mount(root fs.FS) (string, error) {
	b, err := fs.ReadFile(root, "proc/mounts")
	if err != nil {
		return "", fmt.Errorf("find cgroup2: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", fmt.Errorf("find cgroup2: it isn't mounted: %w", fs.ErrNotExist)
}

// Walk calls f with each cgroup below the mount, its top first, until it returns false. Those
// that come or go meanwhile may be missed.
func Walk(root fs.FS, mount string, f func(Dir) bool) {
	top := strings.Trim(mount, "/")
	fs.WalkDir(root, top, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone
		}
		path := strings.TrimPrefix(p, top)
		if path == "" {
			path = "/"
		}
		if !f(Dir{path, sys.Inode(info)}) {
			return fs.SkipAll
		}
		return nil
	})
}

// Watch records which cgroups are made from now on. The caller closes it.
func Watch(root fs.FS) (*sys.CgroupWatch, error) {
	k := kern.New(root)
	defer k.Close()
	cpus, err := k.OnlineCPUs()
	if err != nil {
		return nil, err
	}
	tracepoint := sys.NoTracepoint
	if t, err := k.Tracefs(); err == nil {
		if b, err := fs.ReadFile(t, "events/cgroup/cgroup_mkdir/id"); err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				tracepoint = n
			}
		}
	}
	return sys.WatchCgroups(cpus, tracepoint)
}

// Owner is the container or pod that a cgroup belongs to.
type Owner struct {
	ID   string // 64 hexadecimal digits, a pod's uid, or the name of one that has no id
	Root string // the path of its topmost cgroup
}

// idLen is the length of the ids that container runtimes make.
const idLen = 64

// Short is an id as people see it: its first 12 digits. Names and uids stay whole.
func Short(id string) string {
	if len(id) == idLen && isHex(id) {
		return id[:12]
	}
	return id
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// ContainerOf is the container of a path, the innermost of several; false: there's none.
//
// The layouts are those of Docker, containerd, CRI-O and Podman (an id of 64 digits as a
// directory's name or at the end of a scope's: docker-ID.scope, libpod-ID.scope,
// cri-containerd-ID.scope, crio-ID.scope, …:cri-containerd:ID, /docker/ID), of systemd-nspawn
// and machined (systemd-nspawn@NAME.service, machine-NAME.scope) and of LXC, Incus and Proxmox
// (lxc.payload.NAME, lxc.payload/NAME, /lxc/NAME). Monitors of containers aren't in them.
func ContainerOf(path string) (Owner, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var found Owner
	for i := 0; i < len(parts); i++ {
		id, n := containerAt(parts[i:], i == 0)
		if id == "" {
			continue
		}
		i += n - 1
		found = Owner{id, "/" + strings.Join(parts[:i+1], "/")}
	}
	return found, found.ID != ""
}

// containerAt is the container that begins at parts, and how many of them lead to its
// topmost cgroup.
func containerAt(parts []string, top bool) (id string, n int) {
	name := parts[0]
	under := func(dir string) bool { return len(parts) > 1 && parts[1] == dir }
	if id := runtimeID(name); id != "" {
		return id, 1
	}
	machine := ""
	if s, ok := strings.CutPrefix(name, "systemd-nspawn@"); ok && strings.HasSuffix(s, ".service") {
		machine = strings.TrimSuffix(s, ".service")
	} else if s, ok := strings.CutPrefix(name, "machine-"); ok && strings.HasSuffix(s, ".scope") {
		machine = strings.TrimSuffix(s, ".scope")
	}
	switch {
	case machine == "" || strings.HasPrefix(machine, `qemu\x2d`): // a virtual machine is no container
	case under("supervisor"): // systemd-nspawn itself
	case under("payload"):
		return unescape(machine), 2
	default:
		return unescape(machine), 1
	}
	if s, ok := strings.CutPrefix(name, "lxc.payload."); ok {
		return s, 1
	}
	if len(parts) > 1 && (name == "lxc.payload" || name == "lxc" && top) {
		return parts[1], 2
	}
	return "", 0
}

// runtimeID is the id at the end of a directory's name.
func runtimeID(name string) string {
	name = strings.TrimSuffix(name, ".scope")
	from := strings.LastIndexAny(name, "-:") + 1
	id := name[from:]
	if len(id) != idLen || !isHex(id) || strings.HasSuffix(name[:from], "conmon-") {
		return ""
	}
	return id
}

// unescape is the name of which systemd has made a unit's: \x2d is a dash.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		var c byte
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if _, err := fmt.Sscanf(s[i+2:i+4], "%02x", &c); err == nil {
				b.WriteByte(c)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// PodOf is the pod of a path; false: there's none. The layouts are those of the kubelet
// (kubepods-burstable-podUID.slice, kubepods/burstable/podUID) and of Podman's pods.
func PodOf(path string) (Owner, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var found Owner
	for i, name := range parts {
		name, _, _ = strings.Cut(name, ":")
		name = strings.TrimSuffix(name, ".slice")
		id := ""
		if s := name[strings.LastIndexByte(name, '-')+1:]; strings.HasPrefix(s, "libpod_pod_") {
			if id = strings.TrimPrefix(s, "libpod_pod_"); len(id) != idLen || !isHex(id) {
				id = ""
			}
		} else if strings.HasPrefix(name, "pod") {
			id = podUID(name[3:])
		} else if at := strings.Index(name, "-pod"); strings.HasPrefix(name, "kubepods") && at >= 0 {
			id = podUID(name[at+4:])
		}
		if id != "" {
			found = Owner{id, "/" + strings.Join(parts[:i+1], "/")}
		}
	}
	return found, found.ID != ""
}

// podUID is a pod's uid, in whose place in a slice's name dashes are underscores; static pods
// have a hash of 32 digits. "": it's none.
func podUID(s string) string {
	s = strings.ReplaceAll(s, "_", "-")
	digits := strings.ReplaceAll(s, "-", "")
	if len(digits) != 32 || !isHex(digits) || len(s) != 32 && len(s) != 36 {
		return ""
	}
	return s
}
