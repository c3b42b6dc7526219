package cli

import (
	"encoding/binary"
	"os"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/engine/event"
)

// times is how a job's times are printed.
func (j *Job) times() event.Times {
	t := event.Times{ISO: j.ISO}
	if j.UTC {
		t.Location = time.UTC
	} else {
		t.Location = zone(os.Getenv("TZ"))
	}
	return t
}

// zone is what an environment variable TZ asks for where that isn't the name of a zone, which
// Go's runtime has dealt with: a rule such as "CET-1CEST,M3.5.0,M10.5.0/3" or "<+0530>-5:30", as
// POSIX has them. Nil: the local zone.
func zone(tz string) *time.Location {
	rule := strings.TrimPrefix(tz, ":")
	if rule == "" {
		return nil
	}
	if _, err := time.LoadLocation(rule); err == nil || rule[0] == '/' {
		return nil
	}
	name, _, ok := strings.Cut(rule, ",")
	if !ok {
		name = rule
	}
	if !strings.ContainsAny(name, "0123456789") {
		return nil
	}
	loc, err := time.LoadLocationFromTZData(name, ruleData(rule))
	if err != nil {
		return nil
	}
	return loc
}

// ruleData is a zone's file (RFC 8536, version 2) that knows no transitions, and for all times
// its rule alone.
func ruleData(rule string) []byte {
	var b []byte
	for range 2 { // once for readers of version 1
		b = append(append(b, "TZif2"...), make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 0, 1, 4} { // isut, isstd, leap, time, type, char
			b = binary.BigEndian.AppendUint32(b, n)
		}
		b = append(b, 0, 0, 0, 0, 0, 0) // the type: offset, daylight saving, name
		b = append(b, "UTC\x00"...)
	}
	return append(append(append(b, '\n'), rule...), '\n')
}
