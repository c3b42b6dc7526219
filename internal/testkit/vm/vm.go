//go:build linux

// Package vm boots real kernels in QEMU, without KVM, and runs programs in them: tests of
// other packages on each kernel series, and skep itself. The guest has no shell: its first
// process is vm/init, which mounts, loads modules, runs one command and reports.
package vm

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/skep-bpf/skep/internal/testkit/vm/guest"
)

// File is a file or directory of this machine that the guest gets at Guest.
type File struct{ Host, Guest string }

// Config says what to boot and to run.
type Config struct {
	Kernel         *Kernel
	Args           []string // the command, by its path in the guest
	Files          []File
	Env            []string // added to PATH, HOME and TMPDIR
	Dir            string   // the command's working directory; "/" by default
	Stdout, Stderr io.Writer
	Timeout        time.Duration // of all, boot included; 2 minutes by default
	Memory         int           // MiB; 1024 by default
	CPUs           int           // 2 by default
	Disk           int           // MiB of a scratch disk with ext4 at /scratch; 0: none
	Append         string        // more kernel parameters
	Modules        []string      // more kernel modules to load
	Artefacts      string        // folder of this machine for what the command leaves in /artefacts; "": nowhere
}

// modules are the drivers that a guest needs; what a kernel has built in isn't looked for.
var modules = []string{"virtio_pci", "virtio_console", "virtio_blk", "veth"}

// ports are the guest's serial ports, in the order of their numbers in package guest.
var ports = []string{"out", "err", "status", "artefacts"}

// Run boots the kernel, runs the command as root and returns its exit status. The error
// tells what went wrong with the guest, with the kernel's last words; a command that fails
// or is killed (128 + signal) is none. The guest has this machine's libc and some small
// programs.
func Run(ctx context.Context, c Config) (int, error) {
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "skep-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := prepare(&c, dir); err != nil {
		return 0, fmt.Errorf("prepare guest: %w", err)
	}
	var status bytes.Buffer
	left, err := os.Create(filepath.Join(dir, "artefacts.tar"))
	if err != nil {
		return 0, fmt.Errorf("prepare guest: %w", err)
	}
	defer left.Close()
	streams, err := listen(dir, []io.Writer{orDiscard(c.Stdout), orDiscard(c.Stderr), &status, left})
	if err != nil {
		return 0, fmt.Errorf("prepare guest: %w", err)
	}
	var qemuErr bytes.Buffer
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", qemuArgs(&c, dir)...)
	cmd.Stderr = &qemuErr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runErr := cmd.Run()
	streams.close()
	said, ok := strings.CutPrefix(strings.TrimSpace(status.String()), "exit ")
	if !ok {
		return 0, noResult(ctx, dir, runErr, &qemuErr)
	}
	code, err := strconv.Atoi(said)
	if err == nil && c.Artefacts != "" {
		err = unpack(left, c.Artefacts)
	}
	return code, errors.Join(err, streams.err())
}

// unpack writes the files of a tar archive below dir.
func unpack(archive *os.File, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = unpackOne(root, h, r)
		}
		if err != nil {
			return fmt.Errorf("unpack artefacts: %w", err)
		}
	}
}

func unpackOne(root *os.Root, h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(filepath.Clean(h.Name), 0o755)
	case tar.TypeReg:
		if err := root.MkdirAll(filepath.Dir(h.Name), 0o755); err != nil {
			return err
		}
		f, err := root.Create(h.Name)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	}
	return nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// prepare writes the initramfs and the disk.
