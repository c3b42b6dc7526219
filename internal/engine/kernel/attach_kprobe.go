package kernel

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attachType is the attach type to load p with: the compiler's, or that of a multi link
// when p is attached to several functions and the kernel has such links. Of user functions
// one suffices when the process may not have perf events for them.
func (s *session) attachType(p *object.Program) uint32 {
	if p.AttachType != 0 || p.ProgType != progKprobe || len(p.Points) == 0 {
		return p.AttachType
	}
	many := len(p.Points) > 1
	kernel, user := true, true
	for i := range p.Points {
		pt := &p.Points[i]
		switch pt.Kind {
		case "kprobe", "kretprobe":
			user = false
			kernel = kernel && pt.Func != "" && pt.Offset == 0 && pt.Addr == 0
		case "uprobe", "uretprobe", "usdt":
			kernel = false
		default:
			return 0
		}
	}
	switch {
	case kernel && (many || sys.InUserNamespace()) && s.version >= v5_18KprobeMulti:
		return attachKprobeMulti
	case user && (many || !isAdmin()) && s.version >= v6_6UprobeMulti:
		return attachUprobeMulti
	}
	return 0
}

// attachKprobes attaches to kernel functions, with one link for all where that's
// possible.
func attachKprobes(s *session, p *program, points []object.Point) (int, error) {
	if p.attachType == attachKprobeSession {
		return s.kprobeSession(p, points)
	}
	if p.attachType == attachKprobeMulti {
		n, err := s.kprobeMulti(p, points)
		if !errors.Is(err, sys.EOPNOTSUPP) {
			return n, err
		}
		// Built without fprobe: load again for single probes.
		if err := s.reload(p, 0); err != nil {
			return 0, err
		}
	}
	typ, err := pmu("kprobe/type")
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoKprobes
	}
	if err != nil {
		return s.each(points, func(*object.Point) error { return err })
	}
	return s.each(points, func(pt *object.Point) error {
		e := &sys.PerfEvent{Type: uint32(typ), Path: pt.Func, Config2: pt.Offset}
		if pt.Target != "" && pt.Target != "vmlinux" {
			e.Path = pt.Target + ":" + pt.Func
		}
		if pt.Func == "" {
			e.Path, e.Config2 = "", pt.Addr
		}
		if pt.Kind == "kretprobe" {
			bit, err := pmu("kprobe/format/retprobe")
			if err != nil {
				return err
			}
			e.Config = 1 << bit
		}
		err := s.attachEvent(p, e, pt.Cookie)
		if errors.Is(err, sys.EADDRNOTAVAIL) && pt.Offset == 0 {
			return s.attachNamesakes(p, e, pt)
		}
		return err
	})
}

// attachNamesakes attaches to all functions of pt's name, by their addresses: since Linux 6.6
// the kernel takes no name that is ambiguous. e is the event that it didn't take.
func (s *session) attachNamesakes(p *program, e *sys.PerfEvent, pt *object.Point) error {
	var addrs []uint64
	err := s.kernel.Symbols(func(sym kern.Symbol) bool {
		if sym.IsFunc() && sym.Name == pt.Func && (pt.Target == "" || pt.Target == cmp.Or(sym.Module, "vmlinux")) {
			addrs = append(addrs, sym.Addr)
		}
		return true
	})
	if err != nil {
		return err
	}
	if len(addrs) == 0 || slices.Contains(addrs, 0) {
		return sys.EADDRNOTAVAIL
	}
	for _, addr := range addrs {
		one := *e
		one.Path, one.Config2 = "", addr
		if err := s.attachEvent(p, &one, pt.Cookie); err != nil {
			return err
		}
	}
	return nil
}

// kprobeSession attaches to the entries of functions, and by the same links to their returns,
// which are other points of the same program: both are counted here. As in bpftrace, a function
// counts once where the script has one attach point for the entries and one for the returns.
func (s *session) kprobeSession(p *program, points []object.Point) (int, error) {
	if points[0].Kind == "kretprobe" {
		return 0, nil
	}
	n, err := s.kprobeMulti(p, points)
	if errors.Is(err, sys.EOPNOTSUPP) {
		err = s.attachError(&points[0], err)
	}
	if elsewhere := func(pt object.Point) bool { return pt.Span != points[0].Span }; slices.ContainsFunc(points, elsewhere) {
		n *= 2
	}
	return n, err
}

// kprobeMulti attaches to all points, with one link where the kernel takes them all.
func (s *session) kprobeMulti(p *program, points []object.Point) (int, error) {
	return s.halve(points, func(points []object.Point) error { return s.linkKprobes(p, points) })
}

func (s *session) linkKprobes(p *program, points []object.Point) error {
	m := &sys.KprobeMulti{Return: points[0].Kind == "kretprobe"}
	for i := range points {
		m.Syms = append(m.Syms, points[i].Func)
		if points[i].Cookies {
			m.Cookies = append(m.Cookies, points[i].Cookie)
		}
	}
	fd, err := sys.LinkKprobeMulti(p.fd, p.attachType, m)
	if err != nil {
		return err
	}
	s.hold(fd)
	return nil
}

// reload loads p again to be attached otherwise.
func (s *session) reload(p *program, attachType uint32) error {
	again, err := s.loadProgram(p.index, p.obj, s.info, attachType)
	if err != nil {
		return err
	}
	old := p.fd
	*p = *again
	return sys.Close(old)
}
