package sys

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A cgroup is told with its id and path, also when it's gone by then.
func TestCgroupWatch(t *testing.T) {
	top := ""
	if b, err := os.ReadFile("/proc/mounts"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" && top == "" {
				top = f[1]
			}
		}
	}
	if top == "" || os.Geteuid() != 0 {
		t.Skip("needs root, and cgroup2 to be mounted")
	}
	var cpus []int
	for i := range runtime.NumCPU() {
		cpus = append(cpus, i)
	}
	number := NoTracepoint
	if b, err := os.ReadFile("/sys/kernel/tracing/events/cgroup/cgroup_mkdir/id"); err == nil {
		number, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	if number != NoTracepoint {
		watchOne(t, top, cpus, number)
	}
	// Records come where the root's children have the controller: by systemd's doing, or since
	// hierarchies of version 1 were mounted.
	b, err := os.ReadFile(filepath.Join(top, "cgroup.subtree_control"))
	if err == nil && len(bytes.TrimSpace(b)) > 0 {
		watchOne(t, top, cpus, NoTracepoint)
	}
}

func watchOne(t *testing.T, top string, cpus []int, tracepoint int) {
	w, err := WatchCgroups(cpus, tracepoint)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dir, err := os.MkdirTemp(top, "skep_watched_")
	if err != nil {
		t.Fatal(err)
	}
	id, err := CgroupID(dir)
	if rerr := os.Remove(dir); err != nil || rerr != nil {
		t.Fatal(err, rerr)
	}
	if woken, err := w.Wait(time.Now().Add(10 * time.Second)); err != nil || woken {
		t.Fatal(woken, err)
	}
	path := ""
	w.Each(func(n uint64, p string) {
		if n == id {
			path = p
		}
	})
	if path != "/"+filepath.Base(dir) {
		t.Errorf("cgroup %d is %q, not %s", id, path, dir)
	}
}
