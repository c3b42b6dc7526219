//go:build linux

package vm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestGuestBoots boots each kernel and looks at what a program finds there.
func TestGuestBoots(t *testing.T) {
	Each(t, func(t *testing.T, k *Kernel) {
		probe := filepath.Join(t.TempDir(), "probe")
		if err := Build(probe, "github.com/skep-bpf/skep/internal/testkit/vm/testdata/probe"); err != nil {
			t.Fatal(err)
		}
		code, out := Output(t, Config{
			Kernel: k, Disk: 16,
			Args:  []string{"/probe", "7", "hello guest"},
			Files: []File{{probe, "/probe"}},
			Env:   []string{"GREETING=hi"},
		})
		if code != 7 {
			t.Errorf("exit status %d, want 7", code)
		}
		want := "release " + k.Release + "\nargument hello guest\nGREETING hi\n" +
			"tracefs events there\nbtf there\nlo up\nscratch writable\n"
		testkit.Equal(t, "output", want, out)
	})
}

// TestInGuest is what TestGuestPackage runs in the guests.
func TestInGuest(t *testing.T) {
	if !InGuest() {
		t.Skip("run by TestGuestPackage in guests")
	}
	testkit.Need(t, testkit.Root(), testkit.Kernel("5.10"), testkit.Feature("btf"),
		testkit.Feature("tracefs"), testkit.Feature("kprobe"), testkit.Feature("bpf lsm"), testkit.Feature("fentry"))
}

func TestGuestPackage(t *testing.T) {
	Package(t, "^TestInGuest$", nil)
}

// TestArchive has cpio itself read what we write.
func TestArchive(t *testing.T) {
	testkit.Need(t, testkit.Program("cpio"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odd"), []byte("12345"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("odd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	a := newArchive(&b)
	a.file("/etc/name", 0o644, []byte("x"))
	a.file("/etc/name", 0o644, []byte("not taken"))
	a.add(File{dir, "/tree"})
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cpio", "-itv", "--quiet", "-n")
	cmd.Stdin = &b
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got strings.Builder
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		got.WriteString(f[0] + " " + f[4] + " " + strings.Join(f[8:], " ") + "\n")
	}
	want := "drwxr-xr-x 0 etc\n-rw-r--r-- 1 etc/name\ndrwxr-xr-x 0 tree\n" +
		"lrwxrwxrwx 3 tree/link -> odd\n-rwxr-xr-x 5 tree/odd\n"
	testkit.Equal(t, "listing", want, got.String())
}

func TestMirrors(t *testing.T) {
	tests := []struct {
		name, text string
		read       func([]byte, func(uri, suites string))
	}{
		{"deb822", "Types: deb\nURIs: http://main.example/debian\nSuites: bookworm bookworm-updates\n\n" +
			"Types: deb\nURIs: http://sec.example/debian\nSuites: bookworm-security\n", deb822},
		{"one line", "# deb http://old.example x main\ndeb [signed-by=/k a=b] http://main.example/debian bookworm main\n" +
			"deb http://sec.example/debian bookworm-security main\n", oneLine},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			test.read([]byte(test.text), func(uri, suites string) {
				got = append(got, uri+" "+strings.Fields(suites)[0])
			})
			want := "http://main.example/debian bookworm\nhttp://sec.example/debian bookworm-security"
			testkit.Equal(t, "mirrors", want, strings.Join(got, "\n"))
		})
	}
}

func TestNewestByNumber(t *testing.T) {
	older, newer := numbers("linux-image-5.10.0-9-cloud-amd64"), numbers("linux-image-5.10.0-46-cloud-amd64")
	if older[3] != 9 || newer[3] != 46 {
		t.Errorf("got %v and %v", older, newer)
	}
}
