package sys

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// KernelVersion is the running kernel's as KERNEL_VERSION(a,b,c): a<<16 + b<<8 + c.
func KernelVersion() (uint32, error) {
	rel, _, err := Release()
	if err != nil {
		return 0, fmt.Errorf("read kernel version: %w", err)
	}
	var a, b, c uint32
	if n, _ := fmt.Sscanf(rel, "%d.%d.%d", &a, &b, &c); n < 2 {
		return 0, fmt.Errorf("read kernel version %q", rel)
	}
	return a<<16 | b<<8 | min(c, 255), nil
}

// OnlineCPUs are the CPUs that run.
func OnlineCPUs() ([]int, error) { return cpuList("online") }

// PossibleCPUs is the number of CPUs that per-CPU maps have values for.
func PossibleCPUs() (int, error) {
	cpus, err := cpuList("possible")
	if err != nil {
		return 0, err
	}
	return cpus[len(cpus)-1] + 1, nil
}

func cpuList(which string) ([]int, error) {
	data, err := os.ReadFile("/sys/devices/system/cpu/" + which)
	if err != nil {
		return nil, fmt.Errorf("read %s CPUs: %w", which, err)
	}
	cpus, err := parseCPUs(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("read %s CPUs: %w", which, err)
	}
	return cpus, nil
}

// parseCPUs reads the kernel's list form: "0-3,5".
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		lo, hi, ranged := strings.Cut(part, "-")
		first, err := strconv.Atoi(lo)
		if err != nil {
			return nil, fmt.Errorf("parse CPU list %q: %w", list, err)
		}
		last := first
		if ranged {
			if last, err = strconv.Atoi(hi); err != nil {
				return nil, fmt.Errorf("parse CPU list %q: %w", list, err)
			}
		}
		for c := first; c <= last; c++ {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}

// LiftMemlock lifts the limit on locked memory, which kernels before 5.11 charge maps
// and programs to.
func LiftMemlock() error {
	inf := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &inf); err != nil {
		return fmt.Errorf("lift the limit on locked memory: %w", err)
	}
	return nil
}

// LiftNofile raises the soft limit on open files to n, if the hard one allows.
func LiftNofile(n uint64) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("read the limit on open files: %w", err)
	}
	if l.Cur >= n {
		return nil
	}
	l.Cur = n
	l.Max = max(l.Max, n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raise the limit on open files: %w", err)
	}
	return nil
}

// AvailableMemory is MemAvailable of /proc/meminfo in bytes.
func AvailableMemory() (uint64, error) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read available memory: %w", err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		rest, ok := strings.CutPrefix(line, "MemAvailable:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read available memory: %w", err)
		}
		return kb * 1024, nil
	}
	return 0, fmt.Errorf("read available memory: no MemAvailable")
}
