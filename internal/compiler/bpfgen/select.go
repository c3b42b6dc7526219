package bpfgen

import (
	"math"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
)

// selector turns one function's SSA into insts.
type selector struct {
	*plan
	prog  *ssa.Prog
	f     *ssa.Func
	m     *mfunc
	opt   Options
	slots ssa.Layout

	cur  *block
	pos  diag.Pos
	regs []vreg // by value: its register, noReg before it's asked for
	// start and end are the first and the last block made of an SSA block, by ID.
	start, end []*block
	edges      map[edge]*block
	cache      []cached
	scratch    scratchBase
}

// edge is successor number i of a block.
type edge struct {
	from *ssa.Block
	i    int
}

// cached is a register that holds a constant until the next call or the block's end.
type cached struct {
	op  ssa.Op
	n   int64
	aux any
	reg vreg
}

// selectFunc makes insts of f. Machine registers appear only around calls, at the
// function's start and at its returns.
func selectFunc(p *ssa.Prog, f *ssa.Func, opt Options, slots ssa.Layout, scratch uint32) *mfunc {
	s := &selector{
		plan: makePlan(f), prog: p, f: f, opt: opt, slots: slots,
		m:     &mfunc{src: f, nregs: firstVirtual, syms: make([]sym, 1), args: len(f.Params)},
		regs:  make([]vreg, f.NumValues()),
		start: make([]*block, f.NumBlocks()), end: make([]*block, f.NumBlocks()),
		edges: map[edge]*block{},
	}
	for i := range s.regs {
		s.regs[i] = noReg
	}
	s.cur = s.m.newBlock()
	s.params()
	for _, b := range s.order {
		s.start[b.ID] = s.m.newBlock()
	}
	s.goTo(s.start[f.Entry().ID])
	s.placeScratch(scratch)
	for _, b := range s.order {
		s.block(b)
	}
	s.phis()
	return s.m
}

// params copies the arguments out of their registers.
func (s *selector) params() {
	for _, v := range s.f.Entry().Values {
		if v.Op != ssa.OpParam || !s.inReg[v.ID] {
			continue
		}
		arg := vreg(v.AuxInt) + 1
		if s.f.Kind == ssa.FuncCallback && v.Type == ssa.I32 && s.upper[v.ID] {
			s.emit(inst{op: isa.ClassALU | isa.SrcX | isa.AluMOV, dst: s.reg(v), src: arg})
		} else {
			s.move(s.reg(v), arg)
		}
	}
}

func (s *selector) block(b *ssa.Block) {
	s.cur = s.start[b.ID]
	s.forget()
	for _, v := range b.Values {
		s.pos = v.Pos
		s.beforeValue(b, v)
		s.value(v)
	}
	s.pos = b.Pos
	s.beforeValue(b, nil)
	s.end[b.ID] = s.cur
	s.cur.pos = b.Pos
	switch b.Kind {
	case ssa.BlockPlain:
		s.goTo(s.edge(b, 0))
	case ssa.BlockIf:
		s.cur.likely = b.Likely
		s.branch(b.Control, s.edge(b, 0), s.edge(b, 1))
	case ssa.BlockRet:
		if b.Control != nil {
			s.into(0, b.Control)
		} else {
			s.moveImm(0, 0)
		}
		s.cur.term = termRet
	}
}

// edge is the block to jump to for successor i of b: the successor, or a block on the
// edge where phis need copies of their own.
func (s *selector) edge(b *ssa.Block, i int) *block {
	to := b.Succs[i]
	if len(b.Succs) == 1 || len(to.Values) == 0 || to.Values[0].Op != ssa.OpPhi {
		return s.start[to.ID]
	}
	e := s.m.newBlock()
	e.succs, e.pos = []*block{s.start[to.ID]}, b.Pos
	s.edges[edge{b, i}] = e
	return e
}

func (s *selector) goTo(to *block) {
	s.cur.term, s.cur.succs = termJump, []*block{to}
}

// value emits what v takes, unless its uses do.
func (s *selector) value(v *ssa.Value) {
	info := v.Op.Info()
	if info.Effect&(ssa.Writes|ssa.Calls) == 0 && !s.inReg[v.ID] || isRemade(v) || through(v) != v {
		return
	}
	switch v.Op {
	case ssa.OpPhi, ssa.OpParam:
	case ssa.OpAdd, ssa.OpSub, ssa.OpMul, ssa.OpUDiv, ssa.OpUMod, ssa.OpAnd, ssa.OpOr, ssa.OpXor,
		ssa.OpShl, ssa.OpLShr, ssa.OpAShr:
		s.binary(v)
	case ssa.OpSDiv, ssa.OpSMod:
		s.signedDiv(v)
	case ssa.OpNeg, ssa.OpNot:
		s.unary(v)
	case ssa.OpSExt8, ssa.OpSExt16, ssa.OpSExt32:
		s.signExtend(v)
	case ssa.OpZExt8, ssa.OpZExt16, ssa.OpZExt32, ssa.OpTrunc:
		s.zeroExtend(v)
	case ssa.OpBswap:
		s.bswap(v)
	case ssa.OpEq, ssa.OpNe, ssa.OpULt, ssa.OpULe, ssa.OpSLt, ssa.OpSLe:
		s.boolean(v)
	case ssa.OpSelect:
		s.selectOp(v)
	case ssa.OpOffset:
		s.offset(v)
	case ssa.OpLoad:
		s.load(v)
	case ssa.OpStore:
		s.store(v)
	case ssa.OpZero:
		s.zero(v)
	case ssa.OpMove:
		s.copyBytes(v)
	case ssa.OpAtomicAdd, ssa.OpAtomicFetchAdd, ssa.OpAtomicOr, ssa.OpAtomicAnd, ssa.OpAtomicXor,
		ssa.OpAtomicXchg:
		s.atomic(v)
	case ssa.OpAtomicCmpXchg:
		s.cmpXchg(v)
	case ssa.OpCall, ssa.OpKfunc, ssa.OpCallFunc, ssa.OpTailCall:
		s.call(v)
	default:
		panic("BUG: bpfgen: no selection for " + v.Op.String())
	}
}

