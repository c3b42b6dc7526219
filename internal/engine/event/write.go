package event

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// Clear deletes a script's map's elements, as clear() does.
func (d *Decoder) Clear(v *object.Var) error {
	m := d.Maps.Map(v.Map)
	var err error
	if v.Storage == object.StoreHash {
		err = m.Clear()
	} else {
		err = writeGlobals(v, m, v.HasPresent)
	}
	if err != nil {
		return fmt.Errorf("clear map %s: %w", v.Name, err)
	}
	return nil
}

// Zero sets a script's map's values to zero and keeps its keys, as zero() does.
func (d *Decoder) Zero(v *object.Var) error {
	m := d.Maps.Map(v.Map)
	var err error
	if v.Storage == object.StoreHash {
		err = zeroElements(m)
	} else {
		err = writeGlobals(v, m, false)
	}
	if err != nil {
		return fmt.Errorf("zero map %s: %w", v.Name, err)
	}
	return nil
}

func zeroElements(m engine.Map) error {
	var keys [][]byte
	var zero []byte
	err := m.Each(func(key, value []byte) bool {
		keys = append(keys, slices.Clone(key))
		zero = make([]byte, len(value))
		return true
	})
	for _, key := range keys {
		if err == nil {
			err = m.Update(key, zero)
		}
		if errors.Is(err, engine.ErrNotFound) {
			err = nil
		}
	}
	return err
}

// writeGlobals zeroes the variable in each row of its map's element, and the mark that
// it was written.
func writeGlobals(v *object.Var, m engine.Map, unset bool) error {
	key := make([]byte, 4)
	value, err := m.Lookup(key)
	if err != nil {
		return err
	}
	n, rowSize := rows(v, len(value))
	zero := make([]byte, v.Value.Bytes())
	for i := range n {
		row := uint32(i) * rowSize
		if unset {
			if err := writeAt(m, key, row+v.Present, []byte{0}); err != nil {
				return err
			}
		}
		if err := writeAt(m, key, row+v.Offset, zero); err != nil {
			return err
		}
	}
	return nil
}

// writeAt writes a part of an element: in place where the engine can, so that the other
// variables in it don't lose an update.
func writeAt(m engine.Map, key []byte, off uint32, b []byte) error {
	if w, ok := m.(engine.RangeWriter); ok {
		return w.WriteAt(key, off, b)
	}
	value, err := m.Lookup(key)
	if err != nil {
		return err
	}
	if uint64(off)+uint64(len(b)) > uint64(len(value)) {
		return fmt.Errorf("write %d bytes at %d of %d", len(b), off, len(value))
	}
	value = slices.Clone(value)
	copy(value[off:], b)
	return m.Update(key, value)
}
