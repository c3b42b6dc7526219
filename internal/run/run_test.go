package run

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/output/text"
)

// fake is an engine and its session. A program that is run, or attached, sends the
// records that sends has by its index; Attach those of all programs with points that
// attach. Wake ends a wait, as does close.
type fake struct {
	sends map[int][][]byte
	obj   *object.Object
	queue chan []byte
	woken chan struct{}
	lost  uint64
	log   []string
	// detached, when set, is called when all is detached.
	detached func()
}

func newFake(sends map[int][][]byte) *fake {
	return &fake{sends: sends, queue: make(chan []byte, 1000), woken: make(chan struct{}, 1)}
}

func (f *fake) Load(_ context.Context, o *object.Object, _ engine.Options) (engine.Session, error) {
	f.obj = o
	return f, nil
}

func (f *fake) send(prog int) {
	for _, rec := range f.sends[prog] {
		f.queue <- rec
	}
}

func (f *fake) Run(prog int) error {
	f.log = append(f.log, "run "+f.obj.Programs[prog].Points[0].Kind)
	f.send(prog)
	return nil
}

func (f *fake) Attach() (int, error) {
	f.log = append(f.log, "attach")
	n := 0
	for i, p := range f.obj.Programs {
		if !p.TestRun {
			n += len(p.Points)
			f.send(i)
		}
	}
	return n, nil
}

func (f *fake) Detach() error {
	f.log = append(f.log, "detach")
	if f.detached != nil {
		f.detached()
	}
	return nil
}

func (f *fake) Next(deadline time.Time) ([]byte, error) {
	select {
	case rec := <-f.queue:
		return rec, nil
	default:
	}
	if deadline == expired {
		return nil, engine.ErrTimeout
	}
	select {
	case rec := <-f.queue:
		return rec, nil
	case <-f.woken:
	}
	return nil, engine.ErrTimeout
}

func (f *fake) Wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

func (f *fake) Map(int) engine.Map { return noMap{} }
func (f *fake) Counters() (c [object.NumCounters]uint64, err error) {
	c[object.CounterLost] = f.lost
	return c, nil
}
func (f *fake) Programs() []engine.ProgramInfo { return nil }
func (f *fake) Close() error                   { f.log = append(f.log, "close"); return nil }

// noMap is a map without elements.
type noMap struct{ engine.Map }

func (noMap) Each(func(key, value []byte) bool) error { return nil }
func (noMap) Lookup([]byte) ([]byte, error)           { return nil, engine.ErrNotFound }

// Actions of the objects below, by index.
const (
	actPrintf = iota
	actExit
	actPrint
	actTime
	actCat
	actSystem
	actError
	actErrorf
	actElement
)

func rec(action int, extra uint32, payload ...uint64) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(action))
	b = binary.NativeEndian.AppendUint32(b, extra)
	for _, v := range payload {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

// testObject has a program a given kind.
func testObject(kinds ...string) *object.Object {
	num := &object.Type{Kind: object.Int, Size: 8}
	arg := []object.Field{{Offset: 8, Type: num}}
	lit := func(s string) *object.Format { return &object.Format{Text: s, Parts: []object.FormatPart{{Lit: s}}} }
	o := &object.Object{
		RingMap: -1, CountersMap: -1,
		Vars:   []*object.Var{{Name: "@a", Key: num, Value: num}},
		Errors: []*object.ErrorSite{{Helper: "map_update_elem"}},
		Config: object.Config{PrintMapsOnExit: true, MaxCatBytes: 4},
		Actions: []*object.Action{
			actPrintf:  {Kind: object.ActionPrintf, Var: -1, Args: arg, Format: &object.Format{Parts: []object.FormatPart{{Lit: "n=", Verb: 'd', Mod: "ll", Width: -1, Prec: -1}, {Lit: "\n"}}}},
			actExit:    {Kind: object.ActionExit, Var: -1},
			actPrint:   {Kind: object.ActionPrint, Var: -1, Args: arg},
			actTime:    {Kind: object.ActionTime, Var: -1, Args: arg, Text: "%T\n"},
			actCat:     {Kind: object.ActionCat, Var: -1, Format: lit("/proc/self/comm")},
			actSystem:  {Kind: object.ActionSystem, Var: -1, Format: lit("echo out; echo err >&2")},
			actError:   {Kind: object.ActionError, Var: -1, Args: []object.Field{{Offset: 8, Type: &object.Type{Kind: object.Int, Size: 4, Signed: true}}}},
			actErrorf:  {Kind: object.ActionErrorf, Var: -1, Format: lit("bad thing\n")},
			actElement: {Kind: object.ActionPrint, Var: 0, Args: arg},
		},
	}
	for _, k := range kinds {
		p := &object.Program{Name: k, Points: []object.Point{{Kind: k, Text: k}}}
		p.TestRun = k == "begin" || k == "end" || k == "self"
		o.Programs = append(o.Programs, p)
	}
	return o
}

// runFake runs an object on the fake engine and returns what it printed.
func runFake(t *testing.T, f *fake, o *object.Object, change func(*Config)) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cfg := Config{Object: o, Engine: f, Sink: text.New(&out, &errs)}
	if change != nil {
		change(&cfg)
	}
	exit, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return exit, out.String(), errs.String()
}

