package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// A record goes to user space in one of two ways. When its size is fixed, it's reserved
// in the ring buffer and filled in place. When it holds strings that may be long, it's
// put together in scratch memory with the strings' actual lengths and copied: a path of
// 20 bytes then takes 20 bytes of the buffer and not max_strlen.

const (
	recordHeader = 8  // u32 action, u32 extra
	inlineString = 64 // strings and buffers up to this are inline
)

// recordArg is one value of a record while it's being made.
type recordArg struct {
	e     syntax.Expr
	t     *types.Type
	o     operand // evaluated ahead, when ready
	ready bool
}

// newAction enters an action.
func (c *fn) newAction(kind object.ActionKind, e syntax.Node) (int, *object.Action) {
	a := &object.Action{Kind: kind, Var: -1, Size: recordHeader}
	if c.pinned() && kind != object.ActionError {
		c.rep.Errorf(diag.CodeUnsupported, e.Span(), "a pinned iterator outlives this session: it can only printf()")
	}
	if e != nil {
		a.Span = e.Span()
	}
	if len(c.unit.Points) == 1 {
		a.Probe = c.unit.Points[0].Text
	}
	c.obj.Actions = append(c.obj.Actions, a)
	return len(c.obj.Actions) - 1, a
}

// send makes the record of action a with the values of args, and sends it.
func (c *fn) send(index int, a *object.Action, extra *ssa.Value, args []syntax.Expr) {
	list := make([]recordArg, len(args))
	for i, e := range args {
		list[i] = recordArg{e: e, t: c.typeOf(e)}
	}
	c.sendArgs(index, a, extra, list)
}

func (c *fn) sendArgs(index int, a *object.Action, extra *ssa.Value, list []recordArg) {
	dynamic := false
	c.prepareAll(list)
	for i := range list {
		dynamic = dynamic || c.dynamic(&list[i])
	}
	if c.b == nil {
		return
	}
	off := uint32(recordHeader)
	for i := range list {
		arg := &list[i]
		f := object.Field{Type: c.runtimeType(arg.t), Dynamic: c.dynamic(arg)}
		size, align := bytesOf(arg.t), min(8, alignOf(arg.t))
		if f.Dynamic {
			size, align = 4, 4
		}
		off = alignUp(off, align)
		f.Offset = off
		off += size
		a.Args = append(a.Args, f)
	}
	a.Size = alignUp(off, 8)
	if extra == nil {
		extra = c.constI(0)
	}
	if dynamic {
		c.sendDynamic(index, a, extra, list)
		return
	}
	r := c.call(fnRingbufReserve, ssa.Ptr, c.mapPtr(c.ring()), c.constU(uint64(a.Size)), c.constI(0))
	got, none, join := c.block(), c.block(), c.block()
	c.branch(r, got, none, 1)
	c.b = got
	c.header(r, ssa.MemRecord, index, extra)
	for i := range list {
		c.putArg(c.addI(r, int64(a.Args[i].Offset)), ssa.MemRecord, &list[i])
	}
	c.call(fnRingbufSubmit, ssa.Void, r, c.constI(0))
	c.jump(join)
	c.b = none
	c.lost()
	c.jump(join)
	c.b = join
}

// header writes a record's first 8 bytes.
func (c *fn) header(p *ssa.Value, class ssa.MemClass, index int, extra *ssa.Value) {
	if extra.Op == ssa.OpConst {
		c.store(p, 0, c.constI(int64(index)|extra.AuxInt<<32), 8, class)
		return
	}
	c.store(p, 0, c.constI(int64(index)), 4, class)
	c.store(p, 4, extra, 4, class)
}

