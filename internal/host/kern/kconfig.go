package kern

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNoConfig: the kernel's configuration isn't to be found.
var ErrNoConfig = errors.New("kernel configuration not found in /proc/config.gz or /boot")

// Config looks options of the kernel's build configuration up: "y", "m", a number, a
// string without its quotes; "" for those that aren't set. Names are
// in full, CONFIG_BPF_LSM.
func (k *Kernel) Config(names ...string) (map[string]string, error) {
	r, err := k.openConfig()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	found := make(map[string]string, len(names))
	for _, n := range names {
		found[n] = ""
	}
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		name, val, ok := strings.Cut(sc.Text(), "=")
		if _, wanted := found[name]; ok && wanted {
			found[name] = strings.Trim(val, `"`)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	return found, nil
}

// readCloser reads from one thing and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

func (k *Kernel) openConfig() (io.ReadCloser, error) {
	if f, err := k.root.Open("proc/config.gz"); err == nil {
		z, err := gzip.NewReader(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("read /proc/config.gz: %w", err)
		}
		return readCloser{z, f}, nil
	}
	release, err := k.Release()
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"boot/config-" + release, "lib/modules/" + release + "/config",
		"usr/lib/modules/" + release + "/config", "lib/modules/" + release + "/build/.config"} {
		if f, err := k.root.Open(path); err == nil {
			return f, nil
		}
	}
	return nil, ErrNoConfig
}
