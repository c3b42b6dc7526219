package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Loops take the cheapest form that the verifier accepts:
//   - a range with few constant steps: a plain loop, which the verifier walks;
//   - other ranges: an open-coded iterator (bpf_iter_num, since 6.4), else bpf_loop
//     (since 5.17), else a plain loop that ends after maxPlainSteps;
//   - a map: bpf_for_each_map_elem (since 5.13).
const (
	plainSteps    = 64   // constant ranges up to this are plain loops
	maxPlainSteps = 1024 // the bound where nothing better exists
)

// maxValues and maxFuncs are where code gives up that is repeated as text: nested, it would go on
// for hours to make a program that no kernel takes (BPF_COMPLEXITY_LIMIT_INSNS, include/linux/bpf.h,
// is a million instructions; BPF_MAX_SUBPROGS, include/linux/bpf_verifier.h, 256 functions).
const (
	maxValues = 1 << 18
	maxFuncs  = 1 << 10
)

// fits reports whether there's room for more code; once there isn't, it's an error, which says how
// so much came to be.
func (c *fn) fits(at diag.Span, how string) bool {
	if c.f.NumValues() <= maxValues && len(c.prog.Funcs) <= maxFuncs {
		return true
	}
	if !c.rep.Failed() {
		c.rep.Errorf(diag.CodeLimit, at, "%s, this is too large for a BPF program", how)
	}
	return false
}

// unroll repeats the body as text: break and continue in it mean the loop around it.
func (c *fn) unroll(s *syntax.Unroll) {
	k := c.constant(s.N)
	if k == nil {
		c.unsupported(s.N.Span(), "an unroll count that isn't constant")
		return
	}
	for range k.Int {
		if !c.fits(s.Span(), "unrolled") {
			return
		}
		saved := c.scope()
		c.blockStmts(s.Body)
		c.locals = saved
	}
}

// scope copies the variables known now, so that a body's own ones can be forgotten.
func (c *fn) scope() map[*types.Local]*local {
	m := make(map[*types.Local]*local, len(c.locals))
	for k, v := range c.locals {
		m[k] = v
	}
	return m
}

func (c *fn) while(s *syntax.While) {
	c.forget("")
	defer c.forget("")
	head, body, end := c.block(), c.block(), c.block()
	c.jump(head)
	c.b = head
	c.cond(s.Cond, body, end)
	c.loops = append(c.loops, &loop{brk: end, cont: head})
	c.b = body
	c.blockStmts(s.Body)
	c.jump(head)
	c.loops = c.loops[:len(c.loops)-1]
	c.b = end
}

func (c *fn) forLoop(s *syntax.For) {
	// A step may change what the step before found.
	c.forget("")
	defer c.forget("")
	if s.Map != nil {
		c.forMap(s)
		return
	}
	from, to := c.constant(s.From), c.constant(s.To)
	constant := from != nil && to != nil && int64(to.Int)-int64(from.Int) <= plainSteps
	switch {
	case constant || !c.info.Facts.Features.NumIter && !c.info.Facts.Features.Loop:
		c.plainRange(s, constant)
	case c.info.Facts.Features.NumIter:
		c.iterRange(s)
	default:
		c.callbackRange(s)
	}
}

