package types

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// fakeEnv is a small machine.
type fakeEnv struct {
	types map[string]*Type
	facts Facts
}

func newEnv() *fakeEnv {
	e := &fakeEnv{types: map[string]*Type{}, facts: Facts{Arch: "amd64", NumCPU: 4,
		Features: Features{Cookie: true, TaiNS: true, DPath: true}}}
	u32, i32, u64 := IntType(4, false), IntType(4, true), IntType(8, false)
	task := &StructType{Name: "struct task_struct", Size: 64, BTFID: 7}
	taskT := &Type{Kind: Struct, S: task, Size: 64}
	anon := NewStruct("", 8, []Field{{Name: "lo", Type: u32}, {Name: "hi", Type: u32, Offset: 4}})
	union := &StructType{Name: "", Size: 8, Union: true, fields: []Field{
		{Name: "raw", Type: u64}, {Type: &Type{Kind: Struct, S: anon, Size: 8}},
		{Name: "other", Type: PointerTo(taskT, SpaceNone)}}, loaded: true}
	// The kernel declares struct driver, a module defines it.
	defined := NewStruct("struct driver", 12, []Field{{Name: "task", Type: PointerTo(taskT, SpaceNone)}, {Name: "id", Type: u32, Offset: 8}})
	driver := &StructType{Name: "struct driver", BTFID: 9, Forward: true}
	driver.Load = func() []Field {
		driver.Size = defined.Size
		return defined.Fields()
	}
	task.Load = func() []Field {
		return []Field{
			{Name: "pid", Type: i32}, {Name: "tgid", Type: i32, Offset: 4},
			{Name: "comm", Type: StringType(16), Offset: 8},
			{Name: "real_parent", Type: PointerTo(taskT, SpaceNone), Offset: 24},
			{Name: "group_leader", Type: PointerTo(taskT, SpaceNone), Offset: 32},
			{Name: "flags", Type: u32, Offset: 40, BitOff: 3, BitLen: 2},
			{Type: &Type{Kind: Struct, S: union, Size: 8}, Offset: 48},
			{Name: "nums", Type: ArrayOf(u32, 2), Offset: 56},
			{Name: "driver", Type: PointerTo(&Type{Kind: Struct, S: driver}, SpaceNone), Offset: 48},
		}
	}
	e.types["struct task_struct"] = taskT
	// What modules define: another struct for functions of module xen.
	e.types["::struct driver"] = &Type{Kind: Struct, Size: 12, S: defined}
	e.types["xen:xen_run:struct vcpu"] = &Type{Kind: Struct, Size: 4, S: NewStruct("struct vcpu", 4, []Field{{Name: "id", Type: u32}})}
	e.types["::struct vcpu"] = &Type{Kind: Struct, Size: 8, S: NewStruct("struct vcpu", 8, []Field{{Name: "id", Type: u64}})}
	e.types["uint64_t"] = u64
	e.types["u32"] = u32
	regs := NewStruct("struct pt_regs", 16, []Field{{Name: "di", Type: u64}, {Name: "si", Type: u64, Offset: 8}})
	e.types["struct pt_regs"] = &Type{Kind: Struct, S: regs, Size: 16}
	queue := NewStruct("struct cfs_rq", 8, []Field{{Name: "h_nr_queued", Type: u32}, {Name: "nr_running", Type: u32, Offset: 4}})
	e.types["struct cfs_rq"] = &Type{Kind: Struct, S: queue, Size: 8}
	return e
}

func (e *fakeEnv) Type(name string) (*Type, bool) { t, ok := e.types[name]; return t, ok }

func (e *fakeEnv) Enumerator(name string) (uint64, *Type, bool) {
	if name != "TASK_DEAD" {
		return 0, nil, false
	}
	return 128, &Type{Kind: Enum, Size: 4, Name: "task_state",
		Enum: &EnumType{Name: "task_state", Values: []Enumerator{{"TASK_DEAD", 128}}}}, true
}

func (e *fakeEnv) KernelFunc(_, name string) (*Signature, bool) {
	if name != "vfs_read" && name != "set_user_nice" {
		return nil, false
	}
	return &Signature{Name: name, Result: IntType(8, true), Args: []Field{
		{Name: "task", Type: PointerTo(e.types["struct task_struct"], SpaceNone)},
		{Name: "count", Type: IntType(8, false)}}}, true
}

