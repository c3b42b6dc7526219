// Package tmux runs a program on a terminal whose keys a test presses and whose screen it
// reads: a private tmux server.
package tmux

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
)

// Terminal is a terminal with a shell; it's gone when the test ends.
type Terminal struct {
	t      testing.TB
	socket string
}

// patience is how long Wait waits, on a machine that is busy.
const patience = 30 * time.Second

// Start opens a terminal with a shell; without tmux the test is skipped.
func Start(t testing.TB, width, height int) *Terminal {
	t.Helper()
	testkit.Need(t, testkit.Linux(), testkit.Program("tmux"))
	term := &Terminal{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { term.command("kill-server").Run() })
	term.run("-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "env", "PS1=$ ", "sh")
	term.Wait("the shell", func(screen string) bool { return strings.HasPrefix(screen, "$") })
	return term
}

func (m *Terminal) command(args ...string) *exec.Cmd {
	c := exec.Command("tmux", append([]string{"-S", m.socket, "-u"}, args...)...)
	// The tests may run inside of tmux themselves.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TMUX") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG=") && !strings.HasPrefix(v, "COLUMNS=") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "LC_ALL=C.UTF-8")
	return c
}

func (m *Terminal) run(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Press presses keys by tmux's names ("j", "Enter", "C-c", "Escape") one after the other.
func (m *Terminal) Press(keys ...string) {
	m.t.Helper()
	for _, k := range keys {
		m.run("send-keys", "--", k)
	}
}

// Type types a line into the shell.
func (m *Terminal) Type(line string) {
	m.t.Helper()
	m.run("send-keys", "-l", "--", line)
	m.Press("Enter")
}

// Resize changes the terminal's size.
func (m *Terminal) Resize(width, height int) {
	m.t.Helper()
	m.run("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// Screen is what the terminal shows.
func (m *Terminal) Screen() string { m.t.Helper(); return m.run("capture-pane", "-p") }

// State is what the terminal is set to: whether a program has the other page, how the cursor
// looks, and what the driver does with keys.
func (m *Terminal) State() string {
	m.t.Helper()
	state := m.run("display-message", "-p", "alternate=#{alternate_on} cursor=#{cursor_flag} keypad=#{keypad_flag} mouse=#{mouse_any_flag} tty=#{pane_tty}")
	tty := strings.TrimSpace(state[strings.Index(state, "tty=")+4:])
	out, err := exec.Command("stty", "-a", "-F", tty).CombinedOutput()
	if err != nil {
		m.t.Fatalf("stty: %v\n%s", err, out)
	}
	return state + string(out)
}

// Wait waits until the screen is as wanted, and returns it.
func (m *Terminal) Wait(what string, ok func(screen string) bool) string {
	m.t.Helper()
	screen := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if screen = m.Screen(); ok(screen) {
			return screen
		}
	}
	m.t.Fatalf("waited for %s; the screen:\n%s", what, screen)
	return ""
}

// WaitFor waits until the screen has a text.
func (m *Terminal) WaitFor(text string) string {
	m.t.Helper()
	return m.Wait(fmt.Sprintf("%q", text), func(s string) bool { return strings.Contains(s, text) })
}
