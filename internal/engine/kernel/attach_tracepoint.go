package kernel

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attachTracepoints attaches to static tracepoints through perf events.
func attachTracepoints(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		id, err := s.eventID(pt.Target, pt.Func)
		if err != nil {
			return err
		}
		return s.attachEvent(p, &sys.PerfEvent{Type: sys.PerfTracepoint, Config: id, Period: 1, Wakeup: 1}, pt.Cookie)
	})
}

// eventID is the number of a trace event.
func (s *session) eventID(category, name string) (uint64, error) {
	root, err := s.kernel.Tracefs()
	if err != nil {
		return 0, err
	}
	data, err := fs.ReadFile(root, "events/"+category+"/"+name+"/id")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read id of %s:%s: %w", category, name, err)
	}
	return id, nil
}
