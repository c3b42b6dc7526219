package bpfgen

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// machine interprets SSA. A pointer is an object's number in the upper half and an
// offset in the lower; numbers are as BPF computes them.
type machine struct {
	mem   [][]byte // object 0 is null
	out   int      // object of map 0's value
	steps int
}

// maxSteps bounds a run.
const maxSteps = 1 << 20

type frame struct {
	*machine
	f      *ssa.Func
	vals   []uint64
	slots  []int
	params []uint64
}

func newMachine(args []uint64, out []byte) (*machine, uint64) {
	m := &machine{mem: [][]byte{nil}}
	ctx := make([]byte, 0, 8*len(args))
	for _, a := range args {
		ctx = binary.NativeEndian.AppendUint64(ctx, a)
	}
	m.out = m.object(append([]byte(nil), out...))
	return m, pointer(m.object(ctx))
}

func (m *machine) object(b []byte) int {
	m.mem = append(m.mem, b)
	return len(m.mem) - 1
}

func pointer(obj int) uint64 { return uint64(obj) << 32 }

// at is the memory that p points to.
func (m *machine) at(p uint64) []byte { return m.mem[p>>32][uint32(p):] }

func (m *machine) call(f *ssa.Func, params []uint64) uint64 {
	fr := &frame{machine: m, f: f, vals: make([]uint64, f.NumValues()), params: params}
	for _, s := range f.Slots {
		fr.slots = append(fr.slots, m.object(make([]byte, s.Size)))
	}
	return fr.run()
}

func (fr *frame) run() uint64 {
	var from *ssa.Block
	edge := 0
	for b := fr.f.Entry(); ; {
		fr.enter(b, from, edge)
		from, edge = b, 0
		switch b.Kind {
		case ssa.BlockRet:
			if b.Control == nil {
				return 0
			}
			return fr.get(b.Control)
		case ssa.BlockIf:
			if fr.get(b.Control) == 0 {
				edge = 1
			}
		}
		b = b.Succs[edge]
	}
}

func (fr *frame) get(v *ssa.Value) uint64 { return fr.vals[v.ID] }

func (fr *frame) enter(b, from *ssa.Block, edge int) {
	phis := map[ssa.ID]uint64{}
	for _, v := range b.Values {
		if v.Op == ssa.OpPhi {
			phis[v.ID] = fr.get(v.Args[from.PredIndex(edge)])
		}
	}
	for id, x := range phis {
		fr.vals[id] = x
	}
	for _, v := range b.Values {
		if fr.steps++; fr.steps > maxSteps {
			panic("interpreter: the program doesn't end")
		}
		if v.Op != ssa.OpPhi {
			fr.vals[v.ID] = fr.eval(v)
			if v.Type == ssa.I32 {
				fr.vals[v.ID] = uint64(uint32(fr.vals[v.ID]))
			}
		}
	}
}

func (fr *frame) eval(v *ssa.Value) uint64 {
	var a, b uint64
	if len(v.Args) > 0 {
		a = fr.get(v.Args[0])
	}
	if len(v.Args) > 1 {
		b = fr.get(v.Args[1])
	}
	wide := v.Type != ssa.I32
	if isCompare(v.Op) {
		wide = v.Args[0].Type != ssa.I32
	}
	if x, ok := evalArith(v, a, b, wide); ok {
		return x
	}
	switch v.Op {
	case ssa.OpConst:
		return uint64(v.AuxInt)
	case ssa.OpParam:
		return fr.params[v.AuxInt]
	case ssa.OpCopy, ssa.OpTrunc:
		return a
	case ssa.OpSelect:
		if a != 0 {
			return b
		}
		return fr.get(v.Args[2])
	case ssa.OpSlotAddr:
		return pointer(fr.slots[v.Aux.(*ssa.Slot).ID]) + uint64(v.AuxInt)
	case ssa.OpMapValue:
		return pointer(fr.out) + uint64(v.AuxInt)
	case ssa.OpMapPtr:
		return 0
	case ssa.OpOffset:
		return a + uint64(v.AuxInt)
	case ssa.OpCallFunc:
		params := make([]uint64, len(v.Args))
		for i, arg := range v.Args {
			params[i] = fr.get(arg)
		}
		return fr.call(v.Aux.(*ssa.Func), params)
	case ssa.OpCall:
		return fr.helper(v)
	}
	return fr.evalMemory(v, a, b)
}

// helper is the few helpers that random programs call.
func (fr *frame) helper(v *ssa.Value) uint64 {
	switch v.AuxInt {
	case 1: // map_lookup_elem of map 0: an array of one
		if binary.NativeEndian.Uint32(fr.at(fr.get(v.Args[1]))) == 0 {
			return pointer(fr.out)
		}
		return 0
	case getSmpProcessorID:
		return 0
	case probeReadKernel:
		n := fr.get(v.Args[1])
		copy(fr.at(fr.get(v.Args[0]))[:n], fr.at(fr.get(v.Args[2])))
		return 0
	}
	panic(fmt.Sprintf("interpreter: helper %d", v.AuxInt))
}

