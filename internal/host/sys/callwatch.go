package sys

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// CallWatch records, many times a second, where each CPU is in the kernel and who called
// that.
type CallWatch struct {
	// Clock: the processor's cycles can't be counted, so a timer's interrupts are taken. What
	// runs with interrupts off is found where they go on again.
	Clock bool
	rings perfRings
}

// Of struct perf_event_attr and the records of samples.
const (
	perfCycles = unix.PERF_COUNT_HW_CPU_CYCLES
	callFrames = 64 // that a record has at most
)

// WatchCalls begins to record on CPUs, so many times a second (kernel 4.8 and
// CAP_PERFMON). The caller closes the watch.
func WatchCalls(cpus []int, hertz uint64) (*CallWatch, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_HARDWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: perfCycles, Sample: hertz,
		Sample_type: unix.PERF_SAMPLE_CALLCHAIN, Sample_max_stack: callFrames,
		Bits: unix.PerfBitFreq | unix.PerfBitExcludeUser | unix.PerfBitExcludeHv | unix.PerfBitExcludeCallchainUser,
	}
	w, err := &CallWatch{}, error(nil)
	if w.rings, err = openRings(&attr, AllTasks, cpus, ringPages); err != nil {
		w.Clock, attr.Type, attr.Config = true, unix.PERF_TYPE_SOFTWARE, PerfCPUClock
		w.rings, err = openRings(&attr, AllTasks, cpus, ringPages)
	}
	if err != nil {
		return nil, fmt.Errorf("sample the kernel: %w", err)
	}
	return w, nil
}

// Each calls f with each sample since the last call: the instruction's address, then where
// its callers go on, the innermost first. It's f's only until it returns. What found no
// room in a buffer isn't told.
func (w *CallWatch) Each(f func(frames []uint64)) {
	var frames []uint64
	w.rings.records(func(rec []byte) {
		if frames = parseCalls(rec, frames[:0]); len(frames) > 0 {
			f(frames)
		}
	})
}

// parseCalls reads a record with a u64 number of addresses and these. What is as large as an
// error number is none, but says whose those are that follow (enum perf_callchain_context).
func parseCalls(rec []byte, frames []uint64) []uint64 {
	ne := binary.NativeEndian
	if ne.Uint32(rec) != recordSample || len(rec) < 16 {
		return frames
	}
	addrs := rec[16:]
	for range min(ne.Uint64(rec[8:]), uint64(len(addrs)/8)) {
		if a := ne.Uint64(addrs); int64(a) < -4095 {
			frames = append(frames, a)
		}
		addrs = addrs[8:]
	}
	return frames
}

// Close ends the watch.
func (w *CallWatch) Close() error {
	rings := w.rings
	w.rings = nil
	return rings.close()
}
