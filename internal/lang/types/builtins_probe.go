package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// withRegs are the kinds whose context holds registers.
func withRegs() []probe.Kind {
	return []probe.Kind{probe.Kprobe, probe.Kretprobe, probe.Uprobe, probe.Uretprobe, probe.USDT,
		probe.Profile, probe.Interval, probe.Software, probe.Hardware, probe.Watchpoint}
}

func userKinds() []probe.Kind { return []probe.Kind{probe.Uprobe, probe.Uretprobe, probe.USDT} }

// probeBuiltins tell about the event.
func probeBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinArgN, Name: "argN", Var: true, check: checkArgN, Doc: "an argument by its number: arg0, arg1 …",
			Probes: []probe.Kind{probe.Kprobe, probe.Uprobe, probe.USDT, probe.RawTracepoint}},
		{ID: BuiltinArgs, Name: "args", Var: true, check: checkArgs, Doc: "the arguments by their names: args.name",
			Probes: []probe.Kind{probe.Tracepoint, probe.RawTracepoint, probe.Fentry, probe.Fexit, probe.Uprobe}},
		{ID: BuiltinRetval, Name: "retval", Var: true, check: checkRetval, Doc: "what the function returned",
			Probes: []probe.Kind{probe.Kretprobe, probe.Uretprobe, probe.Fentry, probe.Fexit}},
		{ID: BuiltinCtx, Name: "ctx", Var: true, check: checkCtx, Doc: "the program's context as the kernel passes it",
			Probes: append(withRegs(), probe.Iter)},
		{ID: BuiltinFunc, Name: "func", Var: true, check: checkFunc, Doc: "the function being traced",
			Probes: []probe.Kind{probe.Kprobe, probe.Kretprobe, probe.Uprobe, probe.Uretprobe, probe.Fentry, probe.Fexit}},
		{ID: BuiltinProbe, Name: "probe", Var: true, check: checkProbe, Doc: "the name of the probe, its wildcards expanded"},
		{ID: BuiltinProbetype, Name: "probetype", Var: true, check: checkProbetype, Doc: "the kind of the probe"},
		{ID: BuiltinUsermode, Name: "usermode", Var: true, check: checkUsermode, Doc: "1 when the event interrupted user space, else 0"},
		{ID: BuiltinReg, Name: "reg", Min: 1, Max: 1, check: checkReg, Probes: withRegs(), Doc: "a register's value: reg(\"ip\")"},
		{ID: BuiltinKstack, Name: "kstack", Max: 2, Var: true, check: checkStack, Doc: "the kernel stack: kstack, kstack([mode,] [frames])"},
		{ID: BuiltinDwUstack, Name: "dw_ustack", Max: 2, Var: true, check: checkDwUstack, Doc: "the user stack, unwound by .eh_frame: dw_ustack([mode,] [limit])"},
		{ID: BuiltinUstack, Name: "ustack", Max: 2, Var: true, check: checkStack, Doc: "the user stack: ustack, ustack([mode,] [frames])"},
		{ID: BuiltinOverride, Name: "override", Min: 1, Max: 1, Unsafe: true, Stmt: true, Probes: []probe.Kind{probe.Kprobe}, check: checkOverride,
			Doc: "has the probed function return a value without running: override(value)"},
		{ID: BuiltinUnwatch, Name: "unwatch", Min: 1, Max: 1, Async: true, Stmt: true, check: checkUnwatch, Doc: "removes the watchpoints at an address: unwatch(address)"},
	}
}

func checkOverride(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.intArg(args[0], b.Name)
	return voidType()
}

func checkUnwatch(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	c.kindArg(args[0], b.Name, "an address", Int, Pointer)
	return voidType()
}

