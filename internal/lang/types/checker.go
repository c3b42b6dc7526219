package types

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// Options are what the command line decides about a script's meaning.
type Options struct {
	Unsafe bool // --unsafe
	// Bpftrace: warn of what bpftrace warns of, without saying more.
	Bpftrace bool
	Child    bool     // -c: cpid has a value
	Unwind   bool     // there are processes whose stacks can be unwound
	Environ  []string // "NAME=value": BPFTRACE_* go before the script's config
	Macros   []string // the script's macros, which may have been meant by an unknown name
	// Unsure are maps that something else gives a type, of which nothing is known.
	Unsure map[string]bool
	CDefs  CDefs // the script's C definitions and headers; nil: none
	CFuncs []*CFunc
}

// CDefs are the C definitions of a script and of the headers that it includes. They
// go before the kernel's own.
type CDefs interface {
	// Type looks up "struct s", "union u", "enum e" or a typedef's name.
	Type(name string) (*Type, bool)
	// Enumerator looks up an enumerator: its value and enum type.
	Enumerator(name string) (uint64, *Type, bool)
	// Define looks up an object-like macro that stands for a number or a string.
	Define(name string) (*Const, bool)
	// Late looks up a type that neither the script nor the kernel's type information has.
	Late(name string) (*Type, bool)
	// Hint tells why a name isn't defined that the included headers may be expected to
	// define; "": nothing is known.
	Hint(name string) string
}

// maxPasses bounds the inference. Types only grow, and few steps lead from the
// smallest to the largest.
const maxPasses = 100

// Check infers and checks the types of a script. script's declarations other than
// probes are read here; the probes come as units. What is wrong is reported to rep, and
// the Info of a script with errors is good for nothing but showing types. ids must be
// the one that gave every expression its id, MakeUnits included.
func Check(script []syntax.Decl, units []*Unit, ids *syntax.IDs, env Env, opt Options, rep *diag.Reporter) *Info {
	n := ids.Len()
	c := &checker{
		info: &Info{
			CFuncs: opt.CFuncs, funcs: map[string]*FuncInfo{},
			Types: make([]*Type, n), Consts: make([]*Const, n), Calls: make([]*Builtin, n),
			Locals: make([]*Local, n), Fields: make([]*Selection, n), Formats: make([]*object.Format, n),
			Tables: map[syntax.ExprID]*Table{}, Units: units, Env: env, Facts: env.Facts(),
		},
		rep: rep, opt: opt, env: env, userTypes: map[[2]string]*Type{},
		lits: make([]bool, n), comptime: map[syntax.ExprID]bool{}, maps: map[string]*mapVar{},
		consts:   map[string]*constant{},
		declared: map[*Local]bool{}, failed: map[*Local]bool{}, mismatched: map[said]bool{}, said: map[said]bool{},
	}
	if c.info.Facts == nil {
		c.info.Facts = &Facts{}
	}
	c.config(script)
	c.declare(script)
	c.checkFuncs()
	c.bind()
	c.infer()
	c.quiet = false
	c.pass()
	c.checkMaps()
	return c.finish()
}

// said identifies a diagnostic: units that are copies of one probe would repeat it.
type said struct {
	span diag.Span
	msg  string
}

// checker holds the state of one Check. It walks the trees until no variable's or
// map's type changes any more, silently, and a last time to report.
type checker struct {
	info *Info
	rep  *diag.Reporter
	opt  Options
	env  Env

	lits     []bool                 // by ExprID: a literal, or folded from literals alone
	comptime map[syntax.ExprID]bool // decided `if comptime` by the id of the IfExpr
	maps     map[string]*mapVar     // by name
	mapList  []*mapVar              // in order of first appearance
	consts   map[string]*constant   // declared ones, by name
	// userTypes are those found in binaries, by path and name; nil: it isn't there.
	userTypes map[[2]string]*Type
	declared  map[*Local]bool // `let $x: type` with a size: assignments don't change it
	failed    map[*Local]bool // got a value that is an error of its own
	said      map[said]bool   // reported so far
	// mismatched are variables and maps, by where they got their type, that were reported.
	mismatched map[said]bool
	unstable   map[string]unstableLevel // by feature, from the config

	unit    *Unit     // what is being walked: one of the two
	fn      *FuncInfo //
	loops   int       // loops around
	meta    int       // typeof, sizeof … around: nothing runs
	quiet   bool
	changed bool
	pending int  // `if comptime` met in this pass that aren't decided
	decide  bool // decide them
}

