package ssagen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// registers are the offsets in bytes of an architecture's struct pt_regs as programs see it.
type registers struct {
	args   []string // of a function call, in order
	goArgs []string // of a call of a Go function (cmd/compile/abi-internal.md)
	result string
	sp     string
	offset map[string]int64
}

// regsOf is the table of arch: arch/x86/include/asm/ptrace.h (struct pt_regs),
// arch/arm64/include/uapi/asm/ptrace.h (struct user_pt_regs).
func regsOf(arch string) registers {
	if arch == "arm64" {
		r := registers{result: "r0", sp: "sp", offset: map[string]int64{"sp": 248, "pc": 256, "ip": 256, "pstate": 264}}
		for i := range 31 {
			r.offset["r"+strconv.Itoa(i)] = int64(8 * i)
			if i < 8 {
				r.args = append(r.args, "r"+strconv.Itoa(i))
			}
			if i < 16 {
				r.goArgs = append(r.goArgs, "r"+strconv.Itoa(i))
			}
		}
		return r
	}
	r := registers{args: []string{"di", "si", "dx", "cx", "r8", "r9"},
		goArgs: []string{"ax", "bx", "cx", "di", "si", "r8", "r9", "r10", "r11"},
		result: "ax", sp: "sp", offset: map[string]int64{}}
	for i, name := range strings.Fields("r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss") {
		r.offset[name] = int64(8 * i)
	}
	r.offset["pc"] = r.offset["ip"]
	return r
}

func (c *fn) loadReg(name string) *ssa.Value {
	r := regsOf(c.info.Facts.Arch)
	off := r.offset[name]
	if c.kind == probe.Profile || c.kind == probe.Software || c.kind == probe.Hardware || c.kind == probe.Interval {
		// struct bpf_perf_event_data begins with the registers too.
		return c.load(c.context(), off, mem(8, ssa.MemCtx, false))
	}
	return c.load(c.context(), off, mem(8, ssa.MemCtx, false))
}

// typedArgs reports whether the context is an array of u64 arguments.
func (c *fn) typedArgs() bool {
	switch c.kind {
	case probe.Fentry, probe.Fexit, probe.RawTracepoint:
		return true
	}
	return false
}

// ctxArg is the i-th word of such a context, as type t.
func (c *fn) ctxArg(i int, t *types.Type) operand {
	o := operand{t: t}
	if t.Kind == types.Pointer && t.Elem != nil && t.Elem.Kind == types.Struct && t.Space != types.SpaceUser {
		o.v, o.btf = c.loadPtr(c.context(), int64(8*i), ssa.MemCtx), true
		return o
	}
	o.v = c.extendTo(c.load(c.context(), int64(8*i), mem(8, ssa.MemCtx, false)), t)
	return o
}

// argField is args.name where arguments aren't a struct in memory.
func (c *fn) argField(sel *types.Selection, t *types.Type) (operand, bool) {
	f := sel.Field
	switch {
	case c.typedArgs():
		if len(sel.Path) > 1 {
			return operand{}, false
		}
		return c.ctxArg(f.Arg, f.Type), true
	case c.kind == probe.Uprobe || c.kind == probe.Kprobe:
		if len(sel.Path) > 1 {
			return operand{}, false
		}
		return operand{t: t, v: c.extendTo(c.callArg(f.Arg), t)}, true
	case c.kind == probe.Tracepoint:
		return c.member(ref{base: c.context(), class: ssa.MemCtx}, sel, t), true
	}
	return operand{}, false
}

// argsStruct is args as a whole.
func (c *fn) argsStruct(e syntax.Expr, _ []syntax.Expr) operand {
	t := c.typeOf(e)
	if c.kind == probe.Tracepoint {
		return operand{t: t, ref: ref{base: c.context(), class: ssa.MemCtx}}
	}
	if t.Kind == types.Struct && t.S != nil && (c.typedArgs() || c.kind == probe.Uprobe) {
		buf := c.slot("args", bytesOf(t), 8)
		c.zero(buf, bytesOf(t), ssa.MemSlot, 8)
		for _, f := range t.S.Fields() {
			sel := types.Selection{Path: []types.Field{f}, Offset: f.Offset, Field: f}
			if o, ok := c.argField(&sel, f.Type); ok && scalar(f.Type) {
				c.store(buf, int64(f.Offset), c.asInt(o.v), bytesOf(f.Type), ssa.MemSlot)
			}
		}
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	}
	c.unsupported(e.Span(), "args as a whole in this probe")
	return operand{t: t, v: c.constI(0)}
}

