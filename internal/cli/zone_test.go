package cli

import (
	"testing"
	"time"
)

func TestZoneRules(t *testing.T) {
	winter := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	summer := time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ tz, winter, summer string }{
		{"CET-1CEST,M3.5.0,M10.5.0/3", "13:00 CET", "14:00 CEST"},
		{":EST5EDT,M3.2.0,M11.1.0", "07:00 EST", "08:00 EDT"},
		{"<+0530>-5:30", "17:30 +0530", "17:30 +0530"},
		{"XYZ3", "09:00 XYZ", "09:00 XYZ"},
	} {
		loc := zone(c.tz)
		if loc == nil {
			t.Errorf("%s: no zone", c.tz)
			continue
		}
		if w, s := winter.In(loc).Format("15:04 MST"), summer.In(loc).Format("15:04 MST"); w != c.winter || s != c.summer {
			t.Errorf("%s: %s and %s, want %s and %s", c.tz, w, s, c.winter, c.summer)
		}
	}
	for _, tz := range []string{"", ":", "UTC", "nowhere", "/etc/localtime"} {
		if zone(tz) != nil {
			t.Errorf("%q isn't a rule", tz)
		}
	}
}
