// Package btf is type information as files have it, to be changed: the records and strings of
// a .BTF section, decoded to words and put together again, and types of several compilations
// made one. It does no I/O. The kernel's types, of which a script reads a few and changes
// none, are read by host/kern without decoding them.
package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrMalformed: the data isn't BTF as this package knows it.
var ErrMalformed = errors.New("malformed BTF")

// Layout of struct btf_header (include/uapi/linux/btf.h).
const (
	Magic     = 0xeb9f
	version   = 1
	headerLen = 24
)

// MaxTypes is how many types the kernel takes in one BTF (BTF_MAX_TYPE).
const MaxTypes = 1<<20 - 1

// Name is a string of a Strings; 0 is "".
type Name uint32

// Strings are the names that several Types share, each once.
type Strings struct {
	list  []string
	index map[string]Name
}

// NewStrings makes a Strings with only "".
func NewStrings() *Strings {
	return &Strings{list: []string{""}, index: map[string]Name{"": 0}}
}

// Name is the number of a string, which is added when it's new.
func (s *Strings) Name(str string) Name {
	n, ok := s.index[str]
	if !ok {
		n = Name(len(s.list))
		s.list = append(s.list, str)
		s.index[str] = n
	}
	return n
}

// At is a name's string.
func (s *Strings) At(n Name) string { return s.list[n] }

// Types are the records of a BTF, numbered from 1.
type Types struct {
	Strings *Strings
	words   []uint32
	at      []uint32 // where the record of each id begins; of id 0, nothing does
}

// NewTypes makes Types without a type.
func NewTypes(s *Strings) *Types { return &Types{Strings: s, at: []uint32{0}} }

// End is the number after the last type's.
func (t *Types) End() ID { return ID(len(t.at)) }

// Record is the record of a type, nil for void and for ids that there aren't.
func (t *Types) Record(id ID) Record {
	if id == 0 || int(id) >= len(t.at) {
		return nil
	}
	end := len(t.words)
	if int(id)+1 < len(t.at) {
		end = int(t.at[id+1])
	}
	return Record(t.words[t.at[id]:end:end])
}

// Name is a type's name.
func (t *Types) Name(id ID) string { return t.Strings.At(t.Record(id).Name()) }

// Add adds a record and returns its number.
func (t *Types) Add(r Record) ID {
	t.at = append(t.at, uint32(len(t.words)))
	t.words = append(t.words, r...)
	return t.End() - 1
}

// Append adds all types of o, which has the same Strings, and returns what's to be added to
// their numbers.
func (t *Types) Append(o *Types) ID {
	shift := t.End() - 1
	base := uint32(len(t.words))
	t.words = append(t.words, o.words...)
	for _, at := range o.at[1:] {
		t.at = append(t.at, base+at)
	}
	for id := shift + 1; id < t.End(); id++ {
		t.Record(id).refs(func(ref *uint32) {
			if *ref != 0 {
				*ref += uint32(shift)
			}
		})
	}
	return shift
}

// maxDepth bounds walks from type to type, which damaged data may bend into a ring.
const maxDepth = 64

// Unqualified takes typedefs, qualifiers and type tags off.
func (t *Types) Unqualified(id ID) (ID, Record) {
	r := t.Record(id)
	for range maxDepth {
		if !r.Kind().Qualifies() {
			return id, r
		}
		id = r.Ref()
		r = t.Record(id)
	}
	return 0, nil
}

// SizeOf is the bytes that a value of the type takes; ok is false for what has no size.
func (t *Types) SizeOf(id ID) (size uint32, ok bool) {
	n := uint64(1)
	for range maxDepth {
		_, r := t.Unqualified(id)
		switch k := r.Kind(); {
		case k == KindInt || k == KindFloat || k.Enum() || k.Composite() || k == KindDatasec:
			n *= uint64(r.Size())
			return uint32(n), n <= math.MaxUint32
		case k == KindPtr:
			return uint32(8 * n), 8*n <= math.MaxUint32
		case k == KindVar:
			id = r.Ref()
		case k == KindArray:
			elem, _, count := r.Array()
			n *= uint64(count)
			if n > math.MaxUint32 {
				return 0, false
			}
			id = elem
		default:
			return 0, false
		}
	}
	return 0, false
}

// StringTable is the string section of a BTF that was read. Offsets become names of a Strings.
type StringTable struct {
	data  string
	known []Name // the name at each offset, plus 1
	into  *Strings
}

// Name is the name at an offset.
func (s *StringTable) Name(off uint32) (Name, error) {
	if uint64(off) >= uint64(len(s.data)) {
		return 0, fmt.Errorf("a string at %d of %d bytes: %w", off, len(s.data), ErrMalformed)
	}
	if n := s.known[off]; n != 0 {
		return n - 1, nil
	}
	str := s.data[off:]
	n := s.into.Name(str[:strings.IndexByte(str, 0)])
	s.known[off] = n + 1
	return n, nil
}

