// Package ssa is the compiler's middle: functions of blocks of values, each value
// assigned once. It holds the op table, the passes and their order, the checker, and
// the text form, which prints and parses back.
//
// Values in a block stand in execution order. An op's row says whether it reads or
// writes memory, so passes may drop, merge or move only what the row allows.
package ssa

import "github.com/skep-bpf/skep/internal/diag"

// Type is a value's machine type. Narrower integers of the language are I32 or I64
// values that ssagen keeps extended.
type Type uint8

// The types.
const (
	Void Type = iota
	Bool      // 0 or 1
	I32       // the upper half of the register is zero
	I64
	Ptr // an address the verifier tracks: ctx, stack, map value, ring buffer record, BTF object
)

// ID is a dense number of a value or a block in its Func.
type ID int32

// Value is one operation and its result.
type Value struct {
	ID     ID
	Op     Op
	Type   Type
	Args   []*Value
	AuxInt int64 // a constant, an offset, a size, a helper's id …: see the op's row
	Aux    any   // *Slot, *Func, Mem, a name …: see the op's row
	Block  *Block
	Pos    diag.Pos
	Uses   int32
}

// BlockKind says how a block ends.
type BlockKind uint8

// The block kinds.
const (
	BlockPlain BlockKind = iota // to Succs[0]
	BlockIf                     // Control (Bool, I32, I64 or Ptr: non-zero) to Succs[0], else to Succs[1]
	BlockRet                    // returns Control (nil: 0)
)

// Block is a run of values and how it ends.
type Block struct {
	ID      ID
	Kind    BlockKind
	Control *Value
	// Likely: 1 Succs[0] is the likely one, -1 Succs[1] is, 0 unknown.
	Likely int8
	Values []*Value
	Succs  []*Block
	// Preds: the i-th argument of a phi belongs to Preds[i]. A block appears twice
	// among its successor's Preds if both of its edges go there.
	Preds []*Block
	Func  *Func
	Pos   diag.Pos // of the ending
}

// Slot is a memory object of one activation: a variable, a key, a string buffer.
type Slot struct {
	ID    int
	Name  string // for dumps: "$x", "key", "tmp"
	Size  uint32 // bytes
	Align uint32 // 1, 2, 4, 8
	// Scratch: it lives in the program's per-CPU memory, since it's too large for the stack.
	Scratch bool
	// Captured: a callback reaches it through a pointer, so it stays in memory.
	Captured bool
	Pos      diag.Pos
}

// FuncKind tells programs from the functions they call.
type FuncKind uint8

// The function kinds.
const (
	FuncProg     FuncKind = iota // entry of a program: r1 = ctx
	FuncCallback                 // called by a helper (bpf_loop, bpf_for_each_map_elem)
	FuncSub                      // called by CallFunc
)

// Func is one BPF function.
type Func struct {
	Name   string // a C identifier
	Kind   FuncKind
	Params []Type
	Result Type
	Blocks []*Block // Blocks[0] is the entry
	Slots  []*Slot

	lastValue, lastBlock ID
}

// Mem describes the memory a Load or Store touches; it's their Aux.
type Mem struct {
	Size   uint8 // 1, 2, 4, 8 bytes
	Signed bool  // Load: sign-extend to the value's type, else zero-extend
	Class  MemClass
}

// MemClass is what a pointer points into; different classes never alias.
type MemClass uint8

// The memory classes.
const (
	MemAny    MemClass = iota
	MemSlot            // a Slot
	MemCtx             // the program's context: constant during a run
	MemKernel          // a kernel object through a BTF pointer (verifier makes the load fault-safe)
	MemMap             // a map's value or global data: shared with other CPUs
	MemRecord          // a reserved ring buffer record: write only
	MemConst           // read-only data: constant
)

// NewFunc returns an empty function with an entry block.
func NewFunc(name string, kind FuncKind, params []Type, result Type) *Func {
	f := &Func{Name: name, Kind: kind, Params: params, Result: result}
	f.NewBlock(BlockRet)
	return f
}

