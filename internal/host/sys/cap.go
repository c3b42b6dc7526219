package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Cap is a capability's number (include/uapi/linux/capability.h).
type Cap uint

// The capabilities that BPF asks for.
const (
	CapSysAdmin  Cap = unix.CAP_SYS_ADMIN
	CapSysPtrace Cap = unix.CAP_SYS_PTRACE
	CapSysRes    Cap = unix.CAP_SYS_RESOURCE
	CapNetAdmin  Cap = unix.CAP_NET_ADMIN
	CapSyslog    Cap = unix.CAP_SYSLOG
	CapPerfmon   Cap = unix.CAP_PERFMON
	CapBPF       Cap = unix.CAP_BPF
)

// Caps is a set of capabilities.
type Caps uint64

// Has reports whether c is in the set.
func (s Caps) Has(c Cap) bool { return s>>c&1 != 0 }

// EffectiveCaps are the capabilities that this thread may use now, over the machine: none in a
// user namespace, whose capabilities hold only there.
func EffectiveCaps() (Caps, error) {
	if InUserNamespace() {
		return 0, nil
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	return Caps(data[0].Effective) | Caps(data[1].Effective)<<32, nil
}

// DropCaps takes the capabilities that BPF asks for from this thread, which the caller has
// locked to its goroutine.
func DropCaps() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, c := range []Cap{CapSysAdmin, CapBPF, CapNetAdmin, CapPerfmon} {
		data[c/32].Effective &^= 1 << (c % 32)
	}
	return os.NewSyscallError("capset", unix.Capset(&hdr, &data[0]))
}

// MemlockLimit is RLIMIT_MEMLOCK's soft limit in bytes, which kernels before 5.11
// charge BPF memory to. unlimited: there's no limit.
func MemlockLimit() (limit uint64, unlimited bool, err error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return 0, false, os.NewSyscallError("getrlimit", err)
	}
	return r.Cur, r.Cur == unix.RLIM_INFINITY, nil
}
