package exe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

const hiddenSource = `static __attribute__((noinline)) int hidden(int n) { return n * 3; }
int main(int argc, char **argv) { return hidden(argc) == 3 ? 0 : 1; }
`

// command runs a command in dir.
func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// TestStripped looks for a function of a stripped program at every place that distributions
// put symbols to.
func TestStripped(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"), testkit.Program("objcopy"), testkit.Program("strip"), testkit.Program("xz"))
	made := t.TempDir()
	if err := os.WriteFile(filepath.Join(made, "p.c"), []byte(hiddenSource), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, made, "gcc", "-g", "-O1", "-Wl,--build-id=0xabcdef0123", "-o", "full", "p.c")
	command(t, made, "gcc", "-g", "-O1", "-Wl,--build-id=none", "-o", "noid", "p.c")
	for _, name := range []string{"full", "noid"} {
		command(t, made, "objcopy", "--only-keep-debug", name, name+".debug")
		command(t, made, "strip", "-o", name+".stripped", name)
	}
	command(t, made, "gcc", "-O2", "-Wl,--build-id=none", "-o", "other", "p.c")
	command(t, made, "objcopy", "--only-keep-debug", "other", "other.debug")
	command(t, made, "cp", "full.debug", "mini")
	command(t, made, "strip", "-g", "mini")
	command(t, made, "xz", "mini")
	command(t, made, "objcopy", "--add-section", ".gnu_debugdata=mini.xz", "full.stripped", "packed")
	for _, name := range []string{"full", "noid"} {
		command(t, made, "objcopy", "--add-gnu-debuglink="+name+".debug", name+".stripped", name+".linked")
	}
	tests := []struct {
		name  string
		files map[string]string // path: made file
		open  string
		found bool
	}{
		{"nowhere", map[string]string{"bin/p": "full.stripped"}, "/bin/p", false},
		{"by build id", map[string]string{"bin/p": "full.stripped", "usr/lib/debug/.build-id/ab/cdef0123.debug": "full.debug"}, "/bin/p", true},
		{"beside it", map[string]string{"bin/p": "noid.linked", "bin/noid.debug": "noid.debug"}, "/bin/p", true},
		{"in .debug", map[string]string{"bin/p": "noid.linked", "bin/.debug/noid.debug": "noid.debug"}, "/bin/p", true},
		{"in the tree of debug files", map[string]string{"opt/x/p": "full.linked", "usr/lib/debug/opt/x/full.debug": "full.debug"}, "/opt/x/p", true},
		{"of another build", map[string]string{"bin/p": "noid.linked", "bin/noid.debug": "other.debug"}, "/bin/p", false},
		{"carried along", map[string]string{"bin/p": "packed"}, "/bin/p", true},
		{"of a container, there", map[string]string{"proc/7/root/bin/p": "noid.linked", "proc/7/root/bin/.debug/noid.debug": "noid.debug"}, "/proc/7/root/bin/p", true},
		{"by its build id alone", map[string]string{"bin/p": "full.stripped", "bin/p.debug": "full.debug"}, "/bin/p", true},
		{"without link and build id", map[string]string{"bin/p": "noid.stripped", "bin/p.debug": "noid.debug"}, "/bin/p", false},
		{"in a folder that was named", map[string]string{"bin/p": "noid.linked", "elsewhere/noid.debug": "noid.debug"}, "/bin/p", true},
		{"in a named folder below", map[string]string{"bin/p": "noid.linked", "bin/sub/noid.debug": "noid.debug"}, "/bin/p", true},
		{"of a container, here", map[string]string{"proc/7/root/bin/p": "full.stripped", "usr/lib/debug/.build-id/ab/cdef0123.debug": "full.debug"}, "/proc/7/root/bin/p", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for p, from := range tt.files {
				data, err := os.ReadFile(filepath.Join(made, from))
				if err != nil {
					t.Fatal(err)
				}
				to := filepath.Join(root, p)
				if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(to, data, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			files := NewFiles(os.DirFS(root))
			files.DebugDirs = []string{"/elsewhere", "./sub"}
			defer files.Close()
			f, err := files.Open(tt.open)
			if err != nil {
				t.Fatal(err)
			}
			if s, ok := f.Symbol("hidden"); ok != tt.found || ok && s.Size == 0 {
				t.Errorf("hidden: %+v, %v", s, ok)
			}
		})
	}
}

// TestStrippedGo finds the functions of a Go program without symbols where they are in
// the same program with symbols.
func TestStrippedGo(t *testing.T) {
	testkit.Need(t, testkit.Program("go"))
	dir := t.TempDir()
	source := "package main\n\nfunc main() { println(twice(len(\"four\"))) }\n\n//go:noinline\nfunc twice(n int) int { return n * 2 }\n"
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CGO_ENABLED", "0")
	for _, mode := range []string{"exe", "pie"} {
		command(t, dir, "go", "build", "-buildmode="+mode, "-o", "full", "p.go")
		command(t, dir, "go", "build", "-buildmode="+mode, "-ldflags=-s -w", "-o", "stripped", "p.go")
		files := NewFiles(os.DirFS(dir))
		full, err := files.Open("/full")
		if err != nil {
			t.Fatal(err)
		}
		stripped, err := files.Open("/stripped")
		if err != nil {
			t.Fatal(err)
		}
		if !full.Go() || !stripped.Go() {
			t.Errorf("%s: not known to be Go's", mode)
		}
		for _, name := range []string{"main.twice", "runtime.mallocgc"} {
			a, ok1 := full.Symbol(name)
			b, ok2 := stripped.Symbol(name)
			if !ok1 || !ok2 || a.Addr-text(full) != b.Addr-text(stripped) || b.Size < a.Size {
				t.Errorf("%s: %s is %+v, %v; stripped %+v, %v", mode, name, a, ok1, b, ok2)
			}
		}
		files.Close()
	}
}

// text is the address of the code.
func text(f *File) uint64 { return f.ELF.Section(".text").Addr }
