package sym

import (
	"bufio"
	"debug/elf"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestUnwind reads ahead what a program maps, and finds the same rows in its process.
func TestUnwind(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Program("cat"))
	if runtime.GOARCH != "amd64" {
		t.Skip("of x86-64")
	}
	path, err := exec.LookPath("cat")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Skip(err) // a script
	}
	names, err := f.ImportedLibraries()
	f.Close()
	if err != nil || len(names) == 0 {
		t.Skip("cat has no libraries")
	}
	s := New(Config{})
	defer s.Close()
	ahead := s.UnwindFile(path)
	if len(ahead) < 1+len(names) {
		t.Errorf("rows of %d files, want those of cat and of %v", len(ahead), names)
	}

	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	in.Write([]byte("x\n"))
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it runs
		t.Fatal(err)
	}
	list := s.Unwind(uint32(cmd.Process.Pid))
	if len(list) < 1+len(names) {
		t.Errorf("%d mappings, want those of cat and of %v", len(list), names)
	}
	for i, u := range list {
		if i > 0 && u.Start < list[i-1].End {
			t.Errorf("mappings %#x and %#x", list[i-1].Start, u.Start)
		}
		first, last := u.Rows[0].Addr+u.Bias, u.Rows[len(u.Rows)-1].Addr+u.Bias
		if first < u.Start || first >= u.End || last < u.Start || last > u.End {
			t.Errorf("rows from %#x to %#x in a mapping from %#x to %#x", first, last, u.Start, u.End)
		}
	}
	for _, rows := range ahead {
		found := false
		for _, u := range list {
			found = found || &u.Rows[0] == &rows[0]
		}
		if !found {
			t.Errorf("rows from %#x were read twice", rows[0].Addr)
		}
	}
	if list := s.Unwind(4 << 20); list != nil {
		t.Errorf("a process that isn't there has %d mappings", len(list))
	}
}
