package cdecl

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/diag"
)

// The directories of headers that are no files: the front end looks for includes there, and
// Open answers. kernelDir is two deep since scripts include "../fs/mount.h", too.
const (
	kernelDir = "<kernel>/include"
	ownDir    = "<compiler>"
	libcDir   = "<libc>"
	rootDir   = "/" // last: for headers with an absolute path
)

// tree is what the front end reads files from. It remembers them.
type tree struct {
	opt   *Options
	dirs  []string // of <…>; quoted includes have the file's own directory before
	units []*unit
	read  map[string]*header
	// installed: the kernel's headers that programs have are read where they're installed;
	// else the files of none are.
	installed bool
	kernel    []string   // the names of the kernel's headers that were included, in order
	known     []constant // that headers without a file have
	inserts   map[string][]insert
	lines     map[string][]int // where the lines begin of files and units that were asked for
	// relocatable are the structs whose members are where the kernel has them: "struct sock".
	relocatable map[string]bool
}

// header is a file that was read.
type header struct {
	path, text string
	src        *diag.Source // nil as long as nobody asked for a place in it
}

// newTree is the file tree of the script's own C text.
func newTree(opt *Options, units []*unit) *tree {
	dirs := append(slices.Clone(opt.Dirs), kernelDir, ownDir)
	dirs = append(dirs, systemDirs(opt.Arch)...)
	return &tree{opt: opt, dirs: append(dirs, libcDir, rootDir), units: units, read: map[string]*header{}, lines: map[string][]int{}}
}

// systemDirs are where a C library's headers are, and those that the kernel gives it.
func systemDirs(arch string) []string {
	return []string{"/usr/local/include", "/usr/include/" + triplet(arch), "/usr/include"}
}

// isSystem reports whether a file is the machine's, not the user's.
func isSystem(path string) bool {
	return path[0] == '<' || strings.HasPrefix(path, "/usr/include/") || strings.HasPrefix(path, "/usr/local/include/") ||
		strings.HasPrefix(path, "/lib/modules/") || strings.HasPrefix(path, "/usr/src/")
}

// Open opens a header for the front end.
func (t *tree) Open(path string) (fs.File, error) {
	h := t.read[path]
	if h == nil {
		text, ok := t.find(path)
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		h = &header{path: path, text: text}
		t.read[path] = h
	}
	if _, why := tooDeep(h.text); why != "" {
		return nil, fmt.Errorf("%s is %s", path, why)
	}
	return &openHeader{Reader: strings.NewReader(t.served(path, h.text)), h: h}, nil
}

func (t *tree) find(path string) (text string, ok bool) {
	if path[0] == '<' && t.opt.bodies {
		name, _ := kernelName(path)
		if text, ok = programHeader(name, t.opt); ok {
			return text, true
		}
	}
	if name, ok := strings.CutPrefix(path, libcDir+"/"); ok {
		t.known = append(t.known, constantsOf(name, t.opt)...)
		return "", isLibc(name)
	}
	if name, ok := strings.CutPrefix(path, ownDir+"/"); ok {
		text, ok = ownHeaders[name]
		return text, ok
	}
	if name, ok := kernelName(path); ok {
		if !isKernel(name) || (t.installed || strings.HasPrefix(name, "net/")) && t.inSystem(name) {
			return "", false
		}
		t.kernel = append(t.kernel, name)
		t.known = append(t.known, constantsOf(name, t.opt)...)
		return headerText(name, t.opt), true
	}
	if t.opt.ReadFile == nil {
		return "", false
	}
	b, err := t.opt.ReadFile(path)
	return string(b), err == nil
}

// inSystem reports whether a header is among the C library's. Their folder net is called as one
// of the kernel's.
func (t *tree) inSystem(name string) bool {
	for _, d := range systemDirs(t.opt.Arch) {
		if _, err := t.Open(filepath.Join(d, name)); err == nil {
			return true
		}
	}
	return false
}

// kernelName is the name that a path in kernelDir was included by.
func kernelName(path string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(path, kernelDir+"/"); ok {
		return name, true
	}
	name, ok = strings.CutPrefix(path, filepath.Dir(kernelDir)+"/")
	return "../" + name, ok
}

// openHeader is a header as an open file.
type openHeader struct {
	*strings.Reader
	h *header
}

