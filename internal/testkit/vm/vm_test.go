//go:build linux

package vm

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestGuestBoots boots each kernel and looks at what a program finds there.
func TestGuestBoots(t *testing.T) {
	Each(t, func(t *testing.T, k *Kernel) {
		probe := filepath.Join(t.TempDir(), "probe")
		if err := Build(probe, "github.com/skep-bpf/skep/internal/testkit/vm/testdata/probe"); err != nil {
			t.Fatal(err)
		}
		artefacts := t.TempDir()
		code, out := Output(t, Config{
			Kernel: k, Disk: 16, Artefacts: artefacts,
			Args:  []string{"/probe", "7", "hello guest"},
			Files: []File{{probe, "/probe"}},
			Env:   []string{"GREETING=hi"},
		})
		if code != 7 {
			t.Errorf("exit status %d, want 7", code)
		}
		want := "release " + k.Release + "\nargument hello guest\nGREETING hi\n" +
			"tracefs events there\nbtf there\nlo up\npeer 192.0.2.2 says hello\nshell runs cat\nscratch writable\n"
		testkit.Equal(t, "output", want, out)
		left, err := os.ReadFile(filepath.Join(artefacts, "left", "here"))
		if err != nil || string(left) != "by the probe" {
			t.Errorf("artefact %q, %v", left, err)
		}
	})
}

// A kernel that panics is reported with its last words, one that goes on too long with the
// time it had.
func TestGuestBreaks(t *testing.T) {
	Need(t)
	k, err := Fetch(AllSeries()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, script, want string
		timeout            time.Duration
	}{
		{"panic", "echo c > /proc/sysrq-trigger; sleep 60", "Kernel panic - not syncing: sysrq triggered crash", time.Minute},
		{"timeout", "echo working > /dev/console; sleep 600", "deadline exceeded", 15 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, err := Run(t.Context(), Config{Kernel: k, Timeout: test.timeout, Args: []string{"/bin/sh", "-c", test.script}})
			if err == nil || !strings.HasPrefix(err.Error(), "run guest: no exit status: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("exit status %d, %v", code, err)
			}
		})
	}
}

// What there's no room for is told, and nothing is left behind.
func TestGuestFullDisk(t *testing.T) {
	Need(t)
	testkit.Need(t, testkit.Root())
	k, err := Fetch(AllSeries()[0])
	if err != nil {
		t.Fatal(err)
	}
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("TMPDIR", small)
	t.Setenv("GOTMPDIR", "/var/tmp")
	_, err = Run(t.Context(), Config{Kernel: k, Args: []string{"/bin/true"}})
	if !errors.Is(err, syscall.ENOSPC) && (err == nil || !strings.Contains(err.Error(), "no space left on device")) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(small); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A kernel that's in the cache takes neither the network nor any program.
func TestFetchOffline(t *testing.T) {
	cache := t.TempDir()
	s := AllSeries()[0]
	for _, name := range []string{"boot/vmlinuz-5.10.9", "lib/modules/5.10.9/kernel/x.ko"} {
		path := filepath.Join(cache, "5.10.9", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("5.10.9", filepath.Join(cache, s.Name)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SKEP_VM_CACHE", cache)
	t.Setenv("PATH", t.TempDir())
	k, err := Fetch(s)
	if err != nil || k.Release != "5.10.9" {
		t.Errorf("%+v, %v", k, err)
	}
	t.Setenv("SKEP_VM_CACHE", t.TempDir())
	if _, err := Fetch(s); err == nil || !strings.HasPrefix(err.Error(), "fetch kernel 5.10: ") {
		t.Errorf("with nothing there: %v", err)
	}
}

func TestSkips(t *testing.T) {
	out := `=== RUN   TestA
=== RUN   TestA/one
    a_test.go:3: needs Linux 6.6: this is Linux 5.10
=== RUN   TestA/two
=== CONT  TestA/one
    a_test.go:9: needs program sh: not in PATH
--- PASS: TestA (0.00s)
    --- SKIP: TestA/one (0.00s)
    --- PASS: TestA/two (0.00s)
`
	got := skips(out)
	if len(got) != 1 || got["TestA/one"] != "needs program sh: not in PATH" {
		t.Errorf("%q", got)
	}
}

// A program that links the C library comes with it and with its dynamic linker.
func TestDynamic(t *testing.T) {
	testkit.Need(t, testkit.Program("cat"))
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	files, err := Dynamic(cat)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.Guest))
	}
	for _, want := range []string{"cat", "libc.so.6", "ld-linux-x86-64.so.2"} {
		if runtime.GOARCH == "amd64" && !slices.Contains(names, want) {
			t.Errorf("%s isn't among %v", want, names)
		}
	}
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
