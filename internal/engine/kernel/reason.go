package kernel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/bpf/verdict"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/doctor"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// refused is the error of a program that the kernel didn't load: a rejection by the
// verifier when it left a log, else what the error number means.
func (s *session) refused(p *object.Program, log string, err error) error {
	if strings.TrimSpace(log) == "" {
		if p.AttachTo != "" && len(p.Points) > 0 {
			why := s.explainLoad(p, err)
			return &engine.AttachError{Point: &p.Points[0], Reason: why.Error(), Err: why}
		}
		return fmt.Errorf("load program %s: %w", p.Name, s.explainLoad(p, err))
	}
	slot, words := verdict.Of(log)
	if words == "" {
		// Its log was longer than what it may be: it walked too far.
		words = s.explainLoad(p, err).Error()
	}
	r := &engine.Rejection{Prog: p, Insn: -1, Reason: words, Hint: verdict.Means(words), Log: log, Err: err}
	slots := slotsOf(p.Insns)
	for i := range p.Insns {
		if slot >= slots[i] && slot < slots[i+1] {
			r.Insn = i
		}
	}
	return r
}

// explained is an error number with what it means here. The number stays reachable.
type explained struct {
	words string
	err   error
}

func (e *explained) Error() string { return e.words + " (" + e.err.Error() + ")" }
func (e *explained) Unwrap() error { return e.err }

func because(err error, words string) error {
	if words == "" {
		return err
	}
	return &explained{words, err}
}

// explainLoad says why a program wasn't loaded although the verifier said nothing.
func (s *session) explainLoad(p *object.Program, err error) error {
	switch {
	case errors.Is(err, sys.EPERM):
		return because(err, doctor.Denied())
	case errors.Is(err, sys.E2BIG):
		return because(err, "the program is too long for this kernel")
	case errors.Is(err, sys.ENOMEM):
		return because(err, "no memory left for BPF programs")
	case errors.Is(err, sys.EINVAL):
		for _, k := range since {
			if k.typ == p.ProgType && (k.attach == 0 || k.attach == p.AttachType) && s.version < k.version {
				return because(err, fmt.Sprintf("%s need Linux %d.%d", k.what, k.version>>16, k.version>>8&0xff))
			}
		}
		return because(err, "this kernel doesn't know this kind of program, or the target can't be attached to")
	}
	return err
}

// since says which kernel brought what, for kernels that answer EINVAL only.
var since = []struct {
	typ, attach uint32
	version     kern.Version
	what        string
}{
	{progTracing, attachIter, 5<<16 | 8<<8, "iterators"},
	{progTracing, attachFentry, 5<<16 | 5<<8, "fentry probes"},
	{progTracing, attachFexit, 5<<16 | 5<<8, "fexit probes"},
	{progTracing, attachRawTP, 5<<16 | 5<<8, "BTF-typed raw tracepoints"},
	{progLSM, 0, 5<<16 | 7<<8, "LSM programs"},
	{progRawTracepoint, 0, 4<<16 | 17<<8, "raw tracepoints"},
}

// explainMap says why a map wasn't made.
func explainMap(a *sys.MapCreateAttr, err error) error {
	switch {
	case errors.Is(err, sys.EPERM):
		return because(err, doctor.Denied())
	case errors.Is(err, sys.ENOMEM):
		return because(err, fmt.Sprintf("no memory for %d elements of %d bytes", a.MaxEntries, a.KeySize+a.ValueSize))
	case errors.Is(err, sys.E2BIG):
		return because(err, fmt.Sprintf("%d elements of %d bytes are more than a map can hold", a.MaxEntries, a.KeySize+a.ValueSize))
	case errors.Is(err, sys.EINVAL) && a.Type == uint32(object.MapRingbuf):
		return because(err, "ring buffers need Linux 5.8, and a size that is a power of two and of pages")
	case errors.Is(err, sys.EINVAL):
		return because(err, "this kernel doesn't take maps of this type or these flags")
	}
	return err
}

// explainRun says why a program couldn't be run by hand.
func explainRun(err error) error {
	if errors.Is(err, sys.ENOTSUPP) || errors.Is(err, sys.EINVAL) {
		return because(err, "running raw tracepoint programs by hand needs Linux 5.10")
	}
	return err
}

// isAdmin reports whether the process has CAP_SYS_ADMIN, which perf events on user
// functions take (perf_uprobe_event_init, kernel/events/core.c); links for them don't.
func isAdmin() bool {
	caps, err := sys.EffectiveCaps()
	return err != nil || caps.Has(sys.CapSysAdmin)
}

// perfKinds are the kinds of probes that are attached by a perf event.
const perfKinds = " tracepoint profile interval software hardware watchpoint "

// deniedAttach is denied for an attach point.
func deniedAttach(pt *object.Point) string {
	if _, err := sys.Token(); err == nil && strings.Contains(perfKinds, " "+pt.Kind+" ") {
		return pt.Kind + " takes a perf event, which no BPF token allows: the capabilities CAP_PERFMON and CAP_BPF over the machine do"
	}
	switch pt.Kind {
	case "uprobe", "uretprobe", "usdt":
		if len(doctor.MissingCaps()) == 0 && !isAdmin() {
			return "this process lacks CAP_SYS_ADMIN, which probes of user functions take before Linux 6.6: run as root"
		}
	}
	return doctor.Denied()
}