func (e *fakeEnv) BPFFunc(_ uint32, name string) (*Signature, bool) {
	if name != "bee" {
		return nil, false
	}
	return &Signature{Name: name, Args: make([]Field, 1), Result: IntType(4, true)}, true
}
func (e *fakeEnv) RawTracepoint(name string) (*Signature, bool) { return e.KernelFunc("", name) }

func (e *fakeEnv) Tracepoint(category, name string) (*StructType, bool) {
	common := []Field{{Name: "common_pid", Type: IntType(4, true), Offset: 4}}
	switch name {
	case "sys_enter_openat", "sys_enter_open":
		off := uint32(16)
		if name == "sys_enter_openat" {
			off = 24
		}
		return NewStruct("", 40, append(common, Field{Name: "__syscall_nr", Type: IntType(4, true), Offset: 8},
			Field{Name: "filename", Type: PointerTo(IntType(1, true), SpaceNone), Offset: off})), true
	case "sched_switch":
		return NewStruct("", 64, append(common, Field{Name: "prev_comm", Type: StringType(16), Offset: 8})), true
	}
	return nil, false
}

func (e *fakeEnv) UserFunc(string, string) (*Signature, bool) { return nil, false }
func (e *fakeEnv) Iter(string) (*Type, bool)                  { return e.types["struct task_struct"], true }
func (e *fakeEnv) KernelSymbol(name string) (uint64, bool)    { return 0x1000, name == "avenrun" }
func (e *fakeEnv) UserType(string, string) (*Type, bool)      { return nil, false }
func (e *fakeEnv) UserSymbol(_, name string) (uint64, uint64, bool) {
	return 0x40, 4, name == "counter"
}
func (e *fakeEnv) Cgroup(path string) (uint64, error) {
	if path == "/sys/fs/cgroup" {
		return 1, nil
	}
	return 0, errors.New("no such directory")
}
func (e *fakeEnv) KfuncAllowed(string, probe.Kind) (bool, error) { return false, nil }
func (e *fakeEnv) FindCgroups(form object.CgroupForm, name string) (*Cgroups, error) {
	known := []string{"3fd2a1b4c5d6", "web"}
	switch {
	case form == object.CgroupOwn:
		known = []string{"/", "/system.slice", "/system.slice/ssh.service"}
	case form.IsPod():
		return nil, errors.New("no cgroup2")
	}
	for _, k := range known {
		if k == name {
			return &Cgroups{Paths: []string{"/cg/" + name}}, nil
		}
	}
	if name == "3fd2" {
		return &Cgroups{Paths: []string{"/cg/a", "/cg/b"}, Known: []string{"3fd2a1", "3fd2b2"}, Many: true}, nil
	}
	return &Cgroups{Known: known}, nil
}
func (e *fakeEnv) ModuleType(name, module, fn string) (*Type, bool) {
	if t, ok := e.types[module+":"+fn+":"+name]; ok {
		return t, true
	}
	t, ok := e.types["::"+name]
	return t, ok
}
func (e *fakeEnv) KernelVar(name string) bool      { return name == "runqueues" }
func (e *fakeEnv) Kfunc(string) (*Signature, bool) { return nil, false }
func (e *fakeEnv) StackFrames() uint16             { return DefaultFrames }
func (e *fakeEnv) Facts() *Facts                   { return &e.facts }

// points reads attach points without expanding them.
func points(p *syntax.Probe) []*probe.Point {
	var list []*probe.Point
	for _, ap := range p.Points {
		info, ok := probe.Lookup(ap.Parts[0].Text)
		if !ok {
			continue
		}
		pt := &probe.Point{Kind: info.Kind, Text: ap.Text, Span: ap.Span()}
		if len(ap.Parts) == 2 {
			pt.Func = ap.Parts[1].Text
		}
		if len(ap.Parts) > 2 {
			pt.Target, pt.Func = ap.Parts[1].Text, ap.Parts[2].Text
		}
		list = append(list, pt)
	}
	return list
}

