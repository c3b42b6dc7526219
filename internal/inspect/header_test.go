package inspect

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestHeaderCompiles has gcc compile the header of this kernel's types.
func TestHeaderCompiles(t *testing.T) {
	testkit.Need(t, testkit.Feature("btf"), testkit.Program("gcc"))
	k := kern.New(os.DirFS("/"))
	defer k.Close()
	b, err := k.BTF()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := kern.WriteHeader(&text, b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "vmlinux.h")
	// What the kernel has in its own types must be where the compiler puts it.
	for _, c := range []struct{ typ, member string }{
		{"task_struct", "comm"}, {"task_struct", "tgid"}, {"sk_buff", "len"}, {"sk_buff", "cb"}, {"inode", "i_ino"},
		{"bpf_prog", "aux"}, {"sock", "sk_protocol"}, {"net_device", "ifindex"},
	} {
		st, ok := b.Find(c.typ, kern.KindStruct)
		if !ok {
			t.Fatalf("no struct %s", c.typ)
		}
		st.Members(func(m kern.Member) bool {
			if m.Name == c.member && m.Bits == 0 {
				checkOffset(&text, c.typ, c.member, m.Bit/8, st.Size())
			}
			return true
		})
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	// Attributes are clang's; a struct that's first named in parentheses would be another.
	out, err := exec.Command("gcc", "-std=gnu17", "-fsyntax-only", "-Werror", "-Wno-attributes", file).CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out[:min(len(out), 3000)])
	}
}

// TestHeaderKfuncs: the header declares each function that the kernel has tagged.
func TestHeaderKfuncs(t *testing.T) {
	testkit.Need(t, testkit.Feature("btf"))
	k := kern.New(os.DirFS("/"))
	defer k.Close()
	b, err := k.BTF()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := kern.WriteHeader(&text, b); err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "extern ") && strings.HasSuffix(line, " __weak __ksym;\n") {
			for _, m := range regexp.MustCompile(`(\w+)\(`).FindAllStringSubmatch(line, -1) {
				declared[m[1]] = true
			}
		}
	}
	n := 0
	for id := b.First(); id < b.Len(); id++ {
		tag := b.Type(id)
		if tag.Kind() != kern.KindDeclTag || tag.Name() != "bpf_kfunc" {
			continue
		}
		n++
		if name := tag.Ref().Name(); !declared[name] {
			t.Errorf("%s isn't declared", name)
		}
	}
	if n == 0 {
		t.Skip("this kernel's types have no tags of functions")
	}
}

func checkOffset(w *bytes.Buffer, typ, member string, off, size uint32) {
	w.WriteString("_Static_assert(__builtin_offsetof(struct " + typ + ", " + member + ") == " + itoa(off) + ", \"" + typ + "." + member + "\");\n")
	w.WriteString("_Static_assert(sizeof(struct " + typ + ") == " + itoa(size) + ", \"sizeof " + typ + "\");\n")
}

func itoa(n uint32) string { return strconv.Itoa(int(n)) }
