package inspect

import (
	"reflect"
	"testing"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/swarm"
)

// TestIteratorTellsTheSame: the iterator describes each program as the system calls do, with
// runs counted on several CPUs.
func TestIteratorTellsTheSame(t *testing.T) {
	r := reader(t)
	testkit.Need(t, testkit.Kernel("5.19"))
	testkit.NoLeaks(t)
	stats, err := sys.EnableStats()
	closeAfter(t, stats, err)
	s, err := swarm.Load(100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	want := map[uint32]*Prog{}
	for i, fd := range s.Progs {
		p, err := r.ProgByFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		if p.TypeName() == "raw_tracepoint" {
			for range 3 + i {
				if _, err := sys.ProgRun(fd, make([]byte, 8)); err != nil {
					t.Fatal(err)
				}
			}
			if p, err = r.ProgByFD(fd); err != nil {
				t.Fatal(err)
			}
			if p.RunCount != uint64(3+i) || p.RunTime == 0 {
				t.Fatalf("%d runs in %v of %d", p.RunCount, p.RunTime, 3+i)
			}
		}
		want[p.ID] = p
	}
	last := uint32(0)
	err = r.iterateProgs(func(p *Prog, err error) bool {
		if err != nil {
			t.Error(err)
			return false
		}
		if p.ID <= last {
			t.Errorf("program %d after %d", p.ID, last)
		}
		last = p.ID
		if want[p.ID] != nil && !p.NoData {
			t.Errorf("program %d has read-only data", p.ID)
		}
		p.NoData = false
		if w := want[p.ID]; w != nil && !reflect.DeepEqual(w, p) {
			t.Errorf("by system calls %+v\nby the iterator %+v", w, p)
		}
		delete(want, p.ID)
		return true
	})
	if err != nil || len(want) != 0 {
		t.Errorf("%d programs aren't told: %v", len(want), err)
	}
}

// TestListAllocates: a listed program is its description, its maps and its name.
func TestListAllocates(t *testing.T) {
	r := reader(t)
	testkit.Need(t, testkit.Kernel("5.19"))
	listed := 0
	list := func() float64 {
		return testing.AllocsPerRun(1, func() {
			listed = 0
			for _, err := range r.Progs() {
				if err != nil {
					t.Fatal(err)
				}
				listed++
			}
		})
	}
	before, few := list(), listed
	const n = 400
	s, err := swarm.Load(n)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	after := list()
	if each := (after - before) / n; listed < few+n/2 || each > 4 {
		t.Errorf("%.1f allocations for each of %d more programs, want 4 at most", each, listed-few)
	}
}
