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

// TaskKind is what a process did.
type TaskKind uint8

// The kinds, and of a watch's own troubles TaskLost.
const (
	TaskMmap TaskKind = iota // mapped a file or memory executable
	TaskFork                 // began, as a copy of Parent
	TaskExit                 // ended
	TaskLost                 // Lost records found no room in the buffer
)

// TaskEvent is something that a process did.
type TaskEvent struct {
	Kind            TaskKind
	Pid, Parent     uint32
	Start, Len, Off uint64 // TaskMmap, as the rest
	Major, Minor    uint32
	Ino             uint64
	Path            string
	Lost            uint64
}

// TaskWatch records what processes map executable, and when they begin and end, so that
// it's known after their end. It costs nothing but when they do.
type TaskWatch struct{ rings []taskRing }

// taskRing is the buffer of one CPU's perf event.
type taskRing struct {
	fd  int
	mem []byte
}

const (
	taskPages = 16       // of a CPU's buffer, a power of two
	dataHead  = 1024     // offsets in struct perf_event_mmap_page
	dataTail  = 1024 + 8 //
	mmapFixed = 8 + 64   // struct perf_event_header and the fields before the file's name
	taskFixed = 8 + 24   // the header, pid, ppid, tid, ptid, time
)

// Of enum perf_event_type.
const (
	recordLost  = 2
	recordExit  = 4
	recordFork  = 7
	recordMmap2 = 10
)

// AllTasks is the process to watch for watching all.
const AllTasks = -1

// WatchTasks begins to record for a process that is about to execute a program, and its
// descendants, or AllTasks. The caller closes the watch.
func WatchTasks(pid int, cpus []int) (*TaskWatch, error) {
	w := &TaskWatch{}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
		Bits: unix.PerfBitMmap | unix.PerfBitMmap2 | unix.PerfBitTask | unix.PerfBitInherit | unix.PerfBitExcludeKernel,
	}
	for _, cpu := range cpus {
		fd, err := unix.PerfEventOpen(&attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("watch mappings: %w", err), w.Close())
		}
		mem, err := MmapWrite(fd, 0, (1+taskPages)*os.Getpagesize())
		if err != nil {
			unix.Close(fd)
			return nil, errors.Join(fmt.Errorf("watch mappings: %w", err), w.Close())
		}
		w.rings = append(w.rings, taskRing{fd, mem})
	}
	return w, nil
}

// Each calls f with what was done since the last call, CPU by CPU.
func (w *TaskWatch) Each(f func(TaskEvent)) {
	for _, r := range w.rings {
		r.each(f)
	}
}

func (r *taskRing) each(f func(TaskEvent)) {
	r.records(func(rec []byte) {
		if e, ok := parseTask(rec); ok {
			f(e)
		}
	})
}

// records calls f with each record since the last call; it's f's only until it returns.
func (r *taskRing) records(f func(rec []byte)) {
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

// parseTask reads a record (include/uapi/linux/perf_event.h). What threads do besides
// mapping isn't told.
func parseTask(rec []byte) (e TaskEvent, ok bool) {
	ne := binary.NativeEndian
	switch kind := ne.Uint32(rec); {
	case kind == recordMmap2 && len(rec) > mmapFixed:
		// u32 pid, tid, u64 addr, len, pgoff, u32 maj, min, u64 ino, generation, u32 prot, flags, name
		return TaskEvent{
			Kind: TaskMmap,
			Pid:  ne.Uint32(rec[8:]), Start: ne.Uint64(rec[16:]), Len: ne.Uint64(rec[24:]), Off: ne.Uint64(rec[32:]),
			Major: ne.Uint32(rec[40:]), Minor: ne.Uint32(rec[44:]), Ino: ne.Uint64(rec[48:]),
			Path: unix.ByteSliceToString(rec[mmapFixed:]),
		}, true
	case (kind == recordFork || kind == recordExit) && len(rec) >= taskFixed:
		// u32 pid, ppid, tid, ptid, u64 time
		e.Kind, e.Pid, e.Parent = TaskFork, ne.Uint32(rec[8:]), ne.Uint32(rec[12:])
		if kind == recordExit {
			e.Kind = TaskExit
		}
		return e, e.Pid == ne.Uint32(rec[16:])
	case kind == recordLost && len(rec) >= 24: // u64 id, lost
		return TaskEvent{Kind: TaskLost, Lost: ne.Uint64(rec[16:])}, true
	}
	return e, false
}

// Close ends the watch.
func (w *TaskWatch) Close() error {
	var errs []error
	for _, r := range w.rings {
		errs = append(errs, unix.Munmap(r.mem), unix.Close(r.fd))
	}
	w.rings = nil
	return errors.Join(errs...)
}
