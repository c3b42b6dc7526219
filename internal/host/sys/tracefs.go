package sys

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// OpenTracefs makes tracefs readable where it isn't mounted: a mount that's attached to
// no path, that nobody else sees, and that ends when closer is closed. dir leads
// to it from this process. It needs CAP_SYS_ADMIN (fsopen(2), kernel 5.2).
func OpenTracefs() (dir string, closer io.Closer, err error) {
	fsfd, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", nil, fmt.Errorf("open tracefs: %w", err)
	}
	defer unix.Close(fsfd)
	if err := unix.FsconfigCreate(fsfd); err != nil {
		return "", nil, fmt.Errorf("open tracefs: %w", err)
	}
	fd, err := unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return "", nil, fmt.Errorf("open tracefs: %w", err)
	}
	f := os.NewFile(uintptr(fd), "tracefs")
	return fmt.Sprintf("/proc/self/fd/%d", fd), f, nil
}
