package compiler

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/testkit"
)

// fakeEnv is a machine with one tracepoint, one raw tracepoint and one struct.
type fakeEnv struct{ facts types.Facts }

func newFakeEnv() *fakeEnv {
	return &fakeEnv{facts: types.Facts{Arch: "amd64", Kernel: 6<<16 | 12<<8, NumCPU: 4, PageSize: 4096, HasBTF: true,
		Features: types.Features{Ringbuf: true, Loop: true, ForEachMap: true, NumIter: true, Cookie: true,
			ProbeReadKernel: true, BootNS: true, TaiNS: true, CgroupID: true, AtomicFetch: true, DPath: true}}}
}

var (
	u32    = types.IntType(4, false)
	s64    = types.IntType(8, true)
	inner  = types.NewStruct("struct inner", 16, []types.Field{{Name: "a", Type: u32}, {Name: "b", Type: s64, Offset: 8}})
	innerT = &types.Type{Kind: types.Struct, Size: 16, S: inner}
	task   = types.NewStruct("struct task_struct", 64, []types.Field{
		{Name: "pid", Type: types.IntType(4, true)},
		{Name: "inner", Type: types.PointerTo(innerT, types.SpaceBTF), Offset: 8},
		{Name: "flag", Type: u32, Offset: 16, BitOff: 3, BitLen: 2},
		{Name: "comm", Type: types.ArrayOf(types.IntType(1, true), 16), Offset: 24}})
	taskT = &types.Type{Kind: types.Struct, Size: 64, S: task}
)

func (e *fakeEnv) Type(name string) (*types.Type, bool) {
	switch name {
	case "struct task_struct":
		return taskT, true
	case "struct inner":
		return innerT, true
	}
	return nil, false
}
func (e *fakeEnv) Enumerator(string) (uint64, *types.Type, bool)          { return 0, nil, false }
func (e *fakeEnv) BPFFunc(uint32, string) (*types.Signature, bool)        { return nil, false }
func (e *fakeEnv) KernelFunc(string, string) (*types.Signature, bool)     { return nil, false }
func (e *fakeEnv) UserFunc(string, string) (*types.Signature, bool)       { return nil, false }
func (e *fakeEnv) Iter(string) (*types.Type, bool)                        { return nil, false }
func (e *fakeEnv) KernelSymbol(string) (uint64, bool)                     { return 0, false }
func (e *fakeEnv) UserType(string, string) (*types.Type, bool)            { return nil, false }
func (e *fakeEnv) UserSymbol(string, string) (addr, size uint64, ok bool) { return 0, 0, false }
func (e *fakeEnv) FindCgroups(_ object.CgroupForm, name string) (*types.Cgroups, error) {
	if name == "web" || name == "/web" {
		return &types.Cgroups{Paths: []string{"/cg/web"}}, nil
	}
	return &types.Cgroups{}, nil
}
func (e *fakeEnv) Cgroup(string) (uint64, error)                 { return 0, os.ErrNotExist }
func (e *fakeEnv) Kfunc(string) (*types.Signature, bool)         { return nil, false }
func (e *fakeEnv) KfuncAllowed(string, probe.Kind) (bool, error) { return false, nil }
func (e *fakeEnv) ModuleType(_, _, _ string) (*types.Type, bool) { return nil, false }
func (e *fakeEnv) KernelVar(string) bool                         { return false }
func (e *fakeEnv) StackFrames() uint16                           { return types.DefaultFrames }
func (e *fakeEnv) Facts() *types.Facts                           { return &e.facts }
func (e *fakeEnv) RawTracepoint(name string) (*types.Signature, bool) {
	return &types.Signature{Name: name, Args: []types.Field{
		{Name: "preempt", Type: types.IntType(1, false), Arg: 0},
		{Name: "next", Type: types.PointerTo(taskT, types.SpaceBTF), Arg: 1}}}, true
}
func (e *fakeEnv) Tracepoint(category, name string) (*types.StructType, bool) {
	return types.NewStruct("struct args", 32, []types.Field{
		{Name: "id", Type: s64, Offset: 8}, {Name: "ret", Type: s64, Offset: 16},
		{Name: "filename", Type: types.PointerTo(types.IntType(1, true), types.SpaceUser), Offset: 24}}), true
}

