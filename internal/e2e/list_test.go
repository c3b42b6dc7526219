//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/swarm"
)

// many is how many programs are loaded to see what a list costs.
const many = 2000

// mostOfBpftool is what share of bpftool's time a list may take: docs/performance.md has about
// a fifth for bpftool 7.8, a quarter for 7.1. Busy CPUs cost skep more, which uses two.
const mostOfBpftool = 0.4

// TestListOfManyPrograms: a list of thousands of programs is whole, and takes neither system
// calls nor memory for each of them.
func TestListOfManyPrograms(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"), testkit.Kernel("5.19"))
	skep := filepath.Join(binDir, "skep")
	before := listCalls(t, skep)
	s, err := swarm.Load(many)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
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
	t.Run("calls", func(t *testing.T) {
		if before == 0 {
			testkit.Need(t, testkit.Program("strace"))
		}
		// A read for a hundred programs; the programs of others come and go.
		if n := listCalls(t, skep); n < 30 || n-before > many/10 {
			t.Errorf("%d system calls for %d programs more, %d without", n, many, before)
		}
	})
	t.Run("beside bpftool", func(t *testing.T) {
		testkit.Need(t, testkit.Program("bpftool"))
		// One after the other, so that other work on the machine slows both down.
		var ratios []float64
		for range 15 {
			ours, theirs := listTime(t, skep), listTime(t, "bpftool")
			ratios = append(ratios, float64(ours)/float64(theirs))
		}
		slices.Sort(ratios)
		ratio := ratios[len(ratios)/2]
		t.Logf("%.2f of bpftool's time", ratio)
		if ratio > mostOfBpftool {
			t.Errorf("skep takes %.2f of bpftool's time, want %.2f at most", ratio, mostOfBpftool)
		}
	})
}

// listCalls counts the system calls of a list but the runtime's own; 0: there's no strace.
func listCalls(t *testing.T, skep string) int {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		return 0
	}
	out, err := exec.Command("strace", "-f", "-c", "-e", "trace=bpf,openat,read,write,close", "-o", "/dev/stdout", skep, "prog", "list", "--no-pids").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+ )?total`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no total in %s", out[max(0, len(out)-300):])
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

func listTime(t *testing.T, tool string) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := exec.Command(tool, "prog", "list").Run(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}
