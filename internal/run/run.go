// Package run is the session loop: it loads an object, attaches it, turns what its
// programs send into output until something ends the session, and prints the maps.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/pcap"
)

// Buffering says when output is written.
type Buffering uint8

// The bufferings: when no event waits, for each event, or when the buffer is full.
const (
	BufferIdle Buffering = iota
	BufferNone
	BufferFull
)

// Config is a session to be run.
type Config struct {
	Object  *object.Object
	Engine  engine.Engine
	Options engine.Options
	Sink    output.Sink
	Names   Names // nil: addresses stay numbers
	Boot    int64 // wall clock at boot, ns since 1970
	Times   event.Times
	Child   *Child // of -c, or nil; Run starts and ends it
	Pid     int    // of -p: the session ends when this process does; 0: none
	// UnwindPids are processes whose stacks dw_ustack unwinds, beside those of Child and Pid.
	UnwindPids []int
	Script     string // what the script is called, for files that tell where they come from

	Duration  time.Duration // the session's length from attachment on; 0: no limit
	Buffering Buffering
	Quiet     bool // don't tell how many probes were attached
	DryRun    bool // end once attached
	// Mode is which probes are run. Those other than ModeTrace need Capture, which makes a sink
	// like Sink that writes to w.
	Mode    Mode
	Capture func(w io.Writer) output.Sink
	Signals bool // SIGINT and SIGTERM end the session, SIGUSR1 runs self:signal:SIGUSR1
	// Ready gets a line once attached when NotifyEnv is set; nil: nobody waits.
	Ready io.Writer
	// Started is told the session once it's attached; may be nil. It's for those who show
	// more than output: statistics, programs.
	Started func(engine.Session)
}

// Names resolves addresses; a *sym.Symbolizer does.
type Names interface {
	event.Resolver
	// Preload reads what naming a process's addresses takes before it ends.
	Preload(pid uint32)
	// Follow records what a process and its descendants map from now on; 0: all processes.
	Follow(pid uint32) error
	// FollowCgroups records which cgroups are made from now on.
	FollowCgroups() error
	// Collect takes in what was recorded. It's called every tick.
	Collect()
	// Troubles tell why addresses that were asked for have no names.
	Troubles() []string
}

// NotifyEnv is the environment variable, and the line, by which test harnesses of the
// language learn that probes are attached.
const NotifyEnv = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"

// Errors of sessions without anything to run.
var (
	ErrNoProbes    = errors.New("No probes to attach")
	ErrNotAttached = errors.New("attachment failed for all probes")
)

// Run runs a session to its end and returns the exit status that the script asked for.
// A reader that went away (EPIPE) ends the session without an error.
func Run(ctx context.Context, cfg Config) (exit int, err error) {
	if cfg.Child != nil {
		defer cfg.Child.Stop()
	}
	if len(cfg.Object.Programs) == 0 {
		return 0, ErrNoProbes
	}
	s, err := cfg.Engine.Load(ctx, cfg.Object, cfg.Options)
	if err != nil {
		return 0, err
	}
	r := newRunner(&cfg, s)
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	if err := r.watch.start(ctx, &cfg, s.Wake); err != nil {
		return 0, err
	}
	defer r.watch.stop()
	keeper, err := keepCgroups(cfg.Object, s)
	if err != nil {
		return 0, err
	}
	if keeper != nil {
		defer func() {
			if kerr := keeper.stop(); kerr != nil && cfg.Options.Warnf != nil {
				cfg.Options.Warnf("cgroups that were made later may have been missed: %v", kerr)
			}
		}()
	}
	session := r.session
	if cfg.Mode != ModeTrace {
		session = r.examine
	} else if !cfg.DryRun {
		if err := r.openCaptures(); err != nil {
			return 0, err
		}
	}
	err = session()
	if errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	if err := errors.Join(err, r.closeCaptures()); err != nil {
		return 0, err
	}
	return r.exit, nil
}

