package kernel

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attachRawTracepoints attaches programs with a BTF target to it, others by name.
func attachRawTracepoints(s *session, p *program, points []object.Point) (int, error) {
	if p.obj.ProgType == progTracing {
		return attachTrampolines(s, p, points)
	}
	return s.each(points, func(pt *object.Point) error {
		fd, err := sys.RawTracepointOpen(pt.Func, p.fd)
		if err != nil {
			return err
		}
		s.hold(fd)
		return nil
	})
}
