package probe

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

// parse parses one attach point as the scanner would cut it.
func parse(ps *Parser, text string) ([]*Point, []*diag.Diagnostic) {
	src := &diag.Sources{}
	f := src.Add("test", text)
	rep := diag.NewReporter(src)
	var parts []Part
	var part strings.Builder
	from, quoted, inside := 0, false, false
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i] == ':' && !inside {
			parts = append(parts, Part{part.String(), quoted, diag.Span{Start: f.Pos(from), End: f.Pos(i)}})
			part.Reset()
			from, quoted = i+1, false
			continue
		}
		if text[i] == '"' {
			inside, quoted = !inside, true
			continue
		}
		part.WriteByte(text[i])
	}
	return ps.Parse(text, parts, diag.Span{Start: f.Pos(0), End: f.Pos(len(text))}, rep), rep.All()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"BEGIN", "begin"},
		{"END", "end"},
		{"self:signal:SIGUSR1", "self:signal:SIGUSR1"},
		{"test:a", "test:a"},
		{"bench:b", "bench:b"},
		{"i:s:1", "interval:s:1"},
		{"interval:1s", "interval:us:1000000"},
		{"interval:1000000000", "interval:us:1000000"},
		{"profile:hz:99", "profile:hz:99"},
		{"p:10ms", "profile:us:10000"},
		{"t:sched:sched_switch", "tracepoint:sched:sched_switch"},
		{"tracepoint:sched:sched_*", "tracepoint:sched:sched_*"},
		{"tracepoint:*exec*", "tracepoint:*:*exec*"},
		{"rt:sched_switch", "rawtracepoint:*:sched_switch"},
		{"rawtracepoint:vmlinux:sched_switch", "rawtracepoint:vmlinux:sched_switch"},
		{"s:faults:100", "software:faults:100"},
		{"software:page-faults:", "software:page-faults"},
		{"h:cache-misses:1e6", "hardware:cache-misses:1000000"},
		{"k:vfs_read", "kprobe:vfs_read"},
		{"kprobe:vfs_read+0x10", "kprobe:vfs_read+16"},
		{"kprobe:kvm:x86_emulate_insn", "kprobe:kvm:x86_emulate_insn"},
		{"kr:vfs_*", "kretprobe:vfs_*"},
		{"kfunc:vfs_read", "fentry:vfs_read"},
		{"kretfunc:vfs_read", "fexit:vfs_read"},
		{"fentry:tcp_*", "fentry:*:tcp_*"},
		{"fentry:bpf:prog", "fentry:bpf:prog"},
		{"fexit:bpf:12:prog", "fexit:bpf:12:prog"},
		{"fexit:bpf:*:prog", "fexit:bpf:prog"},
		{"u:/bin/bash:readline", "uprobe:/bin/bash:readline"},
		{"uprobe:/bin/bash:readline+4", "uprobe:/bin/bash:readline+4"},
		{"uprobe:/bin/bash:0x1000", "uprobe:/bin/bash:4096"},
		{`uprobe:/bin/x:cpp:"ns::f(int)"`, "uprobe:/bin/x:cpp:ns::f(int)"},
		{`uprobe:"/bin/a b":f`, "uprobe:/bin/a b:f"},
		{"uprobe:/bin/x@main.c:12:3", "uprobe:/bin/x"},
		{"ur:libc:malloc", "uretprobe:libc:malloc"},
		{"U:/bin/x:prov:ev", "usdt:/bin/x:prov:ev"},
		{"usdt:/bin/x:ev", "usdt:/bin/x:ev"},
		{"w:0x10:8:wr", "watchpoint:16:8:rw"},
		{"it:task", "iter:task"},
		{"iter:task:/sys/fs/bpf/x", "iter:task"},
		{"mine=kprobe:vfs_read", "mine"},
	} {
		pts, diags := parse(new(Parser), tt.text)
		if len(pts) != 1 || len(diags) != 0 {
			t.Errorf("%s: %d points, %v", tt.text, len(pts), diags)
			continue
		}
		if pts[0].Text != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, pts[0].Text, tt.want)
		}
	}
}

