package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// NoLeaks fails the test when it ends with more BPF objects and perf events open than it
// began with. Call it first; a test that uses it doesn't run in parallel.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := kernelFDs()
	t.Cleanup(func() {
		after := kernelFDs()
		for fd, what := range after {
			if before[fd] != what {
				t.Errorf("descriptor %s is still open: %s", fd, what)
			}
		}
	})
}

// kernelFDs are the process's descriptors of anonymous kernel objects (maps, programs,
// links, events), by number. The runtime's own poller isn't among them.
func kernelFDs() map[string]string {
	open := map[string]string{}
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		what, err := os.Readlink(link)
		if err != nil {
			continue
		}
		switch what {
		case "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[pidfd]":
			continue
		}
		if match, _ := filepath.Match("anon_inode:*", what); match {
			open[filepath.Base(link)] = what
		}
	}
	return open
}
