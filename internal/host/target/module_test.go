package target

import (
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// withModules is captured with two modules, kvm and xen, which each define struct vcpu. vmlinux
// only declares it, in struct machine.
func withModules(t *testing.T) *Env {
	t.Helper()
	files := map[string]string{}
	for _, m := range []string{"kvm", "xen"} {
		data, err := os.ReadFile("../kern/testdata/" + m + ".btf")
		if err != nil {
			t.Fatal(err)
		}
		files["sys/kernel/btf/"+m] = string(data)
	}
	return captured(t, files)
}

func TestModuleType(t *testing.T) {
	for _, c := range []struct{ name, module, fn, has string }{
		{"struct vcpu", "", "", "mode"},          // the first that has it
		{"struct vcpu", "", "xen_run", "xstate"}, // the function's own
		{"struct vcpu", "xen", "xen_run", "xstate"},
		{"struct vcpu", "", "do_task", "mode"}, // vmlinux's function
		{"struct vcpu", "", "nosuch", "mode"},
		{"xstate_t", "", "", "xstate"}, // only one has it
	} {
		e := withModules(t)
		if _, ok := e.Type(c.name); ok {
			t.Errorf("%s is known before modules are asked", c.name)
		}
		vcpu, ok := e.ModuleType(c.name, c.module, c.fn)
		if !ok || vcpu.Size != 16 || types.Select(vcpu.S, c.has) == nil {
			t.Errorf("%s for %s: %v, want one with %s", c.name, c.fn, ok, c.has)
			continue
		}
		if task := field(t, vcpu.S, "owner").Type.Elem; show(task) != "struct task" || task.Size != 48 {
			t.Errorf("%s.owner points to %s", c.name, show(task))
		}
		if again, _ := e.ModuleType(c.name, c.module, c.fn); again != vcpu {
			t.Errorf("%s is made twice", c.name)
		}
	}
	e := withModules(t)
	for _, name := range []string{"struct task", "struct owner", "vcpu", "", "struct "} {
		if _, ok := e.ModuleType(name, "", ""); ok {
			t.Errorf("a module has %q", name)
		}
	}
	if _, ok := captured(t, nil).ModuleType("struct vcpu", "", ""); ok {
		t.Error("found without modules")
	}
}

// A struct that vmlinux only declares has its fields from a module, once they're asked for.
func TestForward(t *testing.T) {
	e := withModules(t)
	machine, _ := e.Type("struct machine")
	vcpu := field(t, machine.S, "vcpu").Type.Elem
	if !vcpu.S.Forward || vcpu.S.Size != 0 {
		t.Errorf("before it's read: %+v", vcpu.S)
	}
	if mode := field(t, vcpu.S, "mode"); mode.Offset != 8 || vcpu.S.Size != 16 {
		t.Errorf("mode is at %d of %d bytes", mode.Offset, vcpu.S.Size)
	}
	if lost := field(t, machine.S, "lost").Type.Elem; len(lost.S.Fields()) != 0 {
		t.Error("a struct that nothing defines has fields")
	}
	defined, _ := e.ModuleType("struct vcpu", "", "")
	if !types.Identical(vcpu, defined) {
		t.Error("the declared struct isn't the defined one")
	}
}
