//go:build linux

package e2e

import (
	"errors"
	"runtime"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// bpffs mounts a BPF file system at /sys/fs/bpf for the rest of the script, in namespaces of
// mounts and networks that are the script's own: with them it ends, and what is pinned there.
func bpffs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: bpffs")
	}
	runtime.LockOSThread() // for good: the thread ends with the script's goroutine
	ts.Check(errors.Join(
		syscall.Unshare(syscall.CLONE_NEWNS|syscall.CLONE_NEWNET|syscall.CLONE_FS),
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("bpf", "/sys/fs/bpf", "bpf", 0, "")))
}
