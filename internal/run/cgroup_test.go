package run

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/cgroup"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

// words is a map of numbers in memory, and a session that has it as each of its maps.
type words struct {
	engine.Session
	mu    sync.Mutex
	slots map[uint32]uint64
	keys  map[uint64]bool
}

func (w *words) Map(int) engine.Map { return (*wordMap)(w) }

// wordMap is words as a map.
type wordMap words

func (w *wordMap) WriteAt(_ []byte, offset uint32, b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots[offset] = binary.NativeEndian.Uint64(b)
	return nil
}

func (w *wordMap) Update(key, _ []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys[binary.NativeEndian.Uint64(key)] = true
	return nil
}

func (w *wordMap) Each(func(key, value []byte) bool) error { return nil }
func (w *wordMap) Lookup([]byte) ([]byte, error)           { return nil, engine.ErrNotFound }
func (w *wordMap) Delete([]byte) error                     { return nil }
func (w *wordMap) Clear() error                            { return nil }
func (w *wordMap) Len() (int, error)                       { return 0, nil }

// What programs look for is there from the start, and follows cgroups that are made later, with
// the kernel's word of them and without.
func TestKeepCgroups(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Feature("cgroup2"))
	mount, err := cgroup.Mount(os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	watch, err := cgroup.Watch(os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	for name, watch := range map[string]*sys.CgroupWatch{"told": watch, "looking": nil} {
		t.Run(name, func(t *testing.T) { keepOne(t, mount, watch) })
	}
}

func keepOne(t *testing.T, mount string, watch *sys.CgroupWatch) {
	top, err := os.MkdirTemp(mount, "skep_kept_")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(top, "x.service")
	container := filepath.Join(top, "docker-"+hex.EncodeToString([]byte(strings.Repeat("skep", 8)))+".scope")
	t.Cleanup(func() {
		for _, dir := range []string{path, container, top} {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		}
	})
	mkdir := func(dir string) uint64 {
		t.Helper()
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		id, err := sys.CgroupID(dir)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := mkdir(path)
	w := &words{slots: map[uint32]uint64{}, keys: map[uint64]bool{}}
	o := &object.Object{Cgroups: []object.CgroupSlot{{Path: path, At: 16}}, CgroupSets: []object.CgroupSet{{Form: object.CgroupContainer}}}
	k, err := beginKeeping(o, w, watch)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	if w.slots[16] != first || w.keys[first] {
		t.Errorf("at the start: %v %v, want %d", w.slots, w.keys, first)
	}
	w.mu.Unlock()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, member := mkdir(path), mkdir(container)
	var slot uint64
	var in bool
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && (slot != second || !in); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		slot, in = w.slots[16], w.keys[member]
		w.mu.Unlock()
	}
	if slot != second || !in || first == second {
		t.Errorf("made again: %d, want %d; the container noted: %v", slot, second, in)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}
