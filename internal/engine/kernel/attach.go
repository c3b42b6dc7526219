package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attacher attaches a program to points of one kind and returns how many it was
// attached to. What it attaches it gives to session.hold at once.
type attacher struct {
	attach func(s *session, p *program, points []object.Point) (int, error)
	// last: of several programs at one place the kernel runs the last attached first,
	// so these kinds are attached in reverse order to run in the script's.
	last bool
}

// attachers holds the kinds that attach, by probe kind.
var attachers = map[string]attacher{
	"tracepoint":    {attach: attachTracepoints},
	"rawtracepoint": {attach: attachRawTracepoints},
	"kprobe":        {attach: attachKprobes, last: true},
	"kretprobe":     {attach: attachKprobes},
	"fentry":        {attach: attachTrampolines, last: true},
	"fexit":         {attach: attachTrampolines, last: true},
	"uprobe":        {attach: attachUprobes, last: true},
	"uretprobe":     {attach: attachUprobes, last: true},
	"usdt":          {attach: attachUSDTs, last: true},
	"profile":       {attach: attachProfiles},
	"interval":      {attach: attachIntervals},
	"software":      {attach: attachSoftware},
	"hardware":      {attach: attachHardware},
	"iter":          {attach: attachIters},
	"watchpoint":    {attach: attachWatchpoints},
}

// Attach attaches everything that attaches.
func (s *session) Attach() (int, error) {
	total := 0
	for _, last := range []bool{false, true} {
		for i := range s.progs {
			p := s.progs[i]
			if last {
				p = s.progs[len(s.progs)-1-i]
			}
			n, err := s.attachProgram(p, last)
			if err != nil {
				return 0, errors.Join(err, s.Detach())
			}
			total += n
		}
	}
	return total, nil
}

// attachProgram attaches p to those of its points whose kind is attached in this pass.
func (s *session) attachProgram(p *program, last bool) (int, error) {
	total := 0
	points := p.obj.Points
	if p.obj.TestRun {
		return 0, nil
	}
	for len(points) > 0 {
		n := 1
		for n < len(points) && points[n].Kind == points[0].Kind {
			n++
		}
		same := points[:n]
		points = points[n:]
		a, ok := attachers[same[0].Kind]
		if !ok {
			return 0, &engine.AttachError{Point: &same[0], Reason: "probes of kind " + same[0].Kind + " are not supported yet"}
		}
		if a.last != last {
			continue
		}
		n, err := a.attach(s, p, same)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// each attaches points one by one; a missing optional one is warned of.
func (s *session) each(points []object.Point, attach func(*object.Point) error) (int, error) {
	n := 0
	for i := range points {
		pt := &points[i]
		s.opt.Logf("attach %s", pt.Text)
		err := attach(pt)
		switch {
		case err == nil:
			n++
		case pt.Optional:
			s.missing(pt, err)
		default:
			return n, s.attachError(pt, err)
		}
	}
	return n, nil
}

// halve attaches points with one link. The kernel takes all of them or none, and doesn't say
// which is at fault: then each half is tried, so that few links are made and the one at
// fault is named. The error is EOPNOTSUPP when there are no such links.
func (s *session) halve(points []object.Point, link func([]object.Point) error) (int, error) {
	err := link(points)
	switch {
	case err == nil:
		return len(points), nil
	case errors.Is(err, sys.EOPNOTSUPP):
		return 0, err
	case len(points) == 1:
		return s.each(points, func(*object.Point) error { return err })
	}
	n, err := s.halve(points[:len(points)/2], link)
	if err != nil {
		return n, err
	}
	more, err := s.halve(points[len(points)/2:], link)
	return n + more, err
}

// missing warns of an optional point that isn't there.
func (s *session) missing(pt *object.Point, err error) {
	if s.obj.Config.MissingProbes == "ignore" {
		return
	}
	var e *engine.AttachError
	if err = s.attachError(pt, err); s.opt.Missing != nil && errors.As(err, &e) {
		s.opt.Missing(e)
		return
	}
	s.opt.Warnf("%v", err)
}

// hold keeps an attachment's descriptor until Detach.
func (s *session) hold(fd int) { s.links = append(s.links, fd) }

// v5_15PerfLink is the kernel that attaches to perf events by links.
const v5_15PerfLink = 5<<16 | 15<<8

// attachEvent opens a perf event and attaches p to it.
func (s *session) attachEvent(p *program, e *sys.PerfEvent, cookie uint64) error {
	fd, err := sys.PerfOpen(e)
	if err != nil {
		return err
	}
	if s.version < v5_15PerfLink {
		if err := sys.PerfSetBPF(fd, p.fd); err != nil {
			return errors.Join(err, sys.Close(fd))
		}
		s.hold(fd)
		return nil
	}
	link, err := sys.LinkPerfEvent(p.fd, fd, attachPerfEvent, cookie)
	// The link keeps the event open.
	if cerr := sys.Close(fd); cerr != nil {
		s.opt.Logf("close perf event: %v", cerr)
	}
	if err != nil {
		return err
	}
	s.hold(link)
	return nil
}

// pid is the process to watch: the point's, the session's (-p) or its command (-c); 0 for
// all.
func (s *session) pid(pt *object.Point) int {
	return cmp.Or(pt.Pid, s.opt.Pid, s.opt.ChildPid)
}

// pmu reads a number of a dynamic PMU's description, such as "uprobe/type" or
// "uprobe/format/retprobe" (there the bit after "config:").
func pmu(path string) (uint64, error) {
	data, err := os.ReadFile("/sys/bus/event_source/devices/" + path)
	if err != nil {
		return 0, err
	}
	text := strings.TrimPrefix(strings.TrimSpace(string(data)), "config:")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read PMU %s: %w", path, err)
	}
	return n, nil
}

// errNoKprobes and errNoUprobes: the kernel was built without them.
var (
	errNoKprobes = errors.New("this kernel has no kprobes (CONFIG_KPROBE_EVENTS)")
	errNoUprobes = errors.New("this kernel has no uprobes (CONFIG_UPROBE_EVENTS)")
)

// attachError names the point and says what the error means there. What took the place of
// a missing function is found out by those who know the machine (host/discover).
func (s *session) attachError(pt *object.Point, err error) error {
	return &engine.AttachError{Point: pt, Reason: attachReason(pt, err), Err: err}
}

// attachReason is the error in plain words.
func attachReason(pt *object.Point, err error) string {
	var errno sys.Errno
	if !errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	for _, r := range attachReasons {
		if errors.Is(err, r.err) && (r.kinds == "" || strings.Contains(r.kinds, " "+pt.Kind+" ")) {
			return r.words
		}
	}
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		return deniedAttach(pt) + " (" + err.Error() + ")"
	}
	return err.Error()
}

