package compiler

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/probe"
)

// A kprobe session (kernel 6.10) is one link that runs one program at the entry and at the
// return of many functions; a kernel function tells the program which of the two it is.
const (
	sessionQuestion = "bpf_session_is_return"
	// sessionNeeds is a function of the kernel's fprobe, without which there are no sessions
	// though the question is there.
	sessionNeeds  = "register_fprobe_syms"
	attachSession = 56 // BPF_TRACE_KPROBE_SESSION
)

// sessions makes one program of each kprobe and kretprobe on the same functions, where the
// kernel has sessions: one link instead of two, and an event costs less.
func (c *coder) sessions() {
	var out []*object.Program
	for _, p := range c.obj.Programs {
		i := slices.IndexFunc(out, func(q *object.Program) bool { return pair(q, p) || pair(p, q) })
		if i < 0 || !c.hasSessions() {
			out = append(out, p)
			continue
		}
		entry, ret := out[i], p
		if entry.Points[0].Kind == probe.Kretprobe.String() {
			entry, ret = ret, entry
		}
		if both := session(entry, ret); both != nil {
			out[i] = both
			continue
		}
		out = append(out, p)
	}
	c.obj.Programs = out
}

func (c *coder) hasSessions() bool {
	if c.info.Facts.Kernel < 6<<16|10<<8 {
		return false
	}
	if _, ok := c.opt.Env.Kfunc(sessionQuestion); !ok {
		return false
	}
	_, ok := c.opt.Env.KernelFunc("", sessionNeeds)
	return ok
}

// pair reports whether entry and ret are programs on the same functions, without cookies, which
// tell two points of a program apart. A link for one function takes no module.
func pair(entry, ret *object.Program) bool {
	same := func(a, b object.Point) bool {
		return a.Kind == probe.Kprobe.String() && b.Kind == probe.Kretprobe.String() && a.Func != "" &&
			a.Func == b.Func && a.Target == b.Target && a.Offset == 0 && !a.Cookies && !b.Cookies
	}
	one := len(entry.Points) == 1 && entry.Points[0].Target == ""
	return (one || len(entry.Points) > 1) && slices.EqualFunc(entry.Points, ret.Points, same) && entry.AttachType == 0 && ret.AttachType == 0
}

// session is a program that asks where it is and goes on as entry or as ret; nil when it
// would be too long for a jump. Both begin with the context in r1.
func session(entry, ret *object.Program) *object.Program {
	entryMain, retMain := mainEnd(entry), mainEnd(ret)
	over := isa.Slots(entry.Insns[:entryMain])
	exits := otherExits(entry.Insns[:entryMain])
	if len(exits) > 0 {
		over += 2
	}
	if over > maxJump {
		return nil
	}
	both := *entry
	both.AttachType = attachSession
	both.Insns = []isa.Insn{ // sessionStart of them
		isa.Mov(isa.R6, isa.R1),
		isa.CallKfunc(0),
		isa.ALU32Imm(isa.AluAND, isa.R0, 1), // of a bool the other bits are anything
		isa.Mov(isa.R1, isa.R6),
		isa.JumpIfImm(isa.JmpJNE, isa.R0, 0, int16(over)),
	}
	both.Relocs = []object.Reloc{{Insn: 1, Kind: object.RelocKfunc, Name: sessionQuestion}}
	both.Funcs, both.Lines = []object.FuncInfo{entry.Funcs[0]}, nil
	both.Points = slices.Concat(entry.Points, ret.Points)
	// The two bodies first, since a function is contiguous, then what they call.
	subs := len(entry.Funcs) - 1
	for _, part := range []struct {
		p        *object.Program
		from, to int
		funcs    int // of ret's functions the numbers go up
	}{
		{entry, 0, entryMain, 0}, {ret, 0, retMain, subs},
		{entry, entryMain, len(entry.Insns), 0}, {ret, retMain, len(ret.Insns), subs},
	} {
		appendPart(&both, part.p, part.from, part.to, part.funcs)
		if part.p == entry && part.from == 0 {
			endWithZero(&both, exits)
		}
	}
	if len(both.Lines) > 0 {
		both.Lines[0].Insn = 0
	}
	return &both
}

// sessionStart is the number of instructions before the entry's.
const sessionStart = 5

// otherExits are the indexes of a function's exits that may return something else than 0.
func otherExits(insns []isa.Insn) []int {
	index, at := map[int]int{}, 0 // of slots
	for i := range insns {
		index[at] = i
		at += isa.Slots(insns[i : i+1])
	}
	targets := map[int]bool{}
	at = 0
	for i := range insns {
		at += isa.Slots(insns[i : i+1])
		if in := insns[i]; in.IsGoto() || in.IsBranch() {
			targets[index[at+in.JumpOffset()]] = true
		}
	}
	zero, zero32 := isa.MovImm(isa.R0, 0), isa.Mov32Imm(isa.R0, 0)
	var found []int
	for i, in := range insns {
		if !in.IsExit() {
			continue
		}
		if i == 0 || targets[i] || insns[i-1] != zero && insns[i-1] != zero32 {
			found = append(found, i)
		}
	}
	return found
}

// endWithZero turns exits of the entry into jumps to a return of 0, for with another
// number the kernel leaves out the function's return.
func endWithZero(p *object.Program, exits []int) {
	if len(exits) == 0 {
		return
	}
	end := len(p.Insns)
	p.Insns = append(p.Insns, isa.MovImm(isa.R0, 0), isa.Exit())
	for _, i := range exits {
		i += sessionStart
		p.Insns[i] = isa.Jump(int16(isa.Slots(p.Insns[i+1 : end])))
	}
}

// maxJump is as far as a conditional jump goes, in slots.
const maxJump = 1<<15 - 1

// appendPart appends instructions of p with all that belongs to them.
func appendPart(to, p *object.Program, from, end, funcs int) {
	shift := len(to.Insns) - from
	to.Insns = append(to.Insns, p.Insns[from:end]...)
	for _, r := range p.Relocs {
		if r.Insn < from || r.Insn >= end {
			continue
		}
		r.Insn += shift
		if r.Kind == object.RelocFunc {
			r.Index += funcs
		}
		to.Relocs = append(to.Relocs, r)
	}
	for _, f := range p.Funcs[1:] {
		if f.Insn >= from && f.Insn < end {
			f.Insn += shift
			to.Funcs = append(to.Funcs, f)
		}
	}
	for _, l := range p.Lines {
		if l.Insn >= from && l.Insn < end {
			l.Insn += shift
			to.Lines = append(to.Lines, l)
		}
	}
}

// mainEnd is where the first function of p ends.
func mainEnd(p *object.Program) int {
	if len(p.Funcs) > 1 {
		return p.Funcs[1].Insn
	}
	return len(p.Insns)
}
