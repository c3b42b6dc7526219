package sys_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// holdFor is set in the process that TestHoldAttributes looks at.
const holdFor = "SKEP_TEST_HOLD"

// A held process has what a shell gives: signals that were blocked, or ignored as those of
// nohup and of background jobs are, still are; no handlers; and the limit on open files
// that Go has raised for itself.
func TestHoldAttributes(t *testing.T) {
	testkit.Need(t, testkit.Program("sh"), testkit.Program("cat"))
	if path := os.Getenv(holdFor); path != "" {
		runtime.LockOSThread()
		usr2 := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGUSR2 - 1)}}
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &usr2, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 { // what Go knows of the limit, it tells once
			h := hold(t, path, "cat", "/proc/self/status", "/proc/self/limits")
			if err := h.Exec(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, h)
		}
		return
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command("sh", "-c", `trap '' HUP INT; ulimit -S -n 321; exec "$0" -test.run '^TestHoldAttributes$'`, os.Args[0])
	again.Env = append(os.Environ(), holdFor+"="+cat)
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := regexp.MustCompile(`\s+`).ReplaceAllString(string(out), " ")
	for _, want := range []string{"SigBlk: 0000000000000800 SigIgn: 0000000000000003 SigCgt: 0000000000000000", "Max open files 321 "} {
		if n := strings.Count(text, want); n != 2 {
			t.Errorf("%q is there %d times, not twice:\n%s", want, n, out)
		}
	}
}

func TestHoldFails(t *testing.T) {
	file := t.TempDir() + "/garbage"
	if err := os.WriteFile(file, []byte("\x00\x01garbage"), 0o755); err != nil {
		t.Fatal(err)
	}
	h := hold(t, file, "garbage")
	if err := h.Exec(); !errors.Is(err, unix.ENOEXEC) {
		t.Errorf("executing garbage: %v, want ENOEXEC", err)
	}
	if got := waitFor(t, h).ExitStatus(); got != 127 {
		t.Errorf("status %d after a failed execve, want 127", got)
	}

	h = hold(t, file, "garbage")
	if err := syscall.Kill(h.Pid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := waitFor(t, h); got.Signal() != syscall.SIGTERM {
		t.Errorf("a held process that got SIGTERM ended with %v", got)
	}
	if err := h.Exec(); !errors.Is(err, sys.ErrEnded) {
		t.Errorf("executing in an ended process: %v, want ErrEnded", err)
	}

	h = hold(t, file, "garbage")
	h.Close()
	waitFor(t, h) // returns, so the process ended

	if _, err := sys.Hold("a\x00b", []string{"a"}, nil, 0); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a path with a zero byte: %v, want EINVAL", err)
	}
}

func hold(t *testing.T, path string, args ...string) *sys.Held {
	t.Helper()
	h, err := sys.Hold(path, args, os.Environ(), syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func waitFor(t *testing.T, h *sys.Held) unix.WaitStatus {
	t.Helper()
	var status unix.WaitStatus
	if _, err := unix.Wait4(h.Pid(), &status, 0, nil); err != nil {
		t.Fatal(err)
	}
	return status
}
