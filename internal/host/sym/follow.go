package sym

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// follower keeps what processes map, so that they can be named when they are gone. Its
// memory is bounded whatever they do.
type follower struct {
	watch  *sys.TaskWatch // nil: nobody is followed
	events []sys.TaskEvent
	todo   []uint32 // processes older than the watch, whose mappings are to be read
	ended  []uint32 // processes that are known and gone, oldest first
	kept   map[fileID]fs.File
	seen   map[fileID]bool     // files that were looked at for keeping
	mounts string              // our own mount namespace, "mnt:[…]"
	tmps   map[string]*os.File // /tmp of other mount namespaces, where processes leave perf maps
	lost   uint64
}

// Bounds of what is kept.
const (
	maxEnded = 4096    // processes that ended
	maxKept  = 256     // open files
	maxSeen  = 1 << 14 // files
	maxTmps  = 256     // directories
	surveyed = 32      // processes a Collect reads
)

// Follow records from now on what a process and its descendants map, or with 0 what all
// processes do, until Close, so that addresses of theirs can be named however short they
// live. The records have to be taken in by Collect several times a second. Of processes
// that are older than the records the newest are read now, the others by Collect.
func (s *Symbolizer) Follow(pid uint32) error {
	cpus, err := kern.New(s.cfg.Root).OnlineCPUs()
	if err != nil {
		return err
	}
	task := int(pid)
	if pid == 0 {
		task = sys.AllTasks
	}
	f := &s.follow
	if f.watch, err = sys.WatchTasks(task, cpus); err != nil {
		return err
	}
	f.kept, f.seen, f.tmps = map[fileID]fs.File{}, map[fileID]bool{}, map[string]*os.File{}
	f.mounts, err = fs.ReadLink(s.cfg.Root, "proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if pid == 0 {
		f.todo = s.pids()
		s.Collect()
		return nil
	}
	s.keepTmp(pid, s.process(pid))
	return nil
}

// pids are the processes of now, the newest first.
func (s *Symbolizer) pids() []uint32 {
	entries, err := fs.ReadDir(s.cfg.Root, "proc")
	if err != nil {
		return nil
	}
	var pids []uint32
	for _, e := range entries {
		if pid, err := strconv.ParseUint(e.Name(), 10, 32); err == nil {
			pids = append(pids, uint32(pid))
		}
	}
	slices.Sort(pids)
	slices.Reverse(pids)
	return pids
}

// Collect takes in what was recorded, and reads the mappings of some of the processes
// that are older than the records. Following is what makes it do anything.
func (s *Symbolizer) Collect() {
	s.takeCgroups()
	s.take()
	n := min(surveyed, len(s.follow.todo))
	for _, pid := range s.follow.todo[:n] {
		p := s.procs[pid]
		if p == nil {
			p = &process{}
			s.procs[pid] = p
		}
		if p.ended {
			continue
		}
		s.readMaps(pid, p)
		s.keepTmp(pid, p)
		for i := range p.maps {
			s.keep(pid, &p.maps[i])
		}
	}
	s.follow.todo = s.follow.todo[n:]
}

// Troubles tell why addresses that were asked for have no names.
func (s *Symbolizer) Troubles() []string {
	var list []string
	if n := s.follow.lost; n > 0 {
		list = append(list, fmt.Sprintf("%d records of processes' mappings were lost: some addresses have no names", n))
	}
	if n := s.groups.lost; n > 0 {
		list = append(list, fmt.Sprintf("%d records of cgroups were lost: some have no names", n))
	}
	if s.kernel != nil && len(s.kernel.syms) == 0 {
		list = append(list, "the kernel hides its addresses from this process, so they have no names: CAP_SYSLOG shows them, "+
			"or kernel.perf_event_paranoid of 1 or less with kernel.kptr_restrict of 0")
	}
	return list
}

