package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestCounterparts checks the list of bpftool's commands against the commands that skep has.
func TestCounterparts(t *testing.T) {
	root := (&app{}).root()
	listed := map[string]bool{}
	objects := map[string]bool{}
	for _, c := range bpftoolCommands {
		words := strings.Fields(c.theirs)
		if len(words) == 1 {
			continue
		}
		name := strings.Join(words[:2], " ")
		listed[name] = true
		objects[words[0]] = true
		found, rest, err := root.Find(words[:2])
		have := err == nil && len(rest) == 0 && found.Name() == words[1] && !found.Hidden
		if have != (c.why == "") {
			t.Errorf("%s: found %v, though the list says %q", c.theirs, have, c.why)
		}
	}
	for obj := range objects {
		c, _, err := root.Find([]string{obj})
		if err != nil || c.Name() != obj {
			continue // gen, iter and token have nothing that's supported
		}
		for _, sub := range c.Commands() {
			if !listed[obj+" "+sub.Name()] {
				t.Errorf("%s %s isn't one of bpftool's listed commands", obj, sub.Name())
			}
		}
	}
}

// TestCounterpartsDocs keeps the table in docs/inspect.md; -update writes it.
func TestCounterpartsDocs(t *testing.T) {
	const file, begin, end = "../../docs/inspect.md", "<!-- bpftool: begin -->\n", "<!-- bpftool: end -->\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	var b strings.Builder
	b.WriteString("| bpftool | skep | |\n|---|---|---|\n")
	for _, c := range bpftoolCommands {
		ours, note := "`skep "+cmp.Or(c.ours, c.theirs)+"`", c.note
		if c.why != "" {
			ours, note = "–", c.reason()
		}
		fmt.Fprintf(&b, "| `bpftool %s` | %s | %s |\n", c.theirs, ours, note)
	}
	want := before + begin + b.String() + end + after
	if want == string(data) {
		return
	}
	if testkit.Updating() {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs (accept with -update):\n%s", file, testkit.Diff("docs", string(data), "list", want))
}
