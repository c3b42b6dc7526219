package target

import (
	"os"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/lang/types"
)

const openFormat = `name: sys_enter_openat
ID: 600
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:int __syscall_nr;	offset:8;	size:4;	signed:1;
	field:int dfd;	offset:16;	size:8;	signed:0;
	field:const char * filename;	offset:24;	size:8;	signed:0;
	field:umode_t mode;	offset:32;	size:8;	signed:0;
`

const doneFormat = `name: task_other
ID: 601
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:char comm[16];	offset:8;	size:16;	signed:0;
	field:__data_loc char[] name;	offset:24;	size:4;	signed:0;
	field:enum state state;	offset:28;	size:4;	signed:1;
	field:struct task * task;	offset:32;	size:8;	signed:0;
	field:bool last;	offset:40;	size:1;	signed:0;
	field:unsigned long args[6];	offset:48;	size:48;	signed:0;
	field:strange_t odd;	offset:96;	size:12;	signed:0;
	field:strange_t even;	offset:108;	size:4;	signed:1;
`

// captured is an Env over a machine on paper.
func captured(t *testing.T, files map[string]string) *Env {
	t.Helper()
	btf, err := os.ReadFile("../kern/testdata/sample.btf")
	if err != nil {
		t.Fatal(err)
	}
	root := fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: btf},
		"proc/sys/kernel/osrelease":       {Data: []byte("6.12.48\n")},
		"sys/devices/system/cpu/possible": {Data: []byte("0-3\n")},
		"proc/kallsyms":                   {Data: []byte("ffffffff81000000 T do_task\n0000000000000000 T hidden\n")}}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return New(kern.New(root), exe.NewFiles(root), root, "amd64")
}

