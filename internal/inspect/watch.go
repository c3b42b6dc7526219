package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// WatchEvent is something that happened to a BPF object.
type WatchEvent struct {
	Time time.Time
	// Op is "loaded", "unloaded" (programs), "created", "freed" (maps), "attached", "detached"
	// (programs, by a link or without) or "lost": so many events weren't to be seen.
	Op    string
	Kind  Kind
	ID    uint32 // of the object; of "attached" and "detached" of the program, 0: not known
	Type  string
	Name  string
	Tag   string // of programs
	Link  uint32 // that attaches
	Point string // what's attached to, in words
	By    *Actor // nil: not known
	// Holder: By isn't who did it, which isn't known, but who made or held the object.
	Holder bool
	Lost   uint64
}

// Actor is the process that did something.
type Actor struct {
	PID  int
	Comm string // "" when it had ended; then UID isn't known
	UID  uint32
}

// Watch sees what happens to BPF objects. One goroutine uses it.
type Watch struct {
	r        *Reader
	calls    *callWatch     // nil: who does it isn't seen
	progs    *sys.ProgWatch // nil: unloads are seen by their ids going away
	known    map[objectID]*watched
	own      map[objectID]bool // made by this process
	unloaded map[uint32]int    // told already, by the number of the poll, while they're still listed
	pending  map[objectID]bool // listed, and the call that makes it may not have ended
	later    []sys.ProgEvent   // of programs whose call may not have ended
	polls    int
	waiter   *sys.Waiter
	links    *pointReader
	netAt    time.Time // when interfaces were looked at last
	net      []Point
	netKnown bool
	netNames map[uint32]string // of the programs in net
}

// watched is an object that is known, for when it's gone.
type watched struct {
	typ, name, tag string // name is that of a link's program
	point          string // of a link
	prog           uint32
	detached       bool   // a link whose detaching was told
	by             *Actor // who made it, or held it when the watch began; nil: nobody saw
}

// netEvery is how often network interfaces are asked for programs without a link.
const netEvery = time.Second

// StartWatch begins to watch. What can't be seen is told of in missing; the rest is watched.
// The caller calls Poll often, and closes the watch in the end.
func (r *Reader) StartWatch() (w *Watch, missing []error, err error) {
	w = &Watch{r: r, known: map[objectID]*watched{}, own: map[objectID]bool{}, unloaded: map[uint32]int{}, pending: map[objectID]bool{}}
	lack := func(what string, err error) {
		missing = append(missing, fmt.Errorf("%s: %w", what, err))
	}
	if w.calls, err = r.watchCalls(); err != nil {
		w.calls = nil
		lack("who makes and attaches objects isn't seen", err)
	}
	cpus, err := r.kernel.OnlineCPUs()
	if err == nil {
		w.progs, err = sys.WatchProgs(cpus)
	}
	if err != nil {
		w.progs = nil
		lack("unloads are seen without their time", allowed(err))
	}
	if w.calls != nil {
		w.waiter, err = sys.NewWaiter(w.calls.ring())
	} else {
		w.waiter, err = sys.NewWaiter()
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open event waiter: %w", err), w.Close())
	}
	s, err := r.Survey()
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	missing = append(missing, s.Missing...)
	w.links = r.newPoints(s)
	holder := func(k Kind, id uint32) *Actor {
		for _, p := range s.Owners.Of(k, id) {
			return r.actor(p.PID)
		}
		return nil
	}
	for _, p := range s.Progs {
		w.known[objectID{KindProg, p.ID}] = &watched{typ: p.TypeName(), name: p.Name, tag: p.TagText(), by: holder(KindProg, p.ID)}
	}
	for _, m := range s.Maps {
		w.known[objectID{KindMap, m.ID}] = &watched{typ: m.TypeName(), name: m.Name, by: holder(KindMap, m.ID)}
	}
	for _, l := range s.Links {
		name := ""
		if p := s.Prog(l.Prog); p != nil {
			name = p.Name
		}
		w.known[objectID{KindLink, l.ID}] = &watched{typ: l.TypeName(), name: name, prog: l.Prog, point: w.links.words(l), by: holder(KindLink, l.ID)}
	}
	return w, missing, nil
}

// Wait waits until a call was seen, the deadline has passed or Wake was called, which it reports.
func (w *Watch) Wait(deadline time.Time) (woken bool, err error) { return w.waiter.Wait(deadline) }

// Wake ends a Wait. Another goroutine may call it.
func (w *Watch) Wake() { w.waiter.Wake() }

// Close ends the watch, and takes its own program off.
func (w *Watch) Close() error {
	var errs []error
	if w.waiter != nil {
		errs = append(errs, w.waiter.Close())
	}
	if w.calls != nil {
		errs = append(errs, w.calls.Close())
	}
	if w.progs != nil {
		errs = append(errs, w.progs.Close())
	}
	return errors.Join(errs...)
}