func TestOrder(t *testing.T) {
	f := newFake(map[int][][]byte{
		0: {rec(actPrintf, 0, 1)},
		1: {rec(actPrintf, 0, 2), rec(actExit, 3), rec(actPrintf, 0, 99)},
		2: {rec(actPrintf, 0, 4)},
	})
	exit, out, errs := runFake(t, f, testObject("begin", "interval", "end"), nil)
	if exit != 3 {
		t.Errorf("exit status %d, want 3", exit)
	}
	if want := "n=1\nn=2\nn=4\n\n\n"; out != want {
		t.Errorf("output %q, want %q", out, want)
	}
	if errs != "Attached 3 probes\n" {
		t.Errorf("messages %q", errs)
	}
	if got := strings.Join(f.log, ", "); got != "run begin, attach, detach, run end, close" {
		t.Errorf("steps: %s", got)
	}
}

// A script without anything that attaches ends by itself.
func TestBeginOnly(t *testing.T) {
	f := newFake(map[int][][]byte{0: {rec(actPrintf, 0, 7), rec(actPrint, 0, 8), rec(actTime, 0, 7e9)}})
	_, out, errs := runFake(t, f, testObject("begin"), func(c *Config) { c.Boot, c.Times.Location = 3600e9, time.UTC })
	if want := "n=7\n8\n01:00:07\n\n\n"; out != want {
		t.Errorf("output %q, want %q", out, want)
	}
	if errs != "Attached 1 probe\n" {
		t.Errorf("messages %q", errs)
	}
}

func TestEnds(t *testing.T) {
	child := func(command string) *Child {
		c, err := StartChild(command)
		if err != nil {
			t.Skip(err)
		}
		return c
	}
	tests := []struct {
		name   string
		change func(*Config)
	}{
		{"duration", func(c *Config) { c.Duration = time.Millisecond }},
		{"child", func(c *Config) { c.Child = child("true") }},
		{"process", func(c *Config) {
			p := child("sleep 0.01")
			c.Pid = p.Pid()
			if err := p.Go(); err != nil {
				t.Fatal(err)
			}
		}},
		{"interrupt", func(c *Config) {
			c.Signals = true
			c.Started = func(engine.Session) { syscall.Kill(os.Getpid(), syscall.SIGINT) }
		}},
		{"interrupted twice, as by timeout(1)", func(c *Config) {
			came := make(chan os.Signal, 2)
			signal.Notify(came, syscall.SIGINT)
			t.Cleanup(func() { signal.Stop(came) })
			interrupt := func() {
				syscall.Kill(os.Getpid(), syscall.SIGINT)
				<-came
			}
			c.Signals = true
			c.Started = func(engine.Session) { interrupt() }
			c.Engine.(*fake).detached = interrupt
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(map[int][][]byte{1: {rec(actPrintf, 0, 5)}})
			_, out, _ := runFake(t, f, testObject("interval", "end"), tt.change)
			if want := "n=5\n\n\n"; out != want {
				t.Errorf("output %q, want %q", out, want)
			}
		})
	}
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var out bytes.Buffer
	cfg := Config{Object: testObject("interval"), Engine: newFake(nil), Sink: text.New(&out, io.Discard),
		Started: func(engine.Session) { cancel() }}
	if _, err := Run(ctx, cfg); err != nil {
		t.Error(err)
	}
}

func TestSelf(t *testing.T) {
	f := newFake(map[int][][]byte{1: {rec(actPrintf, 0, 6), rec(actExit, 0)}})
	_, out, _ := runFake(t, f, testObject("interval", "self"), func(c *Config) {
		c.Signals = true
		c.Started = func(engine.Session) { syscall.Kill(os.Getpid(), syscall.SIGUSR1) }
	})
	if !strings.HasPrefix(out, "n=6\n") {
		t.Errorf("output %q", out)
	}
}