// Order is the byte order of raw BTF: binary.LittleEndian or binary.BigEndian.
type Order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// OrderOf is the byte order that the data's first bytes tell.
func OrderOf(data []byte) Order {
	if len(data) > 1 && binary.BigEndian.Uint16(data) == Magic {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Read decodes the data of a .BTF section. Its names are put into s. The table is for others
// that refer to its strings, as .BTF.ext does.
func Read(data []byte, order binary.ByteOrder, s *Strings) (*Types, *StringTable, error) {
	if len(data) < headerLen || order.Uint16(data) != Magic {
		return nil, nil, fmt.Errorf("read BTF: no header: %w", ErrMalformed)
	}
	word := func(i int) uint64 { return uint64(order.Uint32(data[i:])) }
	hdr, size := word(4), uint64(len(data))
	typeOff, typeLen, strOff, strLen := hdr+word(8), word(12), hdr+word(16), word(20)
	switch {
	case hdr < headerLen, typeOff+typeLen > size, typeLen%4 != 0, strOff+strLen > size, strLen == 0,
		data[strOff] != 0, data[strOff+strLen-1] != 0:
		return nil, nil, fmt.Errorf("read BTF: header disagrees with %d bytes of data: %w", size, ErrMalformed)
	}
	table := &StringTable{data: string(data[strOff : strOff+strLen]), known: make([]Name, strLen), into: s}
	t := NewTypes(s)
	t.words = make([]uint32, typeLen/4)
	for i := range t.words {
		t.words[i] = order.Uint32(data[typeOff+4*uint64(i):])
	}
	if err := t.index(); err != nil {
		return nil, nil, fmt.Errorf("read BTF: %w", err)
	}
	if err := t.check(table); err != nil {
		return nil, nil, fmt.Errorf("read BTF: %w", err)
	}
	return t, table, nil
}

// index finds where the records begin.
func (t *Types) index() error {
	for off := 0; off < len(t.words); {
		if len(t.words)-off < headWords {
			return fmt.Errorf("type %d cut off: %w", t.End(), ErrMalformed)
		}
		info := t.words[off+1]
		if k := KindOf(info); k == KindVoid || k >= NumKinds {
			return fmt.Errorf("type %d is of unknown kind %d: %w", t.End(), k, ErrMalformed)
		}
		if t.End() > MaxTypes {
			return fmt.Errorf("more than %d types: %w", MaxTypes, ErrMalformed)
		}
		t.at = append(t.at, uint32(off))
		off += RecordLen(info) / 4
		if off > len(t.words) {
			return fmt.Errorf("type %d cut off: %w", t.End()-1, ErrMalformed)
		}
	}
	return nil
}

// check makes names of string offsets, and sees that each type that's referred to is there.
func (t *Types) check(table *StringTable) error {
	var err error
	for id := ID(1); id < t.End() && err == nil; id++ {
		r := t.Record(id)
		r.names(func(w *uint32) {
			n, e := table.Name(*w)
			if e != nil && err == nil {
				err = fmt.Errorf("type %d: %w", id, e)
			}
			*w = uint32(n)
		})
		r.refs(func(w *uint32) {
			if *w >= uint32(t.End()) && err == nil {
				err = fmt.Errorf("type %d refers to type %d of %d: %w", id, *w, t.End()-1, ErrMalformed)
			}
		})
	}
	return err
}

// Layout puts names into a string section, in the order in which they're asked for.
type Layout struct {
	from *Strings
	at   []uint32 // each name's offset; 0: none yet
	data []byte
}

// NewLayout begins a string section.
func NewLayout(s *Strings) *Layout {
	return &Layout{from: s, data: []byte{0}}
}

// Offset is where a name is in the section.
func (l *Layout) Offset(n Name) uint32 {
	if n == 0 {
		return 0
	}
	for int(n) >= len(l.at) {
		l.at = append(l.at, 0)
	}
	if l.at[n] == 0 {
		l.at[n] = uint32(len(l.data))
		l.data = append(append(l.data, l.from.At(n)...), 0)
	}
	return l.at[n]
}

// Encode puts the types together as a .BTF section with the layout's strings, and those that
// the types need more.
func (t *Types) Encode(order binary.AppendByteOrder, l *Layout) []byte {
	words := append([]uint32(nil), t.words...)
	out := &Types{words: words, at: t.at}
	for id := ID(1); id < t.End(); id++ {
		out.Record(id).names(func(w *uint32) { *w = l.Offset(Name(*w)) })
	}
	typeLen := uint32(4 * len(words))
	data := make([]byte, 0, headerLen+int(typeLen)+len(l.data))
	data = append(order.AppendUint16(data, Magic), version, 0)
	for _, w := range []uint32{headerLen, 0, typeLen, typeLen, uint32(len(l.data))} {
		data = order.AppendUint32(data, w)
	}
	for _, w := range words {
		data = order.AppendUint32(data, w)
	}
	return append(data, l.data...)
}

// Renumber replaces what types refer to by what to has for it.
func (t *Types) Renumber(to []ID) {
	for id := ID(1); id < t.End(); id++ {
		t.Record(id).refs(func(w *uint32) { *w = uint32(to[*w]) })
	}
}
