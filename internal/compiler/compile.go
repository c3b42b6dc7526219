// Package compiler is the driver: a script's text and the machine's facts in, an object
// out. It's pure: the same text and facts give the same bytes.
package compiler

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/bpfgen"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/compiler/ssagen"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// Discoverer finds what attach points mean on the machine: host/discover.
type Discoverer interface {
	// Configure tells what the script's config says of missing points and of how many there may be.
	Configure(c *object.Config)
	// Expand gives the concrete points of one probe of the script, resolved and checked;
	// what's wrong is reported.
	Expand(points []*probe.Point, rep *diag.Reporter) []*probe.Point
}

// Options are what a script is compiled with.
type Options struct {
	Expand   expand.Options
	Check    types.Options
	Gen      ssagen.Options
	Env      types.Env
	Discover Discoverer
	Parser   probe.Parser // -p and --unsafe
	// CheckOnly: the script is only checked. The types are checked of all probes, also of those
	// whose points are wrong or can't be looked at.
	CheckOnly bool
	// Dump names stages to print to DumpTo: ast, types, ssa, ssa:PASS, insns.
	Dump   map[string]bool
	DumpTo io.Writer
	// CheckIR runs the IR checker after every pass.
	CheckIR bool
	// Level is the instruction set; 0: by the kernel.
	Level bpfgen.CPU
}

// Output is a compiled script.
type Output struct {
	Object  *object.Object
	Info    *types.Info
	Options []types.Option // what the script's getopt calls ask for
}

// Compile compiles the script f. When rep has failed, the output is nil or holds only
// what was found out before. A panic of a phase is reported, with the phase's name.
func Compile(f *diag.Source, opt Options, rep *diag.Reporter) (out *Output) {
	phase := "syntax"
	defer func() {
		if p := recover(); p != nil {
			out = nil
			reportBug(f, phase, p, rep)
		}
	}()
	return compile(f, opt, rep, &phase)
}

// reportBug tells of a mistake of the compiler's own.
func reportBug(f *diag.Source, phase string, p any, rep *diag.Reporter) {
	text := strings.TrimPrefix(fmt.Sprint(p), "BUG: ")
	first, _, _ := strings.Cut(text, "\n")
	rep.Errorf("", diag.Span{Start: f.Pos(0), End: f.Pos(0) + 1}, "BUG: %s: %s", phase, first).
		Note("this is a mistake of skep's, not of the script: please report it with the script and these lines\n%s", ownFrames(debug.Stack()))
}

// ownFrames are the innermost lines of a stack below the panic that name a place.
func ownFrames(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "panic(")
	var out []string
	for line := range strings.SplitSeq(below, "\n") {
		if place, ok := strings.CutPrefix(line, "\t"); ok && strings.Contains(place, "/internal/") {
			_, place, _ = strings.Cut(place, "/internal/")
			place, _, _ = strings.Cut(place, " ")
			out = append(out, place)
		}
	}
	return strings.Join(out[:min(6, len(out))], "\n")
}

// compile compiles f; phase is set to where it is.
func compile(f *diag.Source, opt Options, rep *diag.Reporter, phase *string) *Output {
	ids := &syntax.IDs{}
	script := syntax.Parse(f, ids, rep)
	if opt.Dump["ast"] {
		fmt.Fprintln(opt.DumpTo, syntax.Dump(script))
	}
	if rep.Failed() {
		if opt.CheckOnly {
			checkRest(script, opt, ids, rep, phase)
		}
		return nil
	}
	return check(script, opt, ids, rep, phase)
}

