package event

import (
	"bytes"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Value decodes a value of type t, which begins at b[0]. Numbers and strings cost no
// allocation.
func (d *Decoder) Value(t *object.Type, b []byte) (v Value, err error) {
	err = d.decode(&v, t, b)
	return v, err
}

// decode is Value into a zero *v: what's printed at full rate isn't copied about.
func (d *Decoder) decode(v *Value, t *object.Type, b []byte) (err error) {
	if uint64(len(b)) < uint64(t.Size) {
		return short(t, len(b))
	}
	switch t.Kind {
	case object.None:
	case object.Int:
		v.Kind, v.Num = intKind(t.Signed), load(b, t.Size, t.Signed)
	case object.Bool:
		v.Kind, v.Num = Bool, b2u(b[0] != 0)
	case object.Enum:
		d.enum(v, load(b, t.Size, t.Signed), t)
	case object.Pointer:
		v.Kind, v.Num = Pointer, order.Uint64(b)
	case object.String:
		n := bytes.IndexByte(b[:t.Size], 0)
		if n < 0 {
			d.text(v, b[:t.Size:t.Size], d.full(t, int(t.Size)))
		} else {
			d.text(v, b[:n:n], d.full(t, n))
		}
	case object.Buf:
		return buffer(v, t, b)
	case object.Struct, object.Record:
		return d.fields(v, Record, t, b)
	case object.Tuple:
		return d.fields(v, Tuple, t, b)
	case object.Array:
		return d.array(v, t, b)
	case object.Inet:
		*v = StringValue(inet(order.Uint32(b), b[4:20]))
	case object.Mac:
		*v = StringValue(mac(b[:6]))
	case object.Ksym, object.Usym, object.CgroupPath, object.Username, object.Kstack, object.Ustack, object.Timestamp:
		*v, err = d.resolved(t, b)
	default:
		*v, err = d.aggregate(t, b, 1)
	}
	return err
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
		if t.Cgroup != object.CgroupPaths {
			return Value{Kind: String, Text: d.Names.Cgroup(n, t.Cgroup)}, nil
		}
		return Value{Kind: String, Text: d.Names.CgroupPath(n, t.Format)}, nil
	case object.Username:
		if d.Names == nil {
			return Value{Kind: Uint, Num: n}, nil
		}
		return Value{Kind: String, Text: d.Names.Username(uint32(n))}, nil
	case object.Timestamp:
		return Value{Kind: String, Bytes: d.appendTime(nil, t.Format, d.Time(t.Clock, n), true)}, nil
	}
	s, err := d.Stack(t, b)
	if err != nil {
		return Value{}, err
	}
	return Value{Kind: String, Text: d.stackText(&s)}, nil
}

// text sets *v to a string, with the mark of a cut one.
func (d *Decoder) text(v *Value, b []byte, cut bool) {
	v.Kind, v.Bytes = String, b
	if cut {
		v.Text = d.Object.Config.StrTruncTrailer
	}
}

// buffer decodes a length and as many bytes.
func buffer(v *Value, t *object.Type, b []byte) error {
	if uint64(len(b)) < uint64(t.Bytes()) {
		return short(t, len(b))
	}
	n := order.Uint32(b)
	if n > t.Size {
		return fmt.Errorf("decode buffer: length %d of at most %d", n, t.Size)
	}
	v.Kind, v.Bytes = Buffer, b[4:4+n:4+n]
	return nil
}

func (d *Decoder) array(v *Value, t *object.Type, b []byte) error {
	v.Kind, v.Elems = Array, make([]Value, t.Len)
	for i := range v.Elems {
		if err := d.decode(&v.Elems[i], t.Elem, b[uint32(i)*t.Elem.Bytes():]); err != nil {
			return err
		}
	}
	return nil
}

// fields decodes the fields of a tuple (without names), record or struct.
func (d *Decoder) fields(v *Value, kind Kind, t *object.Type, b []byte) error {
	v.Kind, v.Elems = kind, make([]Value, len(t.Fields))
	if kind == Record {
		v.Names = make([]string, len(t.Fields))
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if kind == Record {
			v.Names[i] = f.Name
		}
		if err := d.field(&v.Elems[i], f, b); err != nil {
			return err
		}
	}
	return nil
}

// field decodes a field of the whole that begins at b[0].
func (d *Decoder) field(v *Value, f *object.Field, b []byte) error {
	if uint64(f.Offset) > uint64(len(b)) {
		return short(f.Type, 0)
	}
	b = b[f.Offset:]
	if f.BitLen == 0 {
		return d.decode(v, f.Type, b)
	}
	n, err := bits(f, b)
	if err != nil {
		return err
	}
	switch f.Type.Kind {
	case object.Enum:
		d.enum(v, n, f.Type)
	case object.Bool:
		v.Kind, v.Num = Bool, b2u(n != 0)
	default:
		v.Kind, v.Num = intKind(f.Type.Signed), n
	}
	return nil
}

// bits reads a bit-field: with its sign if its type has one, as C does.
func bits(f *object.Field, b []byte) (uint64, error) {
	n := (int(f.BitOff) + int(f.BitLen) + 7) / 8
	if n > len(b) || n > 9 {
		return 0, fmt.Errorf("decode bit-field %s: %d bytes of %d", f.Name, n, len(b))
	}
	var raw [16]byte
	copy(raw[:], b[:n])
	x := order.Uint64(raw[:])>>f.BitOff | order.Uint64(raw[8:])<<(64-f.BitOff)
	above := 64 - f.BitLen
	if f.Type.Signed {
		return uint64(int64(x<<above) >> above), nil
	}
	return x << above >> above, nil
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
