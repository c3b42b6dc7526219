package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/testkit"
)

// fnSeqWrite is bpf_seq_write.
const fnSeqWrite = 127

// countObjects is an iterator that counts its calls in counts[this process] by number of
// calls, and writes a byte for each as the compiler's do.
func countObjects(pin string) *object.Program {
	p := countPids(progTracing, false, object.Point{Kind: "iter", Text: "iter:task", Func: "task", Pin: pin})
	pace := []isa.Insn{
		isa.StoreImm(isa.SizeDW, isa.R10, -8, 0),
		isa.Load(isa.SizeDW, isa.R1, isa.R1, 0), // ctx->meta
		isa.Load(isa.SizeDW, isa.R1, isa.R1, 0), // meta->seq
		isa.Mov(isa.R2, isa.R10),
		isa.ALUImm(isa.AluADD, isa.R2, -8),
		isa.MovImm(isa.R3, 1),
		isa.Call(fnSeqWrite),
	}
	p.Insns = append(pace, p.Insns...)
	for i := range p.Relocs {
		p.Relocs[i].Insn += len(pace)
	}
	p.AttachType, p.AttachTo = attachIter, "task"
	return p
}

func TestIterate(t *testing.T) {
	needRoot(t)
	testkit.Need(t, testkit.Feature("btf"))
	s := load(t, newObject(countObjects("")))
	if n, err := s.Attach(); n != 1 || err != nil {
		t.Fatalf("%d attached, %v", n, err)
	}
	tasks, err := filepath.Glob("/proc/[0-9]*/task/*")
	if err != nil {
		t.Fatal(err)
	}
	batches := 1
	for ; ; batches++ {
		more, err := s.(engine.Iterator).Iterate(0)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if least := len(tasks) / iterBatch / 2; batches < max(2, least) {
		t.Errorf("%d threads in %d batches", len(tasks), batches)
	}
	if n, err := s.Map(1).Len(); n == 0 || err != nil {
		t.Errorf("the program left %d elements, %v", n, err)
	}
}

// A pin goes into a BPF file system only, and nothing stays attached after the error.
func TestPinElsewhere(t *testing.T) {
	needRoot(t)
	testkit.Need(t, testkit.Feature("btf"))
	path := filepath.Join(t.TempDir(), "pin")
	s := load(t, newObject(countObjects(path)))
	_, err := s.Attach()
	var failed *engine.AttachError
	if !errors.As(err, &failed) || !strings.Contains(failed.Reason, "isn't in a BPF file system") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was pinned")
	}
}

func TestTestRuns(t *testing.T) {
	needRoot(t)
	p := &object.Program{Name: "test", ProgType: 6, TestRun: true, Points: []object.Point{{Kind: "test", Text: "test:a", Target: "a"}},
		Insns: []isa.Insn{isa.MovImm(isa.R0, 3), isa.Exit()}}
	s := load(t, newObject(p))
	result, mean, err := s.(engine.Tester).Test(0, 1000)
	if result != 3 || mean > time.Millisecond || err != nil {
		t.Errorf("result %d in %v, %v", result, mean, err)
	}
}

// watched is what the watchpoint below is on; a global doesn't move.
var watched uint64

func TestWatchpoint(t *testing.T) {
	needRoot(t)
	testkit.Need(t, testkit.Feature("watchpoint"))
	addr := uint64(uintptr(unsafe.Pointer(&watched)))
	at := func(addr uint64) *object.Program {
		return countPids(progPerfEvent, false, object.Point{Kind: "watchpoint", Text: "watchpoint", Addr: addr, Value: 8, Config: 2, Pid: os.Getpid()})
	}
	s := load(t, newObject(at(addr)))
	_, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	await(t, s, os.Getpid(), func() { watched++ })

	s = load(t, newObject(at(addr+1)))
	if _, err := s.Attach(); err == nil || !strings.Contains(err.Error(), "multiple of the length") {
		t.Errorf("an odd address: %v", err)
	}
}

// A BPF program is a target by its id and function.
func TestProgTarget(t *testing.T) {
	needRoot(t)
	testkit.Need(t, testkit.Feature("fentry"))
	target := load(t, newObject(sendNumber(7)))
	id := target.Programs()[0].ID
	p := countPids(progTracing, false, object.Point{Kind: "fentry", Text: "fentry:bpf:send", Target: "bpf", Func: "send", BPFProg: id})
	p.AttachType, p.AttachTo, p.AttachModule = attachFentry, "send", "bpf"
	s := load(t, newObject(p))
	if _, err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	await(t, s, os.Getpid(), func() {
		if err := target.Run(0); err != nil {
			t.Fatal(err)
		}
		if _, err := target.Next(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	})
}
