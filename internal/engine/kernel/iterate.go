package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// errNoBatch: the kernel doesn't read this kind of map in batches.
var errNoBatch = errors.New("no batch operations")

// batchBytes bounds the memory of a batch.
const batchBytes = 1 << 18

func u32(b []byte) uint32       { return binary.NativeEndian.Uint32(b) }
func putU32(b []byte, v uint32) { binary.NativeEndian.PutUint32(b, v) }

// Each calls f for each element: from memory where the map is mapped, else in batches,
// else one by one.
func (m *bpfMap) Each(f func(key, value []byte) bool) error {
	if m.mem != nil || m.array() {
		return m.eachIndex(f)
	}
	err := m.batches(false, f)
	if !errors.Is(err, errNoBatch) {
		return err
	}
	return m.eachKey(f)
}

// eachIndex goes through an array.
func (m *bpfMap) eachIndex(f func(key, value []byte) bool) error {
	key := make([]byte, 4)
	for i := range m.maxEntries {
		putU32(key, i)
		value, err := m.Lookup(key)
		if err != nil {
			return err
		}
		if !f(key, value) {
			return nil
		}
	}
	return nil
}

// batches reads the map in batches (kernel 5.6) and, with del, deletes what it read.
func (m *bpfMap) batches(del bool, f func(key, value []byte) bool) error {
	keySize := int(m.obj.KeySize)
	count := max(16, min(batchBytes/(keySize+m.valueSize), int(m.maxEntries)))
	// The cursor is a bucket's number or a key, by map type.
	in, out := make([]byte, max(keySize, 8)), make([]byte, max(keySize, 8))
	first := true
	var keys, values []byte
	for {
		if len(keys) < count*keySize {
			keys, values = make([]byte, count*keySize), make([]byte, count*m.valueSize)
		}
		attr := sys.MapBatchAttr{
			OutBatch: unsafe.Pointer(&out[0]), Keys: unsafe.Pointer(&keys[0]), Values: unsafe.Pointer(&values[0]),
			Count: uint32(count), MapFD: uint32(m.fd),
		}
		if !first {
			attr.InBatch = unsafe.Pointer(&in[0])
		}
		err := sys.MapLookupBatch(&attr, del)
		switch {
		case errors.Is(err, sys.ENOSPC):
			count *= 2 // one bucket holds more
			continue
		case first && (errors.Is(err, sys.EINVAL) || errors.Is(err, sys.ENOTSUPP) || errors.Is(err, sys.EOPNOTSUPP)):
			return errNoBatch
		case err != nil && !errors.Is(err, sys.ENOENT):
			return fmt.Errorf("read map %s: %w", m.obj.Name, err)
		}
		for i := range int(attr.Count) {
			if !f(keys[i*keySize:(i+1)*keySize], values[i*m.valueSize:(i+1)*m.valueSize]) {
				return nil
			}
		}
		if err != nil {
			return nil // ENOENT: these were the last
		}
		first = false
		in, out = out, in
	}
}

// eachKey reads the map one by one, the way before batches. A map that shrinks
// meanwhile can make the kernel start again, so it ends after as many keys as fit.
func (m *bpfMap) eachKey(f func(key, value []byte) bool) error {
	var key []byte
	next, value := make([]byte, m.obj.KeySize), make([]byte, m.valueSize)
	for range m.maxEntries {
		switch err := sys.MapNextKey(m.fd, key, next); {
		case errors.Is(err, sys.ENOENT):
			return nil
		case err != nil:
			return fmt.Errorf("read map %s: %w", m.obj.Name, err)
		}
		key = append(key[:0], next...)
		switch err := m.get(key, value); {
		case errors.Is(err, engine.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		if !f(key, value) {
			return nil
		}
	}
	return nil
}
