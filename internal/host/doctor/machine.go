package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// floor is the oldest kernel that skep supports.
const floor = kern.Version(5<<16 | 10<<8)

func machineChecks() []check {
	return []check{
		{"kernel", (*exam).lookKernel},
		{"BTF", (*exam).lookBTF},
		{"tracefs", (*exam).lookTracefs},
		{"traceable functions", (*exam).lookFunctions},
		{"kernel symbols", (*exam).lookSymbols},
		{"JIT", (*exam).lookJIT},
		{"lockdown", (*exam).lookLockdown},
		{"cgroup2", (*exam).lookCgroup2},
	}
}

func userChecks() []check {
	return []check{
		{"capabilities", (*exam).lookCaps},
		{"unprivileged BPF", (*exam).lookUnprivileged},
		{"perf_event_paranoid", (*exam).lookParanoid},
		{"locked memory", (*exam).lookMemlock},
	}
}

func ok(format string, args ...any) Row { return Row{OK: true, Detail: fmt.Sprintf(format, args...)} }

func bad(reason, mend string) Row { return Row{Reason: reason, Mend: mend} }

func (e *exam) lookKernel() Row {
	release, err := e.kernel.Release()
	if err != nil {
		return bad(err.Error(), "mount proc")
	}
	if e.version < floor {
		return bad(fmt.Sprintf("%s is older than 5.10", release), "boot a kernel from 5.10 on")
	}
	return ok("%s (%s)", release, e.version)
}

func (e *exam) lookBTF() Row {
	b, err := e.kernel.BTF()
	if err != nil {
		return bad(err.Error(), "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; distributions' have it")
	}
	return ok("%d types, %d modules with their own", b.Len(), len(e.kernel.BTFModules()))
}

func (e *exam) lookTracefs() Row {
	t, err := e.kernel.Tracefs()
	switch {
	case errors.Is(err, fs.ErrPermission):
		return bad("it's readable for root only", "run as root, or `mount -o remount,mode=755 /sys/kernel/tracing`")
	case err != nil:
		return bad("it isn't mounted, and this user can't reach it otherwise", "mount -t tracefs nodev /sys/kernel/tracing")
	case t.Detached:
		return ok("not mounted; reached over a mount of skep's own that nobody sees")
	}
	return ok("mounted at %s", t.Path)
}

func (e *exam) lookFunctions() Row {
	n := 0
	err := e.kernel.TraceableFuncs(func(string, string) bool {
		n++
		return true
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("the kernel doesn't list them", "boot a kernel with CONFIG_DYNAMIC_FTRACE=y")
	case errors.Is(err, kern.ErrNoTracefs), errors.Is(err, fs.ErrPermission) && e.caps == 0:
		return bad("tracefs can't be read", "see tracefs")
	case err != nil:
		return bad(err.Error(), "wildcards of kprobe go by /proc/kallsyms meanwhile")
	}
	return ok("%d", n)
}

func (e *exam) lookSymbols() Row {
	hidden, n := true, 0
	err := e.kernel.Symbols(func(s kern.Symbol) bool {
		n++
		hidden = hidden && s.Addr == 0
		return hidden && n < 1000
	})
	switch {
	case err != nil || n == 0:
		return bad("/proc/kallsyms can't be read", "boot a kernel with CONFIG_KALLSYMS=y")
	case hidden && e.setting("kernel/kptr_restrict") == "2":
		return bad("addresses are hidden (kptr_restrict=2)", "sysctl kernel.kptr_restrict=1")
	case hidden:
		return bad("addresses are hidden from this user", "run as root")
	}
	return ok("addresses are shown (kptr_restrict=%s)", e.setting("kernel/kptr_restrict"))
}

// setting reads a file of /proc/sys; "?" when it can't.
func (e *exam) setting(name string) string {
	b, err := fs.ReadFile(e.root, "proc/sys/"+name)
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(b))
}

