package inspect

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// loadFilter loads a socket filter that returns a number.
func loadFilter(t testing.TB, name string, result int32) int {
	t.Helper()
	code, err := isa.Encode([]isa.Insn{isa.MovImm(isa.R0, result), isa.Exit()}, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	fd, err := sys.ProgLoad(&sys.ProgLoadAttr{Type: 1, InsnCnt: 2, Insns: unsafe.Pointer(&code[0]), License: unsafe.Pointer(&license[0]), Name: sys.ObjName(name)})
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func runFilter(t testing.TB, fd int, times uint32) {
	t.Helper()
	for range times {
		if _, _, err := sys.ProgTest(fd, make([]byte, 64), 1); err != nil {
			t.Fatal(err)
		}
	}
}

// of is a program in a sample by its name; nil: it isn't there.
func (s *Sample) of(name string) *Sampled {
	for i := range s.Progs {
		if s.Progs[i].Name == name {
			return &s.Progs[i]
		}
	}
	return nil
}

func TestSampler(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	old := loadFilter(t, "smp_old", 1)
	defer sys.Close(old)
	s, missing, err := r.StartSampler()
	if err != nil || len(missing) > 0 {
		t.Fatal(err, missing)
	}
	defer s.Close()
	sample := func() *Sample {
		t.Helper()
		got, err := s.Sample()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	runFilter(t, old, 50)
	g := sample().of("smp_old")
	if g == nil || g.Runs.Count != 50 || g.RunCount != 50 || g.Runs.Time <= 0 || g.Runs.Elapsed <= 0 {
		t.Fatalf("after 50 runs: %+v", g)
	}
	if g = sample().of("smp_old"); g.Runs.Count != 0 || g.RunCount != 50 {
		t.Errorf("after none: %+v", g.Runs)
	}
	// One that's loaded in an interval counts from its start on.
	young := loadFilter(t, "smp_young", 2)
	runFilter(t, young, 7)
	if g = sample().of("smp_young"); g == nil || g.Runs.Count != 7 || g.Runs.Elapsed <= 0 {
		t.Errorf("a new one after 7 runs: %+v", g)
	}
	if err := sys.Close(young); err != nil {
		t.Fatal(err)
	}
	if g = sample().of("smp_young"); g != nil || len(s.progs) == 0 {
		t.Errorf("one that's gone is there: %+v", g)
	}
	// Nothing is counted in a pause, unless others want it to be.
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	runFilter(t, old, 20)
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	runFilter(t, old, 3)
	if g = sample().of("smp_old"); g.Runs.Count != 3 {
		t.Errorf("after a pause: %+v", g.Runs)
	}
}

func TestFills(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	var ids []uint32
	for i, c := range []struct{ typ, most, put uint32 }{{mapHash, 64, 16}, {mapArray, 10, 1}, {mapHash, 100000, 60000}} {
		fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: c.typ, KeySize: 4, ValueSize: 8, MaxEntries: c.most})
		closeAfter(t, fd, err)
		key, value := make([]byte, 4), make([]byte, 8)
		for n := range c.put {
			binary.NativeEndian.PutUint32(key, n)
			if err := sys.MapUpdate(fd, key, value); err != nil {
				t.Fatal(i, err)
			}
		}
		m, err := r.MapByFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	f := r.NewFills()
	f.Update(append(ids, ids[0], 1<<31-2), time.Minute)
	all := f.All()
	if len(all) != 3 {
		t.Errorf("%d maps, want 3", len(all))
	}
	for i, want := range []string{"0.25 true", "0 false", "0.6 true"} {
		share, ok := all[ids[i]].Share()
		if got := fmt.Sprint(share, ok); got != want {
			t.Errorf("map %d: %s, want %s", i, got, want)
		}
	}
	// Without a budget one map is counted, the oldest; the others keep what they have.
	before := all[ids[0]].At
	f.Update(ids, 0)
	if n := f.All(); !n[ids[0]].At.After(before) || !n[ids[2]].At.Equal(all[ids[2]].At) {
		t.Error("without a budget not exactly the oldest was counted")
	}
	f.Update(ids[:1], time.Minute)
	if n := len(f.All()); n != 1 {
		t.Errorf("%d maps are remembered, 1 was asked for", n)
	}
}

// BenchmarkSample is an interval's reading with 10,000 programs loaded.
func BenchmarkSample(b *testing.B) {
	testkit.Need(b, testkit.Root())
	if err := sys.LiftNofile(20000); err != nil {
		b.Fatal(err)
	}
	r := reader(b)
	for i := range int32(10000) {
		fd := loadFilter(b, fmt.Sprintf("smp_%d", i), i)
		defer sys.Close(fd)
	}
	s, _, err := r.StartSampler()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sample(); err != nil {
			b.Fatal(err)
		}
	}
}
