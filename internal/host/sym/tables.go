package sym

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// fileID tells files apart, whatever paths lead to them.
type fileID struct {
	dev string
	ino uint64
}

// tables are the symbol tables that were read, by file; binaries with one build id, as
// containers have them, share one.
type tables struct {
	byFile map[fileID]*table
	byID   map[string]*table // by build id
	clock  uint64
	weight int // of all tables, see table.weight
}

func newTables() tables {
	return tables{byFile: map[fileID]*table{}, byID: map[string]*table{}}
}

// maxWeight bounds the symbols of all tables, of 32 bytes each.
const maxWeight = 4 << 20

// weight is a table's symbols, and something for the rest of it.
func (t *table) weight() int { return len(t.syms) + 64 }

// tableOf is the table of the file that m maps. A file that can't be read has an empty
// table.
func (s *Symbolizer) tableOf(pid uint32, m *mapping) *table {
	id := fileID{m.dev, m.ino}
	if m.path == vdsoName {
		id = fileID{dev: vdsoName}
	}
	s.tables.clock++
	t := s.tables.byFile[id]
	if t == nil {
		if t = s.readTable(pid, m, id); t == nil {
			return &table{} // perhaps another process leads to it
		}
		s.tables.byFile[id] = t
		s.shed(t)
	}
	t.used = s.tables.clock
	return t
}

// readTable reads a table, or finds that of another file with the same build id; nil:
// the file can't be reached.
func (s *Symbolizer) readTable(pid uint32, m *mapping, id fileID) *table {
	t := &table{}
	if m.path == vdsoName {
		t.readVDSO()
	} else {
		f := s.open(pid, m, id)
		if f == nil {
			return nil
		}
		build := string(f.BuildID())
		if same := s.tables.byID[build]; same != nil {
			// Two closings of one mapping have nothing to tell us.
			_ = s.files.Release(f)
			return same
		}
		t.read(f)
		if build != "" {
			s.tables.byID[build] = t
		}
	}
	t.sort()
	s.tables.weight += t.weight()
	return t
}

// shed forgets the tables that weren't asked for the longest, until the rest with the
// new one is small enough.
func (s *Symbolizer) shed(added *table) {
	for s.tables.weight > maxWeight {
		var oldest *table
		for _, t := range s.tables.byFile {
			if t != added && (oldest == nil || t.used < oldest.used) {
				oldest = t
			}
		}
		if oldest == nil {
			return
		}
		s.forget(oldest)
	}
}

func (s *Symbolizer) forget(old *table) {
	for id, t := range s.tables.byFile {
		if t == old {
			delete(s.tables.byFile, id)
		}
	}
	for id, t := range s.tables.byID {
		if t == old {
			delete(s.tables.byID, id)
		}
	}
	s.tables.weight -= old.weight()
	if old.file != nil {
		_ = s.files.Release(old.file) // memory that can't be given back is no loss to naming
	}
}

// open opens the file that m maps, or returns nil. Paths are those of the process, so
// they are followed from its root while it lives; the file they lead to may be another one
// by now, which its inode number tells, and then the mapping itself leads to it.
func (s *Symbolizer) open(pid uint32, m *mapping, id fileID) *exe.File {
	proc := "/proc/" + strconv.Itoa(int(pid))
	inRoot, mapped := proc+"/root"+m.path, fmt.Sprintf("%s/map_files/%x-%x", proc, m.start, m.end)
	var candidates []string
	if kept, ok := s.follow.kept[id].(*os.File); ok {
		candidates = append(candidates, fmt.Sprintf("/proc/self/fd/%d", kept.Fd()))
	}
	paths := len(candidates)
	for _, path := range []string{inRoot, m.path} {
		// Both, as the process may end between this look and the opening.
		if !m.deleted && s.leadsTo(path, m.ino) {
			candidates = append(candidates, path)
		}
	}
	switch {
	case m.deleted:
		candidates = append(candidates, mapped)
	case len(candidates) == paths: // file systems in layers number a file differently from below and from above
		candidates = append(candidates, mapped, inRoot, m.path)
	}
	for _, path := range candidates {
		s.files.Forget(path)
		if f, err := s.files.Open(path); err == nil {
			return f
		}
	}
	return nil
}

// leadsTo reports whether path is the file with an inode number.
func (s *Symbolizer) leadsTo(path string, ino uint64) bool {
	info, err := fs.Stat(s.cfg.Root, strings.TrimPrefix(path, "/"))
	return err == nil && sys.Inode(info) == ino
}
