package srcline

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// lineTable is the line number table of a unit.
type lineTable struct {
	compDir   string
	dirs      []string
	files     []sourceFile
	firstFile uint64 // what the first of files is called: 1 up to DWARF 4
	firstDir  uint64
	sequences []sequence // by low
	rows      []row
}

type sourceFile struct {
	name string
	dir  uint64
}

// sequence is a stretch of machine code with rows of its own.
type sequence struct {
	low, high  uint64
	start, end int // in rows
}

// row begins where the source of the instructions changes.
type row struct {
	addr uint64
	file uint32
	line uint32
}

// find is the file and line of an address.
func (t *lineTable) find(addr uint64) (file uint64, line int, ok bool) {
	i := sort.Search(len(t.sequences), func(i int) bool { return t.sequences[i].low > addr }) - 1
	if i < 0 || addr >= t.sequences[i].high {
		return 0, 0, false
	}
	rows := t.rows[t.sequences[i].start:t.sequences[i].end]
	k := sort.Search(len(rows), func(k int) bool { return rows[k].addr > addr }) - 1
	if k < 0 {
		return 0, 0, false
	}
	return uint64(rows[k].file), int(rows[k].line), true
}

// path joins the parts of a file's path and leaves them as they are, ".." included.
func (t *lineTable) path(file uint64) string {
	if file < t.firstFile || file-t.firstFile >= uint64(len(t.files)) {
		return ""
	}
	f := t.files[file-t.firstFile]
	path := f.name
	if dir := f.dir - t.firstDir; f.dir != 0 && dir < uint64(len(t.dirs)) {
		path = join(t.dirs[dir], path)
	}
	return join(t.compDir, path)
}

func join(dir, path string) string {
	if dir == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return strings.TrimSuffix(dir, "/") + "/" + path
}

// Opcodes of line number programs (DWARF 5, 7.22).
const (
	lnsCopy = iota + 1
	lnsAdvancePC
	lnsAdvanceLine
	lnsSetFile
	lnsSetColumn
	lnsNegateStmt
	lnsSetBasicBlock
	lnsConstAddPC
	lnsFixedAdvancePC
)

const (
	lneEndSequence = iota + 1
	lneSetAddress
	lneDefineFile
)

// Content of a file entry (DW_LNCT).
const (
	lnctPath      = 1
	lnctDirectory = 2
)

// lines decodes the unit's line number table; of one that's damaged what comes before counts.
func (u *unit) lines() *lineTable {
	t := &lineTable{compDir: u.str(u.root.attrs[attrCompDir])}
	v := u.root.attrs[attrStmtList]
	if v.form == 0 {
		return t
	}
	c := at(u.image.data(secLine), v.n, u.image.order)
	n, offSize := c.length()
	if c.bad || n > uint64(c.left()) {
		return t
	}
	c.data = c.data[:c.off+int(n)]
	p := program{cursor: c, table: t, addrSize: u.addrSize}
	version := c.uint(2)
	p.off = c.off
	if version >= 5 {
		p.addrSize = int(p.uint(1))
		p.skip(1) // size of segment selectors
	}
	headerLen := p.uint(offSize)
	if version < 2 || version > 5 || headerLen > uint64(p.left()) {
		return t
	}
	start := p.off + int(headerLen)
	p.minInst = p.uint(1)
	if version >= 4 {
		p.skip(1) // operations in an instruction, which only VLIW machines have
	}
	p.skip(1) // default_is_stmt
	p.lineBase = int64(int8(p.uint(1)))
	p.lineRange = p.uint(1)
	p.opcodeBase = p.uint(1)
	if p.opcodeBase > 0 {
		p.operands = p.bytes(p.opcodeBase - 1)
	}
	if version >= 5 {
		u.entries(&p.cursor, offSize, func(f sourceFile) { t.dirs = append(t.dirs, f.name) })
		u.entries(&p.cursor, offSize, func(f sourceFile) { t.files = append(t.files, f) })
	} else {
		t.firstFile, t.firstDir = 1, 1
		p.oldEntries()
	}
	if p.bad || p.lineRange == 0 {
		return t
	}
	p.off = start
	p.run()
	slices.SortFunc(t.sequences, func(a, b sequence) int { return cmp.Compare(a.low, b.low) })
	return t
}

