package sym

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Unwinding is how the frames of a file's functions are unwound that a process has mapped.
type Unwinding struct {
	Start, End uint64 // addresses in the process
	Bias       uint64 // what they are above those of Rows
	Rows       []exe.UnwindRow
}

// Unwind reads what a process has mapped now that can be executed, ascending. What has no
// rows, or can't be read, is left out. Mappings of one file share their rows.
func (s *Symbolizer) Unwind(pid uint32) []Unwinding {
	p := s.process(pid)
	if p.ended {
		return nil
	}
	s.readMaps(pid, p)
	var list []Unwinding
	for i := range p.maps {
		m := &p.maps[i]
		if m.ino == 0 {
			continue
		}
		if s.unwound == nil {
			s.unwound = map[fileID]*unwound{}
		}
		id := fileID{m.dev, m.ino}
		u := s.unwound[id]
		if u == nil {
			u = s.readUnwound(pid, m, id)
			s.unwound[id] = u
		}
		for _, seg := range u.segments {
			if len(u.rows) > 0 && m.off >= seg.off && m.off < seg.off+seg.size {
				list = append(list, Unwinding{m.start, m.end, m.start - (seg.addr + m.off - seg.off), u.rows})
				break
			}
		}
	}
	return list
}

// UnwindFile reads the rows of a program and of the libraries that it links, so that Unwind
// finds them quickly once a process has mapped them. Libraries that aren't where the system
// has its own are left to Unwind.
func (s *Symbolizer) UnwindFile(path string) [][]exe.UnwindRow {
	var list [][]exe.UnwindRow
	todo, seen := []string{path}, map[string]bool{}
	for len(todo) > 0 {
		path, todo = todo[0], todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		id, ok := s.idOf(path)
		if !ok {
			continue
		}
		f, err := s.files.Open(path)
		if err != nil {
			continue // a script, perhaps
		}
		u := s.unwound[id]
		if u == nil {
			if s.unwound == nil {
				s.unwound = map[fileID]*unwound{}
			}
			u = newUnwound(f)
			s.unwound[id] = u
		}
		if len(u.rows) > 0 {
			list = append(list, u.rows)
		}
		names, _ := f.ELF.ImportedLibraries() // without them fewer files are read ahead
		for _, name := range names {
			if library, ok := s.linked(f, path, name); ok {
				todo = append(todo, library)
			}
		}
		_ = s.files.Release(f) // memory that can't be given back is no loss
	}
	return list
}

// linked is where the dynamic linker finds a library of the file f at path.
func (s *Symbolizer) linked(f *exe.File, path, name string) (string, bool) {
	dirs, _ := f.ELF.DynString(elf.DT_RUNPATH)
	if len(dirs) == 0 {
		dirs, _ = f.ELF.DynString(elf.DT_RPATH)
	}
	for _, list := range dirs {
		for dir := range strings.SplitSeq(list, ":") {
			origin := filepath.Dir(path)
			at := filepath.Join(strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(dir), name)
			if _, ok := s.idOf(at); ok && filepath.IsAbs(at) {
				return at, true
			}
		}
	}
	return s.files.Library(name)
}

// idOf is how /proc/PID/maps names the file at path.
func (s *Symbolizer) idOf(path string) (fileID, bool) {
	info, err := fs.Stat(s.cfg.Root, strings.TrimPrefix(path, "/"))
	if err != nil {
		return fileID{}, false
	}
	major, minor := sys.Device(info)
	return fileID{fmt.Sprintf("%02x:%02x", major, minor), sys.Inode(info)}, true
}

// unwound is what a file tells of unwinding.
type unwound struct {
	rows     []exe.UnwindRow
	segments []segment // that can be executed
}

// segment is a part of a file that is mapped.
type segment struct{ off, size, addr uint64 }

func (s *Symbolizer) readUnwound(pid uint32, m *mapping, id fileID) *unwound {
	f := s.open(pid, m, id)
	if f == nil {
		return &unwound{}
	}
	u := newUnwound(f)
	_ = s.files.Release(f) // memory that can't be given back is no loss
	return u
}

func newUnwound(f *exe.File) *unwound {
	u := &unwound{}
	// What is broken has no rows: the walk ends there.
	u.rows, _ = f.UnwindRows()
	for _, p := range f.ELF.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			// Mappings are of whole pages, from that on in which the segment begins.
			first := p.Off &^ (pageSize - 1)
			u.segments = append(u.segments, segment{first, p.Off + p.Filesz - first, p.Vaddr - (p.Off - first)})
		}
	}
	return u
}

// pageSize is x86-64's.
const pageSize = 4096
