package sym

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// A program that was deleted after it started is named, also when its process is gone.
func TestFollowDeleted(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Program("cat"))
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	s := New(Config{})
	defer s.Close()
	if err := s.Follow(0); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(c.Process.Pid)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Collect()
	in.Close()
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.procs[pid].maps {
		if m.path == path {
			if f := s.open(pid, &m, fileID{m.dev, m.ino}); f == nil {
				t.Error("the file can't be read any more")
			}
			return
		}
	}
	t.Errorf("%s isn't among %+v", path, s.procs[pid].maps)
}

// A process that was there before is known after its end when it was collected.
func TestFollowOlder(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Root(), testkit.Program("cat"))
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(c.Process.Pid)
	lib, err := awaitLibc(pid)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{})
	defer s.Close()
	if err := s.Follow(0); err != nil {
		t.Fatal(err)
	}
	for len(s.follow.todo) > 0 {
		s.Collect()
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	if m := s.mapping(pid, s.process(pid), lib.start); m == nil || m.path != lib.path {
		t.Errorf("mapping of libc: %+v", m)
	}
}

// Forks have what their parents had, and what is known of the dead is bounded.
func TestFollowForks(t *testing.T) {
	s := New(Config{Root: fstest.MapFS{}})
	s.follow.seen = map[fileID]bool{}
	s.did(&sys.TaskEvent{Kind: sys.TaskMmap, Pid: 1, Start: 0x1000, Len: 0x1000, Path: "/bin/init"})
	s.began(2, 1)
	s.began(3, 2)
	for _, pid := range []uint32{2, 3} {
		s.did(&sys.TaskEvent{Kind: sys.TaskExit, Pid: pid})
		if m := s.mapping(pid, s.process(pid), 0x1800); m == nil || m.path != "/bin/init" {
			t.Errorf("process %d: %+v", pid, m)
		}
	}
	for pid := uint32(10); pid < 10+2*maxEnded; pid++ {
		s.began(pid, 1)
		s.did(&sys.TaskEvent{Kind: sys.TaskExit, Pid: pid})
	}
	if n := len(s.procs); n > maxEnded+1 {
		t.Errorf("%d processes are remembered", n)
	}
	if s.procs[1] == nil {
		t.Error("a living process was forgotten")
	}
	for i := range uint64(3 * maxMaps) {
		s.did(&sys.TaskEvent{Kind: sys.TaskMmap, Pid: 1, Start: i << 12, Len: 0x1000})
	}
	if n := len(s.procs[1].maps); n > maxMaps {
		t.Errorf("%d mappings of one process are remembered", n)
	}
	if s.procs[1].find(3*maxMaps<<12-1) == nil {
		t.Error("the latest mapping was forgotten")
	}
	s.did(&sys.TaskEvent{Kind: sys.TaskLost, Lost: 7})
	if got := s.Troubles(); len(got) != 1 || !strings.HasPrefix(got[0], "7 records") {
		t.Errorf("after 7 lost records: %q", got)
	}
	if s.Kernel(0x1000); len(s.Troubles()) != 2 {
		t.Errorf("without kernel symbols: %q", s.Troubles())
	}
}

// A runtime that generates more code is asked again.
func TestPerfMapGrows(t *testing.T) {
	root := fstest.MapFS{
		"proc/7/maps":                {Data: []byte(maps)},
		"proc/7/root/tmp/perf-7.map": {Data: []byte("7f0000000100 40 one\n")},
	}
	s := New(Config{Root: root})
	if got := s.Usym(7, 0x7f0000000100); got != "one" {
		t.Errorf("at first: %q", got)
	}
	root["proc/7/root/tmp/perf-7.map"] = &fstest.MapFile{Data: []byte("7f0000000100 40 one\n7f0000000200 40 two\n7f0000000100 40 again\n")}
	if got := s.Usym(7, 0x7f0000000200); got != "two" {
		t.Errorf("later: %q", got)
	}
	if got := s.Usym(7, 0x7f0000000100); got != "again" {
		t.Errorf("generated twice: %q", got)
	}
}

// The tables that nobody asks for are given back; files with one build id share one.
func TestTablesShared(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Program("cat"))
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(cat)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dir := t.TempDir()
	copied, err := os.Create(filepath.Join(dir, "cat"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(copied, src); err != nil {
		t.Fatal(err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	s := New(Config{})
	defer s.Close()
	self := uint32(os.Getpid())
	a := s.tableOf(self, &mapping{path: cat, dev: "1", ino: 1})
	b := s.tableOf(self, &mapping{path: copied.Name(), dev: "1", ino: 2})
	if a != b || a.file == nil {
		t.Errorf("two tables for one build id: %p %p", a, b)
	}
	s.tables.weight += maxWeight
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.tableOf(self, &mapping{path: exe, dev: "1", ino: 3})
	if n := len(s.tables.byFile); n != 1 {
		t.Errorf("%d tables are kept beyond the limit", n)
	}
	if c := s.tableOf(self, &mapping{path: cat, dev: "1", ino: 1}); c.file == nil {
		t.Error("a table that was given back can't be read again")
	}
}

// dying is the machine's files, where a process ends after a look at its root directory
// and before a file is opened there.
type dying struct {
	fs.FS
	root string // proc/PID/root
}

func (d dying) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, d.root) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return d.FS.Open(name)
}

func (d dying) Stat(name string) (fs.FileInfo, error) {
	return fs.Stat(d.FS, strings.TrimPrefix(name, d.root+"/"))
}

// A process that ends while its binary is being opened: the same path leads to it.
func TestOpenWhileEnding(t *testing.T) {
	testkit.Need(t, testkit.Linux(), testkit.Program("cat"))
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(cat)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Root: dying{os.DirFS("/"), "proc/7/root"}})
	defer s.Close()
	if table := s.tableOf(7, &mapping{path: cat, dev: "1", ino: sys.Inode(info)}); table.file == nil {
		t.Errorf("%s isn't read", cat)
	}
}
