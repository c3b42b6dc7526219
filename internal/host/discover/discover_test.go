package discover

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

const format = `name: sched_switch
ID: 316
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;

print fmt: "%s", REC->prev_comm
`

// captured is a machine on paper.
func captured() *Finder {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	root := fstest.MapFS{
		"sys/kernel/tracing/events/sched/sched_switch/format":        file(format),
		"sys/kernel/tracing/events/sched/sched_wakeup/format":        file(format),
		"sys/kernel/tracing/events/syscalls/sys_enter_openat/format": file(format),
		"sys/kernel/tracing/events/ftrace/function/format":           file(format),
		"sys/kernel/tracing/events/ksm/ksm_exit/format":              file(format),
		"proc/sys/kernel/osrelease":                                  file("6.12.48\n"),
		"lib/modules/6.12.48/modules.dep":                            file("kernel/arch/x86/kvm/kvm.ko.xz: kernel/virt/lib/irqbypass.ko.xz\nkernel/drivers/nvme/host/nvme-core.ko:\n"),
		"sys/kernel/tracing/available_filter_functions":              file("vfs_read\nvfs_write\npage_cache_ra_order\nvfs_read.part.0\nrcu_x\nkvm_exit [kvm]\nnf_hook [nf_tables]\n"),
		"sys/kernel/debug/kprobes/blacklist":                         file("0x1-0x2\tvfs_bad\n"),
		"proc/modules":                                               file("kvm 1 0 - Live 0x0\nnf_tables 1 0 - Live 0x0\n"),
		"proc/kallsyms":                                              file("ffffffff81000000 T vfs_read\nffffffff81000010 t vfs_write\nffffffff81000020 T page_cache_ra_order\nffffffff81000030 D jiffies\nffffffff81000040 T notrace_fn\nffffffff81000050 t blk_account_io_done\nffffffffc0000000 t kvm_exit\t[kvm]\n"),
	}
	return &Finder{Kernel: kern.New(root), Files: exe.NewFiles(root), Root: root}
}

func point(t *testing.T, text string) *probe.Point {
	t.Helper()
	rep := diag.NewReporter(&diag.Sources{})
	var parts []probe.Part
	for p := range strings.SplitSeq(text, ":") {
		parts = append(parts, probe.Part{Text: p})
	}
	pts := probe.Parse(text, parts, diag.Span{}, rep)
	if len(pts) != 1 {
		t.Fatalf("%s: %v", text, rep.All()[0].Msg)
	}
	return pts[0]
}

func texts(points []*probe.Point) string {
	var s []string
	for _, p := range points {
		s = append(s, p.Text)
	}
	return strings.Join(s, " ")
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"t:sched:sched_switch", "tracepoint:sched:sched_switch"},
		{"t:sched:*", "tracepoint:sched:sched_switch tracepoint:sched:sched_wakeup"},
		{"t:*:*e*", "tracepoint:ksm:ksm_exit tracepoint:sched:sched_switch tracepoint:sched:sched_wakeup tracepoint:syscalls:sys_enter_openat"},
		{"k:anything", "kprobe:anything"},
		{"k:vfs_*", "kprobe:vfs_read kprobe:vfs_write"},
		{"k:*:*x*", "kprobe:kvm:kvm_exit"},
		{"k:kvm:kvm_exit", "kprobe:kvm:kvm_exit"},
		{"kr:vmlinux:vfs_*", "kretprobe:vmlinux:vfs_read kretprobe:vmlinux:vfs_write"},
		{"mine=k:vfs_*", "mine mine"},
		{"i:s:1", "interval:s:1"},
	} {
		rep := diag.NewReporter(&diag.Sources{})
		got := captured().Expand([]*probe.Point{point(t, tt.text)}, rep)
		if texts(got) != tt.want || rep.Failed() {
			t.Errorf("%s: %s, want %s (%v)", tt.text, texts(got), tt.want, rep.All())
		}
	}
}

