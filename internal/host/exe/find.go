package exe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// ErrNotFound: no binary of that name.
var ErrNotFound = errors.New("no such binary")

// Find resolves a target of a user probe to absolute paths: a path, a name in the
// search path (a list as in $PATH), a library by short name (libc, libssl.so.3).
// A * in it is expanded; otherwise there's at most one but for names found
// several times in $PATH, of which the first counts. The
// error is ErrNotFound or what reading gave.
func (f *Files) Find(name, searchPath string) ([]string, error) {
	if strings.Contains(name, "*") {
		return f.glob(name, searchPath)
	}
	if strings.HasPrefix(name, "lib") && !strings.Contains(name, "/") {
		if lib, ok := f.Library(name); ok {
			return []string{lib}, nil
		}
	}
	var trouble error
	for _, p := range candidates(name, searchPath) {
		ok, err := f.isBinary(p)
		if ok {
			return []string{p}, nil
		}
		if err != nil && trouble == nil && !errors.Is(err, fs.ErrNotExist) {
			trouble = err
		}
	}
	if trouble != nil {
		return nil, trouble
	}
	return nil, ErrNotFound
}

// candidates are the absolute paths that a name may mean.
func candidates(name, searchPath string) []string {
	abs, err := filepath.Abs(name)
	if err != nil {
		abs = name
	}
	list := []string{abs}
	if !strings.Contains(name, "/") {
		for _, dir := range filepath.SplitList(searchPath) {
			if filepath.IsAbs(dir) {
				list = append(list, filepath.Join(dir, name))
			}
		}
	}
	return list
}

// isBinary reports whether path is a program or a library. It doesn't keep it open.
func (f *Files) isBinary(p string) (bool, error) {
	file, err := f.root.Open(rooted(p))
	if err != nil {
		return false, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return false, err
	}
	var hdr [18]byte // e_ident, e_type
	if n, err := file.Read(hdr[:]); n < len(hdr) {
		return false, errors.Join(ErrNotELF, err)
	}
	if string(hdr[:4]) != elf.ELFMAG {
		return false, ErrNotELF
	}
	kind := elf.Type(binary.LittleEndian.Uint16(hdr[16:]))
	if elf.Data(hdr[elf.EI_DATA]) == elf.ELFDATA2MSB {
		kind = elf.Type(binary.BigEndian.Uint16(hdr[16:]))
	}
	return kind == elf.ET_DYN || kind == elf.ET_EXEC && st.Mode()&0o100 != 0, nil
}

func (f *Files) glob(pattern, searchPath string) ([]string, error) {
	var found []string
	for _, p := range candidates(pattern, searchPath) {
		names, err := fs.Glob(f.root, rooted(p))
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if ok, _ := f.isBinary("/" + n); ok {
				found = append(found, "/"+n)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// libCache is /etc/ld.so.cache: names and paths of this machine's libraries.
type libCache struct {
	entries []libEntry
}

type libEntry struct{ name, path string }

// Library finds a library by short name (libc), file name (libc.so.6) or with a
// part of its version (libssl.so), as the dynamic linker's cache lists them.
func (f *Files) Library(name string) (string, bool) {
	if f.libs == nil {
		f.libs = &libCache{}
		if data, err := f.readAll("/etc/ld.so.cache"); err == nil {
			f.libs = parseLibCache(data, hostFlags())
		}
	}
	for _, match := range []func(string) bool{
		func(s string) bool { return s == name },
		func(s string) bool { return s == name+".so" },
		func(s string) bool { return strings.HasPrefix(s, name+".so.") },
		func(s string) bool { return strings.HasPrefix(s, name+".") && strings.Contains(name, ".so") },
	} {
		for _, e := range f.libs.entries {
			if ok := match(e.name); !ok {
				continue
			}
			if ok, _ := f.isBinary(e.path); ok {
				return e.path, true
			}
		}
	}
	return f.libraryDir(name)
}

// libraryDir looks where the linker looks without a cache (musl, small images).
func (f *Files) libraryDir(name string) (string, bool) {
	for _, dir := range []string{"lib/" + multiarch(), "usr/lib/" + multiarch(), "lib64", "usr/lib64", "lib", "usr/lib", "usr/local/lib"} {
		for _, pattern := range []string{name, name + ".so", name + ".so.*"} {
			if strings.ContainsAny(pattern[:len(name)], "*?[") {
				return "", false
			}
			names, _ := fs.Glob(f.root, path.Join(dir, pattern))
			for _, n := range names {
				if ok, _ := f.isBinary("/" + n); ok {
					return "/" + n, true
				}
			}
		}
	}
	return "", false
}

// multiarch is Debian's folder for the libraries of this machine's architecture.
func multiarch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64-linux-gnu"
	}
	return "x86_64-linux-gnu"
}

// Flags of an entry: the kind of library (FLAG_ELF_LIBC6) and its machine
// (sysdeps/generic/ldconfig.h and glibc's dl-cache.h).
const (
	cacheELFLibc6 = 0x0003
	cacheX8664    = 0x0300
	cacheAArch64  = 0x0a00
)

func hostFlags() uint32 {
	if runtime.GOARCH == "arm64" {
		return cacheELFLibc6 | cacheAArch64
	}
	return cacheELFLibc6 | cacheX8664
}

// newCacheMagic begins struct cache_file_new (glibc, elf/dl-cache.h). It follows the
// old format's table in files that have both.
const newCacheMagic = "glibc-ld.so.cache1.1"

// parseLibCache reads the new format: a header of 48 bytes (magic and version, u32
// number of entries, u32 length of strings …), then 24 bytes an entry (i32 flags,
// u32 key, u32 value, u32 osversion, u64 hwcap), key and value offsets from the header.
func parseLibCache(data []byte, flags uint32) *libCache {
	i := bytes.Index(data, []byte(newCacheMagic))
	if i < 0 {
		return &libCache{}
	}
	data = data[i:]
	const header, entry = 48, 24
	if len(data) < header {
		return &libCache{}
	}
	c := &libCache{}
	n := binary.NativeEndian.Uint32(data[20:])
	for rest := data[header:]; n > 0 && len(rest) >= entry; n, rest = n-1, rest[entry:] {
		if binary.NativeEndian.Uint32(rest) != flags {
			continue
		}
		c.entries = append(c.entries, libEntry{
			name: cString(data, binary.NativeEndian.Uint32(rest[4:])),
			path: cString(data, binary.NativeEndian.Uint32(rest[8:])),
		})
	}
	return c
}
