package inspect

import "testing"

// TestPerfLinks: a link's event that the process has open as well is told once; events of a
// program on several CPUs are all told.
func TestPerfLinks(t *testing.T) {
	event := func(fd int, prog uint32, name string) *PerfFD {
		return &PerfFD{PID: 1, FD: fd, Prog: prog, Type: FDTracepoint, Name: name}
	}
	got := withLinks([]*PerfFD{event(3, 7, "a"), event(4, 7, "a")}, []*PerfFD{event(5, 7, "a"), event(6, 7, "b"), event(8, 9, "a"), event(9, 9, "a")})
	var fds []int
	for _, e := range got {
		fds = append(fds, e.FD)
	}
	if len(fds) != 5 || fds[0] != 3 || fds[1] != 4 || fds[2] != 6 || fds[3] != 8 || fds[4] != 9 {
		t.Errorf("descriptors %v", fds)
	}
}
