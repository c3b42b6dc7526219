package event

import (
	"bytes"
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Value decodes a value of type t, which begins at b[0]. Numbers and strings cost no
// allocation.
func (d *Decoder) Value(t *object.Type, b []byte) (Value, error) {
	if uint64(len(b)) < uint64(t.Size) {
		return Value{}, short(t, len(b))
	}
	switch t.Kind {
	case object.None:
		return Value{}, nil
	case object.Int:
		return number(load(b, t.Size, t.Signed), t.Signed), nil
	case object.Bool:
		return Value{Kind: Bool, Num: b2u(b[0] != 0)}, nil
	case object.Enum:
		if t.Bits != nil {
			return flagNames(load(b, t.Size, false), t.Bits), nil
		}
		return enumValue(load(b, t.Size, false), t.Names), nil
	case object.Pointer:
		return Value{Kind: Pointer, Num: load(b, 8, false)}, nil
	case object.String:
		n := bytes.IndexByte(b[:t.Size], 0)
		if n < 0 {
			return d.text(b[:t.Size:t.Size], true), nil
		}
		return d.text(b[:n:n], false), nil
	case object.Buf:
		return buffer(t, b)
	case object.Struct, object.Record:
		return d.fields(Record, t, b)
	case object.Tuple:
		return d.fields(Tuple, t, b)
	case object.Array:
		return d.array(t, b)
	case object.Inet:
		return Value{Kind: String, Text: inet(order.Uint32(b), b[4:20])}, nil
	case object.Mac:
		return Value{Kind: String, Text: mac(b[:6])}, nil
	case object.Ksym, object.Usym, object.CgroupPath, object.Kstack, object.Ustack, object.Timestamp:
		return d.resolved(t, b)
	}
	return d.aggregate(t, b, 1)
}

// resolved decodes what takes more than its own bytes: symbols, stacks, times.
func (d *Decoder) resolved(t *object.Type, b []byte) (Value, error) {
	n := order.Uint64(b)
	switch t.Kind {
	case object.Ksym:
		if d.Names == nil {
			return hexText(n), nil
		}
		return Value{Kind: String, Text: d.Names.Ksym(n)}, nil
	case object.Usym:
		if d.Names == nil {
			return hexText(n), nil
		}
		return Value{Kind: String, Text: d.Names.Usym(order.Uint32(b[8:]), n)}, nil
	case object.CgroupPath:
		if d.Names == nil {
			return Value{Kind: Uint, Num: n}, nil
		}
		return Value{Kind: String, Text: d.Names.CgroupPath(n, t.Format)}, nil
	case object.Timestamp:
		return Value{Kind: String, Bytes: AppendStrftime(nil, t.Format, d.Time(t.Clock, n))}, nil
	}
	s, err := d.Stack(t, b)
	if err != nil {
		return Value{}, err
	}
	return Value{Kind: String, Text: d.stackText(&s)}, nil
}

// Time is the local wall-clock time of a clock's nanoseconds. Only the boot clock counts
// from another moment than 1970; the others are taken as they are.
func (d *Decoder) Time(c object.Clock, ns uint64) time.Time {
	if c == object.ClockBoot {
		return time.Unix(0, d.Boot+int64(ns))
	}
	return time.Unix(0, int64(ns))
}

// text is a string's value, with the mark of a cut one.
func (d *Decoder) text(b []byte, cut bool) Value {
	v := Value{Kind: String, Bytes: b}
	if cut {
		v.Text = d.Object.Config.StrTruncTrailer
	}
	return v
}

// buffer decodes a length and as many bytes.
func buffer(t *object.Type, b []byte) (Value, error) {
	if uint64(len(b)) < uint64(t.Bytes()) {
		return Value{}, short(t, len(b))
	}
	n := order.Uint32(b)
	if n > t.Size {
		return Value{}, fmt.Errorf("decode buffer: length %d of at most %d", n, t.Size)
	}
	return Value{Kind: Buffer, Bytes: b[4 : 4+n : 4+n]}, nil
}

func (d *Decoder) array(t *object.Type, b []byte) (Value, error) {
	v := Value{Kind: Array, Elems: make([]Value, t.Len)}
	for i := range v.Elems {
		e, err := d.Value(t.Elem, b[uint32(i)*t.Elem.Bytes():])
		if err != nil {
			return Value{}, err
		}
		v.Elems[i] = e
	}
	return v, nil
}

// fields decodes the fields of a tuple (without names), record or struct.
func (d *Decoder) fields(kind Kind, t *object.Type, b []byte) (Value, error) {
	v := Value{Kind: kind, Elems: make([]Value, len(t.Fields))}
	if kind == Record {
		v.Names = make([]string, len(t.Fields))
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		e, err := d.field(f, b)
		if err != nil {
			return Value{}, err
		}
		v.Elems[i] = e
		if kind == Record {
			v.Names[i] = f.Name
		}
	}
	return v, nil
}

// field decodes a field of the whole that begins at b[0].
func (d *Decoder) field(f *object.Field, b []byte) (Value, error) {
	if uint64(f.Offset) > uint64(len(b)) {
		return Value{}, short(f.Type, 0)
	}
	b = b[f.Offset:]
	if f.BitLen == 0 {
		return d.Value(f.Type, b)
	}
	n, err := bits(f, b)
	if err != nil {
		return Value{}, err
	}
	switch f.Type.Kind {
	case object.Enum:
		return enumValue(n, f.Type.Names), nil
	case object.Bool:
		return Value{Kind: Bool, Num: b2u(n != 0)}, nil
	}
	return number(n, f.Type.Signed), nil
}

// bits reads a bit-field. Its sign isn't extended: bpftrace prints a signed bit-field
// of three set bits as 7.
func bits(f *object.Field, b []byte) (uint64, error) {
	n := (int(f.BitOff) + int(f.BitLen) + 7) / 8
	if n > len(b) || n > 8 {
		return 0, fmt.Errorf("decode bit-field %s: %d bytes of %d", f.Name, n, len(b))
	}
	var raw [8]byte
	copy(raw[:], b[:n])
	x := order.Uint64(raw[:]) >> f.BitOff
	if f.BitLen < 64 {
		x &= 1<<f.BitLen - 1
	}
	return x, nil
}

// load reads a number of 1, 2, 4 or 8 bytes, extended to 64 bits.
func load(b []byte, size uint32, signed bool) uint64 {
	switch size {
	case 1:
		if signed {
			return uint64(int8(b[0]))
		}
		return uint64(b[0])
	case 2:
		if signed {
			return uint64(int16(order.Uint16(b)))
		}
		return uint64(order.Uint16(b))
	case 4:
		if signed {
			return uint64(int32(order.Uint32(b)))
		}
		return uint64(order.Uint32(b))
	case 8:
		return order.Uint64(b)
	}
	panic(fmt.Sprintf("BUG: number of %d bytes", size))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
