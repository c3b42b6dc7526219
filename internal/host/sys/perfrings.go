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

// perfRings are the buffers into which the kernel records what a perf event sees, one a CPU.
type perfRings []perfRing

// perfRing is the buffer of one CPU's perf event.
type perfRing struct {
	fd  int
	mem []byte
}

const (
	ringPages = 16       // of a CPU's buffer, a power of two
	dataHead  = 1024     // offsets in struct perf_event_mmap_page
	dataTail  = 1024 + 8 //
)

// Of enum perf_event_type.
const (
	recordLost   = 2
	recordExit   = 4
	recordFork   = 7
	recordSample = 9
	recordMmap2  = 10
	recordBPF    = 18
	recordCgroup = 19
)

// openRings opens an event on CPUs, for a process or AllTasks, with a buffer of so many pages
// each.
func openRings(attr *unix.PerfEventAttr, pid int, cpus []int, pages int) (perfRings, error) {
	var rings perfRings
	for _, cpu := range cpus {
		fd, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open perf event: %w", err), rings.close())
		}
		if err := rings.add(fd, pages); err != nil {
			return nil, errors.Join(err, rings.close())
		}
	}
	return rings, nil
}

// add maps an event's buffer of so many pages. The event is the rings' from then on, and closed
// when that fails.
func (rings *perfRings) add(fd, pages int) error {
	mem, err := MmapWrite(fd, 0, (1+pages)*os.Getpagesize())
	if err != nil {
		return errors.Join(fmt.Errorf("map perf event: %w", err), unix.Close(fd))
	}
	*rings = append(*rings, perfRing{fd, mem})
	return nil
}

// records calls f with each record since the last call, CPU by CPU; it's f's only until it
// returns.
func (rings perfRings) records(f func(rec []byte)) {
	for _, r := range rings {
		r.records(f)
	}
}

func (r *perfRing) records(f func(rec []byte)) {
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
		f(rec)
	}
	atomic.StoreUint64(tail, head)
}

func (rings perfRings) close() error {
	var errs []error
	for _, r := range rings {
		errs = append(errs, unix.Munmap(r.mem), unix.Close(r.fd))
	}
	return errors.Join(errs...)
}
