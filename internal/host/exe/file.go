// Package exe reads programs and libraries: ELF symbols, file offsets, build ids, USDT
// notes, debug information, and finds them by path, by name in $PATH, and by short
// library name.
package exe

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/host/srcline"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Files opens binaries below a root and keeps them open. One goroutine uses it.
type Files struct {
	root  fs.FS
	open  map[string]*File
	stale []*File // forgotten, but perhaps still in use
	libs  *libCache
	// DebugDirs are where files with debug information are looked for besides the usual
	// places: absolute, or below the folder of the binary.
	DebugDirs []string

	decoded   srcline.Cache
	plainSize int // of what debugSection has uncompressed
}

// NewFiles opens nothing yet. root is the file system tree from /.
func NewFiles(root fs.FS) *Files { return &Files{root: root, open: map[string]*File{}} }

// Close closes every file. What they gave is invalid then.
func (fs *Files) Close() error {
	var errs []error
	for _, f := range fs.open {
		errs = append(errs, f.done())
	}
	for _, f := range fs.stale {
		errs = append(errs, f.done())
	}
	clear(fs.open)
	fs.stale = nil
	return errors.Join(errs...)
}

// Forget makes the next Open of path read the file that is there by then. What was opened
// before stays valid.
func (fs *Files) Forget(path string) {
	if f := fs.open[path]; f != nil {
		fs.stale = append(fs.stale, f)
		delete(fs.open, path)
	}
}

// Release closes a file before Close does. What it gave is invalid then.
func (fs *Files) Release(f *File) error {
	if fs.open[f.Path] == f {
		delete(fs.open, f.Path)
	}
	fs.stale = slices.DeleteFunc(fs.stale, func(s *File) bool { return s == f })
	f.dropLines()
	err := f.done()
	if f.debug != nil {
		err = errors.Join(err, fs.Release(f.debug))
	}
	f.debug, f.mini = nil, nil
	return err
}

// ErrNotELF: the file isn't an ELF binary.
var ErrNotELF = errors.New("not an ELF binary")

// File is an ELF binary, mapped into memory. Only its headers are read at first.
type File struct {
	Path string
	ELF  *elf.File
	data []byte
	done func() error
	all  *Files
	// debug is the file with the symbols and DWARF that were cut off this one, mini the
	// symbols that it carries compressed.
	debug, mini             *File
	debugLooked, miniLooked bool
	// lines reads this file's own debug information, with sections that it had compressed,
	// and goTab Go's.
	lines    *srcline.Reader
	joined   *dwarf.Data // the debug information with its supplement's
	plain    map[string][]byte
	goTab    *srcline.GoTable
	goLooked bool
}

// Open opens a binary by its absolute path.
func (fs *Files) Open(path string) (*File, error) {
	if f := fs.open[path]; f != nil {
		return f, nil
	}
	file, err := fs.root.Open(rooted(path))
	if err != nil {
		return nil, fmt.Errorf("open binary: %w", err)
	}
	defer file.Close()
	data, done, err := sys.MapFile(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	e, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, ErrNotELF), done())
	}
	f := &File{Path: path, ELF: e, data: data, done: done, all: fs}
	fs.open[path] = f
	return f, nil
}

// rooted turns an absolute path into a name for fs.FS.
func rooted(path string) string {
	if p := strings.Trim(path, "/"); p != "" {
		return p
	}
	return "."
}

// section is the bytes of a section as they stand in the file; nil when it has none or
// they are compressed.
func (f *File) section(s *elf.Section) []byte {
	if s == nil || s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 ||
		s.Offset > uint64(len(f.data)) || s.FileSize > uint64(len(f.data))-s.Offset {
		return nil
	}
	return f.data[s.Offset : s.Offset+s.FileSize]
}

// Offset is the place in the file of a virtual address that the file's own program
// headers map executable; ok is false when none does.
func (f *File) Offset(addr uint64) (off uint64, ok bool) {
	for _, p := range f.ELF.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}

// Executable reports whether it can be run or loaded: not an object file or a core.
func (f *File) Executable() bool { return f.ELF.Type == elf.ET_EXEC || f.ELF.Type == elf.ET_DYN }

// BuildID is the binary's build id, or nil.
func (f *File) BuildID() []byte {
	for _, s := range f.ELF.Sections {
		if s.Type != elf.SHT_NOTE {
			continue
		}
		for n := range notes(f.section(s), f.ELF.ByteOrder) {
			if n.name == "GNU" && n.kind == 3 { // NT_GNU_BUILD_ID
				return n.desc
			}
		}
	}
	return nil
}

// note is an ELF note.
type note struct {
	name string
	kind uint32
	desc []byte
}

// notes goes through the notes of a section, and ends where it's damaged.
func notes(data []byte, order binary.ByteOrder) func(yield func(note) bool) {
	const header = 12
	align := func(n uint32) uint64 { return (uint64(n) + 3) &^ 3 }
	return func(yield func(note) bool) {
		for len(data) >= header {
			nameLen, descLen, kind := order.Uint32(data), order.Uint32(data[4:]), order.Uint32(data[8:])
			data = data[header:]
			nameEnd := align(nameLen)
			end := nameEnd + align(descLen)
			if nameEnd+uint64(descLen) > uint64(len(data)) || uint64(nameLen) > nameEnd {
				return
			}
			n := note{strings.TrimRight(string(data[:nameLen]), "\x00"), kind, data[nameEnd : nameEnd+uint64(descLen)]}
			if !yield(n) || end > uint64(len(data)) {
				return
			}
			data = data[end:]
		}
	}
}

// readAll reads a file below the root.
func (fs *Files) readAll(path string) ([]byte, error) {
	f, err := fs.root.Open(rooted(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