func TestExpandMissing(t *testing.T) {
	for _, tt := range []struct {
		text string
		code diag.Code
		msg  string
		fix  string
	}{
		{"tracepoint:sched:sched_swich", diag.CodeNoTracepoint, "No matches for tracepoint sched:sched_swich", "tracepoint:sched:sched_switch"},
		{"tracepoint:syscall:sys_enter_openat", diag.CodeNoTracepoint, "No matches for tracepoint", "tracepoint:syscalls:sys_enter_openat"},
		{"tracepoint:shed:sched_swich", diag.CodeNoTracepoint, "No matches for tracepoint", "tracepoint:sched:sched_switch"},
		{"tracepoint:nosuch:*", diag.CodeNoMatch, "Probe has no valid attach points: no tracepoint matches nosuch:*", ""},
		{"kprobe:nosuch*", diag.CodeNoMatch, "no kernel function matches", ""},
		{"kprobe:nf_table:f", diag.CodeNoModule, "specified module nf_table in probe kprobe:nf_table:f is not loaded", "kprobe:nf_tables:f"},
		{"rawtracepoint:sched_switch", diag.CodeNoBTF, "has no BTF", ""},
		{"fentry:vfs_read", diag.CodeNoBTF, "has no BTF", ""},
		{"uprobe:/bin/nosuch:f", diag.CodeNoBinary, "uprobe target file '/bin/nosuch' does not exist", ""},
		{"uprobe:/proc/modules:f", diag.CodeNoBinary, "isn't an ELF binary", ""},
	} {
		rep := diag.NewReporter(&diag.Sources{})
		got := captured().Expand([]*probe.Point{point(t, tt.text)}, rep)
		if len(got) != 0 || len(rep.All()) != 1 {
			t.Errorf("%s: %s, %d diagnostics", tt.text, texts(got), len(rep.All()))
			continue
		}
		d := rep.All()[0]
		fix := ""
		if d.Fix != nil {
			fix = d.Fix.Text
		}
		if d.Code != tt.code || !strings.Contains(d.Msg, tt.msg) || fix != tt.fix {
			t.Errorf("%s: %s %q fix %q, want %s %q fix %q", tt.text, d.Code, d.Msg, fix, tt.code, tt.msg, tt.fix)
		}
	}
}

