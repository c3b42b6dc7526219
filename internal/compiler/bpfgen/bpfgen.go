// Package bpfgen turns SSA into BPF instructions: it selects instructions over
// virtual registers, coalesces copies, assigns the machine's registers, lays out the
// stack and the blocks, and resolves branches. README.md tells how the phases meet.
package bpfgen

import (
	"fmt"
	"math/bits"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// CPU is a level of the instruction set, numbered as LLVM's -mcpu.
type CPU uint8

// The levels. V3 is what the oldest kernel that skep runs on (5.10) has: 32-bit ALU
// and jumps. Kernel 5.12 adds atomics that fetch, which carry no level of their own.
const (
	V3 CPU = 3
	V4 CPU = 4 // kernel 6.6: signed division, sign-extending moves and loads, gotol
)

// MaxStack is the kernel's limit of a frame, and of all frames of a call chain
// together, in bytes (MAX_BPF_STACK, include/linux/filter.h).
const MaxStack = 512

// ScratchAlign is what a program's part of a scratch row is a multiple of, in bytes:
// one cache line.
const ScratchAlign = 64

// Options steers Generate.
type Options struct {
	CPU       CPU  // 0: V3
	BigEndian bool // of the machine that the program will run on
	// ScratchCPUs is the number of rows in the scratch map: a power of two, at
	// least the number of possible CPUs. The map is an array of one element whose
	// value is ScratchCPUs rows; 5.10's verifier follows an index into one element
	// but gives direct addresses only of arrays with one.
	ScratchCPUs uint32
	// StackLimit is how many bytes of a frame the slots may take; larger ones move
	// to scratch memory when the program has it. 0: 384, which leaves 128 to spills.
	StackLimit uint32
	// SSA has the helper facts that slot liveness asks for.
	SSA ssa.Options
}

// Code is a program's instructions.
type Code struct {
	Insns []isa.Insn
	// Relocs are what the loader fills in, ascending by Insn. Calls and addresses of
	// this program's own functions are already resolved (Imm is relative, in slots);
	// their RelocFunc is for loaders that lay functions out anew.
	Relocs []object.Reloc
	Funcs  []object.FuncInfo // in the order of the program's, less those never reached
	Lines  []object.Line
	Stack  []uint32 // bytes of frame, by function
	// ScratchSize is the bytes of scratch memory that the program uses in a row, a
	// multiple of ScratchAlign. It starts at the Prog's ScratchOffset.
	ScratchSize uint32

	rows []int // instructions that multiply a CPU's number by the row's size
}

// SetScratchRow writes the size of a scratch row, in bytes, which is known when all
// programs that share the map are generated: at least the end of the last one's part.
func (c *Code) SetScratchRow(size uint32) {
	for _, n := range c.rows {
		in := &c.Insns[n]
		if size&(size-1) == 0 && size != 0 {
			*in = isa.ALUImm(isa.AluLSH, in.Dst, int32(bits.TrailingZeros32(size)))
		} else {
			*in = isa.ALUImm(isa.AluMUL, in.Dst, int32(size))
		}
	}
}

// Error is a program that can't be generated: too much stack, or a jump too far.
type Error struct {
	Func *ssa.Func
	Msg  string
}

func (e *Error) Error() string { return fmt.Sprintf("function %s: %s", e.Func.Name, e.Msg) }

// Generate compiles p, which ssa.Check accepts. It sets p's ScratchSize, and Scratch on
// slots that it moves off the stack; apart from that p stays as it is. An *Error
// says what doesn't fit into BPF.
func Generate(p *ssa.Prog, opt Options) (*Code, error) {
	opt.fill()
	if opt.CPU != V3 && opt.CPU != V4 {
		return nil, fmt.Errorf("generate %s: no instruction set level v%d", p.Name, opt.CPU)
	}
	funcs := reached(p)
	for {
		c, err := attempt(p, funcs, opt)
		if err != nil {
			return nil, err
		}
		excess, err := checkStack(p, funcs, c)
		if err == nil {
			return c, nil
		}
		if excess == 0 || p.Scratch < 0 || excess >= opt.StackLimit {
			return nil, err
		}
		opt.StackLimit -= excess // more slots go to scratch memory
	}
}

// attempt generates with a limit for the slots of a frame.
func attempt(p *ssa.Prog, funcs []*ssa.Func, opt Options) (*Code, error) {
	e := emitter{prog: p, code: &Code{}}
	scratch := p.ScratchOffset
	for _, f := range funcs {
		m, used, err := generateFunc(p, f, opt, scratch)
		if err != nil {
			return nil, err
		}
		scratch += used
		if err := e.emit(m, opt); err != nil {
			return nil, err
		}
	}
	e.resolveFuncs()
	size := (scratch - p.ScratchOffset + ScratchAlign - 1) &^ (ScratchAlign - 1)
	p.ScratchSize, e.code.ScratchSize = size, size
	e.code.SetScratchRow(p.ScratchOffset + size)
	return e.code, nil
}

func (o *Options) fill() {
	if o.CPU == 0 {
		o.CPU = V3
	}
	if o.StackLimit == 0 {
		o.StackLimit = 384
	}
	if o.ScratchCPUs == 0 {
		o.ScratchCPUs = 1
	}
}

// generateFunc runs the phases over one function; used is the scratch bytes it takes
// from scratch on.
func generateFunc(p *ssa.Prog, f *ssa.Func, opt Options, scratch uint32) (m *mfunc, used uint32, err error) {
	for limit := opt.StackLimit; ; {
		var slots ssa.Layout
		if p.Scratch < 0 {
			slots = ssa.LayoutSlots(f, opt.SSA)
		} else {
			slots = ssa.AssignSlots(f, limit, opt.SSA)
		}
		if slots.Scratch > 0 && p.Scratch < 0 {
			return nil, 0, &Error{f, "a slot needs scratch memory, and the program has none"}
		}
		m = selectFunc(p, f, opt, slots, scratch)
		m.stack = slots.Stack
		m.simplify()
		allocate(m)
		if m.stack <= MaxStack {
			m.simplify()
			m.invertLoops()
			return m, slots.Scratch, nil
		}
		// Spilled values stand on the stack beside the slots: more of those go to scratch memory,
		// as long as there are some that may.
		over := m.stack - MaxStack
		if p.Scratch < 0 || slots.Stack > limit || slots.Stack <= over {
			return nil, 0, &Error{f, fmt.Sprintf("needs %d bytes of stack; BPF has %d", m.stack, MaxStack)}
		}
		limit = slots.Stack - over
	}
}

// reached lists p's entry and the functions reached from it: the verifier refuses
// instructions that can't be reached.
func reached(p *ssa.Prog) []*ssa.Func {
	seen := map[*ssa.Func]bool{p.Funcs[0]: true}
	work := []*ssa.Func{p.Funcs[0]}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		for _, g := range callees(f) {
			if !seen[g] {
				seen[g] = true
				work = append(work, g)
			}
		}
	}
	var out []*ssa.Func
	for _, f := range p.Funcs {
		if seen[f] {
			out = append(out, f)
		}
	}
	return out
}
