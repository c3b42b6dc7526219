// Package types is the language's type model, the universe of builtins, and the checker,
// which turns a script's trees into Info: each expression's type, folded constants, each
// map's key and value type, and each probe's programs. It reads no machine: facts come
// through Env.
package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// Kind is the kind of a type.
type Kind uint8

// The kinds.
const (
	Invalid Kind = iota // an error was reported
	Void
	Bool
	Int     // Size 1, 2, 4, 8; Signed
	Enum    // an Int with a named set of values
	String  // Size bytes, NUL included
	Buf     // Size bytes of content; a length comes with it
	Pointer // Elem, Space
	Struct  // S: a struct or union
	Array   // Elem, Len
	Tuple   // Fields
	Record  // Fields
	Ksym
	Usym
	Kstack // Stack
	Ustack // Stack
	Inet
	Mac
	Timestamp // Clock, Format
	CgroupPath
	Func     // a C function's type, behind a pointer
	Username // a user id that is printed as the user's name

	// Aggregations: values of maps only.
	Count
	Sum // Signed
	Avg
	Min
	Max
	Stats
	Hist  // Hist
	Lhist // Hist
	Bhist // Bounds
	Summary
	TSeries
)

// Space is the address space a pointer points into.
type Space uint8

// The address spaces.
const (
	SpaceNone Space = iota // unknown: the probe's own (kernel in kprobes, user in uprobes)
	SpaceKernel
	SpaceUser
	SpaceBTF   // a kernel object the verifier knows: direct loads
	SpaceCtx   // the program's context
	SpaceLocal // the script's own memory: &$x, &@m
)

// Type is a type. Types are immutable once made and compared with Identical.
type Type struct {
	Kind   Kind
	Size   uint32 // bytes of its value in memory; 0 for Void and incomplete types; Buf: of its content
	Signed bool
	Name   string // of an enum, or the typedef it was found by
	Elem   *Type
	Len    uint32
	Space  Space // a Pointer: what it points into; others: where the value was read from
	S      *StructType
	Fields []Field // tuple, record
	Enum   *EnumType
	Stack  object.StackSpec
	Hist   object.HistSpec
	Bounds []int64            // Bhist
	Digest object.SummarySpec // Summary; Signed
	Series object.SeriesSpec  // TSeries; Signed
	Places uint8              // Avg: decimals it's printed with
	Format string             // Timestamp, CgroupPath
	Cgroup object.CgroupForm  // CgroupPath
	Clock  object.Clock
	// Ctx marks the args/ctx pseudo structs: fields are read from the context.
	Ctx bool
	// Flex marks an Int made from non-negative literals alone: it takes the sign of
	// whatever it meets. Identical ignores it.
	Flex bool
}

// StructType is a struct's or union's layout. Large kernel structs fill in lazily.
type StructType struct {
	Name  string // with its tag: "struct task_struct", "union u"; "" anonymous
	Size  uint32
	Union bool
	BTFID uint32 // in vmlinux or module; 0: none
	// Forward: where the kernel points to it, it's declared alone. Fields and Size are those of
	// the definition in a module, filled in by Load, and the verifier doesn't follow a pointer to it.
	Forward bool
	// Load fills Fields at first use; nil when they are there.
	Load   func() []Field
	fields []Field
	loaded bool
}

// NewStruct makes a struct with its fields at hand.
func NewStruct(name string, size uint32, fields []Field) *StructType {
	return &StructType{Name: name, Size: size, fields: fields, loaded: true}
}

// Fields are the members in order; anonymous struct and union members have Name "".
func (s *StructType) Fields() []Field {
	if !s.loaded {
		s.loaded = true
		if s.Load != nil {
			s.fields = s.Load()
		}
	}
	return s.fields
}

// Field is a member of a struct, tuple, record or args.
type Field struct {
	Name   string
	Type   *Type
	Offset uint32 // bytes
	BitOff uint8  // bit-field: first bit in the bytes at Offset, counted from the least significant
	BitLen uint8  // bit-field: width; 0 for others
	// DataLoc: a tracepoint's __data_loc field: u32 (length<<16 | offset from the record's start).
	DataLoc bool
	// Arg is the index of the function's argument that this pseudo field of args is.
	Arg int
}