// entries reads directories or files of DWARF 5, which say themselves how they are written.
func (u *unit) entries(c *cursor, offSize int, add func(sourceFile)) {
	format := make([]field, c.uint(1))
	for i := range format {
		format[i] = field{attr: c.uleb(), form: c.uleb()}
	}
	in := *u // strings are where those of the unit are, but for the inline ones
	in.offSize = offSize
	for n := c.uleb(); n > 0 && !c.bad; n-- {
		var f sourceFile
		before := c.off
		for _, e := range format {
			start := c.off
			v := value{e.form, in.form(c, e.form)}
			switch e.attr {
			case lnctPath:
				if f.name = in.str(v); v.form == formString {
					s := cursor{data: c.data, off: start}
					f.name = string(s.str())
				}
			case lnctDirectory:
				f.dir = v.n
			}
		}
		if c.off == before {
			return // they could be any number
		}
		add(f)
	}
}

// program runs a line number program.
type program struct {
	cursor
	table      *lineTable
	addrSize   int
	minInst    uint64
	lineBase   int64
	lineRange  uint64
	opcodeBase uint64
	operands   []byte // how many each standard opcode has

	addr  uint64
	file  uint64
	line  int64
	first int // row of the sequence
}

// oldEntries reads directories and files as DWARF up to 4 has them.
func (p *program) oldEntries() {
	for {
		dir := p.str()
		if len(dir) == 0 {
			break
		}
		p.table.dirs = append(p.table.dirs, string(dir))
	}
	for p.oldFile() {
	}
}

func (p *program) oldFile() bool {
	name := p.str()
	if len(name) == 0 {
		return false
	}
	f := sourceFile{string(name), p.uleb()}
	p.uleb() // time
	p.uleb() // length
	p.table.files = append(p.table.files, f)
	return !p.bad
}

func (p *program) reset() { p.addr, p.file, p.line, p.first = 0, 1, 1, len(p.table.rows) }

func (p *program) run() {
	p.reset()
	for !p.bad && p.left() > 0 {
		op := p.uint(1)
		switch {
		case op >= p.opcodeBase:
			op -= p.opcodeBase
			p.addr += op / p.lineRange * p.minInst
			p.line += p.lineBase + int64(op%p.lineRange)
			p.emit()
		case op == 0:
			p.extended()
		default:
			p.standard(op)
		}
	}
}

func (p *program) standard(op uint64) {
	switch op {
	case lnsCopy:
		p.emit()
	case lnsAdvancePC:
		p.addr += p.uleb() * p.minInst
	case lnsAdvanceLine:
		p.line += p.sleb()
	case lnsSetFile:
		p.file = p.uleb()
	case lnsConstAddPC:
		p.addr += (255 - p.opcodeBase) / p.lineRange * p.minInst
	case lnsFixedAdvancePC:
		p.addr += p.uint(2)
	default:
		for range p.operands[op-1] {
			p.uleb()
		}
	}
}

func (p *program) extended() {
	n := p.uleb()
	if n > uint64(p.left()) {
		p.bad = true
		return
	}
	end := p.off + int(n)
	switch p.uint(1) {
	case lneEndSequence:
		p.endSequence()
	case lneSetAddress:
		p.addr = p.uint(p.addrSize)
	case lneDefineFile:
		p.oldFile()
	}
	p.off = end
}

// emit adds a row, unless nothing changes; of several at an address the last counts.
func (p *program) emit() {
	t := p.table
	r := row{p.addr, uint32(p.file), uint32(max(p.line, 0))}
	if n := len(t.rows); n > p.first {
		last := &t.rows[n-1]
		if last.addr == r.addr {
			*last = r
			return
		}
		if last.file == r.file && last.line == r.line {
			return
		}
	}
	t.rows = append(t.rows, r)
}

// endSequence drops those of functions that the linker has dropped, which begin at 0, and
// those that don't ascend.
func (p *program) endSequence() {
	t := p.table
	rows := t.rows[p.first:]
	ascending := slices.IsSortedFunc(rows, func(a, b row) int { return cmp.Compare(a.addr, b.addr) })
	if len(rows) > 0 && rows[0].addr != 0 && ascending && p.addr > rows[0].addr {
		t.sequences = append(t.sequences, sequence{rows[0].addr, p.addr, p.first, len(t.rows)})
	} else {
		t.rows = t.rows[:p.first]
	}
	p.reset()
}
