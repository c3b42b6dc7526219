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
	Depth int // below the root of a tree
	Progs []CgroupProg
}

// cgroupAttachTypes are the numbers of the attach types of cgroups, in the order of bpftool's
// lists.
var cgroupAttachTypes = typeNumbers(AttachTypes,
	"cgroup_inet_ingress", "cgroup_inet_egress", "cgroup_inet_sock_create", "cgroup_inet_sock_release",
	"cgroup_inet4_bind", "cgroup_inet6_bind", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind",
	"cgroup_inet4_connect", "cgroup_inet6_connect", "cgroup_unix_connect",
	"cgroup_inet4_getpeername", "cgroup_inet6_getpeername", "cgroup_unix_getpeername",
	"cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "cgroup_unix_getsockname",
	"cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "cgroup_unix_sendmsg",
	"cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_unix_recvmsg",
	"cgroup_sock_ops", "cgroup_device", "cgroup_sysctl", "cgroup_getsockopt", "cgroup_setsockopt", "lsm_cgroup")

// typeNumbers are the numbers of names in a table.
func typeNumbers(table []string, names ...string) (numbers []uint32) {
	for _, name := range names {
		n, ok := TypeNumber(table, name)
		if !ok {
			panic("BUG: there is no type " + name)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

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
			var at *fs.PathError
			if errors.As(err, &at) {
				err = at.Err // whose path has lost its first slash
			}
			return fmt.Errorf("list cgroups in /%s: %w", p, err)
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
		c.Depth = strings.Count(p, "/") - strings.Count(strings.Trim(root, "/"), "/")
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

// firstNames are the names that bpftool had for attach types before libbpf had some.
var firstNames = map[string]string{
	"cgroup_inet_ingress": "ingress", "cgroup_inet_egress": "egress", "cgroup_inet_sock_create": "sock_create",
	"cgroup_sock_ops": "sock_ops", "cgroup_device": "device", "cgroup_inet4_bind": "bind4", "cgroup_inet6_bind": "bind6",
	"cgroup_inet4_connect": "connect4", "cgroup_inet6_connect": "connect6", "cgroup_inet4_post_bind": "post_bind4",
	"cgroup_inet6_post_bind": "post_bind6", "cgroup_inet4_getpeername": "getpeername4", "cgroup_inet6_getpeername": "getpeername6",
	"cgroup_inet4_getsockname": "getsockname4", "cgroup_inet6_getsockname": "getsockname6", "cgroup_udp4_sendmsg": "sendmsg4",
	"cgroup_udp6_sendmsg": "sendmsg6", "cgroup_udp4_recvmsg": "recvmsg4", "cgroup_udp6_recvmsg": "recvmsg6",
	"cgroup_sysctl": "sysctl", "cgroup_getsockopt": "getsockopt", "cgroup_setsockopt": "setsockopt",
	"cgroup_inet_sock_release": "sock_release", "sk_skb_stream_parser": "stream_parser", "sk_skb_stream_verdict": "stream_verdict",
	"sk_skb_verdict": "skb_verdict", "sk_msg_verdict": "msg_verdict",
}

// AttachType is the number of an attach type: by its name, or by the beginning of one of
// bpftool's first names, of which the kernel's first counts.
func AttachType(word string) (uint32, bool) {
	if n, ok := TypeNumber(AttachTypes, word); ok {
		return n, true
	}
	for n, name := range AttachTypes {
		if first := firstNames[name]; word != "" && strings.HasPrefix(first, word) {
			return uint32(n), true
		}
	}
	return 0, false
}
