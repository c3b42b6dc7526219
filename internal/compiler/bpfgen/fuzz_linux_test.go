package bpfgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// differ runs p in the kernel and by interpretation and says how the results differ.
func differ(t testing.TB, p *ssa.Prog, opt Options, args []uint64) string {
	t.Helper()
	for _, f := range p.Funcs {
		if err := ssa.Check(f); err != nil {
			t.Fatalf("check: %v\n%s", err, p)
		}
	}
	before := make([]byte, 8*outWords)
	m, ctx := newMachine(args, before)
	want := uint32(m.call(p.Funcs[0], []uint64{ctx}))
	wantOut := m.mem[m.out]
	code := generate(t, p, opt)
	ret, out, ran := runOnce(t, code, args, before)
	if !ran {
		return ""
	}
	if ret != want {
		return fmt.Sprintf("returns %#x, want %#x", ret, want)
	}
	if !bytes.Equal(out, wantOut) {
		return fmt.Sprintf("results\n%#x, want\n%#x", u64s(out), u64s(wantOut))
	}
	return ""
}

// TestRandomPrograms runs random programs in the kernel beside the interpreter.
func TestRandomPrograms(t *testing.T) {
	needRoot(t)
	k := probeKernel(t)
	n := uint64(300)
	if testing.Short() {
		n = 30
	}
	for seed := range n {
		runSeed(t, k, seed)
		if t.Failed() {
			return
		}
	}
}

func runSeed(t *testing.T, k kernelLevel, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	size := 10 + r.IntN(150)
	if seed%10 == 0 {
		size *= 2
	}
	args := make([]uint64, randomArgs)
	for i := range args {
		args[i] = r.Uint64() >> r.IntN(64)
	}
	opt := Options{CPU: min(k.cpu, V3+CPU(r.IntN(2))), ScratchCPUs: 64}
	p := randomProg(seed, size, !k.fetch || seed%4 == 3)
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, size %d, v%d\n%s", seed, size, opt.CPU, p)
		}
	}()
	if d := differ(t, p, opt, args); d != "" {
		code := generate(t, p, opt)
		t.Errorf("%s\n%s", d, listing(code))
	}
}

func FuzzRandomPrograms(f *testing.F) {
	needRoot(f)
	f.Add(uint64(1))
	k := probeKernel(f)
	f.Fuzz(func(t *testing.T, seed uint64) { runSeed(t, k, seed) })
}
