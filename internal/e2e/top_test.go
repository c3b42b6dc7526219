//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/tmux"
)

// busy runs programs to look at until the test ends, and returns the process that owns them.
func busy(t *testing.T) (pid int) {
	t.Helper()
	c := exec.Command(filepath.Join(binDir, "skep"), "-e",
		`tracepoint:sched:sched_switch { @top_switch[comm] = count(); } profile:hz:5 { @top_hz = count(); } interval:s:3600 { @top_never = count(); }`)
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	line := make([]byte, 64)
	if n, err := out.Read(line); err != nil || !strings.HasPrefix(string(line[:n]), "Attached") {
		t.Fatalf("%s%v", line[:n], err)
	}
	return c.Process.Pid
}

// matches waits until the screen matches.
func matches(m *tmux.Terminal, expr string) string {
	re := regexp.MustCompile("(?m)" + expr)
	return m.Wait(expr, re.MatchString)
}

// TestTopScreen presses keys in `skep top`.
func TestTopScreen(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	m := tmux.Start(t, 80, 24)
	pid := busy(t)
	before := m.State()
	m.Type(filepath.Join(binDir, "skep") + " top -d 0.3; echo status $?")
	matches(m, `^skep top  \d\d:\d\d:\d\d  \d+ programs, \d+ running  [\d.]+k? run/s  [\d.]+ %CPU  every 0.3s$`)
	matches(m, `^ +ID NAME +TYPE +HISTORY +RUN/S +TIME +%CPU▼ MISS/S FULL$`)
	matches(m, `^ *\d+ sched_switch_1 +\S+ +▁*[▁-█] +[\d.]+k? +[\d.]+(ns|µs) +\d+\.\d\d +[\d.]+k? +\d+%$`)
	// Filter, sort, reverse.
	m.Press("/", "i", "n", "t", "e", "r", "v", "Enter")
	m.Wait("one program", func(s string) bool { return strings.Contains(s, "interval_") && !strings.Contains(s, "sched_switch_1") })
	m.WaitFor(`match "interv", Esc for all`)
	m.Press("Escape")
	m.WaitFor("sched_switch_1")
	m.Press("s", "n")
	matches(m, `NAME▲`)
	m.Press("r")
	matches(m, `NAME▼`)
	m.Press(">", ">")
	matches(m, `RUN/S▼`)
	// Idle programs are hidden and shown again.
	m.Press("i")
	m.Wait("no idle program", func(s string) bool { return strings.Contains(s, "sched_switch_1") && !strings.Contains(s, "interval_") })
	m.Press("i")
	m.WaitFor("interval_")
	// Look into the program.
	m.Press("/")
	for _, r := range fmt.Sprintf("%d skep", pid) {
		m.Press(string(r))
	}
	m.Press("Enter", "R", "g")
	matches(m, fmt.Sprintf(`^3 match "%d skep"`, pid))
	m.Press("Enter")
	matches(m, `^\d+ sched_switch_1  \w+  tag [0-9a-f]{16}  age \d+s  (running|missed)$`)
	matches(m, `^owner +\d+ skep$`)
	matches(m, `^\d+ +at_top_switch +percpu_hash +16 +8 +[1-9]\d* +4096 +\d+ +[\d.]+[KM]$`)
	matches(m, `^\[\S+, \S+\) +\d+ █+$`)
	m.Press("Tab", "Tab", "Tab")
	matches(m, `^where its time goes$`)
	matches(m, `^(\d+ samples?, with what it calls in the kernel|not seen in any sample yet)$`)
	m.Press("Tab")
	m.WaitFor("; tracepoint:sched:sched_switch { @top_switch[comm] = count(); }")
	m.WaitFor("call bpf_get_current_task_btf#")
	// Another size.
	m.Resize(160, 50)
	m.Press("q")
	matches(m, ` OWNER +ATTACHED TO$`)
	if testkit.Kernel("6.6").Missing() == "" {
		matches(m, fmt.Sprintf(`sched_switch_1 .* %d skep +tracepoint sched:sched_switch$`, pid))
	}
	m.Press("Escape")
	m.Resize(40, 8)
	matches(m, `^skep top  \d\d:\d\d:\d\d  \d+ programs`)
	m.Wait("few rows", func(s string) bool { return !strings.Contains(s, "OWNER") && strings.Contains(s, "RUN/S") })
	m.Resize(80, 24)
	m.Press("?")
	m.WaitFor("Statistics of the kernel are on")
	m.Press("q", "d", "2", "Enter") // Escape and d at once are Alt-d
	m.WaitFor("every 2s")
	m.Press("p")
	m.WaitFor("PAUSED")
	m.Press("p", "-")
	m.WaitFor("every 1s")
	m.Press("q")
	m.WaitFor("status 0")
	// What was there before is there again.
	testkit.Equal(t, "the terminal", before, m.State())
	if s := m.Screen(); strings.Contains(s, "HISTORY") {
		t.Errorf("something is left on the screen:\n%s", s)
	}
}