// prepare evaluates an argument, unless it can, and with inPlace may, be made in the record.
func (c *fn) prepare(arg *recordArg, inPlace bool) {
	if arg.ready || arg.e == nil {
		return
	}
	e := unparen(arg.e)
	if b := c.builtin(e); inPlace && b != nil && c.constant(e) == nil && !scalar(arg.t) {
		if c.builtins.into[b.Name] != nil && c.plain(callArgs(e)) {
			return
		}
	}
	o := c.expr(arg.e)
	if o.t != nil && isAgg(o.t) && o.v != nil {
		o.t = arg.t
		if isAgg(arg.t) {
			arg.t = numberType(arg.t)
			o.t = arg.t
		}
	} else {
		o = c.convert(o, arg.t)
	}
	arg.o, arg.ready = o, true
}

// plain reports whether evaluating es neither leaves the block nor sends records.
func (c *fn) plain(es []syntax.Expr) bool {
	ok := true
	for _, e := range es {
		syntax.Inspect(e, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.Block, *syntax.IfExpr:
				ok = false
			}
			return ok
		})
	}
	return ok
}

// dynamic reports whether an argument takes only as many bytes as it has.
func (c *fn) dynamic(arg *recordArg) bool {
	if arg.t.Kind != types.String && arg.t.Kind != types.Buf || bytesOf(arg.t) <= inlineString {
		return false
	}
	return !arg.ready || arg.o.lit == nil
}

// putArg writes an argument into a record of fixed size.
func (c *fn) putArg(dst *ssa.Value, class ssa.MemClass, arg *recordArg) {
	switch {
	case !arg.ready:
		c.into(dst, class, arg.e, arg.t, false)
	case arg.t.Kind == types.String:
		c.storeString(dst, class, arg.o, bytesOf(arg.t), false)
	default:
		c.storeOperand(dst, class, arg.o, arg.t)
	}
}

// sendDynamic puts the record together in scratch memory: the fixed part, then the
// strings one after another.
func (c *fn) sendDynamic(index int, a *object.Action, extra *ssa.Value, list []recordArg) {
	total := a.Size
	for i := range list {
		if a.Args[i].Dynamic {
			total += bytesOf(list[i].t)
		}
	}
	buf := c.slot("record", alignUp(total, 8), 8)
	c.header(buf, ssa.MemSlot, index, extra)
	for i := range list {
		if !a.Args[i].Dynamic {
			c.putArg(c.addI(buf, int64(a.Args[i].Offset)), ssa.MemSlot, &list[i])
		}
	}
	end := c.constU(uint64(a.Size))
	for i := range list {
		if !a.Args[i].Dynamic {
			continue
		}
		dst := c.addI(buf, int64(a.Size))
		if end.Op != ssa.OpConst {
			dst = c.emit(ssa.OpAdd, ssa.Ptr, buf, end)
		}
		n, text := c.appendBytes(dst, &list[i])
		if c.b == nil {
			return
		}
		loc := c.bin(ssa.OpOr, end, c.bin(ssa.OpShl, text, c.constI(16)))
		c.store(buf, int64(a.Args[i].Offset), loc, 4, ssa.MemSlot)
		end = c.bin(ssa.OpAdd, end, n)
	}
	c.output(buf, end)
}

// output sends the first n bytes at buf as a record.
func (c *fn) output(buf, n *ssa.Value) {
	ret := c.call(fnRingbufOutput, ssa.I64, c.mapPtr(c.ring()), buf, n, c.constI(0))
	c.ifThen(c.cmp(ssa.OpSLt, ret, c.constI(0)), -1, c.lost)
}

