// Package probe knows the kinds of probes: names, aliases, the grammar of their targets,
// program and attach types, contexts, and what their return value means; it parses attach
// points and matches wildcards. It does no I/O.
package probe

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// Kind is a kind of probe.
type Kind uint8

// The kinds.
const (
	Invalid Kind = iota
	Begin
	End
	Self // self:signal:SIGUSR1
	Test
	Bench
	Interval
	Profile
	Tracepoint
	RawTracepoint
	Software
	Hardware
	Kprobe
	Kretprobe
	Fentry
	Fexit
	Uprobe
	Uretprobe
	USDT
	Watchpoint
	Iter
)

// Point is a parsed attach point. Before expansion Target and Func may hold wildcards.
type Point struct {
	Kind      Kind
	Span      diag.Span
	Text      string // normalized, as the `probe` builtin prints it: full kind name, no quotes
	Target    string // module (kernel kinds), category, binary; "" when not given
	Func      string // function, event, symbol, hardware event …
	NS        string // USDT provider
	Lang      string // "cpp": demangled matching
	Offset    uint64 // symbol+offset
	Addr      uint64 // absolute
	HasAddr   bool
	File      string // file:line:col of a uprobe
	Line, Col int
	Unit      string // interval, profile: hz s ms us ns
	Value     uint64 // rate, period, count, in Unit
	HasValue  bool
	Mode      string // watchpoint rwx; self: the signal's name; iter: pin path
	Len       uint64 // watchpoint
	BPFProg   uint32 // fentry:bpf:ID
	Wild      bool   // Target, NS or Func has a wildcard
	Orig      *Point // of an expanded one: what the script said
	// Blind: what it names on the machine couldn't be found or read, and the script is only
	// checked. Unread says why its arguments couldn't, when the point itself is known to be there.
	Blind  bool
	Unread string
	// Sym is filled by discovery for user probes: resolved path and address.
	Path      string // resolved path of the binary
	FileOff   uint64 // file offset of the place
	Semaphore uint64
	USDTArgs  string // the note's argument string
	// Go: the function is of the Go language. Returns are the file offsets of its return
	// instructions, which a uretprobe takes in the stead of the return address.
	Go      bool
	Returns []uint64
	// Args are of a function that took the place of the one that the script names: the
	// numbers here of that one's arguments, -1 for those it hasn't got; nil: the same.
	Args []int
}

// PinPath is where an iterator is pinned: Mode, below the BPF file system when it's
// relative; "" when it isn't pinned.
func (pt *Point) PinPath() string {
	switch {
	case pt.Kind != Iter || pt.Mode == "":
		return ""
	case pt.Mode[0] == '/':
		return pt.Mode
	}
	return "/sys/fs/bpf/" + pt.Mode
}

// Breakpoint is a watchpoint as the kernel wants it: the accesses it stops at
// (HW_BREAKPOINT_R, W, X, include/uapi/linux/hw_breakpoint.h) and its length, which for
// instructions is a long's.
func (pt *Point) Breakpoint() (kinds, length uint64) {
	length = pt.Len
	for i, c := range "rwx" {
		if strings.ContainsRune(pt.Mode, c) {
			kinds |= 1 << i
		}
	}
	if kinds&4 != 0 {
		length = 8
	}
	return kinds, length
}
