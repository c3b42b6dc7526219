package ssa

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/helper"
)

// pass is one step over a function. Its name is what Options.Disable, dumps and
// tests know it by.
type pass struct {
	name string
	fn   func(*Func, *Options)
	// required: code generation relies on it, so it can't be disabled.
	required bool
}

// passes in the order in which they run; passOrder says why it is this one.
var passes = []pass{
	{name: "unreachable", fn: unreachable, required: true},
	{name: "mem2reg", fn: mem2reg},
	{name: "simplify", fn: simplify},
	{name: "branches", fn: branches},
	{name: "gvn", fn: gvn},
	{name: "refill", fn: refill},
	{name: "deadstore", fn: deadstore},
	{name: "late mem2reg", fn: mem2reg},
	{name: "ranges", fn: ranges},
	{name: "late simplify", fn: simplify},
	{name: "late branches", fn: branches},
	{name: "late gvn", fn: gvn},
	{name: "late deadstore", fn: deadstore},
	{name: "deadcode", fn: deadcode},
}

// passOrder holds pairs of which the first comes before the second; a test checks them.
var passOrder = []struct{ before, after, why string }{
	{"unreachable", "mem2reg", "dominators are those of reachable blocks"},
	{"mem2reg", "simplify", "most constants were kept in variables"},
	{"simplify", "branches", "conditions fold first"},
	{"mem2reg", "gvn", "gvn's table of memory then has room for what must stay there"},
	{"branches", "gvn", "longer blocks let more loads be forwarded"},
	{"gvn", "refill", "sizes are then constants"},
	{"refill", "late gvn", "what a move copies is known"},
	{"gvn", "deadstore", "a forwarded load leaves its store unread"},
	{"deadstore", "late mem2reg", "a copied tuple's slot is freed of the copying"},
	{"gvn", "ranges", "facts are kept by value"},
	{"gvn", "late branches", "equal conditions are then one value"},
	{"ranges", "late simplify", "unsigned operations have more rules"},
	{"late branches", "late gvn", "longer blocks let more loads be forwarded"},
	{"late gvn", "late deadstore", "a forwarded load leaves its store unread"},
	{"late deadstore", "deadcode", "the addresses of dropped stores are unused"},
}

// HelperFacts says what a call of a helper does to memory. The zero value is the worst
// case: the call may do anything to what its arguments point to.
type HelperFacts struct {
	// Pure: no side effect, and the same result for the same arguments as long as
	// the program's one run lasts (bpf_get_current_pid_tgid, not bpf_ktime_get_ns).
	Pure bool
	// ReadsOnly has bit i set if the memory that argument i points to isn't written.
	ReadsOnly uint8
	// Fills has bit i set if the memory that argument i points to isn't read, and
	// all of the bytes that argument i+1, a constant, counts are written, also when
	// the helper reports an error (bpf_probe_read_kernel).
	Fills uint8
	// Repeats: besides filling memory (Fills) it has no effect, and it fills it with
	// the same bytes every time during one run (bpf_get_current_comm).
	Repeats bool
	// KernelWrites: it may change kernel objects (bpf_setsockopt).
	KernelWrites bool
}

// Options steers Optimize.
type Options struct {
	// Disable has the names of passes to leave out; required ones run all the same.
	Disable map[string]bool
	// Check runs Check before the first and after every pass, and panics when it fails.
	Check bool
	// Dump, if set, is called with "start" before the first and with the name of
	// each pass after it.
	Dump func(pass string, p *Prog)
	// Helper gives a helper's facts by its id; nil: those of the table in bpf/helper.
	Helper func(id int64) HelperFacts
}

// helper are the facts of a call of helper id.
func (o *Options) helper(id int64) HelperFacts {
	if o.Helper != nil {
		return o.Helper(id)
	}
	h := helper.ByID(id)
	if h == nil {
		return HelperFacts{KernelWrites: true}
	}
	return HelperFacts{
		Pure:         h.Pure,
		ReadsOnly:    h.ReadsOnly(),
		Fills:        h.Fills(),
		Repeats:      h.Repeats,
		KernelWrites: h.Changes || h.Calls(),
	}
}

// Optimize runs the passes over each function of p. With every pass disabled p is
// still fit for code generation.
func Optimize(p *Prog, o Options) {
	o.after("start", p)
	for i := range passes {
		s := &passes[i]
		if o.Disable[s.name] && !s.required {
			continue
		}
		for _, f := range p.Funcs {
			s.fn(f, &o)
		}
		o.after(s.name, p)
	}
}

func (o *Options) after(name string, p *Prog) {
	if o.Dump != nil {
		o.Dump(name, p)
	}
	if !o.Check {
		return
	}
	for _, f := range p.Funcs {
		if err := Check(f); err != nil {
			panic(fmt.Sprintf("BUG: after pass %s: %v\n%s", name, err, f))
		}
	}
}

// Passes are the names of the passes, in order.
func Passes() []string {
	names := make([]string, len(passes))
	for i := range passes {
		names[i] = passes[i].name
	}
	return names
}
