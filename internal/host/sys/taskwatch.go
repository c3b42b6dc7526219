package sys

import (
	"encoding/binary"
	"fmt"

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
type TaskWatch struct{ rings perfRings }

const (
	mmapFixed = 8 + 64 // struct perf_event_header and the fields before the file's name
	taskFixed = 8 + 24 // the header, pid, ppid, tid, ptid, time
)

// AllTasks is the process to watch for watching all.
const AllTasks = -1

// WatchTasks begins to record for a process that is about to execute a program, and its
// descendants, or AllTasks. The caller closes the watch.
func WatchTasks(pid int, cpus []int) (*TaskWatch, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
		Bits: unix.PerfBitMmap | unix.PerfBitMmap2 | unix.PerfBitTask | unix.PerfBitInherit | unix.PerfBitExcludeKernel,
	}
	rings, err := openRings(&attr, pid, cpus, ringPages)
	if err != nil {
		return nil, fmt.Errorf("watch mappings: %w", err)
	}
	return &TaskWatch{rings}, nil
}

// Each calls f with what was done since the last call, CPU by CPU.
func (w *TaskWatch) Each(f func(TaskEvent)) {
	w.rings.records(func(rec []byte) {
		if e, ok := parseTask(rec); ok {
			f(e)
		}
	})
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
	rings := w.rings
	w.rings = nil
	return rings.close()
}
