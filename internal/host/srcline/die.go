package srcline

// Tags, attributes and forms of DWARF 5, 7.5, and of GNU.
const (
	tagClass          = 0x02
	tagEnumeration    = 0x04
	tagStructure      = 0x13
	tagUnion          = 0x17
	tagInlined        = 0x1d
	tagSubprogram     = 0x2e
	formAddr          = 0x01
	formBlock2        = 0x03
	formBlock4        = 0x04
	formData2         = 0x05
	formData4         = 0x06
	formData8         = 0x07
	formString        = 0x08
	formBlock         = 0x09
	formBlock1        = 0x0a
	formData1         = 0x0b
	formFlag          = 0x0c
	formSdata         = 0x0d
	formStrp          = 0x0e
	formUdata         = 0x0f
	formRefAddr       = 0x10
	formRef1          = 0x11
	formRef2          = 0x12
	formRef4          = 0x13
	formRef8          = 0x14
	formRefUdata      = 0x15
	formIndirect      = 0x16
	formSecOffset     = 0x17
	formExprloc       = 0x18
	formFlagPresent   = 0x19
	formStrx          = 0x1a
	formAddrx         = 0x1b
	formRefSup4       = 0x1c
	formStrpSup       = 0x1d
	formData16        = 0x1e
	formLineStrp      = 0x1f
	formRefSig8       = 0x20
	formImplicitConst = 0x21
	formLoclistx      = 0x22
	formRnglistx      = 0x23
	formRefSup8       = 0x24
	formStrx1         = 0x25
	formStrx2         = 0x26
	formStrx3         = 0x27
	formStrx4         = 0x28
	formAddrx1        = 0x29
	formAddrx2        = 0x2a
	formAddrx3        = 0x2b
	formAddrx4        = 0x2c
	formGNUAddrIndex  = 0x1f01
	formGNUStrIndex   = 0x1f02
	formGNURefAlt     = 0x1f20
	formGNUStrpAlt    = 0x1f21
)

// attr is an attribute that is of use here.
type attr uint8

const (
	attrNone attr = iota
	attrSibling
	attrName
	attrLinkage
	attrStmtList
	attrLow
	attrHigh
	attrRanges
	attrCompDir
	attrOrigin
	attrSpecification
	attrCallFile
	attrCallLine
	attrStrBase
	attrAddrBase
	attrRngBase
	attrRangesBase
	attrDwoName
	attrDwoID
	numAttrs
)

// attrOf is the attribute of a DW_AT code, attrNone for those that tell nothing of use.
func attrOf(code uint64) attr {
	switch code {
	case 0x01:
		return attrSibling
	case 0x03:
		return attrName
	case 0x10:
		return attrStmtList
	case 0x11:
		return attrLow
	case 0x12:
		return attrHigh
	case 0x1b:
		return attrCompDir
	case 0x31:
		return attrOrigin
	case 0x47:
		return attrSpecification
	case 0x55:
		return attrRanges
	case 0x58:
		return attrCallFile
	case 0x59:
		return attrCallLine
	case 0x6e, 0x2007: // DW_AT_MIPS_linkage_name
		return attrLinkage
	case 0x72:
		return attrStrBase
	case 0x73, 0x2133: // DW_AT_GNU_addr_base
		return attrAddrBase
	case 0x74:
		return attrRngBase
	case 0x76, 0x2130: // DW_AT_GNU_dwo_name
		return attrDwoName
	case 0x2131: // DW_AT_GNU_dwo_id
		return attrDwoID
	case 0x2132: // DW_AT_GNU_ranges_base
		return attrRangesBase
	}
	return attrNone
}

// value is an attribute's value as it stands: n is a number, an offset or an index, of an
// inline string its offset in the section.
type value struct {
	form uint64 // 0: there's no such attribute
	n    uint64
}

// die is a debugging information entry; tag 0 ends the children of one.
type die struct {
	off, next int
	tag       uint64
	children  bool
	attrs     [numAttrs]value
}

