package srcline

import (
	"cmp"
	"slices"
)

// Kinds of units that have a field more in their header (DWARF 5, 7.5.1).
const (
	unitType         = 2
	unitSkeleton     = 4
	unitSplitCompile = 5
	unitSplitType    = 6
)

// unit is a unit of .debug_info with what its first DIE says.
type unit struct {
	image      *image
	off, end   int // of the header, and of what follows the unit
	first      int // of the first DIE
	version    int
	offSize    int
	addrSize   int
	abbrevs    *abbrevs
	id         uint64 // that tells a split unit
	root       die
	addrs      *image // whose addresses, and ranges of DWARF 4, are meant
	strBase    uint64
	addrBase   uint64
	rngBase    uint64
	rangesBase uint64 // DW_AT_GNU_ranges_base
	low        uint64 // base of its ranges
}

// unit decodes the header at an offset and the first DIE.
func (im *image) unit(off int) (*unit, bool) {
	u, ok := im.header(off)
	return u, ok && u.complete(nil)
}

// complete reads the first DIE. Of a split unit its skeleton says where addresses are.
func (u *unit) complete(skeleton *unit) bool {
	if !u.read(u.first, &u.root) {
		return false
	}
	base := func(a attr, otherwise uint64) uint64 {
		if v := u.root.attrs[a]; v.form != 0 {
			return v.n
		}
		return otherwise
	}
	var afterHeader, afterListHeader uint64
	if u.image.split && u.version >= 5 {
		// Split units have no bases: the first table of the section is meant, behind its
		// header (DWARF 5, 7.26 and 7.28).
		afterHeader, afterListHeader = 8, 12
		if u.offSize == 8 {
			afterHeader, afterListHeader = 16, 20
		}
	}
	u.strBase = base(attrStrBase, afterHeader)
	u.rngBase = base(attrRngBase, afterListHeader)
	u.id = base(attrDwoID, u.id)
	if skeleton != nil {
		u.addrs, u.addrBase, u.rangesBase = skeleton.image, skeleton.addrBase, skeleton.rangesBase
		u.low = skeleton.low
		return true
	}
	u.addrBase = base(attrAddrBase, 0)
	u.rangesBase = base(attrRangesBase, 0)
	u.low, _ = u.addr(u.root.attrs[attrLow])
	return true
}

// header decodes what stands before the first DIE.
func (im *image) header(off int) (*unit, bool) {
	c := at(im.data(secInfo), uint64(off), im.order)
	u := &unit{image: im, addrs: im, off: off}
	n, offSize := c.length()
	u.offSize = offSize
	if c.bad || n > uint64(c.left()) {
		return nil, false
	}
	u.end = c.off + int(n)
	u.version = int(c.uint(2))
	var abbrevOff uint64
	switch {
	case u.version >= 2 && u.version <= 4:
		abbrevOff = c.uint(offSize)
		u.addrSize = int(c.uint(1))
	case u.version == 5:
		kind := c.uint(1)
		u.addrSize = int(c.uint(1))
		abbrevOff = c.uint(offSize)
		switch kind {
		case unitSkeleton, unitSplitCompile:
			u.id = c.uint(8)
		case unitType, unitSplitType:
			c.skip(8 + uint64(offSize))
		}
	default:
		return nil, false
	}
	u.first = c.off
	u.abbrevs = &abbrevs{rest: at(im.data(secAbbrev), abbrevOff, im.order)}
	return u, !c.bad && u.first <= u.end && (u.addrSize == 4 || u.addrSize == 8)
}

// span is a range of addresses of a unit.
type span struct {
	low, high uint64
	unit      int // offset
}

// index reads which addresses are of which units: what .debug_aranges says, and of units
// that it leaves out (it's optional, and clang writes none) what their first DIE says.
func (r *Reader) index() {
	if r.indexed {
		return
	}
	r.indexed = true
	listed := map[int]bool{}
	r.aranges(listed)
	for _, off := range r.main.unitStarts() {
		if listed[off] {
			continue
		}
		if u, ok := r.main.unit(off); ok {
			u.ranges(&u.root, func(low, high uint64) { r.spans = append(r.spans, span{low, high, off}) })
		}
	}
	slices.SortFunc(r.spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.unit, b.unit)) })
}

// aranges reads .debug_aranges (DWARF 5, 6.1.2): sets of a unit's addresses and lengths.
func (r *Reader) aranges(listed map[int]bool) {
	c := cursor{data: r.main.data(secAranges), order: r.main.order}
	for c.left() > 0 {
		start := c.off
		n, offSize := c.length()
		body := cursor{data: c.data, off: c.off, order: c.order}
		if c.skip(n); c.bad {
			return
		}
		body.data = body.data[:c.off]
		version, unit, addrSize, segSize := body.uint(2), body.uint(offSize), int(body.uint(1)), body.uint(1)
		if version != 2 || segSize != 0 || addrSize != 4 && addrSize != 8 {
			continue
		}
		if pad := (body.off - start) % (2 * addrSize); pad != 0 {
			body.skip(uint64(2*addrSize - pad))
		}
		for body.left() > 0 {
			low, size := body.uint(addrSize), body.uint(addrSize)
			if body.bad || low == 0 && size == 0 {
				break
			}
			if low != 0 && low+size > low {
				r.spans = append(r.spans, span{low, low + size, int(unit)})
				listed[int(unit)] = true
			}
		}
	}
}

// functions are the functions of a unit that have code, by address.
func (u *unit) functions() []function {
	var list []function
	var d die
	for off := u.first; u.read(off, &d); {
		off = d.next
		switch d.tag {
		case tagSubprogram:
			u.ranges(&d, func(low, high uint64) {
				list = append(list, function{low: low, high: high, off: d.off})
			})
		case tagStructure, tagClass, tagUnion, tagEnumeration: // declarations only
			off = u.sibling(&d)
		}
	}
	slices.SortFunc(list, func(a, b function) int { return cmp.Compare(a.low, b.low) })
	return list
}

// sibling is where the next DIE beside this one is if it says so, else the next of all.
func (u *unit) sibling(d *die) int {
	if v := d.attrs[attrSibling]; d.children && v.form != 0 {
		if to, off := u.follow(v); to == u && off > d.next {
			return off
		}
	}
	return d.next
}

// calls are the functions that were inlined into the function with a DIE, each range apart,
// in the order of the DIEs: around before within.
func (u *unit) calls(fn int) []call {
	var list []call
	var d die
	if !u.read(fn, &d) || !d.children {
		return nil
	}
	var around []bool // of each DIE around: is it a call?
	depth, skip := uint32(0), 0
	for u.read(d.next, &d) {
		if d.tag == 0 {
			if len(around) == 0 {
				break
			}
			if last := len(around) - 1; around[last] {
				depth--
			}
			around = around[:len(around)-1]
			if skip > len(around) {
				skip = 0
			}
			continue
		}
		inlined := d.tag == tagInlined && skip == 0
		if inlined {
			k := call{off: d.off, depth: depth, file: uint32(d.attrs[attrCallFile].n), line: uint32(d.attrs[attrCallLine].n)}
			u.ranges(&d, func(low, high uint64) {
				k.low, k.high = low, high
				list = append(list, k)
			})
		}
		if d.children {
			around = append(around, inlined)
			if inlined {
				depth++
			}
			if d.tag == tagSubprogram && skip == 0 { // one within has its own calls
				skip = len(around)
			}
		}
	}
	return list
}
