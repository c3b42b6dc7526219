package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// QueryEffective asks QueryProgs for the programs that run, those of parents included.
const QueryEffective = unix.BPF_F_QUERY_EFFECTIVE

// Attached are the programs attached to a target.
type Attached struct {
	Flags     uint32   // of the whole target
	Progs     []uint32 // ids
	ProgFlags []uint32 // of each; nil where the kernel has none (6.1)
	Links     []uint32 // ids of their links, 0 for those without; nil where the kernel has none (6.6)
}

// QueryProgs lists the programs attached to target, a cgroup's descriptor or an interface's
// index by the attach type (BPF_PROG_QUERY).
func QueryProgs(target int, attachType, flags uint32) (*Attached, error) {
	a := struct {
		target, attachType, queryFlags, attachFlags uint32
		progIDs                                     unsafe.Pointer
		count                                       uint32
		_                                           uint32
		progFlags, linkIDs, linkFlags               unsafe.Pointer
		revision                                    uint64
	}{target: uint32(target), attachType: attachType, queryFlags: flags}
	const oldSize = 28 // before 6.1
	for room := 64; ; room = int(a.count) {
		out := &Attached{Progs: make([]uint32, room), ProgFlags: make([]uint32, room), Links: make([]uint32, room)}
		tcx := attachType >= attachTCXIngress
		a.progIDs, a.count = unsafe.Pointer(unsafe.SliceData(out.Progs)), uint32(room)
		if tcx {
			a.linkIDs, out.ProgFlags = unsafe.Pointer(unsafe.SliceData(out.Links)), nil
		} else if flags&QueryEffective == 0 {
			a.progFlags, out.Links = unsafe.Pointer(unsafe.SliceData(out.ProgFlags)), nil
		} else {
			out.Links, out.ProgFlags = nil, nil
		}
		_, err := bpf(unix.BPF_PROG_QUERY, unsafe.Pointer(&a), unsafe.Sizeof(a))
		if !tcx && (err == unix.E2BIG || err == unix.EINVAL) && a.progFlags != nil {
			a.progFlags, out.ProgFlags = nil, nil
			_, err = bpf(unix.BPF_PROG_QUERY, unsafe.Pointer(&a), oldSize)
		}
		if err == unix.ENOSPC && int(a.count) > room {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Flags, out.Progs = a.attachFlags, out.Progs[:min(int(a.count), room)]
		out.ProgFlags, out.Links = cut(out.ProgFlags, len(out.Progs)), cut(out.Links, len(out.Progs))
		return out, nil
	}
}

// attachTCXIngress is the first attach type whose query gives links (BPF_TCX_INGRESS).
const attachTCXIngress = 46

func cut(s []uint32, n int) []uint32 {
	if s == nil {
		return nil
	}
	return s[:n]
}

// AttachBefore puts a program before the others (BPF_F_BEFORE, kernel 6.6).
const AttachBefore = 1 << 3

// ProgAttach attaches a program to a cgroup or map (BPF_PROG_ATTACH); it stays when the
// descriptors are closed.
func ProgAttach(target, prog int, attachType, flags uint32) error {
	return progAttach(unix.BPF_PROG_ATTACH, target, prog, attachType, flags)
}

// ProgDetach takes it off.
func ProgDetach(target, prog int, attachType uint32) error {
	return progAttach(unix.BPF_PROG_DETACH, target, prog, attachType, 0)
}

func progAttach(cmd, target, prog int, attachType, flags uint32) error {
	a := struct{ target, prog, attachType, flags uint32 }{uint32(target), uint32(prog), attachType, flags}
	_, err := bpf(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}
