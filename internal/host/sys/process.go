package sys

import "golang.org/x/sys/unix"

// PidfdOpen opens a process; the descriptor is readable once the process has ended.
// The caller closes it. ESRCH: there is no such process.
func PidfdOpen(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }

// SetCloexec makes a descriptor close, or stay open, when another program is executed.
func SetCloexec(fd int, on bool) error {
	flags := 0
	if on {
		flags = unix.FD_CLOEXEC
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags)
	return err
}
