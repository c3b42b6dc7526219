//go:build linux

package cli

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// outputProgram loads an XDP program that writes eight bytes to a map of perf events.
func outputProgram(t *testing.T, events int) int {
	t.Helper()
	const perfEventOutput, currentCPU = 25, 0xffffffff
	return loaded(t, 6, 0, isa.StoreImm(isa.SizeDW, isa.R10, -8, 0x1234),
		isa.LoadPseudo(isa.R2, isa.PseudoMapFD, int64(events)), isa.LoadImm64(isa.R3, currentCPU),
		isa.Mov(isa.R4, isa.R10), isa.ALUImm(isa.AluADD, isa.R4, -8), isa.MovImm(isa.R5, 8), isa.Call(perfEventOutput),
		isa.MovImm(isa.R0, 2), isa.Exit())
}

// loaded loads a program that lives as long as the test.
func loaded(t *testing.T, typ, flags uint32, insns ...isa.Insn) int {
	t.Helper()
	code, err := isa.Encode(insns, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	fd, err := sys.ProgLoad(&sys.ProgLoadAttr{Type: typ, Flags: flags, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), Name: sys.ObjName("words")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(fd) })
	return fd
}

// TestEventPipe: events of a program come out as they come, until an interrupt.
func TestEventPipe(t *testing.T) {
	testkit.Need(t, testkit.Root())
	for _, flag := range []string{"", "-j"} {
		fd, id := newMap(t, &sys.MapCreateAttr{Type: 4, KeySize: 4, ValueSize: 4, MaxEntries: 256, Name: sys.ObjName("events")})
		prog := outputProgram(t, fd)
		args := []string{"map", "event_pipe", "id", fmt.Sprint(id)}
		if flag != "" {
			args = append(args, flag)
		}
		c := exec.Command(os.Args[0])
		c.Args = append([]string{"skep"}, args...)
		var errs bytes.Buffer
		c.Stderr = &errs
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Runs until an event comes: its events are in the map then.
		got := make(chan []byte, 1)
		go func() {
			b := make([]byte, 1)
			n, _ := out.Read(b)
			for n > 0 && b[0] == '[' { // the array's, which comes before the events
				n, _ = out.Read(b)
			}
			got <- b[:n]
		}()
		var begun []byte
		for waiting := true; waiting; {
			if err := sys.RunTest(prog, &sys.TestRun{DataIn: make([]byte, 64), Repeat: 1}); err != nil {
				t.Fatal(err)
			}
			select {
			case begun = <-got:
				waiting = false
			case <-time.After(10 * time.Millisecond):
			}
		}
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		rest = append(begun, rest...)
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %v: %s%s", args, err, rest, errs.String())
		}
		if !strings.Contains(errs.String(), "has map "+fmt.Sprint(id)+" too") {
			t.Errorf("the other process isn't told: %s", errs.String())
		}
		want := "34 12 00 00 00 00 00 00" // and what the kernel fills it up with
		if flag != "" {
			want = `"data":[52,18,0,0,0,0,0,0`
			if !strings.HasSuffix(string(rest), "]\n") {
				t.Errorf("JSON ends with %q", rest)
			}
		}
		if !strings.Contains(string(rest), want) {
			t.Errorf("%v: %q, no %q", args, rest, want)
		}
	}
	_, hash := newMap(t, &sys.MapCreateAttr{Type: 1, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if got := saidBySkep(t, "", "map", "event_pipe", "id", fmt.Sprint(hash)); got.ok || !strings.Contains(got.err, "it's a hash, not a perf_event_array") {
		t.Errorf("a hash: %+v", got)
	}
	_, id := newMap(t, &sys.MapCreateAttr{Type: 4, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	for words, want := range map[string]string{"cpu 0": "given together", "cpu x index 0": "is a number", "cpu 0 index 9": "set element 9", "bogus": "expected cpu or index"} {
		if got := saidBySkep(t, "", append([]string{"map", "event_pipe", "id", fmt.Sprint(id)}, strings.Fields(words)...)...); got.ok || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", words, got)
		}
	}
}

// TestTracelogStream: what a program wrote to its streams is printed once.
func TestTracelogStream(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	k := kern.New(os.DirFS("/"))
	defer k.Close()
	btf, err := k.BTF()
	if err != nil {
		t.Fatal(err)
	}
	fn, ok := btf.Find("bpf_stream_vprintk", kern.KindFunc)
	if !ok {
		fn, ok = btf.Find("bpf_stream_vprintk_impl", kern.KindFunc) // its name in 6.18
	}
	if !ok {
		t.Skip("programs have no streams in this kernel")
	}
	const text = "buzz\n\x00"
	const readOnlyProg, syscallType, sleepable = 1 << 7, 31, 1 << 4
	m, _ := newMap(t, &sys.MapCreateAttr{Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: readOnlyProg, Name: sys.ObjName("format")})
	if err := sys.MapUpdate(m, make([]byte, 4), append([]byte(text), 0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := sys.MapFreeze(m); err != nil {
		t.Fatal(err)
	}
	call := isa.CallKfunc(int32(fn.ID))
	prog := loaded(t, syscallType, sleepable, isa.StoreImm(isa.SizeDW, isa.R10, -8, 0), isa.MovImm(isa.R1, sys.StreamStderr),
		isa.LoadPseudo(isa.R2, isa.PseudoMapValue, int64(m)), isa.Mov(isa.R3, isa.R10), isa.ALUImm(isa.AluADD, isa.R3, -8),
		isa.MovImm(isa.R4, 0), isa.MovImm(isa.R5, 0), call, isa.Exit())
	run := &sys.TestRun{CtxIn: make([]byte, 8)}
	err = sys.RunTest(prog, run)
	switch result := syscall.Errno(-int32(run.Result)); {
	case err != nil:
		t.Fatal(err)
	case result == syscall.ENOMEM:
		testkit.Need(t, testkit.Feature("nolock pages"))
		t.Fatal("the kernel has no page for a stream")
	case int32(run.Result) < 0:
		t.Fatal(result)
	}
	info, err := sys.ProgInfoByFD(prog)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint(info.ID)
	for _, c := range []struct{ stream, out, err string }{{"stdout", "", ""}, {"stderr", "", "buzz\n"}, {"stderr", "", ""}} {
		if got := saidBySkep(t, "", "prog", "tracelog", c.stream, "id", id); !got.ok || got.out != c.out || got.err != c.err {
			t.Errorf("%s: %+v", c.stream, got)
		}
	}
}

// TestTracelogJSON: lines are elements of an array that an interrupt ends.
func TestTracelogJSON(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("tracefs"))
	const text, tracePrintk = "buzzing\x00", 6
	prog := loaded(t, 6, 0, isa.LoadImm64(isa.R1, int64(binary.NativeEndian.Uint64([]byte(text)))), isa.Store(isa.SizeDW, isa.R10, -8, isa.R1),
		isa.Mov(isa.R1, isa.R10), isa.ALUImm(isa.AluADD, isa.R1, -8), isa.MovImm(isa.R2, int32(len(text))), isa.Call(tracePrintk), isa.MovImm(isa.R0, 2), isa.Exit())
	c := exec.Command(os.Args[0])
	c.Args = []string{"skep", "prog", "tracelog", "-j"}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	read := make(chan []byte)
	go func() {
		for buf := make([]byte, 1<<12); ; {
			n, err := out.Read(buf)
			if err != nil {
				return
			}
			read <- bytes.Clone(buf[:n])
		}
	}()
	var seen []byte
	for deadline := time.Now().Add(20 * time.Second); !bytes.Contains(seen, []byte("buzzing")); {
		if time.Now().After(deadline) {
			t.Fatalf("no line came: %q", seen)
		}
		if err := sys.RunTest(prog, &sys.TestRun{DataIn: make([]byte, 64), Repeat: 1}); err != nil {
			t.Fatal(err)
		}
		select {
		case more := <-read:
			seen = append(seen, more...)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for ended := time.After(20 * time.Second); !bytes.HasSuffix(seen, []byte("]\n")); {
		select {
		case more := <-read:
			seen = append(seen, more...)
		case <-ended:
			t.Fatalf("the array doesn't end: %q", seen)
		}
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	var lines []string
	if err := json.Unmarshal(seen, &lines); err != nil || !strings.Contains(strings.Join(lines, ""), ": buzzing\n") {
		t.Errorf("%v: %.300s", err, seen)
	}
}
