package diag

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// world is a set of sources with a macro expanded in it.
func world() (*Sources, *Source, *Reporter) {
	s := &Sources{}
	f := s.Add("tool.bt", "begin {\n\tprint($ab);\n\t$文 = \"x\" + 1;\n}\nmacro m(x) { x + $no }\nend { m(1); }\n")
	return s, f, NewReporter(s)
}

// find is the span of the n-th (from 0) occurrence of text.
func find(f *Source, text string, n int) Span {
	at := -1
	for ; n >= 0; n-- {
		at += 1 + strings.Index(f.Text[at+1:], text)
	}
	return Span{f.Pos(at), f.Pos(at + len(text))}
}

func text(t *testing.T, s *Sources, list []*Diagnostic, colored bool) string {
	t.Helper()
	var out strings.Builder
	if err := WriteText(&out, s, list, colored); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestText(t *testing.T) {
	s, f, rep := world()
	rep.Errorf("E0201", find(f, "$ab", 0), "unknown variable `%s`", "$ab").
		NoteAt(find(f, "macro", 0), "macros can't see it").
		Note("variables live in one probe").
		Suggest("$a")
	rep.Warnf("W0001", find(f, "+", 0), "odd sum")
	expect(t, text(t, s, rep.All(), false), `
tool.bt:2:8: ERROR: unknown variable `+"`$ab`"+` [E0201]
2 |         print($ab);
  |               ^~~
tool.bt:5:1: NOTE: macros can't see it
5 | macro m(x) { x + $no }
  | ^~~~~
  note: variables live in one probe
  fix: did you mean `+"`$a`"+`?
tool.bt:3:13: WARNING: odd sum [W0001]
3 |         $文 = "x" + 1;
  |                   ^
`)
}

func TestTextOfExpansion(t *testing.T) {
	s, f, rep := world()
	body := find(f, "{ x + $no }", 0)
	base := s.Expand(body, find(f, "m(1)", 0), "m")
	at := find(f, "$no", 0)
	in := Span{at.Start - body.Start + base, at.End - body.Start + base}
	rep.Errorf("E0201", in, "unknown variable `$no`")
	expect(t, text(t, s, rep.All(), false), `
tool.bt:5:18: ERROR: unknown variable `+"`$no`"+` [E0201]
5 | macro m(x) { x + $no }
  |                  ^~~
tool.bt:6:7: NOTE: in the expansion of macro `+"`m`"+`
6 | end { m(1); }
  |       ^~~~
`)
}

func TestTextEdges(t *testing.T) {
	s := &Sources{}
	f := s.Add("a", "x\x1b[31m\ny {\n z\n}")
	tests := []struct {
		name string
		span Span
		want string
	}{
		{"no place", Span{}, "ERROR: m\n"},
		{"control characters don't reach the terminal", Span{f.Pos(0), f.Pos(1)}, "a:1:1: ERROR: m\n1 | x\ufffd[31m\n  | ^\n"},
		{"several lines show the first", Span{f.Pos(9), f.Pos(15)}, "a:2:3: ERROR: m\n2 | y {\n  |   ^\n"},
		{"end of the text", Span{f.Pos(15), f.Pos(15)}, "a:4:2: ERROR: m\n4 | }\n  |  ^\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, text(t, s, []*Diagnostic{{Span: tt.span, Msg: "m"}}, false), tt.want)
		})
	}
}

// TestLongLine: of lines that programs write only what is around the place is shown.
func TestLongLine(t *testing.T) {
	var s Sources
	f := s.Add("long.bt", strings.Repeat("é=1;", 500)+"$ab"+strings.Repeat(";2", 500))
	rep := NewReporter(&s)
	rep.Errorf("E0201", find(f, "$ab", 0), "unknown variable")
	expect(t, text(t, &s, rep.All(), false), `
long.bt:1:2501: ERROR: unknown variable [E0201]
1 | …`+strings.Repeat("é=1;", 20)+"$ab"+strings.Repeat(";2", 48)+`;…
  |  `+strings.Repeat(" ", 80)+`^~~
`)
}