// A tracepoint of a category that isn't there is of a module that isn't loaded, or of a
// misspelt one: another category's is named only when the event isn't plainly of its own.
func TestMissingCategory(t *testing.T) {
	for text, want := range map[string][2]string{
		"tracepoint:nvme:nvme_setup_cmd": {"", "category nvme isn't there: module nvme_core isn't loaded"},
		"tracepoint:ksn:ksn_exit":        {"", "there is no category ksn; one of a module is there once that is loaded"},
		"tracepoint:ksn:ksm_exit":        {"tracepoint:ksm:ksm_exit", ""},
		"tracepoint:kvm:kvm_exit":        {"", "there is no category kvm; one of a module is there once that is loaded"}, // it's loaded
		"tracepoint:sched:ksm_exit":      {"tracepoint:ksm:ksm_exit", ""},
		"tracepoint:none:what":           {"", "there is no category none"},
	} {
		rep := diag.NewReporter(&diag.Sources{})
		captured().Expand([]*probe.Point{point(t, text)}, rep)
		var got [2]string
		d := rep.All()[0]
		if d.Fix != nil {
			got[0] = d.Fix.Text
		}
		for _, n := range d.Notes {
			got[1] += n.Msg
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A wildcard without a match is a mistake only when nothing else is left of the probe.
func TestExpandProbe(t *testing.T) {
	for _, tt := range []struct{ points, want, diagnostics string }{
		{"t:nosuch:* t:sched:sched_switch", "tracepoint:sched:sched_switch", ""},
		{"t:nosuch:* t:none:*", "", "E0424 Probe has no valid attach points: no tracepoint matches nosuch:*"},
		{"t:nosuch:* t:sched:no", "", "E0420 No matches for tracepoint sched:no."},
		{"t:sched:no t:sched:sched_switch", "tracepoint:sched:sched_switch", "E0420 No matches for tracepoint sched:no."},
	} {
		rep := diag.NewReporter(&diag.Sources{})
		var points []*probe.Point
		for text := range strings.FieldsSeq(tt.points) {
			points = append(points, point(t, text))
		}
		got := captured().Expand(points, rep)
		var said []string
		for _, d := range rep.All() {
			said = append(said, string(d.Code)+" "+d.Msg)
		}
		if texts(got) != tt.want || strings.Join(said, "; ") != tt.diagnostics {
			t.Errorf("%s: %q %q, want %q %q", tt.points, texts(got), said, tt.want, tt.diagnostics)
		}
	}
}

func TestWrittenName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, tt := range []struct{ target, path, want string }{
		{"./a/prog", dir + "/a/prog", "./a/prog"},
		{"a/../a/prog", dir + "/a/prog", "a/../a/prog"},
		{"./a/pr*", dir + "/a/prog2", "./a/prog2"},
		{"./*/pr*", dir + "/a/prog2", "./a/prog2"},
		{"/usr/bin/ls", "/usr/bin/ls", "/usr/bin/ls"},
		{"prog", dir + "/prog", "prog"},
		{"prog", "/usr/bin/prog", "/usr/bin/prog"},
		{"pr*", "/usr/bin/prog", "/usr/bin/prog"},
		{"libc", "/usr/lib/libc.so.6", "/usr/lib/libc.so.6"},
	} {
		if got := writtenName(tt.target, tt.path); got != tt.want {
			t.Errorf("%s found as %s: %s, want %s", tt.target, tt.path, got, tt.want)
		}
	}
}

func TestMissingPolicy(t *testing.T) {
	f := captured()
	f.Missing = MissingWarn
	rep := diag.NewReporter(&diag.Sources{})
	f.Expand([]*probe.Point{point(t, "t:sched:no")}, rep)
	if rep.Failed() || len(rep.All()) != 1 || rep.All()[0].Code != diag.WarnNoMatch {
		t.Errorf("warn: %v", rep.All())
	}
	f.Missing = MissingIgnore
	rep = diag.NewReporter(&diag.Sources{})
	f.Expand([]*probe.Point{point(t, "t:sched:no")}, rep)
	if len(rep.All()) != 0 {
		t.Errorf("ignore: %v", rep.All())
	}
	f.MaxProbes = 1
	f.Expand([]*probe.Point{point(t, "k:vfs_*")}, rep)
	if !rep.Failed() || rep.All()[0].Code != diag.CodeManyProbes || !strings.Contains(rep.All()[0].Msg, "limit of 1 probes") {
		t.Errorf("limit: %v", rep.All())
	}
}

func TestExplain(t *testing.T) {
	for text, want := range map[string][3]string{
		"kprobe:__do_page_cache_readahead": {"No matches for kprobe __do_page_cache_readahead", "kprobe:page_cache_ra_order", "gone since 5.10"},
		"kprobe:vfs_reed":                  {"No matches for kprobe vfs_reed", "kprobe:vfs_read", "no function"},
		"kprobe:notrace_fn":                {"can't be traced", "", "available_filter_functions"},
		"kprobe:blk_account_io_done":       {"can't be traced", "", "tracepoint:block:block_io_done"},
		"kprobe:vfs_write":                 {"can't be traced", "", "blacklist"},
	} {
		rep := diag.NewReporter(&diag.Sources{})
		captured().Explain(point(t, text), nil, nil, rep)
		d := rep.All()[0]
		fix, notes := "", ""
		if d.Fix != nil {
			fix = d.Fix.Text
		}
		for _, n := range d.Notes {
			notes += n.Msg + "\n"
		}
		if !strings.Contains(notes, want[2]) || strings.Contains(notes, "gone") && strings.Contains(d.Msg, "traced") {
			t.Errorf("%s: notes %q", text, notes)
		}
		if d.Code != diag.CodeNoKernelFunc || !strings.Contains(d.Msg, want[0]) || fix != want[1] {
			t.Errorf("%s: %s %q fix %q", text, d.Code, d.Msg, fix)
		}
	}
}

// TestExplainAll: one attach fails, and all functions that don't exist are told.
func TestExplainAll(t *testing.T) {
	rep := diag.NewReporter(&diag.Sources{})
	points := []*probe.Point{point(t, "kprobe:new_sync_read"), point(t, "kretprobe:vfs_read"), point(t, "kretprobe:vfs_reed")}
	for i, p := range points {
		p.Span = diag.Span{Start: diag.Pos(10*i + 1), End: diag.Pos(10*i + 2)}
	}
	captured().Explain(points[2], nil, points, rep)
	msgs := ""
	for _, d := range rep.All() {
		msgs += d.Msg + "\n"
	}
	if want := "No matches for kprobe new_sync_read.\nNo matches for kretprobe vfs_reed.\n"; msgs != want {
		t.Errorf("%q, want %q", msgs, want)
	}
}

func list(f *Finder, pattern string, verbose bool) (out string, err error) {
	for s, e := range f.List(pattern, verbose) {
		if e != nil {
			err = e
			continue
		}
		out += s + "\n"
	}
	return out, err
}

func TestList(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		verbose bool
		want    string
	}{
		{"tracepoint:sched:*", false, "tracepoint:sched:sched_switch\ntracepoint:sched:sched_wakeup\n"},
		{"t:sched:sched_switch", true, "tracepoint:sched:sched_switch\n    char prev_comm[16]\n    pid_t prev_pid\n"},
		{"kprobe:vfs*", false, "kprobe:vfs_read\nkprobe:vfs_write\n"},
		{"kprobe:kvm:*", false, "kprobe:kvm:kvm_exit\n"},
		{"software:c*", false, "software:context-switches:\nsoftware:cpu-clock:\nsoftware:cpu-migrations:\nsoftware:cpu:\nsoftware:cs:\n"},
		{"profile:*", false, "profile:hz:\nprofile:ms:\nprofile:s:\nprofile:us:\n"},
		{"self:*", false, "self:signal:SIGUSR1\n"},
		{"tracepoint:sched:*up,hardware:ref*", false, "tracepoint:sched:sched_wakeup\nhardware:ref-cycles:\n"},
		{"nosuchkind:*", false, ""},
	} {
		got, err := list(captured(), tt.pattern, tt.verbose)
		if got != tt.want || err != nil {
			t.Errorf("%s: %q, want %q (%v)", tt.pattern, got, tt.want, err)
		}
	}
	got, err := list(captured(), "*_switch", false)
	if got != "tracepoint:sched:sched_switch\n" || err == nil {
		t.Errorf("kinds without facts: %q, %v", got, err)
	}
}

// live is this machine.
func live(t *testing.T) *Finder {
	t.Helper()
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Skipf("skip(no BTF): %v", err)
	}
	root := os.DirFS("/")
	f := &Finder{Kernel: kern.New(root), Files: exe.NewFiles(root), Root: root, SearchPath: os.Getenv("PATH")}
	t.Cleanup(func() { f.Kernel.Close(); f.Files.Close() })
	return f
}

