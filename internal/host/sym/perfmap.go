package sym

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// maxPerfMap bounds the bytes that are read of a perf map.
const maxPerfMap = 64 << 20

// perfMap holds the functions that a runtime generated, as it writes them to
// /tmp/perf-PID.map, where the number and the directory are the process's own
// (tools/perf/Documentation/jit-interface.txt).
type perfMap struct {
	table
	path   string
	tmp    *os.File // the directory, of a process with mounts of its own that was followed
	read   bool
	size   int64 // of the file when it was read
	misses int
}

// generated names an address in code that the process made itself.
func (s *Symbolizer) generated(pid uint32, p *process, addr uint64) (Symbol, bool) {
	if p.jit == nil {
		p.jit = &perfMap{}
	}
	if !p.jit.read {
		p.jit.read = true
		s.readPerfMap(pid, p.jit)
	}
	sym, ok := p.jit.find(addr, p.jit.path, s.demangle)
	if ok {
		return sym, true
	}
	// The file grows with the code. It's looked at again at the first, second, fourth … miss.
	if p.jit.misses++; p.jit.misses&(p.jit.misses-1) == 0 {
		s.readPerfMap(pid, p.jit)
	}
	return p.jit.find(addr, p.jit.path, s.demangle)
}

// readPerfMap reads the file when it has another size than last time. That of a process
// which ended is looked for where its /tmp was, or in our own.
func (s *Symbolizer) readPerfMap(pid uint32, m *perfMap) {
	if m.path == "" {
		m.path = s.perfMapPath(pid)
	}
	f, err := s.cfg.Root.Open("proc/" + strconv.Itoa(int(pid)) + "/root" + m.path)
	if err != nil && m.tmp != nil {
		f, err = os.Open(fmt.Sprintf("/proc/self/fd/%d/%s", m.tmp.Fd(), path.Base(m.path)))
	}
	if err != nil && m.tmp == nil {
		f, err = s.cfg.Root.Open(m.path[1:])
	}
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == m.size {
		return
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPerfMap))
	if err != nil {
		return
	}
	m.size, m.table = info.Size(), parsePerfMap(data)
}

// parsePerfMap reads lines "start size name", numbers in hexadecimal. Where code was
// generated at one place several times, the last counts.
func parsePerfMap(data []byte) table {
	var t table
	for line := range bytes.Lines(data) {
		start, rest, ok := hexWord(line)
		if !ok {
			continue
		}
		if size, name, ok := hexWord(rest); ok {
			t.add(start, size, strings.TrimRight(string(name), "\n"))
		}
	}
	t.sortStable()
	return t
}

// perfMapPath is where a process leaves its map, as it sees it.
func (s *Symbolizer) perfMapPath(pid uint32) string {
	own := strconv.Itoa(int(pid))
	if status, err := fs.ReadFile(s.cfg.Root, "proc/"+own+"/status"); err == nil {
		own = lastNSpid(string(status), own)
	}
	return "/tmp/perf-" + own + ".map"
}

// lastNSpid is the process's id in its own pid namespace, of /proc/PID/status.
func lastNSpid(status, fallback string) string {
	_, rest, ok := strings.Cut(status, "NSpid:")
	if !ok {
		return fallback
	}
	line, _, _ := strings.Cut(rest, "\n")
	if ids := strings.Fields(line); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return fallback
}
