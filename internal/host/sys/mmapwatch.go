package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MmapEvent is executable memory that a process has mapped.
type MmapEvent struct {
	Pid             uint32
	Start, Len, Off uint64
	Major, Minor    uint32
	Ino             uint64
	Path            string
}

// MmapWatch records what a process and its descendants map executable, so that it's
// known after their end. It costs nothing but when they map.
type MmapWatch struct{ rings []mmapRing }

// mmapRing is the buffer of one CPU's perf event.
type mmapRing struct {
	fd  int
	mem []byte
}

const (
	mmapPages  = 16   // of a CPU's buffer, a power of two
	recordMmap = 10   // PERF_RECORD_MMAP2
	dataHead   = 1024 // offsets in struct perf_event_mmap_page
	dataTail   = 1024 + 8
	mmapFixed  = 8 + 64 // struct perf_event_header and the fields before the file's name
)

// WatchMmaps begins to record for a process that is about to execute a program. The
// caller closes the watch.
func WatchMmaps(pid int, cpus []int) (*MmapWatch, error) {
	w := &MmapWatch{}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
		Bits: unix.PerfBitMmap | unix.PerfBitMmap2 | unix.PerfBitInherit | unix.PerfBitExcludeKernel,
	}
	for _, cpu := range cpus {
		fd, err := unix.PerfEventOpen(&attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("watch mappings: %w", err), w.Close())
		}
		mem, err := MmapWrite(fd, 0, (1+mmapPages)*os.Getpagesize())
		if err != nil {
			unix.Close(fd)
			return nil, errors.Join(fmt.Errorf("watch mappings: %w", err), w.Close())
		}
		w.rings = append(w.rings, mmapRing{fd, mem})
	}
	return w, nil
}

// Each calls f with what was mapped since the last call. Records that found no room in
// the buffer are missing.
func (w *MmapWatch) Each(f func(MmapEvent)) {
	for _, r := range w.rings {
		r.each(f)
	}
}

func (r *mmapRing) each(f func(MmapEvent)) {
	head := atomic.LoadUint64((*uint64)(unsafe.Pointer(&r.mem[dataHead])))
	tail := (*uint64)(unsafe.Pointer(&r.mem[dataTail]))
	data := r.mem[os.Getpagesize():]
	var rec []byte
	for pos := *tail; pos < head; pos += uint64(len(rec)) {
		at := pos & uint64(len(data)-1)
		size := uint64(binary.NativeEndian.Uint16(data[at+6:]))
		if size < 8 {
			break // damaged: nothing after it can be read
		}
		rec = append(append(rec[:0], data[at:min(at+size, uint64(len(data)))]...), data[:max(at+size, uint64(len(data)))-uint64(len(data))]...)
		if e, ok := parseMmap(rec); ok {
			f(e)
		}
	}
	atomic.StoreUint64(tail, head)
}

// parseMmap reads a PERF_RECORD_MMAP2 (include/uapi/linux/perf_event.h): header, u32 pid,
// tid, u64 addr, len, pgoff, u32 maj, min, u64 ino, generation, u32 prot, flags, name.
func parseMmap(rec []byte) (e MmapEvent, ok bool) {
	ne := binary.NativeEndian
	if len(rec) < mmapFixed || ne.Uint32(rec) != recordMmap {
		return e, false
	}
	return MmapEvent{
		Pid: ne.Uint32(rec[8:]), Start: ne.Uint64(rec[16:]), Len: ne.Uint64(rec[24:]), Off: ne.Uint64(rec[32:]),
		Major: ne.Uint32(rec[40:]), Minor: ne.Uint32(rec[44:]), Ino: ne.Uint64(rec[48:]),
		Path: unix.ByteSliceToString(rec[mmapFixed:]),
	}, true
}

// Close ends the watch.
func (w *MmapWatch) Close() error {
	var errs []error
	for _, r := range w.rings {
		errs = append(errs, unix.Munmap(r.mem), unix.Close(r.fd))
	}
	w.rings = nil
	return errors.Join(errs...)
}