// probeSpace is where the numbers that a probe hands out point into.
func (c *checker) probeSpace() Space {
	switch {
	case c.unit == nil:
		return SpaceKernel
	case c.kindIs(userKinds()...):
		return SpaceUser
	case c.kindIs(probe.Kprobe, probe.Kretprobe, probe.Fentry, probe.Fexit, probe.Tracepoint, probe.Iter, probe.RawTracepoint):
		return SpaceKernel
	}
	return SpaceNone
}

// blind reports whether nothing is known of the probe being walked, and it's of one of the
// kinds or itself of no known kind.
func (c *checker) blind(kinds ...probe.Kind) bool {
	return c.unit != nil && c.unit.Blind && (c.kind() == probe.Invalid || c.kindIs(kinds...))
}

func (c *checker) isTracepoint() bool { return c.kindIs(probe.Tracepoint) }

// argsStruct is what args is in the probe being walked.
func (c *checker) argsStruct() *StructType {
	if c.unit == nil {
		return nil
	}
	return c.unit.Args
}

// argSpace is where a field of args of type t points into. Tracepoints of system calls
// have what user space passed.
func (c *checker) argSpace(t *Type) Space {
	switch {
	case c.isTracepoint() && c.unit.Points[0].Target == "syscalls":
		return SpaceUser
	case c.isTracepoint():
		return SpaceKernel
	case c.kindIs(probe.Fentry, probe.Fexit, probe.RawTracepoint) && t.Kind == Pointer && followable(t):
		return SpaceBTF
	}
	return c.probeSpace()
}

// maxArgs is the number of arguments in registers.
func (c *checker) maxArgs() int {
	if c.info.Facts.Arch == "arm64" {
		return 8
	}
	return 6
}

func checkArgN(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	name := ""
	switch e := e.(type) {
	case *syntax.Ident:
		name = e.Name
	case *syntax.CallExpr:
		name = e.Fun.Name
	}
	n := argNumber(name)
	if n >= 0 && c.blind(probe.USDT, probe.RawTracepoint) {
		return invalidType()
	}
	if n >= 0 && c.kindIs(probe.USDT) {
		return c.usdtArg(e, n)
	}
	most := c.maxArgs()
	if c.kindIs(probe.RawTracepoint) && c.unit.Sig != nil {
		most = len(c.unit.Sig.Args)
	}
	if n >= most {
		c.errorf(diag.CodeRange, e.Span(), "there is no %s: arguments are arg0 to arg%d", name, most-1)
		return invalidType()
	}
	if n < 0 {
		c.errorf(diag.CodeUnknownName, e.Span(), "arguments are arg0, arg1 …")
		return invalidType()
	}
	if pt := c.unit.Points[0]; pt.Args != nil && (n >= len(pt.Args) || pt.Args[n] < 0) {
		c.errorf(diag.CodeArgsMissing, e.Span(), "arg%d of %s is none of %s's arguments, which it's followed to", n, pt.Orig.Func, pt.Func)
		return invalidType()
	}
	return IntType(8, false).In(c.probeSpace())
}

func checkArgs(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	s := c.unit.Args
	switch {
	case s == nil && c.unit.Blind:
	case c.kindIs(probe.Fentry, probe.Fexit) && c.unit.Points[0].Target == "bpf":
		c.errorf(diag.CodeArgsMissing, e.Span(), "args isn't known for functions of BPF programs")
	case s == nil && c.kindIs(probe.Uprobe):
		c.errorf(diag.CodeArgsMissing, e.Span(), "args isn't known: the binary has no debug information about the function").
			Note("arg0, arg1 … work without it")
	case s == nil:
		c.errorf(diag.CodeArgsMissing, e.Span(), "the arguments of %s aren't known", c.unit.Points[0].Text)
	case len(s.Fields()) == 0:
		c.errorf(diag.CodeArgsMissing, e.Span(), "%s has no arguments", c.unit.Points[0].Text)
	default:
		return &Type{Kind: Struct, S: s, Size: s.Size, Ctx: true, Space: c.argSpace(voidType())}
	}
	return invalidType()
}