// result is a checked script.
type result struct {
	info   *Info
	rep    *diag.Reporter
	src    *diag.Source
	script *syntax.Script
}

func check(t *testing.T, text string, opt Options) result {
	t.Helper()
	srcs := &diag.Sources{}
	src := srcs.Add("test.bt", text)
	rep := diag.NewReporter(srcs)
	ids := &syntax.IDs{}
	script := syntax.Parse(src, ids, rep)
	if rep.Failed() {
		t.Fatalf("parse %q: %s", text, rep.All()[0].Msg)
	}
	var probes []*syntax.Probe
	for _, d := range script.Decls {
		if p, ok := d.(*syntax.Probe); ok {
			probes = append(probes, p)
		}
	}
	env := newEnv()
	units := MakeUnits(probes, nil, points, ids, env)
	return result{Check(script.Decls, units, ids, env, opt, rep), rep, src, script}
}

// messages are the diagnostics, one a line.
func (r result) messages() string {
	var b strings.Builder
	for _, d := range r.rep.All() {
		if d.Severity == diag.Note {
			continue
		}
		_, col := r.src.LineCol(d.Span.Start)
		fmt.Fprintf(&b, "%s %d: %s\n", d.Code, col, d.Msg)
	}
	return b.String()
}

// vars lists the types of variables and maps: "$a int64; @m[int8] count_t".
func (r result) vars() string {
	var list []string
	seen := map[*Local]bool{}
	for _, l := range r.info.Locals {
		if l != nil && !seen[l] {
			seen[l] = true
			list = append(list, fmt.Sprintf("%s %s", l.Name, l.Type))
		}
	}
	for _, m := range r.info.Maps {
		key := ""
		if m.Key != nil {
			key = fmt.Sprintf("[%s]", m.Key)
		}
		list = append(list, fmt.Sprintf("%s%s %s", m.Name, key, m.Value))
	}
	return strings.Join(list, "; ")
}