// mapVar is the checker's view of a map.
type mapVar struct {
	*MapInfo
	scalar  bool           // used without a key; valid when known
	known   bool           // scalar or keyed is known
	uses    [2][]diag.Span // without a key, and with one
	keyAt   diag.Span      // what gave the key its type
	valueAt diag.Span
	used    bool // in code that is there: not in a branch that `if comptime` leaves out
	failed  bool // what was assigned in this pass can't be
	waiting bool // what was assigned in this pass has no known type yet
	signed  bool // an aggregation: a signed argument was seen in this pass
	read    bool // an element was read or written: its value exists
	decl    *syntax.MapDecl
}

func (c *checker) errorf(code diag.Code, s diag.Span, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{}
	if !c.quiet && c.first(s, format, args) {
		d = c.rep.Errorf(code, s, format, args...)
	}
	return d
}

func (c *checker) warnf(code diag.Code, s diag.Span, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{}
	if !c.quiet && c.first(s, format, args) {
		d = c.rep.Warnf(code, s, format, args...)
	}
	return d
}

// infer walks until the types stand still. Then the `if comptime` whose conditions are
// known by them open a branch each, and it goes on; at last, maps without a value get one.
func (c *checker) infer() {
	c.quiet = true
	decide := false
	for range maxPasses {
		c.changed, c.pending, c.decide = false, 0, decide
		c.pass()
		switch {
		case c.changed:
			decide = false
		case c.pending > 0 && !decide:
			decide = true
		case c.defaultMaps():
			decide = false
		default:
			return
		}
	}
}

// pass walks everything once.
func (c *checker) pass() {
	for _, m := range c.mapList {
		m.signed, m.failed, m.waiting = false, c.opt.Unsure[m.Name], false
	}
	for _, f := range c.info.Funcs {
		c.fn = f
		c.funcBody(f)
		c.fn = nil
	}
	for _, u := range c.info.Units {
		c.unit = u
		if u.Pred != nil {
			c.cond(u.Pred)
		}
		c.body(u.Body)
		c.unit = nil
	}
	c.signAggregates()
}

// signAggregates makes an aggregation signed when one of the arguments seen in this pass was.
func (c *checker) signAggregates() {
	for _, m := range c.mapList {
		if v := m.Value; v != nil && (v.Kind >= Sum && v.Kind <= Stats || v.Kind == TSeries || v.Kind == Summary) && v.Signed != m.signed {
			u := *v
			u.Signed = m.signed
			m.Value, c.changed = &u, true
		}
	}
}

// defaultMaps gives maps that are read or counted up but never get a value of known type
// the one of their implicit zero. What others wait for may be just that, so they come last.
// It reports whether there was any.
func (c *checker) defaultMaps() bool {
	for _, waiting := range []bool{false, true} {
		any := false
		for _, m := range c.mapList {
			if m.Value == nil && m.read && !m.failed && m.waiting == waiting {
				m.Value, m.valueAt, any = IntType(1, true), m.Decl, true
			}
		}
		if any {
			return true
		}
	}
	return false
}

// grow widens a variable's type and notes that something changed.
func (c *checker) grow(slot **Type, t *Type) {
	old := *slot
	if old != nil && Identical(old, t) && old.Space == t.Space && old.Flex == t.Flex {
		return
	}
	*slot = t
	c.changed = true
}

// finish puts the results together.
func (c *checker) finish() *Info {
	for _, m := range c.mapList {
		if !m.used || m.Value == nil {
			continue
		}
		m.Index = len(c.info.Maps)
		c.info.Maps = append(c.info.Maps, m.MapInfo)
	}
	return c.info
}

// mapNamed is the map of that name, which the code being walked uses.
func (c *checker) mapNamed(name string) *mapVar {
	m := c.maps[name]
	m.used = true
	return m
}

// kind is the kind of the probe being walked; Invalid in a function.
func (c *checker) kind() probe.Kind {
	if c.unit == nil || len(c.unit.Points) == 0 {
		return probe.Invalid
	}
	return c.unit.Points[0].Kind
}

// first reports whether nothing equal was said at s.
func (c *checker) first(s diag.Span, format string, args []any) bool {
	key := said{s, sprintf(format, args)}
	if c.said[key] {
		return false
	}
	c.said[key] = true
	return true
}

// nearest is the candidate that name was most likely meant to be, or "".
func nearest(name string, candidates []string) string {
	return probe.Nearest(name, slices.Sorted(slices.Values(candidates)))
}
