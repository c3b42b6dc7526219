package exe

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// UnwindRow says how to get from a function's frame to its caller's, for instructions from
// Addr on to the next row's. The return address is below the CFA, the stack pointer's value before the
// call. It's a row of what .eh_frame describes, for x86-64.
type UnwindRow struct {
	Addr uint64 // as the file numbers its memory
	UnwindRule
}

// UnwindRule is the rule of a row.
type UnwindRule struct {
	CFA    UnwindCFA
	Offset int32 // from the register to the CFA
	// Saved: the caller's rbp is at SavedAt from the CFA; else it's in rbp.
	Saved   bool
	SavedAt int16
}

// UnwindCFA is where the CFA is reckoned from.
type UnwindCFA uint8

// The ways to the CFA.
const (
	UnwindNone   UnwindCFA = iota // nobody knows, or there's no caller
	UnwindSP                      // rsp + Offset
	UnwindBP                      // rbp + Offset
	UnwindPLT                     // rsp + 8, and 8 more from byte Offset of a PLT's 16 on
	UnwindSignal                  // a signal's frame: the kernel saved all registers at rsp
)

// Registers by DWARF's numbers (System V ABI for x86-64, figure 3.36).
const (
	dwarfRBP = 6
	dwarfRSP = 7
	dwarfRA  = 16
)

// UnwindRows are the rows of the file's .eh_frame, ascending; none if it has none.
func (f *File) UnwindRows() ([]UnwindRow, error) {
	s := f.ELF.Section(".eh_frame")
	if s == nil {
		return nil, nil
	}
	p := &ehParser{data: f.section(s), base: s.Addr, order: f.ELF.ByteOrder, cies: map[int]*ehCIE{}}
	if err := p.entries(); err != nil {
		return nil, fmt.Errorf("read .eh_frame: %w", err)
	}
	return compact(p.rows), nil
}

// compact sorts rows and leaves out what changes nothing. Where a function ends and the
// next one begins, only the latter counts.
func compact(rows []UnwindRow) []UnwindRow {
	slices.SortStableFunc(rows, func(a, b UnwindRow) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(min(a.CFA, 1), min(b.CFA, 1)))
	})
	out := rows[:0]
	for i, r := range rows {
		switch {
		case i+1 < len(rows) && rows[i+1].Addr == r.Addr:
		case len(out) > 0 && out[len(out)-1].UnwindRule == r.UnwindRule:
		default:
			out = append(out, r)
		}
	}
	return out
}

// ehCIE is what functions' entries share.
type ehCIE struct {
	codeAlign uint64
	dataAlign int64
	encoding  byte // of addresses (DW_EH_PE_…)
	augmented bool // entries have augmentation data
	signal    bool
	initial   []byte // instructions
}

// ehParser reads .eh_frame (Linux Standard Base, chapter 10.6). Reading past the end gives
// zeros and sets short.
type ehParser struct {
	data  []byte
	base  uint64 // address of data
	pos   int
	short bool
	order binary.ByteOrder
	cies  map[int]*ehCIE // by position
	rows  []UnwindRow
}

func (p *ehParser) bytes(n int) []byte {
	if n < 0 || n > len(p.data)-p.pos {
		p.short, p.pos = true, len(p.data)
		return make([]byte, 8)
	}
	p.pos += n
	return p.data[p.pos-n : p.pos]
}

func (p *ehParser) u8() byte    { return p.bytes(1)[0] }
func (p *ehParser) u16() uint16 { return p.order.Uint16(p.bytes(2)) }
func (p *ehParser) u32() uint32 { return p.order.Uint32(p.bytes(4)) }
func (p *ehParser) u64() uint64 { return p.order.Uint64(p.bytes(8)) }