// emit appends an inst at the current position.
func (s *selector) emit(i inst) {
	i.pos = s.pos
	s.cur.insts = append(s.cur.insts, i)
}

func (s *selector) move(dst, src vreg) {
	s.emit(inst{op: isa.ClassALU64 | isa.SrcX | isa.AluMOV, dst: dst, src: src})
}

// moveImm makes the constant n in dst with the shortest instruction.
func (s *selector) moveImm(dst vreg, n int64) {
	switch {
	case n == int64(int32(n)):
		s.emit(inst{op: isa.ClassALU64 | isa.SrcK | isa.AluMOV, dst: dst, imm: n})
	case n == int64(uint32(n)):
		s.emit(inst{op: isa.ClassALU | isa.SrcK | isa.AluMOV, dst: dst, imm: int64(int32(n))})
	default:
		s.emit(inst{op: isa.ClassLD | isa.SizeDW | isa.ModeIMM, dst: dst, imm: n})
	}
}

func (s *selector) alu(class, op uint8, dst, src vreg) {
	s.emit(inst{op: class | isa.SrcX | op, dst: dst, src: src})
}

func (s *selector) aluImm(class, op uint8, dst vreg, imm int64) {
	s.emit(inst{op: class | isa.SrcK | op, dst: dst, imm: imm})
}

// constant is the value of a constant as its register holds it.
func constant(v *ssa.Value) (int64, bool) {
	v = through(v)
	if v.Op != ssa.OpConst {
		return 0, false
	}
	if v.Type == ssa.I32 {
		return int64(uint32(v.AuxInt)), true
	}
	return v.AuxInt, true
}

// imm32 is the constant v as the immediate of an operation of type t.
func imm32(v *ssa.Value, t ssa.Type) (int64, bool) {
	n, ok := constant(v)
	if ok && t == ssa.I32 {
		return int64(int32(n)), true
	}
	return n, ok && n >= math.MinInt32 && n <= math.MaxInt32
}

// reg is the register of v. What isn't kept in one is made in a new one, or in one that
// an earlier use in the block left behind.
func (s *selector) reg(v *ssa.Value) vreg {
	v = through(v)
	if !isRemade(v) {
		if s.regs[v.ID] == noReg {
			s.regs[v.ID] = s.m.newReg()
		}
		return s.regs[v.ID]
	}
	if r, off, ok := s.slot(v); ok && off == 0 && r != framePtr {
		return r
	}
	n, _ := constant(v)
	if v.Op != ssa.OpConst {
		n = v.AuxInt
	}
	if r, ok := s.cachedReg(v.Op, n, v.Aux); ok {
		return r
	}
	r := s.m.newReg()
	s.into(r, v)
	if v.Op != ssa.OpSlotAddr && (v.Op != ssa.OpConst || n != int64(int32(n))) {
		s.cache = append(s.cache, cached{v.Op, n, v.Aux, r})
	}
	return r
}

func (s *selector) cachedReg(op ssa.Op, n int64, aux any) (vreg, bool) {
	for _, c := range s.cache {
		if c.op == op && c.n == n && c.aux == aux {
			return c.reg, true
		}
	}
	return noReg, false
}

// forget drops the cached constants: they aren't kept over calls and between blocks.
func (s *selector) forget() { s.cache = s.cache[:0] }

// into writes v to dst.
func (s *selector) into(dst vreg, v *ssa.Value) {
	v = through(v)
	switch v.Op {
	case ssa.OpConst:
		n, _ := constant(v)
		s.moveImm(dst, n)
	case ssa.OpSlotAddr:
		base, off, _ := s.slot(v)
		s.lea(dst, base, off)
	case ssa.OpMapPtr:
		s.wide(dst, 0, sym{kind: object.RelocMap, index: int(v.AuxInt), pseudo: isa.PseudoMapFD})
	case ssa.OpMapValue:
		s.wide(dst, v.AuxInt, sym{kind: object.RelocMapValue, index: v.Aux.(int), pseudo: isa.PseudoMapValue})
	case ssa.OpFuncAddr:
		s.wide(dst, 0, sym{kind: object.RelocFunc, fn: v.Aux.(*ssa.Func), pseudo: isa.PseudoFunc})
	case ssa.OpKsymAddr:
		s.wide(dst, 0, sym{kind: object.RelocKsym, name: v.Aux.(string), pseudo: isa.PseudoBTFID})
	default:
		s.move(dst, s.reg(v))
	}
}

// wide is a 64-bit load of what y names.
func (s *selector) wide(dst vreg, imm int64, y sym) {
	s.emit(inst{op: isa.ClassLD | isa.SizeDW | isa.ModeIMM, dst: dst, imm: imm, sym: s.symbol(y)})
}

func (s *selector) symbol(y sym) int32 {
	s.m.syms = append(s.m.syms, y)
	return int32(len(s.m.syms) - 1)
}

// lea is dst = base + off.
func (s *selector) lea(dst, base vreg, off int64) {
	if off == 0 && base != framePtr {
		s.move(dst, base)
		return
	}
	s.emit(inst{op: opLea, dst: dst, src: base, imm: off})
}
