package target

import (
	"os"
	"runtime"
	"testing"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// live is an Env over this machine.
func live(tb testing.TB) *Env {
	tb.Helper()
	root := os.DirFS("/")
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		tb.Skipf("skip(no BTF): %v", err)
	}
	k, files := kern.New(root), exe.NewFiles(root)
	tb.Cleanup(func() { k.Close(); files.Close() })
	return New(k, files, root, runtime.GOARCH)
}

func field(t *testing.T, s *types.StructType, name string) types.Field {
	t.Helper()
	for _, f := range s.Fields() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("%s has no field %s", s.Name, name)
	return types.Field{}
}

func TestLiveTracepoint(t *testing.T) {
	e := live(t)
	s, ok := e.Tracepoint("sched", "sched_switch")
	if !ok {
		t.Skipf("skip(no tracefs): %v", e.Err())
	}
	comm := field(t, s, "next_comm")
	if comm.Type.Kind != types.Array || comm.Type.Len != 16 || comm.Type.Elem.Size != 1 {
		t.Errorf("next_comm is %+v", comm.Type)
	}
	pid := field(t, s, "next_pid")
	if pid.Type.Kind != types.Int || pid.Type.Size != 4 || !pid.Type.Signed || pid.Offset != 56 {
		t.Errorf("next_pid is %+v at %d", pid.Type, pid.Offset)
	}
	if open, ok := e.Tracepoint("syscalls", "sys_enter_openat"); ok {
		if f := field(t, open, "filename"); f.Type.Kind != types.Pointer || f.Type.Space != types.SpaceUser {
			t.Errorf("filename is %+v", f.Type)
		}
	}
	exec, ok := e.Tracepoint("sched", "sched_process_exec")
	if f := field(t, exec, "filename"); !ok || !f.DataLoc {
		t.Errorf("filename isn't __data_loc: %+v", f)
	}
	if _, ok := e.Tracepoint("sched", "nosuch"); ok || e.Err() != nil {
		t.Errorf("nosuch: %v %v", ok, e.Err())
	}
}

func TestLiveRawTracepoint(t *testing.T) {
	e := live(t)
	sig, ok := e.RawTracepoint("sched_switch")
	if !ok {
		t.Fatal("no sched_switch")
	}
	var names []string
	for _, a := range sig.Args {
		names = append(names, a.Name)
	}
	if len(names) != 4 || names[0] != "preempt" || names[2] != "next" {
		t.Errorf("args are %v", names)
	}
	next := sig.Args[2]
	if next.Type.Space != types.SpaceBTF || next.Type.Elem.S.Name != "struct task_struct" || next.Offset != 16 {
		t.Errorf("next is %+v of %+v", next, next.Type.Elem)
	}
	if pid := field(t, next.Type.Elem.S, "pid"); pid.Type.Size != 4 || pid.Type.Name != "pid_t" {
		t.Errorf("pid is %+v", pid.Type)
	}
}

func TestLiveFacts(t *testing.T) {
	f := live(t).Facts()
	if f.NumCPU < 1 || f.Kernel < 5<<16 || f.PageSize == 0 || !f.HasBTF || !f.Features.Ringbuf {
		t.Errorf("facts are %+v", f)
	}
}

func BenchmarkRawTracepointArgs(b *testing.B) {
	live(b)
	root := os.DirFS("/")
	b.ReportAllocs()
	for b.Loop() {
		k := kern.New(root)
		e := New(k, exe.NewFiles(root), root, runtime.GOARCH)
		sig, ok := e.RawTracepoint("sched_switch")
		if !ok || len(sig.Args[2].Type.Elem.S.Fields()) < 100 {
			b.Fatal("no args")
		}
		k.Close()
	}
}

func BenchmarkTracepointArgs(b *testing.B) {
	live(b)
	root := os.DirFS("/")
	b.ReportAllocs()
	for b.Loop() {
		k := kern.New(root)
		e := New(k, exe.NewFiles(root), root, runtime.GOARCH)
		if s, ok := e.Tracepoint("sched", "sched_switch"); !ok || len(s.Fields()) < 8 {
			b.Fatal("no args")
		}
		k.Close()
	}
}

// What stands in the place of functions that are gone has the arguments that the table says.
func TestLiveRenamesArguments(t *testing.T) {
	e := live(t)
	has := func(name string) bool { _, ok := e.KernelFunc("", name); return ok }
	followed := 0
	for _, r := range probe.Renames() {
		if has(r.Old) {
			continue
		}
		heir := probe.FindHeir(r.Old, has)
		if heir.Name == "" {
			t.Logf("%s: no heir with BTF here: %s", r.Old, heir.Note)
			continue
		}
		followed++
		sig, _ := e.KernelFunc("", heir.Name)
		for old, now := range heir.Args {
			if now >= len(sig.Args) {
				t.Errorf("%s: arg%d isn't arg%d of %s, which has %d", r.Old, old, now, heir.Name, len(sig.Args))
			}
		}
		if len(heir.Args) == 0 {
			continue
		}
		t.Logf("%s%v -> %s(%d)", r.Old, heir.Args, heir.Name, len(sig.Args))
	}
	if followed < 10 {
		t.Errorf("only %d functions of the table have an heir here", followed)
	}
}
