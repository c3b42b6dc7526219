package sym

import (
	"bytes"
	"io/fs"
	"strconv"
	"strings"
)

// vdsoName is what the kernel calls its code in each process.
const vdsoName = "[vdso]"

// process is what is known of a process.
type process struct {
	maps   []mapping // executable ones; where two overlap, the later is there now
	misses int       // addresses that no mapping had
	parent uint32    // of a process that began while it was followed; else 0
	ended  bool
	jit    *perfMap // nil: not asked for yet
}

// mapping is an executable range of a process's memory.
type mapping struct {
	start, end uint64
	off        uint64 // of start in the file
	path       string
	dev        string // "08:01"
	ino        uint64 // 0: no file
	deleted    bool   // no path leads to the file any more
}

// generated reports whether the code was made by the process itself: memory without a
// file, or with one that only serves to map it twice.
func (m *mapping) generated() bool { return m.ino == 0 || strings.HasPrefix(m.path, "/memfd:") }

// maxMaps bounds the mappings of a process; of more the oldest go.
const maxMaps = 4096

func (p *process) add(m mapping) {
	if len(p.maps) >= maxMaps {
		p.maps = append(p.maps[:0], p.maps[maxMaps/2:]...)
	}
	p.maps = append(p.maps, m)
}

// process is what is known of pid; its mappings are read when an address needs them.
func (s *Symbolizer) process(pid uint32) *process {
	p := s.procs[pid]
	if p == nil {
		s.take()
		p = s.procs[pid]
	}
	if p == nil {
		p = &process{}
		s.procs[pid] = p
	}
	if s.cfg.Reread {
		s.readMaps(pid, p)
	}
	return p
}

// maxForks bounds the way from a process to the ancestor that it's a copy of.
const maxForks = 16

// mapping is what is mapped at addr, or nil. A process that ended before it executed a
// program had its parent's mappings.
func (s *Symbolizer) mapping(pid uint32, p *process, addr uint64) *mapping {
	if m := p.find(addr); m != nil {
		return m
	}
	if s.take() {
		if m := p.find(addr); m != nil {
			return m
		}
	}
	if p.missed() {
		s.readMaps(pid, p)
	}
	for n := 0; len(p.maps) == 0 && p.parent != 0 && n < maxForks; n++ {
		parent := p.parent
		if p = s.process(parent); len(p.maps) == 0 && p.missed() {
			s.readMaps(parent, p)
		}
	}
	return p.find(addr)
}

// missed counts an address without mapping and says whether reading the mappings again
// is worth it: the process may have loaded a library or another program since. The
// first, second, fourth, eighth … miss is.
func (p *process) missed() bool {
	p.misses++
	return p.misses&(p.misses-1) == 0
}

func (p *process) find(addr uint64) *mapping {
	for i := len(p.maps) - 1; i >= 0; i-- {
		if m := &p.maps[i]; addr >= m.start && addr < m.end {
			return m
		}
	}
	return nil
}

// readMaps reads /proc/PID/maps. Of a process that's gone the old mappings stay.
func (s *Symbolizer) readMaps(pid uint32, p *process) {
	data, err := fs.ReadFile(s.cfg.Root, "proc/"+strconv.Itoa(int(pid))+"/maps")
	if err != nil || len(data) == 0 {
		return
	}
	p.maps = parseMaps(data)
}

// parseMaps reads lines "start-end rwxp offset dev inode   path" and keeps what can be
// executed.
func parseMaps(data []byte) []mapping {
	var maps []mapping
	for line := range bytes.Lines(data) {
		start, rest, ok := hexWord(line) // the '-' is skipped as the space would be
		if !ok {
			continue
		}
		end, rest, ok := hexWord(rest)
		if !ok || len(rest) < 5 || rest[2] != 'x' {
			continue
		}
		off, rest, ok := hexWord(rest[5:])
		f := strings.SplitN(strings.TrimSpace(string(rest)), " ", 3)
		if !ok || len(f) < 2 {
			continue
		}
		m := mapping{start: start, end: end, off: off, dev: f[0]}
		m.ino, _ = strconv.ParseUint(f[1], 10, 64)
		if len(f) == 3 {
			m.path, m.deleted = strings.CutSuffix(strings.TrimSpace(f[2]), " (deleted)")
		}
		maps = append(maps, m)
	}
	return maps
}
