package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// The code of the builtins, by name, in four tables: those that give a value, those that
// write one into memory, strings that are written with their length, and those that act.
type (
	valueFunc  func(c *fn, e syntax.Expr, args []syntax.Expr) operand
	intoFunc   func(c *fn, e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool)
	strFunc    func(c *fn, e syntax.Expr, dst *ssa.Value, size uint32) *ssa.Value
	effectFunc func(c *fn, e syntax.Expr, args []syntax.Expr)
)

// tables holds them; it's a value of the compilation, since their entries lead back to them.
type tables struct {
	value  map[string]valueFunc
	into   map[string]intoFunc
	str    map[string]strFunc
	effect map[string]effectFunc
}

// callOrName evaluates a call or a bare name.
func (c *fn) callOrName(e syntax.Expr) operand {
	t := c.typeOf(e)
	b := c.builtin(e)
	if k := c.info.Tables[e.ID()]; k != nil {
		i, off := c.rodata.place(c.gen, k.Data)
		return operand{t: t, ref: ref{base: c.mapValue(i, off), class: ssa.MemConst}}
	}
	if b == nil {
		if call, ok := e.(*syntax.CallExpr); ok {
			if f := c.scriptFunc(call.Fun.Name); f != nil {
				return c.callFunc(call, f)
			}
			if f := c.info.CFunc(call.Fun.Name); f != nil {
				return c.callC(call, f)
			}
		}
		c.unsupported(e.Span(), "this name")
		return operand{t: t, v: c.constI(0)}
	}
	args := callArgs(e)
	if g := c.builtins.value[b.Name]; g != nil {
		o := g(c, e, args)
		if o.t == nil {
			o.t = t
		}
		return o
	}
	if g := c.builtins.into[b.Name]; g != nil {
		buf := c.slot(b.Name, bytesOf(t), 8)
		g(c, e, args, buf, ssa.MemSlot, t, true)
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	}
	if g := c.builtins.effect[b.Name]; g != nil {
		g(c, e, args)
		return operand{t: t, v: c.constI(0)}
	}
	c.unsupported(e.Span(), "%s", b.Name)
	return operand{t: t, v: c.constI(0)}
}

// num makes a value function of one that gives a 64-bit number.
func num(f func(c *fn) *ssa.Value) valueFunc {
	return func(c *fn, e syntax.Expr, _ []syntax.Expr) operand {
		return operand{t: c.typeOf(e), v: f(c)}
	}
}

// helper is a value function that calls a helper without arguments.
func helper(id int64) valueFunc {
	return num(func(c *fn) *ssa.Value { return c.call(id, ssa.I64) })
}

func (c *fn) low32(v *ssa.Value) *ssa.Value  { return c.emit(ssa.OpZExt32, ssa.I64, v) }
func (c *fn) high32(v *ssa.Value) *ssa.Value { return c.bin(ssa.OpLShr, v, c.constI(32)) }

// pidTgid is tgid<<32 | pid, in our pid namespace's numbers.
func (c *fn) pidTgid() *ssa.Value {
	f := c.info.Facts
	if !f.PidNS {
		return c.call(fnPidTgid, ssa.I64)
	}
	// struct bpf_pidns_info { u32 pid, tgid; }
	buf := c.slot("pidns", 8, 8)
	c.zero(buf, 8, ssa.MemSlot, 8)
	c.call(fnNsPidTgid, ssa.I64, c.constU(f.PidNSDev), c.constU(f.PidNSIno), buf, c.constI(8))
	pid := c.load(buf, 0, mem(4, ssa.MemSlot, false))
	tgid := c.load(buf, 4, mem(4, ssa.MemSlot, false))
	return c.bin(ssa.OpOr, c.bin(ssa.OpShl, tgid, c.constI(32)), pid)
}

// task is the current task: a pointer that the verifier knows, where the kernel has it.
func (c *fn) task(t *types.Type) operand {
	if c.info.Facts.Kernel >= 5<<16|11<<8 {
		return operand{t: t, v: c.call(fnTaskBTF, ssa.Ptr), btf: true}
	}
	return operand{t: t, v: c.call(fnTask, ssa.I64)}
}

func (c *fn) nsecs(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	mode := ""
	if len(args) > 0 {
		if id, ok := unparen(args[0]).(*syntax.Ident); ok {
			mode = id.Name
		}
	}
	return operand{t: t, v: c.clock(mode)}
}

