package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Child is the command of -c. It exists, and has its process id, from StartChild on, but
// executes its program only after Go, so that probes see all of it.
//
// Its process runs this same binary first, which waits for a byte on a pipe and then
// executes the command: main has to call ChildMain before anything else.
type Child struct {
	proc   *os.Process
	path   string   // of its program
	start  *os.File // a byte here starts the command
	failed *os.File // what went wrong; end of file: the command runs
	done   chan struct{}
	alive  atomic.Bool
}

// childArg0 is the name by which the binary knows that it's to become the command.
const childArg0 = "skep-child"

// Descriptors of the waiting process.
const (
	childStart  = 3
	childFailed = 4
)

// killAfter is how long a child that was asked to end may take.
const killAfter = 2 * time.Second

// isChild reports whether this process was started to become a command.
func isChild() bool { return len(os.Args) >= 3 && os.Args[0] == childArg0 }

// Executed by another thread than the first, the command would lose the perf events that
// are on this process: execve(2) then frees the task that they were opened for. The
// main goroutine is on the first thread for certain only while packages are initialized.
func init() {
	if isChild() {
		runtime.LockOSThread()
	}
}

// ChildMain turns this process into the command when it was started for that;
// otherwise it returns at once.
func ChildMain() {
	if !isChild() {
		return
	}
	failed := os.NewFile(childFailed, "failed")
	if syscall.Gettid() != os.Getpid() {
		fmt.Fprint(failed, "BUG: not on the first thread")
		os.Exit(127)
	}
	var b [1]byte
	if n, _ := os.NewFile(childStart, "start").Read(b[:]); n != 1 {
		os.Exit(1) // the session ended before it began
	}
	sys.SetCloexec(childStart, true)
	sys.SetCloexec(childFailed, true)
	err := syscall.Exec(os.Args[1], os.Args[2:], os.Environ())
	fmt.Fprint(failed, err)
	os.Exit(127)
}

// StartChild makes the process for a command, given as -c takes it: a program, searched
// in $PATH, and arguments, separated by blanks.
func StartChild(command string) (*Child, error) {
	args := strings.Fields(command)
	if len(args) == 0 {
		return nil, errors.New("start command: it's empty")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, fmt.Errorf("start command: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start command: %w", err)
	}
	startR, startW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start command: %w", err)
	}
	defer startR.Close()
	failedR, failedW, err := os.Pipe()
	if err != nil {
		startW.Close()
		return nil, fmt.Errorf("start command: %w", err)
	}
	defer failedW.Close()
	proc, err := os.StartProcess(self, append([]string{childArg0, path}, args...), &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, startR, failedW},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM},
	})
	if err != nil {
		startW.Close()
		failedR.Close()
		return nil, fmt.Errorf("start command: %w", err)
	}
	c := &Child{proc: proc, path: path, start: startW, failed: failedR, done: make(chan struct{})}
	c.alive.Store(true)
	go func() {
		proc.Wait()
		c.alive.Store(false)
		close(c.done)
	}()
	return c, nil
}

// Pid is the command's process id.
func (c *Child) Pid() int { return c.proc.Pid }

// Go executes the command and returns when it runs, or why it doesn't.
func (c *Child) Go() error {
	defer c.failed.Close()
	_, err := c.start.Write([]byte{1})
	c.start.Close()
	if err != nil {
		return fmt.Errorf("start command: %w", err)
	}
	why, err := io.ReadAll(c.failed)
	if err != nil {
		return fmt.Errorf("start command: %w", err)
	}
	if len(why) > 0 {
		return fmt.Errorf("start command: %s", why)
	}
	return nil
}

// Done is closed when the command has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Stop asks the command to end, and ends it when it doesn't. Also for one that never ran.
func (c *Child) Stop() {
	c.start.Close()
	if !c.alive.Load() {
		return
	}
	c.proc.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(killAfter):
		c.proc.Kill()
		<-c.done
	}
}