// compileText compiles a script for the fake machine, with the IR checked after every pass.
func compileText(t testing.TB, text string, dump ...string) (*Output, *diag.Reporter, string) {
	t.Helper()
	src := &diag.Sources{}
	rep := diag.NewReporter(src)
	var out bytes.Buffer
	opt := Options{Env: newFakeEnv(), CheckIR: true, DumpTo: &out, Dump: map[string]bool{}}
	for _, d := range dump {
		opt.Dump[d] = true
	}
	o := Compile(src.Add("script.bt", text), opt, rep)
	return o, rep, out.String()
}

// TestInstructions holds each script of the corpus against the instructions it gives:
// testdata/*.txtar have a script and its instructions. -update writes them anew.
func TestInstructions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []txtar.File
			for i := 0; i < len(ar.Files); i++ {
				f := ar.Files[i]
				if strings.HasSuffix(f.Name, ".insns") {
					continue
				}
				_, rep, insns := compileText(t, string(f.Data), "insns")
				for _, d := range rep.All() {
					if d.Severity == diag.Error {
						t.Errorf("%s: %s %s", f.Name, d.Code, d.Msg)
					}
				}
				got = append(got, f, txtar.File{Name: strings.TrimSuffix(f.Name, ".bt") + ".insns", Data: []byte(insns)})
			}
			testkit.Golden(t, file, txtar.Format(&txtar.Archive{Comment: ar.Comment, Files: got}))
		})
	}
}

// TestSameTextSameBytes: compiling is pure.
func TestSameTextSameBytes(t *testing.T) {
	const text = `tracepoint:a:b { @[args.id, comm] = count(); @h = hist(args.ret); printf("%d %s\n", pid, str(args.filename)); }`
	render := func() string {
		o, rep, _ := compileText(t, text)
		if rep.Failed() {
			t.Fatal(rep.All()[0].Msg)
		}
		var b strings.Builder
		for _, p := range o.Object.Programs {
			fmt.Fprintf(&b, "%+v %+v\n", p.Insns, p.Relocs)
		}
		for _, m := range o.Object.Maps {
			fmt.Fprintf(&b, "%s %d %d %d %d\n", m.Name, m.Kind, m.KeySize, m.ValueSize, m.MaxEntries)
		}
		return b.String()
	}
	if a, b := render(), render(); a != b {
		t.Errorf("two compilations differ:\n%s", testkit.Diff("first", a, "second", b))
	}
}

// TestKeylessMapsNeedNoHash: a map without a key is a place in global memory.
func TestKeylessMapsNeedNoHash(t *testing.T) {
	o, rep, _ := compileText(t, `tracepoint:a:b { @n = count(); @x = nsecs; }`)
	if rep.Failed() {
		t.Fatal(rep.All()[0].Msg)
	}
	for _, m := range o.Object.Maps {
		if m.Kind != object.MapArray {
			t.Errorf("map %s is of kind %d, want arrays only", m.Name, m.Kind)
		}
	}
	if len(o.Object.Vars) != 2 || o.Object.Vars[0].Storage != object.StoreGlobalPerCPU || o.Object.Vars[1].Storage != object.StoreGlobal {
		t.Errorf("storages: %+v", o.Object.Vars)
	}
}

// TestLongStringsTravelByLength: a record with a long string is no larger than the string.
func TestLongStringsTravelByLength(t *testing.T) {
	o, rep, _ := compileText(t, `tracepoint:a:b { printf("%s %s\n", comm, str(args.filename)); }`)
	if rep.Failed() {
		t.Fatal(rep.All()[0].Msg)
	}
	for _, a := range o.Object.Actions {
		if a.Kind != object.ActionPrintf {
			continue
		}
		if a.Size > 64 || a.Args[0].Dynamic || !a.Args[1].Dynamic {
			t.Errorf("record of %d bytes, args %+v", a.Size, a.Args)
		}
	}
}

// TestEventPoints: a point of an event carries that event's number and its count.
func TestEventPoints(t *testing.T) {
	for point, want := range map[string][2]uint64{
		"software:faults:5": {2, 5}, "s:page-faults": {2, 100}, "software:cs": {3, 1000}, "software:cpu-clock:7": {0, 7},
		"hardware:cache-misses:9": {3, 9}, "h:branches": {4, 100000}, "hardware:cycles": {0, 1000000},
	} {
		o, rep, _ := compileText(t, point+` { @ = count(); }`)
		if rep.Failed() {
			t.Fatal(rep.All()[0].Msg)
		}
		if p := o.Object.Programs[0].Points[0]; p.Config != want[0] || p.Value != want[1] {
			t.Errorf("%s: event %d, every %d, want %v", point, p.Config, p.Value, want)
		}
	}
}
