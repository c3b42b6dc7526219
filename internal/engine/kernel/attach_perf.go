package kernel

import (
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// clock is the perf event of a point whose Value counts in Unit.
func clock(pt *object.Point) (*sys.PerfEvent, error) {
	e := &sys.PerfEvent{Type: sys.PerfSoftware, Config: sys.PerfCPUClock}
	switch pt.Unit {
	case "hz":
		e.Freq = pt.Value
	case "s":
		e.Period = pt.Value * uint64(time.Second)
	case "ms":
		e.Period = pt.Value * uint64(time.Millisecond)
	case "us":
		e.Period = pt.Value * uint64(time.Microsecond)
	case "ns":
		e.Period = pt.Value
	default:
		return nil, fmt.Errorf("unknown unit %q", pt.Unit)
	}
	return e, nil
}

// attachProfiles samples on every CPU.
func attachProfiles(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		e, err := clock(pt)
		if err != nil {
			return err
		}
		return s.everyCPU(p, pt, e)
	})
}

// attachIntervals ticks on one CPU.
func attachIntervals(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		e, err := clock(pt)
		if err != nil {
			return err
		}
		cpus, err := s.kernel.OnlineCPUs()
		if err != nil {
			return err
		}
		e.CPU = cpus[0]
		return s.attachEvent(p, e, pt.Cookie)
	})
}

// attachSoftware counts the kernel's own events on every CPU.
func attachSoftware(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		return s.everyCPU(p, pt, &sys.PerfEvent{Type: sys.PerfSoftware, Config: pt.Config, Period: pt.Value})
	})
}

// attachHardware counts the CPU's events on every CPU.
func attachHardware(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		return s.everyCPU(p, pt, &sys.PerfEvent{Type: sys.PerfHardware, Config: pt.Config, Period: pt.Value})
	})
}

// everyCPU opens e on each CPU that runs, for one process or all. When one of
// them fails the others stay until Detach, which follows.
func (s *session) everyCPU(p *program, pt *object.Point, e *sys.PerfEvent) error {
	cpus, err := s.kernel.OnlineCPUs()
	if err != nil {
		return err
	}
	e.Pid = s.pid(pt)
	e.Inherit = e.Pid != 0
	for _, e.CPU = range cpus {
		if err := s.attachEvent(p, e, pt.Cookie); err != nil {
			return err
		}
	}
	return nil
}
