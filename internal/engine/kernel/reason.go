package kernel

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
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
	slot, words := lastWords(log)
	if words == "" {
		// Its log was longer than what it may be: it walked too far.
		words = s.explainLoad(p, err).Error()
	}
	r := &engine.Rejection{Prog: p, Insn: -1, Reason: words, Hint: plainWords(words), Log: log, Err: err}
	slots := slotsOf(p.Insns)
	for i := range p.Insns {
		if slot >= slots[i] && slot < slots[i+1] {
			r.Insn = i
		}
	}
	return r
}

// lastWords finds in a verifier log the slot of the instruction at fault (-1: none is
// named) and the verifier's complaint. The log is a trace of the path walked: lines of
// registers, "12: (79) r1 = …", source lines after "; ", and at the end the complaint,
// before the statistics ("processed 13 insns …").
func lastWords(log string) (slot int, words string) {
	slot = -1
	var said []string
	retold := false // kernels since 7.2 tell it all once more, in paragraphs
	for line := range strings.SplitSeq(log, "\n") {
		line = strings.TrimSpace(line)
		switch at, isInsn := traced(line); {
		case isInsn:
			slot, said = at, said[:0]
		case strings.HasPrefix(line, "processed "), strings.HasPrefix(line, "verification time "):
			return named(slot, said)
		case strings.HasPrefix(line, "Verification failed:"):
			retold = true
		case line == "" || retold || narration(line):
		default:
			said = append(said, line)
		}
	}
	return named(slot, said)
}

// named joins the complaint's lines; an instruction that they name goes before the last
// one walked.
func named(slot int, said []string) (int, string) {
	words := strings.Join(said, "; ")
	for _, before := range []string{"infinite loop detected at insn ", "back-edge from insn ", "unreachable insn ", "insn "} {
		_, after, ok := strings.Cut(words, before)
		if !ok {
			continue
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(after)
		}
		if n, err := strconv.Atoi(after[:end]); err == nil {
			return n, words
		}
	}
	return slot, words
}

// traced reports whether a line of the log shows an instruction, and which:
// "12: (79) r1 = *(u64 *)(r1 +0)".
func traced(line string) (slot int, ok bool) {
	num, rest, found := strings.Cut(line, ": ")
	if !found || !strings.HasPrefix(rest, "(") {
		return 0, false
	}
	slot, err := strconv.Atoi(num)
	return slot, err == nil
}

