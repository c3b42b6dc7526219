package event

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// Entry is an element of a script's map. Key is Null when the map has none.
type Entry struct {
	Key, Value Value
}

// Snapshot is what a script's map holds at one time, in the order in which it's printed.
type Snapshot struct {
	Var     *object.Var
	Entries []Entry
}

// Select is what print() asks for.
type Select struct {
	Top uint64 // only the last so many entries; 0: all
	Div uint64 // divide numbers by it; 0: don't
	// Zero: a map without key that nothing was written to has a zero value instead of
	// none, as print() shows it.
	Zero bool
}

// element is an entry before it's decoded: what sorting needs and the bytes.
type element struct {
	key    []byte
	raw    []byte   // merged later: one value a CPU
	cpus   int      // values in raw
	counts []uint64 // of a histogram whose buckets are elements of their own
	value  Value
}

// Snapshot reads a script's map: per-CPU values are merged, histogram buckets gathered,
// entries sorted as bpftrace does.
func (d *Decoder) Snapshot(v *object.Var, sel Select) (*Snapshot, error) {
	elems, err := d.elements(v)
	if err != nil {
		return nil, fmt.Errorf("read map %s: %w", v.Name, err)
	}
	if len(elems) == 0 && sel.Zero && v.Key == nil && v.Value.Kind < object.Hist {
		elems = []*element{{raw: make([]byte, stride(v.Value)), cpus: 1}}
	}
	for _, e := range elems {
		if e.value, err = d.elementValue(v, e); err != nil {
			return nil, fmt.Errorf("read map %s: %w", v.Name, err)
		}
	}
	sortElements(v, elems)
	if sel.Top > 0 && uint64(len(elems)) > sel.Top {
		elems = elems[uint64(len(elems))-sel.Top:]
	}
	s := &Snapshot{Var: v, Entries: make([]Entry, len(elems))}
	for i, e := range elems {
		if v.Key != nil {
			if s.Entries[i].Key, err = d.Value(v.Key, e.key); err != nil {
				return nil, fmt.Errorf("read key of map %s: %w", v.Name, err)
			}
		}
		divideEntry(v.Value, &e.value, sel.Div)
		s.Entries[i].Value = e.value
	}
	return s, nil
}

func (d *Decoder) elementValue(v *object.Var, e *element) (Value, error) {
	if e.value.Kind == TimeSeries || e.value.Kind == Summary {
		return e.value, nil
	}
	if e.counts != nil {
		return Value{Kind: Histogram, Hist: newHist(v.Value, e.counts)}, nil
	}
	if e.cpus == 1 && !isAggregate(v.Value) {
		return d.Value(v.Value, e.raw)
	}
	if len(e.raw) < (e.cpus-1)*stride(v.Value)+int(v.Value.Bytes()) {
		return Value{}, short(v.Value, len(e.raw))
	}
	return d.aggregate(v.Value, e.raw, e.cpus)
}

// divideEntry divides what bpftrace divides: counts of log2 histograms but not of linear
// ones, the average of stats but not its count and total.
func divideEntry(t *object.Type, v *Value, n uint64) {
	if n < 2 {
		return
	}
	switch t.Kind {
	case object.Hist, object.Bhist:
		for i := range v.Hist.Buckets {
			v.Hist.Buckets[i].Count /= n
		}
	case object.Stats:
		v.Elems[1].divide(n)
	default:
		v.divide(n)
	}
}

func isAggregate(t *object.Type) bool { return t.Kind >= object.Count }

// Element reads one element of a script's map; false when there is none.
func (d *Decoder) Element(v *object.Var, key []byte) (Value, bool, error) {
	raw, err := d.Maps.Map(v.Map).Lookup(key)
	if errors.Is(err, engine.ErrNotFound) {
		return Value{}, false, nil
	}
	if err != nil {
		return Value{}, false, fmt.Errorf("read map %s: %w", v.Name, err)
	}
	val, err := d.elementValue(v, &element{raw: raw, cpus: copies(v, raw)})
	return val, err == nil, err
}

