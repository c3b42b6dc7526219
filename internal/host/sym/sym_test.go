package sym

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

const kallsyms = `ffffffff81000000 T _text
ffffffff81000000 T _stext
ffffffff81000100 T vfs_read
ffffffff81000180 t vfs_read.cold
ffffffff81000200 D jiffies
ffffffff81000300 W __weak_one
ffffffffc0000000 t mod_init	[nf_tables]
ffffffffc0100000 t bpf_prog_6deef7357e7b4530_count	[bpf]
ffffffffa0000000 t late_trampoline	[kvm]
0000000000000000 T hidden
`

func kernelFS() fstest.MapFS {
	return fstest.MapFS{"proc/kallsyms": {Data: []byte(kallsyms)}}
}

func TestKernel(t *testing.T) {
	s := New(Config{Root: kernelFS()})
	tests := []struct {
		addr  uint64
		frame string
		sym   Symbol
	}{
		{0xffffffff81000100, "vfs_read+0", Symbol{"vfs_read", 0, ""}},
		{0xffffffff8100017f, "vfs_read+127", Symbol{"vfs_read", 127, ""}},
		{0xffffffff81000190, "vfs_read.cold+16", Symbol{"vfs_read.cold", 16, ""}},
		{0xffffffff81000280, "vfs_read.cold+256", Symbol{"vfs_read.cold", 256, ""}},
		{0xffffffff81000301, "__weak_one+1", Symbol{"__weak_one", 1, ""}},
		{0xffffffffa0000008, "late_trampoline+8", Symbol{"late_trampoline", 8, "kvm"}},
		{0xffffffffc0000001, "mod_init+1", Symbol{"mod_init", 1, "nf_tables"}},
		{0xffffffffc0100010, "bpf_prog_6deef7357e7b4530_count+16", Symbol{"bpf_prog_6deef7357e7b4530_count", 16, "bpf"}},
	}
	for _, tt := range tests {
		if got, ok := s.Kernel(tt.addr); !ok || got != tt.sym {
			t.Errorf("Kernel(%#x) = %+v, %v", tt.addr, got, ok)
		}
		if got := s.KernelFrame(tt.addr, object.StackBpftrace); !reflect.DeepEqual(got, []string{tt.frame}) {
			t.Errorf("KernelFrame(%#x) = %q", tt.addr, got)
		}
	}
	for addr, want := range map[uint64]string{0: "0", 0x1234: "0x1234"} {
		if got := s.Ksym(addr); got != want {
			t.Errorf("Ksym(%#x) = %q, want %q", addr, got, want)
		}
	}
}

// Lines are read in pieces; none may be lost or cut at their ends.
func TestKallsymsPieces(t *testing.T) {
	var text strings.Builder
	const n = 30000
	for range n {
		text.WriteString("ffffffff81000000 t a_function_with_a_rather_long_name\n")
	}
	table := readKallsyms(strings.NewReader(text.String()))
	if len(table.syms) != n {
		t.Errorf("%d symbols, want %d", len(table.syms), n)
	}
}

const maps = `55d0c8a00000-55d0c8a02000 r--p 00000000 fe:00 1234 /usr/bin/app
55d0c8a02000-55d0c8a08000 r-xp 00002000 fe:00 1234 /usr/bin/app
7f0000000000-7f0000010000 rwxp 00000000 00:00 0
7f1000000000-7f1000001000 r-xp 00000000 fe:00 99                         /tmp/with space.so (deleted)
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
`

func TestParseMaps(t *testing.T) {
	want := []mapping{
		{0x55d0c8a02000, 0x55d0c8a08000, 0x2000, "/usr/bin/app", "fe:00", 1234, false},
		{0x7f0000000000, 0x7f0000010000, 0, "", "00:00", 0, false},
		{0x7f1000000000, 0x7f1000001000, 0, "/tmp/with space.so", "fe:00", 99, true},
		{0x7ffd00000000, 0x7ffd00002000, 0, "[vdso]", "00:00", 0, false},
	}
	if got := parseMaps([]byte(maps)); !reflect.DeepEqual(got, want) {
		t.Errorf("parseMaps = %+v", got)
	}
}

