package helper

import (
	"strconv"
	"strings"
	"syscall"
)

// Strerror is the text of an error that a helper or system call returned, in the words of
// glibc's strerror(3), which bpftool and bpftrace print: Go's, with a capital.
func Strerror(errno syscall.Errno) string {
	if errno == 0 {
		return "Success"
	}
	text := errno.Error()
	if number := strconv.Itoa(int(errno)); text == "errno "+number {
		return "Unknown error " + number
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
