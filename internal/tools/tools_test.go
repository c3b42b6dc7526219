package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/testkit"
)

// check reads a script's header and compares it with its getopt calls.
func check(name, text string) (*Header, *diag.Reporter) {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	src := sources.Add(name, text)
	h := ParseHeader(src, rep)
	ids := new(syntax.IDs)
	script := syntax.Parse(src, ids, rep)
	if h != nil {
		var params []string
		for _, a := range h.Args {
			params = append(params, max(a.Default, "1"))
		}
		r := expand.Expand(script, expand.Options{Params: params, HaveBTF: true, IsBuiltin: func(string) bool { return true }}, ids, rep)
		h.Check(script, r.Options, rep)
	}
	return h, rep
}

func messages(rep *diag.Reporter) string {
	var out []string
	for _, d := range rep.All() {
		f, at, _ := rep.Sources.Resolve(d.Span.Start)
		line, col := f.LineCol(at)
		out = append(out, fmt.Sprintf("%d:%d %s: %s", line, col, d.Code, d.Msg))
	}
	return strings.Join(out, "\n")
}

// TestTools: each tool's header fits its script, is formatted, and its help text fits 80
// columns and is the one in testdata.
func TestTools(t *testing.T) {
	all := All()
	if len(all) == 0 {
		t.Fatal("no tools")
	}
	for _, tool := range all {
		t.Run(tool.Name, func(t *testing.T) {
			h, rep := check(tool.Name+".bt", tool.Source)
			if got := messages(rep); got != "" {
				t.Fatal(got)
			}
			if h.Name != tool.Name || h.Summary == "" || len(h.Examples) == 0 {
				t.Errorf("header of %q: summary %q, %d examples", h.Name, h.Summary, len(h.Examples))
			}
			if got := format(tool.Source); got != tool.Source {
				t.Errorf("the script isn't in the standard layout:\n%s", got)
			}
			usage := h.Usage(tool.Name)
			for line := range strings.Lines(usage) {
				if len(line) > 81 {
					t.Errorf("help line of %d columns: %s", len(line)-1, line)
				}
			}
			testkit.Golden(t, filepath.Join("testdata", tool.Name+".help"), []byte(usage))
		})
	}
}

func format(text string) string {
	var sources diag.Sources
	return syntax.Format(syntax.Parse(sources.Add("", text), new(syntax.IDs), diag.NewReporter(&sources)))
}

func TestParse(t *testing.T) {
	tests := []struct{ tool, args, want string }{
		{"biolatency", "", "[99999999 99999999] map[]"},
		{"biolatency", "-mT 1 5", "[1 5] map[milliseconds:true timestamp:true]"},
		{"biolatency", "1 -m --disk=sda 5", "[1 5] map[disk:sda milliseconds:true]"},
		{"biolatency", "--disk sda -d sdb", "[99999999 99999999] map[disk:sdb]"},
		{"biolatency", "-mdsda", "[99999999 99999999] map[disk:sda milliseconds:true]"},
		{"biolatency", "-h 1 2 3 4", "help"},
		{"biolatency", "1 2 3", `unexpected argument "3"`},
		{"biolatency", "1 x", `argument count is a number from 1, not "x"`},
		{"biolatency", "0", `argument interval is a number from 1, not "0"`},
		{"biolatency", "-1", "unknown option -1"},
		{"biolatency", "1.5", `argument interval is a number from 1, not "1.5"`},
		{"biolatency", "-D -F", "options --disks and --flags exclude each other"},
		{"readahead", "-d x", `option -d/--duration is a number from 1, not "x"`},
		{"readahead", "-d0x10", "[] map[duration:0x10]"},
		{"tcplife", "--pid=0", `option -p/--pid is a number from 1, not "0"`},
		{"tcplife", "-D 65536", `option -D/--remoteport takes numbers from 1 to 65535 separated by commas, not "65536"`},
		{"biolatency", "-mz", "unknown option -z"},
		{"biolatency", "--timestmap", "unknown option --timestmap; did you mean --timestamp?"},
		{"biolatency", "--wombat", "unknown option --wombat"},
		{"biolatency", "-d", "option -d/--disk takes a value: DISK"},
		{"biolatency", "--disk", "option -d/--disk takes a value: DISK"},
		{"biolatency", "--queued=7", "option --queued takes no value"},
		{"tcplife", "-4 -6", "options --ipv4 and --ipv6 exclude each other"},
		{"tcplife", "-L 80,443", "[] map[localport:80,443]"},
		{"tcplife", "-L 80,http", `option -L/--localport takes numbers from 1 to 65535 separated by commas, not "80,http"`},
		{"tcplife", "--local 80 --time", "[] map[localport:80 time:true]"},
		{"tcplife", "--ti", "option --ti is --time or --timestamp"},
		{"tcplife", "--h", "help"},
		{"tcplife", "-stT", "[] map[csv:true time:true timestamp:true]"},
	}
	for _, tt := range tests {
		tool, ok := Lookup(tt.tool)
		if !ok {
			t.Fatal("no tool", tt.tool)
		}
		v, err := tool.Header().Parse(strings.Fields(tt.args))
		got := fmt.Sprint(v.Params, v.Named)
		switch {
		case err != nil:
			got = err.Error()
		case v.Help:
			got = "help"
		}
		if got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.tool, tt.args, got, tt.want)
		}
	}
}