// runner is a running session.
type runner struct {
	*Config
	s       engine.Session
	dec     *event.Decoder
	actions actions
	watch   watcher
	exit    int
	ended   bool // exit() was called, or the sink failed
	lost    uint64
	refused uint64    // refused map updates told of
	checked time.Time // when losses were last looked for
	naming  bool      // addresses of processes, or cgroups, are to be named
	users   bool      // addresses of processes are
	// recorded: what processes map is recorded. collected is when that was last taken in.
	recorded  bool
	collected time.Time
	unwind    *unwinder      // of dw_ustack; nil: it isn't used
	captures  []packetFile   // of skboutput(), by action
	files     []*pcap.Writer // of captures
}

func newRunner(cfg *Config, s engine.Session) *runner {
	r := &runner{Config: cfg, s: s}
	r.dec = &event.Decoder{Object: cfg.Object, Maps: s, Boot: cfg.Boot, Times: cfg.Times}
	if cfg.Names != nil {
		r.dec.Names = cfg.Names
	}
	r.actions.places = make([][]output.Place, len(cfg.Object.Actions))
	return r
}

// session is a session in bpftrace's order: begin probes, attach, events, detach, end
// probes, what is left of events, maps.
func (r *runner) session() error {
	if err := r.startUnwinding(); err != nil {
		return err
	}
	if err := r.runAll("begin"); err != nil {
		return err
	}
	r.follow()
	attached, err := r.s.Attach()
	if err != nil {
		return err
	}
	if r.DryRun {
		return nil
	}
	own := r.count("begin") + r.count("end")
	selves := r.count("self")
	if attached+own+selves == 0 {
		return r.onlyFor()
	}
	if err := r.ready(attached + own + selves); err != nil {
		return err
	}
	if err := r.startChild(); err != nil {
		return err
	}
	r.sayPinned()
	iterators, err := r.iterate()
	if err != nil {
		return err
	}
	if r.ended || attached+selves == iterators {
		r.warnNothing(attached)
		err = r.drain() // nothing will come after what begin and iterators sent
	} else {
		r.watch.limit(r.Duration)
		err = r.pump()
	}
	if err != nil {
		return err
	}
	return r.finish()
}

// warnNothing says that a session ends at once since nothing of what its probes are for exists
// here, which missing_probes let pass.
func (r *runner) warnNothing(attached int) {
	attachable := func(p *object.Program) bool { return !p.TestRun && len(p.Points) > 0 }
	if attached == 0 && r.Options.Warnf != nil && slices.ContainsFunc(r.Object.Programs, attachable) {
		r.Options.Warnf("nothing could be attached to, so that only begin and end run")
	}
}

// startChild lets the command of -c run.
func (r *runner) startChild() error {
	if r.Child == nil {
		return nil
	}
	if err := r.Child.Go(); err != nil {
		return err
	}
	return r.unwind.settle(r.Child.Done())
}

// follow has recorded which cgroups are made when some are to be named, and what processes map when addresses of theirs are to be named, since
// they may be gone by then: the command and its descendants, or all.
func (r *runner) follow() {
	if r.Names == nil || r.DryRun {
		return
	}
	if prints(r.Object, func(t *object.Type) bool { return t.Kind == object.CgroupPath }) {
		r.naming = true
		if err := r.Names.FollowCgroups(); err != nil && r.Options.Logf != nil {
			r.Options.Logf("%v", err)
		}
	}
	if !namesUsers(r.Object) {
		return
	}
	r.naming, r.users = true, true
	pid := uint32(0)
	if r.Child != nil {
		pid = uint32(r.Child.Pid())
	}
	err := r.Names.Follow(pid)
	if err != nil && r.Options.Logf != nil {
		r.Options.Logf("%v", err)
	}
	r.recorded = err == nil
}

// collect reads what naming takes, while it's there.
func (r *runner) collect() {
	r.Names.Collect()
	if r.users && !r.recorded && r.Child != nil {
		r.Names.Preload(uint32(r.Child.Pid()))
	}
}

