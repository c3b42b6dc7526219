package sym

import (
	"bytes"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// vdsoName is what the kernel calls its code in each process.
const vdsoName = "[vdso]"

// process is what is known of a process.
type process struct {
	maps    []mapping // executable ones; where two overlap, the later is there now
	misses  int       // addresses that no mapping had
	jitTab  *table    // of its perf map
	jitPath string
}

// mapping is an executable range of a process's memory.
type mapping struct {
	start, end uint64
	off        uint64 // of start in the file
	path       string
	dev        string // "08:01"
	ino        uint64 // 0: no file
}

// process is what is known of pid; its mappings are read at first sight.
func (s *Symbolizer) process(pid uint32) *process {
	s.followed()
	p := s.procs[pid]
	if p == nil {
		p = &process{}
		s.procs[pid] = p
		s.readMaps(pid, p)
	} else if s.cfg.Reread {
		s.readMaps(pid, p)
	}
	return p
}

// missed counts an address without mapping and says whether reading the mappings again
// is worth it: the process may have loaded a library or another program since. The
// first, second, fourth, eighth … miss is.
func (p *process) missed() bool {
	p.misses++
	return p.misses&(p.misses-1) == 0
}

func (p *process) mapping(addr uint64) *mapping {
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
			m.path = strings.TrimSuffix(strings.TrimSpace(f[2]), " (deleted)")
		}
		maps = append(maps, m)
	}
	return maps
}

// jit is the table of the symbols that a runtime wrote to /tmp/perf-PID.map, where the
// number and the directory are the process's own (linux/tools/perf/Documentation/
// jit-interface.txt): lines "start size name" in hexadecimal.
func (p *process) jit(s *Symbolizer, pid uint32) *table {
	if p.jitTab != nil {
		return p.jitTab
	}
	p.jitTab = &table{}
	dir := "proc/" + strconv.Itoa(int(pid))
	own := strconv.Itoa(int(pid))
	if status, err := fs.ReadFile(s.cfg.Root, dir+"/status"); err == nil {
		own = lastNSpid(string(status), own)
	}
	p.jitPath = "/tmp/perf-" + own + ".map"
	f, err := s.cfg.Root.Open(dir + "/root" + p.jitPath)
	if err != nil {
		return p.jitTab
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return p.jitTab
	}
	for line := range bytes.Lines(data) {
		start, rest, ok := hexWord(line)
		if !ok {
			continue
		}
		size, name, ok := hexWord(rest)
		if ok {
			p.jitTab.add(start, size, strings.TrimRight(string(name), "\n"))
		}
	}
	p.jitTab.sort()
	return p.jitTab
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
