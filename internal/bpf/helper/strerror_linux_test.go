package helper_test

import (
	"syscall"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/helper"
)

func TestStrerror(t *testing.T) {
	const enotsupp = 524 // the kernel's own
	for errno, want := range map[syscall.Errno]string{
		0: "Success", syscall.ENOENT: "No such file or directory", syscall.EIO: "Input/output error",
		syscall.ENOSPC: "No space left on device", syscall.ENODATA: "No data available", syscall.EL2NSYNC: "Level 2 not synchronized",
		syscall.EDOTDOT: "RFS specific error", syscall.ELIBSCN: ".lib section in a.out corrupted", enotsupp: "Unknown error 524",
	} {
		if got := helper.Strerror(errno); got != want {
			t.Errorf("error %d: %q, want %q", int(errno), got, want)
		}
	}
}