func TestPerfMap(t *testing.T) {
	root := fstest.MapFS{
		"proc/7/maps":                     {Data: []byte(maps)},
		"proc/7/status":                   {Data: []byte("Name:\tjava\nNSpid:\t7\t2\nNStgid:\t7\t2\n")},
		"proc/7/root/tmp/perf-2.map":      {Data: []byte("7f0000000100 40 Lcom/example/Main;::run\n7f0000000200 10 other thing\n")},
		"proc/8/maps":                     {Data: []byte("")},
		"proc/8/root/tmp/perf-8.map.back": {Data: []byte("")},
	}
	s := New(Config{Root: root})
	for addr, want := range map[uint64]string{
		0x7f0000000110: "Lcom/example/Main;::run+16 (/tmp/perf-2.map)",
		0x7f0000000200: "other thing+0 (/tmp/perf-2.map)",
		0x7f0000000300: "0x7f0000000300 ([unknown])",
		0x10:           "0x10 ([unknown])",
	} {
		if got := s.UserFrame(7, addr, false, object.StackPerf)[0]; got != want {
			t.Errorf("UserFrame(%#x) = %q, want %q", addr, got, want)
		}
	}
	delete(root, "proc/7/maps")
	if got := s.Usym(7, 0x7f0000000100); got != "Lcom/example/Main;::run" {
		t.Errorf("after the process's end: %q", got)
	}
	if got := s.Usym(8, 0x7f0000000100); got != "0x7f0000000100" {
		t.Errorf("process without memory: %q", got)
	}
}

func TestFindAmongAliases(t *testing.T) {
	var tab table
	tab.add(0x100, 0x40, "__libc_malloc")
	tab.add(0x100, 0x40, "malloc")
	tab.add(0x0, 0x1000, "everything")
	tab.add(0x200, 0, "label")
	tab.sort()
	plain := func(s string) string { return s }
	for addr, want := range map[uint64]string{0x100: "malloc", 0x13f: "malloc", 0x140: "everything", 0x200: "label", 0x201: "everything"} {
		if got, ok := tab.find(addr, "", plain); !ok || got.Name != want {
			t.Errorf("find(%#x) = %+v", addr, got)
		}
	}
	if got, ok := tab.find(0x1000, "lib", plain); ok || got.Module != "lib" {
		t.Errorf("beyond the end: %+v", got)
	}
}

func TestDemangle(t *testing.T) {
	s := New(Config{Root: kernelFS(), Demangle: true})
	for name, want := range map[string]string{
		"_ZN3foo3barEi": "foo::bar(int)",
		"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE": "core::fmt::Write::write_fmt",
		"main":   "main",
		"_start": "_start",
	} {
		if got := s.demangle(name); got != want {
			t.Errorf("demangle(%q) = %q, want %q", name, got, want)
		}
	}
	if got := New(Config{Root: kernelFS()}).demangle("_ZN3foo3barEi"); got != "_ZN3foo3barEi" {
		t.Errorf("without demangling: %q", got)
	}
}

// A library's function is found at the address at which a process has it, also when the
// process has ended, if it was seen before.
func TestLiveProcess(t *testing.T) {
	cat := exec.Command("cat")
	in, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Skipf("no cat: %v", err)
	}
	defer func() { in.Close(); cat.Wait() }()
	pid := uint32(cat.Process.Pid)
	lib, err := awaitLibc(pid)
	if err != nil {
		t.Skip(err)
	}
	s := New(Config{})
	defer s.Close()
	s.Preload(pid)
	f, err := s.files.Open(lib.path)
	if err != nil {
		t.Fatal(err)
	}
	malloc, ok := f.Symbol("malloc")
	if !ok {
		t.Fatalf("%s has no malloc", lib.path)
	}
	off, _ := f.Offset(malloc.Addr)
	in.Close()
	cat.Wait()
	addr := lib.start - lib.off + off
	want := Symbol{"malloc", 2, lib.path}
	if got, ok := s.User(pid, addr+2); !ok || got != want {
		t.Errorf("User = %+v, %v, want %+v", got, ok, want)
	}
	for _, m := range s.procs[pid].maps {
		if m.path == vdsoName && len(s.tableOf(pid, &m).syms) == 0 {
			t.Error("the vdso has no symbols")
		}
	}
}

