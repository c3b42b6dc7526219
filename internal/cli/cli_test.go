package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/run"
	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/tools"
)

func TestMain(m *testing.M) {
	call := func() { os.Exit(Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
	testscript.Main(m, map[string]func(){"skep": call, "bpftrace": call, "nobpf": noBPF})
}

// TestScripts runs testdata/*.txtar: command lines, their output and exit statuses.
func TestScripts(t *testing.T) { runScripts(t, "testdata") }

// TestLive runs testdata/live/*.txtar: scripts on the live kernel.
func TestLive(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("tracefs"))
	runScripts(t, "testdata/live")
}

// TestCheck runs testdata/check/*.txtar: scripts checked without root and without bpf(2).
func TestCheck(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	runScripts(t, "testdata/check")
}

// condition is [root], or [hidden:tracefs]: it isn't mounted where others than root may read it.
func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Geteuid() == 0, nil
	case "hidden:tracefs":
		info, err := os.Stat("/sys/kernel/tracing")
		return err != nil || info.Mode().Perm()&1 == 0 || !exists("/sys/kernel/tracing/events"), nil
	}
	return false, errors.New("unknown condition")
}

func runScripts(t *testing.T, dir string) {
	objects, err := filepath.Abs("../bpf/link/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Setup: func(env *testscript.Env) error {
			env.Setenv("OBJECTS", objects)
			return nil
		},
		Dir:           dir,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Condition:     condition,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"status": status, "fits": fits},
	})
}

// status runs a command that must end with a status: `status 2 skep -x`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command args…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// fits checks that stdout fits a screen of 24 lines by 80 columns.
func fits(ts *testscript.TestScript, neg bool, _ []string) {
	out := strings.TrimSuffix(ts.ReadFile("stdout"), "\n")
	lines := strings.Split(out, "\n")
	if len(lines) > 24 {
		ts.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if len([]rune(l)) > 80 {
			ts.Fatalf("%d columns: %s", len([]rune(l)), l)
		}
	}
}

// jobOf is the Job that a command line makes.
func jobOf(t *testing.T, args ...string) (*Job, string) {
	t.Helper()
	var job *Job
	var out strings.Builder
	a := &app{in: strings.NewReader(""), out: &out, err: &out, run: func(_ *app, j *Job) int { job = j; return 0 }}
	if status := a.main(args); status != 0 || job == nil {
		t.Fatalf("%q: status %d, job %v: %s", args, status, job, out.String())
	}
	return job, out.String()
}

func TestJobs(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.bt", []byte("begin { }"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		ok   func(*Job) bool
	}{
		{"skep -f json -o out -q a.bt x --n=1 --on", func(j *Job) bool {
			return j.Format == "json" && j.Output == "out" && j.Quiet && j.Text == "begin { }" && len(j.Params) == 1 && j.Named[0].Value == "1" && j.Named[1].Bare
		}},
		{"skep run -p 12 -vv a.bt -- --n=1", func(j *Job) bool { return j.Pid == 12 && j.Verbose == 2 && j.Named[0].Name == "n" }},
		{"skep -v --duration 1.5 -e begin{} 7", func(j *Job) bool {
			return j.Text == "begin{}" && j.Name == "stdin" && j.Params[0] == "7" && j.Duration.Milliseconds() == 1500
		}},
		{"skep --unsafe --dump ast,ssa:gvn biolatency -mT 1 5", func(j *Job) bool {
			return j.Unsafe && j.Dump[1] == "ssa:gvn" && j.Header.Name == "biolatency" && len(j.Params) == 2 && len(j.Named) == 2
		}},
		{"skep --iso biolatency --utc -T 1 5", func(j *Job) bool { return j.ISO && j.UTC && len(j.Params) == 2 && len(j.Named) == 1 }},
		{"skep a.bt --utc", func(j *Job) bool { return !j.UTC && j.Named[0].Name == "utc" }},
		{"skep -l", func(j *Job) bool { return j.List && j.Search == "*:*" }},
		{"skep -lv kprobe:vfs_*", func(j *Job) bool { return j.List && j.Search == "kprobe:vfs_*" && j.Verbose == 1 }},
		{"bpftrace -qe begin{} -f json 7 -- --n=1 8", func(j *Job) bool {
			return j.Bpftrace && j.Quiet && j.Format == "json" && len(j.Params) == 2 && j.Named[0].Name == "n"
		}},
		{"bpftrace a.bt -v --unsa 1 -p 0x10", func(j *Job) bool { return j.Verbose == 1 && j.Unsafe && j.Params[0] == "1" && j.Pid == 16 }},
		{"bpftrace -d codegen-opt,dis -B none -k -I /x --include y.h -e begin{}", func(j *Job) bool {
			return len(j.Dump) == 2 && j.Buffering == "none" && j.Warnings == 2 && j.IncludeDirs[0] == "/x" && j.Includes[0] == "y.h"
		}},
		{"bpftrace --test --no-warnings a.bt", func(j *Job) bool { return j.Mode == run.ModeTest && j.Warnings == 0 }},
		{"skep bpftrace -l a.bt", func(j *Job) bool { return j.List && j.Text == "begin { }" && j.Bpftrace }},
		{"bpftrace -l", func(j *Job) bool { return j.List && j.Search == "*:*" }},
		{"bpftrace --mode codegen -e begin{}", func(j *Job) bool { return j.DryRun }},
	}
	for _, tt := range tests {
		if j, _ := jobOf(t, strings.Fields(tt.args)...); !tt.ok(j) {
			t.Errorf("%s: %+v", tt.args, j)
		}
	}
}

// TestCompletion: a tool's options complete, and the names of tools do.
func TestCompletion(t *testing.T) {
	var out strings.Builder
	a := &app{in: strings.NewReader(""), out: &out, err: &out, run: nil}
	a.main([]string{"skep", "__complete", "biolatency", "--m"})
	if !strings.Contains(out.String(), "--milliseconds\tmillisecond histogram") {
		t.Error(out.String())
	}
	out.Reset()
	a.main([]string{"skep", "__complete", "tcp"})
	if !strings.Contains(out.String(), "tcplife") {
		t.Error(out.String())
	}
}

// TestCommandsByName: a command is there when its name is among the words of the command line.
func TestCommandsByName(t *testing.T) {
	a := &app{}
	for name, c := range a.commands(&cobra.Command{}, new(runFlags)) {
		if got := c().Name(); got != name {
			t.Errorf("the command %s is found by the name %s", got, name)
		}
		if got := a.root("-v", name, "--x").Commands(); name != "man" && len(got) != 1 {
			t.Errorf("%d commands for %s", len(got), name)
		}
	}
	if got := a.root("-e", "begin { exit(); }").Commands(); len(got) != 0 {
		t.Errorf("%d commands for a program", len(got))
	}
	if got := a.root("-q", "tcplife").Commands(); len(got) != 1 || got[0].Name() != "tcplife" {
		t.Errorf("for a tool: %v", got)
	}
}

// TestToolNames: no tool has the name of a command, which would hide it.
func TestToolNames(t *testing.T) {
	seen := map[string]int{}
	for _, c := range (&app{}).root().Commands() {
		seen[c.Name()]++
	}
	for _, tool := range tools.All() {
		if seen[tool.Name] != 1 {
			t.Errorf("%d commands are called %s", seen[tool.Name], tool.Name)
		}
	}
}
