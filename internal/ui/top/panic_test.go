//go:build linux

package top

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/tmux"
)

// breaking is the variable that makes this test program the one that panics.
const breaking = "SKEP_TOP_BREAKS"

func TestMain(m *testing.M) {
	if os.Getenv(breaking) == "" {
		os.Exit(m.Run())
	}
	root := os.DirFS("/")
	k := kern.New(root)
	defer k.Close()
	c := Config{Samples: inspect.New(k, root), Interval: time.Second, Sort: "cpu"}
	// There is no reader for surveys.
	fmt.Println(Run(context.Background(), c))
}

// TestPanic: after a panic the terminal is as it was before, and the panic is readable.
func TestPanic(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := tmux.Start(t, 80, 24)
	before := m.State()
	m.Type(fmt.Sprintf("cd %s; %s=1 %s 2>err; echo status-$((1+0)) $?", t.TempDir(), breaking, self))
	m.WaitFor("status-1 2")
	testkit.Equal(t, "the terminal", before, m.State())
	m.Type("grep -c 'nil pointer dereference' err; head -1 err")
	if s := m.WaitFor("panic: "); strings.Contains(s, "HISTORY") {
		t.Errorf("something is left on the screen:\n%s", s)
	}
}
