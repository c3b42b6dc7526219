package probe

// PerfType is the perf_event_attr.type of an event (enum perf_type_id).
type PerfType uint32

// The types of events here.
const (
	PerfHardware PerfType = 0
	PerfSoftware PerfType = 1
)

// Event is a software or hardware event that perf counts.
type Event struct {
	Name    string
	Alias   string // "" when it has none
	Config  uint64 // PERF_COUNT_SW_…, PERF_COUNT_HW_… (include/uapi/linux/perf_event.h)
	Default uint64 // how many make one firing when the script doesn't say
	Doc     string
}

// SoftwareEvents are the events of kind Software, by name.
func SoftwareEvents() []Event {
	return []Event{
		{"alignment-faults", "", 7, 1, "unaligned accesses that the kernel had to mend"},
		{"bpf-output", "", 10, 1, "data written by bpf_perf_event_output"},
		{"context-switches", "cs", 3, 1000, "the CPU turned to another thread"},
		{"cpu-clock", "cpu", 0, 1000000, "nanoseconds of the CPU's time"},
		{"cpu-migrations", "", 4, 1, "a thread moved to another CPU"},
		{"dummy", "", 9, 1, "counts nothing"},
		{"emulation-faults", "", 8, 1, "instructions that the kernel emulated"},
		{"major-faults", "", 6, 1, "page faults that waited for the disk"},
		{"minor-faults", "", 5, 100, "page faults served from memory"},
		{"page-faults", "faults", 2, 100, "page faults of both sorts"},
		{"task-clock", "", 1, 1, "nanoseconds that threads ran"},
	}
}

// HardwareEvents are the events of kind Hardware, by name.
func HardwareEvents() []Event {
	return []Event{
		{"backend-stalls", "", 8, 1000000, "cycles stalled while retiring"},
		{"branch-instructions", "branches", 4, 100000, "branches retired"},
		{"branch-misses", "", 5, 100000, "branches predicted wrongly"},
		{"bus-cycles", "", 6, 100000, "cycles of the bus"},
		{"cache-misses", "", 3, 1000000, "last-level cache misses"},
		{"cache-references", "", 2, 1000000, "last-level cache accesses"},
		{"cpu-cycles", "cycles", 0, 1000000, "cycles of the CPU, at its present frequency"},
		{"frontend-stalls", "", 7, 1000000, "cycles stalled while issuing"},
		{"instructions", "", 1, 1000000, "instructions retired"},
		{"ref-cycles", "", 9, 1000000, "cycles at a fixed frequency"},
	}
}

// Events are the events of k: Software, Hardware; none for other kinds.
func Events(k Kind) []Event {
	switch k {
	case Software:
		return SoftwareEvents()
	case Hardware:
		return HardwareEvents()
	}
	return nil
}

// FindEvent finds an event of kind k by name or alias.
func FindEvent(k Kind, name string) (Event, bool) {
	for _, e := range Events(k) {
		if e.Name == name || e.Alias != "" && e.Alias == name {
			return e, true
		}
	}
	return Event{}, false
}

// Units are the units of interval and profile. A rate in hz, the others a period.
func Units() []string { return []string{"hz", "ms", "s", "us"} }

// Signals are the signals that kind Self knows.
func Signals() []string { return []string{"SIGUSR1"} }
