package target

import (
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// initPidNS is the inode of the first pid namespace (PROC_PID_INIT_INO,
// include/linux/proc_ns.h).
const initPidNS = 0xeffffffc

// StackFrames is the most frames that the kernel walks (kernel.perf_event_max_stack).
func (e *Env) StackFrames() uint16 {
	text, err := fs.ReadFile(e.root, "proc/sys/kernel/perf_event_max_stack")
	if err != nil {
		return types.DefaultFrames
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil || n == 0 {
		return types.DefaultFrames
	}
	return uint16(n)
}

// Facts are the numbers of the machine. What can't be read stays at a safe value and is told by Err.
func (e *Env) Facts() *types.Facts {
	if e.facts != nil {
		return e.facts
	}
	f := &types.Facts{Arch: e.arch, NumCPU: 1, PageSize: os.Getpagesize()}
	if v, err := e.kernel.Version(); err != nil {
		e.trouble(err)
	} else {
		f.Kernel = uint32(v)
	}
	if cpus, err := e.kernel.PossibleCPUs(); err != nil {
		e.trouble(err)
	} else {
		f.NumCPU = cpus[len(cpus)-1] + 1
	}
	if dev, ino, err := sys.FileID("/proc/self/ns/pid"); err == nil && ino != initPidNS {
		f.PidNS, f.PidNSDev, f.PidNSIno = true, dev, ino
	}
	if t, err := sys.BootTime(); err == nil {
		f.BootTime = t
	}
	_, err := fs.Stat(e.root, "sys/kernel/btf/vmlinux")
	f.HasBTF = err == nil
	f.Features = e.features(kern.Version(f.Kernel), f.HasBTF)
	e.facts = f
	return f
}

// feature is a row of the table of features: the kernel that brought it, and the
// enumerator or function of BTF that tells of it, since distributions carry features back
// to older kernels.
type feature struct {
	set   func(*types.Features)
	since kern.Version
	sign  string
	kfunc bool // sign is a function, not an enumerator of bpf_func_id or bpf_attach_type
}

func features() []feature {
	v := kern.MakeVersion
	return []feature{
		{func(f *types.Features) { f.CgroupID = true }, v(4, 18, 0), "BPF_FUNC_get_current_cgroup_id", false},
		{func(f *types.Features) { f.ProbeReadKernel = true }, v(5, 5, 0), "BPF_FUNC_probe_read_kernel", false},
		{func(f *types.Features) { f.JiffiesHelper = true }, v(5, 5, 0), "BPF_FUNC_jiffies64", false},
		{func(f *types.Features) { f.Fentry = true }, v(5, 5, 0), "BPF_TRACE_FENTRY", false},
		{func(f *types.Features) { f.BootNS = true }, v(5, 8, 0), "BPF_FUNC_ktime_get_boot_ns", false},
		{func(f *types.Features) { f.Ringbuf = true }, v(5, 8, 0), "BPF_FUNC_ringbuf_reserve", false},
		{func(f *types.Features) { f.GetStackTask = true }, v(5, 9, 0), "BPF_FUNC_get_task_stack", false},
		{func(f *types.Features) { f.DPath = true }, v(5, 10, 0), "BPF_FUNC_d_path", false},
		// Atomics have no sign in BTF; for_each_map_elem came a release later.
		{func(f *types.Features) { f.AtomicFetch = true }, v(5, 12, 0), "BPF_FUNC_for_each_map_elem", false},
		{func(f *types.Features) { f.ForEachMap = true }, v(5, 13, 0), "BPF_FUNC_for_each_map_elem", false},
		{func(f *types.Features) { f.Cookie = true }, v(5, 15, 0), "BPF_FUNC_get_attach_cookie", false},
		{func(f *types.Features) { f.Loop = true }, v(5, 17, 0), "BPF_FUNC_loop", false},
		{func(f *types.Features) { f.StrNCmp = true }, v(5, 17, 0), "BPF_FUNC_strncmp", false},
		{func(f *types.Features) { f.KprobeMulti = true }, v(5, 18, 0), "BPF_TRACE_KPROBE_MULTI", false},
		{func(f *types.Features) { f.TaiNS = true }, v(6, 1, 0), "BPF_FUNC_ktime_get_tai_ns", false},
		{func(f *types.Features) { f.NumIter = true }, v(6, 4, 0), "bpf_iter_num_new", true},
		{func(f *types.Features) { f.UprobeMulti = true }, v(6, 6, 0), "BPF_TRACE_UPROBE_MULTI", false},
	}
}

// features decides by the version alone where that suffices: BTF isn't opened on a kernel that
// has everything.
func (e *Env) features(kernel kern.Version, hasBTF bool) types.Features {
	var out types.Features
	var signs map[string]bool
	for _, row := range features() {
		switch {
		case kernel >= row.since:
			row.set(&out)
		case !hasBTF:
		case row.kfunc:
			if _, ok := e.find(func(b *kern.BTF) (kern.Type, bool) { return b.Find(row.sign, kern.KindFunc) }); ok {
				row.set(&out)
			}
		default:
			if signs == nil {
				signs = e.enumerators("bpf_func_id", "bpf_attach_type")
			}
			if signs[row.sign] {
				row.set(&out)
			}
		}
	}
	out.Fentry = out.Fentry && hasBTF
	return out
}

func (e *Env) enumerators(enums ...string) map[string]bool {
	names := map[string]bool{}
	for _, enum := range enums {
		t, ok := e.find(func(b *kern.BTF) (kern.Type, bool) { return b.Find(enum, kern.KindEnum, kern.KindEnum64) })
		if !ok {
			continue
		}
		t.Enumerators(func(name string, _ uint64) bool {
			names[name] = true
			return true
		})
	}
	return names
}