// plainRange counts in a register; the verifier walks every step.
func (c *fn) plainRange(s *syntax.For, constant bool) {
	info := c.info.Locals[s.Var.ID()]
	start, end := c.intExpr(s.From), c.intExpr(s.To)
	counter := c.slot("i", 8, 8)
	c.store(counter, 0, start, 8, ssa.MemSlot)
	steps := counter
	if !constant {
		steps = c.slot("steps", 8, 8)
		c.store(steps, 0, c.constI(0), 8, ssa.MemSlot)
	}
	head, bounded, body, next, done := c.block(), c.block(), c.block(), c.block(), c.block()
	c.jump(head)
	c.b = head
	i := c.load(counter, 0, mem(8, ssa.MemSlot, true))
	c.branch(c.cmp(ssa.OpSLt, i, end), bounded, done, 1)
	c.b = bounded
	if !constant {
		n := c.load(steps, 0, mem(8, ssa.MemSlot, false))
		c.store(steps, 0, c.bin(ssa.OpAdd, n, c.constI(1)), 8, ssa.MemSlot)
		c.branch(c.cmp(ssa.OpULt, n, c.constI(maxPlainSteps)), body, done, 1)
	} else {
		c.jump(body)
	}
	c.b = body
	if constant {
		c.steps(s, info, func() { c.loopBody(s, info, i, &loop{brk: done, cont: next}) })
	} else {
		c.loopBody(s, info, i, &loop{brk: done, cont: next})
	}
	c.jump(next)
	c.b = next
	i = c.load(counter, 0, mem(8, ssa.MemSlot, true))
	c.store(counter, 0, c.bin(ssa.OpAdd, i, c.constI(1)), 8, ssa.MemSlot)
	c.jump(head)
	c.b = done
}

// countTo runs body with i from 0 in steps up to below n, of which the verifier knows a
// bound; body may jump to done.
func (c *fn) countTo(n *ssa.Value, step int64, body func(i *ssa.Value, done *ssa.Block)) {
	counter := c.slot("i", 8, 8)
	c.store(counter, 0, c.constI(0), 8, ssa.MemSlot)
	head, inside, done := c.block(), c.block(), c.block()
	c.jump(head)
	c.b = head
	i := c.load(counter, 0, mem(8, ssa.MemSlot, false))
	c.branch(c.cmp(ssa.OpULt, i, n), inside, done, 1)
	c.b = inside
	body(i, done)
	c.store(counter, 0, c.bin(ssa.OpAdd, i, c.constI(step)), 8, ssa.MemSlot)
	c.jump(head)
	c.b = done
}

// loopBody runs the body with the loop's variable set to i.
func (c *fn) loopBody(s *syntax.For, info *types.Local, i *ssa.Value, l *loop) {
	if v := c.local(info); v != nil {
		c.store(c.localAddr(v), 0, c.extendTo(i, v.t), bytesOf(v.t), ssa.MemSlot)
	}
	c.loops = append(c.loops, l)
	c.blockStmts(s.Body)
	c.loops = c.loops[:len(c.loops)-1]
}

// iterRange uses the kernel's open-coded number iterator: struct bpf_iter_num, 8 bytes;
// next gives a pointer to an int, or NULL at the end. Its numbers are 32 bits wide, so it
// counts from zero and the start is added.
func (c *fn) iterRange(s *syntax.For) {
	info := c.info.Locals[s.Var.ID()]
	start, end := c.intExpr(s.From), c.intExpr(s.To)
	count := c.bin(ssa.OpSub, end, start)
	count = c.ifElse(c.cmp(ssa.OpSLt, count, c.constI(0)), -1,
		func() *ssa.Value { return c.constI(0) },
		func() *ssa.Value {
			big := c.cmp(ssa.OpSLt, c.constI(maxIterSteps), count)
			return c.ifElse(big, -1, func() *ssa.Value { return c.constI(maxIterSteps) }, func() *ssa.Value { return count })
		})
	back := c.carry(s.Body)
	it := c.f.NewSlot("iter", 8, 8)
	it.Captured = true
	c.kfunc("bpf_iter_num_new", ssa.I64, c.slotAddr(it, 0), c.constI(0), count)
	head, body, done := c.block(), c.block(), c.block()
	c.jump(head)
	c.b = head
	p := c.kfunc("bpf_iter_num_next", ssa.Ptr, c.slotAddr(it, 0))
	c.branch(p, body, done, 1)
	c.b = body
	i := c.bin(ssa.OpAdd, c.load(p, 0, mem(4, ssa.MemMap, true)), start)
	// The iterator must be given back on every way out, return among them.
	c.iters = append(c.iters, it)
	c.loopBody(s, info, i, &loop{brk: done, cont: head})
	c.iters = c.iters[:len(c.iters)-1]
	c.jump(head)
	c.b = done
	c.endIter(it)
	back()
}