// take takes in what was recorded and reports whether there was anything. CPUs are read
// one after another, so a process's beginning may come after what it did on another.
func (s *Symbolizer) take() bool {
	f := &s.follow
	if f.watch == nil {
		return false
	}
	f.events = f.events[:0]
	f.watch.Each(func(e sys.TaskEvent) {
		if e.Kind == sys.TaskFork {
			s.began(e.Pid, e.Parent)
			return
		}
		f.events = append(f.events, e)
	})
	for i := range f.events {
		s.did(&f.events[i])
	}
	return len(f.events) > 0
}

// began notes a new process. One that's known and lives got ahead of this record on
// another CPU.
func (s *Symbolizer) began(pid, parent uint32) {
	if p := s.procs[pid]; p != nil && !p.ended {
		p.parent = parent
		return
	}
	s.procs[pid] = &process{parent: parent}
}

// did takes in one event.
func (s *Symbolizer) did(e *sys.TaskEvent) {
	p := s.procs[e.Pid]
	switch e.Kind {
	case sys.TaskLost:
		s.follow.lost += e.Lost
	case sys.TaskExit:
		if p != nil {
			s.end(e.Pid, p)
		}
	case sys.TaskMmap:
		if p == nil {
			p = &process{}
			s.procs[e.Pid] = p
		}
		m := mapping{
			start: e.Start, end: e.Start + e.Len, off: e.Off, path: e.Path,
			dev: fmt.Sprintf("%02x:%02x", e.Major, e.Minor), ino: e.Ino,
		}
		p.add(m)
		s.keepTmp(e.Pid, p)
		s.keep(e.Pid, &m)
	}
}

// end notes a process's end; the processes that ended first are forgotten when there
// are many.
func (s *Symbolizer) end(pid uint32, p *process) {
	f := &s.follow
	p.ended = true
	f.ended = append(f.ended, pid)
	if len(f.ended) <= maxEnded {
		return
	}
	first := f.ended[0]
	f.ended = f.ended[1:]
	if old := s.procs[first]; old != nil && old.ended {
		delete(s.procs, first)
	}
}

// keep opens a file that paths won't lead to when its process is gone: those of other
// mount namespaces, and those that are deleted.
func (s *Symbolizer) keep(pid uint32, m *mapping) {
	f, id := &s.follow, fileID{m.dev, m.ino}
	if m.ino == 0 || f.seen[id] {
		return
	}
	if len(f.seen) >= maxSeen {
		clear(f.seen)
	}
	f.seen[id] = true
	if len(f.kept) >= maxKept || s.leadsTo(m.path, m.ino) {
		return
	}
	proc := "proc/" + strconv.Itoa(int(pid))
	for _, path := range []string{fmt.Sprintf("%s/map_files/%x-%x", proc, m.start, m.end), proc + "/root" + m.path} {
		file, err := s.cfg.Root.Open(path)
		if _, ok := file.(*os.File); err == nil && ok {
			f.kept[id] = file
			return
		}
	}
}

// keepTmp holds on to the /tmp of a process with mounts of its own, which may be gone with
// it, and to the name of its perf map there.
func (s *Symbolizer) keepTmp(pid uint32, p *process) {
	f, proc := &s.follow, "proc/"+strconv.Itoa(int(pid))
	mounts, err := fs.ReadLink(s.cfg.Root, proc+"/ns/mnt")
	if err != nil || mounts == f.mounts || p.jit != nil && p.jit.tmp == f.tmps[mounts] {
		return
	}
	tmp := f.tmps[mounts]
	if tmp == nil && len(f.tmps) < maxTmps {
		if dir, err := s.cfg.Root.Open(proc + "/root/tmp"); err == nil {
			tmp, _ = dir.(*os.File)
			f.tmps[mounts] = tmp
		}
	}
	if tmp != nil {
		p.jit = &perfMap{tmp: tmp, path: s.perfMapPath(pid)}
	}
}

// close ends the following.
func (f *follower) close() error {
	for _, file := range f.kept {
		file.Close() // only read
	}
	for _, dir := range f.tmps {
		dir.Close() // only read
	}
	watch := f.watch
	*f = follower{}
	if watch == nil {
		return nil
	}
	return watch.Close()
}