// TestTopEnds ends `skep top` in all ways; the terminal is as it was before.
func TestTopEnds(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	m := tmux.Start(t, 80, 24)
	before := m.State()
	for i, c := range []struct {
		line string
		keys []string
	}{
		{"skep top", []string{"C-c"}},
		{"skep top", []string{"Enter", "h", "C-c"}},
		{"skep top", []string{"Escape"}},
		{"skep top -n 2 -d 0.3", nil},
		{"sh -c '(sleep 2; kill -TERM $$) & exec skep top'", nil},
		{"sh -c '(sleep 2; kill -INT $$) & exec skep top'", nil},
		{"sh -c '(sleep 2; kill -QUIT $$) & exec skep top'", nil},
	} {
		m.Type("clear")
		m.Wait("an empty screen", func(s string) bool { return !strings.Contains(s, "status-") })
		m.Type(fmt.Sprintf("PATH=%s:$PATH %s; echo status-$((%d+0)) $?", binDir, c.line, i))
		m.WaitFor("skep top  ")
		m.Press(c.keys...)
		m.WaitFor(fmt.Sprintf("status-%d 0", i))
		testkit.Equal(t, c.line, before, m.State())
	}
}

// TestTopStops stops `skep top` by Ctrl-Z and goes on; meanwhile the terminal is the shell's
// and the kernel counts nothing for it.
func TestTopStops(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	m := tmux.Start(t, 80, 24)
	before := m.State()
	m.Type(filepath.Join(binDir, "skep") + " top -d 0.3")
	m.WaitFor("every 0.3s")
	counts := `echo statistics-$(ls -l /proc/$(jobs -p)/fd | grep -c bpf-stats)`
	m.Press("C-z")
	m.WaitFor("Stopped")
	testkit.Equal(t, "the stopped terminal", before, m.State())
	m.Type(counts)
	m.WaitFor("statistics-0")
	m.Type("clear; fg")
	matches(m, `%CPU▼`)
	m.Press("p") // what is paused stays so
	m.WaitFor("PAUSED")
	m.Press("C-z")
	m.WaitFor("Stopped")
	m.Type("clear; bg; fg")
	m.WaitFor("PAUSED")
	m.Press("q")
	m.Wait("the shell", func(s string) bool { return !strings.Contains(s, "PAUSED") })
	testkit.Equal(t, "the terminal", before, m.State())
}

// TestTopLocale: where the terminal shows ASCII only, units and arrows are readable.
func TestTopLocale(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	m := tmux.Start(t, 80, 24)
	busy(t)
	m.Type("LC_ALL=C " + filepath.Join(binDir, "skep") + " top -d 0.3")
	matches(m, `^ *\d+ sched_switch_1 .* [\d.]+(ns|us) `)
	matches(m, `%CPUv`)
	m.Press("q")
	m.Wait("the shell", func(s string) bool { return !strings.Contains(s, "%CPUv") })
	m.Type("LC_ALL=C " + filepath.Join(binDir, "skep") + " graph name sched_switch_1")
	m.WaitFor("|- map ")
	// Without a terminal's kind there are tables.
	m.Type("clear; env -u TERM " + filepath.Join(binDir, "skep") + " top -n 1 -d 0.3 name sched_switch_1; echo status $?")
	m.WaitFor("status 0")
	if s := m.Screen(); !strings.Contains(s, "RUN/S") || strings.Contains(s, "HISTORY") {
		t.Errorf("without TERM:\n%s", s)
	}
}
