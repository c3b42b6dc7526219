package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
)

// vreg is a register: 0–10 are the machine's, those from firstVirtual on are virtual
// and may be assigned more than once.
type vreg int32

const (
	noReg        vreg = -1
	framePtr     vreg = 10
	numRegs           = 10 // r0–r9 can be allocated
	firstVirtual vreg = 11
)

func (r vreg) virtual() bool { return r >= firstVirtual }

// opLea is no BPF opcode: dst = src + imm, for addresses that are made where they're
// used. It becomes a move and an addition.
const opLea = 0xff

// inst is a BPF instruction over vregs.
type inst struct {
	op    uint8 // as isa.Insn.Op, or opLea
	nargs uint8 // of a call: it reads r1…
	dst   vreg
	src   vreg // a register only where the op has one
	off   int16
	fetch bool // an atomic operation whose src receives the old value
	sym   int32
	imm   int64
	pos   diag.Pos
}

// sym is what an instruction's immediate waits for; inst.sym is its index in
// mfunc.syms. Index 0 is none.
type sym struct {
	kind   object.RelocKind
	index  int
	name   string
	fn     *ssa.Func // RelocFunc
	row    bool      // not a relocation: the size of a scratch row
	pseudo isa.Reg   // the instruction's source field
}

// termKind is how a block ends.
type termKind uint8

const (
	termJump   termKind = iota // to succs[0]
	termBranch                 // cond: to succs[0], else succs[1]
	termRet
)

// block is a run of instructions and how it ends.
type block struct {
	id     int
	insts  []inst
	term   termKind
	cond   inst // termBranch: a conditional jump
	pos    diag.Pos
	likely int8 // as ssa.Block
	succs  []*block
	preds  []*block
	depth  int32 // of loops around it
}

// mfunc is a function of blocks of insts.
type mfunc struct {
	src    *ssa.Func
	blocks []*block // blocks[0] is the entry
	nregs  vreg     // one more than the last virtual register
	syms   []sym
	stack  uint32 // bytes of frame in use
	args   int
}

func (m *mfunc) newBlock() *block {
	b := &block{id: len(m.blocks)}
	m.blocks = append(m.blocks, b)
	return b
}

func (m *mfunc) newReg() vreg {
	m.nregs++
	return m.nregs - 1
}

// isMove reports whether i copies all 64 bits of a register.
func (i *inst) isMove() bool {
	return i.op == isa.ClassALU64|isa.SrcX|isa.AluMOV && i.off == 0
}

func (i *inst) isCall() bool { return i.op == isa.ClassJMP|isa.JmpCALL }

// remakes reports whether i makes the same value wherever it stands, so that it can be
// repeated instead of keeping its result.
func (i *inst) remakes() bool {
	switch i.op {
	case isa.ClassALU64 | isa.SrcK | isa.AluMOV, isa.ClassALU | isa.SrcK | isa.AluMOV,
		isa.ClassLD | isa.SizeDW | isa.ModeIMM:
		return true
	case opLea:
		return i.src == framePtr
	}
	return false
}

// roles says which of an inst's operands are read and written. The registers that a
// call touches besides them are its own matter (see callUses).
type roles struct{ readDst, readSrc, writeDst, writeSrc bool }

func (i *inst) roles() roles {
	if i.op == opLea {
		return roles{readSrc: true, writeDst: true}
	}
	src := i.op&isa.SrcX != 0
	switch i.op & 7 {
	case isa.ClassALU, isa.ClassALU64:
		switch i.op & 0xf0 {
		case isa.AluMOV:
			return roles{readSrc: src, writeDst: true}
		case isa.AluEND, isa.AluNEG:
			return roles{readDst: true, writeDst: true}
		}
		return roles{readDst: true, readSrc: src, writeDst: true}
	case isa.ClassLD:
		return roles{writeDst: true}
	case isa.ClassLDX:
		return roles{readSrc: true, writeDst: true}
	case isa.ClassST:
		return roles{readDst: true}
	case isa.ClassSTX:
		return roles{readDst: true, readSrc: true, writeSrc: i.fetch}
	}
	if i.isCall() {
		return roles{}
	}
	return roles{readDst: true, readSrc: src} // a conditional jump
}

// implicit lists the machine registers that i reads and writes without naming them,
// as bit sets. Clobbered registers count as written.
func (i *inst) implicit() (reads, writes uint16) {
	switch {
	case i.isCall():
		return (1<<(i.nargs+1) - 1) &^ 1, callerSaved
	case i.op&7 == isa.ClassSTX && i.op&0xe0 == isa.ModeATOMIC && i.imm == isa.AtomicCMPXCHG:
		return 1, 1
	}
	return 0, 0
}

// callerSaved are r0–r5.
const callerSaved uint16 = 1<<6 - 1
