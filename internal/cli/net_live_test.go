//go:build linux

package cli

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestNetWords: tcx programs stand in the order that their words ask for.
func TestNetWords(t *testing.T) {
	testkit.Need(t, testkit.Root())
	runtime.LockOSThread() // never unlocked: the thread, and its network, end with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	const schedCLS = 3
	first, second := fmt.Sprint(packetProgram(t, schedCLS, -1)), fmt.Sprint(packetProgram(t, schedCLS, -1))
	xdp := fmt.Sprint(packetProgram(t, 6, 2))
	net := func(words string) said {
		return saidBySkep(t, "", strings.Fields("net "+strings.NewReplacer("FIRST", first, "SECOND", second).Replace(words))...)
	}
	if got := net("attach tcx_ingress id FIRST dev lo"); !got.ok {
		if strings.Contains(got.err, "invalid argument") {
			t.Skip("Linux before 6.6 has no tcx")
		}
		t.Fatal(got.err)
	}
	if got := net("attach tcx_in id SECOND dev lo prepend"); !got.ok {
		t.Fatal(got.err)
	}
	listed := net("show dev lo").out
	if a, b := strings.Index(listed, "prog_id "+second+" "), strings.Index(listed, "prog_id "+first+" "); a < 0 || b < a {
		t.Errorf("%s should stand before %s:\n%s", second, first, listed)
	}
	for words, want := range map[string]string{
		"attach xdp id FIRST dev lo prepend": "prepend is for tcx", "attach tcx_egress id FIRST dev lo overwrite": "overwrite is for XDP",
		"attach tcx_egress id FIRST dev lo bogus": "isn't understood", "attach tcx id FIRST dev nosuchdev": `no interface "nosuchdev"`, "attach": "is missing",
	} {
		if got := net(words); got.ok || !strings.Contains(got.err, want) {
			t.Errorf("net %s: %s", words, got.err)
		}
	}
	if got := saidBySkep(t, "", "net", "attach", "xdpgeneric", "id", xdp, "dev", "lo"); !got.ok {
		t.Error(got.err)
	}
	// In the test's own network: its thread starts it. Older ones don't know of tcx.
	if _, err := exec.LookPath("bpftool"); err == nil && !oldBpftool(t) {
		for _, words := range [][]string{{"net", "show"}, {"net", "show", "dev", "lo"}, {"net", "show", "-j"}} {
			compareSaid(t, strings.Join(words, " "), saidByBpftool(t, "", words...), saidBySkep(t, "", words...), words[len(words)-1] == "-j")
		}
	}
	// Which of both it is depends on the kernel: lo has no XDP of its driver's.
	if got := saidBySkep(t, "", "net", "attach", "xdpdrv", "id", xdp, "dev", "lo", "overwrite"); got.ok ||
		!strings.Contains(got.err, "in another mode") && !strings.Contains(got.err, "operation not supported") || strings.Contains(got.err, "overwrite replaces") {
		t.Errorf("%+v", got)
	}
	if got := saidBySkep(t, "", "net", "attach", "xdpgeneric", "id", xdp, "dev", "lo"); got.ok || !strings.Contains(got.err, "overwrite replaces it") {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"FIRST", "SECOND"} {
		if got := net("detach tcx_ingress dev lo id " + id); !got.ok {
			t.Error(got.err)
		}
	}
}
