//go:build linux

package cli

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// liveObjects makes a map with elements, a program that uses it, and an iterator's link.
func liveObjects(t testing.TB) (prog, m, link uint32) {
	t.Helper()
	check := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sys.Close(fd) })
		return fd
	}
	mfd := check(sys.MapCreate(&sys.MapCreateAttr{Type: 1, KeySize: 4, ValueSize: 24, MaxEntries: 64, Name: sys.ObjName("beside")}))
	for i := range byte(9) {
		if err := sys.MapUpdate(mfd, []byte{i, 0, 0, 0}, bytes.Repeat([]byte{i}, 24)); err != nil {
			t.Fatal(err)
		}
	}
	load := func(typ, attach, target uint32, insns ...isa.Insn) int {
		code, err := isa.Encode(insns, binary.NativeEndian)
		if err != nil {
			t.Fatal(err)
		}
		license := []byte("GPL\x00")
		return check(sys.ProgLoad(&sys.ProgLoadAttr{Type: typ, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]),
			License: unsafe.Pointer(&license[0]), Name: sys.ObjName("beside_prog"), ExpectedAttachType: attach, AttachBTFID: target}))
	}
	pfd := load(1, 0, 0, isa.StoreImm(isa.SizeW, isa.R10, -4, 3), isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(mfd)),
		isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, -4), isa.Call(1), isa.JumpIfImm(isa.JmpJEQ, isa.R0, 0, 2),
		isa.Load(isa.SizeDW, isa.R0, isa.R0, 8), isa.ALUImm(isa.AluAND, isa.R0, 1), isa.MovImm(isa.R0, 0), isa.Exit())
	k := kern.New(os.DirFS("/"))
	t.Cleanup(func() { k.Close() })
	btf, err := k.BTF()
	if err != nil {
		t.Fatal(err)
	}
	fn, ok := btf.Find("bpf_iter_task", kern.KindFunc)
	if !ok {
		t.Fatal("no iterator of tasks")
	}
	const tracing, traceIter = 26, 28
	ifd := load(tracing, traceIter, uint32(fn.ID), isa.MovImm(isa.R0, 0), isa.Exit())
	lfd := check(sys.LinkIter(ifd, traceIter, 0))
	info, err := sys.ProgInfoByFD(pfd)
	if err != nil {
		t.Fatal(err)
	}
	minfo, err := sys.MapInfoByFD(mfd)
	if err != nil {
		t.Fatal(err)
	}
	var linfo sys.LinkInfo
	if err := sys.LinkInfoByFD(lfd, &linfo); err != nil {
		t.Fatal(err)
	}
	return info.ID, minfo.ID, linfo.ID
}

// skepJSON is what `skep WORDS -j` prints.
func skepJSON(t testing.TB, words ...string) (v any) {
	t.Helper()
	var out, errs bytes.Buffer
	if status := Main(append(append([]string{"skep"}, words...), "-j"), bytes.NewReader(nil), &out, &errs); status != exitOK {
		t.Fatalf("skep %v: status %d: %s", words, status, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("skep %v: %v\n%s", words, err, out.String())
	}
	return v
}

// TestBesideBpftool compares each field that both print of the same objects.
func TestBesideBpftool(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Program("bpftool"))
	prog, m, link := liveObjects(t)
	id := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	for _, words := range [][]string{
		{"prog", "show", "id", id(prog)}, {"map", "show", "id", id(m)}, {"link", "show", "id", id(link)}, {"btf", "show", "id", "1"},
		{"map", "dump", "id", id(m)}, {"map", "lookup", "id", id(m), "key", "3", "0", "0", "0"}, {"map", "getnext", "id", id(m)},
		{"prog", "dump", "xlated", "id", id(prog)}, {"prog", "dump", "xlated", "id", id(prog), "opcodes"}, {"net", "show"},
	} {
		out, err := exec.Command("bpftool", append([]string{"-j"}, words...)...).Output()
		if err != nil {
			t.Errorf("bpftool %v: %v", words, err)
			continue
		}
		var theirs any
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Errorf("bpftool %v: %v\n%s", words, err, out)
			continue
		}
		for _, diff := range differences(fmt.Sprint(words), theirs, skepJSON(t, words...)) {
			t.Error(diff)
		}
	}
}

// differences are the fields that both have and that differ, and those that only bpftool has.
func differences(at string, theirs, ours any) (out []string) {
	switch a := theirs.(type) {
	case map[string]any:
		b, ok := ours.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
		}
		for name, v := range a {
			if w, ok := b[name]; ok {
				out = append(out, differences(at+"."+name, v, w)...)
			} else {
				out = append(out, fmt.Sprintf("%s.%s: bpftool has %v, skep nothing", at, name, v))
			}
		}
		slices.Sort(out)
		return out
	case []any:
		b, ok := ours.([]any)
		if !ok || len(a) != len(b) {
			return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
		}
		for i := range a {
			out = append(out, differences(fmt.Sprintf("%s[%d]", at, i), a[i], b[i])...)
		}
		return out
	}
	if !reflect.DeepEqual(theirs, ours) {
		return []string{fmt.Sprintf("%s: bpftool has %v, skep %v", at, theirs, ours)}
	}
	return nil
}

// TestClosedPipe: a dump whose reader has gone ends at once, without words.
func TestClosedPipe(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	// 64 MiB: more than any buffer on the way.
	const entries, size = 1 << 14, 4096
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: 2, KeySize: 4, ValueSize: size, MaxEntries: entries, Name: sys.ObjName("wide")})
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	info, err := sys.MapInfoByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, flag := range []string{"", "-j"} {
		args := []string{"skep", "map", "dump", "id", fmt.Sprint(info.ID)}
		if flag != "" {
			args = append(args, flag)
		}
		var errs bytes.Buffer
		if status := Main(args, bytes.NewReader(nil), w, &errs); status != exitPipe || errs.Len() != 0 {
			t.Errorf("%v into a closed pipe: status %d, want %d: %s", args, status, exitPipe, errs.String())
		}
	}
}
