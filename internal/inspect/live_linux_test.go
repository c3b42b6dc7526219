package inspect

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// reader is a Reader of this machine.
func reader(t testing.TB) *Reader {
	t.Helper()
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	k := kern.New(os.DirFS("/"))
	t.Cleanup(func() { k.Close() })
	return New(k, os.DirFS("/"))
}

func closeAfter(t testing.TB, fd int, err error) int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(fd) })
	return fd
}

// newMap makes a hash map.
func newMap(t testing.TB, name string) int {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapHash, KeySize: 4, ValueSize: 8, MaxEntries: 16, Name: sys.ObjName(name)})
	return closeAfter(t, fd, err)
}

// newProg loads a socket filter that returns result and uses a map.
func newProg(t testing.TB, name string, m int, result int32) int {
	t.Helper()
	code, err := isa.Encode([]isa.Insn{isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(m)), isa.MovImm(isa.R0, result), isa.Exit()}, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	fd, err := sys.ProgLoad(&sys.ProgLoadAttr{Type: 1, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), Name: sys.ObjName(name)})
	return closeAfter(t, fd, err)
}

func TestProgsAndMaps(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	m := newMap(t, "bees")
	fd := newProg(t, "hive", m, 7)
	got, err := r.ProgByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	mp, err := r.MapByFD(m)
	if err != nil {
		t.Fatal(err)
	}
	if got.TypeName() != "socket_filter" || got.Name != "hive" || !got.GPL || got.XlatedLen != 32 || !slices.Equal(got.Maps, []uint32{mp.ID}) ||
		got.Memlock < 4096 || got.LoadedAt.IsZero() || len(got.Missing) != 0 {
		t.Errorf("program %+v", got)
	}
	if mp.TypeName() != "hash" || mp.Name != "bees" || mp.KeySize != 4 || mp.ValueSize != 8 || mp.MaxEntries != 16 || mp.Memlock <= 0 {
		t.Errorf("map %+v", mp)
	}
	found := false
	for p, err := range r.Progs() {
		if err != nil {
			t.Fatal(err)
		}
		found = found || p.ID == got.ID && p.Name == "hive"
	}
	if !found {
		t.Errorf("program %d isn't listed", got.ID)
	}
}

func TestGone(t *testing.T) {
	r := reader(t)
	const none = 1<<31 - 1
	_, perr := r.Prog(none)
	_, merr := r.Map(none)
	_, lerr := r.Link(none)
	_, berr := r.BTF(none)
	for _, err := range []error{perr, merr, lerr, berr} {
		if !errors.Is(err, ErrGone) {
			t.Errorf("%v, want ErrGone", err)
		}
	}
}

