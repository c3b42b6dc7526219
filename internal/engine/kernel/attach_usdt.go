package kernel

import "github.com/skep-bpf/skep/internal/bpf/object"

// attachUSDTs attaches to the places of USDT probes. The compiler inlines some to several
// places, and the arguments may be elsewhere in each, so that one probe is several points
// of several programs: it counts once.
func attachUSDTs(s *session, p *program, points []object.Point) (int, error) {
	if n, err := attachUprobes(s, p, points); n == 0 || err != nil {
		return 0, err
	}
	if s.usdts == nil {
		s.usdts = map[string]bool{}
	}
	before := len(s.usdts)
	for i := range points {
		s.usdts[points[i].Text] = true
	}
	return len(s.usdts) - before, nil
}
