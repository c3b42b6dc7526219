package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asBpftool calls skep by bpftool's name.
func asBpftool(input string, args ...string) (out, errs string, status int) {
	var o, e bytes.Buffer
	status = Main(append([]string{"/usr/sbin/bpftool"}, args...), strings.NewReader(input), &o, &e)
	return o.String(), e.String(), status
}

func TestAsBpftool(t *testing.T) {
	for _, c := range []struct {
		args   string
		out    string // how standard output begins
		err    string // what standard error has
		status int
	}{
		{"version", "bpftool v7.8.0\n", "", 0},
		{"-V", "bpftool v7.8.0\n", "", 0},
		{"ver -j", `{"version":"7.8.0","libbpf_version":"1.8","features":{`, "", 0},
		{"", "bpftool (skep)", "", 0},
		{"h", "bpftool (skep)", "", 0},
		{"-h map", "bpftool (skep)", "", 0},
		{"p h", "List, dump, pin, load and run BPF programs", "", 0},
		{"f l map_types", "unspec\nhash\narray\n", "", 0},
		{"-p feature list_builtins link_types", "[\"unspec\",\"raw_tracepoint\"", "", 0},
		{"feature list_builtins map_types --json", `["unspec","hash"`, "", 0},
		{"porg", "", `there is no object "porg"; did you mean prog?`, 255},
		{"-j porg", `{"error":"there is no object \"porg\"`, "", 255},
		{"map updtae", "", "did you mean update?", 255},
		{"feature list_builtins bogus", "", "Error: ", 255},
		{"-j feature list_builtins bogus", `{"error":"`, "", 255},
		{"-X", "", "invalid option -- 'X'", 255},
		{"-S prog load a b", "", "aren't signed", 255},
		{"batch file", "", "batch takes", 255},
		{"batch file /nosuchfile", "", "no such file", 255},
	} {
		out, errs, status := asBpftool("", strings.Fields(c.args)...)
		if !strings.HasPrefix(out, c.out) || c.out == "" && out != "" || !strings.Contains(errs, c.err) || c.err == "" && errs != "" || status != c.status {
			t.Errorf("bpftool %s: status %d\n%s\n%s", c.args, status, out, errs)
		}
	}
	if out, _, status := asBpftool("", "map", "-h"); status != 0 || !strings.HasPrefix(out, "bpftool") {
		t.Errorf("bpftool map -h: %d %s", status, out)
	}
	var out bytes.Buffer
	if status := Main([]string{"skep", "bpftool", "-j", "version"}, nil, &out, &out); status != 0 || !json.Valid(out.Bytes()) {
		t.Errorf("skep bpftool -j version: %d %s", status, out.String())
	}
}

func TestBatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "commands")
	commands := "# a comment\n\n  version # behind a command\nfeature \\\n  list_builtins \"link_types\"\nversion\n"
	if err := os.WriteFile(file, []byte(commands), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, status := asBpftool("", "batch", "file", file); status != 0 || strings.Count(out, "bpftool v7.8.0\n") != 2 || !strings.Contains(out, "\nraw_tracepoint\n") || !strings.HasSuffix(out, "processed 3 commands\n") {
		t.Errorf("%d %s%s", status, out, errs)
	}
	for _, flag := range []string{"-j", "-p"} {
		out, errs, status := asBpftool(commands, flag, "ba", "f", "-")
		var got []struct {
			Command []string
			Output  any
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || len(got) != 3 || !slices.Equal(got[1].Command, []string{"feature", "list_builtins", "link_types"}) {
			t.Errorf("%s: %v %d %s%s", flag, err, status, out, errs)
		} else if l, ok := got[1].Output.([]any); !ok || l[0] != "unspec" {
			t.Errorf("%s: output %v", flag, got[1].Output)
		}
	}
	// The first that fails ends it.
	if out, errs, status := asBpftool("version\nbogus\nversion\n", "batch", "file", "-"); status != 255 || strings.Count(out, "v7.8.0") != 1 || !strings.Contains(errs, "command 2: ") {
		t.Errorf("%d %s%s", status, out, errs)
	}
	out, _, status := asBpftool("version\nfeature list_builtins bogus\nversion\n", "-j", "batch", "file", "-")
	if !json.Valid([]byte(out)) || status != 255 || strings.Count(out, `"command"`) != 2 || !strings.Contains(out, `"error"`) {
		t.Errorf("%d %s", status, out)
	}
}

func TestBatchWords(t *testing.T) {
	for line, want := range map[string][]string{
		"": nil, "  a\tb ": {"a", "b"}, `'a b' "c'd"e`: {"a b", "c'd", "e"}, `""`: {""}, `a"b c`: {`a"b`, "c"},
	} {
		if got, err := batchWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
	if _, err := batchWords(`a "b c`); err == nil {
		t.Error("an open quote")
	}
	for text, want := range map[string]string{"a \\\nb\nc": "a b|c", "a # \\\nb": "a|b", "\n\n": ""} {
		var got []string
		if err := eachBatchLine(strings.NewReader(text), func(words []string) error {
			got = append(got, strings.Join(words, " "))
			return nil
		}); err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if err := eachBatchLine(strings.NewReader("a \\\n"), func([]string) error { return nil }); err == nil {
		t.Error("a line that goes on in nothing")
	}
}
