package kern

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// builder makes BTF data by hand.
type builder struct {
	types, strs []byte
	next        TypeID
	strBase     uint32
	base        *BTF // of a module
}

func newBuilder() *builder { return &builder{strs: []byte{0}, next: 1} }

// over makes a builder of a module over base.
func over(base *BTF) *builder {
	return &builder{strs: []byte{0}, next: base.Len(), base: base, strBase: uint32(len(base.strs))}
}

func (b *builder) str(s string) uint32 {
	if s == "" {
		return 0
	}
	if b.base != nil { // what the base has isn't told again
		if off := b.base.stringOff(s); off != noString {
			return off
		}
	}
	off := b.strBase + uint32(len(b.strs))
	b.strs = append(append(b.strs, s...), 0)
	return off
}

func (b *builder) words(w ...uint32) {
	for _, v := range w {
		b.types = binary.NativeEndian.AppendUint32(b.types, v)
	}
}

// add adds a type: vlen counts what extra holds, ref is its size or the type it refers to.
func (b *builder) add(k TypeKind, name string, vlen int, flag bool, ref uint32, extra ...uint32) TypeID {
	info := uint32(k)<<24 | uint32(vlen)
	if flag {
		info |= 1 << 31
	}
	b.words(b.str(name), info, ref)
	b.words(extra...)
	b.next++
	return b.next - 1
}

func (b *builder) bytes() []byte {
	data := binary.NativeEndian.AppendUint16(nil, btf.Magic)
	data = append(data, 1, 0)
	for _, v := range []int{btfHeaderLen, 0, len(b.types), len(b.types), len(b.strs)} {
		data = binary.NativeEndian.AppendUint32(data, uint32(v))
	}
	return append(append(data, b.types...), b.strs...)
}

const intSigned, intChar, intBool = 1 << 24, 2 << 24, 4 << 24

