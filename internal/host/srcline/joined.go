package srcline

import "slices"

// Joined is the debug sections of a file together with what dwz took out of it into another
// one, as a single file has them: its own units first, and no reference leads out of it.
// Nil: nothing was taken out, or the other file isn't there, or either is damaged.
func (r *Reader) Joined() Sections {
	main, alt := r.main, r.main.alt()
	if alt == nil {
		return nil
	}
	j := joiner{parts: map[section][]byte{}}
	for _, s := range []section{secInfo, secAbbrev, secStr, secLineStr} {
		j.base[s] = uint64(len(main.data(s)))
		j.parts[s] = slices.Concat(main.data(s), alt.data(s))
	}
	if !j.own(main) || !j.taken(alt) {
		return nil
	}
	return func(name string) []byte {
		if i := slices.Index(sectionNames[:], name); i >= 0 && j.parts[section(i)] != nil {
			return j.parts[section(i)]
		}
		return main.sections(name)
	}
}

// joiner makes the sections that two files have together.
type joiner struct {
	parts map[section][]byte
	base  [numSections]uint64 // where those of the other file begin
}

// plainForms are what forms that lead to the other file become in one file.
var plainForms = map[uint64]uint64{
	formGNURefAlt: formRefAddr, formRefSup4: formRefAddr, formRefSup8: formRefAddr,
	formGNUStrpAlt: formStrp, formStrpSup: formStrp,
}

// own changes the file's own units.
func (j *joiner) own(im *image) bool {
	tables := map[int]bool{}
	for _, off := range im.unitStarts() {
		u, ok := im.header(off)
		if !ok {
			return false
		}
		if table := u.abbrevs.rest.off; !tables[table] {
			tables[table] = true
			if !j.plain(u.abbrevs.rest) {
				return false
			}
		}
		if !j.shift(u, 0, map[uint64]section{
			formGNURefAlt: secInfo, formRefSup4: secInfo, formRefSup8: secInfo, formGNUStrpAlt: secStr, formStrpSup: secStr,
		}) {
			return false
		}
	}
	return true
}

// taken changes the units of the other file.
func (j *joiner) taken(im *image) bool {
	for _, off := range im.unitStarts() {
		u, ok := im.header(off)
		if !ok {
			return false
		}
		c := cursor{data: im.data(secInfo), off: off, order: im.order}
		c.length()
		if c.skip(2); u.version >= 5 { // kind and size of addresses stand before
			c.skip(2)
		}
		if !j.add(&c, u.offSize, c.off, j.base[secInfo], secAbbrev) || !j.shift(u, j.base[secInfo], map[uint64]section{
			formRefAddr: secInfo, formStrp: secStr, formLineStrp: secLineStr,
		}) {
			return false
		}
	}
	return true
}

// plain changes the forms of an abbreviation table. One that gets shorter keeps its length:
// a LEB128 number may end with zeros.
func (j *joiner) plain(c cursor) bool {
	for code := c.uleb(); code != 0 && !c.bad; code = c.uleb() {
		c.uleb() // tag
		c.skip(1)
		for !c.bad {
			attr, start := c.uleb(), c.off
			form := c.uleb()
			if form == formImplicitConst {
				c.sleb()
			}
			if attr == 0 && form == 0 {
				break
			}
			if now, ok := plainForms[form]; ok && !c.bad {
				for i := start; i < c.off; i++ {
					more := byte(0x80)
					if i == c.off-1 {
						more = 0
					}
					j.parts[secAbbrev][i] = byte(now)&0x7f | more
					now >>= 7
				}
			}
		}
	}
	return !c.bad
}

// shift adds where the other file's sections begin to the values of some forms in a unit, which
// begins that much later than in its own file.
func (j *joiner) shift(u *unit, later uint64, forms map[uint64]section) bool {
	if u.version <= 2 && u.addrSize != u.offSize {
		return false // references between units have another size
	}
	c := cursor{data: u.image.data(secInfo)[:u.end], off: u.first, order: u.image.order}
	for c.off < u.end && !c.bad {
		code := c.uleb()
		if code == 0 {
			continue
		}
		a := u.abbrevs.find(code)
		if a == nil {
			return false
		}
		for _, f := range a.fields {
			s, other := forms[f.form]
			switch {
			case other:
				if f.form == formRefSup4 && u.offSize != 4 || f.form == formRefSup8 && u.offSize != 8 {
					return false
				}
				if !j.add(&c, u.offSize, c.off, later, s) {
					return false
				}
			case f.form == formIndirect: // its form stands here, where there's no room for another
				form := c.uleb()
				if _, other := forms[form]; other {
					return false
				}
				u.form(&c, form)
			case f.form != formImplicitConst:
				u.form(&c, f.form)
			}
		}
	}
	return !c.bad
}

// add reads the offset at a cursor and writes it with where a section of the other file begins.
func (j *joiner) add(c *cursor, size, at int, later uint64, s section) bool {
	n := c.uint(size) + j.base[s]
	to := j.parts[secInfo][uint64(at)+later:]
	if c.bad || size == 4 && n > 1<<32-1 {
		return false
	}
	if size == 4 {
		c.order.PutUint32(to, uint32(n))
	} else {
		c.order.PutUint64(to, n)
	}
	return true
}