func TestParseMistakes(t *testing.T) {
	for _, tt := range []struct {
		text string
		code diag.Code
		want string
	}{
		{"kprob:f", diag.CodePointKind, `unknown probe kind "kprob"`},
		{"zzz*:f", diag.CodePointKind, "no probe kind matches"},
		{"kprobe", diag.CodeProbeParts, "kprobe doesn't have this form"},
		{"tracepoint:sched_switch", diag.CodeProbeParts, "tracepoint doesn't have this form"},
		{"begin:x", diag.CodeProbeParts, "begin"},
		{"interval:s:soon", diag.CodeProbeNumber, `rate "soon": not a number`},
		{"interval:s:", diag.CodeProbeNumber, "the rate is missing"},
		{"interval::1", diag.CodeProbeEvent, "the unit is missing"},
		{"self:signal:", diag.CodeProbeEvent, "the signal is missing"},
		{"self::SIGUSR1", diag.CodeProbeEvent, "the trigger is missing"},
		{"watchpoint::1:w", diag.CodeProbeNumber, "the address is missing"},
		{"interval:s:0", diag.CodeProbeNumber, "rate above 0"},
		{"interval:10", diag.CodeProbeNumber, "too short"},
		{"interval:s", diag.CodeProbeParts, "interval"},
		{"profile:khz:9", diag.CodeProbeEvent, `unknown unit "khz"`},
		{"profile:hz:99999999999999999999", diag.CodeProbeNumber, "doesn't fit 64 bits"},
		{"kprobe:", diag.CodeProbeTarget, "needs a function"},
		{"tracepoint:sched:", diag.CodeProbeTarget, "needs a category"},
		{"software:page-fault:1", diag.CodeProbeEvent, `unknown software event "page-fault"`},
		{"software:page*:1", diag.CodeProbeWild, "no wildcards"},
		{"hardware:cycles:0", diag.CodeProbeNumber, "above 0"},
		{"kretprobe:f+1", diag.CodeProbeOffset, "no offset"},
		{"kprobe:f+1+2", diag.CodeProbeOffset, "function+number"},
		{"kprobe:0xffffffff81000000", diag.CodeProbeUnsafe, "--unsafe"},
		{"uprobe:/bin/x@main.c", diag.CodeProbeSource, "binary@file:line"},
		{"uretprobe:/bin/x@main.c:3", diag.CodeProbeSource, "no source line"},
		{"uprobe:/bin/*:0x10", diag.CodeProbeWild, "one binary"},
		{"uprobe:/bin/x:rust:f", diag.CodeProbeLang, `unknown language "rust"`},
		{"watchpoint:0:8:w", diag.CodeProbeWatch, "can't be 0"},
		{"watchpoint:1:3:w", diag.CodeProbeWatch, "1, 2, 4 or 8"},
		{"watchpoint:1:8:ww", diag.CodeProbeWatch, "twice"},
		{"watchpoint:1:8:z", diag.CodeProbeWatch, "made of r, w and x"},
		{"iter:ta*", diag.CodeProbeWild, "no wildcards"},
		{"self:signal:SIGKILL", diag.CodeProbeEvent, "can't be probed"},
		{"fentry:bpf", diag.CodeProbeTarget, "name of a BPF program"},
		{"fentry:a:b:c", diag.CodeProbeParts, "fentry"},
		{"usdt::ev", diag.CodeProbeTarget, "binary or -p"},
	} {
		pts, diags := parse(new(Parser), tt.text)
		if len(pts) != 0 || len(diags) != 1 {
			t.Errorf("%s: %d points, %d diagnostics", tt.text, len(pts), len(diags))
			continue
		}
		if d := diags[0]; d.Code != tt.code || !strings.Contains(d.Msg, tt.want) {
			t.Errorf("%s: %s %s, want %s %s", tt.text, d.Code, d.Msg, tt.code, tt.want)
		}
	}
}