func (c *fn) kfunc(name string, t ssa.Type, args ...*ssa.Value) *ssa.Value {
	return c.emitAux(ssa.OpKfunc, t, 0, name, args...)
}

func (c *fn) endIter(it *ssa.Slot) { c.kfunc("bpf_iter_num_destroy", ssa.Void, c.slotAddr(it, 0)) }

// leave returns from the program, or from the callback, after giving back its iterators.
func (c *fn) leave(v *ssa.Value) {
	if c.b == nil {
		return
	}
	for i := len(c.iters) - 1; i >= 0; i-- {
		c.endIter(c.iters[i])
	}
	c.ret(v)
}

// maxIterSteps is BPF_MAX_LOOPS (include/linux/bpf_verifier.h).
const maxIterSteps = 8 << 20

// frame is the memory that a loop's callback shares with the function around it: its
// address is the callback's context. Word 0 is the program's context, word 1 tells that
// the body returned from the program.
type frame struct {
	slot   *ssa.Slot
	vars   []*types.Local
	offset map[*types.Local]int64
	set    map[*types.Local]bool // the body sets them
	cells  map[*types.Local]bool // those of them that are in cells
	size   uint32
}

// place is where l lives in the frame; base is the frame's address in a callback.
func (fr *frame) place(l *types.Local, base *ssa.Value) *local {
	off, ok := fr.offset[l]
	if !ok {
		return nil
	}
	v := &local{off: off, t: l.Type}
	if fr.cells[l] {
		v = hidden(nil, off, l.Type)
	}
	if v.addr = base; base == nil {
		v.slot = fr.slot
	}
	return v
}

// add gives l a place in the frame.
func (fr *frame) add(l *types.Local) {
	if _, done := fr.offset[l]; done {
		return
	}
	fr.size = alignUp(fr.size, 8)
	fr.vars = append(fr.vars, l)
	fr.offset[l] = int64(fr.size)
	fr.size += max(8, bytesOf(l.Type))
}

const (
	frameCtx    = 0
	frameReturn = 8
	frameVars   = 16
)

// What a loop's body returned from, in its frame.
const (
	returnProgram = 1
	returnFunc    = 2
)

// callback makes the function for a loop's body; gen fills it. Its parameter ctxParam is
// the address of the frame; extra variables of the function around it are captured too.
func (c *fn) callback(s *syntax.For, extra []*types.Local, params []ssa.Type, ctxParam int, gen func(cb *fn)) (fnAddr, ctx *ssa.Value, fr *frame) {
	fr = &frame{slot: c.f.NewSlot("frame", frameVars, 8), offset: map[*types.Local]int64{}, size: frameVars}
	fr.slot.Captured = true
	for _, l := range extra {
		fr.add(l)
	}
	fr.set, fr.cells = c.assignedIn(s.Body), map[*types.Local]bool{}
	if call, _ := c.calling(); call != nil && call.result != nil && returns(s.Body) {
		fr.add(call.result)
		fr.set[call.result] = true
	}
	for l := range fr.set {
		fr.cells[l] = c.celled(l)
	}
	c.capture(s, fr)
	fr.slot.Size = alignUp(fr.size, 8)
	base := c.slotAddr(fr.slot, 0)
	if c.outer == nil {
		c.store(base, frameCtx, c.ctx, 8, ssa.MemSlot)
	} else {
		c.store(base, frameCtx, c.loadPtr(c.frameBase, frameCtx, ssa.MemSlot), 8, ssa.MemSlot)
	}
	c.store(base, frameReturn, c.constI(0), 8, ssa.MemSlot)
	f := ssa.NewFunc(c.prog.Name+"_cb"+itoa(len(c.prog.Funcs)), ssa.FuncCallback, params, ssa.I64)
	c.prog.Funcs = append(c.prog.Funcs, f)
	cb := &fn{gen: c.gen, unit: c.unit, prog: c.prog, f: f, b: f.Entry(), kind: c.kind, pos: c.pos,
		locals: map[*types.Local]*local{}, outer: c, frame: fr, uses: c.uses, subs: c.subs}
	cb.params = make([]*ssa.Value, len(params))
	for i, p := range params {
		cb.params[i] = cb.emitAux(ssa.OpParam, p, int64(i), nil)
	}
	cb.frameBase = cb.params[ctxParam]
	cb.loops = []*loop{{callback: true}}
	gen(cb)
	cb.ret(nil)
	return c.emitAux(ssa.OpFuncAddr, ssa.Ptr, 0, f), base, fr
}

