package link

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
	"github.com/skep-bpf/skep/internal/testkit"
)

// vmlinuxObject is an object with all types of the running kernel: over 100,000.
func vmlinuxObject(t testing.TB) []byte {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	types, _, err := btf.Read(data, binary.LittleEndian, btf.NewStrings())
	if err != nil {
		t.Fatal(err)
	}
	canon := make([]btf.ID, types.End())
	for id := range types.End() {
		canon[id] = id
		if k := types.Record(id).Kind(); k == btf.KindVar || k == btf.KindDatasec {
			canon[id] = btf.Dropped
		}
	}
	if _, err := types.Dedup(canon); err != nil {
		t.Fatal(err)
	}
	return (&elfobj.Object{Order: binary.LittleEndian, Types: types}).Encode()
}

func BenchmarkLinkVmlinuxTypes(b *testing.B) {
	data := vmlinuxObject(b)
	if f := os.Getenv("LINK_OBJECT"); f != "" { // to give another linker the same
		if err := os.WriteFile(f, data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if _, err := Link([]File{{"a", data}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("two", func(b *testing.B) {
		for b.Loop() {
			if _, err := Link([]File{{"a", data}, {"b", data}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
