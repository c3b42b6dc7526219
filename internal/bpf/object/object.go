// Package object is the compiled artifact: programs with their relocations and lines,
// maps, the script's variables, and what each record that a program sends means. The
// engines load it; everything that prints reads it. It can be written to a file.
package object

import (
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/diag"
)

// Object is a compiled script.
type Object struct {
	Name     string
	License  string // as the kernel wants it: "GPL"
	Programs []*Program
	Maps     []*Map
	Vars     []*Var    // the script's @maps, in order of first appearance
	Actions  []*Action // index = the record's action number
	Errors   []*ErrorSite
	Sources  *diag.Sources // the script's texts, for lines; may be nil
	Config   Config

	// Cgroups and CgroupSets are the memory in which programs look for cgroups.
	Cgroups    []CgroupSlot
	CgroupSets []CgroupSet

	// Start is the boot clock's nanoseconds from which the script's elapsed counts.
	Start uint64

	// Indexes into Maps, or -1.
	RingMap     int // events
	CountersMap int // per-CPU counters, see Counter…
	ScratchMap  int // per-CPU scratch memory

	Unwind *Unwind // dw_ustack's tables; nil: it isn't used
}

// CgroupSlot is where programs look for the cgroup at a path. Whoever runs the object fills it
// in before any program runs, and again when another cgroup is made there.
type CgroupSlot struct {
	Path string // in the file system
	Map  int
	// Under: Map is a cgroup array and At the cgroup's index there; else Map is a
	// global one and At the offset of the cgroup's id, a u64.
	Under bool
	At    uint32
}

// CgroupSet is a hash map whose keys are the ids of all cgroups that are in a container (or,
// by Form, in a pod). Whoever runs the object fills it, and adds those that are made.
type CgroupSet struct {
	Map  int
	Form CgroupForm
}

// Unwind are the tables by which programs unwind the stacks of processes, x86-64's. User space
// fills them: Pids has for a process (key u32) the range of its mappings in Mappings, Mappings for
// each the range of its rules in Rules, all ascending by address. Those of one process, and those
// of one file, are next to each other.
type Unwind struct {
	Pids, Mappings, Rules int // indexes into Maps
}

// Layout of the tables' elements.
const (
	UnwindPidFirst = 0 // u32, of Mappings
	UnwindPidCount = 4 // u32
	UnwindPidZero  = 8 // u64, 0: a number of which the verifier knows nothing
	UnwindPidSize  = 16

	UnwindMappingStart = 0  // u64, the first address
	UnwindMappingEnd   = 8  // u64, that behind the last one
	UnwindMappingBias  = 16 // u64, what addresses are above those of the file
	UnwindMappingFirst = 24 // u32, of Rules
	UnwindMappingCount = 28 // u32
	UnwindMappingSize  = 32

	UnwindRuleAddr   = 0  // u64, as the file numbers its memory
	UnwindRuleCFA    = 8  // u8, exe.UnwindCFA
	UnwindRuleSaved  = 9  // u8, whether rbp is saved
	UnwindRuleAt     = 10 // s16, where, from the CFA
	UnwindRuleOffset = 12 // s32, from the register to the CFA
	UnwindRuleSize   = 16
)

// How many the tables have room for. A process's mappings take a part of UnwindSlot.
const (
	UnwindPids  = 16
	UnwindSlot  = 2048
	UnwindRules = 1 << 20
)

// Config is what the script and the environment set for the time the program runs.
type Config struct {
	MaxCatBytes      uint64
	MaxStrlen        uint64
	PerfRBPages      uint64 // ring buffer size in pages of 4 KiB; 0: chosen by the engine
	StrTruncTrailer  string // ".." by default
	PrintMapsOnExit  bool
	StackMode        StackMode
	CppDemangle      bool
	MissingProbes    string // "error", "warn", "ignore"
	RenamedFunctions string // "error", "follow": to what kernel functions are called today
	MaxProbes        int
	CacheUserSymbols string // "PER_PID", "PER_PROGRAM", "NONE", or "" for the default
	LazySymbols      bool
	ShowDebugInfo    bool // file, line and inlined functions in stacks, with UseBlazesym
	UseBlazesym      bool
	LogSize          uint64
}