// check compiles a script that was parsed; with CheckOnly, as far as that's possible.
func check(script *syntax.Script, opt Options, ids *syntax.IDs, rep *diag.Reporter, phase *string) *Output {
	*phase = "expand"
	ex := expand.Expand(script, opt.Expand, ids, rep)
	out := &Output{Options: ex.Options}
	if rep.Failed() {
		return out
	}
	if opt.Discover != nil {
		cfg := types.ReadConfig(decls(ex), opt.Check.Environ)
		opt.Discover.Configure(&cfg)
	}
	*phase = "probes"
	points := parsePoints(ex.Probes, &opt, rep)
	if rep.Failed() && !opt.CheckOnly {
		return out
	}
	env := opt.Env
	opt.Check.Macros = ex.Macros
	if ex.C != nil {
		opt.Check.CDefs = ex.C
	}
	opt.Check.CFuncs = ex.CFuncs
	*phase = "types"
	units := types.MakeUnits(ex.Probes, ex.Funcs, func(p *syntax.Probe) []*probe.Point { return points[p] }, ids, env)
	out.Info = types.Check(decls(ex), units, ids, env, opt.Check, rep)
	if opt.Dump["types"] {
		dumpTypes(opt.DumpTo, out.Info, rep.Sources)
	}
	if blind(units, rep) || rep.Failed() || opt.Check.Unsure != nil {
		return out
	}
	out.Info.Units = split(reachable(out.Info))
	*phase = "ssagen"
	gen := ssagen.Build(out.Info, rep.Sources, opt.Gen, rep)
	if rep.Failed() {
		return out
	}
	c := &coder{opt: opt, info: out.Info, gen: gen, obj: gen.Object, rep: rep}
	*phase = "ssa and bpfgen"
	c.programs()
	if !rep.Failed() {
		out.Object = gen.Object
	}
	return out
}

// Points are the concrete attach points of the script f, in order, without compiling it.
func Points(f *diag.Source, opt Options, rep *diag.Reporter) []*probe.Point {
	ids := &syntax.IDs{}
	script := syntax.Parse(f, ids, rep)
	if rep.Failed() {
		return nil
	}
	ex := expand.Expand(script, opt.Expand, ids, rep)
	if rep.Failed() {
		return nil
	}
	if opt.Discover != nil {
		cfg := types.ReadConfig(decls(ex), opt.Check.Environ)
		opt.Discover.Configure(&cfg)
	}
	byProbe := parsePoints(ex.Probes, &opt, rep)
	var all []*probe.Point
	for _, p := range ex.Probes {
		all = append(all, byProbe[p]...)
	}
	return all
}

// decls are the declarations that the checker reads besides the probes.
func decls(ex *expand.Result) []syntax.Decl {
	var ds []syntax.Decl
	if ex.Config != nil {
		ds = append(ds, ex.Config)
	}
	for _, k := range ex.Consts {
		ds = append(ds, k)
	}
	for _, m := range ex.MapDecls {
		ds = append(ds, m)
	}
	for _, f := range ex.Funcs {
		ds = append(ds, f)
	}
	return ds
}

// parsePoints gives each probe its concrete attach points.
func parsePoints(probes []*syntax.Probe, opt *Options, rep *diag.Reporter) map[*syntax.Probe][]*probe.Point {
	all, blank := make(map[*syntax.Probe][]*probe.Point, len(probes)), map[*syntax.Probe][]*probe.Point{}
	for _, p := range probes {
		var bad []*probe.Point
		for _, ap := range p.Points {
			parts := make([]probe.Part, len(ap.Parts))
			for i, part := range ap.Parts {
				parts[i] = probe.Part{Text: part.Text, Quoted: part.Quoted, Span: part.Pos}
			}
			if opt.CheckOnly && ap.Missing > 0 {
				rep.Notef(diag.NoteUnchecked, ap.Span(), "this attach point wasn't checked: $%d isn't given", ap.Missing).
					Note("what follows -- is given to the script: `skep check FILE -- ARGS`")
				bad = append(bad, &probe.Point{Text: ap.Text, Span: ap.Span(), Blind: true})
				continue
			}
			parsed := opt.Parser.Parse(ap.Text, parts, ap.Span(), rep)
			if len(parsed) == 0 && opt.CheckOnly && !strings.Contains(ap.Text, "(") { // else it may be a macro without the word
				bad = append(bad, &probe.Point{Text: ap.Text, Span: ap.Span(), Blind: true})
			}
			all[p] = append(all[p], parsed...)
		}
		blank[p] = bad
	}
	if d, ok := opt.Discover.(pointReader); ok {
		for _, points := range all {
			d.ReadPoints(points)
		}
	}
	for _, p := range probes {
		if opt.Discover != nil {
			all[p] = discover(all[p], opt, rep)
		}
		if len(all[p]) == 0 {
			all[p] = blank[p]
		}
	}
	return all
}

