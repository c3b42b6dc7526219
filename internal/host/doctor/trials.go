package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unsafe"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/probe"
)

// trial is a kind of probe, or something that programs need, and how to try it.
type trial struct {
	item   string
	since  kern.Version
	config string // the kernel options that it takes
	detail string // of success; "": "tried"
	try    func(*exam) error
}

func trials() []trial {
	v := func(k probe.Kind) kern.Version { return kern.Version(k.Info().Since) }
	return []trial{
		{"ring buffer", kern.MakeVersion(5, 8, 0), "CONFIG_BPF_SYSCALL", "", tryRing},
		{"begin, end", v(probe.Begin), "CONFIG_BPF_EVENTS", "", tryRun},
		{"tracepoint", v(probe.Tracepoint), "CONFIG_EVENT_TRACING", "", tryTracepoint},
		{"rawtracepoint", v(probe.RawTracepoint), "CONFIG_BPF_EVENTS", "", tryRawTracepoint},
		{"kprobe", v(probe.Kprobe), "CONFIG_KPROBE_EVENTS", "", tryKprobe},
		{"kprobe, many at once", kern.MakeVersion(5, 18, 0), "CONFIG_FPROBE", "", tryKprobeMulti},
		{"fentry, fexit", v(probe.Fentry), "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "", tryFentry},
		{"uprobe, usdt", v(probe.Uprobe), "CONFIG_UPROBE_EVENTS", "", tryUprobe},
		{"uprobe, many at once", kern.MakeVersion(6, 6, 0), "CONFIG_UPROBES", "", tryUprobeMulti},
		{"profile, interval, software", v(probe.Profile), "CONFIG_PERF_EVENTS", "", trySoftware},
		{"hardware", v(probe.Hardware), "", "", tryHardware},
		{"watchpoint", v(probe.Watchpoint), "CONFIG_HAVE_HW_BREAKPOINT", "", tryWatchpoint},
		{"iter", v(probe.Iter), "CONFIG_BPF_SYSCALL", "", tryIter},
		{"LSM", kern.MakeVersion(5, 7, 0), "CONFIG_BPF_LSM", "", tryLSM},
	}
}

// try makes a trial into a row.
func (e *exam) try(t trial) Row {
	err := t.try(e)
	if err == nil {
		return ok("%s", cmp.Or(t.detail, "tried"))
	}
	capable := e.caps.Has(sys.CapSysAdmin) || e.caps.Has(sys.CapBPF) && e.caps.Has(sys.CapPerfmon)
	var own *reason
	switch {
	case e.version != 0 && e.version < t.since:
		return bad(fmt.Sprintf("kernel %s; it came with %d.%d", e.version, t.since>>16, t.since>>8&0xff), "boot a newer kernel")
	case errors.As(err, &own):
		return bad(own.text, own.mend)
	case refused(err) && !capable:
		return bad("not allowed for this user", "run as root")
	case refused(err):
		return bad("the kernel refuses it to root too: "+err.Error(), "a security module, lockdown or the host's policy forbids it")
	}
	mend := ""
	if t.config != "" {
		mend = "boot a kernel with " + t.config + "=y"
	}
	return bad(err.Error(), mend)
}

func refused(err error) bool {
	return errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) || errors.Is(err, fs.ErrPermission)
}

// reason is an error that knows its own words.
type reason struct{ text, mend string }

func (r *reason) Error() string { return r.text }

// Types that aren't probes' (enum bpf_prog_type, enum bpf_attach_type, enum bpf_map_type).
const (
	progLSM    = 29
	attachLSM  = 27
	mapRingbuf = 27
)

// returnZero is r0 = 0; exit.
var returnZero = [...]uint64{0xb7, 0x95}

// load loads a program that returns 0.
func load(kind, attach, btfID uint32) (int, error) {
	insns := returnZero
	license := [...]byte{'G', 'P', 'L', 0}
	return sys.ProgLoad(&sys.ProgLoadAttr{Type: kind, InsnCnt: uint32(len(insns)),
		Insns: unsafe.Pointer(&insns[0]), License: unsafe.Pointer(&license[0]),
		ExpectedAttachType: attach, AttachBTFID: btfID})
}

// withProg loads a program and uses it.
func withProg(kind probe.ProgType, attach probe.AttachType, btfID uint32, use func(fd int) (int, error)) error {
	fd, err := load(uint32(kind), uint32(attach), btfID)
	if err != nil {
		return fmt.Errorf("load program: %w", err)
	}
	defer sys.Close(fd)
	link, err := use(fd)
	if err != nil {
		return fmt.Errorf("attach program: %w", err)
	}
	return closeFD(link)
}

func closeFD(fd int) error {
	if fd < 0 {
		return nil
	}
	return sys.Close(fd)
}

func tryRing(*exam) error {
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapRingbuf, MaxEntries: 4096})
	if err != nil {
		return fmt.Errorf("create map: %w", err)
	}
	return sys.Close(fd)
}

func tryRun(*exam) error {
	return withProg(probe.ProgRawTracepoint, probe.AttachNone, 0, func(fd int) (int, error) {
		_, err := sys.ProgRun(fd, nil)
		return -1, err
	})
}

// quiet names a tracepoint that hardly ever fires.
const quietCategory, quietEvent = "module", "module_free"

func tryTracepoint(e *exam) error {
	ev, err := e.kernel.Event(quietCategory, quietEvent)
	if errors.Is(err, kern.ErrNoEvent) {
		ev, err = e.kernel.Event("sched", "sched_process_hang")
	}
	if err != nil {
		return &reason{"its description can't be read: " + err.Error(), "see tracefs"}
	}
	return perf(probe.ProgTracepoint, &sys.PerfEvent{Type: sys.PerfTracepoint, Config: ev.ID, Period: 1})
}

