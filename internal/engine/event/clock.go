package event

import (
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Times says how times are printed.
type Times struct {
	Location *time.Location // nil: the local one
	// ISO: a time of day, in whatever form a format has it, is printed as date and time of
	// ISO 8601 with microseconds and the zone; see isoFormat.
	ISO bool
}

// AppendStart appends an interval's start by a strftime format.
func (s *Series) AppendStart(dst []byte, format string, in *Interval) []byte {
	if s.Times.ISO {
		return appendISO(dst, format, in.Start, true)
	}
	return AppendStrftime(dst, format, in.Start, true)
}

// setting is what the wall clock was set to: from a moment of the boot clock on, it was so
// far ahead of it.
type setting struct {
	from  uint64
	ahead int64
}

// jitter is the most by which two readings of how far the wall clock is ahead differ while
// nobody sets it.
const jitter = int64(20 * time.Microsecond)

// SetClock takes in a reading of how far the wall clock is ahead of the boot clock, at a moment
// of the boot clock. When the wall clock has been set since the last one, times of the boot
// clock from this moment on go by the new reading, and earlier ones by what held then.
func (d *Decoder) SetClock(now uint64, ahead int64) {
	last := d.Boot
	if n := len(d.set); n > 0 {
		last = d.set[n-1].ahead
	}
	if diff := ahead - last; diff < -jitter || diff > jitter {
		d.set = append(d.set, setting{now, ahead})
	}
}

// Time is the wall-clock time of a clock's nanoseconds. Only the boot clock counts from
// another moment than 1970; the others are taken as they are.
func (d *Decoder) Time(c object.Clock, ns uint64) time.Time {
	t := int64(ns)
	if c == object.ClockBoot {
		t += d.ahead(ns)
	}
	if d.Times.Location != nil {
		return time.Unix(0, t).In(d.Times.Location)
	}
	return time.Unix(0, t)
}

// ahead is how far the wall clock was ahead at a moment of the boot clock.
func (d *Decoder) ahead(ns uint64) int64 {
	for i := len(d.set) - 1; i >= 0; i-- {
		if d.set[i].from <= ns {
			return d.set[i].ahead
		}
	}
	return d.Boot
}

// AppendTime appends a time by a format of strftime(3), in the way that Times asks for.
func (d *Decoder) AppendTime(dst []byte, format string, t time.Time) []byte {
	return d.appendTime(dst, format, t, false)
}

func (d *Decoder) appendTime(dst []byte, format string, t time.Time, fractions bool) []byte {
	if d.Times.ISO {
		return appendISO(dst, format, t, fractions)
	}
	return AppendStrftime(dst, format, t, fractions)
}
