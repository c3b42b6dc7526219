package kernel

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// Helpers (enum bpf_func_id) that the programs below call.
const (
	fnMapUpdate     = 2
	fnPidTgid       = 14
	fnAttachCookie  = 174
	fnRingbufOutput = 130
)

func needRoot(t *testing.T) {
	t.Helper()
	testkit.Need(t, testkit.Root())
}

// needKprobes skips on kernels without kprobes; these also lack trampolines.
func needKprobes(t *testing.T) {
	t.Helper()
	testkit.Need(t, testkit.Feature("kprobe"))
}

// newObject is an object of the given programs with a ring buffer (map 0) and a hash
// map u64 → u64 (map 1).
func newObject(progs ...*object.Program) *object.Object {
	num := &object.Type{Kind: object.Int, Size: 8}
	return &object.Object{
		Name: "test", License: "GPL", Programs: progs,
		Maps: []*object.Map{
			{Name: "events", Kind: object.MapRingbuf},
			{Name: "counts", Kind: object.MapHash, KeySize: 8, ValueSize: 8, MaxEntries: 4096, Key: num, Value: num},
		},
		RingMap: 0, CountersMap: -1, ScratchMap: -1,
		Config: object.Config{PerfRBPages: 64},
	}
}

// sendNumber is a program that sends the number v as an 8-byte record.
func sendNumber(v int32) *object.Program {
	return &object.Program{
		Name: "send", ProgType: progRawTracepoint, TestRun: true,
		Insns: []isa.Insn{
			isa.StoreImm(isa.SizeDW, isa.R10, -8, v),
			isa.LoadImm64(isa.R1, 0),
			isa.Mov(isa.R2, isa.R10),
			isa.ALUImm(isa.AluADD, isa.R2, -8),
			isa.MovImm(isa.R3, 8),
			isa.MovImm(isa.R4, 0),
			isa.Call(fnRingbufOutput),
			isa.MovImm(isa.R0, 0),
			isa.Exit(),
		},
		Relocs: []object.Reloc{{Insn: 1, Kind: object.RelocMap, Index: 0}},
		Points: []object.Point{{Kind: "begin", Text: "begin"}},
	}
}

// countPids is a program that sets counts[tgid] to 1, or to 1 + cookie.
func countPids(progType uint32, cookie bool, points ...object.Point) *object.Program {
	insns := []isa.Insn{
		isa.MovImm(isa.R0, 0),
		isa.MovImm(isa.R7, 1),
	}
	if cookie {
		insns = []isa.Insn{isa.Call(fnAttachCookie), isa.Mov(isa.R7, isa.R0), isa.ALUImm(isa.AluADD, isa.R7, 1)}
	}
	insns = append(insns,
		isa.Call(fnPidTgid),
		isa.ALUImm(isa.AluRSH, isa.R0, 32),
		isa.Store(isa.SizeDW, isa.R10, -8, isa.R0),
		isa.Store(isa.SizeDW, isa.R10, -16, isa.R7),
		isa.LoadImm64(isa.R1, 0),
		isa.Mov(isa.R2, isa.R10),
		isa.ALUImm(isa.AluADD, isa.R2, -8),
		isa.Mov(isa.R3, isa.R10),
		isa.ALUImm(isa.AluADD, isa.R3, -16),
		isa.MovImm(isa.R4, 0),
		isa.Call(fnMapUpdate),
		isa.MovImm(isa.R0, 0),
		isa.Exit(),
	)
	p := &object.Program{Name: "count", ProgType: progType, Insns: insns, Points: points}
	for i, in := range insns {
		if in.Wide() {
			p.Relocs = []object.Reloc{{Insn: i, Kind: object.RelocMap, Index: 1}}
		}
	}
	return p
}