// StrSize is the bytes of a string that str() reads: max_strlen and, while that's small,
// a NUL besides.
func (c *Config) StrSize() uint64 {
	if c.MaxStrlen < 1024 {
		return c.MaxStrlen + 1
	}
	return c.MaxStrlen
}

// Program is one BPF program with the functions that it calls, laid out one after another.
type Program struct {
	Name       string // a C identifier, for the kernel at most 15 bytes of it
	ProgType   uint32 // enum bpf_prog_type
	AttachType uint32 // enum bpf_attach_type
	Sleepable  bool
	// AttachTo is the kernel function or tracepoint whose BTF the program needs
	// at load (fentry, fexit, BTF raw tracepoints, iterators), and its module.
	AttachTo, AttachModule string
	Insns                  []isa.Insn
	Relocs                 []Reloc
	Funcs                  []FuncInfo // Funcs[0] starts at 0
	Lines                  []Line     // ascending by Insn
	Points                 []Point    // what it's attached to
	// TestRun: it isn't attached, but run once by the engine: begin, end, self.
	TestRun bool
}

// FuncInfo is a function of a program.
type FuncInfo struct {
	Name     string
	Insn     int // index of its first instruction
	Args     int
	Static   bool
	Callback bool // r1… as the calling helper gives them
}

// Line says which source position instructions from Insn on belong to.
type Line struct {
	Insn int
	Pos  diag.Pos
}

// RelocKind is what an instruction's immediate waits for.
type RelocKind uint8

// The relocations.
const (
	RelocMap      RelocKind = iota // LD_IMM64 of a map's descriptor; Index: Maps
	RelocMapValue                  // LD_IMM64 of a map's value address; Index: Maps; Imm is the offset
	RelocFunc                      // LD_IMM64 of a function's address, or a call to it; Index: Funcs
	RelocKfunc                     // call of kernel function Name
	RelocKsym                      // LD_IMM64 of kernel variable Name (BTF id)
)

// Reloc fills in one instruction at load.
type Reloc struct {
	Insn  int
	Kind  RelocKind
	Index int
	Name  string
}

// Point is one place that a program is attached to, with all that attaching needs.
// Kind is the full name of the probe kind in internal/probe ("tracepoint", "uprobe" …).
type Point struct {
	Kind       string
	Text       string // as `probe` prints it: "tracepoint:sched:sched_switch"
	Target     string // module, category, or path of the binary
	Func       string // function, event, symbol
	Offset     uint64 // bytes after the symbol
	Addr       uint64 // absolute address: kernel, or file offset when FileOffset
	FileOffset bool
	Pid        int    // only this process (uprobe, usdt, profile); 0: all
	Unit       string // interval, profile: "hz", "s", "ms", "us", "ns"; software, hardware: ""
	Value      uint64 // rate, period or count
	Cookie     uint64 // bpf_get_attach_cookie; used when the program asked for it
	Cookies    bool   // the program reads the cookie
	Optional   bool   // a missing target is only warned of or ignored (missing_probes)
	Span       diag.Span
	// Config is the provider's own number: PERF_COUNT_SW_…, PERF_COUNT_HW_…, and a
	// watchpoint's HW_BREAKPOINT_… bits, whose length is Value.
	Config uint64
	// Semaphore is the file offset of a USDT semaphore, 0 for none.
	Semaphore uint64
	// Returns, of a uretprobe, are the file offsets of return instructions to probe in the
	// stead of the return address, which some runtimes don't let anyone replace; nil: none.
	// Above CookieOffsetShift the cookie has how far from the function's start each is.
	Returns []uint64
	// BPFProg is the id of the BPF program that Func is of (fentry:bpf, fexit:bpf); 0: none.
	BPFProg uint32
	// Pin is the path where an iterator is pinned instead of being run; "": it's run.
	Pin string
}

// CookieOffsetShift is where the cookie of a return instruction has its offset.
const CookieOffsetShift = 32

// MapKind is the kernel's map type (enum bpf_map_type).
type MapKind uint32

