package srcline

// Entries of a range list (DWARF 5, 7.25).
const (
	rleEnd = iota
	rleBaseIndex
	rleStartIndexEndIndex
	rleStartIndexLength
	rleOffsets
	rleBase
	rleStartEnd
	rleStartLength
)

// ranges yields the ranges of addresses of a DIE. Those at 0 are of functions that the
// linker has dropped.
func (u *unit) ranges(d *die, yield func(low, high uint64)) {
	kept := func(low, high uint64) {
		if low != 0 && low < high {
			yield(low, high)
		}
	}
	if v := d.attrs[attrRanges]; v.form != 0 {
		if u.version >= 5 {
			u.rangeList(v, kept)
		} else {
			u.oldRanges(v.n, kept)
		}
		return
	}
	low, ok := u.addr(d.attrs[attrLow])
	v := d.attrs[attrHigh]
	if !ok || v.form == 0 {
		return
	}
	high, isAddr := u.addr(v)
	if !isAddr {
		high = low + v.n
	}
	kept(low, high)
}

// oldRanges reads .debug_ranges of DWARF up to 4: pairs of offsets from the base, a zero pair
// at the end. The ranges of split units are in the binary itself.
func (u *unit) oldRanges(off uint64, yield func(low, high uint64)) {
	if u.image.split {
		off += u.rangesBase
	}
	c := at(u.addrs.data(secRanges), off, u.image.order)
	base, setsBase := u.low, ^uint64(0)>>(64-8*u.addrSize)
	for {
		low, high := c.uint(u.addrSize), c.uint(u.addrSize)
		switch {
		case c.bad || low == 0 && high == 0:
			return
		case low == setsBase:
			base = high
		default:
			yield(base+low, base+high)
		}
	}
}

// rangeList reads .debug_rnglists of DWARF 5.
func (u *unit) rangeList(v value, yield func(low, high uint64)) {
	lists, off := u.image.data(secRngLists), v.n
	if v.form == formRnglistx {
		c := at(lists, u.rngBase+v.n*uint64(u.offSize), u.image.order)
		off = u.rngBase + c.uint(u.offSize)
		if c.bad {
			return
		}
	}
	c := at(lists, off, u.image.order)
	indexed := func() uint64 {
		a, ok := u.addrAt(c.uleb())
		c.bad = c.bad || !ok
		return a
	}
	base := u.low
	for {
		kind := c.uint(1)
		var low, high uint64
		switch kind {
		case rleBaseIndex:
			base = indexed()
		case rleStartIndexEndIndex:
			low, high = indexed(), indexed()
		case rleStartIndexLength:
			low = indexed()
			high = low + c.uleb()
		case rleOffsets:
			low, high = base+c.uleb(), base+c.uleb()
		case rleBase:
			base = c.uint(u.addrSize)
		case rleStartEnd:
			low, high = c.uint(u.addrSize), c.uint(u.addrSize)
		case rleStartLength:
			low = c.uint(u.addrSize)
			high = low + c.uleb()
		default: // rleEnd
			return
		}
		if c.bad {
			return
		}
		if kind != rleBase && kind != rleBaseIndex {
			yield(low, high)
		}
	}
}