// ready says that everything is attached.
func (r *runner) ready(n int) error {
	if r.Started != nil {
		r.Started(r.s)
	}
	if !r.Quiet {
		r.Sink.Attached(n)
	}
	if os.Getenv(NotifyEnv) != "" && r.Ready != nil {
		if err := r.Sink.Flush(); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(r.Ready, NotifyEnv); err != nil {
			return err
		}
	}
	if r.Names != nil && r.Pid != 0 {
		r.Names.Preload(uint32(r.Pid))
	}
	return nil
}

// kindOf is the kind of probe of a program that is run by hand.
func kindOf(p *object.Program) string {
	if !p.TestRun || len(p.Points) == 0 {
		return ""
	}
	return p.Points[0].Kind
}

// count is the number of programs of a kind that are run by hand.
func (r *runner) count(kind string) int {
	n := 0
	for _, p := range r.Object.Programs {
		if kindOf(p) == kind {
			n++
		}
	}
	return n
}

// runAll runs the programs of a kind, in the script's order.
func (r *runner) runAll(kind string) error {
	for i, p := range r.Object.Programs {
		if kindOf(p) != kind {
			continue
		}
		if err := r.s.Run(i); err != nil {
			return err
		}
	}
	return nil
}

// tick is how often a session looks after things that nothing tells it of: losses, and
// the mappings of processes whose symbols may be needed after their end.
const tick = 100 * time.Millisecond

// pump turns events into output until something ends the session.
func (r *runner) pump() error {
	for {
		if now := time.Now(); r.naming && now.Sub(r.collected) >= tick {
			r.collect()
			if err := r.unwind.update(); err != nil {
				return err
			}
			r.collected = now
		}
		idle, err := r.available()
		if err != nil || r.ended {
			return err
		}
		switch {
		case r.watch.ended():
			return nil
		case r.watch.signalled():
			if err := r.runAll("self"); err != nil {
				return err
			}
			continue
		case !idle:
			continue
		}
		if err := r.idle(); err != nil {
			return err
		}
		var deadline time.Time
		if r.naming {
			deadline = time.Now().Add(tick)
		}
		rec, err := r.s.Next(deadline)
		r.setClocks()
		switch {
		case errors.Is(err, engine.ErrTimeout):
		case err != nil:
			return err
		default:
			if err := r.record(rec); err != nil {
				return err
			}
		}
		if r.ended {
			return nil
		}
	}
}

// burst bounds the events between two looks at what may end the session.
const burst = 256

// expired is a deadline that has passed: Next then returns only what is there.
var expired = time.Unix(1, 0)

// available handles events that are there, up to burst. idle: there are no more.
func (r *runner) available() (idle bool, err error) {
	r.setClocks()
	for range burst {
		rec, err := r.s.Next(expired)
		if errors.Is(err, engine.ErrTimeout) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if err := r.record(rec); err != nil || r.ended {
			return false, err
		}
	}
	return false, r.reportLost(false)
}

// idle writes out what is buffered before waiting.
func (r *runner) idle() error {
	if err := r.reportLost(false); err != nil {
		return err
	}
	if r.Buffering == BufferFull {
		return nil
	}
	if err := r.flushCaptures(); err != nil {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "%v", err), nil)
	}
	return r.Sink.Flush()
}

// drain handles all events that are there, up to an exit().
func (r *runner) drain() error {
	for !r.ended {
		idle, err := r.available()
		if err != nil || idle {
			return err
		}
	}
	return nil
}

