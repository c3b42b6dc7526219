package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// session is a loaded object. Close frees all that it holds.
type session struct {
	cfg     Config
	opt     engine.Options
	obj     *object.Object
	version kern.Version
	ncpu    int

	btf   int // descriptor of the object's type information, or -1
	info  *btfInfo
	maps  []*bpfMap
	progs []*program
	links []int // descriptors whose closing detaches, in order of attachment
	ring  *ring
	watch map[uint64][]int // of links, those of the watchpoints at an address
	usdts map[string]bool  // attached USDT probes by name; each may have several places

	kernel    *kern.Kernel
	ownKernel bool           // it's ours to close
	modules   map[string]int // descriptors of modules' BTF
	targets   []int          // descriptors of BPF programs that programs attach to
}

// Run runs a TestRun program once.
func (s *session) Run(prog int) error {
	if _, err := sys.ProgRun(s.progs[prog].fd, make([]byte, rawArgs*8)); err != nil {
		return fmt.Errorf("run program %s: %w", s.progs[prog].obj.Name, explainRun(err))
	}
	return nil
}

// rawArgs is the number of u64 arguments of a raw tracepoint's context
// (MAX_BPF_FUNC_ARGS, include/linux/bpf.h).
const rawArgs = 12

// Detach closes all attachments in the order in which they were made, as bpftrace does: of
// probes at functions the script's first run until the others are gone, which takes a while.
func (s *session) Detach() error { return closeAll(&s.links) }

// Next waits for the next record.
func (s *session) Next(deadline time.Time) ([]byte, error) { return s.ring.next(deadline) }

// Wake ends a waiting Next.
func (s *session) Wake() { s.ring.wake() }

// Map is the map of that index.
func (s *session) Map(index int) engine.Map { return s.maps[index] }

// Counters sums the object's counters over the CPUs.
func (s *session) Counters() ([object.NumCounters]uint64, error) {
	var sum [object.NumCounters]uint64
	if s.obj.CountersMap < 0 {
		return sum, nil
	}
	value, err := s.maps[s.obj.CountersMap].Lookup(make([]byte, 4))
	if err != nil {
		return sum, fmt.Errorf("read counters: %w", err)
	}
	for row := 0; row < rows(s.obj, len(value)); row++ {
		for i := range sum {
			sum[i] += binary.NativeEndian.Uint64(value[row*object.CountersRow+8*i:])
		}
	}
	for _, site := range s.obj.Errors {
		if site.Count != 0 {
			sum[object.CounterMapError] += binary.NativeEndian.Uint64(value[site.Count:])
		}
	}
	return sum, nil
}

// Programs tells of the loaded programs; one that can't be asked stays out.
func (s *session) Programs() []engine.ProgramInfo {
	var list []engine.ProgramInfo
	for _, p := range s.progs {
		info, err := sys.ProgInfoByFD(p.fd)
		if err != nil {
			continue
		}
		list = append(list, engine.ProgramInfo{
			Name: p.obj.Name, ID: info.ID,
			Insns: int(info.XlatedLen) / 8, JitBytes: int(info.JitedLen),
			RunCount: info.RunCnt, RunTime: time.Duration(info.RunTimeNS),
			Verified: int(info.VerifiedInsns), Missed: info.RecursionMisses,
		})
	}
	return list
}

// Close detaches everything and frees maps and programs.
func (s *session) Close() error {
	errs := []error{s.Detach()}
	if s.ring != nil {
		errs = append(errs, s.ring.close())
	}
	for _, p := range s.progs {
		errs = append(errs, sys.Close(p.fd))
	}
	for _, m := range s.maps {
		errs = append(errs, m.close())
	}
	s.progs, s.maps = nil, nil
	if s.btf >= 0 {
		errs = append(errs, sys.Close(s.btf))
		s.btf = -1
	}
	errs = append(errs, s.closeModules())
	if s.ownKernel {
		errs = append(errs, s.kernel.Close())
		s.ownKernel = false
	}
	return errors.Join(errs...)
}

// rows is the number of rows in the counters' element of n bytes: what the sites leave.
func rows(o *object.Object, n int) int {
	for _, site := range o.Errors {
		if site.Count != 0 {
			n = min(n, int(site.Count))
		}
	}
	return n / object.CountersRow
}
