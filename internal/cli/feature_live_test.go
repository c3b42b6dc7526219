//go:build linux

package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestFeatureMacros: the macros say what the JSON says.
func TestFeatureMacros(t *testing.T) {
	testkit.Need(t, testkit.Root())
	probed, ok := skepJSON(t, "feature", "probe").(map[string]any)
	if !ok {
		t.Fatal("no object")
	}
	got := saidBySkep(t, "", "feature", "probe", "macros", "prefix", "KERNEL_")
	if !got.ok {
		t.Fatal(got.err)
	}
	checked := 0
	for _, section := range []string{"syscall_config", "program_types", "map_types", "misc"} {
		members, _ := probed[section].(map[string]any)
		for name, have := range members {
			no := "NO_"
			if have == true {
				no = ""
			}
			if line := "#define KERNEL_" + no + strings.ToUpper(name) + "\n"; !strings.Contains(got.out, line) {
				t.Errorf("no %q", line)
			}
			checked++
		}
	}
	helpers, _ := probed["helpers"].(map[string]any)
	for name, list := range helpers {
		prog := strings.TrimSuffix(name, "_available_helpers")
		all, _ := list.([]any)
		if n := len(regexp.MustCompile(`#define KERNEL_BPF__PROG_TYPE_`+prog+`__HELPER_\w+ 1\n`).FindAllString(got.out, -1)); n != len(all) {
			t.Errorf("%s: %d helpers in macros, %d in JSON", prog, n, len(all))
		}
		checked++
	}
	if checked < 80 {
		t.Errorf("%d features", checked)
	}
}

// TestFeatureUnprivileged: without capabilities less is there, and they are back behind it.
func TestFeatureUnprivileged(t *testing.T) {
	testkit.Need(t, testkit.Root())
	const kprobes = "eBPF program_type kprobe is available\n"
	if got := saidBySkep(t, "", "feature", "probe", "unprivileged"); !got.ok || strings.Contains(got.out, kprobes) || !strings.Contains(got.out, "bpf() syscall is available\n") {
		t.Errorf("unprivileged: %v %.300s %s", got.ok, got.out, got.err)
	}
	if got := saidBySkep(t, "", "feature", "probe"); !strings.Contains(got.out, kprobes) {
		t.Errorf("privileged again: %.300s", got.out)
	}
	for words, want := range map[string]string{"prefix X": "behind macros", "dev lo": "can't be probed", "bogus": "expected kernel, full, unprivileged, macros or prefix", "macro prefix": "is missing"} {
		if got := saidBySkep(t, "", append([]string{"feature", "probe"}, strings.Fields(words)...)...); got.ok || !strings.Contains(got.err, want) {
			t.Errorf("probe %s: %s", words, got.err)
		}
	}
}