// argIndex is the number at the end of arg0, sarg1 ….
func argIndex(e syntax.Expr) int {
	name := ""
	switch x := e.(type) {
	case *syntax.Ident:
		name = x.Name
	case *syntax.CallExpr:
		name = x.Fun.Name
	}
	n, _ := strconv.Atoi(strings.TrimLeft(name, "sarg"))
	return n
}

func (c *fn) argN(e syntax.Expr, _ []syntax.Expr) operand {
	t, i := c.typeOf(e), argIndex(e)
	if c.typedArgs() {
		return operand{t: t, v: c.load(c.context(), int64(8*i), mem(8, ssa.MemCtx, false))}
	}
	if c.kind == probe.USDT {
		return operand{t: t, v: c.usdtArg(i)}
	}
	if moved := c.unit.Points[0].Args; moved != nil {
		i = moved[i]
	}
	return operand{t: t, v: c.callArg(i)}
}

// callArg is the i-th argument of the probed function: in a register, or behind it on the stack.
func (c *fn) callArg(i int) *ssa.Value {
	args := c.argRegisters()
	if i < len(args) {
		return c.loadReg(args[i])
	}
	return c.stackWord(i - len(args))
}

// stackWord is the i-th word of the stack above the return address.
func (c *fn) stackWord(i int) *ssa.Value {
	r := regsOf(c.info.Facts.Arch)
	skip := int64(0)
	if c.info.Facts.Arch != "arm64" {
		skip = 8
	}
	at := ref{base: c.loadReg(r.sp), off: skip + int64(8*i), probed: true, user: c.userSpace()}
	return c.deref(at, uint64Type).v
}

func (c *fn) sargN(e syntax.Expr, _ []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.stackWord(argIndex(e))}
}

func (c *fn) reg(e syntax.Expr, args []syntax.Expr) operand {
	name := ""
	if k := c.constant(args[0]); k != nil {
		name = k.Str
	}
	r := regsOf(c.info.Facts.Arch)
	if _, ok := r.offset[name]; !ok {
		c.rep.Errorf(diag.CodeArgType, args[0].Span(), "no register %q on %s", name, c.info.Facts.Arch)
	}
	return operand{t: c.typeOf(e), v: c.loadReg(name)}
}

// retval is the result of the function: after its arguments in a trampoline's context, in a register otherwise.
func (c *fn) retval(e syntax.Expr, _ []syntax.Expr) operand {
	t := c.typeOf(e)
	if c.kind == probe.Fexit && c.unit.Points[0].Target == "bpf" {
		// Where it is depends on whether the verifier believes the program's BTF: if not, five
		// arguments come before it (btf_distill_func_proto, kernel/bpf/btf.c).
		buf := c.slot("ret", 8, 8)
		c.call(fnFuncRet, ssa.I64, c.context(), buf)
		return operand{t: t, v: c.extendTo(c.load(buf, 0, mem(8, ssa.MemSlot, false)), t)}
	}
	if c.kind == probe.Fexit && c.unit.Sig != nil {
		return c.ctxArg(len(c.unit.Sig.Args), t)
	}
	return operand{t: t, v: c.extendTo(c.loadReg(regsOf(c.info.Facts.Arch).result), t)}
}

