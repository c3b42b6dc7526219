package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// dw_ustack walks a stack by tables that user space has made of .eh_frame (object.Unwind):
// bpf_loop calls unwindStep for each frame, which searches the mapping of the address, in it the
// rule, and by that gets the caller's registers. Searching is bpf_loop again: as a loop of the program's
// own, the verifier would walk all ways through a table.

// State of a walk, on the stack of the program, whose address is the callbacks' context.
const (
	walkFrames = 0 // pointer to the frames' buffer
	walkIP     = 8 // registers of the frame
	walkSP     = 16
	walkBP     = 24
	walkCount  = 32 // frames so far
	walkLimit  = 40
	walkFirst  = 48 // the process's mappings, from …
	walkEnd    = 56 // … up to here
	walkLow    = 64 // what is searched: the first element that is above walkTarget
	walkHigh   = 72
	walkTarget = 80
	walkRead   = 88 // what was read of the process
	walkKey    = 96
	walkCalled = 104 // whether walkIP is behind a call
	walkHash   = 112 // of the frames: a loop at the end costs the verifier much
	walkSize   = 120
)

// Steps of a search: the binary logarithms of what there is, and one.
const (
	mappingSteps = 12
	ruleSteps    = 21
)

// Where registers are in a signal's frame: struct rt_sigframe begins, after the return address
// that is gone, with a ucontext, whose registers are at 40 (arch/x86/include/uapi/asm/sigcontext.h).
const (
	signalBP = 40 + 10*8
	signalSP = 40 + 15*8
	signalIP = 40 + 16*8
)

// unwindTables are the maps of the tables.
func (g *gen) unwindTables() *object.Unwind {
	if g.obj.Unwind == nil {
		g.obj.Unwind = &object.Unwind{
			Pids:     g.addMap(&object.Map{Name: "unwind_pids", Kind: object.MapHash, KeySize: 4, ValueSize: object.UnwindPidSize, MaxEntries: object.UnwindPids}),
			Mappings: g.addMap(&object.Map{Name: "unwind_maps", Kind: object.MapArray, KeySize: 4, ValueSize: object.UnwindMappingSize, MaxEntries: object.UnwindPids * object.UnwindSlot, Flags: flagMmapable}),
			Rules:    g.addMap(&object.Map{Name: "unwind_rules", Kind: object.MapArray, KeySize: 4, ValueSize: object.UnwindRuleSize, MaxEntries: object.UnwindRules, Flags: flagMmapable}),
		}
	}
	return g.obj.Unwind
}

// unwoundRef takes the user stack by the tables; that of a process which they don't have, by
// frame pointers.
func (c *fn) unwoundRef(spec object.StackSpec) *ssa.Value {
	tables := c.unwindTables()
	key := c.slot("tgid", 4, 4)
	c.store(key, 0, c.high32(c.pidTgid()), 4, ssa.MemSlot)
	p := c.call(fnMapLookup, ssa.Ptr, c.mapPtr(tables.Pids), key)
	return c.ifElse(p, 1,
		func() *ssa.Value { return c.walk(spec, p) },
		func() *ssa.Value { return c.framedRef(&types.Type{Kind: types.Ustack}, spec) })
}

// walk unwinds the stack of a process whose mappings p tells.
func (c *fn) walk(spec object.StackSpec, p *ssa.Value) *ssa.Value {
	limit := uint32(spec.Limit)
	room := uint32(1)
	for room <= limit {
		room <<= 1
	}
	buf := c.slot("frames", 8+8*room, 8)
	if 8+8*room <= 512 {
		c.zero(buf, 8+8*room, ssa.MemSlot, 8)
	}
	slot := c.f.NewSlot("walk", walkSize, 8)
	slot.Captured = true
	st := c.slotAddr(slot, 0)
	first := c.load(p, object.UnwindPidFirst, mem(4, ssa.MemMap, false))
	count := c.load(p, object.UnwindPidCount, mem(4, ssa.MemMap, false))
	// Were the count known, the verifier would walk each step for itself.
	one := c.bin(ssa.OpAdd, c.load(p, object.UnwindPidZero, mem(8, ssa.MemMap, false)), c.constI(1))
	ip, sp, bp := c.userRegs()
	for _, w := range []struct {
		at int64
		v  *ssa.Value
	}{
		{walkIP, ip}, {walkSP, sp}, {walkBP, bp}, {walkCount, one}, {walkLimit, c.constU(uint64(limit))},
		{walkFirst, first}, {walkEnd, c.bin(ssa.OpAdd, first, count)}, {walkLow, c.constI(0)}, {walkHigh, c.constI(0)},
		{walkTarget, c.constI(0)}, {walkRead, c.constI(0)}, {walkKey, c.constI(0)}, {walkCalled, c.constI(0)}, {walkHash, c.hashWord(c.constI(0), ip)},
	} {
		c.store(st, w.at, w.v, 8, ssa.MemSlot)
	}
	c.store(st, walkFrames, c.addI(buf, 8), 8, ssa.MemSlot)
	c.store(buf, 8, ip, 8, ssa.MemSlot)
	step := c.walkFunc("unwind_step", func(cb *fn, st *ssa.Value) { cb.unwindStep(st, room) })
	c.call(fnLoop, ssa.I64, c.constU(uint64(max(limit, 1)-1)), step, st, c.constI(0))
	n := c.bin(ssa.OpAnd, c.load(st, walkCount, mem(8, ssa.MemSlot, false)), c.constU(uint64(room-1)))
	c.store(buf, 0, n, 8, ssa.MemSlot)
	return c.keepStack(spec, buf, c.hashEnd(c.word(st, walkHash)))
}

