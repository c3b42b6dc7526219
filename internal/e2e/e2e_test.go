//go:build linux

// Package e2e tests the skep binary from end to end: a script goes in, the kernel runs it,
// text comes out. testdata/*.txtar are run on this machine's kernel and in each booted one,
// testdata/guest/*.txtar in those only, testdata/host/*.txtar, which take compilers and their
// like, on this machine only.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// module is where the binaries under test come from.
const module = "github.com/skep-bpf/skep/"

// binDir holds skep and target; in a guest they come with the test.
var binDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if vm.InGuest() {
		binDir = guestBin
		return m.Run()
	}
	var err error
	if binDir, err = os.MkdirTemp("", "skep-e2e-"); err == nil {
		defer os.RemoveAll(binDir)
		// Scripts run skep as nobody, too.
		err = os.Chmod(binDir, 0o755)
	}
	for name, pkg := range map[string]string{"skep": "cmd/skep", "target": "internal/e2e/testdata/target"} {
		if err == nil {
			err = vm.Build(filepath.Join(binDir, name), module+pkg)
		}
	}
	if err == nil {
		err = buildUSDT()
	}
	if err == nil {
		err = buildUnwind()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}

// buildUSDT builds the program with static probes, where that can be done.
func buildUSDT() error {
	if _, err := exec.LookPath("gcc"); err != nil || runtime.GOARCH != "amd64" {
		return nil
	}
	out, err := exec.Command("gcc", "-nostdlib", "-static", "-o", filepath.Join(binDir, "usdt"), "testdata/usdt/usdt.s").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build usdt.s: %w\n%s", err, out)
	}
	return nil
}

// buildUnwind builds the program without frame pointers, where that can be done.
func buildUnwind() error {
	if _, err := exec.LookPath("gcc"); err != nil || runtime.GOARCH != "amd64" {
		return nil
	}
	flags := []string{"-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls"}
	library := filepath.Join(binDir, "libunwound.so")
	for _, args := range [][]string{
		{"-fPIC", "-shared", "-Wl,-soname,libunwound.so", "-o", library, "testdata/unwind/library.c"},
		{"-o", filepath.Join(binDir, "unwound"), "testdata/unwind/main.c", library, "-Wl,-rpath,$ORIGIN"},
	} {
		out, err := exec.Command("gcc", append(flags, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("gcc %v: %w\n%s", args, err, out)
		}
	}
	return nil
}

// scripts runs the txtar files of a folder with the commands of commands.go.
func scripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: testkit.Updating(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binDir+":"+os.Getenv("PATH"))
			env.Setenv("BIN", binDir)
			objects, err := filepath.Abs("testdata/bpf")
			if err != nil {
				return err
			}
			env.Setenv("OBJECTS", objects)
			env.Values[sessionsKey{}] = map[string]*session{}
			return nil
		},
		Cmds:      commands,
		Condition: condition,
	})
}

func TestScripts(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	scripts(t, "testdata")
}

func TestHostScripts(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	if vm.InGuest() {
		t.Skip("run outside of guests")
	}
	scripts(t, "testdata/host")
}
