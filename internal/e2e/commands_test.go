//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/testkit"
)

// patience bounds each wait for something that has to happen.
const patience = 60 * time.Second

// commands are those of the scripts besides testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"status":  status,
	"start":   start,
	"end":     end,
	"input":   input,
	"say":     say,
	"ask":     ask,
	"prints":  prints,
	"child":   child,
	"loaded":  loaded,
	"sum":     sum,
	"hive":    hive,
	"bpffs":   bpffs,
	"packets": packets,
	"cgroup":  cgroups,
}

// condition is [feature:NAME], a kernel feature of package testkit, or [kernel:VERSION],
// at least that kernel.
func condition(cond string) (bool, error) {
	if cond == "usdt" || cond == "unwound" {
		return exists(binDir + "/" + cond), nil
	}
	if cond == "config" { // of the kernel, to be read
		_, err := kern.New(os.DirFS("/")).Config("CONFIG_BPF")
		return err == nil, nil
	}
	kind, name, _ := strings.Cut(cond, ":")
	switch kind {
	case "feature":
		return testkit.Feature(name).Missing() == "", nil
	case "kernel":
		return testkit.Kernel(name).Missing() == "", nil
	case "secret":
		return secret(name)
	}
	return false, errors.New("unknown condition")
}

// secret reports whether others than root may not read something: tracefs, or the addresses
// in kallsyms, which kernel.perf_event_paranoid decides where kernel.kptr_restrict doesn't.
func secret(name string) (bool, error) {
	switch name {
	case "tracefs":
		info, err := os.Stat("/sys/kernel/tracing")
		return err == nil && info.Mode().Perm()&1 == 0, nil
	case "kallsyms":
		level, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
		if err != nil {
			return false, err
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(level)))
		return n > 1, err
	}
	return false, errors.New("unknown condition")
}

// status runs a command that must end with a status: `status 2 skep -x`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command args…")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

type sessionsKey struct{}

// session is a command that runs beside the script.
type session struct {
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	out, err lockedBuffer
	done     chan error
}

