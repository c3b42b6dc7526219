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
