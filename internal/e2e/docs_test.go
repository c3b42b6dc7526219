//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

var (
	// shownScript is a script that a command shows.
	shownScript = regexp.MustCompile(`(?m)^[#$] cat \S+\n((?:[^#$\n].*\n|\n)+)`)
	// shellScript is a script on a command line, the first of its block.
	shellScript = regexp.MustCompile(`(?m)^# skep [^\n']*-e '([^']*)'`)
	// shownC is a C file that a command shows, before another command.
	shownC = regexp.MustCompile(`(?ms)^# cat (\S+\.bpf\.c)\n(.*?)^# `)
	// scriptStart begins a block that is a script.
	scriptStart = regexp.MustCompile(`^(#!|#define|//|struct |config |const |fn |macro |begin |\w+:)`)
	// elsewhere are what examples name that isn't on every machine: containers, programs.
	elsewhere = regexp.MustCompile(`\./server|/container ==|/pod ==|/cgroup_path ==|in_list\(container`)
)

// TestLanguageExamples: what docs/language.md shows as scripts is right, or has the error that it's
// shown with.
func TestLanguageExamples(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	text, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "\n```")
	checked := 0
	for i := 1; i < len(blocks); i += 2 {
		block := strings.TrimPrefix(blocks[i], "\n")
		var scripts []string
		dir := t.TempDir()
		for _, m := range shownC.FindAllStringSubmatch(block, -1) {
			if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(m[2]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range shellScript.FindAllStringSubmatch(block, -1) {
			scripts = append(scripts, m[1])
		}
		for _, m := range shownScript.FindAllStringSubmatch(block, -1) {
			scripts = append(scripts, m[1])
		}
		if script, command, ok := strings.Cut(block, "\n# "); scriptStart.MatchString(block) {
			if ok && !strings.HasPrefix(command, "skep ") {
				t.Errorf("a script goes on with a command that isn't skep's: %s", command)
			}
			scripts = append(scripts, script)
		}
		for _, script := range scripts {
			if elsewhere.MatchString(script) {
				continue
			}
			checked++
			checkExample(t, dir, script, strings.Contains(block, " ERROR: "))
		}
	}
	if checked < 20 {
		t.Errorf("only %d examples were found", checked)
	}
}

func checkExample(t *testing.T, dir, script string, wrong bool) {
	t.Helper()
	file := filepath.Join(dir, "example.bt")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(binDir, "skep"), "check", "--unsafe", "--no-warnings", file).CombinedOutput()
	if (err != nil) != wrong {
		t.Errorf("%v in\n%s\n%s", err, script, out)
	}
}