// pointReader is a Discoverer that is shown what the script says before it expands it.
type pointReader interface {
	ReadPoints([]*probe.Point)
}

// discover makes the points of a probe concrete. Where that's an error, a check goes on with
// points of which nothing but the kind is known.
func discover(points []*probe.Point, opt *Options, rep *diag.Reporter) []*probe.Point {
	before := rep.Count()
	found := opt.Discover.Expand(points, rep)
	if len(found) > 0 || rep.Count() == before || !opt.CheckOnly {
		return found
	}
	for _, p := range points {
		q := *p
		q.Blind = true
		found = append(found, &q)
	}
	return found
}

// blind reports whether there are programs of which too little is known to compile them, and
// says so of those whose points are there.
func blind(units []*types.Unit, rep *diag.Reporter) bool {
	found := false
	for _, u := range units {
		if !u.Blind {
			continue
		}
		found = true
		for _, p := range u.Points {
			if p.Unread != "" {
				rep.Notef(diag.NoteUnchecked, p.Span, "what the probe reads of the arguments of %s wasn't checked: %s", p.Text, p.Unread)
			}
		}
	}
	return found
}

// reachable leaves out the units whose predicate is constantly false, as one on an option
// of the script may be: nothing is attached for them.
func reachable(info *types.Info) []*types.Unit {
	var out []*types.Unit
	for _, u := range info.Units {
		if u.Pred != nil {
			if k := info.Consts[u.Pred.ID()]; k != nil && !k.IsStr && k.Int == 0 {
				continue
			}
		}
		out = append(out, u)
	}
	return out
}

// split gives each point of the kinds whose programs are loaded for one target a unit
// of its own.
func split(units []*types.Unit) []*types.Unit {
	var out []*types.Unit
	for _, u := range units {
		if len(u.Points) < 2 || !perTarget(u.Points[0].Kind) {
			out = append(out, u)
			continue
		}
		for _, p := range u.Points {
			one := *u
			one.Points = []*probe.Point{p}
			out = append(out, &one)
		}
	}
	return out
}

func perTarget(k probe.Kind) bool {
	info := k.Info()
	return info.Prog == probe.ProgTracing || info.TestRun
}

// coder turns the SSA of all units into programs.
type coder struct {
	opt  Options
	info *types.Info
	gen  *ssagen.Result
	obj  *object.Object
	rep  *diag.Reporter
}

func (c *coder) programs() {
	scratchMap := len(c.obj.Maps)
	cpus := uint32(1)
	for cpus < uint32(c.info.Facts.NumCPU) {
		cpus <<= 1
	}
	opt := bpfgen.Options{CPU: c.level(), ScratchCPUs: cpus, SSA: ssa.Options{Check: c.opt.CheckIR, Helper: c.helperFacts}}
	ssaOpt := opt.SSA
	ssaOpt.Dump = c.dumper()
	var codes []*bpfgen.Code
	offset := uint32(0)
	for _, u := range c.gen.Units {
		u.Prog.Scratch, u.Prog.ScratchOffset = scratchMap, offset
		ssa.Optimize(u.Prog, ssaOpt)
		code, err := bpfgen.Generate(u.Prog, opt)
		if err != nil {
			c.limit(u, err)
			continue
		}
		offset += code.ScratchSize
		codes = append(codes, code)
		c.obj.Programs = append(c.obj.Programs, c.program(u, code))
	}
	if c.rep.Failed() {
		return
	}
	if offset > 0 {
		c.obj.ScratchMap = scratchMap
		c.obj.Maps = append(c.obj.Maps, &object.Map{Name: "scratch", Kind: object.MapArray, KeySize: 4, MaxEntries: 1, ValueSize: cpus * offset})
	}
	for _, code := range codes {
		code.SetScratchRow(offset)
	}
	c.sessions()
	if c.opt.Dump["insns"] {
		for _, p := range c.obj.Programs {
			dumpInsns(c.opt.DumpTo, p, c.obj, c.rep.Sources)
		}
	}
}