// EnumType is an enum.
type EnumType struct {
	Name   string
	Values []Enumerator
	// Bits, for a set of flags, has the names of its bits: bit_names().
	Bits []object.BitName
	// Point, for a number without names, has its decimal point: decimal().
	Point object.DecimalPoint
}

// Enumerator is one name of an enum.
type Enumerator struct {
	Name string
	Val  uint64 // int64's bits when the enum is signed
}

// Const is a value known at compile time: an integer (Type's kind Int, Bool, Enum, Pointer)
// or a string.
type Const struct {
	Int   uint64
	Str   string
	IsStr bool
}

// Signature is a kernel or user function as its debug information tells it.
type Signature struct {
	Name     string
	Module   string  // "vmlinux" or the module's name
	Args     []Field // Type and Name; Arg is the index
	Result   *Type
	BTFID    uint32
	Variadic bool
}

// Env is what the checker asks of the machine. host/target implements it over live files
// and captured ones. A question without an answer gives ok = false, never an error to
// guess at; err is for a machine in trouble (permission, corrupt file).
type Env interface {
	// Type looks up "struct task_struct", "union …", "enum …" or a typedef's name ("u32", "size_t").
	Type(name string) (*Type, bool)
	// ModuleType looks a type that Type doesn't know up in the loaded modules: in the one that
	// has function fn first, if that isn't "". module is its name, "": unknown.
	ModuleType(name, module, fn string) (*Type, bool)
	// Enumerator looks up an enumerator of the kernel: its value and enum type.
	Enumerator(name string) (uint64, *Type, bool)
	// KernelFunc is a function's signature for fentry, fexit and kprobe.
	KernelFunc(module, name string) (*Signature, bool)
	// BPFFunc is a function of a loaded BPF program. Its arguments have no types: those of
	// the program's own don't tell what a tracer gets.
	BPFFunc(prog uint32, name string) (*Signature, bool)
	// RawTracepoint is the signature of a raw tracepoint's callback, without its data pointer.
	RawTracepoint(name string) (*Signature, bool)
	// Tracepoint is the args struct of a tracepoint: offsets from the context's start.
	Tracepoint(category, name string) (*StructType, bool)
	// UserFunc is the signature of a function in a binary with DWARF.
	UserFunc(path, name string) (*Signature, bool)
	// UserType looks up a type in a binary with DWARF: "struct s", or a typedef's name.
	UserType(path, name string) (*Type, bool)
	// Iter is the context struct of an iterator (struct bpf_iter__task).
	Iter(name string) (*Type, bool)
	// KernelSymbol is the address of a symbol, for kaddr.
	KernelSymbol(name string) (uint64, bool)
	// UserSymbol is the address and size of a symbol in a binary, for uaddr.
	UserSymbol(path, name string) (addr, size uint64, ok bool)
	// Cgroup is the id of a cgroup2 directory, for cgroupid.
	Cgroup(path string) (uint64, error)
	// FindCgroups are the cgroups that a form has under a name.
	FindCgroups(form object.CgroupForm, name string) (*Cgroups, error)
	// Kfunc is the signature of a kernel function that BPF programs may call.
	Kfunc(name string) (*Signature, bool)
	// KfuncAllowed tells whether programs of a kind of probe may call it.
	KfuncAllowed(name string, kind probe.Kind) (bool, error)
	// KernelVar tells whether the kernel's types have a per-CPU variable, for percpu_kaddr.
	KernelVar(name string) bool
	// StackFrames is the most frames of a stack that the kernel walks.
	StackFrames() uint16
	// Facts are the numbers of the machine.
	Facts() *Facts
}

// Cgroups are the cgroups that a name stands for.
type Cgroups struct {
	Paths []string // in the file system, of the topmost ones; none: nothing has that name
	// Known are names that there are; those that are meant when Many is set: the name is an
	// abbreviation of several.
	Known []string
	Many  bool
}

// CgroupMatch is the comparison of the current task's cgroup with a name.
type CgroupMatch struct {
	Form  object.CgroupForm
	Paths []string // of the cgroups that the name stands for
	None  bool     // the name is "": the task is in no container, or pod
}

// Facts are what the machine is, as the compiler needs it.
type Facts struct {
	Arch               string // "amd64", "arm64"
	Kernel             uint32 // version as KERNEL_VERSION(a,b,c): a<<16 + b<<8 + c
	NumCPU             int    // possible CPUs
	PageSize           int
	PidNS              bool // we're in a pid namespace that isn't the first: pid, tid go by PidNSDev, PidNSIno
	PidNSDev, PidNSIno uint64
	HasBTF             bool
	BootTime           int64 // ns: wall clock minus boot clock at start
	Features           Features
}

