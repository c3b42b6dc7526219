//go:build linux

package tools

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// patience bounds each wait for something that has to happen.
const patience = 60 * time.Second

// guestSkep is where guests have the binary.
const guestSkep = "/test/bin/skep"

// TestGuests runs the tools in each booted kernel, where they have a disk of their own.
func TestGuests(t *testing.T) {
	vm.Package(t, "^Test(Tcplife$|Biolatency|Readahead|Gone)", func(c *vm.Config) {
		c.Files = append(c.Files, vm.File{Host: skep(t), Guest: guestSkep})
		c.Disk = 64
		c.Timeout = 8 * time.Minute
	})
}

// skepBinary is the binary under test, built when the first test asks for it.
var skepBinary = sync.OnceValues(func() (string, error) {
	if vm.InGuest() {
		return guestSkep, nil
	}
	return builtSkep(), vm.Build(builtSkep(), "github.com/skep-bpf/skep/cmd/skep")
})

// builtSkep is where the binary is built.
func builtSkep() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("skep-tools-test-%d", os.Getpid()))
}

func skep(t testing.TB) string {
	t.Helper()
	path, err := skepBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	flag.Parse()
	if url := os.Getenv(fetchEnv); url != "" {
		os.Exit(fetch(url))
	}
	code := m.Run()
	_ = os.Remove(builtSkep()) // where it was built
	os.Exit(code)
}

// session is a tool that runs beside the test.
type session struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err output
	done     chan error
}

// output gathers what a command prints, and tells of news.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	news chan struct{} // has room for one
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.news <- struct{}{}:
	default:
	}
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// attached is the line by which skep says that all probes are attached, when it's asked
// to by this variable of its environment. It's no part of what a tool prints.
const attached = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"

// start runs a tool and returns when its probes are attached.
func start(t *testing.T, args ...string) *session {
	t.Helper()
	s := &session{t: t, cmd: exec.Command(skep(t), args...), done: make(chan error, 1)}
	s.out.news, s.err.news = make(chan struct{}, 1), make(chan struct{}, 1)
	s.cmd.Env = append(os.Environ(), attached+"=1")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.await(&s.out, "attaches", func(text string) bool { return strings.Contains(text, attached) })
	return s
}

// await waits until what the tool printed satisfies ok.
func (s *session) await(o *output, what string, ok func(string) bool) {
	s.t.Helper()
	timeout := time.After(patience)
	for !ok(o.String()) {
		select {
		case <-o.news:
		case err := <-s.done:
			s.t.Fatalf("skep ended before it %s: %v\n%s%s", what, err, s.out.String(), s.err.String())
		case <-timeout:
			s.t.Fatalf("skep hasn't within %v: it %s\n%s%s", patience, what, s.out.String(), s.err.String())
		}
	}
}

// end waits for the tool's end and returns what it printed. It must have succeeded
// without a word on stderr.
func (s *session) end() string {
	s.t.Helper()
	select {
	case err := <-s.done:
		if err != nil || s.err.String() != "" {
			s.t.Fatalf("skep: %v\n%s%s", err, s.out.String(), s.err.String())
		}
	case <-time.After(patience):
		s.t.Fatalf("skep goes on after %v\n%s%s", patience, s.out.String(), s.err.String())
	}
	return strings.Replace(s.out.String(), attached+"\n", "", 1)
}

// interrupt ends the tool as Ctrl-C does and returns what it printed.
func (s *session) interrupt() string {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		s.t.Fatal(err)
	}
	return s.end()
}

// refused runs a tool that has to fail and returns its exit status and its words.
func refused(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command(skep(t), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// live are the needs of tests on this machine's kernel.
func live(t *testing.T, more ...testkit.Requirement) {
	t.Helper()
	testkit.Need(t, append([]testkit.Requirement{testkit.Root(), testkit.Feature("btf"), testkit.Feature("tracefs")}, more...)...)
}
