package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CgroupWatch records which cgroups are made, so that their paths are known after their end. It
// costs nothing but when they are.
type CgroupWatch struct {
	rings perfRings
	w     *Waiter
}

const (
	cgroupPages = 4 // of a CPU's buffer, a power of two
	// Of struct perf_event_attr (include/uapi/linux/perf_event.h). An event for cgroups alone
	// isn't among those that get records of the whole CPU (is_sb_event, kernel/events/core.c);
	// one for loaded BPF programs is, and gets few (attrBPFEvent).
	perfBitCgroup = 1 << 32
)

// NoTracepoint tells WatchCgroups that the tracepoint isn't known.
const NoTracepoint = -1

// WatchCgroups begins to record. It takes the number of the tracepoint cgroup:cgroup_mkdir, or
// NoTracepoint and CONFIG_CGROUP_PERF, whose records come only where the controller perf_event
// is enabled, which on some machines without systemd it isn't. The caller closes the watch.
func WatchCgroups(cpus []int, tracepoint int) (*CgroupWatch, error) {
	c := &CgroupWatch{}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Size: unix.PERF_ATTR_SIZE_VER5, Config: uint64(tracepoint),
		Sample: 1, Sample_type: unix.PERF_SAMPLE_RAW, Wakeup: 1,
	}
	if tracepoint == NoTracepoint {
		attr = unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
			Wakeup: 1, Bits: perfBitCgroup | attrBPFEvent | unix.PerfBitWatermark | unix.PerfBitExcludeKernel,
		}
	}
	var err error
	if c.rings, err = openRings(&attr, AllTasks, cpus, cgroupPages); err != nil {
		return nil, fmt.Errorf("watch cgroups: %w", err)
	}
	var fds []int
	for _, r := range c.rings {
		fds = append(fds, r.fd)
	}
	if c.w, err = NewWaiter(fds...); err != nil {
		return nil, errors.Join(fmt.Errorf("watch cgroups: %w", err), c.Close())
	}
	return c, nil
}

// Wait waits until there are records, the deadline has passed (zero: for ever), or Wake was
// called, which it reports.
func (c *CgroupWatch) Wait(deadline time.Time) (woken bool, err error) { return c.w.Wait(deadline) }

// Wake ends a Wait.
func (c *CgroupWatch) Wake() { c.w.Wake() }

// Each calls f with each cgroup that was made since the last call, by its id and its path
// from the hierarchy's root; lost tells how many found no room in the buffers.
func (c *CgroupWatch) Each(f func(id uint64, path string)) (lost uint64) {
	c.rings.records(func(rec []byte) {
		switch ne := binary.NativeEndian; ne.Uint32(rec) {
		case recordSample:
			if id, path, ok := parseMkdir(rec); ok {
				f(id, path)
			}
		case recordCgroup:
			if len(rec) > 16 {
				f(ne.Uint64(rec[8:]), unix.ByteSliceToString(rec[16:]))
			}
		case recordLost:
			if len(rec) >= 24 {
				lost += ne.Uint64(rec[16:])
			}
		}
	})
	return lost
}

// parseMkdir reads a sample of cgroup_mkdir: after the header and the u32 size of what follows
// come the tracepoint's fields, at 8 the hierarchy's number, which is 0 for cgroup2, at 16 the
// u64 id (since 5.5) and at 24 where the path is (include/trace/events/cgroup.h).
func parseMkdir(rec []byte) (id uint64, path string, ok bool) {
	const fields, fixed = 12, 28
	ne := binary.NativeEndian
	if len(rec) < fields+fixed || ne.Uint32(rec[fields+8:]) != 0 {
		return 0, "", false
	}
	raw := rec[fields:]
	at := int(ne.Uint16(raw[24:]))
	if at < fixed || at >= len(raw) {
		return 0, "", false
	}
	return ne.Uint64(raw[16:]), unix.ByteSliceToString(raw[at:]), true
}

// Close ends the watch; no Wait may be running.
func (c *CgroupWatch) Close() error {
	var errs []error
	if c.w != nil {
		errs = append(errs, c.w.Close())
	}
	errs = append(errs, c.rings.close())
	c.rings, c.w = nil, nil
	return errors.Join(errs...)
}
