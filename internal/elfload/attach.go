package elfload

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/skep-bpf/skep/internal/host/doctor"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// ErrNoAutoattach: a program's section doesn't say what to attach it to.
var ErrNoAutoattach = errors.New("the section's name doesn't say what to attach the program to")

var errNoLink = errors.New("this kernel has no link for it (Linux 5.15 has)")

// Attach attaches a program to what its section names. The caller closes the link, or pins
// it. The error is ErrNoAutoattach when the section tells too little.
func (o *Object) Attach(p *Program) (*inspect.Object, error) {
	l, err := o.attach(p)
	if errors.Is(err, ErrNoAutoattach) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("attach program %s to %s: %w", p.Name, p.target, explainAttach(err))
	}
	d, ok := l.(interface{ FD() int })
	if !ok {
		return nil, errors.Join(fmt.Errorf("attach program %s to %s: %w", p.Name, p.target, errNoLink), l.Close())
	}
	o.closers = append(o.closers, l)
	return &inspect.Object{Kind: inspect.KindLink, FD: d.FD()}, nil
}

func (o *Object) attach(p *Program) (link.Link, error) {
	kind, _, _ := strings.Cut(p.section.name, "/")
	kind = strings.TrimSuffix(kind, ".s")
	switch kind { // those that have their target since they're loaded, and iterators of all
	case "tp_btf", "fentry", "fexit", "fmod_ret", "fsession":
		return link.AttachTracing(link.TracingOptions{Program: p.prog})
	case "freplace":
		return link.AttachFreplace(nil, "", p.prog)
	case "lsm":
		return link.AttachLSM(link.LSMOptions{Program: p.prog})
	case "iter":
		return link.AttachIter(link.IterOptions{Program: p.prog})
	}
	if p.target == "" {
		return nil, ErrNoAutoattach
	}
	switch kind {
	case "kprobe", "kretprobe":
		return attachKprobe(p, kind == "kretprobe")
	case "ksyscall":
		return link.Kprobe("sys_"+p.target, p.prog, nil) // with the architecture's prefix
	case "kretsyscall":
		return link.Kretprobe("sys_"+p.target, p.prog, nil)
	case "kprobe.multi", "kretprobe.multi", "kprobe.session":
		return o.attachKprobes(p, kind)
	case "uprobe", "uretprobe":
		return attachUprobe(p, kind == "uretprobe")
	case "uprobe.multi", "uretprobe.multi":
		return attachUprobes(p, kind == "uretprobe.multi")
	case "tp", "tracepoint":
		category, name, ok := strings.Cut(p.target, "/")
		if !ok {
			return nil, errors.New("a tracepoint is told by its category and name: tp/sched/sched_switch")
		}
		return o.attachTracepoint(p, category, name)
	case "raw_tp", "raw_tracepoint", "raw_tp.w", "raw_tracepoint.w":
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.target, Program: p.prog})
	}
	return nil, ErrNoAutoattach
}

// attachTracepoint finds the tracepoint's number where skep's probes find it: the library
// wants tracefs mounted.
func (o *Object) attachTracepoint(p *Program, category, name string) (link.Link, error) {
	id, err := o.kernel.EventID(category, name)
	if err != nil {
		return nil, err
	}
	event, err := sys.PerfOpen(&sys.PerfEvent{Type: sys.PerfTracepoint, Config: id, Period: 1, Wakeup: 1})
	if err != nil {
		return nil, err
	}
	fd, err := sys.LinkPerfEvent(p.prog.FD(), event, uint32(ebpf.AttachPerfEvent), 0)
	if errors.Is(err, sys.EINVAL) {
		err = errNoLink
	}
	// The link keeps the event open.
	if err := errors.Join(err, sys.Close(event)); err != nil {
		return nil, err
	}
	return link.NewFromFD(fd)
}

