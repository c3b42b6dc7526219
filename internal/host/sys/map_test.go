package sys_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestMapFileWithUprobe: a file's bytes are the file's while somebody has a uprobe on them,
// set before the file was mapped or after.
func TestMapFileWithUprobe(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("uprobe"))
	nop := map[string]string{"amd64": "\x90", "arm64": "\x1f\x20\x03\xd5"}[runtime.GOARCH]
	want := bytes.Repeat([]byte(nop), os.Getpagesize()/len(nop))
	path := filepath.Join(t.TempDir(), "nops")
	if err := os.WriteFile(path, want, 0o755); err != nil {
		t.Fatal(err)
	}
	number, err := os.ReadFile("/sys/bus/event_source/devices/uprobe/type")
	if err != nil {
		t.Fatal(err)
	}
	pmu, err := strconv.ParseUint(strings.TrimSpace(string(number)), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	mapped := func() []byte {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, done, err := sys.MapFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { done() })
		return data
	}
	before := mapped()
	if !bytes.Equal(before, want) {
		t.Fatal("the file isn't what was written")
	}
	event, err := sys.PerfOpen(&sys.PerfEvent{Type: uint32(pmu), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(event)
	for when, data := range map[string][]byte{"before": before, "after": mapped()} {
		if !bytes.Equal(data, want) {
			t.Errorf("mapped %s the uprobe was set, the file begins with %x, not %x", when, data[:8], want[:8])
		}
	}
}
