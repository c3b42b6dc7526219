package bpfgen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// plan says, by value, how its uses see it: whether it must stand in a register, or
// disappears into the instructions that use it.
type plan struct {
	order []*ssa.Block // reachable, in reverse postorder
	uses  []int32      // by value: uses in reachable blocks, through copies (see through)
	// inReg: a use needs the value in a register. Both are of the values that others
	// share the register of (see through).
	inReg []bool
	// fused: the Bool and or or is branched on and nothing else: it becomes branches.
	fused []bool
	// upper: a use looks at the upper half of an I32 value's register.
	upper []bool
}

func makePlan(f *ssa.Func) *plan {
	n := f.NumValues()
	p := &plan{
		order: ssaOrder(f),
		uses:  make([]int32, n),
		inReg: make([]bool, n), upper: make([]bool, n), fused: make([]bool, n),
	}
	for _, b := range p.order {
		for _, v := range b.Values {
			if through(v) != v {
				continue
			}
			for _, a := range v.Args {
				p.uses[through(a).ID]++
			}
		}
		if b.Control != nil {
			p.uses[through(b.Control).ID]++
		}
	}
	p.fuse()
	for _, b := range p.order {
		for _, v := range b.Values {
			for i, a := range v.Args {
				p.use(v, i, a)
			}
		}
		if c := b.Control; c != nil {
			if b.Kind == ssa.BlockIf {
				p.useCondition(c)
			} else {
				p.need(c)
			}
		}
	}
	return p
}

// fuse finds the conditions that become branches.
func (p *plan) fuse() {
	var mark func(c *ssa.Value)
	mark = func(c *ssa.Value) {
		c = through(c)
		if c.Type == ssa.Bool && (c.Op == ssa.OpAnd || c.Op == ssa.OpOr) && p.uses[c.ID] == 1 {
			p.fused[c.ID] = true
			mark(c.Args[0])
			mark(c.Args[1])
		}
	}
	for _, b := range p.order {
		if b.Kind == ssa.BlockIf {
			mark(b.Control)
		}
		for _, v := range b.Values {
			if v.Op == ssa.OpSelect || isNot(v) {
				mark(v.Args[0])
			}
		}
	}
}

func (p *plan) need(v *ssa.Value) {
	v = through(v)
	p.inReg[v.ID], p.upper[v.ID] = true, true
}

func (p *plan) use(v *ssa.Value, i int, a *ssa.Value) {
	if through(v) != v {
		return // v's own uses count
	}
	switch root := through(a); {
	case i == 0 && v.Op == ssa.OpSelect, p.fused[v.ID]:
		p.useCondition(root)
	case isAddress(v, i), i == 0 && v.Op == ssa.OpOffset, v.Op.Info().Effect&ssa.Calls != 0:
		p.useAddress(a)
	case isNot(v) && i == 0:
		p.useCondition(root) // with its outcomes exchanged
	case isTest(v) && i == 0 && root.Op == ssa.OpAnd && p.uses[root.ID] == 1:
		// JSET, whether the test is branched on or makes a Bool by a branch.
	case p.lowOnly(v, i):
		p.inReg[root.ID] = true
	default:
		p.need(a)
	}
}

// useCondition: comparisons are made where they are branched on.
func (p *plan) useCondition(c *ssa.Value) {
	if c = through(c); !isCompare(c.Op) && !p.fused[c.ID] {
		p.need(c)
	}
}

// useAddress: what an address is made of folds into the access, or is added up in the
// argument's register.
func (p *plan) useAddress(a *ssa.Value) {
	for a = through(a); a.Op == ssa.OpOffset; {
		a = through(a.Args[0])
	}
	p.need(a)
}

// lowOnly reports whether v looks only at the low half of its I32 argument i.
func (p *plan) lowOnly(v *ssa.Value, i int) bool {
	if v.Args[i].Type != ssa.I32 {
		return false
	}
	switch v.Op {
	case ssa.OpAdd, ssa.OpSub, ssa.OpMul, ssa.OpAnd, ssa.OpOr, ssa.OpXor, ssa.OpNeg, ssa.OpNot,
		ssa.OpUDiv, ssa.OpUMod, ssa.OpSDiv, ssa.OpSMod, ssa.OpShl, ssa.OpLShr, ssa.OpAShr:
		return v.Type == ssa.I32
	case ssa.OpEq, ssa.OpNe, ssa.OpULt, ssa.OpULe, ssa.OpSLt, ssa.OpSLe,
		ssa.OpSExt8, ssa.OpSExt16, ssa.OpZExt8, ssa.OpZExt16:
		return true
	case ssa.OpSExt32:
		return v.Type == ssa.I64
	case ssa.OpStore:
		return i == 1 && v.Aux.(ssa.Mem).Size <= 4
	}
	return false
}

// isAddress reports whether v's argument i is an address that takes an offset.
func isAddress(v *ssa.Value, i int) bool {
	switch v.Op {
	case ssa.OpLoad, ssa.OpStore, ssa.OpZero, ssa.OpAtomicAdd, ssa.OpAtomicFetchAdd, ssa.OpAtomicOr,
		ssa.OpAtomicAnd, ssa.OpAtomicXor, ssa.OpAtomicXchg, ssa.OpAtomicCmpXchg:
		return i == 0
	case ssa.OpMove:
		return true
	}
	return false
}

func isCompare(op ssa.Op) bool { return op >= ssa.OpEq && op <= ssa.OpSLe }

// isTest reports whether v compares with zero for (in)equality.
func isTest(v *ssa.Value) bool {
	return (v.Op == ssa.OpEq || v.Op == ssa.OpNe) && isZero(v.Args[1])
}

// isNot reports whether v is the opposite of a Bool.
func isNot(v *ssa.Value) bool {
	return v.Op == ssa.OpEq && v.Args[0].Type == ssa.Bool && isZero(v.Args[1])
}

func isZero(v *ssa.Value) bool {
	v = through(v)
	return v.Op == ssa.OpConst && v.AuxInt == 0
}

// through is the value whose register v shares: v itself unless v changes no bits.
func through(v *ssa.Value) *ssa.Value {
	for {
		switch v.Op {
		case ssa.OpCopy:
		case ssa.OpZExt32:
			if v.Args[0].Type == ssa.I64 {
				return v
			}
		case ssa.OpSExt32:
			if v.Args[0].Type != ssa.Bool && (v.Args[0].Type != ssa.I32 || v.Type != ssa.I32) {
				return v
			}
		case ssa.OpZExt8, ssa.OpZExt16, ssa.OpSExt8, ssa.OpSExt16:
			if v.Args[0].Type != ssa.Bool {
				return v
			}
		default:
			return v
		}
		v = v.Args[0]
	}
}

// isRemade reports whether v is made afresh wherever it's used.
func isRemade(v *ssa.Value) bool {
	switch v.Op {
	case ssa.OpConst, ssa.OpSlotAddr, ssa.OpMapPtr, ssa.OpMapValue, ssa.OpFuncAddr, ssa.OpKsymAddr:
		return true
	}
	return false
}
