package helper

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTableIsIndexed(t *testing.T) {
	seen := map[string]bool{}
	for i, h := range All() {
		if int(h.ID) != i+1 {
			t.Errorf("%s: id %d stands at %d", h.Name, h.ID, i+1)
		}
		if seen[h.Name] || strings.HasPrefix(h.Name, "bpf_") || h.Name == "" {
			t.Errorf("id %d: name %q", h.ID, h.Name)
		}
		seen[h.Name] = true
		if h.Doc == "" || h.Since == (Version{}) || h.For == 0 {
			t.Errorf("%s: row isn't complete: %+v", h.Name, h)
		}
		if ByName(h.Name) != ByID(int64(h.ID)) {
			t.Errorf("%s: ByName and ByID differ", h.Name)
		}
	}
	if ByID(0) != nil || ByID(int64(len(All())+1)) != nil || ByName("nonsense") != nil {
		t.Error("unknown helpers are found")
	}
}

// Memory whose size the helper doesn't know is followed by its size, and a size follows memory.
func TestSizesFollowMemory(t *testing.T) {
	for _, h := range All() {
		for i, a := range h.Args {
			sized := a == ArgMem || a == ArgMemOut || a == ArgFill
			if sized && (i == 4 || h.Args[i+1] != ArgSize) {
				t.Errorf("%s: no size after argument %d", &h, i+1)
			}
			if a == ArgSize && !slices.Contains([]Arg{ArgMem, ArgMemOut, ArgFill}, h.Args[max(i, 1)-1]) {
				t.Errorf("%s: argument %d is the size of nothing", &h, i+1)
			}
			if a == ArgNone && i < 4 && h.Args[i+1] != ArgNone {
				t.Errorf("%s: a gap at argument %d", &h, i+1)
			}
		}
	}
}

func TestMemoryEffects(t *testing.T) {
	for _, c := range []struct {
		name                     string
		writes, readsOnly, fills uint8
	}{
		{"probe_read_kernel", 1, 1 << 2, 1},
		{"probe_read_kernel_str", 1, 1 << 2, 0},
		{"map_update_elem", 0, 1<<1 | 1<<2, 0},
		{"map_pop_elem", 1 << 1, 0, 0},
		{"strtol", 1 << 3, 1, 0},
		{"loop", 1 << 2, 0, 0},
		{"ktime_get_ns", 0, 0, 0},
	} {
		h := ByName(c.name)
		if w, r, f := h.Writes(), h.ReadsOnly(), h.Fills(); w != c.writes || r != c.readsOnly || f != c.fills {
			t.Errorf("%s: writes %b, reads %b, fills %b, want %b, %b, %b", h, w, r, f, c.writes, c.readsOnly, c.fills)
		}
	}
}

func TestPureHelpersWriteNothing(t *testing.T) {
	n := 0
	for _, h := range All() {
		if !h.Pure {
			continue
		}
		n++
		if h.Writes() != 0 || h.Changes || h.Result == Void || h.Result.MayBeNull() {
			t.Errorf("%s: can't be pure", &h)
		}
	}
	if n == 0 {
		t.Error("no helper is pure")
	}
	if ByName("ktime_get_ns").Pure || ByName("get_prandom_u32").Pure {
		t.Error("clocks and random numbers change during a run")
	}
}

// The kernel's header, where a machine has it, is the judge of ids and names.
func TestAgainstHeader(t *testing.T) {
	src, err := os.ReadFile("/usr/include/linux/bpf.h")
	if err != nil {
		t.Skip("no kernel header on this machine")
	}
	rows := regexp.MustCompile(`FN\((\w+), (\d+), ##ctx\)`).FindAllSubmatch(src, -1)
	if len(rows) == 0 {
		t.Skip("the header is older than its numbered list (6.1)")
	}
	for _, m := range rows {
		id, _ := strconv.Atoi(string(m[2]))
		if id > 0 && Name(int64(id)) != string(m[1]) {
			t.Errorf("helper %d is %q, in the header %s", id, Name(int64(id)), m[1])
		}
	}
}

func TestKfuncs(t *testing.T) {
	if !slices.IsSortedFunc(Kfuncs(), func(a, b Kfunc) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table isn't sorted by name")
	}
	for _, k := range Kfuncs() {
		if KfuncByName(k.Name) == nil || k.Doc == "" || k.NArgs > 5 {
			t.Errorf("%s: row isn't complete", k.Name)
		}
		if k.Acquires != (k.Release != "") || k.Acquires && KfuncByName(k.Release) == nil {
			t.Errorf("%s: what it acquires isn't released", k.Name)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	if !V(5, 10).Before(V(5, 15)) || !V(5, 15).Before(V(6, 1)) || V(6, 1).Before(V(6, 1)) {
		t.Error("versions aren't ordered")
	}
	if s := V(5, 10).String(); s != "5.10" {
		t.Errorf("version prints as %s", s)
	}
}
