package sys

import "golang.org/x/sys/unix"

// PidfdOpen opens a process; the descriptor is readable once the process has ended.
// The caller closes it. ESRCH: there is no such process.
func PidfdOpen(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }
