package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Held is a process that exists, and has its process id, before the program that it's to
// execute: a copy of this one, in which nothing happens but a read of a pipe. What is seen
// of it from outside is the end of that read, the execve, and what the program does.
//
// It's a child of this process, which has to wait for it.
type Held struct {
	pid    int
	start  int // a byte here lets it go
	failed int // its errors, as errno; end of file: the program runs
}

// ErrEnded is that a held process ended before it executed its program.
var ErrEnded = errors.New("the process has ended")

// Hold makes a process that will execute a program with arguments (the first of them its
// name) and environment. It has this process's standard files, process group, ignored and
// blocked signals, and gets death when this process ends. Close ends it.
func Hold(path string, args, env []string, death syscall.Signal) (*Held, error) {
	p := heldProcess{parent: os.Getpid(), death: uintptr(death)}
	var err error
	if p.path, err = unix.BytePtrFromString(path); err != nil {
		return nil, fmt.Errorf("hold %s: %w", path, err)
	}
	if p.args, err = syscall.SlicePtrFromStrings(args); err != nil {
		return nil, fmt.Errorf("hold %s: read its arguments: %w", path, err)
	}
	if p.env, err = syscall.SlicePtrFromStrings(env); err != nil {
		return nil, fmt.Errorf("hold %s: read its environment: %w", path, err)
	}
	if p.files, err = firstNofile(); err != nil {
		return nil, fmt.Errorf("hold %s: %w", path, err)
	}
	if err := unix.Pipe2(p.start[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("hold %s: %w", path, os.NewSyscallError("pipe2", err))
	}
	defer unix.Close(p.start[0])
	if err := unix.Pipe2(p.failed[:], unix.O_CLOEXEC); err != nil {
		unix.Close(p.start[1])
		return nil, fmt.Errorf("hold %s: %w", path, os.NewSyscallError("pipe2", err))
	}
	h := &Held{start: p.start[1], failed: p.failed[0]}
	pid, errno := p.fork()
	unix.Close(p.failed[1])
	if errno != 0 {
		h.Close()
		return nil, fmt.Errorf("hold %s: %w", path, os.NewSyscallError("clone", errno))
	}
	h.pid = int(pid)
	if err := h.ready(); err != nil {
		h.Close()
		unix.Wait4(h.pid, nil, 0, nil)
		return nil, fmt.Errorf("hold %s: %w", path, err)
	}
	return h, nil
}

// Pid is the process's id.
func (h *Held) Pid() int { return h.pid }

// ready waits until the process is done with everything but its program.
func (h *Held) ready() error {
	errno, err := h.errno()
	switch {
	case err != nil:
		return err
	case errno != 0:
		return os.NewSyscallError("prctl", errno)
	}
	return nil
}

// Exec has the process execute its program, and returns once it does, or why it doesn't:
// ErrEnded, or execve's Errno.
func (h *Held) Exec() error {
	for {
		_, err := unix.Write(h.start, []byte{1})
		if err == nil {
			break
		}
		if err == unix.EPIPE {
			return ErrEnded
		}
		if err != unix.EINTR {
			return os.NewSyscallError("write", err)
		}
	}
	errno, err := h.errno()
	switch {
	case errors.Is(err, ErrEnded): // by execve, as a rule
		return nil
	case err != nil:
		return err
	}
	return errno
}

// errno reads what the process says of itself; ErrEnded when it says no more.
func (h *Held) errno() (syscall.Errno, error) {
	var b [errnoSize]byte
	for {
		n, err := unix.Read(h.failed, b[:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, ErrEnded
		default: // pipe(7): as short a text comes at once
			return syscall.Errno(binary.NativeEndian.Uint32(b[:])), nil
		}
	}
}

// Close gives up what Exec takes, if it's still there. A process that is still held ends.
func (h *Held) Close() {
	for _, fd := range []*int{&h.start, &h.failed} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// firstNofile is the limit on open files that this process was started with. Go raises
// the soft one for itself, and gives programs that it executes the first one; it tells
// nobody, but puts it back, and forgets it, when it executes a program: here none.
var firstNofile = sync.OnceValues(func() (unix.Rlimit, error) {
	var now, first unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return now, os.NewSyscallError("getrlimit", err)
	}
	syscall.Exec("", nil, nil) // ENOENT
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &first); err != nil {
		return now, os.NewSyscallError("getrlimit", err)
	}
	if first != now {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
			return now, os.NewSyscallError("setrlimit", err)
		}
	}
	return first, nil
})

// heldProcess is what a held process needs. It reads and writes nothing else: it's a copy
// of one thread of a program of many, the others of which may have held any lock.
type heldProcess struct {
	path          *byte
	args, env     []*byte // each ends with nil
	start, failed [2]int
	parent        int
	death         uintptr // a signal
	files         unix.Rlimit
	all, mask     uint64 // signals: all, and those that the process blocks
	action        sigaction
	said          uint32 // an errno
}

// errnoSize is the size of said.
const errnoSize = 4

// sigaction is struct sigaction of include/linux/signal_types.h, the handler being its
// first member, with room for every architecture's.
type sigaction struct {
	handler uintptr
	_       [7]uintptr
}

const (
	signals    = 64 // _NSIG
	sigsetSize = signals / 8
	sigIgn     = 1 // SIG_IGN
)

// fork makes the process and returns its id. Its thread blocks all signals meanwhile, so
// that none of Go's handlers runs in the copy.
func (p *heldProcess) fork() (uintptr, syscall.Errno) {
	p.all = ^uint64(0)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	return p.clone()
}

// clone is the part of fork that both processes return from the middle of.
//
//go:norace
//go:nosplit
func (p *heldProcess) clone() (uintptr, syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.all)), uintptr(unsafe.Pointer(&p.mask)), sigsetSize, 0, 0)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		p.wait()
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.mask)), 0, sigsetSize, 0, 0)
	return pid, errno
}

// wait is all that the process does; it doesn't return. Signals have their defaults again
// where Go handles them, before any can arrive.
//
//go:norace
//go:nosplit
func (p *heldProcess) wait() {
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(p.start[1]), 0, 0)
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(p.failed[0]), 0, 0)
	if _, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, p.death, 0, 0, 0, 0); errno != 0 {
		p.say(errno)
		p.exit()
	}
	if ppid, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); int(ppid) != p.parent {
		p.exit()
	}
	for sig := uintptr(1); sig <= signals; sig++ {
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&p.action)), sigsetSize, 0, 0)
		if p.action.handler > sigIgn {
			p.action = sigaction{}
			syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&p.action)), 0, sigsetSize, 0, 0)
		}
	}
	syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&p.files)), 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.mask)), 0, sigsetSize, 0, 0)
	p.say(0)
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(p.start[0]), uintptr(unsafe.Pointer(&p.said)), 1)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			p.exit() // the other process gave it up
		}
		break
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)), uintptr(unsafe.Pointer(&p.args[0])), uintptr(unsafe.Pointer(&p.env[0])))
	p.say(errno)
	p.exit()
}

// say tells the other process an error, or by 0 that all is ready.
//
//go:norace
//go:nosplit
func (p *heldProcess) say(errno syscall.Errno) {
	p.said = uint32(errno)
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.failed[1]), uintptr(unsafe.Pointer(&p.said)), errnoSize)
}

// exit ends the process, with a shell's status for what can't be executed.
//
//go:norace
//go:nosplit
func (p *heldProcess) exit() {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 127, 0, 0)
	}
}