func (e *exam) lookJIT() Row {
	switch v := e.setting("net/core/bpf_jit_enable"); v {
	case "0":
		return bad("programs are interpreted, which is several times slower", "sysctl net.core.bpf_jit_enable=1")
	case "?":
		return ok("its setting isn't readable")
	default:
		return ok("on (bpf_jit_enable=%s)", v)
	}
}

func (e *exam) lookLockdown() Row {
	b, err := fs.ReadFile(e.root, "sys/kernel/security/lockdown")
	if err != nil {
		return ok("not built in, or securityfs isn't mounted")
	}
	_, mode, _ := strings.Cut(string(b), "[")
	mode, _, _ = strings.Cut(mode, "]")
	if mode == "confidentiality" {
		return bad("lockdown=confidentiality: BPF can't read the kernel's memory",
			"boot with lockdown=integrity or without Secure Boot")
	}
	return ok("%s", mode)
}

// cgroup2Dirs are where cgroup2 is mounted: alone, or beside version 1.
var cgroup2Dirs = [...]string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

func (e *exam) lookCgroup2() Row {
	for _, dir := range cgroup2Dirs {
		if kind, err := sys.FSType(dir); err == nil && kind == sys.Cgroup2Magic {
			return ok("mounted at %s", dir)
		}
	}
	return bad("not mounted: the builtin cgroup and cgroupid() tell nothing", "mount -t cgroup2 none /sys/fs/cgroup")
}

func (e *exam) lookCaps() Row {
	if e.caps.Has(sys.CapSysAdmin) {
		return ok("CAP_SYS_ADMIN")
	}
	if sys.InUserNamespace() {
		if _, err := sys.Token(); err != nil {
			return bad("none over the machine: this is a user namespace; "+err.Error(),
				"mount a bpffs with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs, and name it by "+sys.TokenPathVar)
		}
		return ok("those of a user namespace, with the BPF token of %s", sys.TokenPath())
	}
	var lacking []string
	for _, c := range []struct {
		cap  sys.Cap
		name string
	}{{sys.CapBPF, "CAP_BPF"}, {sys.CapPerfmon, "CAP_PERFMON"}} {
		if !e.caps.Has(c.cap) {
			lacking = append(lacking, c.name)
		}
	}
	if len(lacking) > 0 {
		return bad("lacking "+strings.Join(lacking, ", "), "run as root, or `setcap cap_bpf,cap_perfmon=ep` on the binary")
	}
	return ok("CAP_BPF, CAP_PERFMON")
}

func (e *exam) lookUnprivileged() Row {
	v := e.setting("kernel/unprivileged_bpf_disabled")
	_, tokenErr := sys.Token()
	if v != "0" && tokenErr != nil && !e.caps.Has(sys.CapBPF) && !e.caps.Has(sys.CapSysAdmin) {
		return bad("off (unprivileged_bpf_disabled="+v+"), and this user has no CAP_BPF", "run as root")
	}
	return ok("unprivileged_bpf_disabled=%s", v)
}

func (e *exam) lookParanoid() Row {
	v := e.setting("kernel/perf_event_paranoid")
	level, err := strconv.Atoi(v)
	if err == nil && level > -1 && !e.caps.Has(sys.CapPerfmon) && !e.caps.Has(sys.CapSysAdmin) {
		return bad("perf_event_paranoid="+v+", and this user has no CAP_PERFMON", "run as root, or `sysctl kernel.perf_event_paranoid=-1`")
	}
	return ok("%s", v)
}

// memcgCharged is the first kernel that charges BPF memory to the cgroup instead.
const memcgCharged = kern.Version(5<<16 | 11<<8)

func (e *exam) lookMemlock() Row {
	limit, unlimited, err := sys.MemlockLimit()
	switch {
	case err != nil:
		return bad(err.Error(), "")
	case e.version >= memcgCharged:
		return ok("not limited by RLIMIT_MEMLOCK since 5.11")
	case unlimited || e.caps.Has(sys.CapSysRes):
		return ok("unlimited")
	}
	return bad(fmt.Sprintf("RLIMIT_MEMLOCK is %d KiB", limit>>10), "ulimit -l unlimited")
}