// The kinds in use.
const (
	MapHash           MapKind = 1
	MapArray          MapKind = 2
	MapProgArray      MapKind = 3
	MapPerfEventArray MapKind = 4
	MapPercpuHash     MapKind = 5
	MapPercpuArray    MapKind = 6
	MapStackTrace     MapKind = 7
	MapCgroupArray    MapKind = 8
	MapLRUHash        MapKind = 9
	MapLRUPercpuHash  MapKind = 10
	MapRingbuf        MapKind = 27
)

// Map is one BPF map. That of kind MapPerfEventArray is where packets come from: the engine
// gives it a buffer for each CPU.
type Map struct {
	Name       string // for the kernel at most 15 bytes of it
	Kind       MapKind
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // BPF_F_…
	Data       []byte // initial value of the first element; nil: zero
	ReadOnly   bool   // freeze after Data is in: the verifier knows the bytes
	Key, Value *Type  // for BTF and for dumps; nil: plain bytes
}

// Storage is where a script's @map lives.
type Storage uint8

// The storages.
const (
	// StoreHash: an element a key in Maps[Map] (hash kinds).
	StoreHash Storage = iota
	// StoreGlobal: at Offset in the one element of global map Maps[Map].
	StoreGlobal
	// StoreGlobalPerCPU: as StoreGlobal, but the element holds a row a CPU: CPU c's value
	// is at c×Stride + Offset; the values are merged.
	StoreGlobalPerCPU
)

// Var is a script's @map.
type Var struct {
	Name    string // with its @
	Key     *Type  // nil: it has no key
	Value   *Type
	Storage Storage
	Map     int
	Offset  uint32
	Stride  uint32 // StoreGlobalPerCPU: bytes between the rows of two CPUs
	// Present is the offset of a byte (StoreGlobal, StoreGlobalPerCPU) that a
	// program sets when it first writes, so that an untouched map isn't printed;
	// 0 with HasPresent unset: always printed.
	Present    uint32
	HasPresent bool
	PerCPU     bool // Maps[Map] is a per-CPU kind, or StoreGlobalPerCPU: values are merged by Value.Kind
	// Buckets: the key's last 8 bytes are a bucket's number and the value a count (keyed hist,
	// lhist, bhist), a bucket of a summary or an interval of a time series. BucketOff is where they stand in the key.
	Buckets   bool
	BucketOff uint32
	Pos       diag.Pos
}

// CountersMap is an array of one element. It holds a row of CountersRow bytes for each
// CPU, where counter i is the u64 at 8×i, and after the rows what ErrorSites count.
const (
	CounterLost       = iota // records the buffers had no room for
	CounterMapError          // map updates refused; kept at their ErrorSites
	CounterStackError        // stacks that could not be stored
	NumCounters
)

// CountersRow is the bytes of a CPU's row: one cache line.
const CountersRow = 64

// ErrorSite is a place whose helper may report an error at run time (ActionError).
type ErrorSite struct {
	Helper string // "map_update_elem", "probe_read_user" …
	Msg    string // what to say; "" : made from Helper and errno
	// Count is where in CountersMap's element the u64 count of failures is; only the
	// first failure sends a record. 0: every failure sends one.
	Count uint32
	Span  diag.Span
}

// ActionKind is what a record asks user space to do.
type ActionKind uint8

// The actions. Every record begins with u32 action number, u32 Extra; the fields of
// Args follow at their offsets from the record's start.
const (
	ActionPrintf    ActionKind = iota // Format, Args
	ActionErrorf                      // the same, as an error with its place on stderr
	ActionWarnf                       // the same, as a warning
	ActionPrint                       // print one value: Args[0]; Var ≥ 0: an element of that map, Args[0] key, Args[1] value, or no value: user space looks it up
	ActionPrintMap                    // Var; Args may hold "top" and "div" (else Top, Div)
	ActionClear                       // Var
	ActionZero                        // Var
	ActionTime                        // Text is a strftime format, Args[0] the boot clock's nanoseconds
	ActionExit                        // Extra: the exit status
	ActionCat                         // Format, Args: the path
	ActionSystem                      // Format, Args: the command line
	ActionJoin                        // Args: a string each; Text: the separator
	ActionError                       // Extra: index into Errors; Args[0]: i32 the helper's result
	ActionSkboutput                   // Text: the file; Args: boot clock, bytes that follow at Size, the packet's length, bytes to leave out
	ActionUnwatch                     // Args[0]: the address whose watchpoints go
)

