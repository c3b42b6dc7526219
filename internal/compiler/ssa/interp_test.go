package ssa

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
)

// The regions of the interpreter's memory; an address is a region's base plus an offset.
const (
	stackBase  = 0x10_0000
	ctxBase    = 0x20_0000
	mapBase    = 0x30_0000
	kernelBase = 0x40_0000
	constBase  = 0x50_0000
	regionSize = 0x1_0000
)

// Helpers that random programs call.
const (
	helperLookup = 1  // (map, key of 8 bytes) → scalar
	helperFill   = 4  // (dst, size, tag): writes size bytes
	helperTime   = 5  // () → another number every time
	helperOpaque = 6  // (ptr): reads and writes 8 bytes
	helperPid    = 14 // pure
	helperHash   = 15 // pure, one argument
	helperComm   = 16 // (dst, size): writes the same bytes every time
)

func testHelpers(id int64) HelperFacts {
	switch id {
	case helperPid, helperHash:
		return HelperFacts{Pure: true}
	case helperLookup:
		return HelperFacts{ReadsOnly: 2}
	case helperFill:
		return HelperFacts{Fills: 1}
	case helperComm:
		return HelperFacts{Fills: 1, Repeats: true}
	}
	return HelperFacts{}
}

// machine interprets functions. It traps (sets err) on what the language rules out.
type machine struct {
	mem    map[uint64][]byte // by region
	trace  strings.Builder   // impure calls with all that they saw
	steps  int
	clock  int64
	sp     uint64
	layout func(*Func) Layout   // where slots live; nil: each has bytes of its own
	saw    func(*Value, uint64) // called with each value computed; nil: no one
	err    error
}

type input struct{ ctx, maps, kernel []byte }

func newMachine(in input) *machine {
	m := &machine{mem: map[uint64][]byte{}, steps: 100_000, sp: stackBase + regionSize}
	put := func(base uint64, b []byte) { m.mem[base] = append(make([]byte, 0, len(b)), b...) }
	put(ctxBase, in.ctx)
	put(mapBase, in.maps)
	put(kernelBase, in.kernel)
	put(constBase, in.ctx)
	stack := make([]byte, regionSize)
	for i := range stack {
		stack[i] = 0xa5 // a read of what was never written shows
	}
	m.mem[stackBase] = stack
	return m
}

func (m *machine) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
}

// at is the memory of n bytes at addr.
func (m *machine) at(addr uint64, n int64) []byte {
	base := addr &^ (regionSize - 1)
	off := addr - base
	r := m.mem[base]
	if off+uint64(n) > uint64(len(r)) {
		m.fail("access of %d bytes at %#x", n, addr)
		return make([]byte, n)
	}
	return r[off : off+uint64(n)]
}

func load(b []byte) uint64 {
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:])
}

func store(b []byte, n uint64) {
	var full [8]byte
	binary.LittleEndian.PutUint64(full[:], n)
	copy(b, full[:])
}

// frame is one activation: values in registers, by ID, and slots' addresses.
type frame struct {
	m     *machine
	f     *Func
	reg   []uint64
	slots []uint64
}

// run calls f and returns its result.
func (m *machine) run(f *Func, params ...uint64) uint64 {
	fr := &frame{m: m, f: f, reg: make([]uint64, f.NumValues()), slots: make([]uint64, len(f.Slots))}
	sp := m.sp
	defer func() { m.sp = sp }()
	if m.layout != nil {
		l := m.layout(f)
		for i, s := range f.Slots {
			if s.Scratch {
				fr.slots[i] = m.sp - uint64(l.Scratch) + uint64(l.Offset[i])
			} else {
				fr.slots[i] = m.sp - uint64(l.Scratch) + uint64(int64(l.Offset[i]))
			}
		}
		m.sp -= uint64(l.Scratch + l.Stack)
	} else {
		for i, s := range f.Slots {
			m.sp -= uint64(s.Size+7) &^ 7
			fr.slots[i] = m.sp
		}
	}
	return fr.blocks(params)
}

func (fr *frame) blocks(params []uint64) uint64 {
	b, from := fr.f.Entry(), -1
	for fr.m.err == nil {
		fr.phis(b, from)
		for _, v := range b.Values {
			if fr.m.steps--; fr.m.steps < 0 {
				fr.m.fail("too many steps")
				return 0
			}
			switch v.Op {
			case OpPhi:
			case OpParam:
				fr.reg[v.ID] = params[v.AuxInt]
			default:
				fr.reg[v.ID] = clean(v.Type, fr.eval(v))
			}
			if fr.m.saw != nil {
				fr.m.saw(v, fr.reg[v.ID])
			}
		}
		edge := 0
		switch b.Kind {
		case BlockRet:
			if b.Control == nil {
				return 0
			}
			return fr.reg[b.Control.ID]
		case BlockIf:
			if fr.reg[b.Control.ID] == 0 {
				edge = 1
			}
		}
		from = b.PredIndex(edge)
		b = b.Succs[edge]
	}
	return 0
}

// phis reads all of the arguments before it sets any phi.
func (fr *frame) phis(b *Block, from int) {
	var vals []uint64
	for _, v := range b.Values {
		if v.Op != OpPhi {
			break
		}
		vals = append(vals, fr.reg[v.Args[from].ID])
	}
	for i, n := range vals {
		fr.reg[b.Values[i].ID] = n
	}
}

