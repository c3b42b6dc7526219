// Package sys is the only door to the system calls that the standard library lacks:
// thin typed functions, one call each. Errors are the errno, wrapped by the caller.
package sys

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// MapFile maps a whole file read-only; done gives the memory back. Files of
// /sys whose kernel can't map them are read instead.
func MapFile(f fs.File) (data []byte, done func() error, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := st.Size()
	osf, ok := f.(*os.File)
	if ok && size > 0 && size == int64(int(size)) {
		data, err = unix.Mmap(int(osf.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
		if err == nil {
			return data, func() error { return unix.Munmap(data) }, nil
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
