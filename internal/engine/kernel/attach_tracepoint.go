package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// tracefsRoot is where tracefs is, once found.
type tracefsRoot struct{ fs.FS }

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
	root, err := s.findTracefs()
	if err != nil {
		return 0, err
	}
	data, err := fs.ReadFile(root, path.Join("events", category, name, "id"))
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read id of %s:%s: %w", category, name, err)
	}
	return id, nil
}

// findTracefs is the configured tracefs, the mounted one, or a mount of our own that no
// path leads to and that ends with the session.
func (s *session) findTracefs() (fs.FS, error) {
	if s.cfg.Tracefs != nil {
		return s.cfg.Tracefs, nil
	}
	if s.trace.FS != nil {
		return s.trace.FS, nil
	}
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		if _, err := os.Stat(dir + "/events"); err == nil {
			s.trace.FS = os.DirFS(dir)
			return s.trace.FS, nil
		}
	}
	dir, closer, err := sys.OpenTracefs()
	if err != nil {
		return nil, errors.Join(errNoTracefs, err)
	}
	s.trace.FS, s.tracefs = os.DirFS(dir), closer
	return s.trace.FS, nil
}

var errNoTracefs = errors.New("tracefs isn't mounted (type: mount -t tracefs nodev /sys/kernel/tracing)")
