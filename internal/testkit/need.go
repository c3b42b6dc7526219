package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Requirement is something that a test needs of its machine.
type Requirement struct {
	Name string
	// Missing says why the machine hasn't got it; "" when it has. A test is skipped for
	// this reason only, so that nothing is skipped on a machine that has all it needs.
	Missing func() string
}

// Need skips the test when the machine lacks a requirement, and names the first one. In a
// guest, which has everything, a skip is a failure (package vm).
func Need(t testing.TB, reqs ...Requirement) {
	t.Helper()
	for _, r := range reqs {
		if why := r.Missing(); why != "" {
			t.Skipf("needs %s: %s", r.Name, why)
		}
	}
}

// Root is the right to load BPF programs of all kinds.
func Root() Requirement {
	return Requirement{"root", func() string {
		if os.Geteuid() != 0 {
			return fmt.Sprintf("user id is %d", os.Geteuid())
		}
		return ""
	}}
}

// Linux is a Linux kernel.
func Linux() Requirement {
	return Requirement{"Linux", func() string {
		if runtime.GOOS != "linux" {
			return "this is " + runtime.GOOS
		}
		return ""
	}}
}

// Kernel is at least that version ("5.15").
func Kernel(least string) Requirement {
	return Requirement{"Linux " + least, func() string {
		release, err := os.ReadFile("/proc/sys/kernel/osrelease")
		if err != nil {
			return err.Error()
		}
		have := strings.TrimSpace(string(release))
		if versionLess(have, least) {
			return "this is Linux " + have
		}
		return ""
	}}
}

// versionLess compares major and minor numbers.
func versionLess(a, b string) bool {
	majorA, minorA := version(a)
	majorB, minorB := version(b)
	return majorA < majorB || majorA == majorB && minorA < minorB
}

func version(s string) (major, minor int) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) > 0 {
		major, _ = strconv.Atoi(parts[0])
	}
	if len(parts) > 1 {
		minor, _ = strconv.Atoi(parts[1])
	}
	return major, minor
}

// Program is a command of the machine's path.
func Program(name string) Requirement {
	return Requirement{"program " + name, func() string {
		if _, err := exec.LookPath(name); err != nil {
			return "not in PATH"
		}
		return ""
	}}
}

// Env is an environment variable that must be set, such as one that asks for slow tests.
func Env(name string) Requirement {
	return Requirement{"environment variable " + name, func() string {
		if os.Getenv(name) == "" {
			return "not set"
		}
		return ""
	}}
}

// File is a file or directory that must exist.
func File(path string) Requirement {
	return Requirement{path, func() string {
		if _, err := os.Stat(path); err != nil {
			return err.Error()
		}
		return ""
	}}
}

// Memory is so many bytes that are free, or can be freed, on Linux.
func Memory(bytes int64) Requirement {
	return Requirement{fmt.Sprintf("%d MiB of free memory", bytes>>20), func() string {
		info, err := os.ReadFile("/proc/meminfo")
		if err != nil {
			return err.Error()
		}
		_, rest, _ := strings.Cut(string(info), "MemAvailable:")
		f := strings.Fields(rest)
		if len(f) == 0 {
			return "/proc/meminfo doesn't tell what is available"
		}
		if kib, err := strconv.ParseInt(f[0], 10, 64); err != nil || kib<<10 < bytes {
			return "there are " + f[0] + " KiB"
		}
		return ""
	}}
}
