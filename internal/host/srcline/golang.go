package srcline

import (
	"encoding/binary"
	"slices"
	"sort"
)

// GoTable is the table that the Go runtime has of its functions (runtime.pclntab), of Go 1.18
// and later. Stripping leaves it in place.
type GoTable struct {
	table   []byte
	order   binary.ByteOrder
	text    uint64
	funcs   []byte
	layout  goLayout
	minInst uint64
	nfunc   int
	// parts of table
	names, units, files, values, index []byte
}

// goLayout is what differs between versions of the table.
type goLayout struct {
	counts  int // offset of nfuncdata in runtime._func, which ends with it
	inlines bool
}

// Versions of the table (internal/abi/symtab.go), and its layouts.
var goLayouts = map[uint32]goLayout{
	0xfffffff0: {counts: 39},                // Go 1.18
	0xfffffff1: {counts: 43, inlines: true}, // Go 1.20
}

// Fields of runtime._func, and its numbers of the inline tree (internal/abi/symtab.go).
const (
	goFuncEntry   = 0
	goFuncFile    = 20
	goFuncLine    = 24
	goFuncNpcdata = 28
	goFuncUnit    = 32

	pcdataInlTree   = 2
	funcdataInlTree = 3
)

// NewGoTable reads the header of a table. text is the address that functions are counted
// from (runtime.text), funcs what is at go:func.*, where the inline trees are; nil: functions
// that were inlined aren't told. The result is nil for versions that aren't known.
func NewGoTable(table []byte, order binary.ByteOrder, text uint64, funcs []byte) *GoTable {
	c := cursor{data: table, order: order}
	layout, known := goLayouts[uint32(c.uint(4))]
	c.skip(2)
	g := &GoTable{table: table, order: order, text: text, funcs: funcs, layout: layout, minInst: c.uint(1)}
	size := int(c.uint(1))
	if !known || size != 4 && size != 8 {
		return nil
	}
	g.nfunc = int(c.uint(size))
	c.uint(size) // files
	c.uint(size) // start of the code, up to Go 1.25
	for _, part := range []*[]byte{&g.names, &g.units, &g.files, &g.values, &g.index} {
		*part = from(table, c.uint(size))
	}
	if c.bad || g.nfunc <= 0 || uint64(g.nfunc) > uint64(len(g.index)/8) {
		return nil
	}
	return g
}

// Frames are as those of a Reader; none for addresses that aren't Go's.
func (g *GoTable) Frames(addr uint64) []Frame {
	fn, ok := g.find(addr)
	if !ok {
		return nil
	}
	var frames []Frame
	pc := addr - g.text - fn.entry
	for len(frames) < maxDepth {
		line := g.value(fn.u32(goFuncLine), pc)
		if line < 0 {
			return nil // padding
		}
		f := Frame{Path: g.path(fn, pc), Line: int(line)}
		var parent uint64
		if f.Func, parent, ok = g.inlined(fn, pc); !ok {
			return append(frames, f)
		}
		frames = append(frames, f)
		pc = parent
	}
	return frames
}

// maxDepth bounds how deep functions are inlined into each other.
const maxDepth = 256

// goFunc is a function's runtime._func and what follows it.
type goFunc struct {
	data  []byte
	order binary.ByteOrder
	entry uint64 // from the text's start
}

func (f goFunc) u32(off int) uint32 {
	c := cursor{data: f.data, off: min(off, len(f.data)), order: f.order}
	return uint32(c.uint(4))
}

// find looks an address up in the index: pairs of a function's entry and where its
// runtime._func is, by entry, and an entry more that ends the last function.
func (g *GoTable) find(addr uint64) (goFunc, bool) {
	entry := func(i int) uint64 { return uint64(g.u32(g.index, 8*i)) }
	off := addr - g.text
	if addr < g.text || off < entry(0) || off >= entry(g.nfunc) {
		return goFunc{}, false
	}
	i := sort.Search(g.nfunc, func(i int) bool { return entry(i) > off }) - 1
	data := from(g.index, uint64(g.u32(g.index, 8*i+4)))
	return goFunc{data, g.order, entry(i)}, len(data) > g.layout.counts
}

func (g *GoTable) u32(data []byte, off int) uint32 {
	return goFunc{data: data, order: g.order}.u32(off)
}

// value is what a table of values by address has at pc, from the function's entry: pairs of
// the change of the value, and how far it holds. -1: nothing.
func (g *GoTable) value(table uint32, pc uint64) int64 {
	if table == 0 {
		return -1
	}
	c := at(g.values, uint64(table), g.order)
	val, end := int64(-1), uint64(0)
	for first := true; ; first = false {
		change := c.uleb()
		if c.bad || change == 0 && !first {
			return -1
		}
		val += int64(change>>1) ^ -int64(change&1)
		if end += c.uleb() * g.minInst; pc < end {
			return val
		}
	}
}

// path is the file of an instruction: a number in the list of its compilation unit.
func (g *GoTable) path(fn goFunc, pc uint64) string {
	file := g.value(fn.u32(goFuncFile), pc)
	if file < 0 {
		return ""
	}
	off := g.u32(g.units, 4*int(int64(fn.u32(goFuncUnit))+file))
	c := at(g.files, uint64(off), g.order)
	return string(c.str())
}

// inlined is the function that was inlined at pc, and an instruction whose source is the
// call of it (runtime.inlinedCall).
func (g *GoTable) inlined(fn goFunc, pc uint64) (name string, parent uint64, ok bool) {
	pcdata := fn.u32(goFuncNpcdata)
	if !g.layout.inlines || pcdata <= pcdataInlTree || pcdata > uint32(len(fn.data)) || fn.data[g.layout.counts] <= funcdataInlTree {
		return "", 0, false
	}
	values := g.layout.counts + 1
	index := g.value(fn.u32(values+4*pcdataInlTree), pc)
	tree := fn.u32(values + 4*(int(pcdata)+funcdataInlTree))
	const size = 16 // funcID and three zeros, nameOff, parentPc, startLine
	if index < 0 || tree == ^uint32(0) {
		return "", 0, false
	}
	c := at(g.funcs, uint64(tree)+size*uint64(index), g.order)
	c.skip(4)
	nameOff, parentPC := c.uint(4), c.uint(4)
	c.uint(4)
	n := at(g.names, nameOff, g.order)
	name = string(n.str())
	return name, parentPC, !c.bad && name != ""
}

// GoModule finds in the data of a binary where runtime.moduledata begins, by the address of
// its table, and tells where functions are counted from and where go:func.* is.
func GoModule(data []byte, order binary.ByteOrder, table uint64) (text, funcs uint64, ok bool) {
	const word = 8
	// Words of runtime.moduledata since Go 1.20.
	const (
		minPC  = 20
		maxPC  = 21
		start  = 22
		gofunc = 40
		words  = 41
	)
	var first [word]byte
	order.PutUint64(first[:], table)
	for off := 0; off+words*word <= len(data); off += word {
		if !slices.Equal(data[off:off+word], first[:]) {
			continue
		}
		at := func(i int) uint64 { return order.Uint64(data[off+i*word:]) }
		if at(start) <= at(minPC) && at(minPC) < at(maxPC) && at(gofunc) != 0 {
			return at(start), at(gofunc), true
		}
	}
	return 0, 0, false
}