func (p *ehParser) uleb() (v uint64) {
	for shift := 0; ; shift += 7 {
		b := p.u8()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
}

func (p *ehParser) sleb() (v int64) {
	for shift := 0; ; {
		b := p.u8()
		v |= int64(b&0x7f) << shift
		shift += 7
		if b&0x80 == 0 {
			if b&0x40 != 0 && shift < 64 {
				v |= -1 << shift
			}
			return v
		}
	}
}

// Encodings of addresses (DW_EH_PE_…).
const (
	peForm, peBase, pePCRel = 0x0f, 0x70, 0x10
)

// address reads an address as it's encoded; ok is false for encodings that no linker uses here.
func (p *ehParser) address(encoding byte) (v uint64, ok bool) {
	at := p.base + uint64(p.pos)
	switch encoding & peForm {
	case 0x00, 0x04, 0x0c:
		v = p.u64()
	case 0x03:
		v = uint64(p.u32())
	case 0x0b:
		v = uint64(int64(int32(p.u32())))
	case 0x01:
		v = p.uleb()
	default:
		return 0, false
	}
	switch encoding & peBase {
	case 0:
	case pePCRel:
		v += at
	default:
		return 0, false
	}
	return v, true
}

// entries reads all entries: those that several share (CIE), and those of functions (FDE).
func (p *ehParser) entries() error {
	for p.pos+4 <= len(p.data) {
		start := p.pos
		n := uint64(p.u32())
		switch n {
		case 0:
			continue // an end, as one of the files that were linked had it
		case 1<<32 - 1:
			n = p.u64()
		}
		if n < 4 || n > uint64(len(p.data)-p.pos) {
			return fmt.Errorf("entry of %d bytes at %#x", n, start)
		}
		end := p.pos + int(n)
		at := p.pos
		id := p.u32()
		sub := &ehParser{data: p.data[:end], base: p.base, pos: p.pos, order: p.order}
		if id == 0 {
			p.cies[start] = sub.cie()
		} else if cie := p.cies[at-int(id)]; cie != nil {
			p.rows = sub.fde(cie, p.rows)
		}
		p.pos = end
	}
	return nil
}

// cie reads a shared entry; nil: it isn't understood, nor are the functions with it.
func (p *ehParser) cie() *ehCIE {
	c := &ehCIE{}
	version := p.u8()
	start := p.pos
	for !p.short && p.u8() != 0 {
	}
	augmentation := string(p.data[start:max(start, p.pos-1)])
	c.codeAlign, c.dataAlign = p.uleb(), p.sleb()
	ra := uint64(0)
	if version == 1 {
		ra = uint64(p.u8())
	} else {
		ra = p.uleb()
	}
	for i, letter := range augmentation {
		switch {
		case i == 0 && letter == 'z':
			c.augmented = true
			p.uleb()
		case letter == 'R':
			c.encoding = p.u8()
		case letter == 'L':
			p.u8()
		case letter == 'P':
			if _, ok := p.address(p.u8() &^ (peBase | 0x80)); !ok {
				return nil
			}
		case letter == 'S':
			c.signal = true
		default:
			return nil
		}
	}
	if p.short || ra != dwarfRA || version != 1 && version != 3 {
		return nil
	}
	c.initial = p.data[p.pos:]
	return c
}

// fde adds the rows of a function.
func (p *ehParser) fde(c *ehCIE, rows []UnwindRow) []UnwindRow {
	begin, ok := p.address(c.encoding)
	size, ok2 := p.address(c.encoding & peForm)
	if c.augmented {
		p.bytes(int(min(p.uleb(), 1<<30)))
	}
	if !ok || !ok2 || p.short || size == 0 {
		return rows
	}
	if c.signal {
		rows = append(rows, UnwindRow{begin, UnwindRule{CFA: UnwindSignal}})
		return append(rows, UnwindRow{Addr: begin + size})
	}
	m := &ehMachine{cie: c, loc: begin, end: begin + size, rows: rows}
	m.state.ra = -8
	m.run(&ehParser{data: c.initial, order: p.order})
	m.initial = m.state
	m.run(p)
	m.row()
	return append(m.rows, UnwindRow{Addr: begin + size})
}

// ehState are the rules at one place.
type ehState struct {
	rule UnwindRule
	reg  uint64 // of the CFA
	off  int64
	expr bool // the CFA is an expression; rule has it when it's known
	ra   int64
	lost bool // the return address is elsewhere, or there's none
}

// ehMachine runs the instructions of a function.
type ehMachine struct {
	cie            *ehCIE
	loc, end       uint64
	state, initial ehState
	stack          []ehState
	rows           []UnwindRow
}

// row adds the rule of the place that the machine is at.
func (m *ehMachine) row() {
	s, r := &m.state, m.state.rule
	switch {
	case s.expr:
	case s.reg == dwarfRSP:
		r.CFA, r.Offset = UnwindSP, int32(s.off)
	case s.reg == dwarfRBP:
		r.CFA, r.Offset = UnwindBP, int32(s.off)
	default:
		r = UnwindRule{}
	}
	if s.lost || s.ra != -8 || s.off != int64(int32(s.off)) {
		r = UnwindRule{}
	}
	if m.loc < m.end {
		m.rows = append(m.rows, UnwindRow{m.loc, r})
	}
}

func (m *ehMachine) advance(n uint64) {
	m.row()
	m.loc += n * m.cie.codeAlign
}

// saved: register reg is at off from the CFA.
func (m *ehMachine) saved(reg uint64, off int64) {
	switch reg {
	case dwarfRBP:
		m.state.rule.Saved, m.state.rule.SavedAt = true, int16(off)
		m.state.lost = m.state.lost || off != int64(int16(off))
	case dwarfRA:
		m.state.ra, m.state.lost = off, false
	}
}

// kept: register reg has its caller's value.
func (m *ehMachine) kept(reg uint64) {
	if reg == dwarfRBP {
		m.state.rule.Saved, m.state.rule.SavedAt = false, 0
	}
}

// unknown: nothing simple tells register reg.
func (m *ehMachine) unknown(reg uint64) {
	switch reg {
	case dwarfRBP:
		m.kept(reg) // whoever needs it has it saved
	case dwarfRA:
		m.state.lost = true
	}
}

func (m *ehMachine) restore(reg uint64) {
	switch reg {
	case dwarfRBP:
		m.state.rule.Saved, m.state.rule.SavedAt = m.initial.rule.Saved, m.initial.rule.SavedAt
	case dwarfRA:
		m.state.ra, m.state.lost = m.initial.ra, m.initial.lost
	}
}

// pltExpr is the CFA in a PLT as linkers write it, but for byte 6, which says from where in the
// 16 bytes of a stub its own word is on the stack: rsp + 8 + ((rip & 15) >= N) * 8.
const pltExpr = "\x77\x08\x80\x00\x3f\x1a?\x2a\x33\x24\x22"

// expression sets the CFA's rule by an expression.
func (m *ehMachine) expression(b []byte) {
	m.state.expr = true
	m.state.rule.CFA = UnwindNone
	const n = 6
	if len(b) == len(pltExpr) && string(b[:n]) == pltExpr[:n] && string(b[n+1:]) == pltExpr[n+1:] && b[n] >= 0x30 && b[n] < 0x40 {
		m.state.rule.CFA, m.state.rule.Offset = UnwindPLT, int32(b[n]-0x30)
	}
}

func (m *ehMachine) cfa(reg uint64, off int64) {
	m.state.reg, m.state.off, m.state.expr = reg, off, false
}

// run runs the instructions up to the end of p (DWARF 5, section 6.4.2).
func (m *ehMachine) run(p *ehParser) {
	data := m.cie.dataAlign
	for p.pos < len(p.data) && !p.short {
		op := p.u8()
		low := uint64(op & 0x3f)
		switch op >> 6 {
		case 1:
			m.advance(low)
			continue
		case 2:
			m.saved(low, int64(p.uleb())*data)
			continue
		case 3:
			m.restore(low)
			continue
		}
		switch op {
		case 0x00: // nop
		case 0x02: // advance_loc1
			m.advance(uint64(p.u8()))
		case 0x03: // advance_loc2
			m.advance(uint64(p.u16()))
		case 0x04: // advance_loc4
			m.advance(uint64(p.u32()))
		case 0x05: // offset_extended
			m.saved(p.uleb(), int64(p.uleb())*data)
		case 0x11: // offset_extended_sf
			m.saved(p.uleb(), p.sleb()*data)
		case 0x2f: // GNU_negative_offset_extended
			m.saved(p.uleb(), -int64(p.uleb())*data)
		case 0x06: // restore_extended
			m.restore(p.uleb())
		case 0x08: // same_value
			m.kept(p.uleb())
		case 0x07: // undefined
			m.unknown(p.uleb())
		case 0x09, 0x14: // register, val_offset
			m.unknown(p.uleb())
			p.uleb()
		case 0x15: // val_offset_sf
			m.unknown(p.uleb())
			p.sleb()
		case 0x10, 0x16: // expression, val_expression
			m.unknown(p.uleb())
			p.bytes(int(min(p.uleb(), 1<<30)))
		case 0x0a: // remember_state
			m.stack = append(m.stack, m.state)
		case 0x0b: // restore_state
			if n := len(m.stack) - 1; n >= 0 {
				m.state, m.stack = m.stack[n], m.stack[:n]
			}
		case 0x0c: // def_cfa
			m.cfa(p.uleb(), int64(p.uleb()))
		case 0x12: // def_cfa_sf
			m.cfa(p.uleb(), p.sleb()*data)
		case 0x0d: // def_cfa_register
			m.cfa(p.uleb(), m.state.off)
		case 0x0e: // def_cfa_offset
			m.cfa(m.state.reg, int64(p.uleb()))
		case 0x13: // def_cfa_offset_sf
			m.cfa(m.state.reg, p.sleb()*data)
		case 0x0f: // def_cfa_expression
			m.expression(p.bytes(int(min(p.uleb(), 1<<30))))
		case 0x2e: // GNU_args_size
			p.uleb()
		default:
			m.state.lost = true // what follows can't be told apart
			return
		}
	}
}
