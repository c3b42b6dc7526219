//go:build linux

package vm

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// guestEnv is set in guests, so that a test there doesn't boot others.
const guestEnv = "SKEP_IN_GUEST"

// Need skips a test that boots guests unless SKEP_T3 asks for such tests and the machine
// has what they take.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(guestEnv) != "" {
		t.Skip("this is a guest")
	}
	testkit.Need(t, testkit.Env("SKEP_T3"), testkit.Program("qemu-system-x86_64"),
		testkit.Program("apt-get"), testkit.Program("dpkg-deb"), testkit.Program("go"))
}

// InGuest reports whether this process runs in a guest.
func InGuest() bool { return os.Getenv(guestEnv) != "" }

// Each runs a subtest for each kernel series; SKEP_T3 may name some ("5.10,6.12"), "1"
// and "all" mean all.
func Each(t *testing.T, f func(t *testing.T, k *Kernel)) {
	Need(t)
	want := os.Getenv("SKEP_T3")
	for _, s := range AllSeries() {
		if want != "1" && want != "all" && !contains(want, s.Name) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			k, err := Fetch(s)
			if err != nil {
				t.Fatal(err)
			}
			f(t, k)
		})
	}
}

func contains(list, name string) bool {
	for s := range strings.SplitSeq(list, ",") {
		if s == name {
			return true
		}
	}
	return false
}

// Package runs the calling package's tests that match pattern in a guest of each kernel.
// The package's testdata comes along. config, when not nil, may change the guest.
func Package(t *testing.T, pattern string, config func(*Config)) {
	Need(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "package.test")
	if _, err := goBuild(binary, "test", "."); err != nil {
		t.Fatal(err)
	}
	Each(t, func(t *testing.T, k *Kernel) {
		c := Config{
			Kernel: k,
			Args:   []string{"/test/package.test", "-test.v", "-test.run", pattern},
			Files:  []File{{binary, "/test/package.test"}},
			Dir:    "/test",
		}
		if data := filepath.Join(dir, "testdata"); firstOf(data) != "" {
			c.Files = append(c.Files, File{data, "/test/testdata"})
		}
		if config != nil {
			config(&c)
		}
		code, out := Output(t, c)
		t.Log(out)
		if code != 0 {
			t.Errorf("tests in Linux %s: exit status %d", k.Release, code)
		}
	})
}

// Output runs a guest and returns the command's exit status and all it printed; a guest
// that breaks fails the test.
func Output(t testing.TB, c Config) (int, string) {
	t.Helper()
	var out bytes.Buffer
	w := &lockedWriter{w: &out}
	c.Stdout, c.Stderr = w, w
	code, err := Run(context.Background(), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return code, out.String()
}

// lockedWriter lets the guest's two streams share a buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