// perf opens an event on the first CPU and attaches a program to it.
func perf(kind probe.ProgType, event *sys.PerfEvent) error {
	return withProg(kind, probe.AttachNone, 0, func(prog int) (int, error) {
		fd, err := sys.PerfOpen(event)
		if err != nil {
			return -1, fmt.Errorf("open perf event: %w", err)
		}
		if err := sys.PerfSetBPF(fd, prog); err != nil {
			return -1, errors.Join(err, sys.Close(fd))
		}
		return fd, nil
	})
}

func (e *exam) typeID(name string, kind kern.TypeKind) (uint32, error) {
	b, err := e.kernel.BTF()
	if err != nil {
		return 0, &reason{"it needs BTF", "see BTF"}
	}
	t, found := b.Find(name, kind)
	if !found {
		return 0, fmt.Errorf("find %s in BTF: %w", name, fs.ErrNotExist)
	}
	return uint32(t.ID), nil
}

// tracing tries a program with a BTF target.
func (e *exam) tracing(kind probe.ProgType, attach probe.AttachType, target string, t kern.TypeKind) error {
	id, err := e.typeID(target, t)
	if err != nil {
		return err
	}
	return withProg(kind, attach, id, func(fd int) (int, error) { return sys.RawTracepointOpen("", fd) })
}

func tryRawTracepoint(e *exam) error {
	return e.tracing(probe.ProgTracing, probe.AttachTraceRawTP, "btf_trace_sched_process_hang", kern.KindTypedef)
}

// quietFunc is a function that every kernel has and that hardly ever runs.
const quietFunc = "kernel_halt"

func tryKprobe(e *exam) error {
	pmu, err := e.pmu("kprobe")
	if err != nil {
		return err
	}
	return perf(probe.ProgKprobe, &sys.PerfEvent{Type: pmu, Path: quietFunc})
}

// pmu is the number of a kernel's event source.
func (e *exam) pmu(name string) (uint32, error) {
	b, err := fs.ReadFile(e.root, "sys/bus/event_source/devices/"+name+"/type")
	if err != nil {
		return 0, fmt.Errorf("the kernel has no %ss", name)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	return uint32(n), err
}

func tryKprobeMulti(*exam) error {
	return withProg(probe.ProgKprobe, probe.AttachKprobeMulti, 0, func(fd int) (int, error) {
		return sys.LinkKprobeMulti(fd, uint32(probe.AttachKprobeMulti), &sys.KprobeMulti{Syms: []string{quietFunc}})
	})
}

func tryFentry(e *exam) error {
	return e.tracing(probe.ProgTracing, probe.AttachTraceFentry, quietFunc, kern.KindFunc)
}

// own is a place in the running binary that doesn't run any more: its entry.
func (e *exam) own() (path string, off uint64, err error) {
	const self = "/proc/self/exe"
	f, err := e.files.Open(self)
	if err != nil {
		return "", 0, err
	}
	off, found := f.Offset(f.ELF.Entry)
	if !found {
		return "", 0, fmt.Errorf("find the entry of %s: %w", self, fs.ErrNotExist)
	}
	return self, off, nil
}

func tryUprobe(e *exam) error {
	pmu, err := e.pmu("uprobe")
	if err != nil {
		return err
	}
	path, off, err := e.own()
	if err != nil {
		return err
	}
	return perf(probe.ProgKprobe, &sys.PerfEvent{Type: pmu, Path: path, Config2: off})
}

func tryUprobeMulti(e *exam) error {
	path, off, err := e.own()
	if err != nil {
		return err
	}
	return withProg(probe.ProgKprobe, probe.AttachUprobeMulti, 0, func(fd int) (int, error) {
		return sys.LinkUprobeMulti(fd, uint32(probe.AttachUprobeMulti), &sys.UprobeMulti{Path: path, Offsets: []uint64{off}})
	})
}

func trySoftware(*exam) error {
	return perf(probe.ProgPerfEvent, &sys.PerfEvent{Type: sys.PerfSoftware, Config: sys.PerfCPUClock, Period: 1e9})
}

func tryHardware(*exam) error {
	cycles, found := probe.FindEvent(probe.Hardware, "cpu-cycles")
	if !found {
		panic("BUG: no event cpu-cycles")
	}
	err := perf(probe.ProgPerfEvent, &sys.PerfEvent{Type: sys.PerfHardware, Config: cycles.Config, Period: 1e9})
	if errors.Is(err, sys.ENOENT) || errors.Is(err, sys.EOPNOTSUPP) {
		return &reason{"no performance counters; virtual machines mostly hide them", "profile samples by a timer instead"}
	}
	return err
}

func tryWatchpoint(e *exam) error {
	if _, err := e.pmu("breakpoint"); err != nil {
		return err
	}
	err := sys.TryWatchpoint()
	if errors.Is(err, sys.ErrNoStop) {
		return &reason{err.Error(), "some virtual machines lose them, when they are moved for example: try another machine"}
	}
	return err
}

func tryIter(e *exam) error {
	id, err := e.typeID("bpf_iter_task", kern.KindFunc)
	if err != nil {
		return err
	}
	return withProg(probe.ProgTracing, probe.AttachTraceIter, id, func(fd int) (int, error) {
		return sys.LinkTracing(fd, uint32(probe.AttachTraceIter), 0)
	})
}

func tryLSM(e *exam) error {
	return e.tracing(progLSM, attachLSM, "bpf_lsm_path_chroot", kern.KindFunc)
}
