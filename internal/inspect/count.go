package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Entries is how much of a map's room is used.
type Entries struct {
	Used uint64 // elements; of a ring buffer the bytes that its reader hasn't taken
	Max  uint64 // room, in the same unit
	// AtLeast: there may be more. Counting stopped at its limit, or at its time.
	AtLeast bool
	Bytes   bool // the unit is bytes
	Known   bool // false: the kernel gives no way to count the elements of such a map
}

// CountLimit bounds what CountEntries does with a map: elements that it looks at, and time.
// Without a limit a map of a hundred million elements would take a minute.
type CountLimit struct {
	Elements uint64
	Time     time.Duration
}

// CountEntries counts a map's elements without changing it. Slots of arrays count as used;
// those of maps that hold programs, maps, sockets or events only when something is in them.
func (r *Reader) CountEntries(m *Map, limit CountLimit) (Entries, error) {
	e := Entries{Max: uint64(m.MaxEntries), Known: true}
	switch m.TypeName() {
	case "array", "percpu_array":
		e.Used = e.Max
		return e, nil
	case "struct_ops", "queue", "stack", "bloom_filter", "sk_storage", "inode_storage", "task_storage", "cgrp_storage",
		"cgroup_storage", "percpu_cgroup_storage", "user_ringbuf", "arena", "insn_array":
		e.Known = false
		return e, nil
	}
	// The kernel maps a ring buffer's memory only from a descriptor that may write.
	o, err := openID(KindMap, m.ID, m.Type == mapRingbuf)
	if err != nil {
		return Entries{Max: e.Max}, err
	}
	fd := o.FD
	defer o.Close()
	deadline := time.Now().Add(limit.Time)
	switch m.TypeName() {
	case "ringbuf":
		e.Bytes = true
		e.Used, err = ringUsed(fd)
	case "hash", "lru_hash", "percpu_hash", "lru_percpu_hash":
		if err = r.countBatches(fd, m, &e, limit, deadline); errors.Is(err, errNoBatches) {
			e.Used, e.AtLeast = 0, false
			err = countKeys(fd, m, &e, limit, deadline)
		}
	default:
		err = countKeys(fd, m, &e, limit, deadline)
	}
	if err != nil {
		return Entries{Max: e.Max}, fmt.Errorf("count elements of map %d: %w", m.ID, err)
	}
	if e.Used >= e.Max { // elements that moved meanwhile were counted twice
		e.Used, e.AtLeast = e.Max, false
	}
	return e, nil
}

// errNoBatches: the map's elements can't be read many at a time.
var errNoBatches = errors.New("no batches")

// batchBytes is how much memory a batch may take, and mostBatch how many elements it has.
const (
	batchBytes = 1 << 20
	mostBatch  = 4096
)

// countBatches reads elements many at a time (kernel 5.6): a call for thousands.
func (r *Reader) countBatches(fd int, m *Map, e *Entries, limit CountLimit, deadline time.Time) error {
	size, err := r.ValueLen(m)
	if err != nil {
		return err
	}
	n := min(mostBatch, batchBytes/(size+int(m.KeySize)))
	if n < 16 {
		return errNoBatches // a bucket may hold more
	}
	keys, values := make([]byte, n*int(m.KeySize)), make([]byte, n*size)
	// The place in the map is as large as a key, or a number.
	var in, out [8]byte
	a := sys.MapBatchAttr{OutBatch: unsafe.Pointer(&out), Keys: unsafe.Pointer(&keys[0]), Values: unsafe.Pointer(&values[0]), MapFD: uint32(fd)}
	for {
		a.Count = uint32(n)
		err := sys.MapLookupBatch(&a, false)
		e.Used += uint64(a.Count)
		switch {
		case errors.Is(err, sys.ENOENT):
			return nil
		case errors.Is(err, sys.EPERM):
			return err
		case err != nil:
			return errNoBatches
		case e.Used >= limit.Elements || time.Now().After(deadline):
			e.AtLeast = true
			return nil
		}
		in = out
		a.InBatch = unsafe.Pointer(&in)
	}
}

// countKeys walks the keys one at a time. Maps whose slots are numbers have a key for each
// slot; a look-up tells whether something is in it.
func countKeys(fd int, m *Map, e *Entries, limit CountLimit, deadline time.Time) error {
	slots := false
	switch m.TypeName() {
	case "prog_array", "array_of_maps", "perf_event_array", "cgroup_array", "devmap", "cpumap", "sockmap", "xskmap", "reuseport_sockarray":
		slots = true
	}
	key, next, value := make([]byte, m.KeySize), make([]byte, m.KeySize), make([]byte, max(8, m.ValueSize))
	var from []byte
	for looked := uint64(0); ; looked++ {
		if looked >= limit.Elements || looked%1024 == 0 && looked > 0 && time.Now().After(deadline) {
			e.AtLeast = true
			return nil
		}
		err := sys.MapNextKey(fd, from, next)
		if errors.Is(err, sys.ENOENT) {
			return nil
		}
		if errors.Is(err, sys.EOPNOTSUPP) {
			e.Known = false
			return nil
		}
		if err != nil {
			return err
		}
		key, next = next, key
		from = key
		if slots {
			err := sys.MapLookup(fd, key, value)
			if errors.Is(err, sys.EOPNOTSUPP) || errors.Is(err, sys.ENOTSUPP) {
				e.Known = false // of perf events and cgroups
				return nil
			}
			if err != nil {
				continue
			}
		}
		e.Used++
	}
}

// ringUsed is how many bytes of a ring buffer its reader hasn't taken: the producer's
// position is in the second page, the consumer's in the first (kernel/bpf/ringbuf.c).
func ringUsed(fd int) (uint64, error) {
	page := os.Getpagesize()
	mem, err := sys.MmapRead(fd, 0, 2*page)
	if err != nil {
		return 0, err
	}
	consumer, producer := binary.NativeEndian.Uint64(mem), binary.NativeEndian.Uint64(mem[page:])
	return max(producer, consumer) - consumer, sys.Munmap(mem)
}
