// Package engine is the interface of the things that run an object: the live kernel
// (engine/kernel) and the userspace machine (engine/user). It speaks bytes only; what
// they mean is engine/event's.
package engine

import (
	"context"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Options are what the one who runs an object may choose.
type Options struct {
	Pid      int                              // only this process where the probe kind can (0: all)
	ChildPid int                              // of -c: stopped before exec until attached
	Verbose  int                              // 1: verifier logs of rejected programs, 2: of all
	Logf     func(format string, args ...any) // progress for -v; nil: silence
	Warnf    func(format string, args ...any) // what the user must know but doesn't stop us
	// Missing is told of an optional point that isn't there (missing_probes = "warn");
	// nil: Warnf is.
	Missing func(*AttachError)
	Unsafe  bool
	// Nested: programs trace what they call themselves; runs left out for that are no loss.
	Nested   bool
	RingSize int // bytes of the ring buffer, a power of two; 0: by the object's config or the machine's memory
	// USDTFileActivation: raise semaphores in the processes that map the file.
	USDTFileActivation bool
}

// Engine loads objects.
type Engine interface {
	// Load creates maps and loads programs; nothing is attached yet. The error of a
	// program that the verifier refused is a *Rejection. ctx ends waiting, not the session.
	Load(ctx context.Context, o *object.Object, opt Options) (Session, error)
}

// Session is a loaded object. Its methods may be called by one goroutine, but for Next,
// which may run in another, and Close, which ends a waiting Next.
type Session interface {
	// Run runs a TestRun program once (begin, end, self): index into Object.Programs.
	Run(prog int) error
	// Attach attaches everything that attaches. It returns how many points were
	// attached; with an error all are detached again.
	Attach() (int, error)
	// Detach detaches everything: no program runs after it returns.
	Detach() error
	// Next waits for the next record until the deadline (zero: for ever) and returns its
	// bytes, valid until the following call. ErrTimeout when none came,
	// io.EOF after Close.
	Next(deadline time.Time) ([]byte, error)
	// Wake makes a waiting Next return ErrTimeout now.
	Wake()
	// Map is the map of that index.
	Map(index int) Map
	// Counters sums the object's counters over the CPUs: [object.NumCounters].
	Counters() ([object.NumCounters]uint64, error)
	// Programs tells of the loaded programs: ids, sizes, run counts when statistics are on.
	Programs() []ProgramInfo
	Close() error
}

// Iterator is a Session that can run iterators: probes that go through the kernel's
// objects when they are asked to.
type Iterator interface {
	// Iterate runs program prog over the next objects, a few of them so that what it sends
	// can be read between; more is false after the last one. Attach has to be called
	// before. Iterators that are pinned aren't run.
	Iterate(prog int) (more bool, err error)
}

// Unwatcher is a Session that can remove watchpoints while it runs.
type Unwatcher interface {
	// Unwatch detaches the watchpoints at an address, and returns how many.
	Unwatch(addr uint64) (int, error)
}

// Tester is a Session that can run test and bench programs.
type Tester interface {
	// Test runs program prog so many times, one after another, and returns the last run's
	// result (0: passed) and the mean time of a run, as the kernel measured it.
	Test(prog int, times uint32) (result uint32, mean time.Duration, err error)
}

// Map is a loaded map, as bytes.
type Map interface {
	// Each calls f for each element until it returns false. value holds one value, or for
	// per-CPU kinds one after another, each rounded up to 8 bytes. Both are
	// valid only during the call. Elements that come or go meanwhile may be missed or seen.
	Each(f func(key, value []byte) bool) error
	// Lookup returns the value (as for Each) of key, or ErrNotFound.
	Lookup(key []byte) ([]byte, error)
	Update(key, value []byte) error
	Delete(key []byte) error
	// Clear deletes every element (hash kinds) or zeroes it (array kinds).
	Clear() error
	// Len counts the elements.
	Len() (int, error)
}

// RangeWriter is a Map that can write a part of an element in place, so that what
// programs write beside it meanwhile isn't lost. Maps of mappable memory are.
type RangeWriter interface {
	WriteAt(key []byte, offset uint32, b []byte) error
}

// ProgramInfo describes a loaded program.
type ProgramInfo struct {
	Name     string
	ID       uint32
	Insns    int // translated
	JitBytes int
	RunCount uint64
	RunTime  time.Duration
	Verified int // instructions the verifier walked
	// Missed counts events at which the kernel left the program out, since it, or where
	// it's attached by perf events any BPF program, was already running on that CPU (since
	// Linux 5.12).
	Missed uint64
}

// Rejection is a program that the kernel's verifier refused.
type Rejection struct {
	Prog   *object.Program
	Insn   int    // the instruction at fault in Prog.Insns, or -1
	Reason string // the verifier's last words, without its register dumps
	Hint   string // what they mean in plain words, or ""
	Log    string // all of its log
	Err    error
}
