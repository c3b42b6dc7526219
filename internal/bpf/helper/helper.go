// Package helper is the table of BPF helpers, and of the kernel functions (kfuncs) that
// programs may call: what they take and give, since which kernel, for which programs.
// The facts are those of include/uapi/linux/bpf.h and of the kernel's bpf_func_proto.
package helper

import "fmt"

// Version is a kernel release.
type Version struct{ Major, Minor uint8 }

// V is the version major.minor.
func V(major, minor uint8) Version { return Version{major, minor} }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// Arg is what an argument must be.
type Arg uint8

// The argument kinds.
const (
	ArgNone     Arg = iota
	ArgScalar       // a number
	ArgCtx          // the program's context
	ArgMap          // a map
	ArgKey          // memory of the map's key size, read
	ArgValue        // memory of the map's value size, read; may be null where the map's kind allows
	ArgValueOut     // memory of the map's value size, written
	ArgMem          // memory, read; ArgSize follows
	ArgMemOut       // memory, of which some may be written; ArgSize follows
	ArgFill         // memory, written to its last byte, also when the helper fails; ArgSize follows
	ArgSize         // bytes of the memory before it: a bounded number
	ArgFixed        // memory whose size the helper knows, read
	ArgOut          // 8 bytes (check_mtu: 4), written
	ArgAddr         // any address; it may be bad
	ArgObject       // a kernel object, by BTF pointer or as a socket
	ArgString       // a constant string with NUL in read-only map data
	ArgFunc         // a BPF function to call back
	ArgPtr          // what the callback gets: any pointer or number
	ArgRecord       // what ringbuf_reserve gave
	ArgDynptr       // a dynptr on the stack
	ArgTimer        // a struct bpf_timer in a map value
	ArgLock         // a struct bpf_spin_lock in a map value
	ArgPercpu       // a per-CPU kernel variable
)

// Args are a helper's arguments; those that it doesn't have are ArgNone.
type Args [5]Arg

// Len is the number of arguments.
func (a Args) Len() int {
	for i, k := range a {
		if k == ArgNone {
			return i
		}
	}
	return len(a)
}

// Result is what a helper returns.
type Result uint8

// The result kinds.
const (
	Void           Result = iota
	Int                   // a signed 64-bit number: often 0 or a negated errno
	Int32                 // a signed 32-bit number
	U32                   // an unsigned 32-bit number
	U64                   // an unsigned 64-bit number
	MapValue              // a map's value
	MapValueOrNull        // to be compared with null before it's used, as the following
	RecordOrNull          // a ring buffer record
	MemOrNull             // memory of the size asked for
	Object                // a kernel object by its BTF type
	ObjectOrNull
)

// MayBeNull reports whether the result is a pointer to check first.
func (r Result) MayBeNull() bool {
	return r == MapValueOrNull || r == RecordOrNull || r == MemOrNull || r == ObjectOrNull
}

// Class is a set of program types, as the kernel groups its helpers.
type Class uint32

// The classes.
const (
	Any        Class = 1 << iota // every program type, given CAP_BPF and CAP_PERFMON
	Tracing                      // kprobe, uprobe, tracepoint, perf_event, fentry …, BTF raw tracepoint
	Trampoline                   // fentry, fexit, fmod_ret
	Iter                         // iterators
	LSM                          // security hooks
	Syscall                      // BPF_PROG_TYPE_SYSCALL
	Skb                          // socket filter, tc, cgroup_skb, as their kind allows
	XDP
	Cgroup // cgroup socket, address and option hooks
	Sysctl
	SockOps
	SkMsg
	SkSkb
	Reuseport
	LWT
	LIRC
	StructOps
	Sockets // any that can hold a socket
)

// Helper is one helper's row.
type Helper struct {
	ID     int32
	Name   string // without bpf_
	Result Result
	Args   Args
	For    Class
	Since  Version
	GPL    bool // only for programs with a GPL-compatible license
	// Pure: no side effect, and the same result for the same arguments during one
	// run of a program, which stays on one CPU and in one task.
	Pure bool
	// Repeats: it does nothing but fill its ArgFill, during one run of a program always
	// with the same bytes.
	Repeats bool
	// Changes: it may change kernel objects that the program reads through BTF pointers.
	Changes bool
	Doc     string
}

// ByID is the row of helper id, or nil.
func ByID(id int64) *Helper {
	if id < 1 || id > int64(len(table)) {
		return nil
	}
	return &table[id-1]
}

// ByName is the row of a helper by its name without bpf_, or nil.
func ByName(name string) *Helper {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// All are the rows by ascending id; the caller doesn't change them.
func All() []Helper { return table[:] }

// Name is the name of helper id without bpf_, or "".
func Name(id int64) string {
	if h := ByID(id); h != nil {
		return h.Name
	}
	return ""
}

// Writes has bit i set if the memory that argument i points to may be changed.
func (h *Helper) Writes() uint8 {
	return h.argsOf(func(a Arg) bool {
		switch a {
		case ArgValueOut, ArgMemOut, ArgFill, ArgOut, ArgPtr, ArgRecord, ArgDynptr, ArgTimer, ArgLock:
			return true
		}
		return false
	})
}

// ReadsOnly has bit i set if argument i is a pointer to memory of the program that isn't changed.
func (h *Helper) ReadsOnly() uint8 {
	return h.argsOf(func(a Arg) bool {
		switch a {
		case ArgKey, ArgValue, ArgMem, ArgFixed, ArgString, ArgAddr:
			return true
		}
		return false
	})
}

// Fills has bit i set if argument i's memory is written to its last byte and not read.
func (h *Helper) Fills() uint8 { return h.argsOf(func(a Arg) bool { return a == ArgFill }) }

func (h *Helper) argsOf(is func(Arg) bool) (set uint8) {
	for i, a := range h.Args {
		if is(a) {
			set |= 1 << i
		}
	}
	return set
}

// Calls reports whether the helper calls back a function of the program.
func (h *Helper) Calls() bool {
	return h.argsOf(func(a Arg) bool { return a == ArgFunc }) != 0
}

// String is the helper's name as C has it.
func (h *Helper) String() string { return "bpf_" + h.Name }