func TestLiveUprobe(t *testing.T) {
	f := live(t)
	rep := diag.NewReporter(&diag.Sources{})
	got := f.Expand([]*probe.Point{point(t, "uprobe:libc:malloc")}, rep)
	if len(got) != 1 {
		t.Skipf("skip(no libc): %v", rep.All())
	}
	if p := got[0]; !strings.Contains(p.Path, "libc.so") || p.FileOff == 0 || p.Text != "uprobe:"+p.Path+":malloc" {
		t.Errorf("malloc: %+v", p)
	}
	got = f.Expand([]*probe.Point{point(t, "uprobe:libc:mallo*")}, rep)
	if !strings.Contains(texts(got), ":malloc") || strings.Contains(texts(got), "*") {
		t.Errorf("mallo*: %s", texts(got))
	}
	rep = diag.NewReporter(&diag.Sources{})
	f.Expand([]*probe.Point{point(t, "uprobe:libc:mallocc")}, rep)
	if d := rep.All()[0]; d.Code != diag.CodeNoUserSymbol || d.Fix == nil || !strings.HasSuffix(d.Fix.Text, ":malloc") {
		t.Errorf("mallocc: %+v", d)
	}
	rep = diag.NewReporter(&diag.Sources{})
	f.Expand([]*probe.Point{point(t, "uprobe:libc:malloc+100000")}, rep)
	if !rep.Failed() || rep.All()[0].Code != diag.CodeUserPlace {
		t.Errorf("offset behind the end: %v", rep.All())
	}
}