func TestChoices(t *testing.T) {
	h, rep := check("x.bt", "// x: it.\n// @option --mode MODE{fast,full}  how much\nbegin { print(getopt(\"mode\", \"fast\")); }")
	if rep.Failed() {
		t.Fatal(messages(rep))
	}
	if _, err := h.Parse([]string{"--mode", "slow"}); err == nil || err.Error() != `option --mode is one of fast, full, not "slow"` {
		t.Error(err)
	}
	if !strings.Contains(h.Usage("x"), "--mode {fast,full}") {
		t.Error(h.Usage("x"))
	}
}

// TestHeaderErrors: what is wrong in a header, or differs between it and the script, is
// an error at its place.
func TestHeaderErrors(t *testing.T) {
	const body = "\nbegin { print((getopt(\"on\"), getopt(\"n\", 1), $1)); }"
	const fits = "// x: it.\n// @option -o --on  on\n// @option -n --n N  n\n// @arg one  first\n"
	tests := []struct{ text, want string }{
		{fits + body, ""},
		{"// just a comment with an @arrow\nbegin { print(getopt(\"on\")); }", ""},
		{fits + "// @option extra\n" + body, "5:4 E0240: an option is declared as `@option -s --long VALUE  help`"},
		{fits + "// @option -h --hex  h\n" + body, "5:4 E0241: option -h is already taken"},
		{fits + "// @option --n N  h\n" + body, "5:4 E0241: option --n is already taken"},
		{fits + "// @option --new  h\n" + body, "5:4 E0242: the script never asks for option --new"},
		{fits + "// @exclusive on off\n" + body, "5:4 E0240: @exclusive names options by their long names, and there is no --off"},
		{fits + "// @arg two  second\n" + body, "5:4 E0245: the script never uses $2, which is the argument `two`"},
		{strings.Replace(fits, "one", "one [1]", 1) + "// @arg two  second\n" + strings.Replace(body, "$1", "$1, $2", 1), "5:4 E0245: argument `two` has no default, and the one before it has"},
		{fits + strings.Replace(body, "$1", "$1 + $2", 1), "6:51 W0201: positional parameter $2 wasn't given or is empty\n6:51 E0245: $2 isn't declared in the header"},
		{fits + strings.Replace(body, "\"on\"", "\"off\"", 1), "2:4 E0242: the script never asks for option --on\n6:16 E0243: option --off isn't declared in the header"},
		{fits + strings.Replace(body, "\"on\"", "\"on\", 2", 1), "6:16 E0244: option --on takes a value here, and the header names none"},
		{fits + strings.Replace(body, "\"on\"", "\"on\", true", 1), "6:16 E0244: option --on can only be switched on, so its default is false"},
		{fits + strings.Replace(body, "\"n\", 1", "\"n\"", 1), "6:30 E0244: option --n has the value N in the header, and is true or false here"},
		{strings.Replace(fits, "--n N", "--n N{1..9}", 1) + strings.Replace(body, ", 1)", `, "")`, 1), "6:30 E0244: option --n is a number in the header, and a string here"},
		{strings.Replace(fits, "--n N", "--n N,...", 1) + body, "6:30 E0244: option --n is a string in the header, and a number here"},
	}
	for _, tt := range tests {
		if _, rep := check("x.bt", tt.text); messages(rep) != tt.want {
			t.Errorf("%s\ngives\n%s\nwant\n%s", tt.text, messages(rep), tt.want)
		}
	}
}

// TestDocumentation: the header that docs/language.md shows is a good one.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(text), "```\n#!/usr/bin/env skep\n")
	script, _, ok := strings.Cut(script, "```")
	if !ok {
		t.Fatal("the page has no script with a header")
	}
	h, rep := check("fileslower.bt", script)
	if h == nil || messages(rep) != "" {
		t.Fatal(messages(rep))
	}
	if v, err := h.Parse([]string{"-Tp181", "-i", "1,2", "5"}); err == nil || v.Params != nil {
		t.Errorf("-p and -i together: %v, %v", v, err)
	}
	if v, err := h.Parse([]string{"-Tp181", "5", "--type=w"}); err != nil || v.Named["pid"] != "181" || v.Params[0] != "5" {
		t.Errorf("%v, %v", v, err)
	}
}

func TestHeaderText(t *testing.T) {
	h, rep := check("x.bt", "#!/usr/bin/env skep\n// x: does it.\n//\n// First\n// paragraph.\n//\n// Second.\n//\n// @option --on  a long\n//               explanation\n// @example x -o\n\nbegin { print(getopt(\"on\")); }")
	if rep.Failed() {
		t.Fatal(messages(rep))
	}
	if h.Text != "First\nparagraph.\n\nSecond." || h.Options[0].Help != "a long explanation" || h.Name != "x" || h.Summary != "does it." {
		t.Errorf("%+v", h)
	}
	if !slices.Equal(h.Examples, []Example{{"x -o", ""}}) {
		t.Errorf("%+v", h.Examples)
	}
}

// TestCodeExamples: the examples of the header's codes give these codes.
func TestCodeExamples(t *testing.T) {
	for _, c := range diag.Codes() {
		if strings.HasPrefix(string(c.Code), "E024") {
			if _, rep := check("x.bt", c.Example); !strings.Contains(messages(rep), string(c.Code)) {
				t.Errorf("the example of %s gives\n%s", c.Code, messages(rep))
			}
		}
	}
}