// Action is what one record means.
type Action struct {
	Kind     ActionKind
	Span     diag.Span // of the call
	Probe    string    // the probe it stands in, "" when several
	Format   *Format   // printf, errorf, warnf, cat, system, time
	Text     string    // join's separator, time's format
	Args     []Field
	Var      int // index into Vars, or -1
	Top, Div uint64
	// HasTop and HasDiv tell a given 0 from none.
	HasTop, HasDiv bool
	Size           uint32 // bytes of the record when every dynamic field is empty
	// Style is the form of ActionPrintMap: "" the usual, "csv" rows of CSV, "log2" and
	// "linear" bcc's histograms, "log2json" and "linearjson" bcc's JSON. Unit heads the values,
	// Section names what the keys are.
	Style, Unit, Section string
	// Raw, with ActionPrint: a map's name isn't printed before the value.
	Raw bool
}

// Field is a value inside a record, a key or a struct.
type Field struct {
	Name   string
	Offset uint32 // bytes from the record's, key's or struct's start
	Type   *Type
	// Dynamic: at Offset is a u32: low 16 bits the offset of the bytes from the
	// record's start, high 16 bits their length (strings: without a NUL).
	Dynamic        bool
	BitOff, BitLen uint8 // of a bit-field; BitLen 0: none
}

// Format is a printf format, parsed.
type Format struct {
	Text  string // as written, escapes resolved
	Parts []FormatPart
}

// FormatPart is literal text (Verb 0) or one conversion.
type FormatPart struct {
	Lit   string
	Verb  byte   // d i u x X o c p s r (and 'h' 'x' buffers by Mod), f F e E g G, or 0
	Flags string // of "-+ #0"
	Width int    // -1: none
	Prec  int    // -1: none
	Mod   string // length modifier as written: "l", "ll", "h", "rx" …
	Arg   int    // index into Args
	// StarWidth and StarPrec: taken from an argument, whose index is Width or Prec.
	StarWidth, StarPrec bool
	// Real, with the verbs f F e E g G, is how the number is computed from Args; Arg is unused.
	Real []RealOp
}

// IsReal reports whether a conversion prints a floating-point number.
func (p *FormatPart) IsReal() bool {
	switch p.Verb {
	case 'f', 'F', 'e', 'E', 'g', 'G':
		return p.Mod != "gr"
	}
	return false
}

// RealOp is a step of a computation with real numbers, in postfix order: it pushes a number,
// or pops its operands and pushes what it makes of them.
type RealOp struct {
	Op     RealCode
	Arg    int    // RealArg, RealFloat: index into Args; RealQuantile, RealStddev: the key's, or -1
	Num    uint64 // RealConst; RealQuantile: which one, in units of 1/QuantileUnit
	Signed bool   // RealConst: Num is an int64
	Var    int    // RealQuantile, RealStddev: index into Vars
}

// QuantileUnit is the number of parts that a quantile divides 1 into.
const QuantileUnit = 1e9

// RealCode is what a RealOp does.
type RealCode uint8

// The operations.
const (
	RealArg   RealCode = iota // an integer
	RealFloat                 // the IEEE 754 number whose bits Args[Arg] holds: 4 or 8 bytes
	RealConst
	RealAdd
	RealSub
	RealMul
	RealDiv
	RealNeg
	RealAvg    // total, count: their quotient; 0 of nothing
	RealSelect // condition, a, b: a if the condition isn't 0, else b
	// What a summary is when it's printed; 0 of nothing.
	RealQuantile
	RealStddev
)

// StackMode is how a stack is printed.
type StackMode uint8

// The stack modes.
const (
	StackBpftrace StackMode = iota
	StackPerf
	StackRaw
	StackBuildID
)