// A breakpoint within an instruction would corrupt the program.
func TestLiveUprobeBoundary(t *testing.T) {
	f := live(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	place := "uprobe:" + self + ":testing.tRunner"
	for _, off := range []string{"+1", "+2", "+3"} {
		rep := diag.NewReporter(&diag.Sources{})
		got := f.Expand([]*probe.Point{point(t, place+off)}, rep)
		if len(got) == 0 && (rep.All()[0].Code != diag.CodeUserPlace || !strings.HasPrefix(rep.All()[0].Fix.Text, place)) {
			t.Errorf("%s: %+v", off, rep.All()[0])
		}
		if len(got) == 0 {
			f.Unsafe = true
			if len(f.Expand([]*probe.Point{point(t, place+off)}, rep)) != 1 {
				t.Errorf("%s: not even with --unsafe", off)
			}
			return
		}
	}
	t.Error("three instructions of one byte in a row")
}

func TestLiveRawTracepoint(t *testing.T) {
	f := live(t)
	got, err := list(f, "rawtracepoint:sched_switch", true)
	if err != nil || !strings.HasPrefix(got, "rawtracepoint:vmlinux:sched_switch\n    bool preempt\n    struct task_struct * prev\n") {
		t.Errorf("%q %v", got, err)
	}
	rep := diag.NewReporter(&diag.Sources{})
	pts := f.Expand([]*probe.Point{point(t, "rt:sched_switch"), point(t, "rt:sched_swich")}, rep)
	if texts(pts) != "rawtracepoint:vmlinux:sched_switch" || len(rep.All()) != 1 || rep.Failed() || rep.All()[0].Fix.Text != "rawtracepoint:sched_switch" {
		t.Errorf("%s %v", texts(pts), rep.All())
	}
}

func TestFollowRenamed(t *testing.T) {
	for text, want := range map[string]string{
		"kprobe:__do_page_cache_readahead":                            "kprobe:page_cache_ra_order",
		"kprobe:__do_page_cache_readahead,kprobe:vfs_read":            "kprobe:page_cache_ra_order kprobe:vfs_read",
		"kprobe:__do_page_cache_readahead,kprobe:page_cache_ra_order": "kprobe:page_cache_ra_order",
		"kprobe:__do_page_cache_readahead,kprobe:do_page_cache_ra":    "kprobe:page_cache_ra_order",
		"kretprobe:do_page_cache_ra":                                  "kretprobe:page_cache_ra_order",
		"kprobe:vfs_read":                                             "kprobe:vfs_read",
		"kprobe:vfs_reed":                                             "kprobe:vfs_reed",
	} {
		f := captured()
		f.FollowRenamed = true
		var points []*probe.Point
		for p := range strings.SplitSeq(text, ",") {
			points = append(points, point(t, p))
		}
		rep := diag.NewReporter(&diag.Sources{})
		if got := texts(f.Expand(points, rep)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		warned := len(rep.All()) > 0
		if followed := text != want; warned != followed {
			t.Errorf("%s: %d warnings", text, len(rep.All()))
		}
		for _, d := range rep.All() {
			if d.Code != diag.WarnRenamed || !strings.Contains(d.Msg, "following it to page_cache_ra_order") {
				t.Errorf("%s: %s %s", text, d.Code, d.Msg)
			}
		}
	}
}

// unreadable is a tree of which some files are there for root alone.
type unreadableFS struct {
	fs.FS
	prefix string
}

func (u unreadableFS) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, u.prefix) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return u.FS.Open(name)
}

func (u unreadableFS) Stat(name string) (fs.FileInfo, error) {
	f, err := u.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// TestCheckOnly: a check looks kernel functions up, and notes what it can't read.
func TestCheckOnly(t *testing.T) {
	tests := []struct {
		point, want string // the points found, or what is said
		severity    diag.Severity
	}{
		{"kprobe:vfs_read", "kprobe:vfs_read", 0},
		{"kprobe:vfs_raed", "No matches for kprobe vfs_raed.", diag.Error},
		{"kprobe:kvm:vfs_raed", "No matches for kprobe kvm:vfs_raed.", diag.Error},
		{"kprobe:nosuch:vfs_read", "specified module nosuch in probe kprobe:nosuch:vfs_read is not loaded", diag.Error},
		{"tracepoint:sched:sched_switch", "tracepoint:sched:sched_switch wasn't checked: this user can't read tracefs", diag.Note},
		{"tracepoint:sched:*", "tracepoint:sched:* wasn't checked: this user can't read tracefs", diag.Note},
		{"fentry:bpf:prog", "fentry:bpf:prog wasn't checked: the running BPF programs are listed by bpf(2)", diag.Note},
	}
	for _, tt := range tests {
		f := captured()
		f.CheckOnly = true
		f.Root = unreadableFS{f.Root, "sys/kernel/tracing"}
		f.Kernel = kern.New(f.Root)
		rep := diag.NewReporter(&diag.Sources{})
		found := f.Expand([]*probe.Point{point(t, tt.point)}, rep)
		all := rep.All()
		if len(all) == 0 {
			if texts(found) != tt.want {
				t.Errorf("%s: found %s", tt.point, texts(found))
			}
			continue
		}
		if all[0].Msg != tt.want || all[0].Severity != tt.severity {
			t.Errorf("%s: %s %s", tt.point, all[0].Severity, all[0].Msg)
		}
		if blind := len(found) == 1 && found[0].Blind; blind != (tt.severity == diag.Note) {
			t.Errorf("%s: found %+v", tt.point, found)
		}
	}
}
