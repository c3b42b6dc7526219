package inspect

import (
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestGoneBetweenListAndShow: an object that goes away after it was listed is left out; the
// others are there.
func TestGoneBetweenListAndShow(t *testing.T) {
	r := reader(t)
	ids := map[uint32]bool{}
	for _, name := range []string{"stays", "goes", "stays_too"} {
		m, err := r.MapByFD(newMap(t, name))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.ID] = name != "goes"
	}
	listed := 0
	for m, err := range each(r, KindMap, func(fd int) (*Map, error) {
		m, err := r.MapByFD(fd)
		if err == nil && m.Name == "goes" {
			return nil, ErrGone
		}
		return m, err
	}) {
		if err != nil {
			t.Fatal(err)
		}
		stays, mine := ids[m.ID]
		if mine && !stays {
			t.Errorf("map %d is listed", m.ID)
		}
		if mine {
			listed++
		}
	}
	if listed != 2 {
		t.Errorf("%d of 2 maps are listed", listed)
	}
}

// TestFieldsWithoutProc: what only /proc tells is named as missing, and the rest is there; so
// it is without the kernel's BTF, when programs are asked for one by one.
func TestFieldsWithoutProc(t *testing.T) {
	reader(t) // what it takes
	none := fstest.MapFS{}
	k := kern.New(none)
	t.Cleanup(func() { k.Close() })
	r := New(k, none)
	r.fdinfos = "/proc/self/nothing/"
	mfd := newMap(t, "blind")
	pfd := newProg(t, "blind_prog", mfd, 5)
	m, err := r.MapByFD(mfd)
	if err != nil || m.Name != "blind" || m.ValueSize != 8 || m.Memlock != -1 || len(m.Missing) != 1 {
		t.Errorf("map %+v, %v", m, err)
	}
	want, err := r.ProgByFD(pfd)
	if err != nil || want.Name != "blind_prog" || len(want.Maps) != 1 || want.Memlock != -1 || len(want.Missing) != 1 {
		t.Errorf("program %+v, %v", want, err)
	}
	if err := r.iterateProgs(func(*Prog, error) bool { return true }); err == nil {
		t.Error("the iterator doesn't need BTF")
	}
	found := false
	for p, err := range r.Progs() {
		if err != nil {
			t.Fatal(err)
		}
		found = found || p.ID == want.ID && p.Name == want.Name
	}
	if !found {
		t.Errorf("program %d isn't listed without an iterator", want.ID)
	}
}

// TestOwnMapsAreNotListed: the maps of iterators' programs live on for a while after them.
func TestOwnMapsAreNotListed(t *testing.T) {
	r := reader(t)
	for range 20 {
		m, err := r.newScratch(mapArray, 8)
		closeAfter(t, m, err)
		info, err := r.MapByFD(m)
		if err != nil {
			t.Fatal(err)
		}
		for id, err := range r.IDs(KindMap) {
			if err != nil || id == info.ID {
				t.Fatalf("map %d is listed: %v", id, err)
			}
		}
	}
}

// TestOwnLinksAreNotListed: while owners are searched, a list of links has the others only,
// those without a program too.
func TestOwnLinksAreNotListed(t *testing.T) {
	r := reader(t)
	testkit.Need(t, testkit.Kernel("5.8"))
	walk, err := r.newFileWalk()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := walk.Close(); err != nil {
			t.Error(err)
		}
	})
	own, err := r.LinkByFD(walk.it.link)
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range r.Links() {
		if err != nil || l.ID == own.ID {
			t.Errorf("link %d is listed: %v", l.ID, err)
		}
	}
	if r.own.has(KindProg, 0) {
		t.Error("links without a program are left out")
	}
}