// funcRetSince is the kernel that has bpf_get_func_ret.
const funcRetSince = 5<<16 | 17<<8

func checkRetval(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	if c.blind(probe.Fexit) {
		return invalidType()
	}
	if !c.kindIs(probe.Fentry, probe.Fexit) {
		return IntType(8, false).In(c.probeSpace())
	}
	if c.kindIs(probe.Fentry) {
		c.errorf(diag.CodeProbeKind, e.Span(), "fentry probes have no retval").Note("the value is known when the function returns: fexit")
		return invalidType()
	}
	sig := c.unit.Sig
	if k := c.info.Facts.Kernel; c.unit.Points[0].Target == "bpf" && k != 0 && k < funcRetSince {
		c.errorf(diag.CodeArgsMissing, e.Span(), "retval of BPF programs needs Linux 5.17")
		return invalidType()
	}
	if sig == nil || sig.Result == nil || sig.Result.Kind == Void {
		c.errorf(diag.CodeArgsMissing, e.Span(), "%s returns nothing that is known", c.unit.Points[0].Text)
		return invalidType()
	}
	if sig.Result.Space == SpaceUser {
		return sig.Result
	}
	return sig.Result.In(c.argSpace(sig.Result))
}

func checkCtx(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	if c.blind(probe.Iter) {
		return invalidType()
	}
	if c.unit.Ctx == nil {
		return PointerTo(voidType(), SpaceCtx)
	}
	return c.unit.Ctx
}

func checkFunc(c *checker, _ syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	if c.kindIs(probe.Uprobe, probe.Uretprobe) {
		return plain(Usym)
	}
	return plain(Ksym)
}

// maxKindName is the size of a string for the longest name of a kind.
const maxKindName = 16

// checkProbe: of several points the longest name says how large the string is.
func checkProbe(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	if c.unit == nil {
		c.errorf(diag.CodeProbeKind, e.Span(), "probe is only known in a probe")
		return invalidType()
	}
	if len(c.unit.Points) == 1 {
		return c.stringConst(e, c.unit.Points[0].Text)
	}
	size := 0
	for _, p := range c.unit.Points {
		size = max(size, len(p.Text)+1)
	}
	return StringType(uint32(size)).In(SpaceKernel)
}

func checkProbetype(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	switch k := c.kind(); {
	case k == probe.Invalid && c.unit != nil:
		return StringType(maxKindName)
	case k == probe.Invalid:
		c.errorf(diag.CodeProbeKind, e.Span(), "probetype is only known in a probe")
		return invalidType()
	case c.kindIs(probe.Begin, probe.End, probe.Self):
		return c.stringConst(e, "special")
	case k == probe.Bench:
		return c.stringConst(e, "benchmark")
	default:
		return c.stringConst(e, k.String())
	}
}

// checkUsermode: where there are no registers it's known in advance.
func checkUsermode(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	if arch := c.info.Facts.Arch; arch != "" && arch != "amd64" {
		c.errorf(diag.CodeUnsupported, e.Span(), "usermode is only supported on amd64")
		return invalidType()
	}
	if !c.kindIs(withRegs()...) && c.unit != nil {
		user := c.kindIs(probe.Begin, probe.End, probe.Self)
		c.setConst(e, &Const{Int: bit(user)}, false)
	}
	return IntType(1, false)
}

// registers are the names that reg() takes, by architecture.
func registers(arch string) []string {
	if arch == "arm64" {
		names := []string{"sp", "pc", "pstate"}
		for _, d := range []string{"", "1", "2"} {
			for n := byte('0'); n <= '9'; n++ {
				names = append(names, "r"+d+string(n))
			}
		}
		return append(names, "r30")
	}
	return []string{"r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx",
		"si", "di", "orig_ax", "ip", "pc", "cs", "flags", "sp", "ss"}
}

