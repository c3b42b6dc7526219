// Package ssagen turns checked trees into SSA: one program a unit, with the maps, the
// record layouts and the actions that they need. See README.md.
package ssagen

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/cgen"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// Options choose among ways that mean the same.
type Options struct {
	// HelperErrors makes every failing helper send a report (-k).
	HelperErrors bool
	// StartNS is the boot clock in ns from which elapsed counts.
	StartNS uint64
	// CheckNull tests pointers to kernel objects before they're followed: some arguments
	// of raw tracepoints may be NULL, and the verifier alone knows which.
	CheckNull bool
	// Pid is the process of -p, 0 for none; ChildPid that of -c.
	Pid, ChildPid int
}

// Unit is a program of the module and what it was made from.
type Unit struct {
	Prog    *ssa.Prog
	From    *types.Unit
	Cookies bool          // it reads the attach cookie: the index of the point in From.Points
	c       *cgen.Program // its functions written in C; nil: there's none
}

// Result is what Build makes.
type Result struct {
	Object *object.Object // all but the programs
	Units  []*Unit
}

// gen is the state of one compilation.
type gen struct {
	info *types.Info
	opt  Options
	rep  *diag.Reporter
	obj  *object.Object
	out  *Result

	maps        []mapState // by types.MapInfo.Index
	mapByName   map[string]int
	stacks      map[stackKey]object.StackSpec // stack maps by limit and kind
	layouts     map[*types.Type]*object.Type
	rodata      rodata
	globals     global // map of keyless values shared by all CPUs
	percpu      global // the same, a row a CPU
	cgroups     cgroups
	c           cfuncs
	errSite     map[siteKey]int
	builtins    *tables
	used        scriptUses
	sharing     map[*types.FuncInfo]sharing
	errorAction int // the action of error records, -1 until one is made
}

// global is a map of one kind of keyless values while it's being filled.
type global struct {
	mapIndex int // in Object.Maps, -1 until needed
	size     uint32
}

// take gives n bytes of the global map's row.
func (gl *global) take(n, align uint32) uint32 {
	gl.size = alignUp(gl.size, align)
	off := gl.size
	gl.size += n
	return off
}

func alignUp(n, align uint32) uint32 { return (n + align - 1) &^ (align - 1) }

// Build generates the SSA of every unit. Errors are reported to rep; the result is
// whole only if none was.
func Build(info *types.Info, src *diag.Sources, opt Options, rep *diag.Reporter) *Result {
	g := &gen{
		info: info, opt: opt, rep: rep,
		obj: &object.Object{License: info.License, Sources: src, Config: info.Config, Start: opt.StartNS,
			RingMap: -1, CountersMap: -1, ScratchMap: -1},
		stacks:      map[stackKey]object.StackSpec{},
		layouts:     map[*types.Type]*object.Type{},
		errSite:     map[siteKey]int{},
		builtins:    newTables(),
		errorAction: -1,
		used:        usesOf(info),
		sharing:     map[*types.FuncInfo]sharing{},
		c:           cfuncs{mapIndex: -1, vars: map[*ctree.Var]cData{}, maps: map[*ctree.Var]int{}},
		cgroups:     cgroups{array: -1, sets: map[bool]int{}},
		globals:     global{mapIndex: -1},
		percpu:      global{mapIndex: -1},
		rodata:      rodata{mapIndex: -1, strings: map[string]uint32{}},
	}
	if g.obj.License == "" {
		g.obj.License = "GPL"
	}
	g.out = &Result{Object: g.obj}
	g.declareMaps()
	for i, u := range info.Units {
		g.unit(i, u)
	}
	g.finishMaps()
	return g.out
}

// unsupported reports a construct that the checker lets through but no code exists for yet.
func (g *gen) unsupported(s diag.Span, format string, args ...any) {
	g.rep.Errorf(diag.CodeUnsupported, s, "%s: not supported yet", fmt.Sprintf(format, args...))
}

// fn is one BPF function while it's being built.
type fn struct {
	*gen
	unit      *types.Unit
	prog      *ssa.Prog
	f         *ssa.Func
	b         *ssa.Block // where values go; nil after a jump: what follows is unreachable
	pos       diag.Pos   // of what's emitted
	where     diag.Span  // of the expression or statement it's for
	ctx       *ssa.Value
	kind      probe.Kind
	locals    map[*types.Local]*local
	loops     []*loop
	frame     *frame       // of a callback's parent: variables that callbacks share
	outer     *fn          // the function whose loop body this callback is
	frameBase *ssa.Value   // in a callback: the address of frame
	params    []*ssa.Value // of a callback or function
	iters     []*ssa.Slot  // open-coded iterators in use, outermost first
	uses      *Unit
	found     []found
	callees   []*callee             // calls of the script's functions that this code is of, outermost first
	subs      map[string]*ssa.Func  // functions of the program, by name
	spans     map[*types.Local]span // of the variables of the loops around that the verifier walks
}

// local is where a scratch variable lives.
type local struct {
	slot *ssa.Slot
	off  int64      // in the slot
	addr *ssa.Value // in a callback: nil slot, the address through the frame
	t    *types.Type
	// btf: it holds a pointer that the verifier knows.
	btf bool
	// hidden: a cell, of which the verifier doesn't know what was stored; see carried.go.
	hidden bool
}

// loop is where break and continue go.
type loop struct {
	brk, cont *ssa.Block
	callback  bool // break and continue return from the callback
}

func (g *gen) unit(i int, u *types.Unit) {
	p := &ssa.Prog{Name: progName(i, u), Scratch: -1}
	f := ssa.NewFunc(p.Name, ssa.FuncProg, []ssa.Type{ssa.Ptr}, ssa.I64)
	p.Funcs = []*ssa.Func{f}
	c := &fn{gen: g, unit: u, prog: p, f: f, b: f.Entry(), locals: map[*types.Local]*local{},
		uses: &Unit{Prog: p, From: u}, subs: map[string]*ssa.Func{}}
	if len(u.Points) > 0 {
		c.kind = u.Points[0].Kind
	}
	if u.Body != nil {
		c.pos = u.Body.Span().Start
	}
	c.ctx = c.emit(ssa.OpParam, ssa.Ptr)
	if c.kind == probe.Iter {
		c.paceIter()
	}
	if u.Pred != nil {
		c.predicate(u.Pred)
	}
	if u.Body != nil {
		c.blockStmts(u.Body)
	}
	c.ret(nil)
	g.out.Units = append(g.out.Units, c.uses)
}

// progName is a C identifier that tells people where the program is attached.
func progName(i int, u *types.Unit) string {
	name := "probe"
	if len(u.Points) > 0 {
		p := u.Points[0]
		name = p.Kind.String()
		if p.Func != "" && !p.Wild {
			name = p.Func
		}
	}
	buf := []byte(name)
	for j, ch := range buf {
		if !(ch == '_' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z') {
			buf[j] = '_'
		}
	}
	if len(buf) > 0 && buf[0] >= '0' && buf[0] <= '9' {
		buf = append([]byte{'_'}, buf...)
	}
	return fmt.Sprintf("%s_%d", buf, i+1)
}

func (c *fn) predicate(pred syntax.Expr) {
	c.pos = pred.Span().Start
	pass := c.f.NewBlock(ssa.BlockPlain)
	fail := c.f.NewBlock(ssa.BlockRet)
	c.cond(pred, pass, fail)
	c.b = fail
	c.ret(nil)
	c.b = pass
}
