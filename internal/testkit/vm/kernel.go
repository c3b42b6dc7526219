//go:build linux

package vm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Kernel is a kernel that's on this machine.
type Kernel struct {
	Series  string // "6.12"
	Release string // "6.12.117+deb12-cloud-amd64"
	Image   string // to boot
	Modules string // the directory lib/modules/RELEASE
}

// Series is a line of kernels and where Debian has it.
type Series struct {
	Name    string
	suites  []string
	pattern string // of the image packages' names, a regular expression
	secured bool   // there is a security suite of the same name as the first
}

// AllSeries are the kernels that skep is tested on, oldest first: the floor, the first of
// bpftrace's own range, two of today.
func AllSeries() []Series {
	return []Series{
		{"5.10", []string{"bullseye"}, `linux-image-5\.10\.0-[0-9]+-cloud-amd64`, true},
		{"6.1", []string{"bookworm", "bookworm-updates"}, `linux-image-6\.1\.0-[0-9]+-cloud-amd64`, true},
		{"6.12", []string{"bookworm", "bookworm-updates"}, `linux-image-6\.12\.[0-9.+a-z]+-cloud-amd64`, true},
		{"7", []string{"trixie-backports"}, `linux-image-[0-9.]+(\+deb13)?-cloud-amd64`, false},
	}
}

// CacheDir is where kernels are kept: SKEP_VM_CACHE, or skep/kernels in the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("SKEP_VM_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "skep", "kernels"), nil
}

// Cached finds a series' kernel in the cache.
func Cached(s Series) (*Kernel, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return open(s.Name, filepath.Join(cache, s.Name))
}

// Fetch finds a series' kernel in the cache, or downloads the newest one there.
func Fetch(s Series) (*Kernel, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("fetch kernel %s: guests on %s aren't supported yet", s.Name, runtime.GOARCH)
	}
	if k, err := Cached(s); err == nil {
		return k, nil
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	link := filepath.Join(cache, s.Name)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	release, err := download(s, cache)
	if err != nil {
		return nil, fmt.Errorf("fetch kernel %s: %w", s.Name, err)
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := os.Symlink(release, link); err != nil {
		return nil, err
	}
	return open(s.Name, link)
}

// open finds the parts of an unpacked kernel package.
func open(series, dir string) (*Kernel, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	release := filepath.Base(dir)
	k := &Kernel{Series: series, Release: release}
	k.Image = firstOf(
		filepath.Join(dir, "vmlinux"),
		filepath.Join(dir, "boot", "vmlinuz-"+release),
		filepath.Join(dir, "usr", "lib", "modules", release, "vmlinuz"))
	k.Modules = firstOf(
		filepath.Join(dir, "usr", "lib", "modules", release),
		filepath.Join(dir, "lib", "modules", release))
	if k.Image == "" || k.Modules == "" {
		return nil, fmt.Errorf("open kernel %s: not an unpacked package", dir)
	}
	return k, nil
}

// firstOf is the first path that exists, or "".
func firstOf(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}
