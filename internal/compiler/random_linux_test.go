package compiler_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

var (
	firstSeed = flag.Uint64("first", 1, "the first seed of random scripts")
	seedCount = flag.Uint64("seeds", 40, "how many random scripts")
	scriptDir = flag.String("keep", "", "a folder for the scripts that failed")
)

// TestFoundScripts runs the scripts of testdata/live and compares what they print.
func TestFoundScripts(t *testing.T) {
	l := newLive(t)
	ar, err := txtar.ParseFile("testdata/live/found.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(ar.Files); i += 2 {
		script, want := string(ar.Files[i].Data), string(ar.Files[i+1].Data)
		t.Run(strings.TrimSuffix(ar.Files[i].Name, ".bt"), func(t *testing.T) {
			out, rep := l.compile(script, nil)
			if errs := errorsOf(rep); strings.Contains(errs, string(diag.CodeFeature)) {
				t.Skipf("needs a newer kernel: %s", errs)
			} else if errs != "" {
				t.Fatal(errs)
			}
			got, _, err := l.run(out.Object)
			if err != nil {
				t.Fatal(rejection(err, rep))
			}
			if got = strings.TrimSuffix(got, "\n\n"); got != want {
				t.Error(testkit.Diff("want", want, "got", got))
			}
		})
	}
}

// TestScriptsInGuests runs the found and some random scripts on other kernels.
func TestScriptsInGuests(t *testing.T) {
	vm.Package(t, "^(TestFoundScripts|TestRandomScripts)$", nil)
}

// TestRandomScripts runs random scripts in the kernel and compares what they print with
// what they mean; an independent evaluator says that. Others than the usual ones:
// go test -run RandomScripts -args -first 5000 -seeds 1000.
func TestRandomScripts(t *testing.T) {
	l := newLive(t)
	rejected := 0
	for seed := *firstSeed; seed < *firstSeed+*seedCount; seed++ {
		script := randomScript(seed, 10+int(seed%30))
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			got, want, diags := l.runAndMean(t, script)
			if diags != "" {
				if !strings.Contains(diags, string(diag.CodeFeature)) {
					rejected++
				}
				t.Logf("not valid: %s", diags)
				return
			}
			if got != want {
				t.Errorf("prints other than it means:\n%s\n%s", testkit.Diff("want", want, "got", got), numbered(script))
			}
		})
		if !ok && *scriptDir != "" {
			if err := os.WriteFile(filepath.Join(*scriptDir, fmt.Sprintf("%d.bt", seed)), []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rejected > int(*seedCount/4)+1 {
		t.Errorf("%d of %d scripts aren't valid: the generator has drifted from the language", rejected, *seedCount)
	}
}

// runAndMean runs a script; diags are the checker's errors if it has any.
func (l *live) runAndMean(t *testing.T, script string) (got, want, diags string) {
	t.Helper()
	out, rep := l.compile(script, func(o *compiler.Options) { o.Parser.Unsafe = true })
	if diags = errorsOf(rep); diags != "" {
		if strings.Contains(diags, "BUG:") || strings.Contains(diags, "E0399") || strings.Contains(diags, "doesn't fit into") {
			t.Errorf("%s\n%s", diags, numbered(script))
		}
		return "", "", diags
	}
	want = meaningOf(out.Info)
	got, errs, err := l.run(out.Object)
	if err != nil {
		t.Fatalf("%s\n%s", rejection(err, rep), numbered(script))
	}
	if strings.Contains(errs, "Lost") || strings.Contains(errs, "update") {
		t.Errorf("stderr: %s", errs)
	}
	return strings.TrimSuffix(got, "\n\n"), want, ""
}

// numbered is a script with its lines' numbers.
func numbered(script string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		fmt.Fprintf(&b, "%3d  %s\n", i+1, line)
	}
	return b.String()
}

// TestRandomScriptsBesideBpftrace compares with bpftrace's output, where SKEP_BPFTRACE
// names its command.
func TestRandomScriptsBesideBpftrace(t *testing.T) {
	peer := strings.Fields(os.Getenv("SKEP_BPFTRACE"))
	if len(peer) == 0 {
		t.Skip("SKEP_BPFTRACE names no command")
	}
	l := newLive(t)
	for seed := *firstSeed; seed < *firstSeed+*seedCount; seed++ {
		script := randomScript(seed, 15)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			got, _, diags := l.runAndMean(t, script)
			cmd := exec.Command(peer[0], append(peer[1:], "-q", "-e", script)...)
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			switch {
			case err != nil:
				t.Skip("bpftrace refuses it") // of 512 bytes of stack, mostly
			case diags != "":
				t.Fatalf("only bpftrace takes it: %s\n%s", diags, numbered(script))
			}
			if want := strings.TrimRight(string(out), "\n"); strings.TrimRight(got, "\n") != want {
				t.Errorf("prints other than bpftrace:\n%s\n%s", testkit.Diff("bpftrace", want, "skep", got), numbered(script))
			}
		})
	}
}
