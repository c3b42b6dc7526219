package ssa

import (
	"flag"
	"math/rand/v2"
	"testing"
)

// inputs are the memories that a random program is run on.
func inputs(seed uint64) []input {
	r := rand.New(rand.NewPCG(seed, 2))
	var out []input
	for i := range 3 {
		in := input{make([]byte, 64), make([]byte, 64), make([]byte, 64)}
		for _, b := range [][]byte{in.ctx, in.maps, in.kernel} {
			for j := range b {
				switch i {
				case 0:
					b[j] = byte(r.Uint32())
				case 1:
					b[j] = byte(j&3/3) * 0xff
				}
			}
		}
		out = append(out, in)
	}
	return out
}

// differ runs every pass on a random program and reports the first after which the
// program shows something else. false: the program doesn't end.
func differ(t *testing.T, seed uint64, size int) bool {
	p := generate(seed, size)
	for _, f := range p.Funcs {
		if err := Check(f); err != nil {
			t.Fatalf("seed %d: generated: %v\n%s", seed, err, f)
		}
	}
	ins := inputs(seed)
	want := make([]string, len(ins))
	for i, in := range ins {
		out, err := outcome(p, in, nil)
		if err != nil {
			return false
		}
		want[i] = out
	}
	before := p.String()
	options := Options{Helper: testHelpers}
	compare := func(pass string, layout func(*Func) Layout) {
		for i, in := range ins {
			got, err := outcome(p, in, layout)
			if err != nil || got != want[i] {
				t.Fatalf("seed %d size %d, input %d: after %s: error %v\n%s\nwant\n%s\nbefore:\n%s\nafter:\n%s",
					seed, size, i, pass, err, got, want[i], before, p)
			}
		}
	}
	options.Dump = func(pass string, _ *Prog) {
		if pass == "start" {
			return
		}
		for _, f := range p.Funcs {
			if err := Check(f); err != nil {
				t.Fatalf("seed %d size %d: after %s: %v\nbefore:\n%s\nafter:\n%s", seed, size, pass, err, before, f)
			}
		}
		compare(pass, nil)
		before = p.String()
	}
	Optimize(p, options)
	compare("LayoutSlots", func(f *Func) Layout { return LayoutSlots(f, options) })
	compare("AssignSlots", func(f *Func) Layout { return AssignSlots(f, 48, options) })
	return true
}

var (
	firstSeed = flag.Uint64("first", 0, "the first seed of random programs")
	seeds     = flag.Uint64("seeds", 400, "how many random programs to run")
)

func TestPassesKeepMeaning(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = 50
	}
	ran := uint64(0)
	for seed := *firstSeed; seed < *firstSeed+n; seed++ {
		if differ(t, seed, 5+int(seed%60)) {
			ran++
		}
	}
	if ran < n*9/10 {
		t.Errorf("only %d of %d programs ran to their end", ran, n)
	}
}

func FuzzPassesKeepMeaning(f *testing.F) {
	f.Add(uint64(1), uint8(20))
	f.Add(uint64(7), uint8(120))
	f.Fuzz(func(t *testing.T, seed uint64, size uint8) { differ(t, seed, int(size)) })
}

func TestLayoutWithoutPassesKeepsMeaning(t *testing.T) {
	for seed := range uint64(100) {
		p := generate(seed, 40)
		options := Options{Helper: testHelpers}
		for _, f := range p.Funcs {
			unreachable(f, &options)
		}
		for _, in := range inputs(seed) {
			want, err := outcome(p, in, nil)
			if err != nil {
				continue
			}
			got, err := outcome(p, in, func(f *Func) Layout { return LayoutSlots(f, options) })
			if err != nil || got != want {
				t.Fatalf("seed %d: error %v\n%s\nwant\n%s\n%s", seed, err, got, want, p)
			}
		}
	}
}

// TestPassesNeedNoOther disables each pass in turn, and all of them.
func TestPassesNeedNoOther(t *testing.T) {
	all := map[string]bool{}
	sets := []map[string]bool{all}
	for _, name := range Passes() {
		all[name] = true
		sets = append(sets, map[string]bool{name: true})
	}
	for seed := range uint64(12) {
		in := inputs(seed)[0]
		for _, off := range sets {
			p := generate(seed, 40)
			want, err := outcome(p, in, nil)
			if err != nil {
				break
			}
			o := Options{Helper: testHelpers, Disable: off, Check: true}
			Optimize(p, o)
			got, err := outcome(p, in, func(f *Func) Layout { return LayoutSlots(f, o) })
			if err != nil || got != want {
				t.Fatalf("seed %d without %v: error %v\n%s\nwant\n%s\n%s", seed, off, err, got, want, p)
			}
		}
	}
}