func TestInference(t *testing.T) {
	tests := []struct{ script, want string }{
		{`begin { $a = 1; }`, "$a int8"},
		{`kprobe:xen:xen_run { $i = ((struct vcpu *)arg0).id; }`, "$i uint32"}, // of the function's module
		{`kprobe:f { $i = ((struct vcpu *)arg0).id; }`, "$i uint64"},
		{`begin { $i = ((struct vcpu *)kptr(1)).id; }`, "$i uint64"},
		{`begin { static_assert(sizeof(*curtask.driver) == 12, ""); $i = curtask.driver[1].id; }`, "$i uint32"},
		{`begin { $a = 1; $a = (uint64)2; }`, "$a uint64"},
		{`begin { $a = 1; $b = -1000; $a = $b; }`, "$a int16; $b int16"},
		{`begin { $c = (uint64)1; $d = (int64)-1; $c = $d; }`, "$c int64; $d int64"},
		{`begin { $a = 1; $a = $a + 1; }`, "$a int64"},
		{`begin { $a = (uint32)1; $b = $a + 1; $c = $a - 1; }`, "$a uint32; $b uint64; $c int64"},
		{`begin { $a = 0xffffffffffffffff; }`, "$a uint64"},
		{`begin { $x = 1<<16; }`, "$x int32"},
		{`begin { $s = "abc"; $s = "abcdef"; }`, "$s string[7]"},
		{`begin { $s = comm; $u = uid; $p = pid; }`, "$s string[16]; $u uint64; $p uint32"},
		{`begin { @ = count(); @s = sum(5); @u = sum((uint64)5); @h = hist(1); }`, "@ count_t; @s sum_t; @u usum_t; @h hist_t"},
		{`begin { @a++; @b[1]++; @c += 1; }`, "@a int64; @b[int8] int64; @c int64"},
		{`begin { @u = (uint32)1; @u++; }`, "@u uint64"},
		{`begin { @x[1, "a"] = 1; @x[300, "abc"] = 2; }`, "@x[(int16,string[4])] int8"},
		{`begin { @x[pid, comm]++; }`, "@x[(uint32,string[16])] int64"},
		{`begin { @x = (1, "a"); @x = (300, "abc"); } end { $y = @x.1; }`, "$y string[4]; @x (int16,string[4])"},
		{`begin { $r = (a=1, b="x"); $x = $r.b; }`, "$r record { .a = int8, .b = string[2] }; $x string[2]"},
		{`begin { @[1] = count(); for ($kv : @) { $v = $kv.1; } }`, "$kv (int8,count_t); $v uint64; @[int8] count_t"},
		{`begin { for ($i : 0..10) { $x = $i; } }`, "$i int8; $x int8"},
		{`begin { $n = (uint32)9; for ($i : 0..$n) { } }`, "$n uint32; $i uint32"},
		{`end { $v = @m[1]; } begin { @m[1] = (uint16)3; }`, "$v uint16; @m[int8] uint16"},
		{`begin { $a = @x; }`, "$a int8; @x int8"},
		{`begin { @start[tid] = nsecs; @d = hist(nsecs - @start[tid]); }`, "@start[uint32] uint64; @d hist_t"},
		{`kprobe:f { @a[tid] = arg0; $s = str(arg1); $t = str(arg1, 5); }`, "$s string[1024]; $t string[5]; @a[uint32] uint64"},
		{`begin { $t = curtask; $p = $t.real_parent.pid; $c = $t->comm; }`, "$t struct task_struct *; $p int32; $c string[16]"},
		{`begin { $p = ppid; $c = pcomm(curtask); }`, "$p int32; $c string[16]"},
		{`begin { $x = curtask.hi; $y = curtask.raw; $z = curtask.nums[1]; }`, "$x uint32; $y uint64; $z uint32"},
		{`fentry:vfs_read { $n = args.count; $t = args.task.comm; }`, "$n uint64; $t string[16]"},
		{`fexit:vfs_read { $r = retval; }`, "$r int64"},
		{`fexit:bpf:bee { $r = retval; }`, "$r int32"},
		{`begin { $x = 1 ? 2 : 3000; $y = $x ? (uint8)1 : -5; }`, "$x int8; $y int16"},
		{`begin { $x = { $y = 5; $y + 1 }; }`, "$x int64; $y int8"},
		{`begin { let $s : string = "abc"; let $n : uint16; $n = 5; }`, "$s string[4]; $n uint16"},
		{`begin { $a = (int8[8])12345; $b = (uint8[4])(uint32)5; }`, "$a int8[8]; $b uint8[4]"},
		{`begin { $a = (int8[])"abc"; $n = (uint32)pton("127.0.0.1"); }`, "$a int8[4]; $n uint32"},
		{`begin { $k = kstack; $u = ustack(perf, 3); $y = ksym(1); $i = ntop(1); }`, "$k kstack_bpftrace_127; $u ustack_perf_3; $y ksym_t; $i inet"},
		{`begin { $e = TASK_DEAD; $p = &$e; $v = *$p; }`, "$e enum task_state; $p enum task_state *; $v enum task_state"},
		{`begin { $p = (uint32*)0; $q = $p + 1; $v = *$q; $w = $p[2]; }`, "$p uint32 *; $q uint32 *; $v uint32; $w uint32"},
		{`begin { $x = sizeof(struct task_struct); $y = offsetof(struct task_struct, comm); }`, "$x int8; $y int8"},
		{`begin { $a = 1; let $b : typeof($a) = 5; $a = (uint64)7; }`, "$a uint64; $b uint64"},
		{`begin { $a = has_key(@m, 1); @m[2] = 1; $l = len(@m); $d = delete(@m, 300); }`, "$a bool; $l int64; $d bool; @m[int16] int8"},
		{`begin { if comptime (is_str("a")) { @x = 1; } else { @x = "abc"; } }`, "@x int8"},
		{`begin { $a = 1; if comptime (is_integer($a)) { @x = "s"; } }`, "$a int8; @x string[2]"},
		{`begin { $a = 1; if comptime (typeinfo($a).full_type == "uint64") { @x = 1; } else { @x = "s"; } $a = (uint64)2; }`, "$a uint64; @x int8"},
		{`begin { if comptime (1 == 2) { print(@never); } }`, ""},
		{`begin { $n = strftime("%H", nsecs); $m = macaddr((int8[])"abcdef"); }`, "$n timestamp; $m mac_address"},
		{`begin { $b = !1; $c = 1 == 2; $d = ~5; $e = -5; }`, "$b bool; $c bool; $d uint64; $e int8"},
		{`fn f($a : uint32) : uint64 { return $a; } begin { $x = f(5); }`, "$a uint32; $x uint64"},
		{`begin { $c = config.max_strlen; $m = config().stack_mode; }`, "$c int16; $m string[9]"},
	}
	for _, tt := range tests {
		r := check(t, tt.script, Options{Environ: []string{"BPFTRACE_UNSTABLE_TYPEINFO=enable"}})
		if r.rep.Failed() {
			t.Errorf("%s\n%s", tt.script, r.messages())
			continue
		}
		if got := r.vars(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
		}
		if !strings.Contains(tt.script, "if comptime") {
			r.checkTyped(t)
		}
	}
}

