//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// guestBin is where guests have the binaries under test.
const guestBin = "/test/bin"

// TestGuests runs the scripts of testdata and testdata/guest in each booted kernel, and
// what makes the table of docs/kernels.md.
func TestGuests(t *testing.T) {
	passwd := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	columns := t.TempDir()
	vm.Package(t, "^(TestInGuest|TestKinds)$", func(c *vm.Config) {
		c.Artefacts = filepath.Join(columns, c.Kernel.Series)
		c.Files = append(c.Files, vm.File{Host: passwd, Guest: "/etc/passwd"})
		programs := []string{"skep", "target"}
		for _, name := range []string{"usdt", "unwound", "libunwound.so"} {
			if exists(filepath.Join(binDir, name)) {
				programs = append(programs, name)
			}
		}
		for _, name := range programs {
			c.Files = append(c.Files, vm.File{Host: filepath.Join(binDir, name), Guest: guestBin + "/" + name})
		}
		c.Disk, c.Modules = 64, []string{"sctp"}
		c.Timeout = 10 * time.Minute
	})
	checkColumns(t, columns)
}

// TestInGuest is what TestGuests runs in the guests.
func TestInGuest(t *testing.T) {
	if !vm.InGuest() {
		t.Skip("run by TestGuests in guests")
	}
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"), testkit.Feature("kprobe"), testkit.Feature("fentry"))
	if err := makeFiles(); err != nil {
		t.Fatal(err)
	}
	t.Run("common", func(t *testing.T) { scripts(t, "testdata") })
	t.Run("guest", func(t *testing.T) { scripts(t, "testdata/guest") })
}

// makeFiles writes the files that target is to read, of 128 KiB and 8 MiB, on a real block
// device and takes them out of the page cache.
func makeFiles() error {
	for name, size := range map[string]int{"file": 128 << 10, "big": 8 << 20} {
		if err := os.WriteFile(scratch(name), make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	syscall.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}
