package inspect

import "fmt"

// Names of perf events (include/uapi/linux/perf_event.h), as perf spells them.
var (
	PerfTypes = []string{"hardware", "software", "tracepoint", "hw-cache", "raw", "breakpoint"}
	perfHW    = []string{"cpu-cycles", "instructions", "cache-references", "cache-misses", "branch-instructions",
		"branch-misses", "bus-cycles", "stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles"}
	perfSW = []string{"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults",
		"major-faults", "alignment-faults", "emulation-faults", "dummy", "bpf-output", "cgroup-switches"}
	perfCaches  = []string{"L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"}
	perfOps     = []string{"load", "store", "prefetch"}
	perfResults = []string{"refs", "misses"}
)

// PerfConfig is an event's name, or its number.
func PerfConfig(kind uint32, config uint64) any {
	name := func(table []string, n uint64) string {
		s, _ := TypeName(table, uint32(n))
		return s
	}
	switch {
	case kind == 0 && config < uint64(len(perfHW)):
		return perfHW[config]
	case kind == 1 && config < uint64(len(perfSW)):
		return perfSW[config]
	case kind == 3:
		return fmt.Sprintf("%s-%s-%s", name(perfCaches, config&0xff), name(perfOps, config>>8&0xff), name(perfResults, config>>16))
	}
	return config
}

// PerfEventName is an event in words: "software cpu-clock", "breakpoint 0".
func PerfEventName(kind uint32, config uint64) string {
	name, known := TypeName(PerfTypes, kind)
	if !known {
		name = "type " + name
	}
	return fmt.Sprintf("%s %v", name, PerfConfig(kind, config))
}