// awaitLibc waits until the process has loaded its C library.
func awaitLibc(pid uint32) (mapping, error) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil {
			return mapping{}, err
		}
		for _, m := range parseMaps(data) {
			if strings.Contains(m.path, "libc.so") {
				return m, nil
			}
		}
	}
	return mapping{}, errors.New("cat uses no shared C library")
}

// What a short process mapped is known after its end when it was followed.
func TestFollow(t *testing.T) {
	testkit.Need(t, testkit.Root())
	sh := exec.Command("sh", "-c", "read line; exec cat /dev/null")
	in, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Start(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	s := New(Config{})
	defer s.Close()
	pid := uint32(sh.Process.Pid)
	if err := s.Follow(pid); err != nil {
		t.Fatal(err)
	}
	in.Write([]byte("go\n"))
	in.Close()
	sh.Wait()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	if cat, err = filepath.EvalSymlinks(cat); err != nil {
		t.Fatal(err)
	}
	s.Collect()
	for _, m := range s.procs[pid].maps {
		if path, err := filepath.EvalSymlinks(m.path); err == nil && path == cat && m.ino != 0 && m.end > m.start {
			return
		}
	}
	t.Errorf("%s isn't among %+v", cat, s.procs[pid].maps)
}

func TestCgroupPath(t *testing.T) {
	s := New(Config{})
	for _, r := range s.cgroupRoots() {
		if r.v2 {
			if got := s.CgroupPath(1, "unified"); !strings.HasPrefix(got, "unified:/") {
				t.Errorf("root of %s: %q", r.dir, got)
			}
		}
	}
	if got := s.CgroupPath(1<<60, "*"); got != "" {
		t.Errorf("unknown id: %q", got)
	}
}

func BenchmarkKallsyms(b *testing.B) {
	for b.Loop() {
		f, err := os.Open("/proc/kallsyms")
		if err != nil {
			b.Skip(err)
		}
		readKallsyms(f)
		f.Close()
	}
}

// What a cgroup is in is told by its path, also when it's gone.
func TestCgroupOwners(t *testing.T) {
	top := t.TempDir()
	id := strings.Repeat("0123456789abcdef", 4)
	pod := "kubepods.slice/kubepods-pod11112222_3333_4444_5555_666677778888.slice"
	ids := map[string]uint64{}
	for _, dir := range []string{"x.service", "docker-" + id + ".scope", pod + "/crio-" + id + ".scope"} {
		path := filepath.Join(top, "cg", dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ids[dir] = sys.Inode(info)
	}
	for path, text := range map[string]string{
		"proc/mounts": "cgroup2 /cg cgroup2 rw 0 0\n",
		"var/lib/docker/containers/" + id + "/config.v2.json":                      `{"Name":"/web"}`,
		"var/log/pods/shop_cart-0_11112222-3333-4444-5555-666677778888/cart/0.log": "",
	} {
		path = filepath.Join(top, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	s := New(Config{Root: os.DirFS(top)})
	defer s.Close()
	uid := "11112222-3333-4444-5555-666677778888"
	check := func() {
		t.Helper()
		for _, c := range []struct {
			dir  string
			form object.CgroupForm
			want string
		}{
			{"x.service", object.CgroupOwn, "/x.service"},
			{"x.service", object.CgroupContainer, ""},
			{"x.service", object.CgroupPod, ""},
			{"docker-" + id + ".scope", object.CgroupContainer, "0123456789ab"},
			{"docker-" + id + ".scope", object.CgroupContainerID, id},
			{"docker-" + id + ".scope", object.CgroupContainerName, "web"},
			{pod + "/crio-" + id + ".scope", object.CgroupPod, "shop/cart-0"},
			{pod + "/crio-" + id + ".scope", object.CgroupPodUID, uid},
		} {
			if got := s.Cgroup(ids[c.dir], c.form); got != c.want {
				t.Errorf("%s in form %d: %q, want %q", c.dir, c.form, got, c.want)
			}
		}
	}
	check()
	if err := os.RemoveAll(filepath.Join(top, "cg")); err != nil {
		t.Fatal(err)
	}
	check()
	if got := s.Cgroup(1<<60, object.CgroupContainer); got != "cgroup:1152921504606846976" {
		t.Errorf("unknown: %q", got)
	}
}
