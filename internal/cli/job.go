package cli

import (
	"regexp"
	"time"

	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/run"
	"github.com/skep-bpf/skep/internal/tools"
)

// Job is a script and what to do with it.
type Job struct {
	Name   string // of the source, as messages show it
	Text   string
	Dir    string        // relative imports and includes start here
	Header *tools.Header // nil: the script has none

	Params []string       // $1, $2 …
	Named  []expand.Named // getopt

	IncludeDirs, Includes []string

	List    bool   // list the probes of the script, or those that Search matches
	Search  string // with List and no script
	Pid     int    // only this process; 0: all
	Command string // run and trace this command
	// UnwindPids are more processes whose stacks dw_ustack unwinds.
	UnwindPids []int

	Output     string // file; "": stdout
	Format     string // "text", "json"
	Buffering  string // "line", "full", "none"; "": by what stdout is
	ErrorStyle string // "text", "short", "json", "bpftrace"
	Quiet      bool
	Verbose    int
	Warnings   int // 0 none, 1 usual, 2 also failed probe reads
	Unsafe     bool
	USDTByFile bool // --usdt-file-activation
	Duration   time.Duration
	UTC        bool     // times are printed in UTC
	ISO        bool     // times of day are printed in ISO 8601
	Nested     bool     // its programs trace what they call themselves; runs left out for that aren't told
	DryRun     bool     // end when all is attached
	CheckOnly  bool     // only check the script
	Open       bool     // with CheckOnly: parameters that aren't given may be anything
	Mode       run.Mode // which probes to run
	Dump       []string // stages: ast, types, ssa, ssa:PASS, insns

	DebugDirs []string // for debug information that was cut off binaries
	// ProbeFilter picks from the attach points those to attach to; nil: all.
	ProbeFilter *regexp.Regexp
	// Traceable is a file with the kernel functions that can be traced; "": ask the kernel.
	Traceable string
	// CheckNull tests pointers before they're followed, after the verifier refused to
	// follow one that may be NULL.
	CheckNull bool
	// Bpftrace: called as bpftrace, whose words and exit statuses count.
	Bpftrace bool
}
