package core

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
	"github.com/skep-bpf/skep/internal/testkit"
)

// object reads an object of the linker's testdata.
func object(t testing.TB, name string, strs *btf.Strings) Object {
	data, err := os.ReadFile("../link/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	o, err := elfobj.Read(data, strs)
	if err != nil {
		t.Fatal(err)
	}
	return Object{name, o}
}

// text is types as C would have them, roughly.
func text(t *btf.Types) string {
	var b strings.Builder
	for id := btf.ID(1); id < t.End(); id++ {
		r := t.Record(id)
		fmt.Fprintf(&b, "%d %s %s", id, r.Kind(), t.Name(id))
		switch k := r.Kind(); {
		case k.Composite():
			for i := range r.Len() {
				name, typ, bit, bits := r.Member(i)
				fmt.Fprintf(&b, " %s:%d@%d/%d", t.Strings.At(name), typ, bit, bits)
			}
		case k.Enum():
			for i := range r.Len() {
				name, v := r.Enumerator(i)
				fmt.Fprintf(&b, " %s=%d", t.Strings.At(name), v)
			}
		case k == btf.KindArray:
			elem, _, n := r.Array()
			fmt.Fprintf(&b, "%d[%d]", elem, n)
		default:
			if r.Ref() != 0 {
				fmt.Fprintf(&b, "%d", r.Ref())
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// answers are what each relocation of an object gets from a kernel's types.
func answers(t *testing.T, kernel *btf.Types, o Object) []string {
	var all []string
	m := &minimizer{kernel: kernel, named: map[string][]btf.ID{}}
	m.candidates([]Object{o})
	for _, s := range o.Sections {
		for _, c := range s.CORE {
			kind, name := Kind(c.Kind), o.Types.Name(c.Type)
			local, err := parse(o.Types, c.Type, o.Types.Strings.At(c.Access), kind)
			if err != nil {
				t.Fatal(err)
			}
			answer := fmt.Sprintf("%d %s %s:", kind, name, o.Types.Strings.At(c.Access))
			for _, id := range m.named[essential(name)] {
				if !sameKind(o.Types.Record(c.Type), kernel.Record(id)) {
					continue
				}
				a, err := (matcher{o.Types, kernel}).find(local, kind, id)
				if err != nil {
					t.Fatal(err)
				}
				if a == nil {
					continue
				}
				v, err := value(kernel, a, kind)
				if err != nil {
					t.Fatal(err)
				}
				answer += fmt.Sprint(" ", v)
			}
			all = append(all, answer)
		}
	}
	return all
}

func TestMinimize(t *testing.T) {
	strs := btf.NewStrings()
	kernel, o := object(t, "kernel.o", strs).Types, object(t, "core.o", strs)
	before := answers(t, kernel, o)
	least, err := Minimize(kernel, []Object{o})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "relocations", strings.Join(before, "\n"), strings.Join(answers(t, least, o), "\n"))
	testkit.Golden(t, "testdata/relocations.txt", []byte(strings.Join(before, "\n")+"\n"))
	testkit.Golden(t, "testdata/least.txt", []byte(text(least)))

	none, err := Minimize(kernel, []Object{object(t, "lib.o", strs)})
	if err != nil || none.End() != 1 {
		t.Errorf("an object without relocations needs %d types, %v", none.End()-1, err)
	}
}

// TestMinimizeVmlinux does it with the running kernel's types.
func TestMinimizeVmlinux(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	strs := btf.NewStrings()
	kernel, _, err := btf.Read(data, binary.LittleEndian, strs)
	if err != nil {
		t.Fatal(err)
	}
	o := object(t, "core.o", strs)
	least, err := Minimize(kernel, []Object{o})
	if err != nil {
		t.Fatal(err)
	}
	if n := least.End(); n > 40 {
		t.Errorf("%d types are left", n-1)
	}
	testkit.Equal(t, "relocations", strings.Join(answers(t, kernel, o), "\n"), strings.Join(answers(t, least, o), "\n"))
}

func TestEssential(t *testing.T) {
	for name, want := range map[string]string{
		"task_struct": "task_struct", "task_struct___old": "task_struct", "a___b___c": "a___b", "___x": "___x",
		"a____b": "a____b", "a__b": "a__b", "a___": "a___", "": "",
	} {
		if got := essential(name); got != want {
			t.Errorf("essential(%q) = %q, want %q", name, got, want)
		}
	}
}