// clock reads a clock by nsecs' word for it; "" is the boot clock.
func (c *fn) clock(mode string) *ssa.Value {
	if st := c.clockMap(); st != nil {
		return c.load(c.globalAddr(st.v), 0, mem(8, ssa.MemMap, false))
	}
	switch mode {
	case "monotonic":
		return c.call(fnKtimeNS, ssa.I64)
	case "tai":
		return c.call(fnTaiNS, ssa.I64)
	case "sw_tai":
		return c.bin(ssa.OpAdd, c.call(fnKtimeBoot, ssa.I64), c.constI(c.info.Facts.BootTime))
	}
	return c.call(fnKtimeBoot, ssa.I64)
}

// clockMap is the map that stands for all clocks, or nil.
func (c *fn) clockMap() *mapState {
	i, ok := c.mapByName[c.info.ClockMap]
	if !ok {
		return nil
	}
	st := &c.maps[i]
	if st.v == nil || st.v.Storage != object.StoreGlobal || st.Value.Kind != types.Int || st.Value.Size != 8 {
		return nil
	}
	return st
}

func newTables() *tables {
	value := map[string]valueFunc{
		"pid":     pidOf(func(c *fn) *ssa.Value { return c.high32(c.pidTgid()) }),
		"tid":     pidOf(func(c *fn) *ssa.Value { return c.low32(c.pidTgid()) }),
		"uid":     num(func(c *fn) *ssa.Value { return c.low32(c.call(fnUidGid, ssa.I64)) }),
		"gid":     num(func(c *fn) *ssa.Value { return c.high32(c.call(fnUidGid, ssa.I64)) }),
		"cpu":     helper(fnCPU),
		"numaid":  helper(fnNumaNode),
		"cgroup":  helper(fnCgroupID),
		"jiffies": helper(fnJiffies),
		"rand":    num(func(c *fn) *ssa.Value { return c.low32(c.call(fnPrandom, ssa.I64)) }),
		"ncpus":   num(func(c *fn) *ssa.Value { return c.constI(int64(c.info.Facts.NumCPU)) }),
		"cpid":    num((*fn).childPid),
		"curtask": func(c *fn, e syntax.Expr, _ []syntax.Expr) operand { return c.task(c.typeOf(e)) },
		"nsecs":   (*fn).nsecs,
		"elapsed": num(func(c *fn) *ssa.Value {
			return c.bin(ssa.OpSub, c.call(fnKtimeBoot, ssa.I64), c.constU(c.opt.StartNS))
		}),
		"ctx":           func(c *fn, e syntax.Expr, _ []syntax.Expr) operand { return operand{t: c.typeOf(e), v: c.context()} },
		"args":          (*fn).argsStruct,
		"retval":        (*fn).retval,
		"argN":          (*fn).argN,
		"sargN":         (*fn).sargN,
		"reg":           (*fn).reg,
		"func":          (*fn).funcName,
		"probe":         (*fn).probeName,
		"kstack":        (*fn).stack,
		"ustack":        (*fn).stack,
		"dw_ustack":     (*fn).stack,
		"ksym":          (*fn).ksym,
		"bit_names":     (*fn).named,
		"decimal":       (*fn).named,
		"kptr":          (*fn).respaced,
		"uptr":          (*fn).respaced,
		"bswap":         (*fn).bswap,
		"strftime":      (*fn).strftime,
		"cgroup_path":   (*fn).cgroupPath,
		"container":     helper(fnCgroupID),
		"pod":           helper(fnCgroupID),
		"has_key":       (*fn).hasKey,
		"delete":        (*fn).deleteKey,
		"len":           (*fn).length,
		"strlen":        (*fn).strlen,
		"strncmp":       (*fn).strncmp,
		"strcontains":   (*fn).strcontains,
		"ppid":          relative("real_parent", "pid"),
		"pcomm":         relative("real_parent", "comm"),
		"leader_tid":    relative("group_leader", "pid"),
		"leader_comm":   relative("group_leader", "comm"),
		"container_of":  (*fn).containerOf,
		"is_err":        (*fn).isErr,
		"strstr":        (*fn).strstr,
		"memcmp":        (*fn).memcmp,
		"username":      num(func(c *fn) *ssa.Value { return c.low32(c.call(fnUidGid, ssa.I64)) }),
		"usermode":      (*fn).usermode,
		"signal":        sendSignal(fnSendSignal),
		"signal_thread": sendSignal(fnSendSignalThread),
		"find":          (*fn).findKey,
		"percpu_kaddr":  (*fn).percpuKaddr,
		"socket_cookie": (*fn).socketCookie,
		"skboutput":     (*fn).skboutput,
		"write_user":    (*fn).writeUser,
	}
	into := map[string]intoFunc{
		"comm":         (*fn).commInto,
		"str_concat":   (*fn).concat,
		"strerror":     (*fn).nameInto,
		"signal_name":  (*fn).nameInto,
		"syscall_name": (*fn).nameInto,
		"str":          strInto,
		"kstr":         strInto,
		"buf":          (*fn).bufFixed,
		"usym":         (*fn).usymInto,
		"ntop":         (*fn).ntopInto,
		"macaddr":      (*fn).macInto,
		"path":         (*fn).pathInto,
	}
	str := map[string]strFunc{
		"str":  (*fn).strAppend,
		"kstr": (*fn).strAppend,
	}
	effect := map[string]effectFunc{
		"printf":            formatted(object.ActionPrintf),
		"errorf":            formatted(object.ActionErrorf),
		"warnf":             formatted(object.ActionWarnf),
		"cat":               formatted(object.ActionCat),
		"system":            formatted(object.ActionSystem),
		"print":             (*fn).print,
		"print_log2":        printBCC("log2"),
		"print_csv":         (*fn).printCSV,
		"print_log2_json":   printBCC("log2json"),
		"print_linear":      printBCC("linear"),
		"print_linear_json": printBCC("linearjson"),
		"clear":             onMap(object.ActionClear),
		"zero":              onMap(object.ActionZero),
		"time":              (*fn).time,
		"exit":              (*fn).exit,
		"assert":            (*fn).assert,
		"static_assert":     nothing,
		"join":              (*fn).joinStrings,
		"delete":            (*fn).deleteStmt,
		"debugf":            (*fn).debugf,
		"override":          (*fn).override,
		"unwatch":           (*fn).unwatch,
	}
	return &tables{value, into, str, effect}
}

