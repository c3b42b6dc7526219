package exe

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"hash/crc32"
	"io"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

// debugRoot is where distributions put what they cut off binaries.
const debugRoot = "/usr/lib/debug"

// debugFile is the file with what was cut off this binary, or nil: by the build id, else
// by the name in .gnu_debuglink. A binary of a container has it there or here.
func (f *File) debugFile() *File {
	if f.debugLooked {
		return f.debug
	}
	f.debugLooked = true
	root, own := splitRoot(f.Path)
	roots := []string{""}
	if root != "" {
		roots = []string{root, ""}
	}
	for _, r := range roots {
		if f.debug = f.debugIn(r, path.Dir(own)); f.debug != nil {
			return f.debug
		}
	}
	return nil
}

// splitRoot cuts the path of a process's root, /proc/PID/root, off the path of a binary
// that is seen through it.
func splitRoot(name string) (root, own string) {
	parts := strings.SplitN(name, "/", 5)
	if len(parts) == 5 && parts[0] == "" && parts[1] == "proc" && parts[3] == "root" {
		return strings.Join(parts[:4], "/"), "/" + parts[4]
	}
	return "", name
}

// debugIn looks below a root, where the binary is in folder dir.
func (f *File) debugIn(root, dir string) *File {
	id := f.BuildID()
	if hexID := hex.EncodeToString(id); len(hexID) > 2 {
		d, err := f.all.Open(root + debugRoot + "/.build-id/" + hexID[:2] + "/" + hexID[2:] + ".debug")
		if err == nil && d != f {
			return d
		}
	}
	name, sum, ok := f.debugLink()
	if !ok && len(id) == 0 {
		return nil
	}
	if !ok { // the build id has to tell that it's the one
		name = path.Base(f.Path) + ".debug"
	}
	places := []string{path.Join(dir, name), path.Join(dir, ".debug", name), path.Join(debugRoot, dir, name)}
	for _, d := range f.all.DebugDirs {
		if path.IsAbs(d) {
			places = append(places, path.Join(d, name), path.Join(d, dir, name))
		} else {
			places = append(places, path.Join(dir, d, name))
		}
	}
	for _, p := range places {
		d, err := f.all.Open(root + p)
		if err == nil && d != f && d.belongs(id, sum) {
			return d
		}
	}
	return nil
}

// debugLink reads .gnu_debuglink: a file name, and the CRC-32 of the file in the last
// four bytes (GDB manual, Separate Debug Files).
func (f *File) debugLink() (name string, sum uint32, ok bool) {
	data := f.section(f.ELF.Section(".gnu_debuglink"))
	n := bytes.IndexByte(data, 0)
	if n <= 0 || len(data) < n+5 || bytes.IndexByte(data[:n], '/') >= 0 {
		return "", 0, false
	}
	return string(data[:n]), f.ELF.ByteOrder.Uint32(data[len(data)-4:]), true
}

// belongs reports whether this debug file is that of a binary with this build id and link.
// The sum is made of the whole file, so it counts only where ids can't be compared.
func (f *File) belongs(id []byte, sum uint32) bool {
	if own := f.BuildID(); len(own) > 0 && len(id) > 0 {
		return bytes.Equal(own, id)
	}
	return crc32.ChecksumIEEE(f.data) == sum
}

// maxMini bounds what .gnu_debugdata may become when it's decompressed.
const maxMini = 64 << 20

// miniDebug is the small ELF file with function symbols that some distributions put into
// binaries, compressed (.gnu_debugdata), or nil.
func (f *File) miniDebug() *File {
	if f.miniLooked {
		return f.mini
	}
	f.miniLooked = true
	packed := f.section(f.ELF.Section(".gnu_debugdata"))
	if packed == nil {
		return nil
	}
	r, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(r, maxMini))
	if err != nil {
		return nil
	}
	e, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	f.mini = &File{Path: f.Path, ELF: e, data: data, done: func() error { return nil }, all: f.all}
	return f.mini
}