// narration reports whether a line only tells where the verifier is: register states
// ("R1=ctx() R10=fp0", "3: R0_w=…"), source lines, jumps back, precision tracking.
func narration(line string) bool {
	if num, rest, ok := strings.Cut(line, ": "); ok {
		if _, err := strconv.Atoi(num); err == nil && strings.HasPrefix(rest, "R") {
			return true
		}
	}
	for _, start := range []string{"; ", "func#", "from ", "last_idx ", "regs=", "parent ", "mark_precise: ", "frame", "caller:", "callee:", "returning from callee:", "to caller at ", "Live regs before insn:", "Validating ", "stack depth ", "cur state:", "old state:"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	reg, _, ok := strings.Cut(line, "=")
	return ok && len(reg) <= 5 && reg[0] == 'R' && reg[len(reg)-1] != ' '
}

// plainWords says in plain words what a complaint means, or "".
func plainWords(words string) string {
	for _, v := range verdicts {
		if strings.Contains(words, v.said) {
			return v.means
		}
	}
	return ""
}

// verdicts are the verifier's well-known complaints (kernel/bpf/verifier.c), the more
// special ones first.
var verdicts = []struct{ said, means string }{
	{"mem access 'scalar'", "a number is used as an address: the value isn't a pointer the kernel knows, so it has to be read with a probe read (a cast to the right pointer type does that)"},
	{"mem access 'map_value_or_null'", "a map lookup can find nothing, and that isn't checked before the value is used"},
	{"mem access 'ringbuf_mem_or_null'", "a ring buffer reservation can fail, and that isn't checked"},
	{"_or_null_", "a pointer that may be null is used without a check"},
	{"mem access 'inv'", "a number is used as an address: it has to be read with a probe read"},
	{"mem access 'ctx'", "the context has no field at this offset, or not of this size"},
	{"invalid bpf_context access", "the context has no field at this offset, or not of this size, for this kind of probe"},
	{"invalid indirect read from stack", "memory given to a helper isn't all written before"},
	{"invalid read from stack", "stack memory is read that was never written"},
	{"invalid write to stack", "a write goes beyond the 512 bytes of stack"},
	{"invalid access to map value", "an access goes beyond the map's value"},
	{"invalid access to memory", "an access goes beyond the object"},
	{"unbounded memory access", "an index or length has no upper bound that the verifier can see"},
	{"min value is negative", "an index or length may be negative"},
	{"R2 is not", "a length or pointer isn't what the helper expects"},
	{"BPF program is too large", "the verifier gave up after a million steps: loops are too long or branch too much"},
	{"too many instructions", "the program is too long for this kernel or this user (4096 instructions without CAP_BPF)"},
	{"The sequence of", "the program jumps too much for the verifier"},
	{"combined stack size", "the functions' stacks together exceed 512 bytes: use smaller strings and fewer variables"},
	{"infinite loop detected", "the loop's end can't be proven: nothing that the verifier sees changes from turn to turn"},
	{"back-edge", "the program loops, and this kernel or user may not"},
	{"unreachable insn", "an instruction can never run (a compiler mistake: please report it)"},
	{"calling kernel function", "this kernel function can't be called from this kind of probe"},
	{"bpf_override_return#", "override() takes a kernel built with CONFIG_BPF_KPROBE_OVERRIDE"},
	{"bpf_probe_write_user#", "the kernel is locked down, or doesn't let this user write to a process's memory"},
	{"invalid func unknown", "this kernel has no such helper"},
	{"unknown func", "this kernel has no such helper, or doesn't allow it in this kind of probe"},
	{"program of this type cannot use helper", "the helper isn't allowed in this kind of probe"},
	{"cannot call GPL-restricted function", "the helper is for programs with a GPL-compatible license"},
	{"loading/calling", "the kernel lacks what this program uses"},
	{"helper call is not allowed", "the helper isn't allowed in this kind of probe"},
	{"missing btf func_info", "the kernel took no type information from us, which loops by callback need"},
	{"attach_btf_id", "the target isn't one that this kind of probe can attach to"},
	{"is not allowed in", "not allowed in this kind of probe"},
	{"expected=ptr_", "the helper takes a pointer that the verifier knows, straight from args: one out of a map, or reckoned with, is a number to it"},
	{"Possibly NULL pointer passed", "a pointer that may be null is passed on without a check"},
	{"leads to invalid memory access", "an access goes beyond the object"},
	{"pointer arithmetic", "arithmetic on this kind of pointer is not allowed"},
	{"math between", "arithmetic on this pointer leaves what the verifier can follow"},
	{"unprivileged", "needs CAP_BPF and CAP_PERFMON, or root"},
	{"misaligned", "the address isn't a multiple of the size"},
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
		return because(err, denied())
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
		return because(err, denied())
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

// denied says what forbids BPF to this process.
func denied() string {
	if b, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil && strings.Contains(string(b), "[confidentiality]") {
		return "the kernel is locked down (confidentiality mode forbids BPF tracing)"
	}
	if sys.InUserNamespace() {
		return deniedToken()
	}
	if missing := missingCaps(); len(missing) > 0 {
		return "this process lacks " + strings.Join(missing, ", ") + ": run as root, or give the binary these capabilities"
	}
	return "the kernel forbids it although the capabilities are there: a security module, a container's seccomp filter, or a kernel built without it"
}

// deniedToken says what forbids BPF to a process of a user namespace.
func deniedToken() string {
	_, err := sys.Token()
	switch {
	case err == nil:
		return "the BPF token of " + sys.TokenPath() + " doesn't allow this: its bpffs wasn't given the command, the map, program or attach type, or the kernel never allows it to a user namespace"
	case errors.Is(err, sys.ErrNoToken):
		return "BPF in a user namespace takes a token, and " + sys.TokenPathVar + " says to take none"
	}
	return "BPF in a user namespace takes a token: " + err.Error() + "; mount a bpffs with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs, and name it by " + sys.TokenPathVar
}

// tracingCaps are the capabilities that tracing needs.
var tracingCaps = []struct {
	cap  sys.Cap
	name string
}{{sys.CapBPF, "CAP_BPF"}, {sys.CapPerfmon, "CAP_PERFMON"}}

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
		if len(missingCaps()) == 0 && !isAdmin() {
			return "this process lacks CAP_SYS_ADMIN, which probes of user functions take before Linux 6.6: run as root"
		}
	}
	return denied()
}

// missingCaps names what this process lacks; CAP_SYS_ADMIN stands for all.
func missingCaps() []string {
	caps, err := sys.EffectiveCaps()
	if err != nil || caps.Has(sys.CapSysAdmin) {
		return nil
	}
	var missing []string
	for _, c := range tracingCaps {
		if !caps.Has(c.cap) {
			missing = append(missing, c.name)
		}
	}
	return missing
}
