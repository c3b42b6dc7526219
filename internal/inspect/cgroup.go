package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// CgroupProg is a program attached to a cgroup.
type CgroupProg struct {
	AttachType uint32 // AttachTypes
	Flags      uint32 // BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI
	Prog       *Prog
	Function   string // of LSM programs: the kernel's function, "" for others
}

// Cgroup is a cgroup with programs.
type Cgroup struct {
	Path  string
	Progs []CgroupProg
}

// cgroupAttachTypes are the numbers of the attach types of cgroups, in the kernel's order.
var cgroupAttachTypes = func() (types []uint32) {
	for i, name := range AttachTypes {
		if strings.HasPrefix(name, "cgroup_") || name == "lsm_cgroup" {
			types = append(types, uint32(i))
		}
	}
	return types
}()

// Flags of attachments to cgroups (include/uapi/linux/bpf.h).
const (
	CgroupOverride = 1 << 0
	CgroupMulti    = 1 << 1
)

// Cgroup lists the programs attached to the cgroup at a path; effective: those that run
// there, parents' included. It's an error when the kernel tells of no attach type.
func (r *Reader) Cgroup(path string, effective bool) (*Cgroup, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open cgroup: %w", err)
	}
	defer f.Close()
	flags := uint32(0)
	if effective {
		flags = sys.QueryEffective
	}
	c := &Cgroup{Path: path}
	var first error
	answered := false
	for _, typ := range cgroupAttachTypes {
		got, err := sys.QueryProgs(int(f.Fd()), typ, flags)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		answered = true
		for i, id := range got.Progs {
			p, err := r.Prog(id)
			if errors.Is(err, ErrGone) {
				continue
			}
			if err != nil {
				return nil, err
			}
			a := CgroupProg{AttachType: typ, Flags: got.Flags, Prog: p}
			if i < len(got.ProgFlags) && got.ProgFlags[i] != 0 {
				a.Flags = got.ProgFlags[i]
			}
			if p.AttachBTF != 0 {
				a.Function = r.targetName(p)
			}
			c.Progs = append(c.Progs, a)
		}
	}
	if !answered {
		return nil, fmt.Errorf("list programs of cgroup %s: %w", path, allowed(first))
	}
	return c, nil
}

// targetName is the function that a program attaches to by BTF.
func (r *Reader) targetName(p *Prog) string {
	b, err := r.Types(p.AttachBTFObj)
	if err != nil {
		return ""
	}
	return b.Type(kern.TypeID(p.AttachBTF)).Name()
}

// CgroupRoot is where cgroup2 is mounted. fs.ErrNotExist: nowhere.
func (r *Reader) CgroupRoot() (string, error) {
	data, err := fs.ReadFile(r.root, "proc/mounts")
	if err != nil {
		return "", fmt.Errorf("find cgroup2: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return unescapeMount(f[1]), nil
		}
	}
	return "", fmt.Errorf("find cgroup2: it isn't mounted: %w", fs.ErrNotExist)
}

// CgroupTree calls f with each cgroup below root, root included, that has programs.
func (r *Reader) CgroupTree(root string, effective bool, f func(*Cgroup) error) error {
	return fs.WalkDir(r.root, strings.Trim(root, "/"), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && "/"+p != root {
				return nil // it went meanwhile
			}
			return fmt.Errorf("list cgroups: %w", err)
		}
		if !d.IsDir() {
			return nil
		}
		c, err := r.Cgroup("/"+p, effective)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || len(c.Progs) == 0 {
			return err
		}
		return f(c)
	})
}

// AttachCgroup attaches a program to the cgroup at a path.
func AttachCgroup(path string, o *Object, typ, flags uint32) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open cgroup: %w", err)
	}
	defer f.Close()
	if err := sys.ProgAttach(int(f.Fd()), o.FD, typ, flags); err != nil {
		return fmt.Errorf("attach program to cgroup %s: %w", path, err)
	}
	return nil
}

// DetachCgroup takes a program off the cgroup at a path.
func DetachCgroup(path string, o *Object, typ uint32) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open cgroup: %w", err)
	}
	defer f.Close()
	if err := sys.ProgDetach(int(f.Fd()), o.FD, typ); err != nil {
		return fmt.Errorf("detach program from cgroup %s: %w", path, err)
	}
	return nil
}

// oldCgroupNames are names of cgroups' attach types that bpftool took first.
var oldCgroupNames = map[string]string{
	"ingress": "cgroup_inet_ingress", "egress": "cgroup_inet_egress", "sock_create": "cgroup_inet_sock_create",
	"sock_ops": "cgroup_sock_ops", "device": "cgroup_device", "bind4": "cgroup_inet4_bind", "bind6": "cgroup_inet6_bind",
	"connect4": "cgroup_inet4_connect", "connect6": "cgroup_inet6_connect", "post_bind4": "cgroup_inet4_post_bind",
	"post_bind6": "cgroup_inet6_post_bind", "getpeername4": "cgroup_inet4_getpeername", "getpeername6": "cgroup_inet6_getpeername",
	"getsockname4": "cgroup_inet4_getsockname", "getsockname6": "cgroup_inet6_getsockname", "sendmsg4": "cgroup_udp4_sendmsg",
	"sendmsg6": "cgroup_udp6_sendmsg", "recvmsg4": "cgroup_udp4_recvmsg", "recvmsg6": "cgroup_udp6_recvmsg",
	"sysctl": "cgroup_sysctl", "getsockopt": "cgroup_getsockopt", "setsockopt": "cgroup_setsockopt",
	"sock_release": "cgroup_inet_sock_release",
}

// CgroupAttachType is the number of an attach type by one of bpftool's first names.
func CgroupAttachType(name string) (uint32, bool) {
	full, ok := oldCgroupNames[name]
	if !ok {
		return 0, false
	}
	return TypeNumber(AttachTypes, full)
}
