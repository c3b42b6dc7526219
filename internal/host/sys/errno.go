package sys

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Errno is the system's error number.
type Errno = syscall.Errno

// Error numbers that callers tell apart.
const (
	E2BIG         = unix.E2BIG
	EACCES        = unix.EACCES
	EADDRINUSE    = unix.EADDRINUSE
	EADDRNOTAVAIL = unix.EADDRNOTAVAIL
	EAGAIN        = unix.EAGAIN
	EBADF         = unix.EBADF
	EBUSY         = unix.EBUSY
	EEXIST        = unix.EEXIST
	EILSEQ        = unix.EILSEQ
	EINTR         = unix.EINTR
	EINVAL        = unix.EINVAL
	EMFILE        = unix.EMFILE
	ENODEV        = unix.ENODEV
	ENOENT        = unix.ENOENT
	ENOMEM        = unix.ENOMEM
	ENOSPC        = unix.ENOSPC
	EOPNOTSUPP    = unix.EOPNOTSUPP
	EPERM         = unix.EPERM
	EPIPE         = unix.EPIPE
	ESRCH         = unix.ESRCH
	ENOSYS        = unix.ENOSYS
	ENOTSUPP      = Errno(524) // the kernel's own (include/linux/errno.h)
)
