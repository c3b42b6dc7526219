//go:build linux

package output_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
	"golang.org/x/tools/txtar"
)

// facts holds scripts and what bpftrace 0.27 printed for them: NAME.bt, NAME.out (standard
// output), NAME.err (standard error), and NAME.args when it took more arguments.
const facts = "testdata/bpftrace.txtar"

// TestAsBpftrace runs each script of the facts on the live kernel and compares all output.
// With -update and SKEP_BPFTRACE ("chroot DIR bpftrace") the facts are recorded anew.
func TestAsBpftrace(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root())
	archive, err := txtar.ParseFile(facts)
	if err != nil {
		t.Fatal(err)
	}
	if testkit.Updating() {
		record(t, archive)
		return
	}
	skep := binary(t)
	files := contents(archive)
	for _, name := range cases(archive) {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(files[name+".bt"], "system(") {
				testkit.Need(t, testkit.Program("sh"))
			}
			out, errs := run(t, []string{skep, "bpftrace"}, files[name+".args"], files[name+".bt"])
			testkit.Equal(t, "standard output", files[name+".out"], out)
			testkit.Equal(t, "standard error", files[name+".err"], errs)
		})
	}
}

// TestAsBpftraceT3 does the same on each kernel that skep is tested on.
func TestAsBpftraceT3(t *testing.T) {
	vm.Need(t)
	skep := binary(t)
	vm.Package(t, "^TestAsBpftrace$", func(c *vm.Config) {
		c.Files = append(c.Files, vm.File{Host: skep, Guest: "/bin/skep"})
		c.Env = append(c.Env, binaryEnv+"=/bin/skep")
		c.Timeout = 10 * time.Minute
	})
}

// binaryEnv names a skep to test, where there's no Go to build one.
const binaryEnv = "SKEP_BINARY"

func binary(t *testing.T) string {
	if skep := os.Getenv(binaryEnv); skep != "" {
		return skep
	}
	skep := filepath.Join(t.TempDir(), "skep")
	build := exec.Command("go", "build", "-o", skep, "../../cmd/skep")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build skep: %v\n%s", err, out)
	}
	return skep
}

func contents(a *txtar.Archive) map[string]string {
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// cases are the names of the scripts in order.
func cases(a *txtar.Archive) []string {
	var names []string
	for _, f := range a.Files {
		if name, ok := strings.CutSuffix(f.Name, ".bt"); ok {
			names = append(names, name)
		}
	}
	return names
}

// run runs a script with -e. The newline with which an archived script ends isn't its own.
// So that txtar can hold output that doesn't end in a newline, one is added to any output.
func run(t *testing.T, command []string, args, script string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	line := append(append(command, strings.Fields(args)...), "-e", strings.TrimSuffix(script, "\n"))
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && ctx.Err() != nil {
		t.Fatalf("run %s: %v", strings.Join(line, " "), ctx.Err())
	}
	return out.String() + "\n", withoutMachine(errs.String()) + "\n"
}

// withoutMachine leaves out what bpftrace says about the machine, not about the script.
func withoutMachine(errs string) string {
	var kept strings.Builder
	for line := range strings.Lines(errs) {
		if strings.Contains(line, "available_filter_functions") || strings.Contains(line, "RLIMIT_MEMLOCK") ||
			strings.Contains(line, "Addrspace is not set") {
			continue
		}
		kept.WriteString(line)
	}
	return kept.String()
}

func record(t *testing.T, old *txtar.Archive) {
	testkit.Need(t, testkit.Env("SKEP_BPFTRACE"))
	files := contents(old)
	fresh := &txtar.Archive{Comment: old.Comment}
	add := func(name, text string) {
		fresh.Files = append(fresh.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	for _, name := range cases(old) {
		args := files[name+".args"]
		out, errs := run(t, strings.Fields(os.Getenv("SKEP_BPFTRACE")), args, files[name+".bt"])
		add(name+".bt", files[name+".bt"])
		if args != "" {
			add(name+".args", args)
		}
		add(name+".out", out)
		add(name+".err", errs)
	}
	if err := os.WriteFile(facts, txtar.Format(fresh), 0o644); err != nil {
		t.Fatal(err)
	}
}