// Features are what the kernel allows. Unknown ones are decided from Kernel.
type Features struct {
	Ringbuf, Loop, ForEachMap, NumIter, GetStackTask, StrNCmp, Cookie, KprobeMulti, UprobeMulti,
	Fentry, ProbeReadKernel, BootNS, TaiNS, CgroupID, JiffiesHelper, AtomicFetch, DPath bool
}

// Info is what the checker found out.
type Info struct {
	Types        []*Type                        // by ExprID: the type of each expression and TypeExpr
	Consts       []*Const                       // by ExprID: nil when it isn't constant
	Calls        []*Builtin                     // by ExprID of a CallExpr or Ident: the builtin it names
	Locals       []*Local                       // by ExprID of a VarExpr: the variable
	Fields       []*Selection                   // by ExprID of a FieldExpr, TupleIndex or IndexExpr on a tuple
	Formats      []*object.Format               // by ExprID of a CallExpr with a format
	Cgroups      map[syntax.ExprID]*CgroupMatch // of comparisons of a cgroup with a name
	Tables       map[syntax.ExprID]*Table       // of the names of constant arrays and structs
	Maps         []*MapInfo                     // in order of first appearance
	Units        []*Unit
	Funcs        []*FuncInfo
	funcs        map[string]*FuncInfo // by name
	CFuncs       []*CFunc             // of the C files that the script imports
	Config       object.Config
	License      string
	StackMode    object.StackMode
	OnStackLimit uint32
	MaxMapKeys   uint64
	// ClockMap is a keyless map of an unsigned number whose value is what nsecs and tseries
	// take for the time, for tests of scripts (BPFTRACE_DUMMY_TS_MAP); "": the clock is.
	ClockMap  string
	MaxProbes uint64 // attach points, at most
	MaxProgs  uint64 // programs, at most
	Env       Env
	Facts     *Facts
	// Params that the script asked for: getopt, in order.
	Options []Option
}

// Option is a named parameter of the script: getopt("name", default, "description").
type Option struct {
	Name, Default, Help string
	Kind                Kind // Bool, Int, String
	Span                diag.Span
}

// Unit is one program to be: a probe's body for one or more attach points whose context
// and argument types are the same.
type Unit struct {
	Probe  *syntax.Probe
	Points []*probe.Point
	Pred   syntax.Expr   // this unit's own copy when the probe makes several units
	Body   *syntax.Block // the same
	Args   *StructType   // what `args` is; nil: none
	Sig    *Signature    // fentry, fexit, raw tracepoints: the function
	Ctx    *Type         // what `ctx` is
	// Blind: nothing is known of what the points are, as far as that depends on the machine.
	// What the script takes from there has no type, without an error.
	Blind bool
	// USDT is where the arguments of a USDT probe are that the program reads.
	USDT USDTArgs
}

// Func is the script's function of that name, or nil.
func (i *Info) Func(name string) *FuncInfo { return i.funcs[name] }

// FuncInfo is a script function's body and types.
type FuncInfo struct {
	Decl   *syntax.Func
	Params []*Local
	Result *Type
}

// Local is a scratch variable: one lexical scope's $x.
type Local struct {
	Name  string
	Type  *Type
	Decl  diag.Span
	Index int // dense within its unit
	// LoopVar: bound by a for loop. Captured is decided by ssagen.
	LoopVar   bool
	Addressed bool // its address is taken
}

// MapInfo is a script's @map.
type MapInfo struct {
	Name  string
	Key   *Type // nil: no key
	Value *Type
	Decl  diag.Span // first appearance
	Kind  string    // of `let @m = kind(max)`, or ""
	Max   uint64    // its max entries, or 0
	Index int
	// Printed, Iterated, Deleted …: how it's used, for the choice of storage.
	Iterated, Deleted, Addressed bool
}

// Selection is how a field is reached: through which members, and what's at the end.
type Selection struct {
	Path   []Field // members from outermost to innermost, anonymous ones included; offsets are each relative to the one before
	Offset uint32  // bytes from the object's start: the sum
	Field  Field   // the last, with Offset relative to its parent
	Index  int     // of a tuple's element
}