// funcName is the function that the probe is in: an address that's named when printed.
func (c *fn) funcName(e syntax.Expr, _ []syntax.Expr) operand {
	t := c.typeOf(e)
	switch {
	case t.Kind == types.String:
		return c.pointText(t, func(p *probe.Point) string { return p.Func })
	case t.Kind == types.Usym:
		buf := c.slot("func", 16, 8)
		c.store(buf, 0, c.funcAddr(), 8, ssa.MemSlot)
		c.store(buf, 8, c.high32(c.call(fnPidTgid, ssa.I64)), 8, ssa.MemSlot)
		return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
	}
	return operand{t: t, v: c.funcAddr()}
}

func (c *fn) funcAddr() *ssa.Value {
	switch {
	case c.atReturns():
		return c.returnedFrom()
	case c.userSpace() && c.info.Facts.Kernel < 6<<16|6<<8:
		// bpf_get_func_ip gives 0 in uprobes before 6.6. At a function's entry the
		// instruction pointer is the same.
		return c.loadReg("ip")
	case c.info.Facts.Kernel >= 5<<16|15<<8:
		return c.call(fnFuncIP, ssa.I64, c.context())
	case c.kind == probe.Kretprobe && !c.oneFunc():
		c.rep.Errorf(diag.CodeFeature, c.span(), "func in a return probe of several functions needs Linux 5.15 (bpf_get_func_ip)")
		return c.constU(0)
	case c.kind == probe.Fentry, c.kind == probe.Fexit, c.kind == probe.Kretprobe:
		addr, _ := c.info.Env.KernelSymbol(c.unit.Points[0].Func)
		return c.constU(addr)
	}
	return c.loadReg("ip")
}

// oneFunc reports whether the program is for one function alone.
func (c *fn) oneFunc() bool {
	first := c.unit.Points[0].Func
	return !slices.ContainsFunc(c.unit.Points, func(p *probe.Point) bool { return p.Func != first })
}

// probeName is the text of the attach point: a constant, or by the attach cookie when the
// program has several.
func (c *fn) probeName(e syntax.Expr, _ []syntax.Expr) operand {
	return c.pointText(c.typeOf(e), func(p *probe.Point) string { return p.Text })
}

func (c *fn) pointText(t *types.Type, text func(*probe.Point) string) operand {
	points := c.unit.Points
	first := text(points[0])
	if !slices.ContainsFunc(points, func(p *probe.Point) bool { return text(p) != first }) {
		return operand{t: t, lit: &first}
	}
	c.uses.Cookies = true
	n := bytesOf(t)
	var table []byte
	for _, p := range points {
		s := text(p)
		row := make([]byte, n)
		copy(row[:max(0, int(n)-1)], s)
		table = append(table, row...)
	}
	index, off := c.rodata.place(c.gen, table)
	i := c.clamp(c.pointIndex(), uint32(len(points)))
	row := c.emit(ssa.OpAdd, ssa.Ptr, c.mapValue(index, off), c.bin(ssa.OpMul, i, c.constU(uint64(n))))
	return operand{t: t, ref: ref{base: row, class: ssa.MemConst}}
}

// findField is a member by name, those of anonymous members included; its offset is from
// the start of t.
func findField(t *types.Type, name string) (types.Field, bool) {
	if t == nil || t.S == nil {
		return types.Field{}, false
	}
	for _, f := range t.S.Fields() {
		if f.Name == name {
			return f, true
		}
		if f.Name == "" && f.Type != nil && f.Type.Kind == types.Struct {
			if g, ok := findField(f.Type, name); ok {
				g.Offset += f.Offset
				return g, true
			}
		}
	}
	return types.Field{}, false
}

// usermode is whether the CPU ran user code: from the code segment on amd64, from the mode bits on arm64.
func (c *fn) usermode(e syntax.Expr, _ []syntax.Expr) operand {
	t := c.typeOf(e)
	if c.info.Facts.Arch == "arm64" {
		mode := c.bin(ssa.OpAnd, c.loadReg("pstate"), c.constI(0xf))
		return operand{t: t, v: c.cmp(ssa.OpEq, mode, c.constI(0))}
	}
	ring := c.bin(ssa.OpAnd, c.loadReg("cs"), c.constI(3))
	return operand{t: t, v: c.cmp(ssa.OpEq, ring, c.constI(3))}
}