func load(t *testing.T, o *object.Object) engine.Session {
	t.Helper()
	testkit.NoLeaks(t)
	s, err := New(Config{}).Load(context.Background(), o, engine.Options{Warnf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// await calls provoke until counts[pid] is set (pid 0: any) and returns it.
func await(t *testing.T, s engine.Session, pid int, provoke func()) uint64 {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		provoke()
		var got uint64
		err := s.Map(1).Each(func(key, value []byte) bool {
			if pid == 0 || binary.NativeEndian.Uint64(key) == uint64(pid) {
				got = binary.NativeEndian.Uint64(value)
			}
			return got == 0
		})
		if err != nil {
			t.Fatal(err)
		}
		if got != 0 {
			return got
		}
	}
	t.Fatal("the program didn't run")
	return 0
}

// fds is the number of open descriptors.
func fds(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestRunSendsRecords(t *testing.T) {
	needRoot(t)
	s := load(t, newObject(sendNumber(42), sendNumber(43)))
	for i, want := range []uint64{42, 43} {
		if err := s.Run(i); err != nil {
			t.Fatal(err)
		}
		rec, err := s.Next(time.Now().Add(5 * time.Second))
		if err != nil || len(rec) != 8 || binary.NativeEndian.Uint64(rec) != want {
			t.Fatalf("record = %v, %v; want %d", rec, err, want)
		}
	}
	if rec, err := s.Next(time.Now()); err != engine.ErrTimeout {
		t.Errorf("empty ring: %v, %v", rec, err)
	}
}

func TestNextEnds(t *testing.T) {
	needRoot(t)
	s := load(t, newObject(sendNumber(1)))
	got := make(chan error)
	next := func() { _, err := s.Next(time.Time{}); got <- err }
	go next()
	s.Wake()
	if err := <-got; err != engine.ErrTimeout {
		t.Errorf("after Wake: %v", err)
	}
	go next()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
}

// A ring that fills up and wraps many times delivers each record once, in order.
func TestRingWraps(t *testing.T) {
	needRoot(t)
	o := newObject(sendNumber(7))
	o.Config.PerfRBPages = 1
	s := load(t, o)
	for n := range 3000 {
		if err := s.Run(0); err != nil {
			t.Fatal(err)
		}
		rec, err := s.Next(time.Now().Add(5 * time.Second))
		if err != nil || binary.NativeEndian.Uint64(rec) != 7 {
			t.Fatalf("record %d = %v, %v", n, rec, err)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	needRoot(t)
	s := load(t, newObject(sendNumber(7)))
	deadline := time.Now().Add(time.Minute)
	for range 200 {
		if err := s.Run(0); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Next(deadline); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestAttachKinds(t *testing.T) {
	needRoot(t)
	self := os.Getpid()
	page := os.Getpagesize()
	fault := func() {
		b, err := syscall.Mmap(-1, 0, page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err == nil {
			b[0] = 1
			syscall.Munmap(b)
		}
	}
	nap := func() { time.Sleep(time.Millisecond) }
	spin := func() {
		for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		}
	}
	const pageFaults = 2 // PERF_COUNT_SW_PAGE_FAULTS
	cookie := perfCookie(t)
	tests := []struct {
		prog    *object.Program
		pid     int
		provoke func()
	}{
		{countPids(progTracepoint, cookie != 0, object.Point{Kind: "tracepoint", Target: "raw_syscalls", Func: "sys_enter", Cookie: cookie}), self, nap},
		{countPids(progRawTracepoint, false, object.Point{Kind: "rawtracepoint", Func: "sys_enter"}), self, nap},
		{tracing(attachRawTP, "sys_enter", "rawtracepoint"), self, nap},
		{countPids(progPerfEvent, false, object.Point{Kind: "profile", Unit: "hz", Value: 997}), self, spin},
		{countPids(progPerfEvent, false, object.Point{Kind: "interval", Unit: "ms", Value: 5}), 0, nap},
		{countPids(progPerfEvent, cookie != 0, object.Point{Kind: "software", Config: pageFaults, Value: 1, Cookie: cookie}), self, fault},
	}
	for _, tt := range tests {
		pt := tt.prog.Points[0]
		t.Run(pt.Kind+"/"+pt.Func, func(t *testing.T) {
			s := load(t, newObject(tt.prog))
			if n, err := s.Attach(); n != 1 || err != nil {
				t.Fatalf("attached %d, %v", n, err)
			}
			if got := await(t, s, tt.pid, tt.provoke); got != 1+pt.Cookie {
				t.Errorf("counts = %d, want %d", got, 1+pt.Cookie)
			}
			if err := s.Detach(); err != nil {
				t.Fatal(err)
			}
			if err := s.Map(1).Clear(); err != nil {
				t.Fatal(err)
			}
			tt.provoke()
			if n, err := s.Map(1).Len(); n != 0 || err != nil {
				t.Errorf("%d elements after Detach, %v", n, err)
			}
		})
	}
}

// perfCookie is a cookie to attach with, 0 on kernels that take none.
func perfCookie(t *testing.T) uint64 {
	t.Helper()
	version, err := kern.New(os.DirFS("/")).Version()
	if err != nil {
		t.Fatal(err)
	}
	if version < v5_15PerfLink {
		return 0
	}
	return 5
}

// tracing is countPids with a BTF target.
func tracing(attachType uint32, target, kind string) *object.Program {
	p := countPids(progTracing, false, object.Point{Kind: kind, Func: target, Text: kind + ":" + target})
	p.AttachType, p.AttachTo = attachType, target
	return p
}

func TestAttachFunctions(t *testing.T) {
	needRoot(t)
	needKprobes(t)
	const read, write = "vfs_read", "vfs_write"
	point := func(kind, fn string, cookie uint64) object.Point {
		return object.Point{Kind: kind, Func: fn, Text: kind + ":" + fn, Cookie: cookie, Cookies: cookie != 0}
	}
	cookie := perfCookie(t)
	tests := []struct {
		name string
		prog *object.Program
		want uint64
	}{
		{"kprobe", countPids(progKprobe, cookie != 0, point("kprobe", read, cookie)), 1 + cookie},
		{"kretprobe", countPids(progKprobe, cookie != 0, point("kretprobe", read, cookie)), 1 + cookie},
		{"kprobes", countPids(progKprobe, cookie != 0, point("kprobe", write, 9*cookie), point("kprobe", read, cookie)), 1 + cookie},
		{"kretprobes", countPids(progKprobe, false, point("kretprobe", write, 0), point("kretprobe", read, 0)), 1},
		{"fentry", tracing(attachFentry, read, "fentry"), 1},
		{"fexit", tracing(attachFexit, read, "fexit"), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, newObject(tt.prog))
			if n, err := s.Attach(); n != len(tt.prog.Points) || err != nil {
				t.Fatalf("attached %d, %v", n, err)
			}
			if got := await(t, s, os.Getpid(), func() { os.ReadFile("/proc/version") }); got != tt.want {
				t.Errorf("counts = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestMissingFunction(t *testing.T) {
	needRoot(t)
	needKprobes(t)
	gone := object.Point{Kind: "kprobe", Func: "no_such_function", Text: "kprobe:no_such_function"}
	here := object.Point{Kind: "kprobe", Func: "vfs_read", Text: "kprobe:vfs_read"}
	for _, points := range [][]object.Point{{gone}, {here, gone}} {
		s, err := New(Config{}).Load(context.Background(), newObject(countPids(progKprobe, false, points...)), engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Attach()
		var ae *engine.AttachError
		if !errors.As(err, &ae) || ae.Point.Text != gone.Text ||
			!strings.Contains(err.Error(), "no such kernel function") {
			t.Errorf("%d points: %v", len(points), err)
		}
		s.Close()
	}
	gone.Optional = true
	warned := 0
	s, err := New(Config{}).Load(context.Background(), newObject(countPids(progKprobe, false, here, gone)),
		engine.Options{Warnf: func(string, ...any) { warned++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := s.Attach(); n != 1 || err != nil || warned != 1 {
		t.Errorf("optional: attached %d, %v, %d warnings", n, err, warned)
	}
}

// libc finds the C library that /bin/sh uses and the file offset of a function in it.
func libc(t *testing.T, fn string) (path string, offset uint64) {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cat /proc/self/maps").Output()
	if err != nil {
		t.Skipf("no shell: %v", err)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.Contains(line, "libc.so") {
			path = line[i:]
		}
	}
	if path == "" {
		t.Skip("no shared C library")
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		if s.Name != fn {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && p.Vaddr <= s.Value && s.Value < p.Vaddr+p.Filesz {
				return path, s.Value - p.Vaddr + p.Off
			}
		}
	}
	t.Fatalf("%s has no %s", path, fn)
	return "", 0
}

func TestAttachUprobes(t *testing.T) {
	needRoot(t)
	path, malloc := libc(t, "malloc")
	_, abort := libc(t, "abort")
	cookie := perfCookie(t)
	point := func(kind string, off, c uint64) object.Point {
		return object.Point{Kind: kind, Target: path, Addr: off, FileOffset: true, Text: kind, Cookie: c, Cookies: cookie != 0}
	}
	for _, points := range [][]object.Point{
		{point("uprobe", malloc, cookie)},
		{point("uretprobe", malloc, cookie)},
		{point("uprobe", abort, 77), point("uprobe", malloc, cookie)},
		{point("uretprobe", abort, 77), point("uretprobe", malloc, cookie)},
	} {
		s := load(t, newObject(countPids(progKprobe, cookie != 0, points...)))
		if n, err := s.Attach(); n != len(points) || err != nil {
			t.Fatalf("attached %d, %v", n, err)
		}
		got := await(t, s, 0, func() {
			if err := exec.Command("cat", "/dev/null").Run(); err != nil {
				t.Fatal(err)
			}
		})
		if got != 1+cookie {
			t.Errorf("%d × %s: counts = %d, want %d", len(points), points[0].Kind, got, 1+cookie)
		}
	}
}

func TestUprobeOfOneProcess(t *testing.T) {
	needRoot(t)
	path, malloc := libc(t, "malloc")
	pt := object.Point{Kind: "uprobe", Target: path, Addr: malloc, FileOffset: true, Text: "uprobe"}
	cat := exec.Command("cat")
	in, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	pt.Pid = cat.Process.Pid
	s := load(t, newObject(countPids(progKprobe, false, pt)))
	if n, err := s.Attach(); n != 1 || err != nil {
		t.Fatalf("attached %d, %v", n, err)
	}
	if err := exec.Command("cat", "/dev/null").Run(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	cat.Wait()
	s.Map(1).Each(func(key, _ []byte) bool {
		if pid := binary.NativeEndian.Uint64(key); pid != uint64(pt.Pid) {
			t.Errorf("the probe ran in process %d, not only in %d", pid, pt.Pid)
		}
		return true
	})
}

func TestAttachErrors(t *testing.T) {
	needRoot(t)
	tests := []struct {
		prog *object.Program
		want string
	}{
		{countPids(progTracepoint, false, object.Point{Kind: "tracepoint", Target: "sched", Func: "no_such", Text: "tracepoint:sched:no_such"}), "attach tracepoint:sched:no_such: there is no such tracepoint"},
		{countPids(progRawTracepoint, false, object.Point{Kind: "rawtracepoint", Func: "no_such", Text: "rawtracepoint:no_such"}), "attach rawtracepoint:no_such: there is no such tracepoint"},
		{countPids(progKprobe, false, object.Point{Kind: "uprobe", Target: "/no/such", Addr: 64, Text: "uprobe:/no/such:f"}), "attach uprobe:/no/such:f: there is no such file"},
		{countPids(progPerfEvent, false, object.Point{Kind: "watchpoint", Text: "watchpoint:0x1:4:rw"}), "attach watchpoint:0x1:4:rw: the processor can't watch this"},
	}
	before := fds(t)
	for _, tt := range tests {
		good := countPids(progRawTracepoint, false, object.Point{Kind: "rawtracepoint", Func: "sys_enter"})
		s := load(t, newObject(good, tt.prog))
		_, err := s.Attach()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if n := len(s.(*session).links); n != 0 {
			t.Errorf("%s: %d attachments stay", tt.want, n)
		}
		s.Close()
	}
	if after := fds(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	_, err := New(Config{}).Load(context.Background(), newObject(tracing(attachRawTP, "no_such", "rawtracepoint")), engine.Options{})
	var ae *engine.AttachError
	if !errors.As(err, &ae) {
		t.Errorf("missing BTF target: %v", err)
	}
}

func TestRejection(t *testing.T) {
	needRoot(t)
	bad := &object.Program{
		Name: "bad", ProgType: progRawTracepoint, TestRun: true,
		Insns: []isa.Insn{
			isa.LoadImm64(isa.R1, 5),
			isa.MovImm(isa.R0, 0),
			isa.Load(isa.SizeDW, isa.R2, isa.R1, 0),
			isa.Exit(),
		},
	}
	before := fds(t)
	_, err := New(Config{}).Load(context.Background(), newObject(bad), engine.Options{})
	var r *engine.Rejection
	if !errors.As(err, &r) {
		t.Fatalf("error %v, want a rejection", err)
	}
	if r.Insn != 2 || !strings.HasPrefix(r.Reason, "R1 invalid mem access") || r.Hint == "" || r.Log == "" {
		t.Errorf("rejection %+v", r)
	}
	if after := fds(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// A program with a function, called and as a callback, carries names and lines.
func TestFunctionsAndLines(t *testing.T) {
	needRoot(t)
	src := &diag.Sources{}
	file := src.Add("loop.bt", "begin {\n  @n++;\n}\n")
	p := &object.Program{
		Name: "main_prog", ProgType: progRawTracepoint, TestRun: true,
		Insns: []isa.Insn{
			isa.LoadImm64(isa.R1, 0), // the map, so that slots and instructions differ
			isa.MovImm(isa.R1, 1),
			{Op: isa.ClassJMP | isa.JmpCALL},
			isa.MovImm(isa.R0, 0),
			isa.Exit(),
			isa.Mov(isa.R0, isa.R1),
			isa.Exit(),
		},
		Funcs:  []object.FuncInfo{{Name: "main_prog"}, {Name: "twice", Insn: 5, Args: 1, Static: true}},
		Relocs: []object.Reloc{{Insn: 0, Kind: object.RelocMap, Index: 1}, {Insn: 2, Kind: object.RelocFunc, Index: 1}},
		Lines:  []object.Line{{Insn: 0, Pos: file.Pos(0)}, {Insn: 3, Pos: file.Pos(10)}},
	}
	o := newObject(p)
	o.Sources = src
	s := load(t, o)
	if err := s.Run(0); err != nil {
		t.Fatal(err)
	}
	info, err := sys.ProgInfoByFD(s.(*session).progs[0].fd)
	if err != nil {
		t.Fatal(err)
	}
	if info.NrFuncInfo != 2 || info.NrLineInfo != 3 {
		t.Errorf("%d functions, %d lines; want 2, 3", info.NrFuncInfo, info.NrLineInfo)
	}
	if got := s.Programs(); len(got) != 1 || got[0].Name != "main_prog" || got[0].ID == 0 || got[0].Insns != 8 {
		t.Errorf("programs %+v", got)
	}
}
