package inspect

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/testkit"
)

func TestCountEntries(t *testing.T) {
	r := reader(t)
	testkit.NoLeaks(t)
	const lpm, noPrealloc = 11, 1
	long := CountLimit{Elements: 1 << 20, Time: time.Minute}
	for _, c := range []struct {
		name            string
		typ, key, value uint32
		most, put       uint32
		flags           uint32
		limit           CountLimit
		want            Entries
	}{
		{"cnt_hash", mapHash, 4, 8, 9000, 5000, 0, long, Entries{Used: 5000, Max: 9000, Known: true}},
		{"cnt_empty", mapHash, 4, 8, 9000, 0, 0, long, Entries{Max: 9000, Known: true}},
		{"cnt_full", mapHash, 4, 8, 64, 64, 0, long, Entries{Used: 64, Max: 64, Known: true}},
		{"cnt_percpu", mapPercpuHash, 8, 16, 300, 299, 0, long, Entries{Used: 299, Max: 300, Known: true}},
		{"cnt_large", mapHash, 4, 200000, 5, 3, noPrealloc, long, Entries{Used: 3, Max: 5, Known: true}},
		{"cnt_lpm", lpm, 8, 4, 100, 7, noPrealloc, long, Entries{Used: 7, Max: 100, Known: true}},
		{"cnt_array", mapArray, 4, 4, 77, 1, 0, long, Entries{Used: 77, Max: 77, Known: true}},
		{"cnt_calls", mapProgArray, 4, 4, 50, 0, 0, long, Entries{Max: 50, Known: true}},
		{"cnt_events", mapPerfEvents, 4, 4, 2, 0, 0, long, Entries{Max: 2}},
		{"cnt_queue", mapQueue, 0, 4, 10, 0, 0, long, Entries{Max: 10}},
		{"cnt_ring", mapRingbuf, 0, 0, uint32(os.Getpagesize()), 0, 0, long, Entries{Max: uint64(os.Getpagesize()), Bytes: true, Known: true}},
		{"cnt_some", lpm, 8, 4, 100, 50, noPrealloc, CountLimit{Elements: 10, Time: time.Minute}, Entries{Used: 10, Max: 100, AtLeast: true, Known: true}},
	} {
		fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: c.typ, KeySize: c.key, ValueSize: c.value, MaxEntries: c.most, Flags: c.flags, Name: sys.ObjName(c.name)})
		closeAfter(t, fd, err)
		cpus, err := r.CPUs()
		if err != nil {
			t.Fatal(err)
		}
		key, value := make([]byte, c.key), make([]byte, int(c.value+7)&^7*cpus)
		for i := range c.put {
			if c.typ == lpm {
				key[0] = 32 // bits of the prefix
			}
			binary.NativeEndian.PutUint32(key[c.key-4:], i)
			if err := sys.MapUpdate(fd, key, value); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		m, err := r.MapByFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.CountEntries(m, c.limit); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

// TestCountStops: a large map is counted in part, within the time.
func TestCountStops(t *testing.T) {
	r := reader(t)
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapHash, KeySize: 4, ValueSize: 8, MaxEntries: 60000})
	closeAfter(t, fd, err)
	key, value := make([]byte, 4), make([]byte, 8)
	for i := range uint32(50000) {
		binary.NativeEndian.PutUint32(key, i)
		if err := sys.MapUpdate(fd, key, value); err != nil {
			t.Fatal(err)
		}
	}
	m, err := r.MapByFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.CountEntries(m, CountLimit{Elements: 20000, Time: time.Minute})
	if err != nil || !got.AtLeast || got.Used < 20000 || got.Used > 20000+mostBatch {
		t.Errorf("with a limit of 20000: %+v, %v", got, err)
	}
	if got, err = r.CountEntries(m, CountLimit{Elements: 1 << 30}); err != nil || !got.AtLeast || got.Used >= 50000 {
		t.Errorf("without time: %+v, %v", got, err)
	}
	gone := *m
	gone.ID = 1<<31 - 1
	if _, err := r.CountEntries(&gone, CountLimit{}); err == nil {
		t.Error("a map that's gone was counted")
	}
}