// returns reports whether a loop's body returns.
func returns(b *syntax.Block) bool {
	found := false
	syntax.Inspect(b, func(n syntax.Node) bool {
		if j, ok := n.(*syntax.Jump); ok && j.Kind == syntax.Return {
			found = true
		}
		return !found
	})
	return found
}

// capture moves the variables that the loop's body shares with the function around it
// into the frame, for as long as the loop runs.
func (c *fn) capture(s *syntax.For, fr *frame) {
	syntax.Inspect(s.Body, func(n syntax.Node) bool {
		v, ok := n.(*syntax.VarExpr)
		if !ok {
			return true
		}
		info := c.info.Locals[v.ID()]
		if c.known(info) == nil {
			return true
		}
		fr.add(info)
		return true
	})
	for _, info := range fr.vars {
		c.copyLocal(fr.place(info, nil), c.local(info))
	}
}

// copyLocal sets variable to to what from holds.
func (c *fn) copyLocal(to, from *local) {
	if scalar(to.t) {
		c.storeLocal(to, c.loadLocal(from))
		return
	}
	c.move(c.localAddr(to), ssa.MemSlot, c.localAddr(from), ssa.MemSlot, bytesOf(to.t), min(8, alignOf(to.t)))
}

// release brings the captured variables that the body set back from the frame after the loop.
func (c *fn) release(fr *frame) {
	for _, info := range fr.vars {
		if fr.set[info] {
			l := c.local(info)
			l.btf = false
			c.copyLocal(l, fr.place(info, nil))
		}
	}
	base := c.slotAddr(fr.slot, 0)
	// The body may have returned, from the program or from the function that the loop is in.
	left := c.load(base, frameReturn, mem(8, ssa.MemSlot, false))
	call, here := c.calling()
	if call == nil {
		c.leaveIf(left)
		return
	}
	c.leaveIf(c.cmp(ssa.OpEq, left, c.constI(returnProgram)))
	c.ifThen(c.cmp(ssa.OpEq, left, c.constI(returnFunc)), -1, func() {
		if here {
			c.endCall(call)
		} else {
			c.endCallback(returnFunc)
		}
	})
}

// leaveIf returns from the program when v isn't zero.
func (c *fn) leaveIf(v *ssa.Value) {
	out, on := c.block(), c.block()
	c.branch(v, out, on, -1)
	c.b = out
	if c.outer != nil {
		c.returnThroughCallback()
	} else {
		c.leave(nil)
	}
	c.b = on
}

// known is l's place if the function or one around it has it already.
func (c *fn) known(l *types.Local) *local {
	if l == nil {
		return nil
	}
	if v := c.locals[l]; v != nil {
		return v
	}
	if c.outer != nil {
		return c.captured(l)
	}
	return nil
}

// captured is l's place in the frame, in a callback.
func (c *fn) captured(l *types.Local) *local {
	return c.frame.place(l, c.frameBase)
}

// returnThroughCallback tells the function around the loop to return, and ends the loop.
func (c *fn) returnThroughCallback() { c.endCallback(returnProgram) }

// endCallback tells the function around the loop what to return from, and ends the loop.
func (c *fn) endCallback(from int64) {
	c.store(c.frameBase, frameReturn, c.constI(from), 8, ssa.MemSlot)
	c.leave(c.constI(1))
}

