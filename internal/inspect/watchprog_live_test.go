package inspect

import (
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestWatchCalls: this process's own calls are seen, with the objects that they made.
func TestWatchCalls(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	w, err := r.watchCalls()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	m := newMap(t, "seen_map")
	fd := newProg(t, "seen_prog", m, 4)
	p, err := r.ProgByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	mp, err := r.MapByFD(m)
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	lost := w.each(func(c call) {
		if int(c.pid) == os.Getpid() && (c.name == "seen_map" || c.name == "seen_prog") {
			calls = append(calls, c)
		}
	})
	if len(calls) != 2 || lost != 0 {
		t.Fatalf("%d calls, %d lost: %+v", len(calls), lost, calls)
	}
	if c := calls[0]; c.cmd != cmdMapCreate || c.kind != KindMap || c.id != mp.ID || c.typ != mapHash || c.uid != 0 || c.comm == "" || c.args[0] != mapHash {
		t.Errorf("map: %+v", c)
	}
	if c := calls[1]; c.cmd != cmdProgLoad || c.kind != KindProg || c.id != p.ID || c.tag != p.Tag || c.typ != 1 || c.ns <= calls[0].ns {
		t.Errorf("program: %+v", c)
	}
	w.each(func(c call) {
		if c.id == p.ID && c.kind == KindProg {
			t.Errorf("seen twice: %+v", c)
		}
	})
}

// TestLostCalls: what finds no room is counted.
func TestLostCalls(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	w, err := r.watchCalls()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const calls = 3 * callRing / callRecord / 2
	for range calls {
		fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1, Name: sys.ObjName("flood")})
		if err != nil {
			t.Fatal(err)
		}
		sys.Close(fd)
	}
	seen := uint64(0)
	lost := w.each(func(call) { seen++ })
	if lost == 0 || seen+lost < calls {
		t.Errorf("%d calls: %d seen, %d lost", calls, seen, lost)
	}
	if lost := w.each(func(call) {}); lost != 0 {
		t.Errorf("%d are lost again", lost)
	}
}
