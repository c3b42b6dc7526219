package kernel

import (
	"errors"
	"io/fs"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// semaphoreShift is where a uprobe's config holds its semaphore's file offset
// (/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset).
const semaphoreShift = 32

// attachUprobes attaches to places of binaries, given as file offsets.
func attachUprobes(s *session, p *program, points []object.Point) (int, error) {
	if p.attachType == attachUprobeMulti {
		n, err := s.uprobeMulti(p, points)
		if !errors.Is(err, sys.EOPNOTSUPP) {
			return n, err
		}
		if err := s.reload(p, 0); err != nil {
			return 0, err
		}
	}
	typ, err := pmu("uprobe/type")
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoUprobes
	}
	if err != nil {
		return s.each(points, func(*object.Point) error { return err })
	}
	return s.each(points, func(pt *object.Point) error { return s.uprobeEvents(p, uint32(typ), pt) })
}

// uprobeEvents attaches to each place of pt by a perf event.
func (s *session) uprobeEvents(p *program, typ uint32, pt *object.Point) error {
	flags := uint64(0)
	if isReturn(pt) {
		bit, err := pmu("uprobe/format/retprobe")
		if err != nil {
			return err
		}
		flags = 1 << bit
	}
	for _, at := range s.places(pt) {
		e := &sys.PerfEvent{Type: typ, Path: pt.Target, Config: pt.Semaphore<<semaphoreShift | flags,
			Config2: at, Pid: s.pid(pt)}
		if e.Pid != 0 {
			e.CPU = -1
		}
		if err := s.attachEvent(p, e, cookieAt(pt, at)); err != nil {
			return err
		}
	}
	return nil
}

// isReturn reports whether the kernel is to probe pt's return address.
func isReturn(pt *object.Point) bool { return pt.Kind == "uretprobe" && pt.Returns == nil }

// cookieAt is the cookie for one of pt's places.
func cookieAt(pt *object.Point, at uint64) uint64 {
	return pt.Cookie | (at-pt.Addr)<<object.CookieOffsetShift
}

// places are the file offsets to probe for pt.
func (s *session) places(pt *object.Point) []uint64 {
	if pt.Returns == nil {
		return []uint64{pt.Addr}
	}
	s.opt.Logf("%s: it's Go, whose return addresses have to be left alone: probing its %d return instructions", pt.Text, len(pt.Returns))
	return pt.Returns
}

// uprobeMulti attaches with one link a binary and process.
func (s *session) uprobeMulti(p *program, points []object.Point) (int, error) {
	total := 0
	for len(points) > 0 {
		n := 1
		for n < len(points) && points[n].Target == points[0].Target && s.pid(&points[n]) == s.pid(&points[0]) &&
			isReturn(&points[n]) == isReturn(&points[0]) {
			n++
		}
		same := points[:n]
		points = points[n:]
		n, err := s.halve(same, func(points []object.Point) error { return s.linkUprobes(p, points) })
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func (s *session) linkUprobes(p *program, points []object.Point) error {
	m := &sys.UprobeMulti{Path: points[0].Target, Return: isReturn(&points[0]), Pid: s.pid(&points[0])}
	semaphores := false
	for i := range points {
		pt := &points[i]
		for _, at := range s.places(pt) {
			m.Offsets = append(m.Offsets, at)
			m.Semaphores = append(m.Semaphores, pt.Semaphore)
			if pt.Cookies {
				m.Cookies = append(m.Cookies, cookieAt(pt, at))
			}
		}
		semaphores = semaphores || pt.Semaphore != 0
	}
	if !semaphores {
		m.Semaphores = nil
	}
	fd, err := sys.LinkUprobeMulti(p.fd, attachUprobeMulti, m)
	if err != nil {
		return err
	}
	s.hold(fd)
	return nil
}
