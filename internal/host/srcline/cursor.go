package srcline

import (
	"bytes"
	"encoding/binary"
)

// cursor reads a section. Past the end it gives zeros and is bad.
type cursor struct {
	data  []byte
	off   int
	order binary.ByteOrder
	bad   bool
}

// at is a cursor at an offset that the section itself gave.
func at(data []byte, off uint64, order binary.ByteOrder) cursor {
	c := cursor{data: data, order: order}
	c.bad = off > uint64(len(data))
	if !c.bad {
		c.off = int(off)
	}
	return c
}

func (c *cursor) left() int { return len(c.data) - c.off }

func (c *cursor) bytes(n uint64) []byte {
	if c.bad || n > uint64(c.left()) {
		c.bad = true
		return nil
	}
	b := c.data[c.off : c.off+int(n)]
	c.off += int(n)
	return b
}

func (c *cursor) skip(n uint64) { c.bytes(n) }

// uint is an unsigned number of size bytes.
func (c *cursor) uint(size int) uint64 {
	b := c.bytes(uint64(size))
	if b == nil {
		return 0
	}
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(c.order.Uint16(b))
	case 4:
		return uint64(c.order.Uint32(b))
	case 8:
		return c.order.Uint64(b)
	}
	var v uint64 // three bytes, or sizes that no format has
	for i := range b {
		k := i
		if c.order == binary.ByteOrder(binary.BigEndian) {
			k = len(b) - 1 - i
		}
		v |= uint64(b[k]) << (8 * i)
	}
	return v
}

func (c *cursor) uleb() (v uint64) {
	for shift := 0; !c.bad; shift += 7 {
		if c.off >= len(c.data) {
			c.bad = true
			return 0
		}
		b := c.data[c.off]
		c.off++
		if shift < 64 {
			v |= uint64(b&0x7f) << shift
		}
		if b < 0x80 {
			return v
		}
	}
	return 0
}

func (c *cursor) sleb() (v int64) {
	for shift := 0; !c.bad; {
		b := c.uint(1)
		if shift < 64 {
			v |= int64(b&0x7f) << shift
		}
		if shift += 7; b < 0x80 {
			if b&0x40 != 0 && shift < 64 {
				v |= -1 << shift
			}
			return v
		}
	}
	return 0
}

// str is a string that a zero byte ends, in the section's own memory.
func (c *cursor) str() []byte {
	if c.bad {
		return nil
	}
	n := bytes.IndexByte(c.data[c.off:], 0)
	if n < 0 {
		c.bad = true
		return nil
	}
	s := c.data[c.off : c.off+n]
	c.off += n + 1
	return s
}

// length is the length that begins a unit, and the size of offsets in it: 4 bytes, or 8 in
// 64-bit DWARF (DWARF 5, 7.4).
func (c *cursor) length() (n uint64, offSize int) {
	n = c.uint(4)
	if n == 0xffffffff {
		return c.uint(8), 8
	}
	return n, 4
}
