package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PerfEvent says which perf event to open (struct perf_event_attr). Path, when not
// empty, is the string that the kprobe and uprobe PMUs expect in config1.
type PerfEvent struct {
	Type    uint32
	Config  uint64
	Path    string
	Config1 uint64 // when Path is empty
	Config2 uint64
	Period  uint64 // events (ns for clocks) between samples
	Freq    uint64 // samples a second, instead of Period
	Break   uint32 // of a breakpoint: HW_BREAKPOINT_R, W, X; Config1 is its address, Config2 its length
	Inherit bool   // children of Pid are counted too
	Wakeup  uint32 // samples until a wakeup
	Pid     int    // 0 with CPU ≥ 0: all processes
	CPU     int    // -1 with Pid: any
}

// Perf event types (enum perf_type_id) and the software clock.
const (
	PerfHardware   = unix.PERF_TYPE_HARDWARE
	PerfSoftware   = unix.PERF_TYPE_SOFTWARE
	PerfTracepoint = unix.PERF_TYPE_TRACEPOINT
	PerfBreakpoint = unix.PERF_TYPE_BREAKPOINT
	PerfCPUClock   = unix.PERF_COUNT_SW_CPU_CLOCK
)

// PerfOpen opens a perf event. The caller closes the descriptor.
func PerfOpen(e *PerfEvent) (int, error) {
	attr := unix.PerfEventAttr{
		Type: e.Type, Size: unix.PERF_ATTR_SIZE_VER5, Config: e.Config,
		Sample: e.Period, Ext1: e.Config1, Ext2: e.Config2, Wakeup: e.Wakeup,
		Bp_type: e.Break,
	}
	if e.Freq != 0 {
		attr.Sample, attr.Bits = e.Freq, unix.PerfBitFreq
	}
	if e.Inherit {
		attr.Bits |= unix.PerfBitInherit
	}
	var path *byte
	if e.Path != "" {
		p, err := unix.BytePtrFromString(e.Path)
		if err != nil {
			return -1, err
		}
		path = p
		// The pinner keeps the string in place: attr holds its address as a number.
		var pin runtime.Pinner
		pin.Pin(path)
		defer pin.Unpin()
		attr.Ext1 = uint64(uintptr(unsafe.Pointer(path)))
	}
	pid := e.Pid
	if pid == 0 {
		pid = -1
	}
	return unix.PerfEventOpen(&attr, pid, e.CPU, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// PerfOutput opens the event into whose buffer programs write that run on a CPU. The caller
// maps its buffer, enables it, and closes the descriptor.
func PerfOutput(cpu int) (int, error) { return openOutput(cpu, unix.PERF_SAMPLE_RAW) }

// openOutput opens such an event, whose records have some fields (PERF_SAMPLE_…).
func openOutput(cpu int, fields uint64) (int, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_BPF_OUTPUT,
		Sample_type: fields, Sample: 1, Wakeup: 1,
	}
	return unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// PerfEnable switches a perf event on.
func PerfEnable(event int) error { return unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0) }

const breakWrite = 2 // HW_BREAKPOINT_W (include/uapi/linux/hw_breakpoint.h)

// watched is a number that TryWatchpoint has watched; a global doesn't move.
var watched atomic.Uint64

// TryWatchpoint has the processor watch a number while it's written. Some hypervisors take
// a breakpoint and never stop at it: that is ErrNoStop.
func TryWatchpoint() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := PerfOpen(&PerfEvent{
		Type: PerfBreakpoint, Break: breakWrite, Pid: unix.Gettid(), CPU: -1,
		Config1: uint64(uintptr(unsafe.Pointer(&watched))), Config2: uint64(unsafe.Sizeof(watched)),
	})
	if err != nil {
		return fmt.Errorf("open perf event: %w", err)
	}
	defer unix.Close(fd)
	watched.Add(1)
	var count [8]byte
	if _, err := unix.Read(fd, count[:]); err != nil {
		return fmt.Errorf("read perf event: %w", err)
	}
	if binary.NativeEndian.Uint64(count[:]) == 0 {
		return ErrNoStop
	}
	return nil
}

// ErrNoStop is a breakpoint that nothing stops at.
var ErrNoStop = errors.New("the processor doesn't stop at its breakpoints")

// PerfSetBPF attaches a program to a perf event by ioctl, the way before links
// (kernel 5.15), and switches the event on.
func PerfSetBPF(event, prog int) error {
	if err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_SET_BPF, prog); err != nil {
		return err
	}
	return unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0)
}
