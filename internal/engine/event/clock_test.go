package event

import (
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Times go by what the wall clock was when they were, not by what it is now.
func TestClockThatIsSet(t *testing.T) {
	d := &Decoder{Boot: 1000e9, Times: Times{Location: time.UTC}}
	d.SetClock(10e9, 1000e9+3000) // nobody set it: a reading is never exact
	d.SetClock(20e9, 4600e9)
	d.SetClock(25e9, 4600e9-1000)
	d.SetClock(30e9, 1000e9)
	for _, c := range []struct {
		boot uint64
		want int64
	}{{5e9, 1005}, {15e9, 1015}, {20e9, 4620}, {26e9, 4626}, {29.5e9, 4629}, {30e9, 1030}, {99e9, 1099}} {
		if got := d.Time(object.ClockBoot, c.boot).Unix(); got != c.want {
			t.Errorf("%d ns after boot: %d, want %d", c.boot, got, c.want)
		}
	}
	if got := d.Time(object.ClockTAI, 26e9).Unix(); got != 26 {
		t.Errorf("of the TAI clock: %d", got)
	}
}

func TestISO(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 34, 56, 123456789, time.FixedZone("CET", 3600))
	const iso = "2026-01-31T12:34:56.123456+01:00"
	for _, c := range []struct{ format, want string }{
		{"%H:%M:%S\n", iso + "\n"},
		{"%T", iso},
		{"at %X,", "at " + iso + ","},
		{"%F %T.%f %z|", iso + "|"},
		{"%Y-%m-%dT%H:%M:%S.%k%z", iso},
		{"%D_%T,%l", iso},
		{"%c", iso},
		{"%F", "2026-01-31"},
		{"%F %Z %%T", "2026-01-31 CET %T"},
		{"%s %f", "1769859296 123456"},
		{"%H:%M", "12:34"},
		{"%EY%", "2026%"},
	} {
		if got := string(appendISO(nil, c.format, at, true)); got != c.want {
			t.Errorf("%q: %q, want %q", c.format, got, c.want)
		}
	}
	if got := string(appendISO(nil, "%T", at.UTC(), true)); got != "2026-01-31T11:34:56.123456Z" {
		t.Errorf("UTC: %q", got)
	}
}

// decimal(elapsed, 9, 6) is the time of day with --iso, and other numbers stay.
func TestElapsedISO(t *testing.T) {
	d := &Decoder{Object: &object.Object{Start: 5e9}, Boot: 1000e9, Times: Times{Location: time.UTC, ISO: true}}
	typ := decimalType(9, 6, false)
	b := raw(uint64(1500000000))
	if v, err := d.Value(typ, b); err != nil || v.Text != "1.500000" {
		t.Errorf("a number: %+v %v", v, err)
	}
	typ.Point.Elapsed = true
	if v, err := d.Value(typ, b); err != nil || v.Text != "1970-01-01T00:16:46.500000Z" || v.Num != 1500000000 {
		t.Errorf("elapsed: %+v %v", v, err)
	}
}