// appendBytes writes a string or buffer at dst. n is the space it took, which the
// verifier knows to be at most its size; text the bytes without a NUL.
func (c *fn) appendBytes(dst *ssa.Value, arg *recordArg) (n, text *ssa.Value) {
	if arg.t.Kind == types.Buf {
		n = c.bufInto(dst, arg)
		return n, n
	}
	size := c.constU(uint64(bytesOf(arg.t)))
	if !arg.ready {
		defer c.at(arg.e)()
		if b := c.builtin(unparen(arg.e)); b != nil && c.builtins.str[b.Name] != nil {
			n = c.builtins.str[b.Name](c, unparen(arg.e), dst, bytesOf(arg.t))
		}
	}
	if n == nil {
		o := arg.o
		if !arg.ready {
			buf := c.slot("str", bytesOf(arg.t), 8)
			c.into(buf, ssa.MemSlot, arg.e, arg.t, false)
			o = operand{t: arg.t, ref: ref{base: buf, class: ssa.MemSlot}}
		}
		n = c.readStr(dst, size, o.ref)
	}
	taken, chars := c.slot("taken", 8, 8), c.slot("chars", 8, 8)
	c.store(taken, 0, c.constI(0), 8, ssa.MemSlot)
	c.store(chars, 0, c.constI(0), 8, ssa.MemSlot)
	c.ifThen(c.cmp(ssa.OpSLt, c.constI(0), n), 1, func() {
		c.store(taken, 0, n, 8, ssa.MemSlot)
		c.store(chars, 0, c.bin(ssa.OpSub, n, c.constI(1)), 8, ssa.MemSlot)
	})
	return c.load(taken, 0, mem(8, ssa.MemSlot, false)), c.load(chars, 0, mem(8, ssa.MemSlot, false))
}

// readStr copies the string at r, with its NUL, to the size bytes at dst; the result is its
// length with the NUL, or a negative errno.
func (c *fn) readStr(dst, size *ssa.Value, r ref) *ssa.Value {
	id := int64(fnProbeReadKernelStr)
	if r.probed {
		id = r.reader(true)
	}
	ret := c.call(id, ssa.I64, dst, size, c.refAddr(r))
	c.helperError(id, ret)
	return ret
}

// Failures.

// siteKey is a place in the script where a helper may fail, or a mistake be found: helper
// is then one of the negative numbers below.
type siteKey struct {
	pos    uint32
	helper int64
}

// Mistakes that are found at run time.
const (
	siteDivide = -1 - iota
	siteBounds
	siteNoChild
	siteNoTask
)

var siteTexts = map[int64]string{
	siteNoTask:  "comm(pid): no such process",
	siteDivide:  "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.",
	siteBounds:  "Array access out of bounds. This can lead to unexpected results.",
	siteNoChild: "No child command (`-c`); cpid is zero",
}

// reportText tells of a mistake of the script that shows only at run time.
func (c *fn) reportText(site int64) { c.report(site, c.constI(0), false) }

// helperError reports a failing helper under -k.
func (c *fn) helperError(id int64, ret *ssa.Value) {
	if !c.opt.HelperErrors {
		return
	}
	c.ifThen(c.cmp(ssa.OpSLt, ret, c.constI(0)), -1, func() { c.report(id, ret, false) })
}

// mapFailure counts a refused update; the first one at a place is reported as it happens.
func (c *fn) mapFailure(ret *ssa.Value) {
	c.ifThen(c.cmp(ssa.OpSLt, ret, c.constI(0)), -1, func() { c.report(fnMapUpdate, ret, true) })
}

// report sends an error report for helper id at this place; with counted, only the first,
// and the place keeps count.
func (c *fn) report(id int64, ret *ssa.Value, counted bool) {
	k := siteKey{uint32(c.pos), id}
	site, ok := c.errSite[k]
	if !ok {
		site = len(c.obj.Errors)
		c.errSite[k] = site
		c.obj.Errors = append(c.obj.Errors, &object.ErrorSite{Helper: helperNames[id], Msg: siteTexts[id], Span: c.span()})
	}
	if !counted {
		c.sendError(site, ret)
		return
	}
	c.obj.Errors[site].Count = c.sitesStart() + 8*uint32(site)
	at := c.mapValue(c.counters(), int64(c.obj.Errors[site].Count))
	var before *ssa.Value
	if c.info.Facts.Features.AtomicFetch {
		before = c.emitAux(ssa.OpAtomicFetchAdd, ssa.I64, 0, mem(8, ssa.MemMap, false), at, c.constI(1))
	} else {
		before = c.load(at, 0, mem(8, ssa.MemMap, false))
		c.store(at, 0, c.bin(ssa.OpAdd, before, c.constI(1)), 8, ssa.MemMap)
	}
	c.ifThen(c.cmp(ssa.OpEq, before, c.constI(0)), -1, func() { c.sendError(site, ret) })
}

