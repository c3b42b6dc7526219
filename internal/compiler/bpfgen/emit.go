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
	insn int
	to   *block
}

// emit appends m, whose registers are the machine's.
func (e *emitter) emit(m *mfunc, opt Options) error {
	c := e.code
	c.Funcs = append(c.Funcs, object.FuncInfo{
		Name: m.src.Name, Insn: len(c.Insns), Args: m.args,
		Static: m.src.Kind != ssa.FuncProg, Callback: m.src.Kind == ssa.FuncCallback,
	})
	c.Stack = append(c.Stack, m.stack)
	e.funcs = append(e.funcs, m.src)
	e.jumps = e.jumps[:0]
	start := make([]int, len(m.blocks)) // by block: index of its first instruction
	for i, b := range m.blocks {
		start[i] = len(c.Insns)
		for n := range b.insts {
			e.inst(m, &b.insts[n])
		}
		var next *block
		if i+1 < len(m.blocks) {
			next = m.blocks[i+1]
		}
		e.ending(b, next)
	}
	return e.resolveJumps(m, start, opt)
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
func (e *emitter) ending(b, next *block) {
	switch b.term {
	case termRet:
		e.insn(isa.Exit(), b.pos)
	case termJump:
		if b.succs[0] != next {
			e.jump(isa.Jump(0), b.succs[0], b.pos)
		}
	case termBranch:
		yes, no := b.succs[0], b.succs[1]
		c := b.cond
		if yes == next {
			if op := opposite[c.op>>4]; op != 0 {
				c.op = c.op&0x0f | op
				yes, no = no, yes
			}
		}
		in := isa.Insn{Op: c.op, Dst: isa.Reg(c.dst), Imm: c.imm}
		if in.UsesReg() {
			in.Src = isa.Reg(c.src)
		}
		e.jump(in, yes, c.pos)
		if no != next {
			e.jump(isa.Jump(0), no, b.pos)
		}
	}
}

func (e *emitter) jump(in isa.Insn, to *block, pos diag.Pos) {
	e.jumps = append(e.jumps, pendingJump{len(e.code.Insns), to})
	e.insn(in, pos)
}

// resolveJumps fills in the offsets. One that 16 bits can't hold becomes a gotol, which
// a conditional jump can't.
func (e *emitter) resolveJumps(m *mfunc, start []int, opt Options) error {
	first := e.code.Funcs[len(e.code.Funcs)-1].Insn
	insns := e.code.Insns[first:]
	offs := isa.SlotOffsets(insns)
	for _, j := range e.jumps {
		in := &insns[j.insn-first]
		rel := offs[start[j.to.id]-first] - offs[j.insn-first] - 1
		switch {
		case rel >= math.MinInt16 && rel <= math.MaxInt16:
			in.Off = int16(rel)
		case in.IsGoto() && opt.CPU >= V4:
			*in = isa.JumpLong(int32(rel))
		default:
			return &Error{m.src, fmt.Sprintf("a jump of %d instructions is too far", rel)}
		}
	}
	return nil
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