// attachReasons says what an error number means at a kind of probe ("": any).
var attachReasons = []struct {
	err   error
	kinds string
	words string
}{
	{fs.ErrNotExist, " tracepoint rawtracepoint ", "there is no such tracepoint"},
	{fs.ErrNotExist, " kprobe kretprobe fentry fexit ", "there is no such kernel function"},
	{fs.ErrNotExist, " uprobe uretprobe usdt ", "there is no such file"},
	{fs.ErrNotExist, " hardware ", "this machine counts no such event (no PMU, as in most virtual machines)"},
	{fs.ErrNotExist, "", "it doesn't exist"},
	{sys.ESRCH, " kprobe kretprobe ", "there is no such kernel function"},
	{sys.ESRCH, "", "there is no such process"},
	{sys.EADDRNOTAVAIL, " kprobe kretprobe ", "the name stands for several functions; use the address of one"},
	{sys.EILSEQ, " kprobe kretprobe ", "the offset is in the middle of an instruction"},
	{sys.EINVAL, " kprobe kretprobe ", "the kernel doesn't allow a probe here: on the kernel's list of forbidden functions, inside an instruction, or, with override(), in a function that isn't open to error injection"},
	{sys.EINVAL, " uprobe uretprobe usdt ", "there is no code at this place of the file, or its instruction can't be probed"},
	{sys.ENOTSUPP, " uprobe uretprobe usdt ", "the instruction at this place can't be probed"},
	{sys.ENOTSUPP, " fentry fexit ", "this kernel or architecture can't attach to functions this way"},
	{sys.EBUSY, " fentry fexit kprobe kretprobe ", "something else is attached here in a way that excludes us"},
	{sys.EINVAL, " rawtracepoint ", "the program reads more arguments than this tracepoint has"},
	{sys.E2BIG, " fentry fexit ", "too many programs are attached to this function already"},
	{fs.ErrNotExist, " watchpoint ", "there is no such process"},
	{sys.EINVAL, " watchpoint ", "the processor can't watch this: modes are w, rw and x on amd64, and the address is a multiple of the length"},
	{sys.EOPNOTSUPP, " watchpoint ", "this machine has no hardware breakpoints"},
	{sys.ENOSPC, " watchpoint ", "all of the processor's breakpoints are in use (amd64 has 4)"},
	{sys.EOPNOTSUPP, " hardware ", "this machine counts no such event (no PMU, as in most virtual machines)"},
	{sys.EINVAL, " profile interval ", "the rate is more than the kernel allows (kernel.perf_event_max_sample_rate)"},
	{sys.EMFILE, "", "too many open files: raise the limit (ulimit -n)"},
}
