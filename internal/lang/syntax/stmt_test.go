package syntax

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

// TestValues: which last expressions are a block's value, and which are statements.
func TestValues(t *testing.T) {
	tests := []struct{ text, want string }{
		{"begin { 1 }", "(block value=false 1)"},
		{"macro m() { 1 }", "(block value=true 1)"},
		{"macro m() { 1; }", "(block value=false 1)"},
		{"macro m() { $x = 1 }", "(block value=false (= $x 1))"},
		{"fn f() { 1 }", "(block value=false 1)"},
		{"begin { if (1) { 2 } else { 3 } }",
			"(block value=false (stmt (if 1 (block value=false 2) (block value=false 3))))"},
		{"macro m() { if (1) { 2 } else { 3 } }",
			"(block value=true (if 1 (block value=true 2) (block value=true 3)))"},
		{"macro m() { if (1) { 2 } else { 3 }; }",
			"(block value=false (stmt (if 1 (block value=false 2) (block value=false 3))))"},
		{"macro m() { if (1) { 2 } }", "(block value=false (stmt (if 1 (block value=false 2))))"},
		{"macro m() { if (1) { 2 } else if (3) { 4 } }",
			"(block value=false (stmt (if 1 (block value=false 2) (if 3 (block value=false 4)))))"},
		{"macro m() { if (1) { 2 } else { $x = 3; } }",
			"(block value=false (stmt (if 1 (block value=false 2) (block value=false (= $x 3)))))"},
		{"macro m() { if (1) { 2 } else { 3 } + 4 }",
			"(block value=true (+ (if 1 (block value=true 2) (block value=true 3)) 4))"},
		{"macro m() { if (1) { $x = 2 } *$p }",
			"(block value=true (stmt (if 1 (block value=false (= $x 2)))) (unary* $p))"},
		{"begin { { { 1 } } }", "(block value=false (stmt (block value=false (stmt (block value=false 1)))))"},
		{"begin { $x = { { 1 } } }", "(block value=false (= $x (block value=true (block value=true 1))))"},
		{"begin { if comptime (a) { } }", "(block value=false (stmt (if-comptime a (block value=false))))"},
		{"begin { if (comptime a) { } }", "(block value=false (stmt (if (comptime a) (block value=false))))"},
		{"begin { pid ? f() : g() h(); }", "(block value=false (?: pid (call f) (call g)) (call h))"},
	}
	for _, tt := range tests {
		s, rep := parse(tt.text)
		if rep.Failed() {
			t.Errorf("%s: %s", tt.text, rep.All()[0].Msg)
			continue
		}
		var body Node
		Inspect(s, func(n Node) bool {
			if b, ok := n.(*Block); ok && body == nil {
				body = b
			}
			return body == nil
		})
		if got := strings.Join(strings.Fields(Dump(body)), " "); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
}

// TestCloneSubst: a macro's body with its arguments put in, at the places of the call.
func TestCloneSubst(t *testing.T) {
	var sources diag.Sources
	ids := new(IDs)
	rep := diag.NewReporter(&sources)
	s := Parse(sources.Add("test.bt", "macro m(x, $v, @m, t) { let $v: t; for ($v : @m) { x((t *)x, typeof(t)); } $v++; x }"), ids, rep)
	m := s.Decls[0].(*Macro)
	before := ids.Len()
	c := Cloner{
		IDs: ids,
		At:  func(p diag.Pos) diag.Pos { return p + 1000 },
		Subst: func(e Expr) Expr {
			switch e := e.(type) {
			case *Ident:
				if e.Name == "x" {
					return &IntLit{Val: 7}
				}
			case *VarExpr:
				return &VarExpr{Name: "$a"}
			case *MapExpr:
				return &MapExpr{Name: "@b"}
			case *TypeExpr:
				if e.Name == "t" && e.Ptr == 0 {
					return &TypeExpr{Name: "int8"}
				}
			}
			return nil
		},
	}
	got := c.Block(m.Body)
	want := `(block value=true
  (let typed=true $a (type int8))
  (for $a @b (block value=false
    (call x (cast (type t *) 7) (type (typeof t)))))
  (post++ $a)
  7)`
	if d := Dump(got); d != want {
		t.Errorf("got\n%s\nwant\n%s", d, want)
	}
	if int(got.ID()) < before || got.Span().Start != m.Body.Span().Start+1000 {
		t.Errorf("the copy has id %d (the last was %d) at %v of %v", got.ID(), before-1, got.Span(), m.Body.Span())
	}
}

// TestWalk: children come in the order of the source, and post after them.
func TestWalk(t *testing.T) {
	s, _ := parse("begin { $a = f($b, @c[1].d) ? $e : (int8)$f; }")
	var pre, post []string
	name := func(n Node) string {
		switch n := n.(type) {
		case *VarExpr:
			return n.Name
		case *MapExpr:
			return n.Name
		case *Ident:
			return n.Name
		}
		return ""
	}
	Walk(s, func(n Node) bool {
		pre = append(pre, name(n))
		_, skip := n.(*CastExpr)
		return !skip
	}, func(n Node) { post = append(post, name(n)) })
	if got := strings.Join(strings.Fields(strings.Join(pre, " ")), " "); got != "$a f $b @c d $e" {
		t.Errorf("visited %s", got)
	}
	if len(post) != len(pre)-1 {
		t.Errorf("%d after, %d before; the cast is skipped", len(post), len(pre))
	}
}

// BenchmarkParse reads a script of some 100 probes.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for range 25 {
		for name, s := range scripts(b) {
			if !strings.Contains(name, "toplevel") {
				text.WriteString(s)
			}
		}
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, rep := parse(text.String()); rep.Failed() {
			b.Fatal(rep.All()[0].Msg)
		}
	}
}
