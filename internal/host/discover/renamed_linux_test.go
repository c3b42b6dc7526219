package discover

import (
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// TestRenamesT3 runs TestRenamesHere in each booted kernel.
func TestRenamesT3(t *testing.T) { vm.Package(t, "^TestRenamesHere$", nil) }

// TestRenamesHere: what the running kernel has in the place of a function that can't be
// traced is there, can be traced, and has the arguments that the table counts on.
func TestRenamesHere(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("kprobe"), testkit.Feature("btf"))
	f := &Finder{Kernel: kern.New(os.DirFS("/")), Root: os.DirFS("/")}
	traceable := map[string]bool{}
	err := f.Kernel.TraceableFuncs(func(name, _ string) bool {
		traceable[name] = true
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Kernel.BTF()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, r := range probe.Renames() {
		heir := probe.FindHeir(r.Old, f.hasFunction)
		if traceable[r.Old] || heir.Name == "" {
			continue
		}
		checked++
		if !traceable[heir.Name] {
			t.Errorf("%s: %s can't be traced", r.Old, heir.Name)
		}
		fn, ok := b.FindOwn(heir.Name, kern.KindFunc)
		for i, n := range heir.Args {
			if have := len(fn.Ref().Params()); ok && n >= have {
				t.Errorf("%s: arg%d is to be arg%d of %s, which has %d", r.Old, i, n, heir.Name, have)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d functions of the table are gone here", checked)
	}
}