// callbackRange is a range by bpf_loop(n, callback, ctx, flags).
func (c *fn) callbackRange(s *syntax.For) {
	info := c.info.Locals[s.Var.ID()]
	start, end := c.intExpr(s.From), c.intExpr(s.To)
	startSlot := c.slot("start", 8, 8)
	c.store(startSlot, 0, start, 8, ssa.MemSlot)
	count := c.bin(ssa.OpSub, end, start)
	count = c.ifElse(c.cmp(ssa.OpSLt, count, c.constI(0)), -1,
		func() *ssa.Value { return c.constI(0) }, func() *ssa.Value { return count })
	startVar := &types.Local{Name: "start", Type: int64Type}
	c.locals[startVar] = &local{slot: startSlot.Aux.(*ssa.Slot), t: int64Type}
	addr, ctx, fr := c.callback(s, []*types.Local{startVar}, []ssa.Type{ssa.I32, ssa.Ptr}, 1, func(cb *fn) {
		base := cb.local(startVar)
		i := cb.bin(ssa.OpAdd, cb.emit(ssa.OpZExt32, ssa.I64, cb.params[0]),
			cb.load(cb.localAddr(base), 0, mem(8, ssa.MemSlot, true)))
		if v := cb.local(info); v != nil {
			cb.store(cb.localAddr(v), 0, cb.extendTo(i, v.t), bytesOf(v.t), ssa.MemSlot)
		}
		cb.blockStmts(s.Body)
	})
	c.call(fnLoop, ssa.I64, count, addr, ctx, c.constI(0))
	c.release(fr)
}

// forMap runs the body for each element: bpf_for_each_map_elem(map, callback, ctx, flags).
func (c *fn) forMap(s *syntax.For) {
	st := &c.maps[c.mapByName[s.Map.Name]]
	if st.v == nil {
		return
	}
	if st.v.Storage != object.StoreHash {
		c.unsupported(s.Span(), "a loop over a map without keys")
		return
	}
	if st.v.Buckets {
		c.unsupported(s.Span(), "a loop over a histogram")
		return
	}
	if !c.info.Facts.Features.ForEachMap {
		c.rep.Errorf(diag.CodeFeature, s.Span(), "a loop over a map needs Linux 5.13 (bpf_for_each_map_elem)")
		return
	}
	info := c.info.Locals[s.Var.ID()]
	addr, ctx, fr := c.callback(s, nil, []ssa.Type{ssa.Ptr, ssa.Ptr, ssa.Ptr, ssa.Ptr}, 3, func(cb *fn) {
		cb.loopPair(info, st, cb.params[1], cb.params[2])
		cb.blockStmts(s.Body)
	})
	c.call(fnForEachMap, ssa.I64, c.mapPtr(st.v.Map), addr, ctx, c.constI(0))
	c.release(fr)
}

// loopPair sets the loop's variable to the tuple (key, value).
func (c *fn) loopPair(info *types.Local, st *mapState, key, value *ssa.Value) {
	v := c.local(info)
	if v == nil || len(v.t.Fields) < 2 {
		return
	}
	dst := c.localAddr(v)
	c.padding(dst, ssa.MemSlot, v.t)
	k, val := v.t.Fields[0], v.t.Fields[1]
	c.storeOperand(c.addI(dst, int64(k.Offset)), ssa.MemSlot, c.deref(ref{base: key, class: ssa.MemMap}, st.Key), k.Type)
	if st.agg {
		at := ref{base: key, class: ssa.MemMap}
		if scalar(val.Type) {
			n := c.aggregateAt(st, at)
			c.store(dst, int64(val.Offset), c.extendTo(n, val.Type), bytesOf(val.Type), ssa.MemSlot)
			return
		}
		acc := c.mergedAt(st, at)
		c.move(c.addI(dst, int64(val.Offset)), ssa.MemSlot, acc, ssa.MemSlot, bytesOf(val.Type), 8)
		return
	}
	c.storeOperand(c.addI(dst, int64(val.Offset)), ssa.MemSlot, c.deref(ref{base: value, class: ssa.MemMap}, st.Value), val.Type)
}
