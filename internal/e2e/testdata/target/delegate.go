package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"unsafe"
)

// System calls and flags of mounting (include/uapi/linux/mount.h, asm-generic/unistd.h).
const (
	sysMoveMount, sysFsopen, sysFsconfig, sysFsmount = 429, 430, 431, 432

	fsconfigSetString, fsconfigCreate = 1, 6
	moveMountEmptyPath                = 4
	atFDCWD                           = -100
)

// delegate runs "delegated DIR CMD…" as root of a new user namespace, with a bpffs that has
// been given options of this one: `delegate OPTIONS DIR CMD…`.
func delegate(args []string) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ours, theirs := pair[0], os.NewFile(uintptr(pair[1]), "pair")
	cmd := exec.Command("/proc/self/exe", append([]string{"delegated"}, args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	all := []syscall.SysProcIDMap{{Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: all, GidMappings: all,
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	theirs.Close()
	if err := configure(ours, args[0]); err != nil {
		syscall.Close(ours) // the child sees it, and ends
		return errors.Join(err, cmd.Wait())
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for s := range stop {
			_ = cmd.Process.Signal(s)
		}
	}()
	return cmd.Wait()
}

// configure gives the file system that comes over the socket its options, "delegate_cmds=any,…", and makes it.
func configure(socket int, options string) error {
	oob := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := syscall.Recvmsg(socket, make([]byte, 1), oob, 0)
	if err != nil {
		return err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("receive a file system: %d messages, %v", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	for _, option := range strings.Split(options, ",") {
		key, value, ok := strings.Cut(option, "=")
		if !ok {
			continue
		}
		if err := fsconfig(fds[0], fsconfigSetString, key, value); err != nil {
			return fmt.Errorf("set %s: %w", option, err)
		}
	}
	if err := fsconfig(fds[0], fsconfigCreate, "", ""); err != nil {
		return fmt.Errorf("make bpffs: %w", err)
	}
	_, err = syscall.Write(socket, []byte{1})
	return err
}

func fsconfig(fd, command int, key, value string) error {
	var k, v *byte
	if key != "" {
		k, v = &append([]byte(key), 0)[0], &append([]byte(value), 0)[0]
	}
	_, _, errno := syscall.Syscall6(sysFsconfig, uintptr(fd), uintptr(command),
		uintptr(unsafe.Pointer(k)), uintptr(unsafe.Pointer(v)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// delegated opens a bpffs of this user namespace, has it configured by the other end of
// descriptor 3, mounts it at args[0], and becomes the rest of args.
func delegated(args []string) error {
	const socket = 3
	name := append([]byte("bpf"), 0)
	fs, _, errno := syscall.Syscall(sysFsopen, uintptr(unsafe.Pointer(&name[0])), 1, 0)
	if errno != 0 {
		return fmt.Errorf("open bpffs: %w", errno)
	}
	if err := syscall.Sendmsg(socket, []byte{1}, syscall.UnixRights(int(fs)), nil, 0); err != nil {
		return err
	}
	if n, err := syscall.Read(socket, make([]byte, 1)); n != 1 {
		return fmt.Errorf("wait for options: %d, %w", n, err)
	}
	syscall.Close(socket)
	mount, _, errno := syscall.Syscall(sysFsmount, fs, 1, 0)
	if errno != 0 {
		return fmt.Errorf("mount bpffs: %w", errno)
	}
	empty, dir, cwd := []byte{0}, append([]byte(args[0]), 0), atFDCWD
	_, _, errno = syscall.Syscall6(sysMoveMount, mount, uintptr(unsafe.Pointer(&empty[0])),
		uintptr(cwd), uintptr(unsafe.Pointer(&dir[0])), moveMountEmptyPath, 0)
	if errno != 0 {
		return fmt.Errorf("mount bpffs at %s: %w", args[0], errno)
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args[1:], os.Environ())
}
