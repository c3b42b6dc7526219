package elfload

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/inspect"
)

// objects is where sources and objects are; the end-to-end tests load them.
const objects = "../e2e/testdata/bpf/"

func TestSections(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		prog         string
		attach       ebpf.AttachType
		flags        uint32
	}{
		{"xdp", "", "xdp", ebpf.AttachXDP, 0},
		{"xdp.frags/cpumap", "", "xdp", ebpf.AttachXDPCPUMap, flagFragments},
		{"kprobe/vfs_read", "vfs_read", "kprobe", 0, 0},
		{"tp_btf.s/sched_switch", "sched_switch", "tracing", ebpf.AttachTraceRawTp, flagSleepable},
		{"tracepoint.s/a/b", "a/b", "tracepoint", 0, flagSleepable},
		{"uprobe//bin/sh:main", "/bin/sh:main", "kprobe", 0, 0},
		{"fentry", "", "tracing", ebpf.AttachTraceFEntry, 0},
		{"cgroup/connect_unix", "", "cgroup_sock_addr", ebpf.AttachCgroupUnixConnect, 0},
		{"syscall", "", "syscall", 0, flagSleepable},
		{"struct_ops.s/init", "init", "struct_ops", 0, flagSleepable},
	} {
		s, target, ok := sectionOf(tt.name)
		prog, _ := inspect.TypeName(inspect.ProgTypes, uint32(s.prog))
		if !ok || target != tt.target || prog != tt.prog || s.attach != tt.attach || s.flags != tt.flags {
			t.Errorf("%s: %+v, %q, %v", tt.name, s, target, ok)
		}
	}
	for _, name := range []string{"", "xdp/other", "xdp_pass", "kprobes/x", ".text", "cgroup"} {
		if s, _, ok := sectionOf(name); ok {
			t.Errorf("%q is taken for %s", name, s.name)
		}
	}
}

func TestFunctionOffset(t *testing.T) {
	for in, want := range map[string]struct {
		name   string
		offset uint64
	}{"f": {"f", 0}, "f+0x10": {"f", 16}, "f+8": {"f", 8}, "a+b": {"a+b", 0}, "operator+": {"operator+", 0}} {
		if name, offset := functionOffset(in); name != want.name || offset != want.offset {
			t.Errorf("%s: %s, %d", in, name, offset)
		}
	}
}

// Names of maps of data are libbpf's.
func TestMapName(t *testing.T) {
	for _, tt := range [][3]string{
		{"xdp", ".rodata", "xdp.rodata"}, {"my_object_name", ".rodata", "my_objec.rodata"},
		{"my_object_name", ".bss", "my_objec.bss"}, {"my_object_name", ".kconfig", "my_obje.kconfig"},
		{"x", ".rodata.str1.1", ".rodata.str1.1"}, {"x", ".data.of_this_long_name", ".data.of_this_l"},
		{"a-b c", ".data", "a_b_c.data"}, {"x", "counts", "counts"},
	} {
		if got := (&file{name: tt[0]}).mapName(tt[1]); got != tt[2] {
			t.Errorf("%s %s: %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestPutConfig(t *testing.T) {
	boolean, char := &btf.Int{Name: "bool", Size: 1, Encoding: btf.Bool}, &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	number, short := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, &btf.Int{Name: "unsigned short", Size: 2}
	tristate, text := &btf.Enum{Name: "libbpf_tristate", Size: 4}, &btf.Array{Type: char, Nelems: 4}
	for _, tt := range []struct {
		t     btf.Type
		size  int
		value string
		want  string // bytes, "" for an error
	}{
		{boolean, 1, "y", "\x01"}, {boolean, 1, "n", "\x00"}, {boolean, 1, "m", ""}, {boolean, 1, "2", ""},
		{tristate, 4, "m", "\x02\x00\x00\x00"}, {tristate, 4, "y", "\x01\x00\x00\x00"}, {tristate, 4, "7", ""},
		{char, 1, "m", "m"}, {number, 4, "250", "\xfa\x00\x00\x00"}, {number, 4, "-1", "\xff\xff\xff\xff"},
		{number, 4, "0x80000000", ""}, {number, 4, "y", ""}, {number, 4, "many", ""}, {short, 2, "65535", "\xff\xff"}, {short, 2, "65536", ""},
		{text, 4, "cubic", "cub\x00"}, {text, 4, "y", "y\x00\x00\x00"}, {number, 4, "", "\x00\x00\x00\x00"},
	} {
		to := make([]byte, tt.size)
		err := putConfig(to, tt.t, tt.value)
		if tt.want == "" != (err != nil) || err == nil && string(to) != tt.want {
			t.Errorf("%v = %s: %q, %v", tt.t, tt.value, to, err)
		}
	}
}

// The order of programs and maps is that of libbpf.
func TestOrder(t *testing.T) {
	f, err := readFile(objects + "xdp.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"drop", "pass"}; !slices.Equal(f.progs, want) {
		t.Errorf("programs %v, want %v", f.progs, want)
	}
	if want := []string{"jumps", "first", "outer", "counts", ".rodata", ".data", ".bss"}; !slices.Equal(f.maps, want) {
		t.Errorf("maps %v, want %v", f.maps, want)
	}
}

func TestStructs(t *testing.T) {
	f, err := readFile(objects + "plaincongestion.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range f.structs {
		var progs []string
		for _, p := range d.progs {
			progs = append(progs, p)
		}
		slices.Sort(progs)
		got = append(got, strings.Join(append([]string{d.name, map[bool]string{true: "optional", false: "made"}[d.optional],
			map[bool]string{true: "linked", false: "plain"}[d.link]}, progs...), " "))
	}
	want := []string{"skep_plain made plain cong_avoid ssthresh undo_cwnd", "skep_optional optional linked ssthresh"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Damaged files are errors, or what they still are; nothing panics or takes long.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "damaged.o")
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"xdp", "core", "config", "congestion", "percpu"} {
		good, err := os.ReadFile(objects + name + ".bpf.o")
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for i := range 300 {
			data := bytes.Clone(good)
			if i%3 == 0 {
				data = data[:rnd.IntN(len(data))]
			} else {
				for range 1 + rnd.IntN(4) {
					data[rnd.IntN(len(data))] = byte(rnd.Uint32())
				}
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readFile(path); err != nil {
				refused++
			}
		}
		if refused < 100 {
			t.Errorf("%s: of 300 damaged files only %d are refused", name, refused)
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good, err := os.ReadFile(objects + "xdp.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(good)
	other[18] = 62 // e_machine: x86-64
	for path, want := range map[string]string{
		file("text", []byte("no object\n")):   "isn't an ELF file",
		file("empty", nil):                    "isn't an ELF file",
		file("short.o", good[:32]):            "headers are damaged",
		file("other.o", other):                "an ELF file for X86_64, not for BPF",
		filepath.Join(dir, "there is none.o"): "no such file",
	} {
		if _, err := readFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
	if _, err := readFile(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that isn't there: %v", err)
	}
}