func TestSuggestions(t *testing.T) {
	for text, want := range map[string]string{
		"kprob:f": "kprobe", "tracpoint:a:b": "tracepoint", "software:page-fault:1": "page-faults",
		"hardware:cycle:1": "cycles", "kprobetcp_s*": "kprobe:tcp_s*", "tracepointsched_switch": "tracepoint:sched_switch",
	} {
		_, diags := parse(new(Parser), text)
		if len(diags) != 1 || diags[0].Fix == nil || diags[0].Fix.Text != want {
			t.Errorf("%s: %+v, want fix %s", text, diags, want)
		}
	}
}

// TestMacroWithoutItsWord: what looks like a macro's head isn't answered with a list of kinds.
func TestMacroWithoutItsWord(t *testing.T) {
	_, diags := parse(new(Parser), "scaled(ns)")
	if len(diags) != 1 || len(diags[0].Notes) != 1 || !strings.Contains(diags[0].Notes[0].Msg, "`macro scaled(ns) { … }`") {
		t.Errorf("%+v", diags)
	}
}

func TestParseWithPid(t *testing.T) {
	ps := &Parser{Pid: 42}
	pts, diags := parse(ps, "uprobe:main")
	if len(diags) != 0 || pts[0].Func != "main" || pts[0].Target != "" {
		t.Errorf("%+v %v", pts, diags)
	}
	if _, diags := parse(new(Parser), "uprobe:main"); len(diags) != 1 {
		t.Error("a binary isn't needed without -p")
	}
}

func TestParseNamesOnce(t *testing.T) {
	ps := new(Parser)
	parse(ps, "test:a")
	if _, diags := parse(ps, "test:a"); len(diags) != 1 || diags[0].Code != diag.CodeProbeName {
		t.Errorf("second test:a: %v", diags)
	}
	if _, diags := parse(ps, "bench:a"); len(diags) != 0 {
		t.Errorf("bench:a: %v", diags)
	}
}

func TestWildKind(t *testing.T) {
	pts, _ := parse(new(Parser), "*:*sched*")
	var kinds []string
	for _, p := range pts {
		kinds = append(kinds, p.Kind.String())
	}
	if got := strings.Join(kinds, " "); got != "tracepoint rawtracepoint kprobe fentry iter" {
		t.Errorf("kinds: %s", got)
	}
	pts, _ = parse(new(Parser), "u*:/bin/bash:*")
	if len(pts) != 2 || pts[0].Kind != Uprobe || pts[1].Kind != USDT {
		t.Errorf("user kinds: %v", pts)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*", "abc", true},
		{"a*", "bac", false}, {"*c", "abc", true}, {"*b*", "abc", true}, {"a*b", "abxb", true},
		{"a*c*e", "abcde", true}, {"a*c*e", "abde", false}, {"ab*ba", "aba", false}, {"a**c", "abc", true},
		{"abc", "abcd", false}, {"[x]", "[x]", true},
	} {
		if got := Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Match("a*c*e", "abcde") }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"sched_switch", "sched_wakeup", "sched_wakeup_new", "sys_enter_openat"}
	for name, want := range map[string]string{
		"sched_swich": "sched_switch", "sched_swtich": "sched_switch", "shed_wakeup": "sched_wakeup",
		"openat": "sys_enter_openat", "qqqq": "", "x": "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("Nearest(%s) = %q, want %q", name, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for i, row := range Kinds() {
		if row.Kind != Kind(i+1) || row.Name == "" || row.Doc == "" || len(row.Grammar) == 0 || row.Since == 0 {
			t.Errorf("row %d is incomplete: %+v", i, row)
		}
		for _, n := range append([]string{row.Name}, row.Aliases...) {
			if seen[n] {
				t.Errorf("name %s is taken twice", n)
			}
			seen[n] = true
			if found, ok := Lookup(n); !ok || found.Kind != row.Kind {
				t.Errorf("Lookup(%s) isn't %s", n, row.Name)
			}
		}
	}
}

