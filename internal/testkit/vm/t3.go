//go:build linux

package vm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// TestDir is where a package's tests are in a guest: its testdata, and the test binary.
const TestDir = "/test"

// TestFiles builds a package's tests into dir, and says what to take along: first the test
// binary, then testdata.
func TestFiles(pkg, dir string) ([]File, error) {
	binary := filepath.Join(dir, "package.test")
	if _, err := goBuild(binary, "test", pkg); err != nil {
		return nil, err
	}
	files := []File{{binary, TestDir + "/package.test"}}
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("find package %s: %w", pkg, err)
	}
	if data := filepath.Join(strings.TrimSpace(string(folder)), "testdata"); firstOf(data) != "" {
		files = append(files, File{data, TestDir + "/testdata"})
	}
	return files, nil
}

// Package runs the calling package's tests that match pattern in a guest of each kernel.
// The package's testdata comes along. config, when not nil, may change the guest. A test
// that is skipped there fails, unless what it needs is a newer kernel or a processor's
// counters.
func Package(t *testing.T, pattern string, config func(*Config)) {
	Need(t)
	files, err := TestFiles(".", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	Each(t, func(t *testing.T, k *Kernel) {
		c := Config{
			Kernel: k,
			Args:   []string{files[0].Guest, "-test.v", "-test.run", pattern},
			Files:  slices.Clone(files),
			Dir:    TestDir,
		}
		if config != nil {
			config(&c)
		}
		code, out := Output(t, c)
		t.Log(out)
		if code != 0 {
			t.Errorf("tests in Linux %s: exit status %d", k.Release, code)
		}
		for name, why := range skips(out) {
			if !mayMiss.MatchString(why) {
				t.Errorf("%s was skipped in Linux %s: %s", name, k.Release, why)
			}
		}
	})
}

// mayMiss is what a guest hasn't got: newer kernels' features, what Debian builds some
// kernels without, counters that nobody emulates.
var mayMiss = regexp.MustCompile(`^needs (Linux [0-9.]+|a newer kernel|kprobe\.multi|pmu):`)

var (
	testLine = regexp.MustCompile(`^\s*=== \w+ +(\S+)`)
	skipLine = regexp.MustCompile(`^\s*--- SKIP: (\S+)`)
	logLine  = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)
)

// skips are the tests that were skipped and the last words of each, from the output of
// verbose tests.
func skips(out string) map[string]string {
	found, last, current := map[string]string{}, map[string]string{}, ""
	for line := range strings.Lines(out) {
		if m := testLine.FindStringSubmatch(line); m != nil {
			current = m[1]
		} else if m := skipLine.FindStringSubmatch(line); m != nil {
			found[m[1]] = last[m[1]]
		} else if m := logLine.FindStringSubmatch(line); m != nil {
			last[current] = m[1]
		}
	}
	return found
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