// sample is vmlinux in small.
func sample(tb testing.TB) *BTF {
	tb.Helper()
	btf, err := ParseBTF("vmlinux", sampleBytes(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return btf
}

func sampleBytes() []byte {
	b := newBuilder()
	i32 := b.add(KindInt, "int", 0, false, 4, intSigned|32)
	char := b.add(KindInt, "char", 0, false, 1, intSigned|8)
	u64 := b.add(KindInt, "long unsigned int", 0, false, 8, 64)
	pid := b.add(KindTypedef, "pid_t", 0, false, uint32(i32))
	comm := b.add(KindArray, "", 0, false, 0, uint32(char), uint32(i32), 16)
	task := b.next + 1 // the struct after the pointer to it
	ptr := b.add(KindPtr, "", 0, false, uint32(task))
	inner := b.next + 1
	b.add(KindStruct, "task", 6, true, 48,
		b.str("pid"), uint32(pid), 0,
		b.str("low"), uint32(i32), 3<<24|32,
		b.str("high"), uint32(i32), 5<<24|35,
		b.str("comm"), uint32(comm), 64,
		b.str("parent"), uint32(ptr), 192,
		0, uint32(inner), 256)
	b.add(KindUnion, "", 2, false, 8, b.str("stamp"), uint32(u64), 0, b.str("seq"), uint32(i32), 0)
	b.add(KindEnum, "state", 2, true, 4, b.str("RUN"), 0, b.str("DEAD"), 0xffffffff)
	b.add(KindEnum64, "wide", 1, false, 8, b.str("HUGE"), 1, 2)
	cchar := b.add(KindConst, "", 0, false, uint32(char))
	user := b.add(KindTypeTag, "user", 0, false, uint32(cchar))
	uptr := b.add(KindPtr, "", 0, false, uint32(user))
	proto := b.add(KindFuncProto, "", 2, false, uint32(i32), b.str("t"), uint32(ptr), b.str("name"), uint32(uptr))
	b.add(KindFunc, "do_task", 0, false, uint32(proto))
	fp := b.add(KindPtr, "", 0, false, uint32(proto))
	b.add(KindStruct, "ops", 2, false, 16, b.str("run"), uint32(fp), 0, b.str("flag"), uint32(i32), 64)
	voidPtr := b.add(KindPtr, "", 0, false, 0)
	tracepoint := b.add(KindFuncProto, "", 3, false, 0, 0, uint32(voidPtr), 0, uint32(ptr), 0, uint32(i32))
	tpPtr := b.add(KindPtr, "", 0, false, uint32(tracepoint))
	b.add(KindTypedef, "btf_trace_task_done", 0, false, uint32(tpPtr))
	named := b.add(KindFuncProto, "", 3, false, 0,
		b.str("__data"), uint32(voidPtr), b.str("task"), uint32(ptr), b.str("code"), uint32(i32))
	b.add(KindFunc, "__probestub_task_done", 0, false, uint32(named))
	padded := b.add(KindUnion, "", 1, false, 8, b.str("object"), uint32(ptr), 0)
	b.add(KindStruct, "bpf_iter__task", 2, false, 16, 0, uint32(padded), 0, b.str("count"), uint32(u64), 64)
	entry := b.add(KindStruct, "trace_entry", 2, false, 8, b.str("type"), uint32(i32), 0, b.str("flags"), uint32(char), 32)
	none := b.add(KindArray, "", 0, false, 0, uint32(char), uint32(i32), 0)
	b.add(KindStruct, "trace_event_raw_task_done", 4, false, 16, b.str("ent"), uint32(entry), 0,
		b.str("__data_loc_name"), uint32(i32), 64, b.str("code"), uint32(i32), 96, b.str("__data"), uint32(none), 128)
	fwd := b.add(KindFwd, "vcpu", 0, false, 0)
	fwdPtr := b.add(KindPtr, "", 0, false, uint32(fwd))
	lost := b.add(KindPtr, "", 0, false, uint32(b.add(KindFwd, "lost", 0, false, 0)))
	b.add(KindStruct, "machine", 2, false, 16, b.str("vcpu"), uint32(fwdPtr), 0, b.str("lost"), uint32(lost), 64)
	return b.bytes()
}

// moduleBytes is a module in small, over sample: its struct vcpu is what sample only declares,
// and goes by a string of sample's. word is the name of its last member.
func moduleBytes(base *BTF, word, fn string) []byte {
	m := over(base)
	task, _ := base.Find("task", KindStruct)
	integer, _ := base.Find("int", KindInt)
	ptr := m.add(KindPtr, "", 0, false, uint32(task.ID))
	vcpu := m.add(KindStruct, "vcpu", 2, false, 16, m.str("owner"), uint32(ptr), 0, m.str(word), uint32(integer.ID), 64)
	m.add(KindTypedef, word+"_t", 0, false, uint32(vcpu))
	proto := m.add(KindFuncProto, "", 1, false, uint32(integer.ID), m.str("v"), uint32(m.add(KindPtr, "", 0, false, uint32(vcpu))))
	m.add(KindFunc, fn, 0, false, uint32(proto))
	return m.bytes()
}

var update = flag.Bool("update", false, "write the fixtures anew")

// TestSample keeps the files, which other packages' tests read too, as they are made here.
func TestSample(t *testing.T) {
	for name, want := range map[string][]byte{
		"sample.btf": sampleBytes(),
		"kvm.btf":    moduleBytes(sample(t), "mode", "kvm_run"),
		"xen.btf":    moduleBytes(sample(t), "xstate", "xen_run"),
	} {
		file := "testdata/" + name
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s isn't what the test makes (%v); run with -update", file, err)
		}
	}
}

func TestBTFStruct(t *testing.T) {
	task, ok := sample(t).Lookup("struct task")
	if !ok || task.Size() != 48 || task.Name() != "task" {
		t.Fatalf("struct task: %v", ok)
	}
	type row struct {
		name string
		bit  uint32
		bits uint8
		size uint32
	}
	want := []row{{"pid", 0, 0, 4}, {"low", 32, 3, 4}, {"high", 35, 5, 4}, {"comm", 64, 0, 16}, {"parent", 192, 0, 8}, {"", 256, 0, 8}}
	i := 0
	task.Members(func(m Member) bool {
		if got := (row{m.Name, m.Bit, m.Bits, m.Type.Size()}); got != want[i] {
			t.Errorf("member %d is %+v, want %+v", i, got, want[i])
		}
		i++
		return true
	})
	if i != len(want) {
		t.Errorf("%d members", i)
	}
}

func TestBTFLookups(t *testing.T) {
	b := sample(t)
	if v, e, ok := b.FindEnumerator("DEAD"); !ok || int64(v) != -1 || e.Name() != "state" {
		t.Errorf("DEAD = %d of %s", int64(v), e.Name())
	}
	if v, _, ok := b.FindEnumerator("HUGE"); !ok || v != 1|2<<32 {
		t.Errorf("HUGE = %#x", v)
	}
	for _, name := range []string{"struct nosuch", "struct state", "task", "", "enum task"} {
		if _, ok := b.Lookup(name); ok {
			t.Errorf("found %q", name)
		}
	}
	if _, _, ok := b.FindEnumerator("pid"); ok {
		t.Error("a member's name is no enumerator")
	}
	pid, _ := b.Lookup("pid_t")
	if u := pid.Unqualified(); u.Name() != "int" || pid.Size() != 4 {
		t.Errorf("pid_t is %s of %d", u.Name(), pid.Size())
	}
	if n := testing.AllocsPerRun(10, func() { b.Find("ops", KindStruct) }); n > 1 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

func TestBTFModule(t *testing.T) {
	base := sample(t)
	task, _ := base.Find("task", KindStruct)
	m := over(base)
	ptr := m.add(KindPtr, "", 0, false, uint32(task.ID))
	m.add(KindStruct, "vcpu", 1, false, 8, m.str("owner"), uint32(ptr), 0)
	mod, err := ParseBTF("kvm", m.bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	vcpu, ok := mod.Find("vcpu", KindStruct)
	if !ok || vcpu.BTF() != mod || vcpu.ID < base.Len() {
		t.Fatalf("vcpu: %v", ok)
	}
	vcpu.Members(func(m Member) bool {
		if to := m.Type.Ref(); m.Name != "owner" || to.Name() != "task" || to.BTF() != base {
			t.Errorf("%s points to %s", m.Name, to.Name())
		}
		return true
	})
	if tt, ok := mod.Find("task", KindStruct); !ok || tt.BTF() != base {
		t.Error("the base isn't searched")
	}
	if _, ok := mod.FindOwn("task", KindStruct); ok {
		t.Error("task isn't the module's own")
	}
}

func TestDecl(t *testing.T) {
	b := sample(t)
	fn, _ := b.Find("do_task", KindFunc)
	params := fn.Ref().Params()
	for _, tt := range []struct {
		t          Type
		name, want string
	}{
		{params[0].Type, "", "struct task *"},
		{params[0].Type, "t", "struct task *t"},
		{params[1].Type, "s", `const char __attribute__((btf_type_tag("user"))) *s`},
		{fn.Ref().Ref(), "retval", "int retval"},
	} {
		if got := Decl(tt.t, tt.name); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	for name, want := range map[string]string{
		"struct task": "struct task {\n\tpid_t pid;\n\tint low: 3;\n\tint high: 5;\n\tlong: 0;\n\tchar comm[16];\n\tstruct task *parent;\n" +
			"\tunion {\n\t\tlong unsigned int stamp;\n\t\tint seq;\n\t};\n\tlong: 64;\n};",
		"enum state": "enum state {\n\tRUN = 0,\n\tDEAD = -1,\n};",
	} {
		typ, _ := b.Lookup(name)
		if got := Definition(typ); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestBadBTF(t *testing.T) {
	good := func() []byte {
		b := newBuilder()
		b.add(KindInt, "int", 0, false, 4, 32)
		b.add(KindStruct, "s", 1, false, 4, b.str("a"), 1, 0)
		return b.bytes()
	}
	for n := range len(good()) {
		if _, err := ParseBTF("x", good()[:n], nil); !errors.Is(err, ErrBadBTF) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for i := range good() {
		data := good()
		data[i] ^= 0x1f
		b, err := ParseBTF("x", data, nil)
		if err != nil {
			continue
		}
		if s, ok := b.Find("s", KindStruct); ok {
			s.Members(func(m Member) bool { return m.Type.Kind() < btf.NumKinds })
		}
	}
}