// sendError sends the record of an error: the site, and what the helper returned.
func (c *fn) sendError(site int, ret *ssa.Value) {
	if c.errorAction < 0 {
		c.errorAction, _ = c.newAction(object.ActionError, nil)
		a := c.obj.Actions[c.errorAction]
		a.Args = []object.Field{{Offset: recordHeader, Type: c.runtimeType(int32Type)}}
		a.Size = recordHeader + 8
	}
	rec := c.slot("error", recordHeader+8, 8)
	c.store(rec, 0, c.constI(int64(c.errorAction)), 4, ssa.MemSlot)
	c.store(rec, 4, c.constI(int64(site)), 4, ssa.MemSlot)
	c.store(rec, recordHeader, ret, 8, ssa.MemSlot)
	c.call(fnRingbufOutput, ssa.I64, c.mapPtr(c.ring()), rec, c.constI(recordHeader+8), c.constI(0))
}

// lost counts a record that found no room.
func (c *fn) lost() { c.count(object.CounterLost) }

// count adds one to this CPU's counter.
func (c *fn) count(counter int64) {
	name := "count_lost"
	if counter == object.CounterStackError {
		name = "count_stack_error"
	}
	c.callSub(name, nil, func(s *fn) {
		p := s.mapValue(s.counters(), 8*counter)
		if s.cpuSlots() > 1 {
			cpu := s.bin(ssa.OpAnd, s.call(fnCPU, ssa.I64), s.constU(uint64(s.cpuSlots()-1)))
			p = s.emit(ssa.OpAdd, ssa.Ptr, p, s.bin(ssa.OpMul, cpu, s.constI(object.CountersRow)))
		}
		n := s.load(p, 0, mem(8, ssa.MemMap, false))
		s.store(p, 0, s.bin(ssa.OpAdd, n, s.constI(1)), 8, ssa.MemMap)
	})
}

// callSub calls the program's function name, made by body at its first use.
func (c *fn) callSub(name string, params []ssa.Type, body func(*fn), args ...*ssa.Value) *ssa.Value {
	return c.emitAux(ssa.OpCallFunc, ssa.I64, 0, c.subFunc(name, ssa.FuncSub, params, body), args...)
}

// subFunc is the program's function name, made by body at its first use.
func (c *fn) subFunc(name string, kind ssa.FuncKind, params []ssa.Type, body func(*fn)) *ssa.Func {
	f := c.subs[name]
	if f == nil {
		f = ssa.NewFunc(name, kind, params, ssa.I64)
		c.subs[name] = f
		c.prog.Funcs = append(c.prog.Funcs, f)
		s := &fn{gen: c.gen, unit: c.unit, prog: c.prog, f: f, b: f.Entry(), kind: c.kind, pos: c.pos,
			locals: map[*types.Local]*local{}, uses: c.uses, subs: c.subs}
		for i, t := range params {
			s.params = append(s.params, s.emitAux(ssa.OpParam, t, int64(i), nil))
		}
		body(s)
		s.ret(nil)
	}
	return f
}

// helperNames are the names that error reports show.
var helperNames = map[int64]string{
	fnMapLookup: "map_lookup_elem", fnMapUpdate: "map_update_elem", fnMapDelete: "map_delete_elem",
	fnProbeRead: "probe_read", fnProbeReadStr: "probe_read_str",
	fnProbeReadUser: "probe_read_user", fnProbeReadKernel: "probe_read_kernel",
	fnProbeReadUserStr: "probe_read_user_str", fnProbeReadKernelStr: "probe_read_kernel_str",
	fnDPath: "d_path", fnSendSignal: "send_signal", fnSendSignalThread: "send_signal_thread", fnComm: "get_current_comm",
	fnOverride: "override_return", fnTracePrintk: "trace_printk", fnSkbOutput: "skb_output",
}
