package kernel

import (
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Map flags (enum in include/uapi/linux/bpf.h).
const (
	mapMmapable     = 1 << 10
	mapReadOnlyProg = 1 << 7
)

// bpfMap is a map in the kernel. The session closes it.
type bpfMap struct {
	obj        *object.Map
	fd         int
	maxEntries uint32
	valueSize  int    // bytes of a value for user space: all CPUs' for per-CPU kinds
	mem        []byte // of a mappable array: its elements
	lookup     []byte // Lookup's answer
}

var (
	_ engine.Map         = (*bpfMap)(nil)
	_ engine.RangeWriter = (*bpfMap)(nil)
)

// createMaps makes all maps, fills in their data and freezes what is read-only.
func (s *session) createMaps(info *btfInfo) error {
	for i, m := range s.obj.Maps {
		var kv btfKV
		if info != nil {
			kv = info.maps[i]
		}
		entries := m.MaxEntries
		if i == s.obj.RingMap && (entries == 0 || s.opt.RingSize != 0) {
			available, err := sys.AvailableMemory()
			if err != nil {
				s.opt.Logf("%v", err)
			}
			entries = ringSize(s.opt.RingSize, s.obj, available)
		}
		b, err := s.createMap(m, kv, entries)
		if err != nil {
			return err
		}
		s.maps = append(s.maps, b)
		if err := b.init(); err != nil {
			return fmt.Errorf("fill map %s: %w", m.Name, err)
		}
	}
	return nil
}

func (s *session) createMap(m *object.Map, kv btfKV, entries uint32) (*bpfMap, error) {
	attr := sys.MapCreateAttr{
		Type: uint32(m.Kind), KeySize: m.KeySize, ValueSize: m.ValueSize,
		MaxEntries: entries, Flags: m.Flags, Name: sys.ObjName(m.Name),
	}
	if m.ReadOnly {
		attr.Flags |= mapReadOnlyProg
	}
	if kv.value != 0 {
		attr.BTFFD, attr.BTFKey, attr.BTFValue = uint32(s.btf), kv.key, kv.value
	}
	fd, err := sys.MapCreate(&attr)
	if err != nil && kv.value != 0 {
		s.opt.Logf("create map %s with types: %v", m.Name, err)
		attr.BTFFD, attr.BTFKey, attr.BTFValue = 0, 0, 0
		fd, err = sys.MapCreate(&attr)
	}
	if err != nil {
		return nil, fmt.Errorf("create map %s: %w", m.Name, explainMap(&attr, err))
	}
	b := &bpfMap{obj: m, fd: fd, maxEntries: entries, valueSize: int(m.ValueSize)}
	if b.perCPU() {
		b.valueSize = roundUp8(int(m.ValueSize)) * s.ncpu
	}
	return b, nil
}

// init writes the initial data and maps the memory of mappable arrays.
func (m *bpfMap) init() error {
	if m.obj.Data != nil {
		value := make([]byte, m.valueSize)
		copy(value, m.obj.Data)
		if err := sys.MapUpdate(m.fd, make([]byte, m.obj.KeySize), value); err != nil {
			return err
		}
	}
	if m.obj.ReadOnly {
		return sys.MapFreeze(m.fd)
	}
	if m.obj.Kind != object.MapArray || m.obj.Flags&mapMmapable == 0 {
		return nil
	}
	mem, err := sys.MmapWrite(m.fd, 0, m.stride()*int(m.maxEntries))
	if err != nil {
		return err
	}
	m.mem = mem
	return nil
}

func (m *bpfMap) close() error {
	if m.mem != nil {
		sys.Munmap(m.mem)
		m.mem = nil
	}
	return sys.Close(m.fd)
}

func roundUp8(n int) int { return (n + 7) &^ 7 }

// stride is the distance of an array's elements in memory.
func (m *bpfMap) stride() int { return roundUp8(int(m.obj.ValueSize)) }

func (m *bpfMap) perCPU() bool {
	switch m.obj.Kind {
	case object.MapPercpuHash, object.MapPercpuArray, object.MapLRUPercpuHash:
		return true
	}
	return false
}

// array reports whether the map's elements are always there, zero or not.
func (m *bpfMap) array() bool {
	return m.obj.Kind == object.MapArray || m.obj.Kind == object.MapPercpuArray
}

// element is the memory of a mapped array's element.
func (m *bpfMap) element(key []byte) ([]byte, error) {
	i := u32(key)
	if i >= m.maxEntries {
		return nil, engine.ErrNotFound
	}
	at := int(i) * m.stride()
	return m.mem[at : at+int(m.obj.ValueSize)], nil
}

// Lookup returns the value of key, valid until the next Lookup of this map.
func (m *bpfMap) Lookup(key []byte) ([]byte, error) {
	if m.mem != nil {
		return m.element(key)
	}
	if m.lookup == nil {
		m.lookup = make([]byte, m.valueSize)
	}
	if err := m.get(key, m.lookup); err != nil {
		return nil, err
	}
	return m.lookup, nil
}

func (m *bpfMap) get(key, value []byte) error {
	switch err := sys.MapLookup(m.fd, key, value); {
	case errors.Is(err, sys.ENOENT):
		return engine.ErrNotFound
	case err != nil:
		return fmt.Errorf("look up in map %s: %w", m.obj.Name, err)
	}
	return nil
}

// Update sets the value of key: all CPUs' values for per-CPU kinds.
func (m *bpfMap) Update(key, value []byte) error {
	if m.mem != nil {
		b, err := m.element(key)
		if err != nil {
			return err
		}
		copy(b, value)
		return nil
	}
	if len(value) < m.valueSize {
		return fmt.Errorf("update map %s: value of %d bytes, %d wanted", m.obj.Name, len(value), m.valueSize)
	}
	if err := sys.MapUpdate(m.fd, key, value); err != nil {
		return fmt.Errorf("update map %s: %w", m.obj.Name, err)
	}
	return nil
}

// WriteAt writes b at an offset of key's value without touching the rest.
func (m *bpfMap) WriteAt(key []byte, offset uint32, b []byte) error {
	if m.mem == nil {
		return fmt.Errorf("write into map %s: %w", m.obj.Name, errors.ErrUnsupported)
	}
	value, err := m.element(key)
	if err != nil {
		return err
	}
	if int(offset)+len(b) > len(value) {
		return fmt.Errorf("write into map %s: %d bytes at %d exceed the value", m.obj.Name, len(b), offset)
	}
	copy(value[offset:], b)
	return nil
}

// Delete deletes key's element; an array's is zeroed.
func (m *bpfMap) Delete(key []byte) error {
	if m.array() {
		return m.Update(key, make([]byte, m.valueSize))
	}
	switch err := sys.MapDelete(m.fd, key); {
	case errors.Is(err, sys.ENOENT):
		return engine.ErrNotFound
	case err != nil:
		return fmt.Errorf("delete from map %s: %w", m.obj.Name, err)
	}
	return nil
}

// Clear deletes every element, or zeroes them (array kinds).
func (m *bpfMap) Clear() error {
	switch {
	case m.mem != nil:
		clear(m.mem)
		return nil
	case m.array():
		key, zero := make([]byte, 4), make([]byte, m.valueSize)
		for i := range m.maxEntries {
			putU32(key, i)
			if err := m.Update(key, zero); err != nil {
				return err
			}
		}
		return nil
	}
	err := m.batches(true, func(_, _ []byte) bool { return true })
	if !errors.Is(err, errNoBatch) {
		return err
	}
	key := make([]byte, m.obj.KeySize)
	for {
		switch err := sys.MapNextKey(m.fd, nil, key); {
		case errors.Is(err, sys.ENOENT):
			return nil
		case err != nil:
			return fmt.Errorf("clear map %s: %w", m.obj.Name, err)
		}
		if err := m.Delete(key); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
	}
}

// Len counts the elements.
func (m *bpfMap) Len() (int, error) {
	if m.array() {
		return int(m.maxEntries), nil
	}
	n := 0
	err := m.Each(func(_, _ []byte) bool { n++; return true })
	return n, err
}
