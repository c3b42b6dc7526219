package kernel

import (
	"sort"
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// mapTypes is the BTF of m's key and value. A map whose key or value isn't described,
// or of a kind that takes no types, has none.
func (e *btfEncoder) mapTypes(m *object.Map) btfKV {
	switch m.Kind {
	case object.MapRingbuf, object.MapStackTrace, object.MapPerfEventArray, object.MapProgArray:
		return btfKV{}
	}
	if m.Value == nil {
		return btfKV{}
	}
	value := e.sized(m.Value, m.ValueSize)
	switch {
	case m.Kind == object.MapArray || m.Kind == object.MapPercpuArray:
		// The kernel wants an array's key to be a 32-bit integer.
		return btfKV{e.int("u32", 4, 0), value}
	case m.Key == nil:
		return btfKV{}
	}
	return btfKV{e.sized(m.Key, m.KeySize), value}
}

// sized is t's type when it has size bytes, as the kernel demands, else plain bytes.
func (e *btfEncoder) sized(t *object.Type, size uint32) uint32 {
	id, got := e.typ(t)
	if got != size {
		return e.bytes(size)
	}
	return id
}

// typ is the BTF of t: its id and size in bytes.
func (e *btfEncoder) typ(t *object.Type) (id, size uint32) {
	switch t.Kind {
	case object.Bool:
		return e.int("bool", 1, btfBool), 1
	case object.Int, object.Enum, object.Pointer:
		return e.number(t.Size, t.Signed)
	case object.Ksym, object.Timestamp, object.CgroupPath, object.Username, object.Count, object.Sum:
		return e.number(8, t.Signed)
	case object.String:
		return e.array(e.int("char", 1, btfChar), t.Size), t.Size
	case object.Array:
		elem, n := e.typ(t.Elem)
		return e.array(elem, t.Len), n * t.Len
	case object.Struct, object.Tuple, object.Record:
		return e.fields(t.Name, t.Fields, t.Size), t.Size
	case object.Avg, object.Stats:
		return e.pair("total", t.Signed, "count"), 16
	case object.Min, object.Max:
		return e.pair("value", t.Signed, "set"), 16
	case object.TSeries:
		return e.array(e.int("u64", 8, 0), t.Size/8), t.Size
	case object.Summary:
		return e.array(e.int("u64", 8, 0), t.Size/8), t.Size
	case object.Hist, object.Lhist, object.Bhist:
		return e.array(e.int("u64", 8, 0), t.Hist.Len), 8 * t.Hist.Len
	}
	return e.bytes(t.Size), t.Size
}

// number is an integer of 1, 2, 4 or 8 bytes.
func (e *btfEncoder) number(size uint32, signed bool) (uint32, uint32) {
	if signed {
		switch size {
		case 1, 2, 4, 8:
			return e.int([...]string{1: "s8", 2: "s16", 4: "s32", 8: "s64"}[size], size, btfSigned), size
		}
		return e.bytes(size), size
	}
	switch size {
	case 1, 2, 4, 8:
		return e.int([...]string{1: "u8", 2: "u16", 4: "u32", 8: "u64"}[size], size, 0), size
	}
	return e.bytes(size), size
}

func (e *btfEncoder) array(elem, n uint32) uint32 {
	return e.add("", btfArray, 0, 0, elem, e.int("u32", 4, 0), n)
}

func (e *btfEncoder) bytes(n uint32) uint32 { return e.array(e.int("u8", 1, 0), n) }

// pair is an aggregation of two 8-byte numbers.
func (e *btfEncoder) pair(first string, signed bool, second string) uint32 {
	a, _ := e.number(8, signed)
	b, _ := e.number(8, false)
	return e.add("", btfStruct, 2, 16, e.str(first), a, 0, e.str(second), b, 64)
}

// fields is a struct. Members that overlap others (unions, bit-fields) are left out:
// what's shown is then partial, never wrong.
func (e *btfEncoder) fields(name string, fields []object.Field, size uint32) uint32 {
	sorted := append([]object.Field(nil), fields...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Offset < sorted[j].Offset })
	var words []uint32
	var end uint32
	for i, f := range sorted {
		id, n := e.typ(f.Type)
		if f.Offset < end || f.Offset+n > size || f.BitLen != 0 {
			continue
		}
		end = f.Offset + n
		member := "_" + strconv.Itoa(i)
		if f.Name != "" {
			member = identifier(f.Name)
		}
		words = append(words, e.str(member), id, f.Offset*8)
	}
	if name != "" {
		name = identifier(name)
	}
	return e.add(name, btfStruct, uint32(len(words)/3), size, words...)
}