// Entry is the first block.
func (f *Func) Entry() *Block { return f.Blocks[0] }

// NewBlock appends an empty block; edges are made with AddEdge.
func (f *Func) NewBlock(kind BlockKind) *Block {
	b := &Block{ID: f.lastBlock, Kind: kind, Func: f}
	f.lastBlock++
	f.Blocks = append(f.Blocks, b)
	return b
}

// NewSlot adds a memory object.
func (f *Func) NewSlot(name string, size, align uint32) *Slot {
	s := &Slot{ID: len(f.Slots), Name: name, Size: size, Align: align}
	f.Slots = append(f.Slots, s)
	return s
}

// NumValues is one more than the largest value ID: the length of a slice by ID.
func (f *Func) NumValues() int { return int(f.lastValue) }

// NumBlocks is one more than the largest block ID.
func (f *Func) NumBlocks() int { return int(f.lastBlock) }

// NewValue makes a value without placing it in a block's list.
func (f *Func) NewValue(b *Block, pos diag.Pos, op Op, t Type, args ...*Value) *Value {
	v := &Value{ID: f.lastValue, Op: op, Type: t, Args: args, Block: b, Pos: pos}
	f.lastValue++
	for _, a := range args {
		a.Uses++
	}
	return v
}

// Append makes a value at the end of b.
func (b *Block) Append(pos diag.Pos, op Op, t Type, args ...*Value) *Value {
	v := b.Func.NewValue(b, pos, op, t, args...)
	b.Values = append(b.Values, v)
	return v
}

// AppendAux is Append of a value with AuxInt and Aux.
func (b *Block) AppendAux(pos diag.Pos, op Op, t Type, auxInt int64, aux any, args ...*Value) *Value {
	v := b.Append(pos, op, t, args...)
	v.AuxInt, v.Aux = auxInt, aux
	return v
}

// Jump ends b with a jump to another block.
func (b *Block) Jump(pos diag.Pos, to *Block) {
	b.Kind, b.Pos = BlockPlain, pos
	b.AddEdge(to)
}

// Branch ends b: to yes if v isn't zero, else to no.
func (b *Block) Branch(pos diag.Pos, v *Value, yes, no *Block, likely int8) {
	b.Kind, b.Pos, b.Likely = BlockIf, pos, likely
	b.SetControl(v)
	b.AddEdge(yes)
	b.AddEdge(no)
}

// Return ends b with the function's return of v.
func (b *Block) Return(pos diag.Pos, v *Value) {
	b.Kind, b.Pos = BlockRet, pos
	b.SetControl(v)
}

// AddEdge adds b → c as b's next successor.
func (b *Block) AddEdge(c *Block) {
	b.Succs = append(b.Succs, c)
	c.Preds = append(c.Preds, b)
}

// SetControl sets b's control value and keeps the use counts.
func (b *Block) SetControl(v *Value) {
	if b.Control != nil {
		b.Control.Uses--
	}
	b.Control = v
	if v != nil {
		v.Uses++
	}
}

// SetArg replaces argument i of v and keeps the use counts.
func (v *Value) SetArg(i int, a *Value) {
	v.Args[i].Uses--
	v.Args[i] = a
	a.Uses++
}

// AddArg appends an argument (to a phi) and keeps the use counts.
func (v *Value) AddArg(a *Value) {
	v.Args = append(v.Args, a)
	a.Uses++
}

// Module is all that is compiled together.
type Module struct {
	Progs []*Prog
}

// Prog is a program and the functions that it reaches.
type Prog struct {
	Name  string
	Funcs []*Func // Funcs[0] is the entry
	// Scratch is the per-CPU scratch map's index in the object, where Slots with
	// Scratch live, or -1; ScratchOffset is where this program's part of a CPU's
	// row begins, ScratchSize its bytes (both set by bpfgen).
	Scratch       int
	ScratchOffset uint32
	ScratchSize   uint32
}
