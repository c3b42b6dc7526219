package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// contain runs "contained N" in new mount and pid namespaces.
func contain(args []string) {
	cmd := exec.Command("/proc/self/exe", append([]string{"contained"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// app is where the container has this program, and nobody else.
const app = "/bin/app"

// contained makes the container's root directory, which is in memory and which no other
// namespace sees, and becomes its program: that waits until stdin ends, then calls
// main.Called and generated code n times.
func contained(n int) {
	if _, err := os.Stat(app); err != nil {
		if err := enterRoot(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		err := syscall.Exec(app, os.Args, os.Environ())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("contained", os.Getpid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	for i := range n {
		Called(i + 1)
	}
	exitOn(jit(n))
}

func enterRoot() error {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	const root = "/tmp"
	// As switch_root does it: pivot_root isn't allowed where / is an initramfs.
	return errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("root", root, "tmpfs", 0, ""),
		os.MkdirAll(root+"/bin", 0o755),
		os.Mkdir(root+"/tmp", 0o755),
		os.WriteFile(root+app, program, 0o755),
		os.Chdir(root),
		syscall.Mount(".", "/", "", syscall.MS_MOVE, ""),
		syscall.Chroot("."),
		os.Chdir("/"),
	)
}
