package ssa

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the passes make into testdata")

// TestGolden runs the pass that the first word of a testdata/*.txtar names on each
// NAME.before and compares with NAME.after.
func TestGolden(t *testing.T) {
	byName := map[string]pass{}
	for _, p := range passes {
		byName[strings.ReplaceAll(p.name, " ", "_")] = p
	}
	covered := map[string]bool{}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Fields(string(a.Comment))[0]
		p, ok := byName[name]
		if !ok {
			t.Errorf("%s: no pass %q", file, name)
			continue
		}
		covered[p.name] = true
		t.Run(name, func(t *testing.T) { goldenFile(t, file, a, p) })
	}
	for _, p := range passes {
		if !covered[strings.TrimPrefix(p.name, "late ")] {
			t.Errorf("pass %s has no testdata", p.name)
		}
	}
}

func goldenFile(t *testing.T, file string, a *txtar.Archive, p pass) {
	want := map[string]string{}
	for _, f := range a.Files {
		want[f.Name] = string(f.Data)
	}
	out := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		name, ok := strings.CutSuffix(f.Name, ".before")
		if !ok {
			continue
		}
		got := golden(t, name, string(f.Data), p)
		out.Files = append(out.Files, f, txtar.File{Name: name + ".after", Data: []byte(got)})
		if !*update && got != want[name+".after"] {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want[name+".after"])
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func golden(t *testing.T, name, text string, p pass) string {
	prog, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out strings.Builder
	for i, f := range prog.Funcs {
		if err := Check(f); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		p.fn(f, &Options{Helper: testHelpers})
		if err := Check(f); err != nil {
			t.Fatalf("%s: after: %v\n%s", name, err, f)
		}
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(f.String())
	}
	return out.String()
}
