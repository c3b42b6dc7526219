//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// A map of 4 GiB. A dump of it takes memory for an element, and not for more.
const (
	hugeValue   = 4 << 10
	hugeEntries = 1 << 20
	dumpPeak    = 32 << 10 // KiB
)

// TestDumpOfHugeMap: a dump of a map of 4 GiB is printed as it's read. It ends without words
// when nobody reads it any more, as any command in a pipe does, and when it's interrupted.
func TestDumpOfHugeMap(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Memory(3*hugeValue*hugeEntries/2))
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: 2, KeySize: 4, ValueSize: hugeValue, MaxEntries: hugeEntries, Name: sys.ObjName("huge")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(fd) })
	info, err := sys.MapInfoByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"", "-j", "-p"} {
		args := []string{"map", "dump", "id", fmt.Sprint(info.ID)}
		if flag != "" {
			args = append(args, flag)
		}
		name := "text" + flag
		t.Run(name+" into a closed pipe", func(t *testing.T) {
			d := startDump(t, args)
			d.out.Close()
			d.endsBy(t, syscall.SIGPIPE)
		})
		t.Run(name+" up to five lines", func(t *testing.T) {
			d := startDump(t, args)
			in := bufio.NewReader(d.out)
			for range 5 {
				// JSON is one line, unless it's indented.
				if _, err := in.ReadString(map[string]byte{"": '\n', "-j": '}', "-p": '\n'}[flag]); err != nil {
					t.Fatal(err)
				}
			}
			d.takesLittle(t)
			d.out.Close()
			d.endsBy(t, syscall.SIGPIPE)
		})
		t.Run(name+" interrupted", func(t *testing.T) {
			d := startDump(t, args)
			if _, err := io.CopyN(io.Discard, d.out, 16<<20); err != nil {
				t.Fatal(err)
			}
			d.takesLittle(t)
			if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, d.out); err != nil {
				t.Fatal(err)
			}
			d.endsBy(t, syscall.SIGINT)
		})
	}
}

// dump is a running `skep map dump`.
type dump struct {
	cmd  *exec.Cmd
	out  *os.File // its standard output
	errs bytes.Buffer
}

func startDump(t *testing.T, args []string) *dump {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	d := &dump{cmd: exec.Command(filepath.Join(binDir, "skep"), args...), out: r}
	d.cmd.Stdout, d.cmd.Stderr = w, &d.errs
	if err := errors.Join(d.cmd.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.out.Close()
		d.cmd.Process.Kill() // it has ended, unless the test failed
	})
	return d
}

// takesLittle looks at the peak of a dump that waits for its reader, or goes on.
func (d *dump) takesLittle(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		t.Fatalf("no VmHWM in %s", status)
	}
	if kib, err := strconv.Atoi(f[0]); err != nil || kib > dumpPeak {
		t.Errorf("the dump takes %s KiB, want %d at most", f[0], dumpPeak)
	} else {
		t.Logf("%d KiB", kib)
	}
}

// endsBy waits for the dump's end, which a shell tells as 128 and the signal's number.
func (d *dump) endsBy(t *testing.T, signal syscall.Signal) {
	t.Helper()
	late := time.AfterFunc(30*time.Second, func() { d.cmd.Process.Kill() })
	defer late.Stop()
	if err := d.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	ws := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	status := ws.ExitStatus()
	if ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	if status != 128+int(signal) || d.errs.Len() != 0 {
		t.Errorf("status %d, want %d; it said %q", status, 128+int(signal), d.errs.String())
	}
}