// level is the instruction set of the kernel that the object is for.
func (c *coder) level() bpfgen.CPU {
	switch {
	case c.opt.Level != 0:
		return c.opt.Level
	case c.info.Facts.Kernel >= 6<<16|6<<8:
		return bpfgen.V4
	}
	return bpfgen.V3
}

// limit reports a program that doesn't fit into BPF.
func (c *coder) limit(u *ssagen.Unit, err error) {
	span := diag.Span{}
	if u.From.Body != nil {
		span = u.From.Body.Span()
	}
	var e *bpfgen.Error
	if errors.As(err, &e) {
		c.rep.Errorf(diag.CodeLimit, span, "this probe doesn't fit into a BPF program: %s", e.Msg)
		return
	}
	c.rep.Errorf(diag.CodeLimit, span, "this probe can't be compiled: %v", err)
}

func (c *coder) program(u *ssagen.Unit, code *bpfgen.Code) *object.Program {
	p := &object.Program{Name: u.Prog.Name, Insns: code.Insns, Relocs: code.Relocs, Funcs: code.Funcs, Lines: code.Lines}
	for i, pt := range u.From.Points {
		info := pt.Kind.Info()
		if i == 0 {
			p.ProgType, p.AttachType, p.TestRun = uint32(info.Prog), uint32(info.Attach), info.TestRun
			switch {
			case pt.Kind == probe.RawTracepoint && u.From.Sig == nil:
				// Of a module without types of its own: attached by its name.
				p.ProgType, p.AttachType = uint32(probe.ProgRawTracepoint), 0
			case info.Prog == probe.ProgTracing:
				p.AttachTo, p.AttachModule = pt.Func, pt.Target
			}
		}
		o := objectPoint(pt)
		o.Cookies, o.Cookie = u.Cookies, uint64(i)
		o.Optional = c.obj.Config.MissingProbes == "warn" || c.obj.Config.MissingProbes == "ignore"
		p.Points = append(p.Points, o)
	}
	return p
}

// objectPoint is all of a point that attaching needs.
func objectPoint(pt *probe.Point) object.Point {
	o := object.Point{Kind: pt.Kind.String(), Text: pt.Text, Target: pt.Target, Func: pt.Func, Offset: pt.Offset,
		Addr: pt.Addr, Unit: pt.Unit, Value: pt.Value, Semaphore: pt.Semaphore, BPFProg: pt.BPFProg, Span: pt.Span}
	switch pt.Kind {
	case probe.Uprobe, probe.Uretprobe, probe.USDT:
		o.FileOffset = true
		o.Addr, o.Returns = pt.FileOff, pt.Returns
		if pt.Path != "" {
			o.Target = pt.Path
		}
	case probe.Software, probe.Hardware:
		if e, ok := probe.FindEvent(pt.Kind, pt.Target); ok {
			o.Config = e.Config
			if !pt.HasValue || o.Value == 0 {
				o.Value = e.Default
			}
		}
	case probe.Iter:
		o.Pin = pt.PinPath()
	case probe.Watchpoint:
		o.Config, o.Value = pt.Breakpoint()
	case probe.Self:
		o.Func = pt.Mode
	}
	return o
}
