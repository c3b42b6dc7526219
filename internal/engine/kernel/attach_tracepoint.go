package kernel

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attachTracepoints attaches to static tracepoints through perf events.
func attachTracepoints(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		id, err := s.kernel.EventID(pt.Target, pt.Func)
		if err != nil {
			return err
		}
		return s.attachEvent(p, &sys.PerfEvent{Type: sys.PerfTracepoint, Config: id, Period: 1, Wakeup: 1}, pt.Cookie)
	})
}
