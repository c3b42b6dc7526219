//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/swarm"
)

// many is how many programs are loaded to see what a list costs.
const many = 2000

// TestListOfManyPrograms: a list of thousands of programs is whole, and takes neither system
// calls nor memory for each of them.
func TestListOfManyPrograms(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"), testkit.Kernel("5.19"))
	s, err := swarm.Load(many)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	skep := filepath.Join(binDir, "skep")
	out, err := exec.Command(skep, "prog", "list", "-j").Output()
	if err != nil {
		t.Fatal(err)
	}
	var progs []struct {
		Name string
		Pids []struct{ PID int }
	}
	if err := json.Unmarshal(out, &progs); err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, p := range progs {
		if regexp.MustCompile(`^bee_\d+`).MatchString(p.Name) && len(p.Pids) == 1 && p.Pids[0].PID == os.Getpid() {
			mine++
		}
	}
	if mine != many {
		t.Errorf("%d programs of %d are listed with their owner", mine, many)
	}
	t.Run("calls", func(t *testing.T) { listCalls(t, skep) })
	t.Run("beside bpftool", func(t *testing.T) {
		testkit.Need(t, testkit.Program("bpftool"))
		ours, theirs := time.Hour, time.Hour
		for range 10 {
			ours, theirs = min(ours, listTime(t, skep)), min(theirs, listTime(t, "bpftool"))
		}
		t.Logf("skep %v, bpftool %v: %.2f of its time", ours, theirs, float64(ours)/float64(theirs))
		// It's about a quarter; a machine with other work on it may not show that.
		if ours > theirs/2 {
			t.Errorf("skep takes %v, bpftool %v", ours, theirs)
		}
	})
}

// listCalls counts the system calls of a list but the runtime's own: a read for a hundred
// programs, what starting takes, and what programs of others need that no record describes.
func listCalls(t *testing.T, skep string) {
	testkit.Need(t, testkit.Program("strace"))
	var out bytes.Buffer
	c := exec.Command("strace", "-f", "-c", "-e", "trace=bpf,openat,read,write,close", "-o", "/dev/stdout", skep, "prog", "list", "--no-pids")
	c.Stdout = &out
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+ )?total`).FindSubmatch(out.Bytes())
	if m == nil {
		t.Fatalf("no total in %s", out.String()[max(0, out.Len()-300):])
	}
	if n, _ := strconv.Atoi(string(m[1])); n < 30 || n > many/2 {
		t.Errorf("%d system calls for %d programs", n, many)
	}
}

func listTime(t *testing.T, tool string) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := exec.Command(tool, "prog", "list").Run(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}
