package show

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// values writes typed values as JSON; plain is what a person reads, where numbers that
// JSON has no form for aren't strings.
type values struct {
	*JSON
	plain bool
	funcs func(proto kern.Type, id uint32) string // of a struct_ops map's members: the program's text
}

// maxValueDepth bounds nesting, which damaged types may make endless.
const maxValueDepth = 32

// write writes data by its type. Data that ends too early is "(cut off)".
func (v *values) write(t kern.Type, data []byte, depth int) {
	if t.Kind() != kern.KindVar && t.Kind() != kern.KindDatasec {
		t = t.Unqualified()
	}
	if depth > maxValueDepth || uint64(len(data)) < uint64(t.Size()) {
		v.Text("(cut off)")
		return
	}
	switch t.Kind() {
	case kern.KindInt:
		v.integer(t, data)
	case kern.KindStruct, kern.KindUnion:
		v.members(t, data, depth)
	case kern.KindArray:
		v.array(t, data, depth)
	case kern.KindEnum, kern.KindEnum64:
		v.enum(t, data)
	case kern.KindPtr:
		v.pointer(t, data)
	case kern.KindFloat:
		v.float(data[:t.Size()])
	case kern.KindVar:
		v.Open("{")
		v.Name(t.Name())
		v.write(t.Ref(), data, depth+1)
		v.End("}")
	case kern.KindDatasec:
		v.Open("{")
		v.Name(t.Name())
		v.Open("[")
		for _, s := range t.Vars() {
			v.write(s.Var, tail(data, s.Offset), depth+1)
		}
		v.End("]")
		v.End("}")
	default:
		v.Text("(unknown)")
	}
}

// tail is data from an offset on; nothing when there isn't so much.
func tail(data []byte, off uint32) []byte { return data[min(uint64(off), uint64(len(data))):] }

// unsigned is a number of up to 8 bytes.
func unsigned(data []byte) uint64 {
	var b [8]byte
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		copy(b[:], data)
		return binary.LittleEndian.Uint64(b[:])
	}
	copy(b[8-min(8, len(data)):], data)
	return binary.BigEndian.Uint64(b[:])
}

// signExtend widens a number of n bytes.
func signExtend(u uint64, n uint32) int64 { return int64(u<<(64-8*n)) >> (64 - 8*n) }

func (v *values) integer(t kern.Type, data []byte) {
	signed, char, boolean, bits := t.Int()
	size := t.Size()
	switch {
	case size == 16:
		v.wide(unsigned(data[8:16]), unsigned(data[:8]))
	case bits != 8*size:
		v.bits(data, 0, bits)
	case boolean:
		v.Raw(strconv.FormatBool(data[0] != 0))
	case char && data[0] >= ' ' && data[0] < 0x7f:
		v.Text(string(data[:1]))
	case char && v.plain:
		v.Raw(fmt.Sprintf("0x%x", data[0]))
	case char:
		v.Raw(fmt.Sprintf(`"\u%04x"`, data[0]))
	case signed:
		v.Raw(strconv.FormatInt(signExtend(unsigned(data[:size]), size), 10))
	default:
		v.Uint(unsigned(data[:size]))
	}
}

// wide writes a number of 128 bits, or a bit-field.
func (v *values) wide(high, low uint64) {
	s := fmt.Sprintf("0x%x", low)
	if high != 0 {
		s = fmt.Sprintf("0x%x%016x", high, low)
	}
	if v.plain {
		v.Raw(s)
	} else {
		v.Text(s)
	}
}

// bits writes a bit-field.
func (v *values) bits(data []byte, from, n uint32) {
	if n == 0 || n > 64 || uint64(len(data))*8 < uint64(from+n) {
		v.Text("(cut off)")
		return
	}
	var u uint64
	for i := range n {
		bit := from + i
		if data[bit/8]>>(bit%8)&1 != 0 {
			u |= 1 << i
		}
	}
	v.wide(0, u)
}

func (v *values) members(t kern.Type, data []byte, depth int) {
	v.Open("{")
	t.Members(func(m kern.Member) bool {
		v.Name(m.Name)
		rest := tail(data, m.Bit/8)
		if m.Bits != 0 {
			v.bits(rest, m.Bit%8, uint32(m.Bits))
		} else {
			v.write(m.Type, rest, depth+1)
		}
		return true
	})
	v.End("}")
}

func (v *values) array(t kern.Type, data []byte, depth int) {
	elem, n := t.Array()
	if s, ok := charText(elem, data[:t.Size()]); ok && n > 0 {
		v.Text(s)
		return
	}
	size := elem.Size()
	v.Open("[")
	for i := range n {
		v.write(elem, tail(data, i*size), depth+1)
	}
	v.End("]")
}

// charText is an array of printable characters that ends with a NUL.
func charText(elem kern.Type, data []byte) (string, bool) {
	if elem.Kind() == kern.KindTypedef {
		return "", false
	}
	t := elem.Unqualified()
	if t.Kind() != kern.KindInt || t.Size() != 1 {
		return "", false
	}
	if _, char, _, _ := t.Int(); !char && t.Name() != "char" {
		return "", false
	}
	for i, c := range data {
		if c == 0 {
			return string(data[:i]), true
		}
		if c <= 0x1f || c >= 0x7f {
			return "", false
		}
	}
	return "", false
}

func (v *values) enum(t kern.Type, data []byte) {
	size := t.Size()
	u := unsigned(data[:size])
	mask := ^uint64(0) >> (64 - 8*size)
	name, found := "", false
	t.Enumerators(func(s string, val uint64) bool {
		if val&mask == u {
			name, found = s, true
		}
		return !found
	})
	if found {
		v.Text(name)
		return
	}
	v.Raw(strconv.FormatInt(signExtend(u, size), 10))
}

func (v *values) pointer(t kern.Type, data []byte) {
	u := unsigned(data[:8])
	if target := t.Ref().Unqualified(); v.funcs != nil && u <= math.MaxUint32 && target.Kind() == kern.KindFuncProto {
		v.Text(v.funcs(target, uint32(u)))
		return
	}
	switch {
	case v.plain && u == 0:
		v.Text("(nil)")
	case v.plain:
		v.Text(fmt.Sprintf("0x%x", u))
	default:
		v.Uint(u)
	}
}

func (v *values) float(data []byte) {
	switch len(data) {
	case 4:
		v.Raw(strconv.FormatFloat(float64(math.Float32frombits(uint32(unsigned(data)))), 'g', -1, 32))
	case 8:
		v.Raw(strconv.FormatFloat(math.Float64frombits(unsigned(data)), 'g', -1, 64))
	default:
		v.Text("(unknown)")
	}
}