func prepare(c *Config, dir string) error {
	initProgram, err := buildInit(dir)
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, "initrd"))
	if err != nil {
		return err
	}
	defer out.Close()
	a := newArchive(out)
	a.add(File{initProgram, "/init"})
	setup := guest.Setup{Args: c.Args, Env: append(c.Env, guestEnv+"=1"), Dir: c.Dir,
		Disk: c.Disk > 0, Artefacts: c.Artefacts != ""}
	for _, name := range slices.Concat(modules, c.Modules) {
		if name == "virtio_blk" && c.Disk == 0 {
			continue
		}
		files, err := c.Kernel.moduleFiles(name)
		if err != nil {
			return err
		}
		for _, f := range files {
			path := "/modules/" + f.name + ".ko"
			if a.file(path, 0o644, f.data) {
				setup.Modules = append(setup.Modules, path)
			}
		}
	}
	text, err := json.Marshal(setup)
	if err != nil {
		return err
	}
	a.file(guest.SetupFile, 0o644, text)
	programs, err := smallPrograms()
	if err != nil {
		return err
	}
	for _, f := range append(c.Files, programs...) {
		a.add(f)
	}
	if err := a.close(); err != nil {
		return err
	}
	if c.Disk > 0 {
		return makeDisk(filepath.Join(dir, "disk"), c.Disk)
	}
	return nil
}

func makeDisk(path string, mib int) error {
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(f.Truncate(int64(mib)<<20), f.Close())
	}
	if err != nil {
		return err
	}
	return command("mkfs.ext4", "-q", "-F", path)
}

// command runs a program of this machine; its error output is in the error.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// qemuArgs are QEMU's arguments. With a host thread for each guest CPU (its default)
// QEMU 7.2 loses races with the kernel's patching of its own code, and guests that attach
// programs freeze: thread=single.
func qemuArgs(c *Config, dir string) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	memory, cpus := c.Memory, c.CPUs
	if memory == 0 {
		memory = 1024
	}
	if cpus == 0 {
		cpus = 2
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "q35,usb=off", "-accel", "tcg,thread=single", "-cpu", "max",
		"-smp", strconv.Itoa(cpus), "-m", strconv.Itoa(memory),
		"-kernel", c.Kernel.Image, "-initrd", in("initrd"),
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check tsc=reliable " +
			"nowatchdog lsm=lockdown,capability,bpf " + c.Append,
		"-serial", "file:" + in("console"),
		"-device", "virtio-serial-pci,max_ports=8",
	}
	for i, name := range ports {
		args = append(args,
			"-chardev", "socket,id="+name+",path="+in(name),
			"-device", fmt.Sprintf("virtserialport,nr=%d,chardev=%s", i+1, name))
	}
	if c.Disk > 0 {
		args = append(args, "-drive", "if=virtio,format=raw,cache=unsafe,file="+in("disk"))
	}
	return args
}

// streams copy what the guest's ports send.
type streams struct {
	listeners []net.Listener
	copies    sync.WaitGroup
	mu        sync.Mutex
	errs      []error
}

func listen(dir string, to []io.Writer) (*streams, error) {
	s := &streams{}
	for i, name := range ports {
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			s.close()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
		s.copies.Go(func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if _, err := io.Copy(to[i], conn); err != nil {
				s.mu.Lock()
				s.errs = append(s.errs, fmt.Errorf("copy the guest's port %s: %w", name, err))
				s.mu.Unlock()
			}
		})
	}
	return s, nil
}

// close waits for what is under way; a port that QEMU never opened ends too.
func (s *streams) close() {
	for _, l := range s.listeners {
		l.Close()
	}
	s.copies.Wait()
}

// err is what went wrong with copying, such as a full disk; to be called after close.
func (s *streams) err() error { return errors.Join(s.errs...) }

// noResult explains a guest that ended without a status.
func noResult(ctx context.Context, dir string, err error, qemu *bytes.Buffer) error {
	console, _ := os.ReadFile(filepath.Join(dir, "console"))
	said := lastLines(strings.ReplaceAll(string(console), "\r", ""), 30)
	if text := strings.TrimSpace(qemu.String()); text != "" {
		said += "\nqemu: " + text
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return fmt.Errorf("run guest: no exit status: %w\n%s", err, said)
}

// lastLines are the last n lines of a text, or those from a kernel's panic on.
func lastLines(text string, n int) string {
	list := strings.Split(strings.TrimSpace(text), "\n")
	from := max(len(list)-n, 0)
	for i, line := range list {
		if strings.Contains(line, "Kernel panic") || strings.Contains(line, "BUG:") || strings.Contains(line, "Oops") {
			from = min(from, i)
			break
		}
	}
	return strings.Join(list[from:], "\n")
}
