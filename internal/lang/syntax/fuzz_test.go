package syntax

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

// parse reads a script and returns it with the diagnostics.
func parse(text string) (*Script, *diag.Reporter) {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	return Parse(sources.Add("test.bt", text), new(IDs), rep), rep
}

// scripts are the sample scripts, which hold all of the grammar.
func scripts(tb testing.TB) map[string]string {
	files, err := filepath.Glob("testdata/scripts/*.bt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no scripts: %v", err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out[f] = string(text)
	}
	return out
}

func seed(f *testing.F) {
	for _, text := range scripts(f) {
		f.Add(text)
	}
	for _, doc := range diag.Codes() {
		f.Add(doc.Example)
	}
}

// FuzzScan: tokens are in order, inside of the text, and come to an end.
func FuzzScan(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		var sources diag.Sources
		s := NewScanner(sources.Add("test.bt", text), diag.NewReporter(&sources))
		for last := 0; ; {
			tok := s.Next()
			if tok.Start < last || tok.End < tok.Start || tok.End > len(text) {
				t.Fatalf("token %+v after %d of %d", tok, last, len(text))
			}
			if tok.Kind == EOF {
				return
			}
			if tok.End == tok.Start {
				t.Fatalf("empty token %+v", tok)
			}
			last = tok.End
		}
	})
}

// FuzzParse: the parser ends, gives each expression an id and a place in the text, and
// a copy is the same tree with other ids.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		var sources diag.Sources
		ids := new(IDs)
		s := Parse(sources.Add("test.bt", text), ids, diag.NewReporter(&sources))
		seen := map[ExprID]bool{}
		Inspect(s, func(n Node) bool {
			at := n.Span()
			if at.End < at.Start || at.Start < s.Span().Start || at.End > s.Span().End {
				t.Fatalf("%T at %v of %v", n, at, s.Span())
			}
			if e, ok := n.(Expr); ok {
				if e.ID() == 0 || seen[e.ID()] {
					t.Fatalf("%s has id %d", Dump(e), e.ID())
				}
				seen[e.ID()] = true
			}
			return true
		})
		for _, d := range s.Decls {
			if p, ok := d.(*Probe); ok && p.Body != nil {
				c := Cloner{IDs: ids}
				if got := c.Block(p.Body); !Equal(got, p.Body) || seen[got.ID()] {
					t.Fatalf("copy of %s is %s", Dump(p.Body), Dump(got))
				}
			}
		}
	})
}

// FuzzFormat: a formatted script is the same script, with the same comments, and
// formatting it again changes nothing.
func FuzzFormat(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) { checkFormat(t, text) })
}

func checkFormat(t *testing.T, text string) {
	t.Helper()
	s, rep := parse(text)
	if rep.Failed() {
		return
	}
	out := Format(s)
	again, rep := parse(out)
	if rep.Failed() {
		t.Fatalf("formatted script has errors: %s\n%s\nfrom\n%s", rep.All()[0].Msg, out, text)
	}
	if !Equal(s, again) {
		t.Fatalf("formatted script differs:\n%s\n%s\nfrom\n%s", out, Dump(again), Dump(s))
	}
	if len(s.Comments) != len(again.Comments) {
		t.Fatalf("%d comments became %d:\n%s\nfrom\n%s", len(s.Comments), len(again.Comments), out, text)
	}
	if twice := Format(again); twice != out {
		t.Fatalf("formatted twice:\n%s\nonce:\n%s\nfrom\n%s", twice, out, text)
	}
}