// show writes a type shortly.
func show(t *types.Type) string {
	sign := map[bool]string{true: "s", false: "u"}[t.Signed]
	switch t.Kind {
	case types.Int:
		return sign + decimalBits(t.Size)
	case types.Pointer:
		return "*" + map[types.Space]string{types.SpaceKernel: "k ", types.SpaceUser: "u ", types.SpaceBTF: "b "}[t.Space] + show(t.Elem)
	case types.Struct:
		return t.S.Name
	case types.Enum:
		return "enum " + t.Name
	case types.Array:
		return "[" + itoa(t.Len) + "]" + show(t.Elem)
	case types.Bool:
		return "bool"
	case types.Void:
		return "void"
	}
	return "?"
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func decimalBits(size uint32) string { return itoa(size * 8) }

func TestStruct(t *testing.T) {
	e := captured(t, nil)
	task, ok := e.Type("struct task")
	if !ok || task.Size != 48 || task.S.BTFID == 0 {
		t.Fatalf("struct task: %+v", task)
	}
	for name, want := range map[string]string{"pid": "s32", "comm": "[16]s8", "parent": "*k struct task", "low": "s32"} {
		if got := show(field(t, task.S, name).Type); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	high := field(t, task.S, "high")
	if high.Offset != 4 || high.BitOff != 3 || high.BitLen != 5 {
		t.Errorf("high: %+v", high)
	}
	if inner := field(t, task.S, ""); !inner.Type.S.Union || inner.Offset != 32 || len(inner.Type.S.Fields()) != 2 {
		t.Errorf("the anonymous union: %+v", inner)
	}
	if parent := field(t, task.S, "parent").Type.Elem; parent.S != task.S {
		t.Error("a struct that refers to itself is made twice")
	}
	if again, _ := e.Type("struct task"); again != task {
		t.Error("the same question gives another type")
	}
	for _, name := range []string{"struct nosuch", "nosuch_t", ""} {
		if _, ok := e.Type(name); ok {
			t.Errorf("found %q", name)
		}
	}
}

func TestIntegers(t *testing.T) {
	e := captured(t, nil)
	for name, want := range map[string]string{
		"int": "s32", "unsigned": "u32", "char": "u8", "signed char": "s8", "unsigned char": "u8", "long long unsigned int": "u64", "short": "s16",
		"long int": "s64", "pid_t": "s32", "size_t": "u64", "__be16": "u16", "bool": "bool",
	} {
		if got, ok := e.Type(name); !ok || show(got) != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	for _, name := range []string{"long char", "int int", "unsigned signed", "long long long"} {
		if _, ok := e.Type(name); ok {
			t.Errorf("%s is no type", name)
		}
	}
	if v, enum, ok := e.Enumerator("DEAD"); !ok || int64(v) != -1 || enum.Name != "state" || !enum.Signed {
		t.Errorf("DEAD: %d %+v", int64(v), enum)
	}
}

func TestFunctions(t *testing.T) {
	e := captured(t, nil)
	fn, ok := e.KernelFunc("", "do_task")
	if !ok || fn.Module != "vmlinux" || show(fn.Result) != "s32" || len(fn.Args) != 2 {
		t.Fatalf("do_task: %+v", fn)
	}
	if show(fn.Args[0].Type) != "*b struct task" || show(fn.Args[1].Type) != "*u s8" || fn.Args[1].Offset != 8 {
		t.Errorf("args: %+v", fn.Args)
	}
	rt, ok := e.RawTracepoint("task_done")
	if !ok || len(rt.Args) != 2 || rt.Args[0].Name != "task" || rt.Args[1].Name != "code" || rt.Args[1].Offset != 8 || rt.BTFID == 0 {
		t.Errorf("task_done: %+v", rt)
	}
	it, ok := e.Iter("task")
	if !ok || !it.Ctx || show(field(t, it.S, "object").Type) != "*b struct task" || field(t, it.S, "count").Offset != 8 {
		t.Errorf("iter: %+v", it)
	}
	if addr, ok := e.KernelSymbol("do_task"); !ok || addr != 0xffffffff81000000 {
		t.Errorf("kaddr: %#x", addr)
	}
	if _, ok := e.KernelSymbol("hidden"); ok {
		t.Error("a hidden address is given")
	}
	if _, ok := e.RawTracepoint("nosuch"); ok {
		t.Error("found a raw tracepoint")
	}
}

func TestTracepoints(t *testing.T) {
	const events = "sys/kernel/tracing/events/"
	e := captured(t, map[string]string{events + "syscalls/sys_enter_openat/format": openFormat, events + "task/task_other/format": doneFormat})
	open, ok := e.Tracepoint("syscalls", "sys_enter_openat")
	if !ok || open.Size != 40 {
		t.Fatalf("openat: %+v", open)
	}
	for name, want := range map[string]string{"dfd": "u64", "filename": "*u s8", "mode": "u64", "common_type": "u16", "__syscall_nr": "s32"} {
		if got := show(field(t, open, name).Type); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	other, ok := e.Tracepoint("task", "task_other")
	if !ok {
		t.Fatal("no task_other")
	}
	for name, want := range map[string]string{"comm": "[16]s8", "name": "s64", "state": "enum state", "task": "*k struct task",
		"last": "bool", "args": "[6]u64", "odd": "[12]u8", "even": "s32"} {
		if got := show(field(t, other, name).Type); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if !field(t, other, "name").DataLoc {
		t.Error("name isn't DataLoc")
	}
}

func TestTracepointWithoutTracefs(t *testing.T) {
	e := captured(t, nil)
	s, ok := e.Tracepoint("task", "task_done")
	if !ok || e.Err() != nil {
		t.Fatalf("%v %v", ok, e.Err())
	}
	if f := field(t, s, "name"); !f.DataLoc || f.Offset != 8 {
		t.Errorf("name: %+v", f)
	}
	if f := field(t, s, "common_flags"); f.Offset != 4 {
		t.Errorf("common_flags: %+v", f)
	}
	if _, ok := e.Tracepoint("task", "unknown"); ok || e.Err() == nil {
		t.Errorf("unknown: %v %v", ok, e.Err())
	}
}

func TestFacts(t *testing.T) {
	f := captured(t, nil).Facts()
	if f.Arch != "amd64" || f.NumCPU != 4 || f.Kernel != 6<<16|12<<8|48 || !f.HasBTF {
		t.Errorf("%+v", f)
	}
	if x := f.Features; !x.Ringbuf || !x.Loop || !x.UprobeMulti || !x.Fentry {
		t.Errorf("6.12 lacks %+v", x)
	}
	old := captured(t, map[string]string{"proc/sys/kernel/osrelease": "5.10.0\n"}).Facts().Features
	if !old.Ringbuf || !old.DPath || old.Loop || old.ForEachMap || old.KprobeMulti || old.NumIter {
		t.Errorf("5.10 has %+v", old)
	}
}

func TestFeaturesInOrder(t *testing.T) {
	rows := features()
	for i := 1; i < len(rows); i++ {
		if rows[i].since < rows[i-1].since {
			t.Errorf("%s came before %s", rows[i].sign, rows[i-1].sign)
		}
	}
}