func TestTextColored(t *testing.T) {
	s, f, rep := world()
	rep.Errorf("E0201", find(f, "$ab", 0), "m")
	got := text(t, s, rep.All(), true)
	if !strings.Contains(got, "\x1b[1;31mERROR:\x1b[0m m") {
		t.Errorf("no red ERROR in %q", got)
	}
}

func TestLines(t *testing.T) {
	s, f, rep := world()
	rep.Errorf("E0201", find(f, "$ab", 0), "unknown variable").Suggest("$a")
	rep.Warnf("", Span{}, "no place")
	var out strings.Builder
	if err := WriteLines(&out, s, rep.All()); err != nil {
		t.Fatal(err)
	}
	expect(t, out.String(), "WARNING: no place\ntool.bt:2:8: ERROR: unknown variable [E0201] (did you mean `$a`?)\n")
}

func TestJSON(t *testing.T) {
	s, f, rep := world()
	rep.Errorf("E0201", find(f, "$ab", 0), "a < b").NoteAt(find(f, "m", 0), "here").Note("there").Suggest("$a")
	rep.Errorf("", Span{}, "nowhere")
	var out strings.Builder
	if err := WriteJSON(&out, s, rep.All()); err != nil {
		t.Fatal(err)
	}
	place := `{"file":"tool.bt","start":{"line":2,"column":8,"offset":15},"end":{"line":2,"column":11,"offset":18}}`
	expect(t, out.String(), `
{"severity":"error","message":"nowhere"}
{"severity":"error","code":"E0201","message":"a < b","location":`+place+`,"notes":[{"message":"here","location":{"file":"tool.bt","start":{"line":5,"column":1,"offset":40},"end":{"line":5,"column":2,"offset":41}}},{"message":"there"}],"fix":{"message":"did you mean `+"`$a`"+`?","location":`+place+`,"text":"$a"}}
`)
}

// TestDistance compares with the plain table, which looks at all of both words.
func TestDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(9))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	var e editor
	for range 20000 {
		a, b, limit := word(), word(), r.IntN(5)
		want := min(plainDistance(a, b), limit+1)
		if got := min(e.distance(a, b, limit), limit+1); got != want {
			t.Fatalf("%q to %q: %d edits of at most %d, want %d", a, b, got, limit, want)
		}
	}
}

// plainDistance is Damerau and Levenshtein's restricted distance, by its definition.
func plainDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestNearest(t *testing.T) {
	names := []string{"printf", "print", "kstack", "ustack", "count"}
	tests := []struct{ word, want string }{
		{"pritnf", "printf"}, {"prin", "print"}, {"KSTACK", "kstack"}, {"stack", "kstack"},
		{"cuont", "count"}, {"xyz", ""}, {"", ""}, {"c", ""},
	}
	for _, tt := range tests {
		if got, ok := Nearest(tt.word, names); got != tt.want || ok != (tt.want != "") {
			t.Errorf("Nearest(%q) = %q, %t, want %q", tt.word, got, ok, tt.want)
		}
	}
}

func TestFirstErrorOfLine(t *testing.T) {
	_, f, rep := world()
	rep.Errorf("", find(f, ")", 0), "second")
	rep.Errorf("", find(f, "$ab", 0), "first")
	rep.Warnf("", find(f, ";", 0), "kept")
	rep.Errorf(CodeNoMatch, find(f, "$ab", 0), "point")
	rep.Errorf(CodeNoMatch, find(f, ")", 0), "second point")
	var got []string
	for _, d := range rep.All() {
		got = append(got, d.Msg)
	}
	if s := strings.Join(got, " "); s != "first point kept" {
		t.Errorf("got %q", s)
	}
}

func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^[EWN]\d{4}$`)
	seen := map[Code]bool{}
	for _, d := range Codes() {
		if !form.MatchString(string(d.Code)) || seen[d.Code] || d.Title == "" || d.Text == "" {
			t.Errorf("%s: malformed, twice, or without title or text", d.Code)
		}
		seen[d.Code] = true
	}
	if _, ok := Explain("E9999"); ok {
		t.Error("E9999 is explained")
	}
	if d, ok := Explain(CodeString); !ok || d.Title != "string not closed" {
		t.Errorf("Explain(%s) = %v", CodeString, d)
	}
}
