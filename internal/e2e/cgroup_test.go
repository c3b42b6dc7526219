//go:build linux

package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skep-bpf/skep/internal/host/cgroup"
)

// cgroups makes and removes cgroups: `cgroup top` makes one for the test, which ends with it,
// and sets $cg to its directory, $cgname to its path in cgroup2, and $id1, $id2, $id3 to ids such as
// container runtimes make, of which $short1 … are the first 12 digits. `cgroup make DIR` and
// `cgroup remove DIR` take directories.
func cgroups(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case len(args) == 1 && args[0] == "top":
		cgroupTop(ts)
	case len(args) == 2 && args[0] == "make":
		ts.Check(os.MkdirAll(args[1], 0o755))
	case len(args) == 2 && args[0] == "remove":
		await(ts, args[1]+" is empty", func() bool { return os.Remove(args[1]) == nil })
	default:
		ts.Fatalf("usage: cgroup top | make DIR | remove DIR")
	}
}

func cgroupTop(ts *testscript.TestScript) {
	mount, err := cgroup.Mount(os.DirFS("/"))
	ts.Check(err)
	dir, err := os.MkdirTemp(mount, "skep_e2e_")
	ts.Check(err)
	ts.Defer(func() { removeCgroups(ts, dir) })
	ts.Setenv("cg", dir)
	ts.Setenv("cgname", "/"+filepath.Base(dir))
	for _, n := range []string{"1", "2", "3"} {
		var id [32]byte
		_, err := rand.Read(id[:])
		ts.Check(err)
		text := hex.EncodeToString(id[:])
		ts.Setenv("id"+n, text)
		ts.Setenv("short"+n, text[:12])
	}
}

// removeCgroups removes a cgroup and all below it, once their processes have ended.
func removeCgroups(ts *testscript.TestScript, top string) {
	var dirs []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	slices.Reverse(dirs)
	for _, dir := range dirs {
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			rerr := os.Remove(dir)
			if rerr == nil || errors.Is(rerr, fs.ErrNotExist) {
				break
			}
			if time.Now().After(deadline) {
				err = errors.Join(err, rerr)
				break
			}
		}
	}
	if err != nil {
		ts.Logf("remove cgroups: %v", err)
	}
}
