package sys

import (
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// BootTime is the wall clock at which CLOCK_BOOTTIME was 0, in ns since 1970. It changes when
// the wall clock is set, and at nothing else.
func BootTime() (int64, error) {
	_, t, err := Clocks()
	return t, err
}

// clockTries is how often the clocks are read at most, for a reading that nothing came between.
const clockTries = 8

// Clocks reads the boot clock and how far the wall clock is ahead of it, in ns, to about a
// microsecond: of several readings it takes the one that took least.
func Clocks() (boot time.Duration, ahead int64, err error) {
	least := int64(math.MaxInt64)
	for i := 0; i < clockTries && least > int64(time.Microsecond); i++ {
		var before, wall, after unix.Timespec
		for _, c := range []struct {
			id int32
			to *unix.Timespec
		}{{unix.CLOCK_BOOTTIME, &before}, {unix.CLOCK_REALTIME, &wall}, {unix.CLOCK_BOOTTIME, &after}} {
			if err := unix.ClockGettime(c.id, c.to); err != nil {
				return 0, 0, os.NewSyscallError("clock_gettime", err)
			}
		}
		if took := after.Nano() - before.Nano(); took < least {
			least = took
			boot, ahead = time.Duration(after.Nano()), wall.Nano()-before.Nano()-took/2
		}
	}
	return boot, ahead, nil
}

// ClockWatch tells when the wall clock is set.
type ClockWatch struct {
	fd int
	w  *Waiter
}

// NewClockWatch begins to watch. The caller closes it.
func NewClockWatch() (*ClockWatch, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	c := &ClockWatch{fd: fd}
	if err := c.arm(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if c.w, err = NewWaiter(fd); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

// arm sets a timer that never rings, but is cancelled when the clock is set.
func (c *ClockWatch) arm() error {
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32 << 8}}
	err := unix.TimerfdSettime(c.fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil)
	return os.NewSyscallError("timerfd_settime", err)
}

// Wait waits until the wall clock has been set, or the machine was suspended; false: Wake was called.
func (c *ClockWatch) Wait() (set bool, err error) {
	for {
		woken, err := c.w.Wait(time.Time{})
		if err != nil || woken {
			return false, err
		}
		var n [8]byte
		switch _, err := unix.Read(c.fd, n[:]); err {
		case unix.ECANCELED:
			return true, c.arm()
		case nil, unix.EAGAIN, unix.EINTR:
		default:
			return false, os.NewSyscallError("read", err)
		}
	}
}

// Wake ends a Wait.
func (c *ClockWatch) Wake() { c.w.Wake() }

// Close ends the watch.
func (c *ClockWatch) Close() error {
	c.w.Close()
	return unix.Close(c.fd)
}
