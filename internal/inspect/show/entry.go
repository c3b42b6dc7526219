package show

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// Entries prints elements of one map.
type Entries struct {
	p     *Printer
	m     *inspect.Map
	types *inspect.MapTypesOf // nil: bytes are printed
	typed *values             // in text: the writer of typed elements
	Found int                 // elements printed
}

// NewEntries prints a map's elements, by their types when it has some. In text, typed
// elements are JSON too, as bpftool's.
func (p *Printer) NewEntries(m *inspect.Map) (*Entries, error) {
	e := &Entries{p: p, m: m}
	types, err := p.Reader.MapTypes(m)
	if err != nil {
		return nil, err
	}
	e.types = types
	if types != nil && p.JSON == nil {
		e.typed = &values{JSON: NewJSON(p.Text, true), plain: true}
	}
	return e, nil
}

// Typed reports whether the elements are written as JSON.
func (e *Entries) Typed() bool { return e.typed != nil || e.p.JSON != nil }

// Writer is where an array of the elements is written; nil for plain text.
func (e *Entries) Writer() *JSON {
	if e.typed != nil {
		return e.typed.JSON
	}
	return e.p.JSON
}

// Close writes what is buffered.
func (e *Entries) Close() error {
	if e.typed != nil {
		return e.typed.Close()
	}
	return nil
}

// Element prints one element; value has all CPUs' for per-CPU maps.
func (e *Entries) Element(key, value []byte) {
	e.Found++
	switch {
	case e.typed != nil:
		e.byType(e.typed, key, value)
	case e.p.JSON != nil:
		e.json(key, value)
	default:
		e.text(key, value)
	}
}

// step is where the next CPU's value begins.
func (e *Entries) step() int { return int(e.m.ValueSize+7) &^ 7 }

// perCPU calls f with each CPU's value.
func (e *Entries) perCPU(value []byte, f func(cpu int, v []byte)) {
	for cpu := 0; (cpu+1)*e.step() <= len(value); cpu++ {
		f(cpu, value[cpu*e.step():][:e.m.ValueSize])
	}
}

func (e *Entries) json(key, value []byte) {
	j := e.p.JSON
	j.Open("{")
	j.Name("key")
	hexArray(j, key)
	if e.m.PerCPU() {
		j.Name("values")
		j.Open("[")
		e.perCPU(value, func(cpu int, v []byte) {
			j.Open("{")
			j.Member("cpu", cpu)
			j.Name("value")
			hexArray(j, v)
			j.End("}")
		})
		j.End("]")
	} else {
		j.Name("value")
		hexArray(j, value)
		if e.m.OfMaps() && len(value) >= 4 {
			j.Member("inner_map_id", binary.NativeEndian.Uint32(value))
		}
	}
	if e.types != nil {
		j.Name("formatted")
		e.byType(&values{JSON: j}, key, value)
	}
	j.End("}")
}

func (e *Entries) byType(v *values, key, value []byte) {
	v.Open("{")
	if e.types.Key.Kind() != kern.KindVoid {
		v.Name("key")
		v.write(e.types.Key, key, 0)
	}
	if e.m.PerCPU() {
		v.Name("values")
		v.Open("[")
		e.perCPU(value, func(cpu int, one []byte) {
			v.Open("{")
			v.Member("cpu", cpu)
			v.Name("value")
			v.write(e.types.Value, one, 0)
			v.End("}")
		})
		v.End("]")
	} else {
		v.Name("value")
		v.write(e.types.Value, value, 0)
	}
	v.End("}")
}

func hexArray(j *JSON, b []byte) {
	j.Open("[")
	for i := range b {
		j.begin()
		j.text(`"0x`)
		j.bytes(hex.AppendEncode(j.w.AvailableBuffer(), b[i:i+1]))
		j.text(`"`)
	}
	j.End("]")
}

// hexBytes is bytes as text: "0a 0b", 16 on a line.
func hexBytes(b []byte) string {
	out := make([]byte, 0, 3*len(b)+len(b)/8)
	for i := range b {
		switch {
		case i > 0 && i%16 == 0:
			out = append(out, '\n')
		case i > 0 && i%8 == 0:
			out = append(out, "  "...)
		case i > 0:
			out = append(out, ' ')
		}
		out = hex.AppendEncode(out, b[i:i+1])
	}
	return string(out)
}

// wideRow is the longest key or value that stands beside its name.
const wideRow = 16

func (e *Entries) text(key, value []byte) {
	p, m := e.p, e.m
	if m.PerCPU() {
		if m.KeySize > 0 {
			p.printf("key:\n%s\n", hexBytes(key))
		}
		e.perCPU(value, func(cpu int, v []byte) {
			p.printf("value (CPU %02d):%s%s\n", cpu, space(len(v) > wideRow), hexBytes(v))
		})
		return
	}
	size := int(m.ValueSize)
	if m.KeySize > 0 {
		p.printf("key:%s%s%s", e.space(size), hexBytes(key), e.gap(size))
	}
	switch {
	case m.OfMaps() && len(value) >= 4:
		p.printf("inner_map_id:%s%d ", e.space(size), binary.NativeEndian.Uint32(value))
	case m.ValueSize > 0:
		p.printf("value:%s%s", e.space(size), hexBytes(value))
	}
	p.printf("\n")
}

// oneRow is how many bytes of key and value fit on a line.
const oneRow = 24

// space is what stands between a name and what it names.
func space(long bool) string {
	if long {
		return "\n"
	}
	return " "
}

// space is what stands behind "key:" and "value:" when a value takes size characters.
func (e *Entries) space(size int) string { return space(int(e.m.KeySize) > wideRow || size > wideRow) }

// gap is what stands between key and value.
func (e *Entries) gap(size int) string {
	if e.space(size) == "\n" || int(e.m.KeySize)+size > oneRow {
		return "\n"
	}
	return "  "
}

// Failed prints an element whose value couldn't be read. Empty places of arrays of
// programs and maps are passed over.
func (e *Entries) Failed(key []byte, err error) {
	var errno sys.Errno
	if !errors.As(err, &errno) || (e.m.OfMaps() || e.m.OfProgs()) && errno == sys.ENOENT {
		return
	}
	msg := helper.Strerror(errno)
	if j := e.Writer(); j != nil {
		j.Open("{")
		j.Name("key")
		hexArray(j, key)
		j.Name("value")
		j.Open("{")
		j.Member("error", msg)
		j.End("}")
		j.End("}")
		return
	}
	switch {
	case errno == sys.ENOENT:
		msg = "<no entry>"
	case errno == sys.ENOSPC && e.m.OfReuseport():
		msg = "<cannot read>"
	}
	e.p.printf("key:%s%s%svalue:%s%s\n", e.space(len(msg)), hexBytes(key), e.gap(len(msg)), e.space(len(msg)), msg)
}

// KeyBlock prints a key alone: in text below its name.
func (p *Printer) KeyBlock(name string, key []byte) {
	if j := p.JSON; j != nil {
		j.Name(name)
		hexArray(j, key)
		return
	}
	p.printf("%s:\n%s\n", strings.ReplaceAll(name, "_", " "), hexBytes(key))
}
