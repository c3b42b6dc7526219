//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// said is what a command printed and whether its status was 0.
type said struct {
	out, err string
	ok       bool
}

func saidBySkep(t testing.TB, input string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	status := Main(append([]string{"skep"}, args...), strings.NewReader(input), &out, &errs)
	return said{out.String(), errs.String(), status == exitOK}
}

func saidByBpftool(t testing.TB, input string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command("bpftool", args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	err := c.Run()
	return said{out.String(), errs.String(), err == nil}
}

// trimmed is text without blanks at the ends of lines, and without times of runs.
func trimmed(text string) string {
	text = regexp.MustCompile(`(?m)[ \t]+$`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`duration( \(average\))?: \d+ns`).ReplaceAllString(text, "duration$1")
	return strings.TrimRight(text, "\n")
}

// compareSaid compares what both print, and how they end, as text and as JSON.
func compareSaid(t *testing.T, words string, theirs, ours said, asJSON bool) {
	t.Helper()
	if theirs.ok != ours.ok {
		t.Errorf("%s: bpftool succeeds: %v, skep: %v\nbpftool: %s%s\nskep: %s%s", words, theirs.ok, ours.ok, theirs.out, theirs.err, ours.out, ours.err)
		return
	}
	if !asJSON {
		if want, got := trimmed(theirs.out), trimmed(ours.out); want != got {
			t.Errorf("%s: bpftool prints\n%s\nskep\n%s", words, want, got)
		}
		if !ours.ok && ours.err == "" && theirs.err != "" {
			t.Errorf("%s: skep doesn't say why it fails; bpftool says %s", words, theirs.err)
		}
		return
	}
	if ours.out == "" && !ours.ok {
		return // a word that isn't understood
	}
	var a, b any
	if err := json.Unmarshal([]byte(ours.out), &b); err != nil {
		t.Errorf("%s: skep prints %q: %v", words, ours.out, err)
		return
	}
	if json.Unmarshal([]byte(theirs.out), &a) != nil {
		return
	}
	for _, v := range []any{a, b} {
		if m, ok := v.(map[string]any); ok {
			delete(m, "duration")
			if m["error"] != nil {
				m["error"] = "told"
			}
		}
	}
	if l, ok := a.([]any); !ours.ok && (a == nil || ok && len(l) == 1) {
		return // bpftool prints null for its usage, and some errors in a list
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: bpftool prints %v, skep %v", words, a, b)
	}
}

// ownBPFFS mounts a BPF file system for the test.
func ownBPFFS(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ownCgroup makes a cgroup for the test.
func ownCgroup(t *testing.T) string {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err != nil {
		root += "/unified"
	}
	dir, err := os.MkdirTemp(root, "skep-words")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// packetProgram loads a program of a type that returns a number.
func packetProgram(t *testing.T, typ uint32, result int32) (id uint32) {
	t.Helper()
	fd := loaded(t, typ, 0, isa.MovImm(isa.R0, result), isa.Exit())
	info, err := sys.ProgInfoByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

// TestElementWords: each form of an element's words does to a map what it does with bpftool.
func TestElementWords(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Program("bpftool"))
	kinds := map[string]sys.MapCreateAttr{
		"hash":         {Type: 1, KeySize: 4, ValueSize: 4, MaxEntries: 8},
		"percpu_array": {Type: 6, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		"queue":        {Type: 22, ValueSize: 4, MaxEntries: 3},
		"stack":        {Type: 23, ValueSize: 4, MaxEntries: 3},
		"wide":         {Type: 1, KeySize: 20, ValueSize: 40, MaxEntries: 8},
		"sockets":      {Type: 15, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		"reuseport":    {Type: 20, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		"events":       {Type: 4, KeySize: 4, ValueSize: 4, MaxEntries: 2},
	}
	fill := func(fd int, a sys.MapCreateAttr) {
		var key []byte
		if a.KeySize > 0 {
			key = make([]byte, a.KeySize)
		}
		value := make([]byte, a.ValueSize)
		for i := range byte(2) {
			if len(key) > 0 {
				key[0] = i
			}
			value[0] = i + 1
			if a.KeySize == 0 || a.Type == 1 && i == 1 { // one element: a hash table's order differs
				if err := sys.MapUpdate(fd, key, value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, c := range []struct{ kind, words string }{
		{"hash", "update MAP key 5 0 0 0 value 2 0 0 0"}, {"hash", "update MAP key 0x5 0 0 0 value 0x10 0 0 010"}, {"hash", "update MAP key hex 5 0 0 0 value hex ff 0 0 a"},
		{"hash", "update MAP k h 5 0 0 0 v hex 0x2 0 0 0"}, {"hash", "update MAP value 2 0 0 0 key 5 0 0 0"}, {"hash", "update MAP any key 5 0 0 0 value 2 0 0 0"},
		{"hash", "update MAP key 1 0 0 0 value 9 0 0 0 noexist"}, {"hash", "update MAP key 1 0 0 0 value 9 0 0 0 e"}, {"hash", "update MAP key 5 0 0 0 value 9 0 0 0 exist"}, {"hash", "update MAP key 5 0 0 0 value 9 0 0 0 n"},
		{"hash", "update MAP key 5 0 0 0 value 9 0 0 0 any exist"}, {"hash", "update MAP key 5 0 0 value 9 0 0 0"}, {"hash", "update MAP key 5 0 0 0"}, {"hash", "update MAP value 1 0 0 0"}, {"hash", "update MAP"},
		{"hash", "update MAP key 5 0 0 0 value 9 0 0 0 0"}, {"hash", "update MAP key x 0 0 0 value 9 0 0 0"}, {"hash", "update MAP key 5 0 0 0 key 5 0 0 0 value 1 0 0 0"}, {"hash", "update MAP key 5 0 0 0 value 9 0 0 0 bogus"},
		{"hash", "lookup MAP key 1 0 0 0"}, {"hash", "lookup MAP key 7 0 0 0"}, {"hash", "lookup MAP"}, {"hash", "lookup MAP key 1 0 0 0 any"}, {"hash", "lookup MAP value 1 0 0 0"}, {"hash", "lo MAP k 1 0 0 0"}, {"hash", "d MAP"}, {"hash", "g MAP"},
		{"hash", "delete MAP key 1 0 0 0"}, {"hash", "delete MAP key 7 0 0 0"}, {"hash", "delete MAP key 1 0 0 0 any"}, {"hash", "delete MAP"},
		{"hash", "getnext MAP"}, {"hash", "getnext MAP key 1 0 0 0 bogus"}, {"hash", "freeze MAP bogus"}, {"hash", "dump MAP"}, {"hash", "bogus MAP"},
		{"percpu_array", "update MAP key 1 0 0 0 value 2 0 0 0"}, {"percpu_array", "lookup MAP key 1 0 0 0"}, {"percpu_array", "lookup MAP key 2 0 0 0"}, {"percpu_array", "dump MAP"},
		{"queue", "enqueue MAP value 9 0 0 0"}, {"queue", "push MAP value 9 0 0 0 exist"}, {"queue", "push MAP"}, {"queue", "push MAP key 1 value 9 0 0 0"}, {"queue", "peek MAP"}, {"queue", "dequeue MAP"}, {"queue", "pop MAP"}, {"queue", "delete MAP"}, {"queue", "getnext MAP"},
		{"stack", "push MAP value 9 0 0 0"}, {"stack", "update MAP value 9 0 0 0"}, {"stack", "peek MAP"}, {"stack", "lookup MAP"}, {"stack", "pop MAP"}, {"stack", "pop MAP"},
		{"wide", "lookup MAP key 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"}, {"wide", "lookup MAP key 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7"}, {"wide", "getnext MAP"},
		{"sockets", "dump MAP"}, {"sockets", "lookup MAP key 1 0 0 0"}, {"reuseport", "dump MAP"}, {"events", "dump MAP"},
	} {
		for _, flag := range []string{"", "-j"} {
			var did [2]said
			var left [2]string
			for i, run := range []func(testing.TB, string, ...string) said{saidByBpftool, saidBySkep} {
				attr := kinds[c.kind]
				attr.Name = sys.ObjName("words")
				fd, id := newMap(t, &attr)
				fill(fd, attr)
				words := append([]string{"map"}, strings.Fields(strings.Replace(c.words, "MAP", fmt.Sprint("id ", id), 1))...)
				if flag != "" {
					words = append(words, flag)
				}
				did[i] = run(t, "", words...)
				for _, verb := range []string{"dump", "pop", "pop", "pop"} {
					left[i] += saidByBpftool(t, "", "map", verb, "id", fmt.Sprint(id)).out
				}
			}
			compareSaid(t, c.kind+": "+c.words+" "+flag, did[0], did[1], flag != "")
			for i := range left {
				lines := strings.Split(left[i], "\n")
				slices.Sort(lines)
				left[i] = strings.Join(lines, "\n")
			}
			if left[0] != left[1] {
				t.Errorf("%s: %s: bpftool leaves\n%s\nskep\n%s", c.kind, c.words, left[0], left[1])
			}
		}
	}
}

// TestCreateWords: maps are created as with bpftool.
func TestCreateWords(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Program("bpftool"))
	dir := ownBPFFS(t)
	for _, words := range []string{
		"type hash key 4 value 4 entries 2 name m", "t hash k 4 v 4 e 2 n m", "type hash key 4 value 4 entries 2 name m flags 0x1", "type hash key 4 value 4 entries 2",
		"type hash key 4 value 4 name m", "type has key 4 value 4 entries 2 name m", "type hash key x value 4 entries 2 name m", "type hash key 4 value 4 entries 2 name m bogus 1",
		"type hash key 4 value 4 entries 2 name a_name_that_is_too_long", "type hash key 4 value 4 entries 2 name bad/name", "type array key 4 value 4 entries 2 name m type array",
		"type array key 4 value 4 entries 2 name m offload_dev lo", "type array key 4 value 4 entries 2 name m offload_dev nosuchdev", "type ringbuf key 0 value 0 entries 4096 name m",
		"type queue key 0 value 4 entries 2 name m", "type lpm_trie key 8 value 4 entries 2 name m flags 1", "type array_of_maps key 4 value 4 entries 2 name m",
	} {
		var did [2]said
		var made [2]any
		for i, run := range []func(testing.TB, string, ...string) said{saidByBpftool, saidBySkep} {
			path := fmt.Sprintf("%s/made%d", dir, i)
			did[i] = run(t, "", append([]string{"map", "create", path}, strings.Fields(words)...)...)
			if made[i], _ = bpftoolJSON(t, "map", "show", "pinned", path); made[i] != nil {
				delete(made[i].(map[string]any), "id")
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		}
		compareSaid(t, "create "+words, did[0], did[1], false)
		if !reflect.DeepEqual(made[0], made[1]) {
			t.Errorf("create %s: bpftool makes %v, skep %v", words, made[0], made[1])
		}
	}
}

// TestRunWords: programs are run on data as with bpftool.
func TestRunWords(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Program("bpftool"))
	file := t.TempDir() + "/data"
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789\t~", 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	prog := packetProgram(t, 6, 2) // XDP_PASS
	for _, words := range []string{
		"data_in FILE", "data_in FILE data_out -", "data_in FILE repeat 3", "data_i FILE rep 2", "data FILE", "data_in - data_out -", "data_in - ctx_in -", "data_in /nosuchfile", "", "data_in FILE bogus",
		"data_in FILE data_out - data_size_out 20",
	} {
		for _, flag := range []string{"", "-j"} {
			args := append([]string{"prog", "run", "id", fmt.Sprint(prog)}, strings.Fields(strings.ReplaceAll(words, "FILE", file))...)
			if flag != "" {
				args = append(args, flag)
			}
			input := strings.Repeat("input", 9)
			compareSaid(t, "run "+words+" "+flag, saidByBpftool(t, input, args...), saidBySkep(t, input, args...), flag != "")
		}
	}
}

// TestCgroupWords: programs of cgroups are attached and listed as with bpftool.
func TestCgroupWords(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Program("bpftool"), testkit.Feature("cgroup2"))
	root := ownCgroup(t)
	prog := fmt.Sprint(packetProgram(t, 8, 1))
	if err := os.Mkdir(root+"/below", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(root + "/below") })
	for _, words := range []string{
		"cgroup attach ROOT ingress id PROG multi", "cgroup attach ROOT eg id PROG override", "cgroup attach ROOT/below cgroup_inet_ingress id PROG mul", "cgroup attach ROOT bogus id PROG", "cgroup attach ROOT ingress id PROG bogus",
		"cgroup show ROOT", "cgroup list ROOT/below eff", "cgroup tree ROOT", "cgroup tree ROOT effective", "cgroup show ROOT bogus", "cgroup show /nosuchdir", "cgroup show", "cgroup tree /nosuchdir",
		"cgroup detach ROOT/below ingress id PROG", "cgroup detach ROOT/below ingress id PROG", "cgroup detach ROOT eg id PROG", "cgroup detach ROOT ingress id PROG",
	} {
		args := strings.Fields(strings.NewReplacer("ROOT", root, "PROG", prog).Replace(words))
		if slices.Contains([]string{"attach", "detach"}, args[1]) {
			ours := saidBySkep(t, "", args...)
			if args[1] == "attach" && ours.ok {
				undo := append(slices.Clone(args[:6]), "")
				undo[1] = "detach"
				if !saidByBpftool(t, "", undo[:6]...).ok {
					t.Errorf("%s did nothing", words)
				}
				if !saidBySkep(t, "", args...).ok {
					t.Errorf("%s works once only", words)
				}
				continue
			}
			if args[1] == "detach" && ours.ok {
				continue
			}
			compareSaid(t, words, saidByBpftool(t, "", args...), ours, false)
			continue
		}
		compareSaid(t, words, saidByBpftool(t, "", args...), saidBySkep(t, "", args...), false)
		args = append(args, "-j")
		compareSaid(t, words+" -j", saidByBpftool(t, "", args...), saidBySkep(t, "", args...), true)
	}
}

// TestVerbHelp: every object has help, and tells what may have been meant.
func TestVerbHelp(t *testing.T) {
	for _, object := range []string{"prog", "map", "link", "btf", "perf", "net", "cgroup", "struct_ops", "feature", "gen", "iter", "token"} {
		if got := saidBySkep(t, "", object, "help"); !got.ok || !strings.Contains(got.out, "usage: skep "+object) {
			t.Errorf("skep %s help: %v %s%s", object, got.ok, got.out, got.err)
		}
	}
	if got := saidBySkep(t, "", "iter"); !got.ok || !strings.Contains(got.out, "usage: skep iter") {
		t.Errorf("skep iter: %+v", got)
	}
	for words, want := range map[string]string{
		"prog shwo": "did you mean show?", "map updtae id 1": "did you mean update?", "net attach xdpgenric id 1": "did you mean xdpgeneric?",
		"cgroup attach / cgroup_inet_ingres id 1": "did you mean cgroup_inet_ingress?", "map show nmae x": "did you mean name?",
	} {
		if got := saidBySkep(t, "", strings.Fields(words)...); got.ok || !strings.Contains(got.err, want) {
			t.Errorf("skep %s: %v %s", words, got.ok, got.err)
		}
	}
}

// TestStructOpsWords: structs are listed and dumped as with bpftool, by all words for them.
func TestStructOpsWords(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Program("bpftool"))
	const object, name = "../e2e/testdata/bpf/plaincongestion.bpf.o", "skep_plain"
	if got := saidBySkep(t, "", "struct_ops", "register", object); !got.ok {
		t.Fatal(got.err)
	}
	id, ok := "", false
	t.Cleanup(func() {
		want := "Unregistered tcp_congestion_ops " + name + " id " + id + "\n" // as bpftool 7.8 says it
		if got := saidBySkep(t, "", "struct_ops", "unregister", "name", name); !got.ok || got.out != want {
			t.Errorf("%+v, want %q", got, want)
		}
	})
	id, _, ok = strings.Cut(saidByBpftool(t, "", "struct_ops", "show", "name", name).out, ":")
	if !ok {
		t.Fatal("bpftool lists no " + name)
	}
	old := oldBpftool(t)
	for _, words := range []string{"show", "show id " + id, "show name " + name, "dump", "dump id " + id, "dump name " + name, "show id x", "dump name nosuch"} {
		for _, flag := range []string{"", "-j"} {
			if old && (flag != "" || strings.HasPrefix(words, "dump")) {
				continue
			}
			args := append([]string{"struct_ops"}, strings.Fields(words+" "+flag)...)
			theirs, ours := saidByBpftool(t, "", args...), saidBySkep(t, "", args...)
			if !theirs.ok {
				theirs.out, ours.out = "", "" // bpftool prints nothing, or a list without elements
			}
			compareSaid(t, strings.Join(args, " "), theirs, ours, flag != "")
		}
	}
}

// TestFailuresInJSON: what fails prints one value of JSON, not two, and says why.
func TestFailuresInJSON(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("cgroup2"))
	const ringbuf = 27
	_, id := newMap(t, &sys.MapCreateAttr{Type: ringbuf, MaxEntries: uint32(os.Getpagesize()), Name: sys.ObjName("unlisted")})
	const unlisted = "list elements of ringbuf map"
	for _, c := range []struct{ words, out, err string }{
		{fmt.Sprintf("map dump id %d -j", id), unlisted, ""},
		{fmt.Sprintf("map dump id %d", id), "", unlisted},
		{fmt.Sprintf("map getnext id %d", id), "", "operation not supported"},
		{"cgroup tree /nosuchdir -j", "[]\n", "in /nosuchdir: "},
		{"prog show tag 12 -j", "it's 16 hexadecimal digits", ""},
	} {
		got := saidBySkep(t, "", append([]string{"bpftool"}, strings.Fields(c.words)...)...)
		if got.ok || !strings.Contains(got.out, c.out) || !strings.Contains(got.err, c.err) {
			t.Errorf("%s: %+v", c.words, got)
		}
		if strings.HasSuffix(c.words, "-j") && !json.Valid([]byte(got.out)) {
			t.Errorf("%s prints %q", c.words, got.out)
		}
	}
}