// userRegs are the registers with which the process left user space, or is there.
func (c *fn) userRegs() (ip, sp, bp *ssa.Value) {
	switch c.kind {
	case probe.Uprobe, probe.Uretprobe, probe.USDT:
		return c.loadReg("ip"), c.loadReg("sp"), c.loadReg("bp")
	}
	regs := c.call(fnTaskRegs, ssa.Ptr, c.call(fnTaskBTF, ssa.Ptr))
	r := regsOf(c.info.Facts.Arch)
	get := func(name string) *ssa.Value { return c.load(regs, r.offset[name], mem(8, ssa.MemKernel, false)) }
	return get("ip"), get("sp"), get("bp")
}

// walkFunc is the address of a callback of bpf_loop whose context is a walk's state.
func (c *fn) walkFunc(name string, body func(cb *fn, st *ssa.Value)) *ssa.Value {
	f := c.subFunc(name, ssa.FuncCallback, []ssa.Type{ssa.I32, ssa.Ptr}, func(cb *fn) { body(cb, cb.params[1]) })
	return c.emitAux(ssa.OpFuncAddr, ssa.Ptr, 0, f)
}

// word is a word of a walk's state.
func (c *fn) word(st *ssa.Value, at int64) *ssa.Value {
	return c.load(st, at, mem(8, ssa.MemSlot, false))
}

func (c *fn) setWord(st *ssa.Value, at int64, v *ssa.Value) { c.store(st, at, v, 8, ssa.MemSlot) }

// stopIf ends a callback's loop when v isn't zero.
func (c *fn) stopIf(v *ssa.Value) {
	c.ifThen(v, -1, func() { c.ret(c.constI(1)) })
}

// tableElement is the element of an array, and ends the loop without one.
func (c *fn) tableElement(st *ssa.Value, table int, index *ssa.Value) *ssa.Value {
	key := c.addI(st, walkKey)
	c.store(key, 0, index, 4, ssa.MemSlot)
	p := c.call(fnMapLookup, ssa.Ptr, c.mapPtr(table), key)
	found, none := c.block(), c.block()
	c.branch(p, found, none, 1)
	c.b = none
	c.ret(c.constI(1))
	c.b = found
	return p
}

// bisect finds among the elements from low up to high of a table, ascending by their first word,
// the last one that isn't above target. It ends the loop without one.
func (c *fn) bisect(st *ssa.Value, name string, table int, steps int64, low, high, target *ssa.Value) *ssa.Value {
	c.setWord(st, walkLow, low)
	c.setWord(st, walkHigh, high)
	c.setWord(st, walkTarget, target)
	halve := c.walkFunc(name, func(cb *fn, st *ssa.Value) {
		lo, hi := cb.word(st, walkLow), cb.word(st, walkHigh)
		cb.stopIf(cb.cmp(ssa.OpULe, hi, lo))
		mid := cb.bin(ssa.OpLShr, cb.bin(ssa.OpAdd, lo, hi), cb.constI(1))
		p := cb.tableElement(st, table, mid)
		above := cb.cmp(ssa.OpULt, cb.word(st, walkTarget), cb.load(p, 0, mem(8, ssa.MemMap, false)))
		yes, no, done := cb.block(), cb.block(), cb.block()
		cb.branch(above, yes, no, 0)
		cb.b = yes
		cb.setWord(st, walkHigh, mid)
		cb.jump(done)
		cb.b = no
		cb.setWord(st, walkLow, cb.bin(ssa.OpAdd, mid, cb.constI(1)))
		cb.jump(done)
		cb.b = done
	})
	c.call(fnLoop, ssa.I64, c.constI(steps), halve, st, c.constI(0))
	found := c.word(st, walkLow)
	c.stopIf(c.cmp(ssa.OpULe, found, low))
	return c.tableElement(st, table, c.bin(ssa.OpSub, found, c.constI(1)))
}

