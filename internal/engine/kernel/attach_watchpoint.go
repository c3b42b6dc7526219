package kernel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// attachWatchpoints sets the processor's breakpoints at addresses: in each thread of one
// process and those that it makes, or on every CPU.
func attachWatchpoints(s *session, p *program, points []object.Point) (int, error) {
	n, err := s.each(points, func(pt *object.Point) error {
		first := len(s.links)
		defer func() {
			if s.watch == nil {
				s.watch = map[uint64][]int{}
			}
			s.watch[pt.Addr] = append(s.watch[pt.Addr], s.links[first:]...)
		}()
		e := &sys.PerfEvent{Type: sys.PerfBreakpoint, Break: uint32(pt.Config), Config1: pt.Addr, Config2: pt.Value,
			Period: 1, Inherit: true}
		pid := s.pid(pt)
		if pid == 0 {
			return s.everyCPU(p, pt, e)
		}
		threads, err := threadsOf(pid)
		if err != nil {
			return err
		}
		e.CPU = -1
		for _, e.Pid = range threads {
			if err := s.attachEvent(p, e, pt.Cookie); err != nil {
				return err
			}
		}
		return nil
	})
	if n > 0 && errors.Is(sys.TryWatchpoint(), sys.ErrNoStop) {
		s.opt.Warnf("watchpoints won't fire: %v, as in some virtual machines", sys.ErrNoStop)
	}
	return n, err
}

// Unwatch detaches the watchpoints at an address.
func (s *session) Unwatch(addr uint64) (int, error) {
	links := s.watch[addr]
	delete(s.watch, addr)
	s.links = slices.DeleteFunc(s.links, func(fd int) bool { return slices.Contains(links, fd) })
	n := len(links)
	return n, closeAll(&links)
}

// threadsOf lists the threads of a process.
func threadsOf(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return nil, fmt.Errorf("list the threads of process %d: %w", pid, err)
	}
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
