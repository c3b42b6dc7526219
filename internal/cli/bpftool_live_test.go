//go:build linux

package cli

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// newMap makes a map that lives as long as the test.
func newMap(t testing.TB, attr *sys.MapCreateAttr) (fd int, id uint32) {
	t.Helper()
	fd, err := sys.MapCreate(attr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(fd) })
	info, err := sys.MapInfoByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, info.ID
}

// liveObjects makes a map with elements, a program that uses it and calls another, and an
// iterator's link.
func liveObjects(t testing.TB) (prog, m, link uint32) {
	t.Helper()
	check := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sys.Close(fd) })
		return fd
	}
	mfd, m := newMap(t, &sys.MapCreateAttr{Type: 1, KeySize: 4, ValueSize: 24, MaxEntries: 64, Name: sys.ObjName("beside")})
	for i := range byte(9) {
		if err := sys.MapUpdate(mfd, []byte{i, 0, 0, 0}, bytes.Repeat([]byte{i}, 24)); err != nil {
			t.Fatal(err)
		}
	}
	load := func(typ, attach, target uint32, insns ...isa.Insn) int {
		code, err := isa.Encode(insns, binary.NativeEndian)
		if err != nil {
			t.Fatal(err)
		}
		license := []byte("GPL\x00")
		return check(sys.ProgLoad(&sys.ProgLoadAttr{Type: typ, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
			License: unsafe.Pointer(&license[0]), Name: sys.ObjName("beside_prog"), ExpectedAttachType: attach, AttachBTFID: target}))
	}
	tails, _ := newMap(t, &sys.MapCreateAttr{Type: 3, KeySize: 4, ValueSize: 4, MaxEntries: 1, Name: sys.ObjName("tails")})
	pfd := load(1, 0, 0, isa.Mov(isa.R6, isa.R1), isa.StoreImm(isa.SizeW, isa.R10, -4, 3), isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(mfd)),
		isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, -4), isa.Call(1), isa.JumpIfImm(isa.JmpJEQ, isa.R0, 0, 2),
		isa.Load(isa.SizeDW, isa.R0, isa.R0, 8), isa.ALUImm(isa.AluAND, isa.R0, 1),
		isa.Mov(isa.R1, isa.R6), isa.LoadPseudo(isa.R2, isa.PseudoMapFD, int64(tails)), isa.MovImm(isa.R3, 0), isa.Call(12),
		isa.MovImm(isa.R0, 0), isa.Exit())
	k := kern.New(os.DirFS("/"))
	t.Cleanup(func() { k.Close() })
	btf, err := k.BTF()
	if err != nil {
		t.Fatal(err)
	}
	fn, ok := btf.Find("bpf_iter_task", kern.KindFunc)
	if !ok {
		t.Fatal("no iterator of tasks")
	}
	const tracing, traceIter = 26, 28
	ifd := load(tracing, traceIter, uint32(fn.ID), isa.MovImm(isa.R0, 0), isa.Exit())
	lfd := check(sys.LinkIter(ifd, traceIter, 0))
	info, err := sys.ProgInfoByFD(pfd)
	if err != nil {
		t.Fatal(err)
	}
	var linfo sys.LinkInfo
	if err := sys.LinkInfoByFD(lfd, &linfo); err != nil {
		t.Fatal(err)
	}
	return info.ID, m, linfo.ID
}

// skepJSON is what `skep WORDS -j` prints.
func skepJSON(t testing.TB, words ...string) (v any) {
	t.Helper()
	var out, errs bytes.Buffer
	if status := Main(append(append([]string{"skep"}, words...), "-j"), bytes.NewReader(nil), &out, &errs); status != exitOK {
		t.Fatalf("skep %v: status %d: %s", words, status, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("skep %v: %v\n%s", words, err, out.String())
	}
	return v
}

// TestBesideBpftool compares each field that both print of the same objects.
func TestBesideBpftool(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Program("bpftool"))
	prog, m, link := liveObjects(t)
	_, unreadable := newMap(t, &sys.MapCreateAttr{Type: 4, KeySize: 4, ValueSize: 4, MaxEntries: 2, Name: sys.ObjName("events")})
	id := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	for _, words := range [][]string{
		{"prog", "show", "id", id(prog)}, {"map", "show", "id", id(m)}, {"link", "show", "id", id(link)}, {"btf", "show", "id", "1"},
		{"map", "dump", "id", id(m)}, {"map", "dump", "id", id(unreadable)}, {"map", "lookup", "id", id(m), "key", "3", "0", "0", "0"}, {"map", "getnext", "id", id(m)},
		{"prog", "dump", "xlated", "id", id(prog)}, {"prog", "dump", "xlated", "id", id(prog), "opcodes"}, {"net", "show"},
	} {
		theirs, ok := bpftoolJSON(t, words...)
		if !ok {
			t.Errorf("bpftool %v: nothing", words)
			continue
		}
		for _, diff := range differences(fmt.Sprint(words), theirs, skepJSON(t, words...)) {
			t.Error(diff)
		}
	}
}