func checkReg(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	name, ok := c.constStr(args[0], b.Name)
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	if names := registers(c.info.Facts.Arch); !contains(names, name) {
		d := c.errorf(diag.CodeSymbol, args[0].Span(), "unknown register: %s", name)
		if near := nearest(name, names); near != "" {
			d.Suggest("\"" + near + "\"")
		}
		return invalidType()
	}
	return IntType(8, false).In(c.probeSpace())
}

// DefaultFrames is the most frames of a stack without a limit, which is also the most that
// kernels walk unless told otherwise (PERF_MAX_STACK_DEPTH, include/uapi/linux/perf_event.h).
const DefaultFrames = 127

// maxFrames is the largest limit.
const maxFrames = 1024

// v5_17Loop is the kernel that has bpf_loop, and before it bpf_task_pt_regs.
const v5_17Loop = 5<<16 | 17<<8

// checkDwUstack: the stacks are unwound in the kernel by tables that are made for some
// processes.
func checkDwUstack(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if !c.stable(e.Span(), "dw_ustack (DWARF stack unwinding)", "unstable_dw_ustack") {
		return invalidType()
	}
	switch f := c.info.Facts; {
	case f != nil && f.Arch != "" && f.Arch != "amd64":
		c.errorf(diag.CodeFeature, e.Span(), "dw_ustack is for x86_64")
		return invalidType()
	case f != nil && f.Kernel != 0 && f.Kernel < v5_17Loop:
		c.errorf(diag.CodeFeature, e.Span(), "dw_ustack needs Linux 5.17 (bpf_loop)")
		return invalidType()
	case !c.opt.Unwind:
		c.errorf(diag.CodeFeature, e.Span(), "dw_ustack requires a target process").Note("-p, -c or --dwarf-pid says which")
		return invalidType()
	}
	t := checkStack(c, e, args, b)
	if t.Kind != Ustack {
		return t
	}
	spec := t.Stack
	if spec.Mode == object.StackBuildID {
		c.errorf(diag.CodeArgType, e.Span(), "dw_ustack has addresses only; ustack(build_id) has build ids")
		return invalidType()
	}
	spec.Unwound = true
	return stackType(Ustack, spec)
}

// checkStack types kstack and ustack: a mode, a limit, both or none.
func checkStack(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	k := Ustack
	if b.ID == BuiltinKstack {
		k = Kstack
	}
	spec := object.StackSpec{Limit: DefaultFrames, Mode: c.info.StackMode}
	if len(args) > 0 {
		if id, ok := unparen(args[0]).(*syntax.Ident); ok && findBuiltin(id.Name) == nil {
			mode, ok := stackMode(c.wordArg(args[0], b.Name, stackModes[:]...))
			if !ok {
				return invalidType()
			}
			spec.Mode, args = mode, args[1:]
			if mode == object.StackBuildID && k == Kstack {
				c.errorf(diag.CodeArgType, id.Span(), "the kernel's frames have no build id; ustack(build_id) has")
				return invalidType()
			}
		} else if len(args) == 2 {
			c.errorf(diag.CodeArgType, args[0].Span(), "%s() takes the mode first: one of %s", b.Name, list(stackModes[:]))
			return invalidType()
		}
	}
	if spec.Mode == object.StackBuildID && k == Kstack {
		c.warnf(diag.CodeStackMode, e.Span(), "the kernel's frames have no build id: raw addresses are shown")
		spec.Mode = object.StackRaw
	}
	if len(args) > 0 {
		n, ok := c.constInt(args[0], b.Name)
		if !ok {
			return wrong(c.info.Types[args[0].ID()])
		}
		if n > maxFrames {
			c.errorf(diag.CodeRange, args[0].Span(), "%s() takes at most %d frames, not %d", b.Name, maxFrames, n)
			return invalidType()
		}
		spec.Limit = uint16(n)
	}
	return stackType(k, spec)
}
