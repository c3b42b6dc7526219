package inspect

import (
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// MapTypesOf are the types of a map's elements; Key is void where there's no type.
type MapTypesOf struct{ Key, Value kern.Type }

// MapTypes are the types of a map's elements; nil for a map without.
func (r *Reader) MapTypes(m *Map) (*MapTypesOf, error) {
	switch {
	case m.VmlinuxValue != 0:
		b, err := r.Vmlinux()
		if err != nil {
			return nil, err
		}
		return &MapTypesOf{Key: b.Type(0), Value: b.Type(kern.TypeID(m.VmlinuxValue))}, nil
	case m.BTF != 0 && m.BTFValue != 0:
		b, err := r.Types(m.BTF)
		if err != nil {
			return nil, err
		}
		return &MapTypesOf{Key: b.Type(kern.TypeID(m.BTFKey)), Value: b.Type(kern.TypeID(m.BTFValue))}, nil
	}
	return nil, nil
}

// ValueLen is how many bytes a look-up of a map's element gives: all CPUs' values of a
// per-CPU map.
func (r *Reader) ValueLen(m *Map) (int, error) {
	if !m.PerCPU() {
		return int(m.ValueSize), nil
	}
	n, err := r.CPUs()
	return n * (int(m.ValueSize+7) &^ 7), err
}

// EachEntry calls f with each element of a map until it returns false, one at a time: a map
// of any size takes the memory of one element. An element that is deleted meanwhile, or
// can't be read, comes with an error and no value. The slices are f's only until it returns.
func (r *Reader) EachEntry(fd int, m *Map, f func(key, value []byte, err error) bool) error {
	n, err := r.ValueLen(m)
	if err != nil {
		return err
	}
	key, next, value := make([]byte, m.KeySize), make([]byte, m.KeySize), make([]byte, n)
	var from []byte
	for {
		err := sys.MapNextKey(fd, from, next)
		if errors.Is(err, sys.ENOENT) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list elements of %s map %d: %w", m.TypeName(), m.ID, err)
		}
		key, next = next, key
		from = key
		if err := sys.MapLookup(fd, key, value); err != nil {
			if !f(key, nil, err) {
				return nil
			}
			continue
		}
		if !f(key, value, nil) {
			return nil
		}
	}
}

// readOnlyForPrograms is a map's flag BPF_F_RDONLY_PROG.
const readOnlyForPrograms = 1 << 7

// ReadOnlyData is the content of a map that holds a program's read-only data; nil for others.
func (r *Reader) ReadOnlyData(id uint32) (m *Map, data []byte, err error) {
	fd, err := open(KindMap, id)
	if err != nil {
		return nil, nil, err
	}
	defer sys.Close(fd)
	info, err := sys.MapInfoByFD(fd)
	if err != nil || info.Type != mapArray || info.MaxEntries != 1 || info.BTFValue == 0 || info.Flags&readOnlyForPrograms == 0 {
		return nil, nil, err
	}
	if m, err = r.MapByFD(fd); err != nil {
		return nil, nil, err
	}
	data = make([]byte, m.ValueSize)
	if err := sys.MapLookup(fd, make([]byte, m.KeySize), data); err != nil {
		return nil, nil, fmt.Errorf("read map %d: %w", id, err)
	}
	return m, data, nil
}

// CreateMap makes a map and pins it at a path.
func (r *Reader) CreateMap(a *sys.MapCreateAttr, path string) error {
	fd, err := sys.MapCreate(a)
	if err != nil {
		name, _ := TypeName(MapTypes, a.Type)
		return fmt.Errorf("create map of type %s with keys of %d bytes, values of %d, %d entries: %w", name, a.KeySize, a.ValueSize, a.MaxEntries, allowed(err))
	}
	o := &Object{KindMap, fd}
	return errors.Join(PinAt(o, path), o.Close())
}
