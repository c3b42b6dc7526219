package output

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
)

func show(places []Place) string {
	var b strings.Builder
	for _, p := range places {
		b.WriteString(p.Range + "\n" + strings.Join(p.Context, "\n") + "\n")
	}
	return b.String()
}

func TestPlaces(t *testing.T) {
	src := &diag.Sources{}
	f := src.Add("stdin", "begin {\n\t$z =\t@x[5]; f(1,\n  2); }")
	span := func(from, to int) diag.Span { return diag.Span{Start: f.Pos(from), End: f.Pos(to)} }
	tests := []struct {
		name string
		s    diag.Span
		want string
	}{
		{"tabs", span(14, 19), "stdin:2:7-12\n    $z =    @x[5]; f(1,\n            ~~~~~\n"},
		{"several lines", span(21, 29), "stdin:2-3\n\t$z =\t@x[5]; f(1,\n  2); }\n"},
		{"no position", diag.Span{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testkit.Equal(t, "places", test.want, show(PlacesOf(src, test.s)))
		})
	}
}

// TestPlaceInMacro: first the text in the macro, then its use.
func TestPlaceInMacro(t *testing.T) {
	src := &diag.Sources{}
	f := src.Add("stdin", "macro m() { 1/0 } begin { m() }")
	body := diag.Span{Start: f.Pos(12), End: f.Pos(15)}
	base := src.Expand(body, diag.Span{Start: f.Pos(26), End: f.Pos(29)}, "m")
	got := show(PlacesOf(src, diag.Span{Start: base, End: base + 3}))
	line := "macro m() { 1/0 } begin { m() }\n"
	want := "stdin:1:13-16\n" + line + "            ~~~\n" + "stdin:1:27-30\n" + line + "                          ~~~\n"
	testkit.Equal(t, "places", want, got)
}
