package inspect

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Survey is all BPF of a machine at one time, with how it hangs together. Objects that go
// away while it is read may still be named by others.
type Survey struct {
	Taken  time.Time
	Progs  []*Prog
	Maps   []*Map
	Links  []*Link
	Owners *Owners // nil: not to be had
	Pins   []Pin
	Points []Point
	// Missing are fields and whole parts that the kernel or a permission didn't give.
	Missing []error
	index   *surveyIndex // nil: not made yet
}

// surveyIndex finds what belongs to an object without a walk over all the others: with
// thousands of programs that would be most of a listing's time.
type surveyIndex struct {
	progs  map[uint32]*Prog
	maps   map[uint32]*Map
	points map[uint32][]Point  // by program
	links  map[uint32][]uint32 // by program
	users  map[uint32][]*Prog  // by map
	pins   map[objectID][]string
}

// by is the index, made when it's first asked for. The survey doesn't change after that.
func (s *Survey) by() *surveyIndex {
	if s.index != nil {
		return s.index
	}
	x := &surveyIndex{
		progs: map[uint32]*Prog{}, maps: map[uint32]*Map{}, points: map[uint32][]Point{}, links: map[uint32][]uint32{},
		users: map[uint32][]*Prog{}, pins: map[objectID][]string{},
	}
	for _, p := range s.Progs {
		x.progs[p.ID] = p
		for i, m := range p.Maps {
			if !slices.Contains(p.Maps[:i], m) {
				x.users[m] = append(x.users[m], p)
			}
		}
	}
	for _, m := range s.Maps {
		x.maps[m.ID] = m
	}
	for _, q := range s.Points {
		x.points[q.Prog] = append(x.points[q.Prog], q)
	}
	for _, l := range s.Links {
		x.links[l.Prog] = append(x.links[l.Prog], l.ID)
	}
	for _, p := range s.Pins {
		if p.Err == nil {
			k := objectID{p.Kind, p.ID}
			x.pins[k] = append(x.pins[k], p.Path)
		}
	}
	s.index = x
	return x
}

// Survey reads the machine. Only lists of ids that are refused make it fail; everything
// else that isn't to be had is told of in Missing.
func (r *Reader) Survey() (*Survey, error) {
	s := &Survey{Taken: time.Now()}
	var err error
	// First who holds what: the iterator that finds it is gone by the time of the lists.
	if s.Owners, err = r.Owners(); err != nil {
		s.Missing = append(s.Missing, err)
	}
	if s.Progs, err = collect(s, cloned(r.Progs()), func(p *Prog) []error { return p.Missing }); err != nil {
		return nil, err
	}
	if s.Maps, err = collect(s, r.Maps(), func(m *Map) []error { return m.Missing }); err != nil {
		return nil, err
	}
	if s.Links, err = collect(s, r.Links(), func(l *Link) []error { return l.Missing }); err != nil {
		// Links have ids since 5.8 only; a survey without them is still one.
		s.Missing = append(s.Missing, err)
	}
	if s.Pins, err = r.Pins(); err != nil {
		s.Missing = append(s.Missing, err)
	}
	for _, p := range s.Pins {
		if p.Err != nil {
			s.Missing = append(s.Missing, p.Err)
		}
	}
	var missing []error
	s.Points, missing = r.points(s)
	s.Missing = append(s.Missing, missing...)
	return s, nil
}

