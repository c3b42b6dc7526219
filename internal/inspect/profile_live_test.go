package inspect

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// loadCaller loads a socket filter that asks the kernel's clock many times: nearly all of its
// time goes into these calls.
func loadCaller(t testing.TB, calls int) int {
	t.Helper()
	var insns []isa.Insn
	for range calls {
		insns = append(insns, isa.Call(5)) // bpf_ktime_get_ns
	}
	insns = append(insns, isa.MovImm(isa.R0, 0), isa.Exit())
	code, err := isa.Encode(insns, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	fd, err := sys.ProgLoad(&sys.ProgLoadAttr{Type: 1, InsnCnt: uint32(len(insns)), Insns: unsafe.Pointer(&code[0]), License: unsafe.Pointer(&license[0]), Name: sys.ObjName("caller")})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// A program that runs is found in samples, at the calls where it spends its time.
func TestProfile(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	fd := loadCaller(t, 200)
	defer sys.Close(fd)
	code, err := r.Code(fd)
	if err != nil {
		t.Fatal(err)
	}
	if len(code.Ksyms) == 0 {
		t.Skip("the kernel hides where machine code is")
	}
	p, err := r.NewProfile(code)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	for end := time.Now().Add(10 * time.Second); p.Hits().Total < 50; p.Read() {
		if time.Now().After(end) {
			t.Fatalf("%d samples", p.Hits().Total)
		}
		if _, _, err := sys.ProgTest(fd, make([]byte, 64), 5000); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	h := p.Hits()
	from, to := code.Ksyms[0], code.Ksyms[0]+uint64(code.Lens[0])
	if n := h.In(from, to); n != h.Total {
		t.Errorf("%d of %d samples are in the program", n, h.Total)
	}
	// Most of the code is calls, which samples of what is called are counted at, too.
	if funcs, err := r.JitedFuncs(code); err == nil {
		calls := 0
		for _, in := range funcs[0].Insns {
			if at := from + uint64(in.PC); in.Symbol != "" {
				calls += h.In(at, at+uint64(len(in.Raw)))
			}
		}
		if calls < h.Total/2 {
			t.Errorf("%d of %d samples are at calls", calls, h.Total)
		}
	}
	// Stopped, it takes no more.
	p.Read()
	if _, _, err := sys.ProgTest(fd, make([]byte, 64), 5000); err != nil {
		t.Fatal(err)
	}
	p.Read()
	if got := p.Hits().Total; got != h.Total {
		t.Errorf("%d samples more after it was stopped", got-h.Total)
	}
}

// A caller goes on behind its call: the sample is the call's, of the innermost function.
func TestProfileFrames(t *testing.T) {
	p := &Profile{spans: []span{{100, 200}, {400, 500}}, hits: map[uint64]int{}}
	p.add([]uint64{150, 420})     // at it
	p.add([]uint64{90, 401, 170}) // called from its second function, which the first called
	p.add([]uint64{90, 91, 400})  // behind the end of what is before
	p.add([]uint64{7, 8, 9})      // elsewhere
	p.add([]uint64{200, 100})     // just outside of it
	p.add(nil)
	h := p.Hits()
	if h.Total != 2 || h.In(150, 151) != 1 || h.In(400, 401) != 1 || h.In(100, 150) != 0 {
		t.Errorf("%+v", h)
	}
}
