package bpfgen

import (
	"fmt"
	"math"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
)

// emitter appends functions to the code.
type emitter struct {
	prog *ssa.Prog
	code *Code
	// funcs are the functions emitted so far, in the order of code.Funcs.
	funcs []*ssa.Func
	// calls are RelocFunc relocations whose Index awaits the function's place.
	calls []pendingCall
	// jumps of the function at hand.
	jumps []pendingJump
	lines lineTable
}

type pendingCall struct {
	reloc int // index in code.Relocs
	fn    *ssa.Func
}

// pendingJump is a jump whose target's place isn't known yet.
type pendingJump struct {
	insn     int
	from, to *block
}

// emit appends m, whose registers are the machine's. If conditional jumps turn out to
// go too far it begins again with those blocks' jumps long.
func (e *emitter) emit(m *mfunc, opt Options) error {
	long := make([]bool, len(m.blocks))
	mark := e.mark()
	for {
		start := e.function(m, long)
		far, err := e.resolveJumps(m, start, opt)
		if err != nil || len(far) == 0 {
			return err
		}
		for _, b := range far {
			long[b.id] = true
		}
		e.reset(mark)
	}
}

// emitMark is a place in the code to go back to.
type emitMark struct {
	code  Code
	funcs int
	calls int
	lines lineTable
}

func (e *emitter) mark() emitMark {
	return emitMark{*e.code, len(e.funcs), len(e.calls), e.lines}
}

func (e *emitter) reset(k emitMark) {
	*e.code = k.code
	e.funcs, e.calls, e.lines = e.funcs[:k.funcs], e.calls[:k.calls], k.lines
}

// function appends m and returns, by block, the index of its first instruction.
func (e *emitter) function(m *mfunc, long []bool) []int {
	c := e.code
	c.Funcs = append(c.Funcs, object.FuncInfo{
		Name: m.src.Name, Insn: len(c.Insns), Args: m.args,
		Static: m.src.Kind != ssa.FuncProg, Callback: m.src.Kind == ssa.FuncCallback,
	})
	c.Stack = append(c.Stack, m.stack)
	e.funcs = append(e.funcs, m.src)
	e.jumps = e.jumps[:0]
	start := make([]int, len(m.blocks))
	for i, b := range m.blocks {
		start[i] = len(c.Insns)
		for n := range b.insts {
			e.inst(m, &b.insts[n])
		}
		var next *block
		if i+1 < len(m.blocks) {
			next = m.blocks[i+1]
		}
		e.ending(b, next, long[i])
	}
	return start
}

// insn appends one instruction of position pos.
func (e *emitter) insn(in isa.Insn, pos diag.Pos) {
	e.lines.mark(e.code, pos)
	e.code.Insns = append(e.code.Insns, in)
}

func (e *emitter) inst(m *mfunc, i *inst) {
	dst, src := isa.Reg(i.dst), isa.Reg(i.src)
	if i.op == opLea {
		if dst != src {
			e.insn(isa.Mov(dst, src), i.pos)
		}
		if i.imm != 0 {
			e.insn(isa.ALUImm(isa.AluADD, dst, int32(i.imm)), i.pos)
		}
		return
	}
	in := isa.Insn{Op: i.op, Off: i.off, Imm: i.imm}
	k := i.roles()
	if k.readDst || k.writeDst {
		in.Dst = dst
	}
	if k.readSrc || k.writeSrc {
		in.Src = src
	}
	if i.sym != 0 {
		y := m.syms[i.sym]
		in.Src = max(in.Src, y.pseudo)
		e.symbol(y)
	}
	e.insn(in, i.pos)
}

// symbol records what the next instruction's immediate waits for.
func (e *emitter) symbol(y sym) {
	c := e.code
	if y.row {
		c.rows = append(c.rows, len(c.Insns))
		return
	}
	if y.fn != nil {
		e.calls = append(e.calls, pendingCall{len(c.Relocs), y.fn})
	}
	c.Relocs = append(c.Relocs, object.Reloc{Insn: len(c.Insns), Kind: y.kind, Index: y.index, Name: y.name})
}

// ending emits how b ends; next is the block that follows in the code.
func (e *emitter) ending(b, next *block, long bool) {
	switch b.term {
	case termRet:
		e.insn(isa.Exit(), b.pos)
	case termJump:
		e.jumpUnlessNext(b, b.succs[0], next)
	case termBranch:
		yes, no := b.succs[0], b.succs[1]
		in := isa.Insn{Op: b.cond.op, Dst: isa.Reg(b.cond.dst), Imm: b.cond.imm}
		if in.UsesReg() {
			in.Src = isa.Reg(b.cond.src)
		}
		if op := opposite[in.Op>>4]; yes == next && op != 0 {
			in.Op = in.Op&0x0f | op
			yes, no = no, yes
		}
		if long {
			e.longBranch(in, yes, b)
		} else {
			e.jump(in, yes, b)
		}
		e.jumpUnlessNext(b, no, next)
	}
}

// longBranch is the conditional jump in to yes as a jump over a long jump.
func (e *emitter) longBranch(in isa.Insn, yes, b *block) {
	in.Off = 1
	if op := opposite[in.Op>>4]; op != 0 {
		in.Op = in.Op&0x0f | op
		e.insn(in, b.pos)
	} else {
		e.insn(in, b.pos)
		e.insn(isa.Jump(1), b.pos)
	}
	e.jump(isa.Jump(0), yes, b)
}

func (e *emitter) jumpUnlessNext(b, to, next *block) {
	if to != next {
		e.jump(isa.Jump(0), to, b)
	}
}

// jump appends a jump at the end of from, to be resolved.
func (e *emitter) jump(in isa.Insn, to, from *block) {
	pos := from.pos
	if in.IsBranch() {
		pos = from.cond.pos
	}
	e.jumps = append(e.jumps, pendingJump{len(e.code.Insns), from, to})
	e.insn(in, pos)
}

// resolveJumps fills in the offsets. One that 16 bits can't hold becomes a gotol; the
// blocks whose conditional jumps can't reach are returned.
func (e *emitter) resolveJumps(m *mfunc, start []int, opt Options) (far []*block, err error) {
	first := e.code.Funcs[len(e.code.Funcs)-1].Insn
	insns := e.code.Insns[first:]
	offs := isa.SlotOffsets(insns)
	for _, j := range e.jumps {
		in := &insns[j.insn-first]
		rel := offs[start[j.to.id]-first] - offs[j.insn-first] - 1
		switch {
		case rel >= math.MinInt16 && rel <= math.MaxInt16:
			in.Off = int16(rel)
		case opt.CPU < V4:
			return nil, &Error{m.src, fmt.Sprintf("a jump of %d instructions is too far", rel)}
		case in.IsGoto():
			*in = isa.JumpLong(int32(rel))
		default:
			far = append(far, j.from)
		}
	}
	return far, nil
}

// resolveFuncs makes calls and addresses of the program's functions relative.
func (e *emitter) resolveFuncs() {
	if len(e.calls) == 0 {
		return
	}
	offs := isa.SlotOffsets(e.code.Insns)
	place := map[*ssa.Func]int{}
	for i, f := range e.funcs {
		place[f] = i
	}
	for _, call := range e.calls {
		r := &e.code.Relocs[call.reloc]
		r.Index = place[call.fn]
		rel := int32(offs[e.code.Funcs[r.Index].Insn] - offs[r.Insn] - 1)
		in := &e.code.Insns[r.Insn]
		in.Imm = int64(rel)
		if in.Wide() {
			in.Imm = int64(uint32(rel))
		}
	}
}