// A link that another process is making has an id, and can't be opened yet.
func TestLinksInTheMaking(t *testing.T) {
	r := reader(t)
	code, err := isa.Encode([]isa.Insn{isa.MovImm(isa.R0, 0), isa.Exit()}, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	const rawTracepoint = 17 // BPF_PROG_TYPE_RAW_TRACEPOINT
	prog, err := sys.ProgLoad(&sys.ProgLoadAttr{Type: rawTracepoint, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
		License: unsafe.Pointer(&license[0]), Name: sys.ObjName("making")})
	closeAfter(t, prog, err)
	made := make(chan error, 1)
	go func() {
		var err error
		for range 50 {
			var fd int
			if fd, err = sys.RawTracepointOpen("task_rename", prog); err != nil {
				break
			}
			_ = sys.Close(fd)
		}
		made <- err
	}()
	for lists := 0; ; lists++ {
		for l, err := range r.Links() {
			if err != nil {
				t.Fatalf("link %v: %v", l, err)
			}
		}
		select {
		case err := <-made:
			if err != nil || lists == 0 {
				t.Errorf("%d lists, %v", lists, err)
			}
			return
		default:
		}
	}
}

func TestSelectors(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	m := newMap(t, "bees_of_two")
	a, b := newProg(t, "twins", m, 1), newProg(t, "twins", m, 2)
	pa, err := r.ProgByFD(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sel  Selector
		kind Kind
		n    int
	}{
		{Selector{"name", "twins"}, KindProg, 2}, {Selector{"tag", pa.TagText()}, KindProg, 1},
		{Selector{"name", "bees_of_two"}, KindMap, 1},
	} {
		objs, err := r.Open(c.kind, c.sel, false)
		if err != nil || len(objs) != c.n {
			t.Errorf("%v: %d objects, want %d: %v", c.sel, len(objs), c.n, err)
		}
		if err := CloseAll(objs); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.OpenOne(KindProg, Selector{"name", "twins"}, false); err == nil || !strings.Contains(err.Error(), "2 have it") {
		t.Errorf("two programs of a name: %v", err)
	}
	for _, s := range []Selector{{"name", "nobody"}, {"id", "x"}, {"pinned", "/proc/self/exe"}, {"pinned", "/nowhere"}, {"size", "3"}} {
		if objs, err := r.Open(KindProg, s, false); err == nil {
			t.Errorf("%v: %d objects", s, len(objs))
		}
	}
	_ = b
}

func TestOwnersByBothWays(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	m := newMap(t, "owned")
	newProg(t, "owner", m, 3)
	own := func(all []Holding) (mine []Holding) {
		for _, h := range all {
			if h.PID == os.Getpid() {
				mine = append(mine, h)
			}
		}
		slices.SortFunc(mine, func(a, b Holding) int { return a.FD - b.FD })
		return mine
	}
	iterated, err := r.iterateFiles()
	if err != nil {
		t.Fatal(err)
	}
	scanned, _, err := r.scanFDs()
	if err != nil {
		t.Fatal(err)
	}
	a, b := own(iterated), own(scanned)
	if !slices.Equal(a, b) || len(a) != 2 {
		t.Errorf("by the iterator %v, by /proc %v", a, b)
	}
	o, err := r.Owners()
	if err != nil {
		t.Fatal(err)
	}
	mp, err := r.MapByFD(m)
	if err != nil {
		t.Fatal(err)
	}
	if ps := o.Of(KindMap, mp.ID); len(ps) != 1 || ps[0].PID != os.Getpid() || ps[0].Comm == "" {
		t.Errorf("owners of the map: %v", ps)
	}
	if o, err := r.Sibling().Owners(); err != nil || o.Of(KindMap, mp.ID) != nil {
		t.Errorf("beside a list, the process that lists owns the map: %v, %v", o.Of(KindMap, mp.ID), err)
	}
}

func TestParseCgroup(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct{ text, cgroup, container, pod string }{
		{"0::/init.scope\n", "/init.scope", "", ""},
		{"0::/system.slice/docker-" + id + ".scope\n", "/system.slice/docker-" + id + ".scope", "0123456789ab", ""},
		{"5:cpu:/docker/" + id + "\n0::/x\n", "/x", "0123456789ab", ""},
		{"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod11112222_3333_4444_5555_666677778888.slice/cri-containerd-" + id + ".scope\n",
			"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod11112222_3333_4444_5555_666677778888.slice/cri-containerd-" + id + ".scope",
			"0123456789ab", "11112222-3333-4444-5555-666677778888"},
		{"nonsense\n", "", "", ""},
	} {
		cgroup, container, pod := parseCgroup(c.text)
		if cgroup != c.cgroup || container != c.container || pod != c.pod {
			t.Errorf("%q: %q %q %q", c.text, cgroup, container, pod)
		}
	}
}

// TestTypesAreForgotten: a watch that sees thousands of programs doesn't keep their types.
func TestTypesAreForgotten(t *testing.T) {
	r := reader(t)
	for i := range uint32(someTypes) {
		r.types[1<<31+i] = nil
	}
	for id, err := range r.IDs(KindBTF) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Types(id)
		if err != nil || b == nil || len(r.types) != 1 {
			t.Errorf("%v, %d are kept", err, len(r.types))
		}
		break
	}
}