// read decodes the DIE at an offset of the section; false at the unit's end, or where it's
// damaged.
func (u *unit) read(off int, d *die) bool {
	if off < u.first || off >= u.end {
		return false
	}
	c := cursor{data: u.image.data(secInfo)[:u.end], off: off, order: u.image.order}
	*d = die{off: off}
	if code := c.uleb(); code != 0 {
		a := u.abbrevs.find(code)
		if a == nil {
			return false
		}
		d.tag, d.children = a.tag, a.children
		for _, f := range a.fields {
			v := value{f.form, uint64(f.implicit)}
			if f.form == formIndirect {
				v.form = c.uleb()
			}
			if v.form != formImplicitConst {
				v.n = u.form(&c, v.form)
			}
			d.attrs[attrOf(f.attr)] = v
		}
	}
	d.next = c.off
	return !c.bad
}

// form reads a value, or passes it where it's a block.
func (u *unit) form(c *cursor, form uint64) uint64 {
	switch form {
	case formAddr:
		return c.uint(u.addrSize)
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return c.uint(1)
	case formData2, formRef2, formStrx2, formAddrx2:
		return c.uint(2)
	case formStrx3, formAddrx3:
		return c.uint(3)
	case formData4, formRef4, formRefSup4, formStrx4, formAddrx4:
		return c.uint(4)
	case formData8, formRef8, formRefSup8, formRefSig8:
		return c.uint(8)
	case formSdata:
		return uint64(c.sleb())
	case formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		return c.uleb()
	case formStrp, formLineStrp, formStrpSup, formSecOffset, formGNURefAlt, formGNUStrpAlt:
		return c.uint(u.offSize)
	case formRefAddr:
		if u.version <= 2 {
			return c.uint(u.addrSize)
		}
		return c.uint(u.offSize)
	case formString:
		start := c.off
		c.str()
		return uint64(start)
	case formFlagPresent:
		return 1
	case formBlock1:
		c.skip(c.uint(1))
	case formBlock2:
		c.skip(c.uint(2))
	case formBlock4:
		c.skip(c.uint(4))
	case formBlock, formExprloc:
		c.skip(c.uleb())
	case formData16:
		c.skip(16)
	default:
		c.bad = true // its size isn't known
	}
	return 0
}

// str is the string of a value, "" when it isn't one or can't be reached.
func (u *unit) str(v value) string {
	im, from, off := u.image, secStr, v.n
	switch v.form {
	case formString:
		from = secInfo
	case formStrp:
	case formLineStrp:
		from = secLineStr
	case formGNUStrpAlt, formStrpSup:
		if im = im.alt(); im == nil {
			return ""
		}
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		c := at(im.data(secStrOffsets), u.strBase+v.n*uint64(u.offSize), im.order)
		if off = c.uint(u.offSize); c.bad {
			return ""
		}
	default:
		return ""
	}
	c := at(im.data(from), off, im.order)
	return string(c.str())
}

// addr is the address of a value.
func (u *unit) addr(v value) (uint64, bool) {
	switch v.form {
	case formAddr:
		return v.n, true
	case formAddrx, formAddrx1, formAddrx2, formAddrx3, formAddrx4, formGNUAddrIndex:
		return u.addrAt(v.n)
	}
	return 0, false
}

// addrAt is an address of the table that the units of a binary have together.
func (u *unit) addrAt(index uint64) (uint64, bool) {
	c := at(u.addrs.data(secAddr), u.addrBase+index*uint64(u.addrSize), u.image.order)
	a := c.uint(u.addrSize)
	return a, !c.bad
}

// maxOrigins bounds the way from a DIE to the one that has the name.
const maxOrigins = 16

// nameAt is the linkage name of the function with a DIE, else its name, else that of the
// DIE that it's made from.
func (u *unit) nameAt(off int) string {
	var d die
	for range maxOrigins {
		if u == nil || !u.read(off, &d) {
			return ""
		}
		for _, a := range []attr{attrLinkage, attrName} {
			if s := u.str(d.attrs[a]); s != "" {
				return s
			}
		}
		ref := d.attrs[attrOrigin]
		if ref.form == 0 {
			ref = d.attrs[attrSpecification]
		}
		u, off = u.follow(ref)
	}
	return ""
}

// follow finds the DIE that a reference means, and its unit; nil: it can't be reached.
func (u *unit) follow(ref value) (*unit, int) {
	im := u.image
	switch ref.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		return u, u.off + int(ref.n)
	case formRefAddr:
	case formGNURefAlt, formRefSup4, formRefSup8:
		if im = im.alt(); im == nil {
			return nil, 0
		}
	default:
		return nil, 0
	}
	return im.unitAround(int(ref.n)), int(ref.n)
}