func TestHeir(t *testing.T) {
	for _, tt := range []struct{ name, kernel, want, note string }{
		{"kfree_skb", "sk_skb_reason_drop", "sk_skb_reason_drop", "gone since 5.17; tracepoint:skb:kfree_skb tells drops and their reason; its arg1 was arg0"},
		{"cbq_enqueue", "", "", "CBQ"},
		{"__do_page_cache_readahead", "do_page_cache_ra page_cache_ra_unbounded", "do_page_cache_ra", "5.10"},
		{"__do_page_cache_readahead", "page_cache_ra_order page_cache_ra_unbounded", "page_cache_ra_order", "readahead_control"},
		{"__do_page_cache_readahead", "do_page_cache_ra page_cache_ra_order page_cache_ra_unbounded", "page_cache_ra_order", "5.10"},
		{"__do_page_fault", "do_user_addr_fault exc_page_fault", "", "tracepoint:exceptions:page_fault_user"},
		{"lru_cache_add", "folio_add_lru", "folio_add_lru", "hardly called since 5.16, and gone here"},
		{"finish_task_switch", "finish_task_switch.isra.0", "finish_task_switch.isra.0", "compiler"},
		{"finish_task_switch.isra.0", "finish_task_switch", "finish_task_switch", "compiler"},
		{"sys_openat", "__x64_sys_openat", "__x64_sys_openat", "tracepoint:syscalls:sys_enter_openat"},
		{"blk_account_io_start", "", "", "tracepoint:block:block_io_start"},
		{"blk_account_io_start", "blk_account_io_start.part.0", "", "tracepoint:block:block_io_start"},
		{"dput", "dput.part.0", "dput.part.0", "not all calls"},
		{"kmem_cache_alloc", "kmem_cache_alloc_noprof", "kmem_cache_alloc_noprof", "6.10"},
		{"no_such_function", "kernel_clone", "", ""},
	} {
		have := strings.Fields(tt.kernel)
		heir := FindHeir(tt.name, func(s string) bool {
			for _, h := range have {
				if h == s {
					return true
				}
			}
			return false
		})
		if heir.Name != tt.want || !strings.Contains(heir.Note, tt.note) {
			t.Errorf("FindHeir(%s) with %s = %+v", tt.name, tt.kernel, heir)
		}
	}
}

func TestFindWrapped(t *testing.T) {
	all := func(string) bool { return true }
	if h := FindWrapped("mark_page_accessed", all); h.Name != "folio_mark_accessed" || !strings.Contains(h.Note, "hardly called since 5.16") {
		t.Errorf("mark_page_accessed: %+v", h)
	}
	if h := FindWrapped("mark_page_accessed", func(string) bool { return false }); h.Name != "" {
		t.Errorf("before 5.16: %+v", h)
	}
	if h := FindWrapped("ip_send_skb", all); h.Name != "__ip_local_out" || !h.Some || !strings.HasSuffix(h.Note, "; its arg2 was arg1") || strings.Contains(h.Note, "since") {
		t.Errorf("ip_send_skb: %+v", h)
	}
	if h := FindHeir("ip_send_skb", func(name string) bool { return name == "__ip_local_out" }); h.Name != "__ip_local_out" || strings.Contains(h.Note, "since") {
		t.Errorf("ip_send_skb where all inline it: %+v", h)
	}
	for name := range wrappers {
		if renameOf(name) == nil {
			t.Errorf("%s is no row of the table", name)
		}
	}
	asked := func(name string) bool { t.Errorf("asked for %s", name); return true }
	if h := FindWrapped("vfs_read", asked); h.Name != "" {
		t.Errorf("vfs_read: %+v", h)
	}
}

// Every heir is written so that it can be read, and no function is its own heir.
func TestRenames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Renames() {
		if seen[r.Old] {
			t.Errorf("%s is there twice", r.Old)
		}
		seen[r.Old] = true
		for _, text := range r.New {
			name, args := parseHeir(text)
			if name == "" || name == r.Old || strings.ContainsAny(name, "(,) ") {
				t.Errorf("%s: heir %q is called %q", r.Old, text, name)
			}
			taken := map[int]bool{}
			for _, n := range args {
				if n < -1 || n >= 0 && taken[n] {
					t.Errorf("%s: arguments of %q are %v", r.Old, text, args)
				}
				taken[n] = true
			}
			if args != nil && strings.Count(text, ",") != len(args)-1 {
				t.Errorf("%s: arguments of %q are %v", r.Old, text, args)
			}
		}
	}
}