// lockedBuffer gathers output that another goroutine looks at.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start starts a command under a name and returns when its output has a line that matches:
// `start NAME REGEXP skep …`. What the command prints is in the files NAME.out and NAME.err
// after `end NAME`.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: start name regexp command args…")
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	s := &session{cmd: exec.Command(args[2], args[3:]...), done: make(chan error, 1)}
	// exec.Command looks in the tests' own PATH.
	if path := ts.Getenv("BIN") + "/" + args[2]; exists(path) {
		s.cmd.Path, s.cmd.Err = path, nil
	}
	s.cmd.Dir = ts.Getenv("WORK")
	s.cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	if v := ts.Getenv("BPFTRACE_SHOW_DEBUG_INFO"); v != "" {
		s.cmd.Env = append(s.cmd.Env, "BPFTRACE_SHOW_DEBUG_INFO="+v)
	}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	s.stdin, err = s.cmd.StdinPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	go func() { s.done <- s.cmd.Wait() }()
	ts.Defer(func() { _ = s.cmd.Process.Kill() })
	ts.Value(sessionsKey{}).(map[string]*session)[args[0]] = s
	await(ts, args[0]+" prints "+args[1], func() bool {
		select {
		case err := <-s.done:
			s.done <- err
			if !want.MatchString(s.out.String() + s.err.String()) {
				ts.Fatalf("%s ended: %v\n%s%s", args[0], err, s.out.String(), s.err.String())
			}
			return true
		default:
			return want.MatchString(s.out.String() + s.err.String())
		}
	})
	ts.Setenv("pid_"+args[0], strconv.Itoa(s.cmd.Process.Pid))
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// await polls for something that has to happen.
func await(ts *testscript.TestScript, what string, ok func() bool) {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// waitFor polls until ok, or the context's end.
func waitFor(ctx context.Context, ok func() bool) {
	for !ok() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// signals that end takes.
var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1}

// end waits for a started command to end, after a signal when one is given:
// `end NAME [INT]`; `! end` wants a status other than 0.
func end(ts *testscript.TestScript, neg bool, args []string) {
	s := started(ts, args)
	if len(args) > 1 {
		ts.Check(s.cmd.Process.Signal(signals[args[1]]))
	}
	var err error
	select {
	case err = <-s.done:
	case <-time.After(patience):
		ts.Fatalf("%s goes on after %v", args[0], patience)
	}
	for suffix, b := range map[string]*lockedBuffer{".out": &s.out, ".err": &s.err} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+suffix), []byte(b.String()), 0o644))
	}
	ts.Logf("%s%s", s.out.String(), s.err.String())
	if (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// started is the command that start gave the name args[0].
func started(ts *testscript.TestScript, args []string) *session {
	if len(args) == 0 {
		ts.Fatalf("usage: the name of a started command")
	}
	s, ok := ts.Value(sessionsKey{}).(map[string]*session)[args[0]]
	if !ok {
		ts.Fatalf("%s isn't started", args[0])
	}
	return s
}

// input ends a started command's standard input.
func input(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(started(ts, args).stdin.Close())
}

// say writes a line to a started command's standard input: `say NAME WORD…`.
func say(ts *testscript.TestScript, neg bool, args []string) {
	_, err := io.WriteString(started(ts, args).stdin, strings.Join(args[1:], " ")+"\n")
	ts.Check(err)
}

// ask says a line again and again until the command's output has one that matches:
// `ask NAME REGEXP WORD…`.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	s := started(ts, args)
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	last := time.Time{}
	await(ts, args[0]+" prints "+args[1], func() bool {
		if time.Since(last) > 100*time.Millisecond {
			say(ts, neg, append(args[:1:1], args[2:]...))
			last = time.Now()
		}
		return want.MatchString(s.out.String() + s.err.String())
	})
}

// prints waits until a started command's output has a line that matches: `prints NAME REGEXP`.
func prints(ts *testscript.TestScript, neg bool, args []string) {
	s := started(ts, args)
	if neg || len(args) != 2 {
		ts.Fatalf("usage: prints name regexp")
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	await(ts, args[0]+" prints "+args[1], func() bool { return want.MatchString(s.out.String() + s.err.String()) })
}

// child sets $child_NAME to the process that a started command has made.
func child(ts *testscript.TestScript, neg bool, args []string) {
	p := started(ts, args).cmd.Process.Pid
	path := fmt.Sprintf("/proc/%d/task/*/children", p)
	await(ts, args[0]+" makes a process", func() bool {
		files, err := filepath.Glob(path)
		ts.Check(err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			if ids := strings.Fields(string(data)); err == nil && len(ids) > 0 {
				ts.Setenv("child_"+args[0], ids[0])
				return true
			}
		}
		return false
	})
}

// loaded wants a BPF map of that name in the kernel, which keeps its programs; `! loaded`
// that there's none any more.
func loaded(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: loaded map")
	}
	await(ts, "map "+args[0]+" comes or goes", func() bool { return hasMap(args[0]) != neg })
}

func hasMap(name string) bool {
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue // it went meanwhile
		}
		info, err := m.Info()
		m.Close()
		if err == nil && info.Name == name {
			return true
		}
	}
	return false
}

// sum adds up the last number of each line of a file that matches, and wants that to be at
// least so much: `sum FILE REGEXP LEAST`.
func sum(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: sum file regexp least")
	}
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	least, err := strconv.Atoi(args[2])
	ts.Check(err)
	total := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		fields := strings.Fields(line)
		if want.MatchString(line) {
			n, err := strconv.Atoi(fields[len(fields)-1])
			ts.Check(err)
			total += n
		}
	}
	if total < least {
		ts.Fatalf("%d, want at least %d", total, least)
	}
}