// TestTextBesideBpftool compares lines of text, whose ends may have spaces.
func TestTextBesideBpftool(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Program("bpftool"))
	_, m, link := liveObjects(t)
	lines := func(text []byte) (out []string) {
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimRight(line, " \n"); !strings.HasPrefix(line, "\tpids ") {
				out = append(out, line)
			}
		}
		return out
	}
	for _, words := range [][]string{
		{"link", "show", "id", fmt.Sprint(link)}, {"map", "show", "id", fmt.Sprint(m)}, {"map", "dump", "id", fmt.Sprint(m)},
	} {
		theirs, _ := exec.Command("bpftool", words...).Output() // as bpftoolJSON: the status doesn't tell
		var ours, errs bytes.Buffer
		if status := Main(append([]string{"skep"}, words...), bytes.NewReader(nil), &ours, &errs); status != exitOK {
			t.Fatalf("skep %v: status %d: %s", words, status, errs.String())
		}
		if want, got := lines(theirs), lines(ours.Bytes()); len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("%v: bpftool prints %q, skep %q", words, want, got)
		}
	}
}

// volatile are members that change between two looks, with the reason.
var volatile = map[string]string{
	"run_cnt": "programs run meanwhile", "run_time_ns": "programs run meanwhile", "recursion_misses": "programs run meanwhile",
	"bytes_memlock": "a hash map takes memory with its elements", "missed": "probes fire meanwhile", "pids": "processes start and end",
}

// TestListsBesideBpftool compares what both print of everything that there is on the machine:
// each object that both list, each member that both have.
func TestListsBesideBpftool(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Program("bpftool"))
	liveObjects(t)
	for _, object := range []string{"prog", "map", "link", "btf", "perf", "net", "struct_ops", "cgroup"} {
		words := []string{object, "show"}
		if object == "cgroup" {
			words = []string{object, "tree"}
		}
		theirs, ok := bpftoolJSON(t, words...)
		if !ok {
			continue
		}
		c := &comparison{object: object}
		c.compare(object, theirs, skepJSON(t, words...))
		for _, d := range c.differences {
			t.Error(d)
		}
		t.Logf("%s: %d objects, %d members agree", object, c.objects, c.members)
		if c.objects == 0 && (object == "prog" || object == "map" || object == "link" || object == "btf") {
			t.Errorf("%s: nothing was compared", object)
		}
		ids := c.ids
		switch object {
		case "prog":
			if !oldBpftool(t) {
				compareEach(t, ids, "prog", "dump", "xlated", "id")
			}
		case "map":
			compareEach(t, ids, "map", "show", "id")
		case "link":
			compareEach(t, ids, "link", "show", "id")
		}
	}
}

// oldBpftool reports whether bpftool is older than 7.8: its dumps have line ends in strings of
// JSON, and moves of addresses of CPUs' variables as moves; 7.1 lists no tcx, and one of
// struct_ops as no list.
func oldBpftool(t *testing.T) bool {
	v, _ := bpftoolJSON(t, "version")
	m, _ := v.(map[string]any)
	var major, minor int
	if _, err := fmt.Sscanf(fmt.Sprint(m["version"]), "%d.%d", &major, &minor); err != nil {
		t.Errorf("bpftool's version %v: %v", m["version"], err)
	}
	return major < 7 || major == 7 && minor < 8
}

// compareEach compares what both say of each object that is still there.
func compareEach(t *testing.T, ids []uint32, words ...string) {
	t.Helper()
	c := &comparison{object: words[0]}
	for _, id := range ids {
		ask := append(slices.Clone(words), strconv.FormatUint(uint64(id), 10))
		theirs, ok := bpftoolJSON(t, ask...)
		var out, errs bytes.Buffer
		if !ok || Main(append(append([]string{"skep"}, ask...), "-j"), bytes.NewReader(nil), &out, &errs) != exitOK {
			continue // it's gone, or one of them isn't allowed to
		}
		var ours any
		if err := json.Unmarshal(out.Bytes(), &ours); err != nil {
			t.Errorf("skep %v: %v", ask, err)
			continue
		}
		c.compare(fmt.Sprint(ask), theirs, ours)
	}
	for _, d := range c.differences {
		t.Error(d)
	}
	t.Logf("%v: %d of %d, %d members agree", words, c.objects, len(ids), c.members)
}

// bpftoolJSON is what bpftool prints; ok is false when that's an error or nothing. Its status
// doesn't tell: 7.8 ends with 255 after it has described a link.
func bpftoolJSON(t testing.TB, words ...string) (v any, ok bool) {
	t.Helper()
	out, _ := exec.Command("bpftool", append([]string{"-j"}, words...)...).Output()
	if len(bytes.TrimSpace(out)) == 0 {
		return nil, false
	}
	// A flow dissector's member stands in no object.
	out = regexp.MustCompile(`\["id":(\d+)\]`).ReplaceAll(out, []byte(`[{"id":$1}]`))
	if err := json.Unmarshal(out, &v); err != nil {
		t.Errorf("bpftool %v: %v\n%.300s", words, err, out)
		return nil, false
	}
	if m, ok := v.(map[string]any); ok && m["error"] != nil {
		return nil, false
	}
	return v, true
}