// nothing is a statement that the checker has dealt with.
func nothing(*fn, syntax.Expr, []syntax.Expr) {}

// pidOf is pid or tid, of the current task.
func pidOf(f func(c *fn) *ssa.Value) valueFunc { return num(f) }

// respaced is kptr(p), uptr(p): the same pointer in a given address space.
func (c *fn) respaced(e syntax.Expr, args []syntax.Expr) operand {
	o := c.expr(args[0])
	o.t = c.typeOf(e)
	if o.v != nil {
		o.v = c.asInt(o.v)
	}
	o.btf = false
	return o
}

func (c *fn) bswap(e syntax.Expr, args []syntax.Expr) operand {
	o := c.convertAgg(c.expr(args[0]))
	n := bytesOf(o.t)
	v := c.asInt(o.v)
	if n == 1 {
		return operand{t: c.typeOf(e), v: c.extendTo(v, c.typeOf(e))}
	}
	return operand{t: c.typeOf(e), v: c.emitAux(ssa.OpBswap, ssa.I64, int64(8*n), nil, v)}
}

// strftime keeps the time; the text is made where it's printed.
func (c *fn) strftime(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.intExpr(args[1])}
}

func (c *fn) ksym(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.intExpr(args[0])}
}

func (c *fn) stack(e syntax.Expr, _ []syntax.Expr) operand {
	t := c.typeOf(e)
	ref0 := c.stackRef(t)
	if t.Kind == types.Kstack {
		return operand{t: t, v: ref0}
	}
	buf := c.slot("ustack", 16, 8)
	c.store(buf, 0, ref0, 8, ssa.MemSlot)
	c.store(buf, 8, c.high32(c.pidTgid()), 8, ssa.MemSlot)
	return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
}

func (c *fn) usymInto(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, _ bool) {
	addr := c.intExpr(args[0])
	c.store(dst, 0, addr, 8, class)
	c.store(dst, 8, c.high32(c.pidTgid()), 8, class)
}

// childPid is cpid: the command's process, or 0 with a warning.
func (c *fn) childPid() *ssa.Value {
	if c.opt.ChildPid == 0 {
		c.reportText(siteNoChild)
	}
	return c.constI(int64(c.opt.ChildPid))
}

func (c *fn) hasKey(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	st, key := c.mapArg(args)
	if st == nil || key == nil || st.v.Storage != object.StoreHash {
		c.unsupported(e.Span(), "has_key on this")
		return operand{t: t, v: c.constI(0)}
	}
	if st.v.Buckets {
		if c.fewBuckets(e, st) {
			return operand{t: t, v: c.hasBuckets(st, key)}
		}
		return operand{t: t, v: c.constI(0)}
	}
	p := c.elementAt(st, key)
	return operand{t: t, v: c.cmp(ssa.OpNe, p, c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil))}
}

// deleteKey is delete as a value: whether the key was there.
func (c *fn) deleteKey(e syntax.Expr, args []syntax.Expr) operand {
	ret := c.delete(e, args)
	if ret == nil {
		return operand{t: c.typeOf(e), v: c.constI(1)}
	}
	return operand{t: c.typeOf(e), v: c.cmp(ssa.OpEq, ret, c.constI(0))}
}

