package kern

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Version is a kernel version as KERNEL_VERSION(a, b, c) has it: a<<16 | b<<8 | c,
// with c no more than 255.
type Version uint32

// MakeVersion is KERNEL_VERSION.
func MakeVersion(a, b, c uint32) Version { return Version(a<<16 | b<<8 | min(c, 255)) }

// String is "6.12.48".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff) }

// Version is the running kernel's, of the root's proc.
func (k *Kernel) Version() (Version, error) {
	release, err := k.Release()
	if err != nil {
		return 0, err
	}
	detail := ""
	for _, file := range []string{"proc/version_signature", "proc/version"} {
		if b, err := fs.ReadFile(k.root, file); err == nil {
			detail += string(b)
		}
	}
	return ParseVersion(release, detail)
}

// Release is the kernel's release, such as "6.12.48+deb13-amd64".
func (k *Kernel) Release() (string, error) {
	b, err := fs.ReadFile(k.root, "proc/sys/kernel/osrelease")
	if errors.Is(err, fs.ErrNotExist) && k.live() {
		r, _, err := sys.Release()
		return r, err
	}
	if err != nil {
		return "", fmt.Errorf("read kernel release: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// ParseVersion reads a release ("6.1.0-40-amd64"). Debian and Ubuntu leave the last
// number at 0 and give the true version elsewhere: Debian in /proc/version
// ("… Debian 6.1.153-1 (…)"), Ubuntu as the last word of /proc/version_signature
// ("Ubuntu 5.15.0-91.101-generic 5.15.131"). detail is the text of those files.
func ParseVersion(release, detail string) (Version, error) {
	v, ok := leadingVersion(release)
	if !ok {
		return 0, fmt.Errorf("read kernel release: %q isn't a version", release)
	}
	words := strings.Fields(detail)
	for i, w := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		if w == "Debian" {
			if d, ok := leadingVersion(next); ok && d>>8 == v>>8 {
				return d, nil
			}
		}
		if w == "Ubuntu" && i == 0 && len(words) > 2 {
			if d, ok := leadingVersion(words[2]); ok {
				return d, nil
			}
		}
	}
	return v, nil
}

// leadingVersion reads "a.b[.c]" at the start of s.
func leadingVersion(s string) (Version, bool) {
	var n [3]uint32
	for i := range n {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		v, err := strconv.ParseUint(s[:digits], 10, 32)
		if err != nil {
			return 0, false
		}
		n[i], s = uint32(v), s[digits:]
		if !strings.HasPrefix(s, ".") {
			return MakeVersion(n[0], n[1], n[2]), i > 0
		}
		s = s[1:]
	}
	return MakeVersion(n[0], n[1], n[2]), true
}

// CPUs is a set of CPUs as the kernel lists them in /sys/devices/system/cpu.
type CPUs []int

const cpuDir = "sys/devices/system/cpu/"

// OnlineCPUs are the CPUs that run now.
func (k *Kernel) OnlineCPUs() (CPUs, error) { return k.cpuList("online") }

// PossibleCPUs are the CPUs that per-CPU maps have values for.
func (k *Kernel) PossibleCPUs() (CPUs, error) { return k.cpuList("possible") }

func (k *Kernel) cpuList(name string) (CPUs, error) {
	b, err := fs.ReadFile(k.root, cpuDir+name)
	if err != nil {
		return nil, fmt.Errorf("read %s CPUs: %w", name, err)
	}
	return ParseCPUs(strings.TrimSpace(string(b)))
}

// maxCPUs is above any kernel's NR_CPUS.
const maxCPUs = 1 << 16

// ParseCPUs reads a list such as "0-3,8,10-11".
func ParseCPUs(s string) (CPUs, error) {
	var cpus CPUs
	for part := range strings.SplitSeq(s, ",") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		a, err := strconv.Atoi(from)
		if err != nil {
			return nil, fmt.Errorf("read CPU list %q: %w", s, err)
		}
		b, err := strconv.Atoi(to)
		if err != nil {
			return nil, fmt.Errorf("read CPU list %q: %w", s, err)
		}
		if a < 0 || b < a || b >= maxCPUs {
			return nil, fmt.Errorf("read CPU list %q: bad range %s", s, part)
		}
		for c := a; c <= b; c++ {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}