func (f *openHeader) Close() error               { return nil }
func (f *openHeader) Stat() (fs.FileInfo, error) { return f, nil }
func (f *openHeader) Name() string               { return filepath.Base(f.h.path) }
func (f *openHeader) Mode() fs.FileMode          { return 0o444 }
func (f *openHeader) ModTime() time.Time         { return time.Time{} }
func (f *openHeader) IsDir() bool                { return false }
func (f *openHeader) Sys() any                   { return nil }

var _ io.Reader = (*openHeader)(nil)

// includeLine finds the directives that include a header by its name.
var includeLine = expression(`(?m)^[ \t]*(#[ \t]*include(?:_next)?[ \t]*([<"])([^>"\n]+)[>"])`)

// chain finds the directives that led to a file, the innermost first; nil: none did.
func (t *tree) chain(path string) []place {
	seen := map[string]bool{}
	var visit func(from, text string) []place
	visit = func(from, text string) []place {
		for _, m := range includeLine().FindAllStringSubmatchIndex(text, -1) {
			to := t.resolve(text[m[6]:m[7]], text[m[4]] == '"', from)
			here := place{from, m[2], m[3]}
			if to == path {
				return []place{here}
			}
			if h := t.read[to]; h != nil && !seen[to] {
				seen[to] = true
				if inner := visit(to, h.text); inner != nil {
					return append(inner, here)
				}
			}
		}
		return nil
	}
	for _, u := range t.units {
		if c := visit(u.name, u.text.String()); c != nil {
			return c
		}
	}
	return nil
}

// onlyKernel reports whether all that the text does is to include headers of the kernel that
// stand for nothing but types and well-known constants, as in most tools: then there's nothing
// for the front end to read.
func (t *tree) onlyKernel() bool {
	var names []string
	for _, u := range t.units {
		for line := range strings.Lines(u.text.String()) {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			m := includeLine().FindStringSubmatch(line)
			if m == nil || m[1] != line || m[2] != "<" || !isKernel(m[3]) || headerText(m[3], t.opt) != "" || strings.HasPrefix(m[3], "net/") && t.inSystem(m[3]) {
				return false
			}
			names = append(names, m[3])
		}
	}
	for _, name := range names {
		for _, dir := range t.opt.Dirs {
			if _, err := t.Open(filepath.Join(dir, name)); err == nil {
				return false
			}
		}
		if _, err := t.Open(filepath.Join(kernelDir, name)); err != nil {
			return false
		}
	}
	return true
}

// place is a run of bytes in a header or unit.
type place struct {
	name       string
	start, end int
}

// resolve is the file that was read for an include.
func (t *tree) resolve(name string, quoted bool, from string) string {
	dirs := t.dirs
	if quoted {
		dirs = append([]string{filepath.Dir(from)}, dirs...)
	}
	for _, d := range dirs {
		path := filepath.Join(d, name)
		if name == "stdint.h" && isSystem(from) {
			path = filepath.Join(d, libcStdint)
		}
		if t.read[path] != nil {
			return path
		}
	}
	return ""
}

// unit finds a unit by its name.
func (t *tree) unit(name string) *unit {
	for _, u := range t.units {
		if u.name == name {
			return u
		}
	}
	return nil
}

// kernelDirs begin the names of headers that are the kernel's.
var kernelDirs = []string{
	"linux/", "net/", "asm/", "asm-generic/", "uapi/", "scsi/", "sound/", "trace/", "crypto/", "vdso/",
	"rdma/", "drm/", "media/", "xen/", "acpi/", "kvm/", "soc/", "video/", "ras/", "keys/", "kunit/",
	"target/", "pcmcia/", "memory/", "misc/", "mtd/", "bpf/", "dt-bindings/",
	"../fs/", "../kernel/", "../mm/", "../net/", "../drivers/",
}

// libcHeaders are the C library's headers that scripts may include where they aren't
// installed: the well-known constants of some are in a table, the others are empty then.
var libcHeaders = []string{
	"errno.h", "fcntl.h", "netdb.h", "pthread.h", "sched.h", "signal.h", "stdio.h", "stdlib.h", "string.h",
	"syscall.h", "time.h", "unistd.h", "inttypes.h",
}

func isKernel(name string) bool {
	return name == "vmlinux.h" || slices.ContainsFunc(kernelDirs, func(d string) bool { return strings.HasPrefix(name, d) })
}

func isLibc(name string) bool {
	dir, _, ok := strings.Cut(name, "/")
	return slices.Contains(libcHeaders, name) || ok && slices.Contains([]string{"sys", "netinet", "arpa", "bits"}, dir)
}