// comparison compares what two tools print. Objects in lists are paired by what tells them
// apart, as lists of a living machine aren't the same twice.
type comparison struct {
	object           string
	objects, members int
	ids              []uint32
	differences      []string
}

// key tells an object of a list apart; "" for one that nothing tells apart.
func key(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	for _, names := range [][]string{{"pid", "fd", "prog_id"}, {"id"}, {"cgroup"}, {"devname", "kind", "prog_id"}, {"devname", "ifindex", "id"}} {
		text := ""
		for _, n := range names {
			if m[n] == nil {
				text = ""
				break
			}
			text += fmt.Sprintf("%s %v ", n, m[n])
		}
		if text != "" {
			return text
		}
	}
	return ""
}

func (c *comparison) compare(at string, theirs, ours any) {
	switch a := theirs.(type) {
	case map[string]any:
		b, ok := ours.(map[string]any)
		if !ok {
			c.differ(at, theirs, ours)
			return
		}
		c.objects++
		if id, ok := a["id"].(float64); ok && a["id"] == b["id"] {
			c.ids = append(c.ids, uint32(id))
		}
		for name, v := range a {
			if w, ok := b[name]; ok && volatile[name] == "" {
				if name == "prog_ids" || c.object == "btf" && name == "map_ids" {
					sortIDs(v, w) // bpftool's are in the order of a hash table
				}
				c.compare(at+"."+name, v, w)
			}
		}
		return
	case []any:
		b, ok := ours.([]any)
		if !ok {
			c.differ(at, theirs, ours)
			return
		}
		if len(a) == 0 && len(b) > 0 && key(b[0]) != "" {
			return // a list that has more of skep's: docs/inspect.md tells which
		}
		if len(a) == 0 && strings.HasSuffix(at, ".funcs") {
			return // bpftool finds no functions behind endbr64 when /boot has no configuration of the kernel
		}
		if len(a) > 0 && key(a[0]) != "" {
			byKey := map[string]any{}
			for _, o := range b {
				byKey[key(o)] = o
			}
			for _, o := range a {
				if mine, ok := byKey[key(o)]; ok {
					c.compare(at+"["+key(o)+"]", o, mine)
				}
			}
			return
		}
		if len(a) != len(b) {
			c.differ(at, theirs, ours)
			return
		}
		for i := range a {
			c.compare(fmt.Sprintf("%s[%d]", at, i), a[i], b[i])
		}
		return
	}
	if _, named := ours.(string); named && strings.HasSuffix(at, ".type") && reflect.TypeOf(theirs).Kind() == reflect.Float64 {
		return // a type that's newer than this bpftool
	}
	if !reflect.DeepEqual(theirs, ours) {
		c.differ(at, theirs, ours)
		return
	}
	c.members++
}

// sortIDs sorts lists of ids.
func sortIDs(lists ...any) {
	for _, l := range lists {
		if ids, ok := l.([]any); ok {
			slices.SortFunc(ids, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
}

func (c *comparison) differ(at string, theirs, ours any) {
	c.differences = append(c.differences, fmt.Sprintf("%s: bpftool has %.300v, skep %.300v", at, fmt.Sprint(theirs), fmt.Sprint(ours)))
}

// differences are the fields that both have and that differ, and those that only bpftool has.
func differences(at string, theirs, ours any) (out []string) {
	switch a := theirs.(type) {
	case map[string]any:
		b, ok := ours.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
		}
		for name, v := range a {
			if w, ok := b[name]; ok {
				out = append(out, differences(at+"."+name, v, w)...)
			} else {
				out = append(out, fmt.Sprintf("%s.%s: bpftool has %v, skep nothing", at, name, v))
			}
		}
		slices.Sort(out)
		return out
	case []any:
		b, ok := ours.([]any)
		if !ok || len(a) != len(b) {
			return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
		}
		for i := range a {
			out = append(out, differences(fmt.Sprintf("%s[%d]", at, i), a[i], b[i])...)
		}
		return out
	}
	if !reflect.DeepEqual(theirs, ours) {
		return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
	}
	return nil
}

// TestClosedPipe: a dump whose reader has gone ends at once, without words.
func TestClosedPipe(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	// 64 MiB: more than any buffer on the way.
	const entries, size = 1 << 14, 4096
	_, id := newMap(t, &sys.MapCreateAttr{Type: 2, KeySize: 4, ValueSize: size, MaxEntries: entries, Name: sys.ObjName("wide")})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, flag := range []string{"", "-j"} {
		args := []string{"skep", "map", "dump", "id", fmt.Sprint(id)}
		if flag != "" {
			args = append(args, flag)
		}
		var errs bytes.Buffer
		if status := Main(args, bytes.NewReader(nil), w, &errs); status != exitPipe || errs.Len() != 0 {
			t.Errorf("%v into a closed pipe: status %d, want %d: %s", args, status, exitPipe, errs.String())
		}
	}
}
