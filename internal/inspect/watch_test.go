package inspect

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// fakeWatch watches nothing of this machine.
func fakeWatch(root fs.FS) *Watch {
	r := &Reader{root: root, boot: 1}
	w := &Watch{r: r, known: map[objectID]*watched{}, own: map[objectID]bool{}, unloaded: map[uint32]int{}, pending: map[objectID]bool{}, polls: 1}
	w.links = r.newPoints(&Survey{})
	return w
}

// lines gathers events as text.
type lines []string

func (l *lines) add(e WatchEvent) {
	by := "?"
	if e.By != nil {
		by = fmt.Sprintf("%d %s", e.By.PID, e.By.Comm)
	}
	if e.Holder {
		by += " held"
	}
	*l = append(*l, fmt.Sprintf("%s %d/%d %s %s by %s", e.Op, e.Kind, e.ID, e.Name, e.Point, by))
}

func (l *lines) take(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(*l, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(*l, "\n"), strings.Join(want, "\n"))
	}
	*l = nil
}

func TestWatchGone(t *testing.T) {
	w := fakeWatch(fstest.MapFS{
		"proc/30/cmdline": {Data: []byte("rm\x00")}, "proc/30/comm": {Data: []byte("rm\n")}, "proc/30/status": {Data: []byte("Name:\trm\nUid:\t1000\t0\t0\t0\n")},
		"proc/40/cmdline": {}, "proc/40/comm": {Data: []byte("kworker/0:1\n")},
	})
	bee := &Actor{PID: 10, Comm: "bee"}
	for id := range uint32(5) {
		w.known[objectID{KindProg, id + 1}] = &watched{typ: "xdp", name: fmt.Sprint("p", id+1), by: bee}
	}
	w.known[objectID{KindMap, 7}] = &watched{typ: "hash", name: "m"}
	w.known[objectID{KindLink, 9}] = &watched{typ: "xdp", name: "p1", prog: 1, point: "xdp on lo", by: bee}
	w.known[objectID{KindLink, 8}] = &watched{typ: "xdp", name: "p2", prog: 2, point: "xdp on eth0", detached: true}
	var got lines

	// By the maker, by another process, by a thread of the kernel, by a process that has
	// ended, by this one, which looked at it.
	w.progEvent(sys.ProgEvent{Unload: true, ID: 1, Pid: 10}, got.add)
	w.progEvent(sys.ProgEvent{Unload: true, ID: 2, Pid: 30}, got.add)
	w.progEvent(sys.ProgEvent{Unload: true, ID: 3, Pid: 40}, got.add)
	w.progEvent(sys.ProgEvent{Unload: true, ID: 5, Pid: 50}, got.add)
	w.known[objectID{KindProg, 6}] = &watched{typ: "xdp", name: "p6", by: bee}
	w.progEvent(sys.ProgEvent{Unload: true, ID: 6, Pid: uint32(os.Getpid())}, got.add)
	w.progEvent(sys.ProgEvent{Unload: true, ID: 99, Pid: 40}, got.add)
	w.progEvent(sys.ProgEvent{Lost: 5}, got.add)
	got.take(t, "unloads", "unloaded 0/1 p1  by 10 bee", "unloaded 0/2 p2  by 30 rm", "unloaded 0/3 p3  by 10 bee held", "unloaded 0/5 p5  by 50 ", "unloaded 0/6 p6  by 10 bee held", "lost 0/0   by ?")

	// What's still listed is there; what's new isn't gone; what was told isn't told again.
	listed := map[objectID]bool{{KindProg, 3}: true, {KindMap, 7}: true}
	w.compare(listed, map[objectID]bool{{KindProg, 4}: true}, got.add)
	got.take(t, "first lists", "detached 0/1 p1 xdp on lo by 10 bee held")
	if w.unloaded[3] == 0 {
		t.Errorf("unloaded and still listed: %v", w.unloaded)
	}
	w.polls++
	w.compare(map[objectID]bool{}, map[objectID]bool{}, got.add)
	got.take(t, "second lists", "unloaded 0/4 p4  by 10 bee held", "freed 1/7 m  by ?")
	w.compare(map[objectID]bool{}, map[objectID]bool{}, got.add)
	got.take(t, "third lists")
	if a := w.r.actor(30); a.UID != 1000 || a.Comm != "rm" {
		t.Errorf("actor %+v", a)
	}
}

// TestWatchUnended: an object is listed before the call that makes it has ended; it's told
// once, by the call.
func TestWatchUnended(t *testing.T) {
	w := fakeWatch(fstest.MapFS{})
	w.calls = &callWatch{}
	var got lines
	w.later = []sys.ProgEvent{{ID: 6, Pid: 70, Time: 5}}
	id, other := objectID{KindMap, 3}, objectID{KindProg, 6}
	listed := map[objectID]bool{id: true}
	w.compare(listed, nil, got.add)
	got.take(t, "before the calls have ended")
	w.seen(call{cmd: cmdMapCreate, kind: KindMap, id: 3, pid: 70, comm: "slow", typ: 1, name: "m"}, map[objectID]bool{}, got.add)
	w.known[other] = &watched{name: "p"}
	w.progEvents(got.add)
	w.compare(map[objectID]bool{id: true, other: true}, nil, got.add)
	got.take(t, "after them", "created 1/3 m  by 70 slow")
	if len(w.pending) != 0 || len(w.later) != 0 {
		t.Errorf("still pending: %v %v", w.pending, w.later)
	}
	// What no call tells of is told in the end.
	w.later = []sys.ProgEvent{{ID: 8, Pid: 71, Time: 6}, {Unload: true, ID: 8, Pid: 71, Time: 7}}
	w.progEvents(got.add)
	got.take(t, "without a call", "loaded 0/8   by 71 ", "unloaded 0/8   by 71 ")
}

// TestWatchOwn: what this process does isn't told.
func TestWatchOwn(t *testing.T) {
	w := fakeWatch(fstest.MapFS{})
	var got lines
	w.known[objectID{KindProg, 5}] = &watched{name: "mine"}
	w.own[objectID{KindProg, 5}] = true
	w.progEvent(sys.ProgEvent{Unload: true, ID: 5}, got.add)
	got.take(t, "own unload")
	w.network(time.Now(), got.add)
	w.seen(call{cmd: cmdProgAttach, kind: KindProg, id: 5, pid: 11, comm: "x", typ: 6, args: [4]uint32{1, 3, 46}}, nil, got.add)
	if len(got) != 1 || !strings.HasPrefix(got[0], "attached 0/5  tc ingress ") {
		t.Errorf("%v", got)
	}
}
