package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/kernel"
	"github.com/skep-bpf/skep/internal/host/discover"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/target"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/output/text"
	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/run"
	"github.com/skep-bpf/skep/internal/testkit"
)

// live is this machine, for compiling and running scripts in this process.
type live struct {
	kernel *kern.Kernel
	files  *exe.Files
	env    *target.Env
	finder *discover.Finder
}

func newLive(t testing.TB) *live {
	t.Helper()
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Feature("btf"))
	return newFacts(t)
}

// newFacts is this machine for compiling alone, which takes no root.
func newFacts(t testing.TB) *live {
	t.Helper()
	root := os.DirFS("/")
	l := &live{kernel: kern.New(root), files: exe.NewFiles(root)}
	l.env = target.New(l.kernel, l.files, root, runtime.GOARCH)
	l.finder = &discover.Finder{Kernel: l.kernel, Files: l.files, Root: root, SearchPath: os.Getenv("PATH"), Unsafe: true}
	t.Cleanup(func() {
		if err := errors.Join(l.files.Close(), l.kernel.Close()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Expand and Configure make the machine a compiler.Discoverer.
func (l *live) Expand(ps []*probe.Point, rep *diag.Reporter) []*probe.Point {
	return l.finder.Expand(ps, rep)
}
func (l *live) Configure(*object.Config) {}

// liveFiles are the machine's files.
type liveFiles struct{}

func (liveFiles) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (liveFiles) Stat(path string) (os.FileInfo, error)      { return os.Stat(path) }
func (liveFiles) ReadDir(path string) ([]os.DirEntry, error) { return os.ReadDir(path) }

// compile compiles a script for this machine; adjust, when not nil, may change the options.
func (l *live) compile(script string, adjust func(*compiler.Options)) (*compiler.Output, *diag.Reporter) {
	rep := diag.NewReporter(new(diag.Sources))
	opt := compiler.Options{
		Expand: expand.Options{Files: liveFiles{}, Arch: runtime.GOARCH, Lookup: l.env.Type, HaveBTF: true, IsBuiltin: types.IsBuiltin},
		Check:  types.Options{Unsafe: true},
		Env:    l.env, Discover: l, Parser: probe.Parser{Unsafe: true},
		CheckIR: true,
	}
	if adjust != nil {
		adjust(&opt)
	}
	return compiler.Compile(rep.Sources.Add("script.bt", script), opt, rep), rep
}

// errorsOf are the errors of a report, a line each.
func errorsOf(rep *diag.Reporter) string {
	var b strings.Builder
	for _, d := range rep.All() {
		if d.Severity == diag.Error {
			fmt.Fprintf(&b, "%s %s\n", d.Code, d.Msg)
		}
	}
	return b.String()
}

// load has the kernel verify a compiled script's programs; walked is how many
// instructions that took.
func (l *live) load(o *object.Object) (walked int, err error) {
	s, err := kernel.New(kernel.Config{Kernel: l.kernel}).Load(context.Background(), o, engine.Options{Verbose: 1})
	if err != nil {
		return 0, err
	}
	for _, p := range s.Programs() {
		walked += p.Verified
	}
	return walked, s.Close()
}

// run runs a script to its end and gives what it printed.
func (l *live) run(o *object.Object) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	_, err = run.Run(context.Background(), run.Config{
		Object: o, Engine: kernel.New(kernel.Config{Kernel: l.kernel}), Sink: text.New(&out, &errs), Quiet: true,
		Options: engine.Options{RingSize: 1 << 20},
	})
	return out.String(), errs.String(), err
}

// rejection is what the verifier said of a program, with the place in the script.
func rejection(err error, rep *diag.Reporter) string {
	var r *engine.Rejection
	if !errors.As(err, &r) {
		return err.Error()
	}
	where := ""
	for _, line := range r.Prog.Lines {
		if r.Insn < 0 || line.Insn > r.Insn {
			break
		}
		f, at, _ := rep.Sources.Resolve(line.Pos)
		line, col := f.LineCol(at)
		where = fmt.Sprintf("%d:%d", line, col)
	}
	return fmt.Sprintf("%s at %s: %s", r.Prog.Name, where, r.Reason)
}

// TestFolder compiles and loads the scripts SKEP_SCRIPTS/*.bt: for looking at others' scripts.
func TestFolder(t *testing.T) {
	dir := os.Getenv("SKEP_SCRIPTS")
	if dir == "" {
		t.Skip("SKEP_SCRIPTS names no folder of scripts")
	}
	l := newLive(t)
	files, _ := filepath.Glob(filepath.Join(dir, "*.bt"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out, rep := l.compile(string(b), nil)
		if rep.Failed() {
			errs := errorsOf(rep)
			t.Logf("%s: diagnosed: %s", filepath.Base(file), errs)
			if strings.Contains(errs, "BUG:") {
				t.Errorf("%s: a mistake of the compiler", filepath.Base(file))
			}
			continue
		}
		walked, err := l.load(out.Object)
		t.Logf("%s: %d instructions walked", filepath.Base(file), walked)
		if err != nil {
			t.Errorf("%s: %s", filepath.Base(file), rejection(err, rep))
			if os.Getenv("SKEP_LOG") != "" {
				var r *engine.Rejection
				if errors.As(err, &r) {
					t.Log(r.Log)
				}
			}
		}
	}
}
