package cdecl

import (
	"os"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
)

// BenchmarkScope reads C text as a script has it.
func BenchmarkScope(b *testing.B) {
	for name, text := range map[string]string{
		"none":   "",
		"kernel": "#include <linux/fs.h>\n#include <net/sock.h>",
		"struct": "#define A 1\nstruct s { int x[A]; };",
		"stdint": "#include <stdint.h>",
		"libc":   "#include <netinet/in.h>",
	} {
		b.Run(name, func(b *testing.B) {
			if name == "libc" {
				testkit.Need(b, installed("netinet/in.h"))
			}
			b.ReportAllocs()
			for b.Loop() {
				s, rep := read(text, Options{ReadFile: os.ReadFile})
				if rep.Failed() {
					b.Fatal(messages(rep))
				}
				s.Macro("A")
			}
		})
	}
}

// installed is a header of the C library.
func installed(name string) testkit.Requirement {
	return testkit.Requirement{Name: name, Missing: func() string {
		t := newTree(&Options{Arch: "amd64", ReadFile: os.ReadFile}, nil)
		if !t.inSystem(name) {
			return "not in /usr/include"
		}
		return ""
	}}
}

// TestNoText: a script without C text doesn't enter the front end.
func TestNoText(t *testing.T) {
	reads := 0
	opt := Options{ReadFile: func(string) ([]byte, error) { reads++; return nil, os.ErrNotExist }}
	allocs := testing.AllocsPerRun(100, func() {
		r := NewReader(opt, diag.NewReporter(new(diag.Sources)))
		if _, ok := r.Scope().Macro("A"); ok {
			t.Error("A is defined")
		}
	})
	if reads > 0 || allocs > 12 {
		t.Errorf("%d files read, %v allocations", reads, allocs)
	}
}

// Nor does one that includes nothing but the kernel's headers; what they have is known anyway.
func TestOnlyKernel(t *testing.T) {
	files := map[string]string{"inc/linux/sched.h": "#define OWN 1\n"}
	for _, c := range []struct {
		text    string
		read    bool
		defined string
	}{
		{"#include <linux/fs.h>\n # include <linux/socket.h> \n", false, "AF_INET"},
		{"#include <linux/fs.h>\n#define A 1\n", true, "A"},
		{"#include <linux/fs.h> // x\n", true, "O_CREAT"},
		{"#include <linux/version.h>\n", true, "LINUX_VERSION_CODE"},
		{"#include <linux/fs.h>\n#include <linux/sched.h>\n", true, "OWN"},
	} {
		s, rep := read(c.text, Options{ReadFile: machineFiles(files), Dirs: []string{"inc"}, Release: "6.1.0"})
		if got := messages(rep); got != "" {
			t.Fatal(got)
		}
		if (s.ast != nil) != c.read {
			t.Errorf("%q entered the front end: %t", c.text, s.ast != nil)
		}
		if _, ok := s.Macro(c.defined); !ok {
			t.Errorf("%q: %s isn't defined", c.text, c.defined)
		}
	}
}
