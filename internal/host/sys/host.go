package sys

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Release is the kernel's release as uname gives it ("6.12.48+deb13-amd64"), and
// its version text ("#1 SMP … Debian 6.12.48-1 (2025-09-20)").
func Release() (release, version string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", os.NewSyscallError("uname", err)
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), nil
}

// SinceBoot is CLOCK_BOOTTIME now, which bpf_ktime_get_boot_ns reads too: it counts on
// while the machine is suspended.
func SinceBoot() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(ts.Nano()), nil
}

// File systems by their magic numbers (include/uapi/linux/magic.h).
const (
	Cgroup2Magic = unix.CGROUP2_SUPER_MAGIC
	TracefsMagic = unix.TRACEFS_MAGIC
	BPFFSMagic   = unix.BPF_FS_MAGIC
)

// FSType is the magic number of the file system that holds path.
func FSType(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(st.Type), nil
}

// CgroupID is the id of a cgroup2 directory, as bpf_get_current_cgroup_id gives it:
// the 64 bits of its file handle.
func CgroupID(path string) (uint64, error) {
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return 0, &os.PathError{Op: "name_to_handle_at", Path: path, Err: err}
	}
	if h.Size() < 8 {
		return 0, fmt.Errorf("read handle of %s: %d bytes, not 8", path, h.Size())
	}
	return binary.NativeEndian.Uint64(h.Bytes()), nil
}

// FileID is a file's device, as the kernel encodes it in 32 bits (new_encode_dev),
// and its inode.
func FileID(path string) (dev, ino uint64, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return uint64(st.Dev), st.Ino, nil
}