// readUser is a word of the process; without it the loop ends.
func (c *fn) readUser(st, addr *ssa.Value) *ssa.Value {
	ret := c.call(fnProbeReadUser, ssa.I64, c.addI(st, walkRead), c.constI(8), addr)
	c.stopIf(c.cmp(ssa.OpSLt, ret, c.constI(0)))
	return c.word(st, walkRead)
}

// unwindStep goes from a frame to its caller's.
func (c *fn) unwindStep(st *ssa.Value, room uint32) {
	tables := c.unwindTables()
	field := func(p *ssa.Value, at int64, size uint32, signed bool) *ssa.Value {
		return c.load(p, at, mem(size, ssa.MemMap, signed))
	}
	// A return address is behind the call, which may be the last thing in its function.
	ip := c.word(st, walkIP)
	pc := c.bin(ssa.OpSub, ip, c.word(st, walkCalled))
	m := c.bisect(st, "unwind_mapping", tables.Mappings, mappingSteps, c.word(st, walkFirst), c.word(st, walkEnd), pc)
	c.stopIf(c.cmp(ssa.OpULe, field(m, object.UnwindMappingEnd, 8, false), pc))
	low := field(m, object.UnwindMappingFirst, 4, false)
	high := c.bin(ssa.OpAdd, low, field(m, object.UnwindMappingCount, 4, false))
	target := c.bin(ssa.OpSub, pc, field(m, object.UnwindMappingBias, 8, false))
	r := c.bisect(st, "unwind_rule", tables.Rules, ruleSteps, low, high, target)

	kind := field(r, object.UnwindRuleCFA, 1, false)
	offset := field(r, object.UnwindRuleOffset, 4, true)
	saved := field(r, object.UnwindRuleSaved, 1, false)
	at := field(r, object.UnwindRuleAt, 2, true)
	c.stopIf(c.cmp(ssa.OpEq, kind, c.constI(unwindNone)))
	next := c.block()
	signal, call := c.block(), c.block()
	c.branch(c.cmp(ssa.OpEq, kind, c.constI(unwindSignal)), signal, call, -1)

	c.b = signal
	sp := c.word(st, walkSP)
	c.setWord(st, walkBP, c.readUser(st, c.bin(ssa.OpAdd, sp, c.constI(signalBP))))
	c.setWord(st, walkIP, c.readUser(st, c.bin(ssa.OpAdd, sp, c.constI(signalIP))))
	c.setWord(st, walkSP, c.readUser(st, c.bin(ssa.OpAdd, sp, c.constI(signalSP))))
	c.setWord(st, walkCalled, c.constI(0))
	c.jump(next)

	c.b = call
	cfa := c.ifElse(c.cmp(ssa.OpEq, kind, c.constI(unwindBP)), 0,
		func() *ssa.Value { return c.bin(ssa.OpAdd, c.word(st, walkBP), offset) },
		func() *ssa.Value {
			return c.ifElse(c.cmp(ssa.OpEq, kind, c.constI(unwindPLT)), -1,
				func() *ssa.Value {
					late := c.cmp(ssa.OpSLe, offset, c.bin(ssa.OpAnd, pc, c.constI(15)))
					return c.bin(ssa.OpAdd, c.addWord(c.word(st, walkSP)), c.bin(ssa.OpShl, late, c.constI(3)))
				},
				func() *ssa.Value { return c.bin(ssa.OpAdd, c.word(st, walkSP), offset) })
		})
	c.ifThen(saved, 0, func() {
		c.setWord(st, walkBP, c.readUser(st, c.bin(ssa.OpAdd, cfa, at)))
	})
	c.setWord(st, walkIP, c.readUser(st, c.bin(ssa.OpSub, cfa, c.constI(8))))
	c.setWord(st, walkSP, cfa)
	c.setWord(st, walkCalled, c.constI(1))
	c.jump(next)

	c.b = next
	ip = c.word(st, walkIP)
	c.stopIf(c.cmp(ssa.OpEq, ip, c.constI(0)))
	n := c.word(st, walkCount)
	frames := c.loadPtr(st, walkFrames, ssa.MemSlot)
	i := c.bin(ssa.OpAnd, n, c.constU(uint64(room-1)))
	c.store(c.emit(ssa.OpAdd, ssa.Ptr, frames, c.bin(ssa.OpShl, i, c.constI(3))), 0, ip, 8, ssa.MemSlot)
	c.setWord(st, walkCount, c.bin(ssa.OpAdd, n, c.constI(1)))
	c.setWord(st, walkHash, c.hashWord(c.word(st, walkHash), ip))
}

func (c *fn) addWord(v *ssa.Value) *ssa.Value { return c.bin(ssa.OpAdd, v, c.constI(8)) }

// What a rule's CFA says (exe.UnwindCFA).
const (
	unwindNone   = 0
	unwindBP     = 2
	unwindPLT    = 3
	unwindSignal = 4
)