// clean is n as a register holds it for type t.
func clean(t Type, n uint64) uint64 {
	switch t {
	case I32:
		return uint64(uint32(n))
	case Bool:
		return n & 1
	}
	return n
}

// arg is argument i in the form of constants.
func (fr *frame) arg(v *Value, i int) int64 {
	return canon(v.Args[i].Type, int64(fr.reg[v.Args[i].ID]))
}

func (fr *frame) eval(v *Value) uint64 {
	m := fr.m
	if len(v.Args) == 2 {
		a, b := fr.arg(v, 0), fr.arg(v, 1)
		if v.Type != Void {
			if n, ok := evalBinary(v.Op, v.Type, a, b); ok {
				return uint64(n)
			}
		}
		if is, ok := evalCompare(v.Op, a, b); ok {
			return uint64(b2i(is))
		}
	}
	if len(v.Args) == 1 {
		if n, ok := evalUnary(v.Op, v.Type, v.Args[0].Type, fr.arg(v, 0), v.AuxInt); ok {
			return uint64(n)
		}
	}
	switch v.Op {
	case OpConst:
		return uint64(v.AuxInt)
	case OpCopy:
		return fr.reg[v.Args[0].ID]
	case OpSelect:
		if fr.reg[v.Args[0].ID] != 0 {
			return fr.reg[v.Args[1].ID]
		}
		return fr.reg[v.Args[2].ID]
	case OpSlotAddr:
		return fr.slots[v.Aux.(*Slot).ID] + uint64(v.AuxInt)
	case OpMapPtr:
		return uint64(v.AuxInt)
	case OpMapValue:
		return mapBase + uint64(v.AuxInt)
	case OpOffset:
		return fr.reg[v.Args[0].ID] + uint64(v.AuxInt)
	case OpCall:
		return m.call(fr, v)
	case OpCallFunc:
		var params []uint64
		for _, a := range v.Args {
			params = append(params, fr.reg[a.ID])
		}
		return m.run(v.Aux.(*Func), params...)
	}
	return fr.memory(v)
}

func (fr *frame) memory(v *Value) uint64 {
	m := fr.m
	switch v.Op {
	case OpZero:
		clear(m.at(fr.reg[v.Args[0].ID], v.AuxInt))
		return 0
	case OpMove:
		src := append([]byte(nil), m.at(fr.reg[v.Args[1].ID], v.AuxInt)...)
		copy(m.at(fr.reg[v.Args[0].ID], v.AuxInt), src)
		return 0
	}
	mem, ok := v.Aux.(Mem)
	if !ok {
		m.fail("no such op: %s", v.LongString())
		return 0
	}
	p := m.at(fr.reg[v.Args[0].ID]+uint64(v.AuxInt), int64(mem.Size))
	old := load(p)
	switch v.Op {
	case OpLoad:
		if mem.Signed {
			shift := 64 - 8*mem.Size
			return uint64(int64(old<<shift) >> shift)
		}
		return old
	case OpStore:
		store(p, fr.reg[v.Args[1].ID])
	case OpAtomicAdd, OpAtomicFetchAdd:
		store(p, old+fr.reg[v.Args[1].ID])
	case OpAtomicXchg:
		store(p, fr.reg[v.Args[1].ID])
	default:
		m.fail("no such op: %s", v.LongString())
	}
	return old
}

// call runs a helper and notes what it saw, unless it's pure.
func (m *machine) call(fr *frame, v *Value) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, v.AuxInt)
	switch v.AuxInt {
	case helperPid:
		return h.Sum64()
	case helperHash:
		fmt.Fprint(h, fr.reg[v.Args[0].ID])
		return h.Sum64()
	case helperComm: // isn't noted: a copy does as well
		copy(m.at(fr.reg[v.Args[0].ID], int64(fr.reg[v.Args[1].ID])), "comm of a process, long enough")
		return 0
	}
	m.clock++
	fmt.Fprint(h, m.clock)
	fmt.Fprintf(&m.trace, "#%d", v.AuxInt)
	switch v.AuxInt {
	case helperLookup:
		fmt.Fprintf(&m.trace, " %d %x", fr.reg[v.Args[0].ID], m.at(fr.reg[v.Args[1].ID], 8))
	case helperFill:
		dst := m.at(fr.reg[v.Args[0].ID], int64(fr.reg[v.Args[1].ID]))
		for i := range dst {
			dst[i] = byte(h.Sum64()>>(i%8*8)) + byte(i)
		}
		fmt.Fprintf(&m.trace, " %d %d", len(dst), fr.reg[v.Args[2].ID])
	case helperOpaque:
		p := m.at(fr.reg[v.Args[0].ID], 8)
		fmt.Fprintf(&m.trace, " %x", p)
		store(p, load(p)*3+1)
	}
	m.trace.WriteByte('\n')
	return h.Sum64()
}

// outcome is all that can be seen of a run.
func outcome(p *Prog, in input, layout func(*Func) Layout) (string, error) {
	m := newMachine(in)
	m.layout = layout
	n := m.run(p.Funcs[0], ctxBase)
	return fmt.Sprintf("result %#x\nmap %x\n%s", n, m.mem[mapBase], m.trace.String()), m.err
}