// checkTyped: every expression of every unit has a type.
func (r result) checkTyped(t *testing.T) {
	t.Helper()
	names := map[syntax.Node]bool{} // of fields and functions: they're no values
	visit := func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FieldExpr:
			names[n.Name] = true
		case *syntax.CallExpr:
			names[n.Fun] = true
		case *syntax.RecordField:
			names[n.Name] = true
		case *syntax.OffsetofExpr:
			for _, id := range n.Path {
				names[id] = true
			}
		}
		if e, ok := n.(syntax.Expr); ok && !names[n] && r.info.Types[e.ID()] == nil {
			span := e.Span()
			t.Errorf("%s: no type of %q", r.src.Text, r.src.Text[r.src.Offset(span.Start):r.src.Offset(span.End)])
		}
		return true
	}
	for _, u := range r.info.Units {
		syntax.Inspect(u.Body, visit)
		if u.Pred != nil {
			syntax.Inspect(u.Pred, visit)
		}
	}
}

var wanted = regexp.MustCompile(`/\* (ERROR|WARN) "([^"]*)" \*/`)

// TestDiagnostics: a comment says what is reported on its line.
func TestDiagnostics(t *testing.T) {
	for _, script := range diagnosed {
		r := check(t, script, Options{})
		got := map[int][]string{}
		for _, d := range r.rep.All() {
			line, _ := r.src.LineCol(d.Span.Start)
			word := map[diag.Severity]string{diag.Error: "ERROR ", diag.Warning: "WARN "}[d.Severity]
			got[line] = append(got[line], word+d.Msg)
		}
		for i, text := range strings.Split(script, "\n") {
			for _, m := range wanted.FindAllStringSubmatch(text, -1) {
				if !take(got, i+1, m[1]+" "+m[2]) {
					t.Errorf("line %d: no %s %q; reported are %q\n%s", i+1, m[1], m[2], got[i+1], text)
				}
			}
		}
		for line, msgs := range got {
			for _, m := range msgs {
				t.Errorf("line %d: unexpected %s\n%s", line, m, strings.Split(script, "\n")[line-1])
			}
		}
	}
}

// take removes a message that contains want from a line's.
func take(got map[int][]string, line int, want string) bool {
	word, msg, _ := strings.Cut(want, " ")
	for i, m := range got[line] {
		if strings.HasPrefix(m, word) && strings.Contains(m, msg) {
			got[line] = append(got[line][:i], got[line][i+1:]...)
			return true
		}
	}
	return false
}

// TestSuggestions: what is proposed in the place of a wrong name or form.
func TestSuggestions(t *testing.T) {
	tests := []struct{ script, want string }{
		{`begin { pirnt(1); }`, "did you mean `print`?"},
		{`begin { twcie(1); }`, "did you mean `twice`?"}, // a macro
		{`fentry:vfs_read { print(argscount); }`, "did you mean `args.count`?"},
		{`begin { print(curtaskpid); }`, "did you mean `curtask.pid`?"},
		{`begin { print(u32(1)); }`, "a cast is written `(u32)…`"},
		{`begin { $s = (struct task_struct)1; }`, "a pointer to one is written `(struct task_struct *)…`"},
		{`begin { printf("%d" - 1); }`, "a comma may be missing before the `-`"},
	}
	for _, tt := range tests {
		r := check(t, tt.script, Options{Macros: []string{"twice"}})
		got := ""
		for _, d := range r.rep.All() {
			for _, n := range d.Notes {
				got += n.Msg
			}
			if d.Fix != nil {
				got += d.Fix.Msg
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.script, got, tt.want)
		}
	}
}