// offsetSuffix is the offset behind a function's name.
var offsetSuffix = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(.*)\+(0[xX][0-9a-fA-F]+|[0-9]+)$`) })

// functionOffset splits "function+0x10".
func functionOffset(s string) (name string, offset uint64) {
	m := offsetSuffix().FindStringSubmatch(s)
	if m == nil {
		return s, 0
	}
	offset, err := strconv.ParseUint(m[2], 0, 64)
	if err != nil {
		return s, 0
	}
	return m[1], offset
}

func attachKprobe(p *Program, ret bool) (link.Link, error) {
	name, offset := functionOffset(p.target)
	if ret && offset != 0 {
		return nil, errors.New("a return has no offset")
	}
	if ret {
		return link.Kretprobe(name, p.prog, nil)
	}
	return link.Kprobe(name, p.prog, &link.KprobeOptions{Offset: offset})
}

// attachKprobes attaches to all functions that a pattern names.
func (o *Object) attachKprobes(p *Program, kind string) (link.Link, error) {
	names := []string{p.target}
	if strings.ContainsAny(p.target, "*?") {
		names = nil
		err := o.kernel.TraceableFuncs(func(name, _ string) bool {
			if ok, _ := path.Match(p.target, name); ok {
				names = append(names, name)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, errors.New("no kernel function matches")
		}
	}
	opts := link.KprobeMultiOptions{Symbols: names, Session: kind == "kprobe.session"}
	if kind == "kretprobe.multi" {
		return link.KretprobeMulti(p.prog, opts)
	}
	return link.KprobeMulti(p.prog, opts)
}

// userTarget opens the binary of "path:function" as the section names it.
func userTarget(p *Program) (*link.Executable, string, error) {
	file, fn, ok := strings.Cut(p.target, ":")
	if !ok {
		return nil, "", errors.New("a function of a program is told by its file and its name: uprobe//bin/bash:readline")
	}
	if !filepath.IsAbs(file) && !strings.HasPrefix(file, "./") {
		found, err := exe.NewFiles(os.DirFS("/")).Find(file, "")
		if err != nil {
			return nil, "", err
		}
		if len(found) > 0 {
			file = found[0]
		}
	}
	ex, err := link.OpenExecutable(file)
	return ex, fn, err
}

func attachUprobe(p *Program, ret bool) (link.Link, error) {
	ex, fn, err := userTarget(p)
	if err != nil {
		return nil, err
	}
	fn, offset := functionOffset(fn)
	if ret && offset != 0 {
		return nil, errors.New("a return has no offset")
	}
	if ret {
		return ex.Uretprobe(fn, p.prog, nil)
	}
	return ex.Uprobe(fn, p.prog, &link.UprobeOptions{Offset: offset})
}

// attachUprobes attaches to a function by a link for many.
func attachUprobes(p *Program, ret bool) (link.Link, error) {
	ex, fn, err := userTarget(p)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(fn, "*?") {
		return nil, errors.New("patterns of functions of programs aren't known; name one")
	}
	if ret {
		return ex.UretprobeMulti([]string{fn}, p.prog, nil)
	}
	return ex.UprobeMulti([]string{fn}, p.prog, nil)
}

// AttachIter makes an iterator of the object's first program, over the elements of a map
// when its target takes one (nil: none).
func (o *Object) AttachIter(m *inspect.Object) (*inspect.Object, error) {
	if len(o.Programs) == 0 {
		return nil, ErrNoPrograms
	}
	p := o.Programs[0]
	if p.section.prog != ebpf.Tracing || p.section.attach != ebpf.AttachTraceIter {
		return nil, fmt.Errorf("program %s isn't an iterator: those stand in sections iter/TARGET", p.Name)
	}
	opts := link.IterOptions{Program: p.prog}
	if m != nil {
		lib, err := cloneMap(m.FD)
		if err != nil {
			return nil, err
		}
		defer lib.Close()
		opts.Map = lib
	}
	l, err := link.AttachIter(opts)
	if err != nil {
		if m == nil && errors.Is(err, sys.EBADF) {
			err = fmt.Errorf("%w: this iterator takes a map: the word `map` tells which", err)
		}
		return nil, fmt.Errorf("attach program %s to %s: %w", p.Name, p.target, explainAttach(err))
	}
	o.closers = append(o.closers, l)
	return &inspect.Object{Kind: inspect.KindLink, FD: l.FD()}, nil
}

func explainAttach(err error) error {
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		return fmt.Errorf("%s (%w)", doctor.Denied(), err)
	}
	return err
}
