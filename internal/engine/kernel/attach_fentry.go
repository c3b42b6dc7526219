package kernel

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// v5_19TracingCookie is the kernel whose tracing links take cookies.
const v5_19TracingCookie = 5<<16 | 19<<8

// attachTrampolines attaches a program to the one kernel function or tracepoint that it
// was loaded for.
func attachTrampolines(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		var fd int
		var err error
		if pt.Cookies && s.version >= v5_19TracingCookie {
			fd, err = sys.LinkTracing(p.fd, p.obj.AttachType, pt.Cookie)
		} else {
			fd, err = sys.RawTracepointOpen("", p.fd)
		}
		if err != nil {
			return err
		}
		s.hold(fd)
		return nil
	})
}
