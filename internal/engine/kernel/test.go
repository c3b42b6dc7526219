package kernel

import (
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

var _ engine.Tester = (*session)(nil)

// testPacket is the length of the packet that test programs get: an Ethernet header, the
// least that the kernel takes (bpf_test_init, net/bpf/test_run.c).
const testPacket = 14

// Test runs a test or bench program.
func (s *session) Test(prog int, times uint32) (uint32, time.Duration, error) {
	p := s.progs[prog]
	result, mean, err := sys.ProgTest(p.fd, make([]byte, testPacket), times)
	if err != nil {
		return 0, 0, fmt.Errorf("run program %s: %w", p.obj.Name, explainRun(err))
	}
	return result, mean, nil
}