// elements copies a map's elements out of the engine.
func (d *Decoder) elements(v *object.Var) ([]*element, error) {
	m := d.Maps.Map(v.Map)
	switch {
	case v.Storage != object.StoreHash:
		value, err := m.Lookup(make([]byte, 4))
		if err != nil {
			return nil, err
		}
		return globalElement(v, value)
	case v.Value.Kind == object.TSeries:
		return d.seriesElements(v, m, d.sameCgroup(v))
	case v.Value.Kind == object.Summary && v.Buckets:
		return d.summaryElements(v, m, d.sameCgroup(v))
	case v.Buckets:
		return d.bucketElements(v, m, d.sameCgroup(v))
	}
	return d.hashElements(v, m, d.sameCgroup(v))
}

// rows is the number of copies of a global variable in its map's element of n bytes, and
// their distance.
func rows(v *object.Var, n int) (count int, stride uint32) {
	if v.Storage == object.StoreGlobalPerCPU {
		return n / int(v.Stride), v.Stride
	}
	return 1, 0
}

// globalElement is the element that stands at the variable's offset in each row of its
// map's value, or none when no program has written it.
func globalElement(v *object.Var, value []byte) ([]*element, error) {
	n, rowSize := rows(v, len(value))
	e := &element{cpus: n}
	present := !v.HasPresent
	size := v.Value.Bytes()
	for i := range n {
		row := value[uint32(i)*rowSize:]
		if uint64(v.Offset)+uint64(size) > uint64(len(row)) || uint64(v.Present) >= uint64(len(row)) {
			return nil, short(v.Value, len(row)-int(v.Offset))
		}
		present = present || row[v.Present] != 0
		e.raw = append(e.raw, row[v.Offset:v.Offset+size]...)
		e.raw = append(e.raw, make([]byte, stride(v.Value)-int(size))...)
	}
	if !present || n == 0 {
		return nil, nil
	}
	return []*element{e}, nil
}

func (d *Decoder) hashElements(v *object.Var, m engine.Map, same keyMerger) ([]*element, error) {
	var elems []*element
	byKey := map[string]*element{} // of keys that may become the same
	err := m.Each(func(key, value []byte) bool {
		e := &element{key: slices.Clone(key), raw: slices.Clone(value), cpus: copies(v, value)}
		if same != nil && isAggregate(v.Value) {
			same(e.key)
			if first := byKey[string(e.key)]; first != nil {
				// More values to be merged, as those of further CPUs.
				first.raw, first.cpus = append(first.raw, e.raw...), first.cpus+e.cpus
				return true
			}
			byKey[string(e.key)] = e
		}
		elems = append(elems, e)
		return true
	})
	return elems, err
}

// copies is the number of values in a hash map's element: one a CPU, or one.
func copies(v *object.Var, value []byte) int {
	if v.PerCPU {
		return len(value) / stride(v.Value)
	}
	return 1
}

// bucketElements gathers the elements of keyed histograms, one an element a bucket.
func (d *Decoder) bucketElements(v *object.Var, m engine.Map, same keyMerger) ([]*element, error) {
	var elems []*element
	byKey := map[string]*element{}
	var bad error
	err := m.Each(func(key, value []byte) bool {
		if uint64(len(key)) < uint64(v.BucketOff)+8 || len(value) < 8 {
			bad = fmt.Errorf("bucket with a key of %d and a value of %d bytes", len(key), len(value))
			return false
		}
		bucket := order.Uint64(key[v.BucketOff:])
		if bucket >= uint64(v.Value.Hist.Len) {
			bad = fmt.Errorf("bucket %d of %d", bucket, v.Value.Hist.Len)
			return false
		}
		name := slices.Clone(key[:v.BucketOff])
		if same != nil {
			same(name)
		}
		e := byKey[string(name)]
		if e == nil {
			e = &element{key: name, counts: make([]uint64, v.Value.Hist.Len)}
			byKey[string(e.key)] = e
			elems = append(elems, e)
		}
		cpus := 1
		if v.PerCPU {
			cpus = len(value) / 8
		}
		e.counts[bucket] += sum(value, cpus, 8, 8, false)
		return true
	})
	if err == nil {
		err = bad
	}
	return elems, err
}
