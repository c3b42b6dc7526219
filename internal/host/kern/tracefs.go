package kern

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Tracefs is the tree of tracefs.
type Tracefs struct {
	fs.FS
	// Detached: it isn't mounted where others see it.
	Detached bool
	Path     string // where it's mounted; "" when detached
}

// ErrNoTracefs: tracefs isn't mounted, and this user can't reach it otherwise.
var ErrNoTracefs = errors.New("tracefs isn't mounted; mount it with " +
	"`mount -t tracefs nodev /sys/kernel/tracing`")

// Tracefs finds tracefs: where it's mounted, otherwise over a mount that hangs
// nowhere, for which the user must be root. Nothing in the system changes.
func (k *Kernel) Tracefs() (*Tracefs, error) {
	if k.tracefs == nil && k.traceErr == nil {
		k.tracefs, k.traceErr = k.findTracefs()
	}
	return k.tracefs, k.traceErr
}

func (k *Kernel) findTracefs() (*Tracefs, error) {
	var denied error
	for _, dir := range []string{"sys/kernel/tracing", "sys/kernel/debug/tracing"} {
		_, err := fs.Stat(k.root, dir+"/events")
		if err == nil {
			sub, err := fs.Sub(k.root, dir)
			return &Tracefs{FS: sub, Path: "/" + dir}, err
		}
		if errors.Is(err, fs.ErrPermission) && denied == nil {
			denied = err
		}
	}
	if !k.live() {
		return nil, ErrNoTracefs
	}
	dir, closer, err := sys.OpenTracefs()
	switch {
	case err == nil:
		k.done = append(k.done, closer.Close)
		return &Tracefs{FS: os.DirFS(dir), Detached: true}, nil
	case denied != nil:
		return nil, fmt.Errorf("read tracefs: %w; run as root or with CAP_DAC_READ_SEARCH, or let others read it: "+
			"`mount -o remount,mode=755 /sys/kernel/tracing`", denied)
	}
	return nil, fmt.Errorf("%w (%v)", ErrNoTracefs, err)
}

// live reports whether the root is the running machine's, not a captured one.
func (k *Kernel) live() bool {
	_, err := fs.Stat(k.root, "proc/self/exe")
	return err == nil
}
