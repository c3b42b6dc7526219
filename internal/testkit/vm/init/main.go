//go:build linux

// Command init is the first process of a guest: it mounts the kernel's file systems, loads
// drivers, runs the one command that it was given and reports how that ended.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/testkit/vm/guest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err) // to the console
	}
	syscall.Sync()
	// QEMU, told not to reboot, ends.
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
	select {}
}

func run() error {
	text, err := os.ReadFile(guest.SetupFile)
	if err != nil {
		return err
	}
	var s guest.Setup
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if err := errors.Join(mountAll(), setKernel(), loadModules(s.Modules), setNetwork()); err != nil {
		return err
	}
	if s.Disk {
		if err := mountDisk(); err != nil {
			return err
		}
	}
	status, err := openPort(guest.PortStatus)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(guest.ArtefactDir, 0o755); err != nil {
		return err
	}
	code := runCommand(&s)
	if s.Artefacts {
		if err := sendArtefacts(); err != nil {
			fmt.Fprintln(os.Stderr, "init: send artefacts:", err)
		}
	}
	_, err = fmt.Fprintf(status, "exit %d\n", code)
	return errors.Join(err, status.Close())
}

// mounts are the file systems that programs expect, in order.
var mounts = []struct{ kind, dir, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", "mode=620,ptmxmode=666"},
	{"tmpfs", "/dev/shm", "mode=1777"},
	{"tmpfs", "/tmp", "mode=1777"},
	{"tmpfs", "/run", "mode=755"},
	{"securityfs", "/sys/kernel/security", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"bpf", "/sys/fs/bpf", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
}

func mountAll() error {
	for _, m := range mounts {
		_ = os.MkdirAll(m.dir, 0o755) // where it can't be made it's there
		if err := syscall.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	for name, to := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		if err := os.Symlink("/proc/self/fd"+to, "/dev/"+name); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// setKernel makes addresses and events visible, an oops fatal, and locked memory free
// (before Linux 5.11 BPF maps count as such).
func setKernel() error {
	for file, value := range map[string]string{
		"/proc/sys/kernel/kptr_restrict":       "0",
		"/proc/sys/kernel/perf_event_paranoid": "-1",
		"/proc/sys/kernel/panic_on_oops":       "1",
	} {
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return err
		}
	}
	const rlimitMemlock = 8
	all := syscall.Rlimit{Cur: ^uint64(0), Max: ^uint64(0)}
	return errors.Join(syscall.Setrlimit(rlimitMemlock, &all), syscall.Sethostname([]byte("vm")))
}

func loadModules(files []string) error {
	for _, f := range files {
		image, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		options := [1]byte{}
		_, _, errno := syscall.Syscall(syscall.SYS_INIT_MODULE,
			uintptr(unsafe.Pointer(&image[0])), uintptr(len(image)), uintptr(unsafe.Pointer(&options)))
		if errno != 0 && errno != syscall.EEXIST {
			return fmt.Errorf("load module %s: %w", f, errno)
		}
	}
	return nil
}

func mountDisk() error {
	if err := os.MkdirAll("/scratch", 0o755); err != nil {
		return err
	}
	return syscall.Mount("/dev/vda", "/scratch", "ext4", 0, "")
}

// portWait bounds the wait for a device that the kernel makes some time after its driver
// is loaded.
const portWait = 10 * time.Second

// openPort opens a virtio-serial port by its number.
func openPort(n int) (*os.File, error) {
	for end := time.Now().Add(portWait); ; time.Sleep(5 * time.Millisecond) {
		paths, _ := filepath.Glob(fmt.Sprintf("/dev/vport*p%d", n))
		err := os.ErrNotExist
		if len(paths) == 1 {
			var port *os.File
			if port, err = os.OpenFile(paths[0], os.O_WRONLY, 0); err == nil {
				return port, nil
			}
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("open port %d: %w", n, err)
		}
	}
}

// runCommand runs the command and returns its exit status as a shell counts. Its output
// goes through pipes, so that it may open /dev/stdout again: a port opens only once.
func runCommand(s *guest.Setup) int {
	var copies sync.WaitGroup
	var pipes [2]*os.File
	for i := range pipes {
		port, err := openPort(guest.PortOut + i)
		if err != nil {
			return 125
		}
		r, w, err := os.Pipe()
		if err != nil {
			return 125
		}
		pipes[i] = w
		copies.Go(func() {
			_, _ = io.Copy(port, r)
			port.Close()
		})
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin:/", "HOME=/root", "TMPDIR=/tmp"}, s.Env...)
	cmd.Stdout, cmd.Stderr = pipes[0], pipes[1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err := cmd.Run()
	if cmd.Process == nil {
		fmt.Fprintln(pipes[1], "init:", err)
	}
	// What the command left behind holds the pipes open.
	_ = syscall.Kill(-1, syscall.SIGKILL)
	pipes[0].Close()
	pipes[1].Close()
	copies.Wait()
	return exitStatus(cmd)
}

func exitStatus(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return 127
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
