package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// EnableStats has the kernel count runs and run time of all programs until the descriptor
// is closed (BPF_ENABLE_STATS with BPF_STATS_RUN_TIME, kernel 5.8). Each run then reads the
// clock twice.
func EnableStats() (int, error) {
	a := struct{ typ uint32 }{} // BPF_STATS_RUN_TIME is 0
	return bpf(unix.BPF_ENABLE_STATS, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// TerminalWidth is how many columns the terminal of a descriptor has; 0: it's no terminal.
func TerminalWidth(fd int) int {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(w.Col)
}

// StopJob stops this process and those of its pipeline until the shell continues them.
func StopJob() error { return unix.Kill(0, unix.SIGTSTP) }
