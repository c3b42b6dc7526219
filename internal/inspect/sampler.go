package inspect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Sampler has the kernel count the runs of all programs, and reads the counts interval by
// interval: four system calls a program. One goroutine uses it, that of its Reader.
type Sampler struct {
	r     *Reader
	stats int // descriptor that keeps statistics on; -1: they're off
	progs map[uint32]*Sampled
	at    time.Time // of the last sample
	round uint64
	info  sys.ProgInfo
}

// Sampled is a program in an interval. What Prog tells is as of when it was first seen,
// counters excepted, which are Sampled's own.
type Sampled struct {
	*Prog
	Runs     Runs          // in the interval
	RunCount uint64        // since it was loaded, while statistics were on
	RunTime  time.Duration // of these runs together
	Misses   uint64        // since it was loaded
	at       time.Time     // of the counters
	seen     uint64        // round
}

// Sample is what all programs did in an interval.
type Sample struct {
	At      time.Time
	Elapsed time.Duration
	Progs   []Sampled // by id
}

// StartSampler switches run statistics on (kernel 5.8, CAP_SYS_ADMIN) and reads all programs.
// missing are fields that weren't to be had. The caller closes the sampler, which switches
// them off unless others want them.
func (r *Reader) StartSampler() (s *Sampler, missing []error, err error) {
	s = &Sampler{r: r, stats: -1, progs: map[uint32]*Sampled{}}
	for p, err := range r.Progs() {
		switch {
		case errors.As(err, new(*listError)):
			return nil, nil, err
		case err != nil:
			missing = append(missing, err)
		default:
			missing = append(missing, p.Missing...)
			s.progs[p.ID] = &Sampled{Prog: p.Clone()}
		}
	}
	if err := s.Resume(); err != nil {
		return nil, nil, err
	}
	return s, missing, nil
}

// Resume switches statistics on again; the next interval begins now.
func (s *Sampler) Resume() error {
	if s.stats >= 0 {
		return nil
	}
	fd, err := sys.EnableStats()
	if err != nil {
		return fmt.Errorf("switch run statistics on: %w", allowed(err))
	}
	s.stats = fd
	if _, err := s.Sample(); err != nil {
		return errors.Join(err, s.Pause())
	}
	return nil
}

// Pause switches statistics off until Resume.
func (s *Sampler) Pause() error {
	if s.stats < 0 {
		return nil
	}
	fd := s.stats
	s.stats = -1
	return sys.Close(fd)
}

// Close switches statistics off.
func (s *Sampler) Close() error { return s.Pause() }

// Sample ends an interval and tells what programs did in it. A program that was loaded in
// it counts from its start on; one that came and went isn't seen. skep's own iterators,
// which live for moments, are left out.
func (s *Sampler) Sample() (*Sample, error) {
	began := time.Now()
	out := &Sample{At: began, Progs: make([]Sampled, 0, len(s.progs)+8)}
	if !s.at.IsZero() {
		out.Elapsed = began.Sub(s.at)
	}
	s.round++
	for id, err := range s.r.IDs(KindProg) {
		if err != nil {
			return nil, err
		}
		g, err := s.read(id)
		if errors.Is(err, ErrGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !ownIterator(g.Prog) {
			out.Progs = append(out.Progs, *g)
		}
	}
	maps.DeleteFunc(s.progs, func(_ uint32, g *Sampled) bool { return g.seen != s.round })
	s.at = began
	return out, nil
}

// read reads a program's counters.
func (s *Sampler) read(id uint32) (*Sampled, error) {
	fd, err := open(KindProg, id)
	if err != nil {
		return nil, err
	}
	defer sys.Close(fd)
	if err := s.info.Read(fd); err != nil && !errors.Is(err, sys.ENODEV) {
		return nil, fmt.Errorf("read program %d: %w", id, err)
	}
	i, now := &s.info, time.Now()
	g := s.progs[id]
	if g == nil || g.Tag != i.Tag { // an id may come round
		p, err := s.r.ProgByFD(fd)
		if err != nil {
			return nil, err
		}
		g = &Sampled{Prog: p, at: s.at}
		s.progs[id] = g
	}
	g.Runs = Runs{}
	if !g.at.IsZero() {
		g.Runs = Runs{
			Count: i.RunCnt - g.RunCount, Time: time.Duration(i.RunTimeNS) - g.RunTime, Misses: i.RecursionMisses - g.Misses,
			Elapsed: now.Sub(g.at),
		}
	}
	g.RunCount, g.RunTime, g.Misses, g.at, g.seen = i.RunCnt, time.Duration(i.RunTimeNS), i.RecursionMisses, now, s.round
	return g, nil
}

// ownIterators are the names of programs that skep reads by, whose links the kernel takes
// off a moment after they're closed.
var ownIterators = []string{iteratorName("task_file"), iteratorName("bpf_prog")}

func ownIterator(p *Prog) bool { return p.Type == progTracing && slices.Contains(ownIterators, p.Name) }
