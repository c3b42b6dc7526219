package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// CgroupWatch records which cgroups are made, so that their paths are known after their end. It
// costs nothing but when they are.
type CgroupWatch struct {
	rings []taskRing
	w     *Waiter
}

const (
	cgroupPages  = 4  // of a CPU's buffer, a power of two
	recordCgroup = 19 // PERF_RECORD_CGROUP
	// Of struct perf_event_attr (include/uapi/linux/perf_event.h). An event for cgroups alone
	// isn't among those that get records of the whole CPU (is_sb_event, kernel/events/core.c);
	// one for loaded BPF programs is, and gets few (attrBPFEvent).
	perfBitCgroup = 1 << 32
)

// WatchCgroups begins to record, which takes CONFIG_CGROUP_PERF. The caller closes the watch.
func WatchCgroups(cpus []int) (*CgroupWatch, error) {
	c := &CgroupWatch{}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: unix.PERF_ATTR_SIZE_VER5, Config: unix.PERF_COUNT_SW_DUMMY,
		Wakeup: 1, Bits: perfBitCgroup | attrBPFEvent | unix.PerfBitWatermark | unix.PerfBitExcludeKernel,
	}
	var fds []int
	for _, cpu := range cpus {
		fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("watch cgroups: %w", err), c.Close())
		}
		mem, err := MmapWrite(fd, 0, (1+cgroupPages)*os.Getpagesize())
		if err != nil {
			unix.Close(fd)
			return nil, errors.Join(fmt.Errorf("watch cgroups: %w", err), c.Close())
		}
		c.rings, fds = append(c.rings, taskRing{fd, mem}), append(fds, fd)
	}
	var err error
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
	for i := range c.rings {
		c.rings[i].records(func(rec []byte) {
			switch ne := binary.NativeEndian; ne.Uint32(rec) {
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
	}
	return lost
}

// Close ends the watch; no Wait may be running.
func (c *CgroupWatch) Close() error {
	var errs []error
	if c.w != nil {
		errs = append(errs, c.w.Close())
	}
	for _, r := range c.rings {
		errs = append(errs, unix.Munmap(r.mem), unix.Close(r.fd))
	}
	c.rings, c.w = nil, nil
	return errors.Join(errs...)
}
