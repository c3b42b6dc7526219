package run

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sym"
	"github.com/skep-bpf/skep/internal/output/text"
)

// unwindNames knows what processes have mapped: at each look what the next list says, the last
// one for ever.
type unwindNames struct {
	Names
	looks map[uint32][][]sym.Unwinding
	files map[string][][]exe.UnwindRow
}

func (n unwindNames) Follow(uint32) error { return nil }
func (n unwindNames) Preload(uint32)      {}
func (n unwindNames) Collect()            {}
func (n unwindNames) Troubles() []string  { return nil }
func (n unwindNames) UnwindFile(path string) [][]exe.UnwindRow {
	return n.files[path]
}
func (n unwindNames) Unwind(pid uint32) []sym.Unwinding {
	looks := n.looks[pid]
	if len(looks) > 1 {
		n.looks[pid] = looks[1:]
	}
	if len(looks) == 0 {
		return nil
	}
	return looks[0]
}

// memMap is a map in memory, by key.
type memMap struct {
	noMap
	elems map[uint32][]byte
}

func (m memMap) Update(key, value []byte) error {
	m.elems[binary.NativeEndian.Uint32(key)] = bytes.Clone(value)
	return nil
}

// unwindFake is a fake with the tables of dw_ustack.
type unwindFake struct {
	*fake
	maps [3]memMap
}

func (f *unwindFake) Map(i int) engine.Map { return f.maps[i] }
func (f *unwindFake) Load(ctx context.Context, o *object.Object, opt engine.Options) (engine.Session, error) {
	_, err := f.fake.Load(ctx, o, opt)
	return f, err
}

// rulesOf are the rules that the tables have for an address of a process, found as programs do.
func (f *unwindFake) ruleOf(pid uint32, addr uint64) string {
	order := binary.NativeEndian
	p := f.maps[0].elems[pid]
	if p == nil {
		return "no process"
	}
	first, count := order.Uint32(p[object.UnwindPidFirst:]), order.Uint32(p[object.UnwindPidCount:])
	for i := first; i < first+count; i++ {
		m := f.maps[1].elems[i]
		if addr < order.Uint64(m[object.UnwindMappingStart:]) || addr >= order.Uint64(m[object.UnwindMappingEnd:]) {
			continue
		}
		addr -= order.Uint64(m[object.UnwindMappingBias:])
		low := order.Uint32(m[object.UnwindMappingFirst:])
		for j := low + order.Uint32(m[object.UnwindMappingCount:]); j > low; j-- {
			r := f.maps[2].elems[j-1]
			if order.Uint64(r) <= addr {
				return fmt.Sprintf("%d%+d %d %d", r[object.UnwindRuleCFA], int32(order.Uint32(r[object.UnwindRuleOffset:])),
					r[object.UnwindRuleSaved], int16(order.Uint16(r[object.UnwindRuleAt:])))
			}
		}
		return "no rule"
	}
	return "no mapping"
}

func runUnwind(t *testing.T, looks map[uint32][][]sym.Unwinding, pids ...int) (f *unwindFake, warnings string, err error) {
	t.Helper()
	f = &unwindFake{fake: newFake(map[int][][]byte{0: {rec(actExit, 0)}})}
	for i := range f.maps {
		f.maps[i].elems = map[uint32][]byte{}
	}
	o := testObject("interval")
	o.Unwind, o.Vars = &object.Unwind{Pids: 0, Mappings: 1, Rules: 2}, nil
	cfg := Config{Object: o, Engine: f, Sink: text.New(io.Discard, io.Discard), Names: unwindNames{looks: looks}, UnwindPids: pids}
	cfg.Options.Warnf = func(format string, args ...any) { warnings += fmt.Sprintf(format, args...) + "\n" }
	_, err = Run(context.Background(), cfg)
	return f, warnings, err
}

func TestUnwindTables(t *testing.T) {
	libc := []exe.UnwindRow{
		{Addr: 0x100, UnwindRule: exe.UnwindRule{CFA: exe.UnwindSP, Offset: 8}},
		{Addr: 0x110, UnwindRule: exe.UnwindRule{CFA: exe.UnwindBP, Offset: 16, Saved: true, SavedAt: -16}},
		{Addr: 0x200},
	}
	own := []exe.UnwindRow{{Addr: 0x10, UnwindRule: exe.UnwindRule{CFA: exe.UnwindPLT, Offset: 11}}}
	f, warnings, err := runUnwind(t, map[uint32][][]sym.Unwinding{
		7: {{{Start: 0x1000, End: 0x2000, Bias: 0x1000, Rows: own}, {Start: 0x7000, End: 0x8000, Bias: 0x7000, Rows: libc}}},
		9: {{{Start: 0x5000, End: 0x6000, Bias: 0x4f00, Rows: libc}}},
	}, 9, 7, 9)
	if err != nil || warnings != "" {
		t.Fatal(err, warnings)
	}
	for _, c := range []struct {
		pid  uint32
		addr uint64
		want string
	}{
		{7, 0x1010, "3+11 0 0"}, {7, 0x100f, "no rule"}, {7, 0x2000, "no mapping"}, {7, 0x710f, "1+8 0 0"}, {7, 0x7110, "2+16 1 -16"},
		{7, 0x7300, "0+0 0 0"}, {9, 0x5000, "1+8 0 0"}, {9, 0x1010, "no mapping"}, {8, 0x1010, "no process"},
	} {
		if got := f.ruleOf(c.pid, c.addr); got != c.want {
			t.Errorf("process %d, %#x: %s, want %s", c.pid, c.addr, got, c.want)
		}
	}
	if n := len(f.maps[2].elems); n != len(libc)+len(own) {
		t.Errorf("%d rules, want those of each file once", n)
	}
}

