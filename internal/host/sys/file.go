package sys

import (
	"encoding/binary"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Close closes a descriptor.
func Close(fd int) error { return unix.Close(fd) }

// Dup opens what a descriptor is of once more. The caller closes it.
func Dup(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) }

// ReadFile reads a small file, such as one of /proc, into room, or into more when that's too
// small. It does without the calls that os.File makes, which take longer than the reading.
func ReadFile(path string, room []byte) ([]byte, error) {
	file, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(file)
	data := room[:0]
	for {
		data = slices.Grow(data, 1)
		n, err := Read(file, data[len(data):cap(data)])
		if n <= 0 || err != nil {
			return data, err
		}
		data = data[:len(data)+n]
	}
}

// MmapRead maps length bytes of fd from offset on, readable and shared.
func MmapRead(fd int, offset int64, length int) ([]byte, error) {
	return unix.Mmap(fd, offset, length, unix.PROT_READ, unix.MAP_SHARED)
}

// MmapWrite is MmapRead, writable too.
func MmapWrite(fd int, offset int64, length int) ([]byte, error) {
	return unix.Mmap(fd, offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// Munmap ends a mapping.
func Munmap(b []byte) error { return unix.Munmap(b) }

// Waiter waits until one of some descriptors is readable, or is woken.
type Waiter struct {
	ep, ev int
	events [4]unix.EpollEvent
}

// NewWaiter returns a Waiter on fds. Close frees it.
func NewWaiter(fds ...int) (*Waiter, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(ep)
		return nil, err
	}
	w := &Waiter{ep: ep, ev: ev}
	for _, fd := range append([]int{ev}, fds...) {
		e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// Wait waits until a descriptor is readable, the deadline has passed (zero: for ever) or
// Wake was called, which it reports. Signals, which Go sends its own threads too, don't end it.
func (w *Waiter) Wait(deadline time.Time) (woken bool, err error) {
	n := 0
	for {
		ms := -1
		if !deadline.IsZero() {
			ms = max(0, int((time.Until(deadline)+time.Millisecond-1)/time.Millisecond))
		}
		if n, err = unix.EpollWait(w.ep, w.events[:], ms); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return false, err
	}
	for _, e := range w.events[:n] {
		if int(e.Fd) == w.ev {
			var b [8]byte
			unix.Read(w.ev, b[:])
			woken = true
		}
	}
	return woken, nil
}

// Wake ends a Wait, or the next one.
func (w *Waiter) Wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(w.ev, one[:])
}

// Close frees the descriptors; no Wait may be running.
func (w *Waiter) Close() error {
	unix.Close(w.ev)
	return unix.Close(w.ep)
}

// Device is the device of a file's file system, 0:0 when info isn't of a real file.
func Device(info fs.FileInfo) (major, minor uint32) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev))
	}
	return 0, 0
}

// Inode is a file's inode number, 0 when info isn't of a real file.
func Inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
