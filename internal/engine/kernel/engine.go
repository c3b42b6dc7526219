// Package kernel runs objects on the live kernel: it makes the maps, resolves
// relocations, loads the programs with their type and line information, attaches them,
// and reads the ring buffer. README.md tells its concepts.
package kernel

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Config is what the engine gets from the one who makes it. The zero value is usable.
type Config struct {
	// Kernel is the running kernel's facts, shared with the one who compiled so that
	// nothing is read twice; nil: each session reads its own.
	Kernel *kern.Kernel
}

// Engine loads objects into the live kernel. It has no state of its own and may be used
// by several goroutines.
type Engine struct{ cfg Config }

// New returns an engine.
func New(cfg Config) *Engine { return &Engine{cfg} }

var _ engine.Engine = (*Engine)(nil)

// Kernel versions as KERNEL_VERSION gives them, named by what came with them.
const (
	v5_11MemoryAccounting = 5<<16 | 11<<8
	v5_18KprobeMulti      = 5<<16 | 18<<8
	v6_6UprobeMulti       = 6<<16 | 6<<8
)

// Load makes the maps and loads the programs of o. The error of a refused program is an
// *engine.Rejection.
func (e *Engine) Load(ctx context.Context, o *object.Object, opt engine.Options) (engine.Session, error) {
	if opt.Logf == nil {
		opt.Logf = func(string, ...any) {}
	}
	if opt.Warnf == nil {
		opt.Warnf = func(string, ...any) {}
	}
	s := &session{cfg: e.cfg, opt: opt, obj: o, btf: -1, kernel: e.cfg.Kernel}
	if s.kernel == nil {
		s.kernel, s.ownKernel = kern.New(os.DirFS("/")), true
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// load fills an empty session.
func (s *session) load(ctx context.Context) error {
	var err error
	if s.version, err = s.kernel.Version(); err != nil {
		return err
	}
	cpus, err := s.kernel.PossibleCPUs()
	if err != nil {
		return err
	}
	s.ncpu = cpus[len(cpus)-1] + 1
	if s.version < v5_11MemoryAccounting {
		if err := sys.LiftMemlock(); err != nil {
			s.opt.Warnf("%v", err)
		}
	}
	// Each map, program and attachment holds descriptors.
	if err := sys.LiftNofile(nofile(s.obj)); err != nil {
		s.opt.Logf("%v", err)
	}
	info := encodeBTF(s.obj)
	if s.btf, err = sys.BTFLoad(info.data); err != nil {
		s.opt.Logf("load type information: %v", err)
		s.btf, info = -1, nil
	}
	if err := s.createMaps(info); err != nil {
		return err
	}
	for i, p := range s.obj.Programs {
		if err := ctx.Err(); err != nil {
			return err
		}
		prog, err := s.loadProgram(i, p, info, s.attachType(p))
		if err != nil {
			return err
		}
		s.progs = append(s.progs, prog)
	}
	s.info = info
	return s.openRing()
}

// openRing makes what Next reads.
func (s *session) openRing() error {
	packets, err := s.openPackets()
	if err != nil {
		return err
	}
	fd, size := -1, 0
	if s.obj.RingMap >= 0 {
		m := s.maps[s.obj.RingMap]
		fd, size = m.fd, int(m.maxEntries)
	}
	if s.ring, err = newRing(fd, size, packets); err != nil {
		return errors.Join(err, packets.close())
	}
	return nil
}

// nofile is the number of descriptors that o may need, with room for the rest of us.
func nofile(o *object.Object) uint64 {
	n := uint64(256 + len(o.Maps) + len(o.Programs))
	for _, p := range o.Programs {
		n += 2 * uint64(len(p.Points))
	}
	return max(n, 1024)
}

// Sizes of the ring buffer in KiB when nobody says one: bpftrace's rule, as much as
// there's memory within these bounds. Objects whose programs are only run by hand, once
// each, send little, and 16 MiB take the kernel longer to make (7 ms) than all the rest.
const (
	ringMinKB  = 256
	ringMaxKB  = 16384
	ringHandKB = 2048
)

// ringSize is the size of the ring buffer in bytes, a power of two and of pages.
func ringSize(opt int, o *object.Object, available uint64) uint32 {
	size := uint64(opt)
	switch {
	case size == 0 && o.Config.PerfRBPages != 0:
		size = o.Config.PerfRBPages * 4096
	case size == 0:
		most := uint64(ringHandKB)
		for _, p := range o.Programs {
			if !p.TestRun {
				most = ringMaxKB
			}
		}
		size = min(max(available/1024, ringMinKB), most) * 1024
		size = 1 << (bits.Len64(size) - 1) // memory rounds down
	}
	size = max(size, uint64(os.Getpagesize()))
	if size&(size-1) != 0 {
		size = 1 << bits.Len64(size)
	}
	return uint32(min(size, 1<<30))
}

// closeAll closes descriptors and forgets them.
func closeAll(fds *[]int) error {
	var errs []error
	for _, fd := range *fds {
		if err := sys.Close(fd); err != nil {
			errs = append(errs, fmt.Errorf("close descriptor %d: %w", fd, err))
		}
	}
	*fds = nil
	return errors.Join(errs...)
}
