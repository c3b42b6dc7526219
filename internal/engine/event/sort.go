package event

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// sortElements puts a map's elements into the order in which bpftrace prints them: by
// value where that's a number or an aggregation (histograms by their number of events),
// else by key. What it leaves to the chance of hashing is in order of the keys.
func sortElements(v *object.Var, elems []*element) {
	byValue := valueOrder(v.Value)
	slices.SortStableFunc(elems, func(a, b *element) int {
		if byValue != nil {
			if c := byValue(&a.value, &b.value); c != 0 {
				return c
			}
		} else if v.Key != nil {
			if c := compareShallow(v.Key, a.key, b.key); c != 0 {
				return c
			}
		}
		if v.Key == nil {
			return 0
		}
		return compareBytes(v.Key, a.key, b.key)
	})
}

// valueOrder compares values of the kinds that are printed in order of value, else nil.
func valueOrder(t *object.Type) func(a, b *Value) int {
	switch t.Kind {
	case object.Avg:
		if t.Places > 0 {
			return func(a, b *Value) int { return cmp.Compare(a.Float(), b.Float()) }
		}
		return func(a, b *Value) int { return compareNumbers(a.Num, b.Num, t.Signed) }
	case object.Summary:
		return func(a, b *Value) int { return cmp.Compare(a.Num, b.Num) }
	case object.Count, object.Sum, object.Int, object.Enum:
		return func(a, b *Value) int { return compareNumbers(a.Num, b.Num, t.Signed) }
	case object.Min, object.Max:
		// Unsigned even when they aren't: negative ones come last.
		return func(a, b *Value) int { return cmp.Compare(a.Num, b.Num) }
	case object.Stats:
		return func(a, b *Value) int { return compareNumbers(a.Elems[1].Num, b.Elems[1].Num, t.Signed) }
	case object.Hist, object.Lhist, object.Bhist:
		return func(a, b *Value) int { return cmp.Compare(a.Hist.Total, b.Hist.Total) }
	}
	return nil
}

func compareNumbers(a, b uint64, signed bool) int {
	if signed {
		return cmp.Compare(int64(a), int64(b))
	}
	return cmp.Compare(a, b)
}

// compareShallow compares keys as bpftrace does: numbers (as signed ones) and strings,
// alone or directly in a tuple; it doesn't look at anything else.
func compareShallow(t *object.Type, a, b []byte) int {
	switch t.Kind {
	case object.Int, object.Enum, object.String:
		return compareBytes(t, a, b)
	case object.Tuple:
		for i := range t.Fields {
			f := &t.Fields[i]
			if f.Type.Kind == object.Tuple {
				continue
			}
			if c := compareShallow(f.Type, a[f.Offset:], b[f.Offset:]); c != 0 {
				return c
			}
		}
	}
	return 0
}

// compareBytes compares two values of any type, wholes field by field.
func compareBytes(t *object.Type, a, b []byte) int {
	switch t.Kind {
	case object.Int, object.Enum:
		return cmp.Compare(int64(load(a, t.Size, true)), int64(load(b, t.Size, true)))
	case object.Pointer, object.Ksym, object.Usym, object.Timestamp, object.Username:
		return cmp.Compare(order.Uint64(a), order.Uint64(b))
	case object.Tuple, object.Record, object.Struct:
		for i := range t.Fields {
			f := &t.Fields[i]
			if c := compareBytes(f.Type, a[f.Offset:], b[f.Offset:]); c != 0 {
				return c
			}
		}
		return 0
	case object.Array:
		for i := uint32(0); i < t.Len; i++ {
			at := i * t.Elem.Size
			if c := compareBytes(t.Elem, a[at:], b[at:]); c != 0 {
				return c
			}
		}
		return 0
	}
	return bytes.Compare(a[:t.Bytes()], b[:t.Bytes()])
}
