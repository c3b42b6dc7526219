package srcline

import "encoding/binary"

// split is the unit in a .dwo or .dwp file that a skeleton unit stands for, or nil.
func (r *Reader) split(skeleton *unit) *unit {
	name := skeleton.str(skeleton.root.attrs[attrDwoName])
	if name == "" {
		return nil
	}
	im := r.splitImage(skeleton, name)
	if im == nil {
		return nil
	}
	for _, off := range im.unitStarts() {
		u, ok := im.header(off)
		if !ok {
			continue
		}
		if u.complete(skeleton) && u.id == skeleton.id {
			return u
		}
	}
	return nil
}

// splitImage is the package's part for a skeleton unit, else its .dwo file.
func (r *Reader) splitImage(skeleton *unit, name string) *image {
	if r.pkg == nil {
		r.pkg = &dwp{}
		if r.cfg.Package != nil {
			if s := r.cfg.Package(); s != nil {
				r.pkg = &dwp{sections: s, order: r.cfg.Order}
			}
		}
	}
	s := r.pkg.part(skeleton.id)
	if s == nil && r.cfg.Split != nil {
		s = r.cfg.Split(name, skeleton.str(skeleton.root.attrs[attrCompDir]))
	}
	if s == nil {
		return nil
	}
	im := newImage(r.cfg.Order, s, nil)
	im.split = true
	return im
}

// Split is a split unit's own debug information, as the sections of one file without any
// base that would have to be added to an index.
type Split struct{ Info, Abbrev, Str, StrOffsets, Addr []byte }

// Splits yields the split units that can be found.
func (r *Reader) Splits(yield func(Split) bool) {
	for _, off := range r.main.unitStarts() {
		skeleton, ok := r.main.unit(off)
		if !ok {
			continue
		}
		u := r.split(skeleton)
		if u == nil {
			continue
		}
		s := Split{Info: u.image.data(secInfo), Abbrev: u.image.data(secAbbrev), Str: u.image.data(secStr),
			StrOffsets: from(u.image.data(secStrOffsets), u.strBase), Addr: from(u.addrs.data(secAddr), u.addrBase)}
		if !yield(s) {
			return
		}
	}
}

func from(data []byte, off uint64) []byte { return data[min(off, uint64(len(data))):] }

// dwp is a package of split units (DWARF 5, 7.3.5, and its forerunner of GNU).
type dwp struct {
	sections Sections
	order    binary.ByteOrder
}

// Columns of the index, by section: those of DWARF 5, and of GNU's version 2 where they differ.
var dwpColumns = map[uint64]section{1: secInfo, 3: secAbbrev, 4: secLine, 6: secStrOffsets, 8: secRngLists}

// part is the sections of the unit with an id, nil when the package doesn't have it.
// .debug_cu_index has a header, slots of ids, their rows, and a table of offsets and one of
// sizes, with a column for each section.
func (p *dwp) part(id uint64) Sections {
	if p.sections == nil {
		return nil
	}
	c := cursor{data: p.sections("debug_cu_index"), order: p.order}
	version := c.uint(4) & 0xffff // two bytes in DWARF 5, and two that are 0
	columns, units, slots := c.uint(4), c.uint(4), c.uint(4)
	size := uint64(len(c.data))
	if c.bad || version != 2 && version != 5 || columns > size || units > size || slots > size {
		return nil
	}
	const header = 16
	ids := cursor{data: c.data, off: header, order: p.order}
	row := uint64(0)
	for slot := range slots {
		if ids.uint(8) == id {
			rows := at(c.data, header+8*slots+4*slot, p.order)
			row = rows.uint(4)
			break
		}
	}
	if row == 0 || row > units {
		return nil
	}
	table := header + 12*slots
	kinds := at(c.data, table, p.order)
	offsets := at(c.data, table+4*columns*row, p.order)
	sizes := at(c.data, table+4*columns*(units+row), p.order)
	parts := map[string][]byte{}
	for range columns {
		kind, off, n := kinds.uint(4), offsets.uint(4), sizes.uint(4)
		s, known := dwpColumns[kind]
		if kinds.bad || offsets.bad || sizes.bad {
			return nil
		}
		if !known || s == secRngLists && version == 2 { // .debug_macro there
			continue
		}
		name := sectionNames[s] + ".dwo"
		whole := at(p.sections(name), uint64(off), p.order)
		parts[name] = whole.bytes(n)
	}
	return func(name string) []byte {
		if b, ok := parts[name]; ok {
			return b
		}
		return p.sections(name) // .debug_str.dwo is of all units
	}
}