// actor is a process by its id, as it is now; its name is empty when it has ended.
func (r *Reader) actor(pid int) *Actor {
	a := &Actor{PID: pid, Comm: r.process(pid).Comm}
	if b, err := fs.ReadFile(r.root, "proc/"+strconv.Itoa(pid)+"/status"); err == nil {
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "Uid:"); ok {
				if f := strings.Fields(v); len(f) > 0 {
					n, _ := strconv.ParseUint(f[0], 10, 32)
					a.UID = uint32(n)
				}
			}
		}
	}
	return a
}

// Poll tells what happened since the last call, by time. With lists it compares the lists of
// objects too, which is what tells of maps and links that go away.
func (w *Watch) Poll(lists bool) (out []WatchEvent, err error) {
	now := time.Now()
	w.polls++
	emit := func(e WatchEvent) {
		if e.Time.IsZero() {
			e.Time = now
		}
		out = append(out, e)
	}
	// Lists are read first: what only a later call tells of is new, not gone.
	var listed map[objectID]bool
	if lists {
		if listed, err = w.list(); err != nil {
			return nil, err
		}
	}
	fresh := map[objectID]bool{}
	if w.calls != nil {
		lost := w.calls.each(func(c call) { w.seen(c, fresh, emit) })
		if lost > 0 {
			emit(WatchEvent{Op: "lost", Lost: lost})
		}
	}
	w.progEvents(emit)
	if lists {
		w.compare(listed, fresh, emit)
		w.network(now, emit)
	}
	slices.SortStableFunc(out, func(a, b WatchEvent) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return out, nil
}

// progEvents tells of loads and unloads. A program is there before the call that loads it
// ends and is seen: what no call has told of waits for the next poll.
func (w *Watch) progEvents(emit func(WatchEvent)) {
	events := w.later
	waited := len(events)
	w.later = nil
	if w.progs != nil {
		w.progs.Each(func(e sys.ProgEvent) { events = append(events, e) })
	}
	// Each CPU has a buffer; a program may be unloaded on another than it was loaded on.
	slices.SortStableFunc(events[waited:], func(a, b sys.ProgEvent) int { return cmp.Compare(a.Time, b.Time) })
	for i, e := range events {
		id := objectID{KindProg, e.ID}
		known := w.known[id] != nil || w.own[id] || e.Lost > 0 || int(e.Pid) == os.Getpid() || w.unloaded[e.ID] > 0
		if i >= waited && !known && w.calls != nil {
			w.later = append(w.later, e)
			continue
		}
		w.progEvent(e, emit)
	}
}

// at is a time since boot by the wall clock.
func (w *Watch) at(sinceBoot uint64) time.Time {
	if w.r.boot == 0 {
		boot, err := sys.BootTime()
		if err != nil {
			return time.Time{}
		}
		w.r.boot = boot
	}
	return time.Unix(0, w.r.boot+int64(sinceBoot))
}

// progEvent tells of an unload, and of a load that no call told of.
func (w *Watch) progEvent(e sys.ProgEvent, emit func(WatchEvent)) {
	id := objectID{KindProg, e.ID}
	switch {
	case e.Lost > 0:
		emit(WatchEvent{Op: "lost", Lost: e.Lost})
	case !e.Unload:
		if int(e.Pid) == os.Getpid() {
			w.own[id] = true
		} else if w.known[id] == nil && w.unloaded[e.ID] == 0 {
			n := &watched{tag: (&Prog{Tag: e.Tag}).TagText(), by: w.r.actor(int(e.Pid))}
			if p, err := w.r.Prog(e.ID); err == nil {
				n.name, n.typ = p.Name, p.TypeName()
			}
			w.known[id] = n
			emit(WatchEvent{Time: w.at(e.Time), Op: "loaded", Kind: KindProg, ID: e.ID, Type: n.typ, Name: n.name, Tag: n.tag, By: n.by})
		}
	case !w.own[id] && w.known[id] != nil:
		by, holder := w.unloader(e.Pid, w.known[id].by)
		w.gone(id, w.at(e.Time), func(o WatchEvent) {
			o.By, o.Holder = by, holder
			emit(o)
		})
		w.unloaded[e.ID] = w.polls
	}
}

// unloader is who dropped the last reference to a program: the process on whose behalf it was
// unloaded. When that's a thread of the kernel, which does such work later, it's only known
// who held it.
func (w *Watch) unloader(pid uint32, by *Actor) (a *Actor, holder bool) {
	if by != nil && by.PID == int(pid) {
		return by, false
	}
	if int(pid) == os.Getpid() {
		return by, by != nil // it was looked at as its holder let it go
	}
	// Threads of the kernel have no command line. A process that has ended has no name.
	b, err := fs.ReadFile(w.r.root, fmt.Sprintf("proc/%d/cmdline", pid))
	if pid == 0 || err == nil && len(b) == 0 {
		return by, by != nil
	}
	return w.r.actor(int(pid)), false
}
