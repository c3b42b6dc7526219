package compiler_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// cInputs are what the random functions are called with: (int, unsigned, long, unsigned long).
var cInputs = []string{"1, 2, 3, 4", "-7, 4000000000, -5, 18446744073709551615", "2147483647, 0, -9000000000000000000, 12345678901234567890", "-100000, 77, 255, 65536"}

// TestRandomCFunctions runs random C functions in the kernel and compares what they give with
// what gcc makes of them. Others than the usual ones: go test -run RandomCFunctions -args
// -first 5000 -seeds 1000.
func TestRandomCFunctions(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"))
	l := newLive(t)
	for seed := *firstSeed; seed < *firstSeed+*seedCount; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const funcs = 6
			compareC(t, l, randomC(seed, funcs), funcs)
		})
	}
}

// compareC compares what f0 … of a C text give with what gcc makes of them.
func compareC(t *testing.T, l *live, text string, funcs int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "f.bpf.c")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	script, main := fmt.Sprintf("import %q;\nbegin {\n", file), text+"\n#include <stdio.h>\nint main(void) {\n"
	for i := range funcs {
		for _, in := range cInputs {
			script += fmt.Sprintf("printf(\"%d %%lld\\n\", f%d(%s));\n", i, i, in)
			main += fmt.Sprintf("printf(\"%d %%lld\\n\", (long long)f%d(%s));\n", i, i, in)
		}
	}
	want := runGcc(t, dir, main+"return 0; }\n")
	out, rep := l.compile(script+"exit(); }\n", nil)
	if errs := errorsOf(rep); errs != "" {
		keepC(t, file, text)
		t.Fatalf("%s\n%s", errs, numbered(text))
	}
	got, _, err := l.run(out.Object)
	if err != nil && strings.Contains(err.Error(), "too large") {
		t.Skipf("the verifier gave up: %s", rejection(err, rep))
	}
	if err != nil {
		keepC(t, file, text)
		t.Fatalf("%s\n%s", rejection(err, rep), numbered(text))
	}
	if got = strings.TrimSuffix(got, "\n\n"); strings.TrimSpace(got) != strings.TrimSpace(want) {
		keepC(t, file, text)
		t.Errorf("%s\n%s", testkit.Diff("gcc", want, "skep", got), numbered(text))
	}
}

// keepC writes a text that failed into the folder of -keep.
func keepC(t *testing.T, file, text string) {
	if *scriptDir != "" {
		name := strings.ReplaceAll(t.Name(), "/", "_") + "_" + filepath.Base(file)
		if err := os.WriteFile(filepath.Join(*scriptDir, name), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// runGcc gives what a C program prints.
func runGcc(t *testing.T, dir, text string) string {
	t.Helper()
	src, bin := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	if err := os.WriteFile(src, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-w", "-O1", "-fwrapv", "-fno-strict-aliasing", "-o", bin, src).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s\n%s", err, out, numbered(text))
	}
	out, err := exec.Command(bin).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
