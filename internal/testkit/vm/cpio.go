//go:build linux

package vm

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// archive writes a cpio archive of the "new ASCII" form, which an initramfs is
// (Documentation/driver-api/early-userspace/buffer-format.rst). The first error stays.
type archive struct {
	w     *bufio.Writer
	off   int64
	inode int
	have  map[string]bool // paths without their leading slash
	err   error
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriter(w), have: map[string]bool{}}
}

// File type bits of a mode (include/uapi/linux/stat.h).
const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

// file adds a file and its directories, and reports whether it's new.
func (a *archive) file(name string, perm fs.FileMode, data []byte) bool {
	return a.entry(name, typeFile|uint32(perm.Perm()), data)
}

func (a *archive) entry(name string, mode uint32, data []byte) bool {
	name = strings.TrimPrefix(path.Clean(name), "/")
	if a.err != nil || name == "" || name == "." || a.have[name] {
		return false
	}
	if dir := path.Dir(name); dir != "." {
		a.entry(dir, typeDir|0o755, nil)
	}
	a.have[name] = true
	a.write(name, mode, data)
	return true
}

// write writes a header of 8 hexadecimal digits a field, the name and the data, each
// padded to 4 bytes.
func (a *archive) write(name string, mode uint32, data []byte) {
	a.inode++
	fields := []int{a.inode, int(mode), 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0}
	var header strings.Builder
	header.WriteString("070701")
	for _, f := range fields {
		fmt.Fprintf(&header, "%08x", f)
	}
	a.put(append([]byte(header.String()+name), 0))
	a.align()
	a.put(data)
	a.align()
}

func (a *archive) put(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
		a.off += int64(len(b))
	}
}

func (a *archive) align() { a.put(make([]byte, -a.off&3)) }

// add adds a file, or a directory with all below it. Links are followed for f itself and
// kept below it.
func (a *archive) add(f File) {
	if a.err != nil {
		return
	}
	root, err := filepath.EvalSymlinks(f.Host)
	if err != nil {
		a.err = err
		return
	}
	a.err = filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return a.addOne(file, path.Join(f.Guest, filepath.ToSlash(rel)), e)
	})
}

func (a *archive) addOne(file, name string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	switch {
	case e.IsDir():
		a.entry(name, typeDir|uint32(info.Mode().Perm()), nil)
	case e.Type() == fs.ModeSymlink:
		to, err := os.Readlink(file)
		if err != nil {
			return err
		}
		a.entry(name, typeLink|0o777, []byte(to))
	case e.Type().IsRegular():
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		a.file(name, info.Mode(), data)
	}
	return a.err
}

func (a *archive) close() error {
	a.write("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}
