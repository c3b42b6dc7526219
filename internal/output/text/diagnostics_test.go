package text

import (
	"bytes"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
)

func TestWriteDiagnostics(t *testing.T) {
	src := new(diag.Sources)
	f := src.Add("s.bt", "begin {\n\tprint($ab);\n  if (1 +\n2) { }\n}\nmacro m(x) { x + $no }\nend { m(1); \x1b[31m }\n")
	find := func(text string) diag.Span {
		at := strings.Index(f.Text, text)
		return diag.Span{Start: f.Pos(at), End: f.Pos(at + len(text))}
	}
	body := find("{ x + $no }")
	base := src.Expand(body, find("m(1)"), "m")
	inMacro := diag.Span{Start: find("$no").Start - body.Start + base, End: find("$no").End - body.Start + base}

	for _, c := range []struct {
		name string
		say  func(rep *diag.Reporter)
		want string
	}{
		{"a range", func(rep *diag.Reporter) { rep.Errorf("E0201", find("$ab"), "no %s", "$ab") },
			"s.bt:2:8-11: ERROR: no $ab\n    print($ab);\n          ~~~\n"},
		{"several lines", func(rep *diag.Reporter) { rep.Warnf("W0201", find("1 +\n2"), "odd") },
			"s.bt:3-4: WARNING: odd\n  if (1 +\n2) { }\n"},
		{"no place", func(rep *diag.Reporter) { rep.Errorf("E0201", diag.Span{}, "nowhere") }, "ERROR: nowhere\n"},
		{"more to say", func(rep *diag.Reporter) {
			rep.Errorf("E0201", find("m(1)"), "bad").NoteAt(find("macro"), "made here").Note("it can be").Suggest("n(1)")
		}, "s.bt:7:7-11: ERROR: bad\nend { m(1); \uFFFD[31m }\n      ~~~~\n" +
			"s.bt:6:1-6: NOTE: made here\nmacro m(x) { x + $no }\n~~~~~\n" +
			"HINT: it can be\nHINT: did you mean `n(1)`?\n"},
		{"in a macro", func(rep *diag.Reporter) { rep.Errorf("E0201", inMacro, "no $no") },
			"s.bt:6:18-21: ERROR: no $no\nmacro m(x) { x + $no }\n                 ~~~\n" +
				"s.bt:7:7-11: ERROR: expanded from\nend { m(1); \uFFFD[31m }\n      ~~~~\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := diag.NewReporter(src)
			c.say(rep)
			var out bytes.Buffer
			if err := WriteDiagnostics(&out, src, rep.All(), false); err != nil {
				t.Fatal(err)
			}
			testkit.Equal(t, "text", c.want, out.String())
		})
	}

	rep := diag.NewReporter(src)
	rep.Errorf("E0201", find("$ab"), "no").Note("perhaps")
	rep.Warnf("W0201", diag.Span{}, "odd")
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, src, rep.All(), true); err != nil {
		t.Fatal(err)
	}
	testkit.Equal(t, "colored", "\x1b[33mWARNING: odd\x1b[0m\n"+
		"\x1b[31ms.bt:2:8-11: ERROR: no\x1b[0m\n    print($ab);\n          ~~~\nHINT: perhaps\n", out.String())
}
