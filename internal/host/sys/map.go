// Package sys is the only door to the system calls that the standard library lacks:
// thin typed functions, one call each. Errors are the errno, wrapped by the caller.
package sys

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// MapFile maps a whole file read-only; done gives the memory back. The mapping is shared,
// as the kernel puts the breakpoints of uprobes, those of other tracers too, into private
// ones (valid_vma, kernel/events/uprobes.c). BTF in /sys and files of some file systems can
// only be mapped privately; what can't be mapped at all is read.
func MapFile(f fs.File) (data []byte, done func() error, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := st.Size()
	osf, ok := f.(*os.File)
	if ok && size > 0 && size == int64(int(size)) {
		for _, sharing := range []int{unix.MAP_SHARED, unix.MAP_PRIVATE} {
			data, err = unix.Mmap(int(osf.Fd()), 0, int(size), unix.PROT_READ, sharing)
			if err == nil {
				return data, func() error { return unix.Munmap(data) }, nil
			}
		}
	}
	data = make([]byte, size)
	n := 0
	for n < len(data) {
		m, err := f.Read(data[n:])
		n += m
		if err != nil {
			return nil, nil, fmt.Errorf("read %d of %d bytes: %w", n, size, err)
		}
	}
	return data, func() error { return nil }, nil
}
