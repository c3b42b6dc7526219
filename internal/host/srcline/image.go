package srcline

import (
	"encoding/binary"
	"sort"
)

// Sections gives a debug section by its name without the leading dot ("debug_info"),
// uncompressed. Nil: there's none.
type Sections func(name string) []byte

// section is one that is read here.
type section uint8

const (
	secInfo section = iota
	secAbbrev
	secStr
	secLineStr
	secStrOffsets
	secAddr
	secRanges
	secRngLists
	secLine
	secAranges
	numSections
)

var sectionNames = [numSections]string{"debug_info", "debug_abbrev", "debug_str", "debug_line_str", "debug_str_offsets",
	"debug_addr", "debug_ranges", "debug_rnglists", "debug_line", "debug_aranges"}

// image is a file's debug sections, or a unit's part of those of a package.
type image struct {
	order      binary.ByteOrder
	sections   Sections
	supplement func() Sections
	split      bool // from a .dwo or .dwp
	have       [numSections][]byte
	read       [numSections]bool
	starts     []int // of the units, ascending; nil: not read yet
	recent     map[int]*unit
	other      *image // that of the supplement
}

func newImage(order binary.ByteOrder, s Sections, supplement func() Sections) *image {
	return &image{order: order, sections: s, supplement: supplement, recent: map[int]*unit{}}
}

func (im *image) data(s section) []byte {
	if !im.read[s] {
		im.read[s] = true
		name := sectionNames[s]
		if im.split {
			name += ".dwo"
		}
		im.have[s] = im.sections(name)
	}
	return im.have[s]
}

// alt is the supplement's image, or nil.
func (im *image) alt() *image {
	if im.other == nil && im.supplement != nil {
		if s := im.supplement(); s != nil {
			im.other = newImage(im.order, s, nil)
		}
		im.supplement = nil
	}
	return im.other
}

// maxRecent bounds the unit headers that are kept for references between units.
const maxRecent = 64

// unitAround is the unit that a DIE is in, or nil.
func (im *image) unitAround(off int) *unit {
	starts := im.unitStarts()
	i := sort.SearchInts(starts, off+1) - 1
	if i < 0 {
		return nil
	}
	u := im.recent[starts[i]]
	if u == nil {
		if u, _ = im.unit(starts[i]); u == nil {
			return nil
		}
		if len(im.recent) >= maxRecent {
			clear(im.recent)
		}
		im.recent[starts[i]] = u
	}
	return u
}

// unitStarts are the offsets of all units. It reads four bytes of each.
func (im *image) unitStarts() []int {
	if im.starts == nil {
		im.starts = []int{}
		c := cursor{data: im.data(secInfo), order: im.order}
		for c.left() > 0 {
			start := c.off
			n, _ := c.length()
			if c.skip(n); c.bad {
				break
			}
			im.starts = append(im.starts, start)
		}
	}
	return im.starts
}