func TestAsyncActions(t *testing.T) {
	f := newFake(map[int][][]byte{0: {
		rec(actCat, 0), rec(actSystem, 0), rec(actErrorf, 0),
		rec(actError, 0, uint64(uint32(0xffffffff-6))), rec(actElement, 0, 5),
	}})
	_, out, errs := runFake(t, f, testObject("begin"), func(c *Config) { c.Options.Unsafe = true; c.Quiet = true })
	if want := "run.out\nerr\n\n@a[5]: 0\n\n\n"; !strings.HasPrefix(out, "run.") || !strings.HasSuffix(out, want[4:]) {
		t.Errorf("output %q, want %q", out, want)
	}
	for _, want := range []string{"ERROR: bad thing\n", "Map full", "helper: map_update_elem, retcode: -7"} {
		if !strings.Contains(errs, want) {
			t.Errorf("messages %q lack %q", errs, want)
		}
	}
	f = newFake(map[int][][]byte{0: {rec(actSystem, 0)}})
	_, out, errs = runFake(t, f, testObject("begin"), nil)
	if strings.Contains(out, "out") || !strings.Contains(errs, "--unsafe") {
		t.Errorf("system in safe mode: %q, %q", out, errs)
	}
}

func TestLost(t *testing.T) {
	f := newFake(nil)
	f.lost = 12
	var warned string
	_, _, errs := runFake(t, f, testObject("begin"), func(c *Config) {
		c.Options.Warnf = func(format string, args ...any) { warned += format }
	})
	if !strings.Contains(errs, "Lost 12 events\n") || !strings.Contains(warned, "Total lost event count") {
		t.Errorf("messages %q, %q", errs, warned)
	}
}

func TestNotify(t *testing.T) {
	t.Setenv(NotifyEnv, "1")
	var ready bytes.Buffer
	runFake(t, newFake(nil), testObject("begin"), func(c *Config) { c.Ready = &ready })
	if ready.String() != NotifyEnv+"\n" {
		t.Errorf("ready %q", ready.String())
	}
}

// closedPipe is an output whose reader has gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestClosedOutput(t *testing.T) {
	f := newFake(map[int][][]byte{0: {rec(actPrintf, 0, 1)}})
	_, err := Run(context.Background(), Config{Object: testObject("interval"), Engine: f, Sink: text.New(closedPipe{}, io.Discard)})
	if err != nil {
		t.Error(err)
	}
	if got := f.log[len(f.log)-1]; got != "close" {
		t.Errorf("last step %s", got)
	}
}

func TestNothingToRun(t *testing.T) {
	var out bytes.Buffer
	cfg := Config{Engine: newFake(nil), Sink: text.New(&out, &out)}
	cfg.Object = testObject()
	if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrNoProbes) {
		t.Errorf("no programs: %v", err)
	}
	cfg.Object = testObject("interval")
	cfg.Object.Programs[0].Points = nil
	if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrNotAttached) {
		t.Errorf("no points: %v", err)
	}
}

func TestPrintfAllocatesNothing(t *testing.T) {
	o := testObject("begin")
	cfg := Config{Object: o, Sink: text.New(io.Discard, io.Discard)}
	r := newRunner(&cfg, newFake(nil))
	record := rec(actPrintf, 0, 12345)
	if n := testing.AllocsPerRun(100, func() {
		if err := r.record(record); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func TestChild(t *testing.T) {
	c, err := StartChild("sh -c exit")
	if err != nil {
		t.Skip(err)
	}
	if comm, err := os.ReadFile("/proc/" + strconv.Itoa(c.Pid()) + "/cmdline"); err != nil || strings.HasPrefix(string(comm), "sh\x00") {
		t.Errorf("before Go: %q, %v", comm, err)
	}
	if err := c.Go(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()

	// One that never ran is ended.
	c, err = StartChild("sleep 100")
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	if err := syscall.Kill(c.Pid(), 0); err == nil {
		t.Error("the child is still there")
	}

	file := t.TempDir() + "/garbage"
	if err := os.WriteFile(file, []byte("\x00\x01garbage"), 0o755); err != nil {
		t.Fatal(err)
	}
	c, err = StartChild(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Go(); err == nil || !strings.Contains(err.Error(), "exec format error") {
		t.Errorf("garbage: %v", err)
	}
	c.Stop()
	if _, err := StartChild("no-such-command-at-all"); err == nil {
		t.Error("a missing command was started")
	}
}
