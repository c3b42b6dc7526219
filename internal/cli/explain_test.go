package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/testkit"
)

// withoutExample are the codes that a script alone can't give: why.
var withoutExample = map[diag.Code]string{
	diag.CodeDepth:         "takes hundreds of brackets",
	diag.CodeImportRefused: "takes a file that everyone may write",
	diag.CodeImportConfig:  "takes a second script",
	diag.CodeOptionUnknown: "is about the command line",
	diag.CodeOptionValue:   "is about the command line",
	diag.CodeImportSkipped: "takes a directory with a file that everyone may write",
	diag.CodeFeature:       "takes an old kernel",
	diag.CodeNoBTF:         "takes a kernel without BTF",
	diag.CodeNoTracefs:     "takes a machine without tracefs",
	diag.WarnEnviron:       "is about the environment",
	diag.CodeCFloat:        "takes a C file",
	diag.CodeCRecurses:     "takes a C file",
	diag.CodeCNoBody:       "takes a C file",
	diag.CodeCBounds:       "takes a C file",
	diag.CodeCCalls:        "takes a C file",
	diag.CodeCSection:      "takes a C file",
	diag.CodeCNoReturn:     "takes a C file",
	diag.CodeNoSourceLine:  "takes a binary with debug information",
}

// TestExplainExamples: the example of each code gives it, and a code without one has a reason.
func TestExplainExamples(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Feature("btf"))
	t.Chdir(t.TempDir())
	if err := os.WriteFile("prog.txt", []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range diag.Codes() {
		if reason := withoutExample[d.Code]; (d.Example == "") != (reason != "") {
			t.Errorf("%s %s: example %q, reason for none %q", d.Code, d.Title, d.Example, reason)
		}
		if d.Example == "" || d.Code == diag.CodeParamMissing {
			continue // a check leaves parameters open; package expand has the example
		}
		var out strings.Builder
		a := &app{in: strings.NewReader(""), out: &out, err: &out}
		status := a.main([]string{"skep", "check", "--error-format=json", "-e", d.Example})
		hidden := strings.Contains(out.String(), string(diag.NoteUnchecked))
		if !strings.Contains(out.String(), `"code":"`+string(d.Code)+`"`) && !hidden {
			t.Errorf("%s: the example %q gives\n%s", d.Code, d.Example, out.String())
		}
		if strings.HasPrefix(string(d.Code), "E") && status != exitError && !hidden {
			t.Errorf("%s: the example %q ends with status %d", d.Code, d.Example, status)
		}
	}
}