func (fr *frame) evalMemory(v *ssa.Value, a, b uint64) uint64 {
	switch v.Op {
	case ssa.OpLoad:
		mem := v.Aux.(ssa.Mem)
		x := loadN(fr.at(a+uint64(v.AuxInt)), mem.Size)
		if mem.Signed {
			sh := 64 - 8*mem.Size
			x = uint64(int64(x<<sh) >> sh)
		}
		return x
	case ssa.OpStore:
		storeN(fr.at(a+uint64(v.AuxInt)), v.Aux.(ssa.Mem).Size, b)
	case ssa.OpZero:
		clear(fr.at(a)[:v.AuxInt])
	case ssa.OpMove:
		copy(fr.at(a)[:v.AuxInt], fr.at(b))
	case ssa.OpAtomicCmpXchg:
		p, size := fr.at(a+uint64(v.AuxInt)), v.Aux.(ssa.Mem).Size
		old := loadN(p, size)
		if old == truncN(b, size) {
			storeN(p, size, fr.get(v.Args[2]))
		}
		return old
	default:
		p, size := fr.at(a+uint64(v.AuxInt)), v.Aux.(ssa.Mem).Size
		old := loadN(p, size)
		storeN(p, size, evalAtomic(v.Op, old, b))
		return old
	}
	return 0
}

func evalAtomic(op ssa.Op, old, x uint64) uint64 {
	switch op {
	case ssa.OpAtomicAdd, ssa.OpAtomicFetchAdd:
		return old + x
	case ssa.OpAtomicOr:
		return old | x
	case ssa.OpAtomicAnd:
		return old & x
	case ssa.OpAtomicXor:
		return old ^ x
	case ssa.OpAtomicXchg:
		return x
	}
	panic("interpreter: " + op.String())
}

func truncN(x uint64, size uint8) uint64 { return x << (64 - 8*size) >> (64 - 8*size) }

func loadN(b []byte, size uint8) uint64 {
	var w [8]byte
	copy(w[:], b[:size])
	return binary.LittleEndian.Uint64(w[:])
}

func storeN(b []byte, size uint8, x uint64) {
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], x)
	copy(b[:size], w[:])
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func evalArith(v *ssa.Value, a, b uint64, wide bool) (uint64, bool) {
	sa, sb, sh := int64(a), int64(b), uint(b&63)
	if !wide {
		a, b = uint64(uint32(a)), uint64(uint32(b))
		sa, sb, sh = int64(int32(a)), int64(int32(b)), uint(b&31)
	}
	switch v.Op {
	case ssa.OpAdd:
		return a + b, true
	case ssa.OpSub:
		return a - b, true
	case ssa.OpMul:
		return a * b, true
	case ssa.OpUDiv:
		if b == 0 {
			return 0, true
		}
		return a / b, true
	case ssa.OpUMod:
		if b == 0 {
			return a, true
		}
		return a % b, true
	case ssa.OpSDiv:
		if b == 0 {
			return 0, true
		}
		return uint64(sa / sb), true
	case ssa.OpSMod:
		if b == 0 {
			return a, true
		}
		return uint64(sa % sb), true
	case ssa.OpAnd:
		return a & b, true
	case ssa.OpOr:
		return a | b, true
	case ssa.OpXor:
		return a ^ b, true
	case ssa.OpShl:
		return a << sh, true
	case ssa.OpLShr:
		return a >> sh, true
	case ssa.OpAShr:
		return uint64(sa >> sh), true
	case ssa.OpNeg:
		return -a, true
	case ssa.OpNot:
		return ^a, true
	case ssa.OpEq:
		return truth(a == b), true
	case ssa.OpNe:
		return truth(a != b), true
	case ssa.OpULt:
		return truth(a < b), true
	case ssa.OpULe:
		return truth(a <= b), true
	case ssa.OpSLt:
		return truth(sa < sb), true
	case ssa.OpSLe:
		return truth(sa <= sb), true
	}
	return evalWidth(v, a)
}

func evalWidth(v *ssa.Value, a uint64) (uint64, bool) {
	switch v.Op {
	case ssa.OpSExt8:
		return uint64(int8(a)), true
	case ssa.OpSExt16:
		return uint64(int16(a)), true
	case ssa.OpSExt32:
		return uint64(int32(a)), true
	case ssa.OpZExt8:
		return uint64(uint8(a)), true
	case ssa.OpZExt16:
		return uint64(uint16(a)), true
	case ssa.OpZExt32:
		return uint64(uint32(a)), true
	case ssa.OpBswap:
		return bits.ReverseBytes64(a) >> (64 - v.AuxInt), true
	}
	return 0, false
}
