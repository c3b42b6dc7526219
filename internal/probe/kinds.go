package probe

import "strings"

// ProgType is a kernel program type (enum bpf_prog_type, include/uapi/linux/bpf.h).
type ProgType uint32

// The program types of probes.
const (
	ProgUnspec        ProgType = 0
	ProgKprobe        ProgType = 2
	ProgTracepoint    ProgType = 5
	ProgXDP           ProgType = 6
	ProgPerfEvent     ProgType = 7
	ProgRawTracepoint ProgType = 17
	ProgTracing       ProgType = 26
)

// AttachType is a program's expected attach type (enum bpf_attach_type).
type AttachType uint32

// The attach types of probes. AttachNone goes with program types that have no such choice.
const (
	AttachNone        AttachType = 0
	AttachTraceRawTP  AttachType = 23
	AttachTraceFentry AttachType = 24
	AttachTraceFexit  AttachType = 25
	AttachTraceIter   AttachType = 28
	AttachKprobeMulti AttachType = 42
	AttachUprobeMulti AttachType = 48
)

// Context is what r1 points to when the program starts.
type Context uint8

// The contexts.
const (
	CtxNone   Context = iota // nothing a script can use
	CtxRegs                  // struct pt_regs
	CtxRecord                // the tracepoint's record, at the offsets its format file gives
	CtxArgs                  // u64 array of arguments, the BTF function's (BPF_PROG_TYPE_TRACING)
	CtxPerf                  // struct bpf_perf_event_data
	CtxIter                  // struct bpf_iter__<name>
)

// Args says where the fields of `args` come from.
type Args uint8

// The sources of args.
const (
	ArgsNone   Args = iota
	ArgsFormat      // tracefs format file
	ArgsBTF         // kernel BTF
	ArgsDWARF       // the binary's DWARF, when it has any
	ArgsNote        // not named: arg0… by the USDT note
)

// Return is what the value that a program returns means to the kernel.
type Return uint8

// The meanings. In each a script's `return` without a value gives Default.
const (
	// RetIgnored: nobody looks at it.
	RetIgnored Return = iota
	// RetFilter: 0 keeps the event from the perf event it came by, which is the probe's own
	// (trace_call_bpf, kernel/trace/bpf_trace.c).
	RetFilter
	// RetShared: as RetFilter, but other users of perf share the event: 1 lets them see it.
	RetShared
	// RetSeq: 0 goes on, 1 asks for the same object again (bpf_iter_run_prog, kernel/bpf/bpf_iter.c).
	RetSeq
	// RetTest: the test's own: 0 passes.
	RetTest
)

// Default is what a program of this rule returns at its end.
func (r Return) Default() int64 {
	if r == RetShared {
		return 1
	}
	return 0
}

// Info is a row of the table of kinds.
type Info struct {
	Kind    Kind
	Name    string   // full name, lower case
	Aliases []string // short and former names; names in any case are accepted
	Doc     string   // one line
	Grammar []string // what may follow the name, in words
	Prog    ProgType
	Attach  AttachType
	Context Context
	Args    Args
	ArgN    bool // arg0… are the function's arguments by the calling convention (or the note)
	Retval  bool
	Return  Return
	Since   uint32 // first kernel with it, KERNEL_VERSION
	// Listing: shown by -l without a kind, among the kernel's or the user's kinds.
	ListKernel, ListUser bool
	// TestRun: it isn't attached; the engine runs it.
	TestRun bool
	// min and max are the numbers of parts after the name.
	min, max int
}

func kernelVersion(a, b uint32) uint32 { return a<<16 | b<<8 }