// TestUnwindChanges wants a change to be written beside what programs may read meanwhile.
func TestUnwindChanges(t *testing.T) {
	rows := []exe.UnwindRow{{Addr: 1, UnwindRule: exe.UnwindRule{CFA: exe.UnwindSP, Offset: 8}}}
	maps := []sym.Unwinding{{Start: 0x1000, End: 0x2000, Bias: 0x1000, Rows: rows}, {Start: 0x3000, End: 0x4000, Bias: 0x3000, Rows: rows}}
	f := &unwindFake{}
	for i := range f.maps {
		f.maps[i].elems = map[uint32][]byte{}
	}
	names := unwindNames{looks: map[uint32][][]sym.Unwinding{5: {maps[:1], maps[:1], maps, nil}}}
	r := &runner{Config: &Config{Object: &object.Object{Unwind: &object.Unwind{Mappings: 1, Rules: 2}}}, s: f}
	u := &unwinder{runner: r, from: names, pids: []*unwindPid{{pid: 5}}, files: map[*exe.UnwindRow][2]uint32{}}
	var firsts []uint32
	for i, want := range []string{"no mapping", "no mapping", "1+8 0 0", "1+8 0 0"} {
		if err := u.update(); err != nil {
			t.Fatal(err)
		}
		if got := f.ruleOf(5, 0x3001); got != want {
			t.Errorf("after %d looks: %s, want %s", i+1, got, want)
		}
		firsts = append(firsts, binary.NativeEndian.Uint32(f.maps[0].elems[5]))
	}
	if firsts[0] != firsts[1] || firsts[1] == firsts[2] || firsts[2] != firsts[3] {
		t.Errorf("the mappings begin at %v", firsts)
	}
}

// TestUnwindSettle wants a command's files to be waited for, but not longer than it lives.
func TestUnwindSettle(t *testing.T) {
	rows := []exe.UnwindRow{{Addr: 1, UnwindRule: exe.UnwindRule{CFA: exe.UnwindSP, Offset: 8}}}
	maps := []sym.Unwinding{{Start: 0x1000, End: 0x2000, Bias: 0x1000, Rows: rows}, {Start: 0x3000, End: 0x4000, Bias: 0x3000, Rows: rows}}
	looks := make([][]sym.Unwinding, 3*settled)
	for i := range looks {
		looks[i] = maps[:1]
	}
	for _, linked := range []int{1, 2, 3} {
		f := &unwindFake{}
		for i := range f.maps {
			f.maps[i].elems = map[uint32][]byte{}
		}
		r := &runner{Config: &Config{Object: &object.Object{Unwind: &object.Unwind{Mappings: 1, Rules: 2}}}, s: f}
		u := &unwinder{runner: r, pids: []*unwindPid{{pid: 5}}, files: map[*exe.UnwindRow][2]uint32{}, linked: linked,
			from: unwindNames{looks: map[uint32][][]sym.Unwinding{5: append(slices.Clone(looks), maps)}}}
		done := make(chan struct{})
		if linked == 3 {
			close(done)
		}
		if err := u.settle(done); err != nil {
			t.Fatal(err)
		}
		want := map[int]string{1: "no mapping", 2: "1+8 0 0", 3: "no mapping"}[linked]
		if got := f.ruleOf(5, 0x3001); got != want {
			t.Errorf("with %d files: %s, want %s", linked, got, want)
		}
	}
}

// TestUnwindBounds wants processes, mappings and rules that are too many to be told of.
func TestUnwindBounds(t *testing.T) {
	pids := make([]int, object.UnwindPids+1)
	for i := range pids {
		pids[i] = i + 1
	}
	if _, _, err := runUnwind(t, nil, pids...); err == nil || !strings.Contains(err.Error(), "17 processes, at most 16 have room") {
		t.Errorf("many processes: %v", err)
	}
	if _, warnings, err := runUnwind(t, nil, 3); err != nil || warnings != "dw_ustack: process 3 has no unwind information: its stacks are taken by frame pointers\n" {
		t.Errorf("a process without: %v %q", err, warnings)
	}
	row := []exe.UnwindRow{{Addr: 1, UnwindRule: exe.UnwindRule{CFA: exe.UnwindSP, Offset: 8}}}
	var many []sym.Unwinding
	for i := range uint64(1100) {
		many = append(many, sym.Unwinding{Start: 0x1000 * i, End: 0x1000 * (i + 1), Rows: row})
	}
	f, warnings, err := runUnwind(t, map[uint32][][]sym.Unwinding{3: {many}}, 3)
	if err != nil || warnings != "dw_ustack: process 3 has 1100 mappings, more than fit: some stacks end early\n" {
		t.Errorf("many mappings: %v %q", err, warnings)
	}
	if got := f.ruleOf(3, 0x1000*1023+5); got != "1+8 0 0" {
		t.Errorf("the last mapping that fits: %s", got)
	}
	huge := make([]exe.UnwindRow, object.UnwindRules)
	_, warnings, err = runUnwind(t, map[uint32][][]sym.Unwinding{3: {{{Start: 1, End: 2, Rows: row}, {Start: 3, End: 4, Rows: huge}}}}, 3)
	if err != nil || warnings != "dw_ustack: the tables are full: some stacks end early\n" {
		t.Errorf("many rules: %v %q", err, warnings)
	}
}
