package expand

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

var update = flag.Bool("update", false, "rewrite the expected results")

// TestCases expands the script of each testdata/*.txtar with the files beside it, the
// words of `args` as its command line, and compares the result and the diagnostics.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := runCase(a)
			want := &a.Files[len(a.Files)-1]
			if want.Name != "want" {
				t.Fatal("the case doesn't end with the file `want`")
			}
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if string(want.Data) != got {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

func runCase(a *txtar.Archive) string {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	all := fstest.MapFS{"dir": {Mode: fs.ModeDir | 0o755}}
	opt := Options{Dir: "dir", Arch: "amd64", HaveBTF: true, Files: all}
	opt.IsBuiltin = func(name string) bool { return name == "cpu" || name == "print" || name == "fail" }
	var script string
	for _, f := range a.Files {
		switch f.Name {
		case "script":
			script = string(f.Data)
		case "args":
			opt.Params, opt.Named = commandLine(strings.Fields(string(f.Data)))
		case "want":
		default:
			mode := fs.FileMode(0o644)
			if strings.Contains(f.Name, "writable") {
				mode = 0o666
			}
			all[filepath.Join("dir", f.Name)] = &fstest.MapFile{Data: f.Data, Mode: mode}
		}
	}
	ids := new(syntax.IDs)
	tree := syntax.Parse(sources.Add("script", script), ids, rep)
	var r *Result
	if !rep.Failed() {
		r = Expand(tree, opt, ids, rep)
	}
	var out strings.Builder
	for _, d := range rep.All() {
		show(&out, &sources, d)
	}
	if rep.Failed() {
		return out.String()
	}
	for _, o := range r.Options {
		fmt.Fprintf(&out, "option %s %v default=%q help=%q\n", o.Name, o.Kind, o.Default, o.Help)
	}
	for _, f := range r.Funcs {
		fmt.Fprintln(&out, syntax.Dump(f))
	}
	for _, p := range r.Probes {
		fmt.Fprintln(&out, syntax.Dump(p))
	}
	return out.String()
}

// show writes a diagnostic with its place, the macros that led there, and its notes.
func show(out *strings.Builder, s *diag.Sources, d *diag.Diagnostic) {
	place := func(p diag.Pos) string {
		f, at, chain := s.Resolve(p)
		if f == nil {
			return "-"
		}
		line, col := f.LineCol(at)
		text := fmt.Sprintf("%s:%d:%d", f.Name, line, col)
		for _, e := range chain {
			text += " in " + e.Name
		}
		return text
	}
	fmt.Fprintf(out, "%s %s: %s\n", place(d.Span.Start), d.Code, d.Msg)
	for _, n := range d.Notes {
		fmt.Fprintf(out, "\t%s: %s\n", place(n.Span.Start), n.Msg)
	}
}

func commandLine(args []string) (params []string, named []Named) {
	for _, a := range args {
		name, ok := strings.CutPrefix(a, "--")
		if !ok {
			params = append(params, a)
			continue
		}
		name, value, found := strings.Cut(name, "=")
		named = append(named, Named{Name: name, Value: value, Bare: !found})
	}
	return params, named
}

// TestCodeExamples: the examples of the codes that expansion reports give these codes.
func TestCodeExamples(t *testing.T) {
	for _, c := range diag.Codes() {
		if c.Example == "" || !strings.HasPrefix(string(c.Code[1:]), "02") || c.Code[3] > '3' {
			continue
		}
		a := &txtar.Archive{Files: []txtar.File{{Name: "script", Data: []byte(c.Example)}, {Name: "prog.txt"}}}
		if got := runCase(a); !strings.Contains(got, " "+string(c.Code)+": ") {
			t.Errorf("the example of %s gives\n%s", c.Code, got)
		}
	}
}

// FuzzExpand: no script makes expansion panic or run away.
func FuzzExpand(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if file.Name == "script" {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, script string) {
		runCase(&txtar.Archive{Files: []txtar.File{{Name: "args", Data: []byte("1 x")}, {Name: "script", Data: []byte(script)}}})
	})
}
