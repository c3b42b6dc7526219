package syntax

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestFormatScripts: the sample scripts are without errors, and are formatted as their
// golden files show.
func TestFormatScripts(t *testing.T) {
	for name, text := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			s, rep := parse(text)
			for _, d := range rep.All() {
				t.Fatalf("%s: %s", d.Code, d.Msg)
			}
			checkFormat(t, text)
			golden := strings.NewReplacer("scripts/", "formatted/", ".bt", ".golden").Replace(name)
			testkit.Golden(t, golden, []byte(Format(s)))
		})
	}
}

// TestFormat: where comments, blanks and line breaks go.
func TestFormat(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", " \n", ""},
		{"only comments", "// a\n\n\n/* b */", "// a\n\n/* b */\n"},
		{"comments around a block", "// a\nbegin // b\n{ // c\n// d\n}// e\n// f",
			"// a\nbegin // b\n{ // c\n\t// d\n} // e\n// f\n"},
		{"one blank line stays", "begin { f();\n\n\n\ng(); }\n\n\nend { }",
			"begin\n{\n\tf();\n\n\tg();\n}\n\nend\n{}\n"},
		{"none at the ends of a block", "begin {\n\n f();\n\n}", "begin\n{\n\tf();\n}\n"},
		{"comment before a semicolon", "begin { f() /* a */; $x = 1 // b\n; }",
			"begin\n{\n\tf(); /* a */\n\t$x = 1; // b\n}\n"},
		{"comments in a list", "begin { f(1 /* a */, /* b */ 2 // c\n); }",
			"begin\n{\n\tf(1, /* a */ /* b */ 2 // c\n\t);\n}\n"},
		{"comment after an operator", "begin { $x = 1 + // a\n2; }", "begin\n{\n\t$x = 1 + // a\n\t\t2;\n}\n"},
		{"signs stay apart", "begin { $x = - -1; $y = 1 - -$x; $z = - --$x; }",
			"begin\n{\n\t$x = - -1;\n\t$y = 1 - -$x;\n\t$z = - --$x;\n}\n"},
		{"a predicate is no comment", "begin / *$1 / { }", "begin\n/ *$1/\n{}\n"},
		{"few attach points stay on a line", "begin,end{}", "begin, end\n{}\n"},
		{"one block stays on its line, one that has lines doesn't", "begin { $x = {1}; $y = {\n1}; }",
			"begin\n{\n\t$x = { 1 };\n\t$y = {\n\t\t1\n\t};\n}\n"},
		{"a value has no semicolon, a statement has", "macro m() { 1 }\nmacro n() { 1; }\nbegin { 1 }",
			"macro m()\n{\n\t1\n}\nmacro n()\n{\n\t1;\n}\nbegin\n{\n\t1;\n}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkFormat(t, tt.text)
			s, _ := parse(tt.text)
			testkit.Equal(t, "formatted", tt.want, Format(s))
		})
	}
}