// discard throws away all events that are there: what probes sent after exit().
func (r *runner) discard() error {
	for {
		_, err := r.s.Next(expired)
		if errors.Is(err, engine.ErrTimeout) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// finish detaches, runs the end probes and prints what remains.
func (r *runner) finish() error {
	if err := r.s.Detach(); err != nil {
		return err
	}
	if r.Child != nil {
		r.Child.Stop()
	}
	if err := r.drain(); err != nil {
		return err
	}
	if r.ended {
		if err := r.discard(); err != nil {
			return err
		}
	}
	r.ended = false
	if err := r.runAll("end"); err != nil {
		return err
	}
	if err := r.drain(); err != nil {
		return err
	}
	if err := r.reportLost(true); err != nil {
		return err
	}
	r.Sink.End()
	if r.Object.Config.PrintMapsOnExit {
		if err := r.printMaps(); err != nil {
			return err
		}
	}
	if r.Names != nil && r.Options.Warnf != nil {
		for _, trouble := range r.Names.Troubles() {
			r.Options.Warnf("%s", trouble)
		}
	}
	return r.Sink.Flush()
}

// printMaps prints the script's maps, by name.
func (r *runner) printMaps() error {
	vars := slices.Clone(r.Object.Vars)
	slices.SortFunc(vars, func(a, b *object.Var) int { return strings.Compare(a.Name, b.Name) })
	for _, v := range vars {
		snap, err := r.dec.Snapshot(v, event.Select{})
		if err != nil {
			return err
		}
		r.Sink.Map(snap)
	}
	return nil
}

// reportLost tells of events lost since the last time; at the end of all of them, and of
// what else the counters say.
func (r *runner) reportLost(end bool) error {
	now := time.Now()
	if !end && now.Sub(r.checked) < tick {
		return nil
	}
	r.checked = now
	c, err := r.s.Counters()
	if err != nil {
		return err
	}
	if n := c[object.CounterLost]; n > r.lost {
		r.Sink.Lost(n - r.lost)
		r.lost = n
	}
	if !end || r.Options.Warnf == nil {
		return nil
	}
	for _, p := range r.s.Programs() {
		if p.Missed > 0 {
			r.Options.Warnf("%d events missed by program %s: a BPF program was already running on that CPU", p.Missed, p.Name)
		}
	}
	for _, w := range totals {
		if w.counter == object.CounterMapError && c[w.counter] <= r.refused {
			continue // each has been told of
		}
		if n := c[w.counter]; n > 0 {
			r.Options.Warnf(w.text, n)
		}
	}
	return nil
}

// setClocks takes in that the wall clock was set.
func (r *runner) setClocks() {
	for _, c := range r.watch.readings() {
		r.dec.SetClock(c.now, c.ahead)
	}
}

// totals are the counters that are told of at the end.
var totals = []struct {
	counter int
	text    string
}{
	{object.CounterLost, "Total lost event count: %d"},
	{object.CounterMapError, "%d map updates failed in all"},
	{object.CounterStackError, "%d stacks couldn't be taken"},
}

// namesUsers reports whether output may name addresses of processes.
func namesUsers(o *object.Object) bool {
	return prints(o, func(t *object.Type) bool { return t.Kind == object.Usym || t.Kind == object.Ustack })
}

// printsTimes reports whether output may hold times of the boot clock.
func printsTimes(o *object.Object) bool {
	for _, a := range o.Actions {
		if a.Kind == object.ActionTime {
			return true
		}
	}
	return prints(o, func(t *object.Type) bool { return t.Kind == object.Timestamp || t.Point.Elapsed })
}

// prints reports whether output may hold a value of such a type.
func prints(o *object.Object, such func(*object.Type) bool) bool {
	for _, v := range o.Vars {
		if holds(v.Key, such) || holds(v.Value, such) {
			return true
		}
	}
	for _, a := range o.Actions {
		for i := range a.Args {
			if holds(a.Args[i].Type, such) {
				return true
			}
		}
	}
	return false
}

// holds reports whether a value of type t is or has one of such a type.
func holds(t *object.Type, such func(*object.Type) bool) bool {
	if t == nil || such(t) {
		return t != nil
	}
	for i := range t.Fields {
		if holds(t.Fields[i].Type, such) {
			return true
		}
	}
	return holds(t.Elem, such)
}