// TestCodes: the example of each code of this package gives it.
func TestCodes(t *testing.T) {
	for _, doc := range diag.Codes() {
		n := doc.Code[1:]
		if doc.Example == "" || !(n >= "0250" && n < "0400") {
			continue
		}
		r := check(t, doc.Example, Options{})
		found := false
		for _, d := range r.rep.All() {
			found = found || d.Code == doc.Code
		}
		if !found {
			t.Errorf("%s %s: the example gives\n%s", doc.Code, doc.Example, r.messages())
		}
	}
}

// TestUniverse: every row can be looked up by its own name, and says what it does.
func TestUniverse(t *testing.T) {
	seen := map[BuiltinID]string{}
	for _, b := range Universe() {
		if old := seen[b.ID]; old != "" || b.ID == 0 {
			t.Errorf("%s has the id of %s", b.Name, old)
		}
		seen[b.ID] = b.Name
		if b.Doc == "" || findBuiltin(b.Name) == nil {
			t.Errorf("%s: no documentation, or not found", b.Name)
		}
		if b.Max >= 0 && b.Min > b.Max {
			t.Errorf("%s takes %d to %d arguments", b.Name, b.Min, b.Max)
		}
	}
	if !IsBuiltin("arg3") || IsBuiltin("arg") || IsBuiltin("arg03") {
		t.Error("argN isn't recognized by its number")
	}
}

func TestUnits(t *testing.T) {
	tests := []struct {
		script string
		want   string // points of each unit
	}{
		{"kprobe:a,kprobe:b,kretprobe:b { @[probe] = count(); }", "kprobe:a,kprobe:b kretprobe:b"},
		{"tracepoint:syscalls:sys_enter_open,tracepoint:syscalls:sys_enter_openat { print(args.__syscall_nr); }",
			"tracepoint:syscalls:sys_enter_open,tracepoint:syscalls:sys_enter_openat"},
		{"tracepoint:syscalls:sys_enter_open,tracepoint:syscalls:sys_enter_openat { print(str(args.filename)); }",
			"tracepoint:syscalls:sys_enter_open tracepoint:syscalls:sys_enter_openat"},
		{"fentry:vfs_read,fentry:vfs_write { }", "fentry:vfs_read fentry:vfs_write"},
		{"interval:1s,profile:1s { }", "interval:1s profile:1s"},
	}
	for _, tt := range tests {
		r := check(t, tt.script, Options{})
		var units []string
		bodies := map[*syntax.Block]bool{}
		for _, u := range r.info.Units {
			var names []string
			for _, p := range u.Points {
				names = append(names, p.Text)
			}
			units = append(units, strings.Join(names, ","))
			if bodies[u.Body] {
				t.Errorf("%s: two units share a body", tt.script)
			}
			bodies[u.Body] = true
		}
		if got := strings.Join(units, " "); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
		}
	}
}

// FuzzCheck: no script, however wrong, makes the checker panic or run forever.
func FuzzCheck(f *testing.F) {
	for _, s := range diagnosed {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		srcs := &diag.Sources{}
		rep := diag.NewReporter(srcs)
		ids := &syntax.IDs{}
		script := syntax.Parse(srcs.Add("fuzz.bt", text), ids, rep)
		if rep.Failed() {
			return
		}
		var probes []*syntax.Probe
		params := false
		for _, d := range script.Decls {
			syntax.Inspect(d, func(n syntax.Node) bool {
				if _, ok := n.(*syntax.ParamExpr); ok {
					params = true
				}
				return true
			})
			if p, ok := d.(*syntax.Probe); ok {
				probes = append(probes, p)
			}
		}
		if params {
			return // they're gone when the checker is called
		}
		env := newEnv()
		Check(script.Decls, MakeUnits(probes, nil, points, ids, env), ids, env, Options{}, rep)
	})
}
