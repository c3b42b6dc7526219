package sys

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// ProgEvent is a program that was loaded or unloaded.
type ProgEvent struct {
	Unload bool
	ID     uint32
	Tag    [8]byte
	Pid    uint32 // on whose behalf: of an unload, that may be a kernel thread
	Time   uint64 // ns since boot
	Lost   uint64 // not 0: so many records found no room in the buffer, and the rest is 0
}

// ProgWatch records loads and unloads of programs (kernel 5.1). It costs nothing but then.
type ProgWatch struct{ rings perfRings }

// Of enum perf_event_type, enum perf_bpf_event_type and struct perf_event_attr's bits.
const (
	bpfEventUnload   = 2
	attrBPFEvent     = 1 << 30
	bpfEventFixed    = 8 + 16 // the header, u16 type, u16 flags, u32 id, u8 tag[8]
	bpfEventTrailing = 16     // u32 pid, tid, u64 time, by sample_id_all
)

// WatchProgs begins to record on CPUs. The caller closes the watch.
func WatchProgs(cpus []int) (*ProgWatch, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME,
		Bits:        attrBPFEvent | unix.PerfBitSampleIDAll | unix.PerfBitUseClockID, Clockid: unix.CLOCK_BOOTTIME,
	}
	rings, err := openRings(&attr, AllTasks, cpus, ringPages)
	if err != nil {
		return nil, fmt.Errorf("watch programs: %w", err)
	}
	return &ProgWatch{rings}, nil
}

// Each calls f with what happened since the last call, CPU by CPU.
func (w *ProgWatch) Each(f func(ProgEvent)) {
	w.rings.records(func(rec []byte) {
		if e, ok := parseProg(rec); ok {
			f(e)
		}
	})
}

// parseProg reads a record (include/uapi/linux/perf_event.h).
func parseProg(rec []byte) (e ProgEvent, ok bool) {
	ne := binary.NativeEndian
	switch kind := ne.Uint32(rec); {
	case kind == recordBPF && len(rec) >= bpfEventFixed+bpfEventTrailing:
		e = ProgEvent{Unload: ne.Uint16(rec[8:]) == bpfEventUnload, ID: ne.Uint32(rec[12:])}
		copy(e.Tag[:], rec[16:])
		end := rec[len(rec)-bpfEventTrailing:]
		e.Pid, e.Time = ne.Uint32(end), ne.Uint64(end[8:])
		return e, true
	case kind == recordLost && len(rec) >= 24: // u64 id, lost
		return ProgEvent{Lost: ne.Uint64(rec[16:])}, true
	}
	return e, false
}

// Close ends the watch.
func (w *ProgWatch) Close() error {
	rings := w.rings
	w.rings = nil
	return rings.close()
}
