package run

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Child is the command of -c. It exists, and has its process id, from StartChild on, but
// executes its program only after Go, so that probes see all of it.
type Child struct {
	proc  *os.Process
	path  string // of its program
	held  *sys.Held
	done  chan struct{}
	alive atomic.Bool
}

// killAfter is how long a child that was asked to end may take.
const killAfter = 2 * time.Second

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
	held, err := sys.Hold(path, args, os.Environ(), syscall.SIGTERM)
	if err != nil {
		return nil, fmt.Errorf("start command: %w", err)
	}
	proc, err := os.FindProcess(held.Pid())
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("start command: %w", err)
	}
	c := &Child{proc: proc, path: path, held: held, done: make(chan struct{})}
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
	if err := c.held.Exec(); err != nil {
		return fmt.Errorf("start command: %w", err)
	}
	return nil
}

// Done is closed when the command has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Stop asks the command to end, and ends it when it doesn't. Also for one that never ran.
func (c *Child) Stop() {
	c.held.Close()
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