// kinds is the table, by Kind. Nothing changes it.
var kinds = [...]Info{
	Begin: {Kind: Begin, Name: "begin", Doc: "before any other probe is attached",
		Grammar: []string{"begin"}, Prog: ProgRawTracepoint, TestRun: true, Since: kernelVersion(5, 10),
		max: 1},
	End: {Kind: End, Name: "end", Doc: "after all other probes are detached",
		Grammar: []string{"end"}, Prog: ProgRawTracepoint, TestRun: true, Since: kernelVersion(5, 10),
		max: 1},
	Self: {Kind: Self, Name: "self", Doc: "a signal sent to the tracer itself",
		Grammar: []string{"self:signal:SIGUSR1"}, Prog: ProgRawTracepoint, TestRun: true, Since: kernelVersion(5, 10),
		min: 2, max: 2},
	Test: {Kind: Test, Name: "test", Doc: "a test of the script, run with --test",
		Grammar: []string{"test:name"}, Prog: ProgXDP, TestRun: true, Return: RetTest, Since: kernelVersion(4, 12),
		min: 1, max: 1},
	Bench: {Kind: Bench, Name: "bench", Doc: "a micro benchmark, run with --bench",
		Grammar: []string{"bench:name"}, Prog: ProgXDP, TestRun: true, Return: RetTest, Since: kernelVersion(4, 12),
		min: 1, max: 1},
	Interval: {Kind: Interval, Name: "interval", Aliases: []string{"i"}, Doc: "at a steady rate, on one CPU",
		Grammar: []string{"interval:hz|s|ms|us:n", "interval:1s"},
		Prog:    ProgPerfEvent, Context: CtxPerf, Return: RetFilter, Since: kernelVersion(4, 9),
		min: 1, max: 2},
	Profile: {Kind: Profile, Name: "profile", Aliases: []string{"p"}, Doc: "at a steady rate, on every CPU",
		Grammar: []string{"profile:hz|s|ms|us:n", "profile:10ms"},
		Prog:    ProgPerfEvent, Context: CtxPerf, Return: RetFilter, Since: kernelVersion(4, 9),
		min: 1, max: 2},
	Tracepoint: {Kind: Tracepoint, Name: "tracepoint", Aliases: []string{"t"}, Doc: "a static event of the kernel",
		Grammar: []string{"tracepoint:category:event"}, ListKernel: true,
		Prog: ProgTracepoint, Context: CtxRecord, Args: ArgsFormat, Return: RetShared, Since: kernelVersion(4, 7),
		min: 1, max: 2},
	RawTracepoint: {Kind: RawTracepoint, Name: "rawtracepoint", Aliases: []string{"rt"}, Doc: "a static event of the kernel with its unprocessed arguments",
		Grammar: []string{"rawtracepoint:event", "rawtracepoint:module:event"}, ListKernel: true,
		Prog: ProgTracing, Attach: AttachTraceRawTP, Context: CtxArgs, Args: ArgsBTF, ArgN: true, Since: kernelVersion(5, 5),
		min: 1, max: 2},
	Software: {Kind: Software, Name: "software", Aliases: []string{"s"}, Doc: "every count-th event that the kernel counts by itself",
		Grammar: []string{"software:event", "software:event:count"}, ListKernel: true,
		Prog: ProgPerfEvent, Context: CtxPerf, Return: RetFilter, Since: kernelVersion(4, 9),
		min: 1, max: 2},
	Hardware: {Kind: Hardware, Name: "hardware", Aliases: []string{"h"}, Doc: "every count-th event of a processor counter",
		Grammar: []string{"hardware:event", "hardware:event:count"}, ListKernel: true,
		Prog: ProgPerfEvent, Context: CtxPerf, Return: RetFilter, Since: kernelVersion(4, 9),
		min: 1, max: 2},
	Kprobe: {Kind: Kprobe, Name: "kprobe", Aliases: []string{"k"}, Doc: "entry of a kernel function, or any of its instructions",
		Grammar: []string{"kprobe:function[+offset]", "kprobe:module:function[+offset]", "kprobe:address"}, ListKernel: true,
		Prog: ProgKprobe, Context: CtxRegs, ArgN: true, Return: RetFilter, Since: kernelVersion(4, 1),
		min: 1, max: 2},
	Kretprobe: {Kind: Kretprobe, Name: "kretprobe", Aliases: []string{"kr"}, Doc: "return of a kernel function",
		Grammar: []string{"kretprobe:function", "kretprobe:module:function", "kretprobe:address"},
		Prog:    ProgKprobe, Context: CtxRegs, Retval: true, Return: RetFilter, Since: kernelVersion(4, 1),
		min: 1, max: 2},
	Fentry: {Kind: Fentry, Name: "fentry", Aliases: []string{"f", "kfunc"}, Doc: "entry of a kernel function or BPF program, arguments typed by BTF",
		Grammar: []string{"fentry:function", "fentry:module:function", "fentry:bpf[:id]:program"}, ListKernel: true,
		Prog: ProgTracing, Attach: AttachTraceFentry, Context: CtxArgs, Args: ArgsBTF, ArgN: true, Since: kernelVersion(5, 5),
		min: 1, max: 3},
	Fexit: {Kind: Fexit, Name: "fexit", Aliases: []string{"fr", "kretfunc"}, Doc: "return of a kernel function or BPF program, with its arguments",
		Grammar: []string{"fexit:function", "fexit:module:function", "fexit:bpf[:id]:program"},
		Prog:    ProgTracing, Attach: AttachTraceFexit, Context: CtxArgs, Args: ArgsBTF, ArgN: true, Retval: true, Since: kernelVersion(5, 5),
		min: 1, max: 3},
	Uprobe: {Kind: Uprobe, Name: "uprobe", Aliases: []string{"u"}, Doc: "a function or instruction of a program or library",
		Grammar: []string{"uprobe:binary:[cpp:]function[+offset]", "uprobe:binary:address", "uprobe:binary@file:line[:column]"}, ListUser: true,
		Prog: ProgKprobe, Context: CtxRegs, Args: ArgsDWARF, ArgN: true, Return: RetFilter, Since: kernelVersion(4, 1),
		min: 1, max: 5},
	Uretprobe: {Kind: Uretprobe, Name: "uretprobe", Aliases: []string{"ur"}, Doc: "return of a function of a program or library",
		Grammar: []string{"uretprobe:binary:[cpp:]function"},
		Prog:    ProgKprobe, Context: CtxRegs, Retval: true, Return: RetFilter, Since: kernelVersion(4, 1),
		min: 1, max: 5},
	USDT: {Kind: USDT, Name: "usdt", Aliases: []string{"U"}, Doc: "a static event that a program or library declares",
		Grammar: []string{"usdt:binary:[provider:]event"}, ListUser: true,
		Prog: ProgKprobe, Context: CtxRegs, Args: ArgsNote, ArgN: true, Return: RetFilter, Since: kernelVersion(4, 20),
		min: 1, max: 3},
	Watchpoint: {Kind: Watchpoint, Name: "watchpoint", Aliases: []string{"w"}, Doc: "an access to an address",
		Grammar: []string{"watchpoint:address:1|2|4|8:r|w|x"},
		Prog:    ProgPerfEvent, Context: CtxPerf, Return: RetFilter, Since: kernelVersion(4, 9),
		min: 3, max: 3},
	Iter: {Kind: Iter, Name: "iter", Aliases: []string{"it"}, Doc: "each object of a kind that the kernel has",
		Grammar: []string{"iter:object", "iter:object:pin"}, ListKernel: true,
		Prog: ProgTracing, Attach: AttachTraceIter, Context: CtxIter, Args: ArgsNone, Return: RetSeq, Since: kernelVersion(5, 8),
		min: 1, max: 2},
}

// Kinds returns the table's rows, in the order of the constants. Nobody may change them.
func Kinds() []Info { return kinds[Begin:] }

// Info is the kind's row. It panics for Invalid.
func (k Kind) Info() *Info {
	if k == Invalid {
		panic("BUG: no row for an invalid probe kind")
	}
	return &kinds[k]
}

// String is the kind's full name.
func (k Kind) String() string {
	if k == Invalid {
		return "invalid"
	}
	return k.Info().Name
}

// Lookup finds a kind by its name or an alias. Aliases of one letter tell case apart
// (u is uprobe, U is usdt); names don't, so that BEGIN is begin.
func Lookup(name string) (*Info, bool) {
	for _, row := range Kinds() {
		for _, a := range row.Aliases {
			if a == name {
				return &kinds[row.Kind], true
			}
		}
	}
	lower := strings.ToLower(name)
	for _, row := range Kinds() {
		if row.Name == lower {
			return &kinds[row.Kind], true
		}
		for _, a := range row.Aliases {
			if len(a) > 2 && a == lower {
				return &kinds[row.Kind], true
			}
		}
	}
	return nil, false
}