func (c *fn) deleteStmt(e syntax.Expr, args []syntax.Expr) {
	if ret := c.delete(e, args); ret != nil {
		c.helperError(fnMapDelete, ret)
	}
}

// delete removes an element; of a map without keys it zeroes the value. The result is
// the helper's, or nil.
func (c *fn) delete(e syntax.Expr, args []syntax.Expr) *ssa.Value {
	st, key := c.mapArg(args)
	if st == nil {
		return nil
	}
	if st.v.Storage != object.StoreHash {
		p := c.globalAddr(st.v)
		c.zero(p, bytesOf(st.Value), ssa.MemMap, 8)
		c.store(p, int64(st.v.Present)-int64(st.v.Offset), c.constI(0), 1, ssa.MemMap)
		return nil
	}
	switch {
	case key == nil:
		c.unsupported(e.Span(), "deleting this")
		return nil
	case st.v.Buckets && !c.fewBuckets(e, st):
		return nil
	case st.v.Buckets:
		return c.deleteBuckets(st, key)
	}
	at := c.key(st, key)
	c.forget(st.Name)
	return c.call(fnMapDelete, ssa.I64, c.mapPtr(st.v.Map), c.refAddr(at))
}

// length is len(@map), len(stack), len(string) or len(array).
func (c *fn) length(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	if m, ok := unparen(args[0]).(*syntax.MapExpr); ok {
		if st := c.mapFor(m); st != nil && st.v.Storage == object.StoreHash && !st.v.Buckets {
			return operand{t: t, v: c.countElements(st)}
		}
	}
	switch at := c.typeOf(args[0]); at.Kind {
	case types.String:
		return operand{t: t, v: c.textLength(c.expr(args[0]))}
	case types.Array:
		return operand{t: t, v: c.constI(int64(at.Len))}
	case types.Kstack, types.Ustack:
		return operand{t: t, v: c.stackDepth(at)}
	}
	c.unsupported(e.Span(), "len of this")
	return operand{t: t, v: c.constI(0)}
}

// stackDepth counts the frames of the current stack.
func (c *fn) stackDepth(t *types.Type) *ssa.Value {
	if t.Stack.Limit == 0 {
		return c.constI(0)
	}
	flags := int64(0)
	if t.Kind == types.Ustack {
		flags = flagUserStack
	}
	size := 8 * uint32(c.stackLimit(t))
	buf := c.slot("frames", size, 8)
	n := c.call(fnGetStack, ssa.I64, c.context(), buf, c.constU(uint64(size)), c.constI(flags))
	return c.ifElse(c.cmp(ssa.OpSLt, n, c.constI(0)), -1,
		func() *ssa.Value { return c.constI(0) },
		func() *ssa.Value { return c.bin(ssa.OpLShr, n, c.constI(3)) })
}

// countElements is bpf_for_each_map_elem with a callback that does nothing: its result is the number of elements.
func (c *fn) countElements(st *mapState) *ssa.Value {
	if !c.info.Facts.Features.ForEachMap {
		c.rep.Errorf(diag.CodeFeature, c.span(), "len of a map needs Linux 5.13 (bpf_for_each_map_elem)")
		return c.constI(0)
	}
	f := c.subs["each"]
	if f == nil {
		f = ssa.NewFunc("each", ssa.FuncCallback, []ssa.Type{ssa.Ptr, ssa.Ptr, ssa.Ptr, ssa.Ptr}, ssa.I64)
		c.subs["each"] = f
		c.prog.Funcs = append(c.prog.Funcs, f)
		s := &fn{gen: c.gen, f: f, b: f.Entry(), pos: c.pos}
		s.ret(nil)
	}
	ctx := c.slot("ctx", 8, 8)
	c.store(ctx, 0, c.constI(0), 8, ssa.MemSlot)
	return c.call(fnForEachMap, ssa.I64, c.mapPtr(st.v.Map), c.emitAux(ssa.OpFuncAddr, ssa.Ptr, 0, f), ctx, c.constI(0))
}

// sendSignal makes the value function of signal() or signal_thread(): the helper's result.
func sendSignal(id int64) valueFunc {
	return func(c *fn, e syntax.Expr, args []syntax.Expr) operand {
		ret := c.call(id, ssa.I64, c.emit(ssa.OpTrunc, ssa.I32, c.intExpr(args[0])))
		c.helperError(id, ret)
		return operand{t: c.typeOf(e), v: ret}
	}
}