// cloned are programs that remain.
func cloned(all iter.Seq2[*Prog, error]) iter.Seq2[*Prog, error] {
	return func(yield func(*Prog, error) bool) {
		for p, err := range all {
			if err == nil {
				p = p.Clone()
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// collect takes all of a list. What one object lacks goes to the survey's Missing, the
// object's own error too; the list's error is returned.
func collect[T any](s *Survey, all iter.Seq2[*T, error], missing func(*T) []error) (out []*T, err error) {
	for t, err := range all {
		switch {
		case err == nil:
			s.Missing = append(s.Missing, missing(t)...)
			out = append(out, t)
		case errors.As(err, new(*listError)):
			return out, err
		default:
			s.Missing = append(s.Missing, err)
		}
	}
	return out, nil
}

// Prog is the program with an id; nil: there's none.
func (s *Survey) Prog(id uint32) *Prog { return s.by().progs[id] }

// Map is the map with an id; nil: there's none.
func (s *Survey) Map(id uint32) *Map { return s.by().maps[id] }

// PointsOf are the places that a program is attached to.
func (s *Survey) PointsOf(prog uint32) []Point { return slices.Clone(s.by().points[prog]) }

// PinsOf are the paths that an object is pinned at.
func (s *Survey) PinsOf(k Kind, id uint32) []string {
	return slices.Clone(s.by().pins[objectID{k, id}])
}

// MapUsers are the programs that use a map, by id.
func (s *Survey) MapUsers(id uint32) []*Prog { return slices.Clone(s.by().users[id]) }

// Keeper is who keeps a program in the kernel.
type Keeper struct {
	Processes []*Process // that have it, its link or its perf event open
	Pins      []string   // of it and of its links
	Unknown   bool       // there may be processes that couldn't be looked into
}

// Keeper tells who keeps a program. Nobody: an attachment without a link does (of a network
// interface, a cgroup, a map), or a process that couldn't be looked into.
func (s *Survey) Keeper(prog uint32) (k Keeper) {
	k.Unknown = s.Owners == nil || s.Owners.Unread > 0
	add := func(procs []*Process) {
		for _, p := range procs {
			if p != nil && !slices.Contains(k.Processes, p) {
				k.Processes = append(k.Processes, p)
			}
		}
	}
	add(s.Owners.Of(KindProg, prog))
	k.Pins = s.PinsOf(KindProg, prog)
	for _, id := range s.by().links[prog] {
		add(s.Owners.Of(KindLink, id))
		k.Pins = append(k.Pins, s.PinsOf(KindLink, id)...)
	}
	for _, q := range s.PointsOf(prog) {
		if s.Owners == nil {
			break
		}
		for _, pid := range q.PIDs {
			add([]*Process{s.Owners.Processes[pid]})
		}
	}
	slices.SortFunc(k.Processes, func(a, b *Process) int { return a.PID - b.PID })
	slices.Sort(k.Pins)
	return k
}

// State is what a program does, as far as the kernel tells.
type State string

// The states; docs/inspect.md describes them.
const (
	StateLoaded   State = "loaded"   // in the kernel, attached to nothing that the kernel tells of
	StateAttached State = "attached" // attached, and didn't run while it was looked at
	StateRunning  State = "running"  // ran while it was looked at
	StateMissed   State = "missed"   // runs of it were left out while it was looked at
	StateDetached State = "detached" // attached no more: its link stays without its target
	StatePinned   State = "pinned"   // attached no more, or never: nothing but a pin keeps it
)

// State is a program's state. r is what it did while statistics were on.
func (s *Survey) State(prog uint32, r Runs) State {
	switch {
	case r.Misses > 0:
		return StateMissed
	case r.Count > 0:
		return StateRunning
	}
	points := s.PointsOf(prog)
	if slices.ContainsFunc(points, func(q Point) bool { return !q.Detached }) {
		return StateAttached
	}
	if len(points) > 0 {
		return StateDetached
	}
	if k := s.Keeper(prog); len(k.Pins) > 0 && len(k.Processes) == 0 {
		return StatePinned
	}
	return StateLoaded
}

// Runs is what a program did during a time.
type Runs struct {
	Count   uint64
	Time    time.Duration // of all runs together
	Misses  uint64        // runs that were left out because the program was running on that CPU
	Elapsed time.Duration // the time
}

// PerSecond is the rate of runs.
func (r Runs) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Count) / r.Elapsed.Seconds()
}

// MissesPerSecond is the rate of runs that were left out.
func (r Runs) MissesPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Misses) / r.Elapsed.Seconds()
}

// PerRun is the mean time of a run; 0: there was none.
func (r Runs) PerRun() time.Duration {
	if r.Count == 0 {
		return 0
	}
	return r.Time / time.Duration(r.Count)
}

// CPU is the share of one CPU's time, in percent: up to 100 for each CPU.
func (r Runs) CPU() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return 100 * r.Time.Seconds() / r.Elapsed.Seconds()
}

// Meter has the kernel count programs' runs while it is open.
type Meter struct {
	fd     int
	before map[uint32]count
}

// count is a program's counters at a time.
type count struct {
	at            time.Time
	runs, ns, mis uint64
}

// StartMeter switches run statistics on (kernel 5.8, CAP_SYS_ADMIN) and reads the counters of
// programs. The caller closes the meter, which switches them off unless others want them.
func (r *Reader) StartMeter(progs []*Prog) (*Meter, error) {
	fd, err := sys.EnableStats()
	if err != nil {
		return nil, fmt.Errorf("switch run statistics on: %w", allowed(err))
	}
	m := &Meter{fd: fd, before: map[uint32]count{}}
	for _, p := range progs {
		if c, err := countOf(p.ID); err == nil {
			m.before[p.ID] = c
		}
	}
	return m, nil
}

// Read tells what programs did since the start. Those that are gone are left out.
func (m *Meter) Read() map[uint32]Runs {
	out := map[uint32]Runs{}
	for id, b := range m.before {
		if c, err := countOf(id); err == nil {
			out[id] = Runs{Count: c.runs - b.runs, Time: time.Duration(c.ns - b.ns), Misses: c.mis - b.mis, Elapsed: c.at.Sub(b.at)}
		}
	}
	return out
}

// Close switches the statistics off.
func (m *Meter) Close() error { return sys.Close(m.fd) }

func countOf(id uint32) (count, error) {
	return byID(KindProg, id, func(fd int) (count, error) {
		info, err := sys.ProgInfoByFD(fd)
		return count{time.Now(), info.RunCnt, info.RunTimeNS, info.RecursionMisses}, err
	})
}
