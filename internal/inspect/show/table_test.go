package show

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTableFits(t *testing.T) {
	table := &Table{
		Columns: []Column{
			{Title: "ID", Right: true}, {Title: "NAME", Least: 6}, {Title: "AGE", Right: true, Rank: 2}, {Title: "MEM", Right: true, Rank: 1}, {Title: "TO", Least: 8},
		},
		Rows: [][]string{{"7", "short", "5s", "4.0K", "tracepoint sched:sched_switch"}, {"1234", "a_much_longer_name", "40d", "16M", "xdp\ton lo"}},
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `
  ID  NAME                AGE   MEM  TO
   7  short                5s  4.0K  tracepoint sched:sched_switch
1234  a_much_longer_name  40d   16M  xdp?on lo
`},
		{45, `
  ID  NAME           AGE   MEM  TO
   7  short           5s  4.0K  tracepoint s…
1234  a_much_longe…  40d   16M  xdp?on lo
`},
		{29, `
  ID  NAME      MEM  TO
   7  short    4.0K  tracepo…
1234  a_much…   16M  xdp?on …
`},
		{10, `
  ID  NAME    TO
   7  short   tracepo…
1234  a_muc…  xdp?on …
`},
	} {
		var b strings.Builder
		if err := table.Write(&b, c.width); err != nil {
			t.Fatal(err)
		}
		got := "\n" + b.String()
		if got != c.want {
			t.Errorf("width %d:%s", c.width, got)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); c.width > 0 && c.width != 10 && n > c.width {
				t.Errorf("width %d: a line has %d", c.width, n)
			}
		}
	}
}

// Long names differ at their ends.
func TestCutName(t *testing.T) {
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"sys_enter", 9, "sys_enter"}, {"tracepoint__syscalls__sys_enter_openat", 16, "trace…ter_openat"}, {"tracepoint__syscalls__sys_exit_openat", 16, "trace…xit_openat"},
		{"größer_größer", 7, "gr…ößer"}, {"sched_switch", 5, "sche…"}, {"x", 0, ""},
	} {
		if got := CutName(c.name, c.width); got != c.want {
			t.Errorf("%s in %d: %s, want %s", c.name, c.width, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Bytes(-1), "?"}, {Bytes(0), "0"}, {Bytes(1023), "1023"}, {Bytes(1024), "1.0K"}, {Bytes(10189), "10K"}, {Bytes(1 << 20), "1.0M"},
		{Bytes(1023<<10 + 1023), "1.0M"}, {Bytes(17290440), "16M"}, {Bytes(3 << 40), "3.0T"},
		{Age(-time.Second), "0s"}, {Age(119 * time.Second), "119s"}, {Age(2 * time.Minute), "2m"}, {Age(3 * time.Hour), "3h"}, {Age(50 * time.Hour), "2d"},
		{Short(0), "0ns"}, {Short(999), "999ns"}, {Short(1000), "1.0µs"}, {Short(34 * time.Millisecond), "34ms"}, {Short(90 * time.Second), "90.0s"},
		{Number(0), "0"}, {Number(0.44), "0.4"}, {Number(3), "3"}, {Number(3.52), "3.5"}, {Number(999), "999"}, {Number(1234), "1.2k"}, {Number(45e6), "45M"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
