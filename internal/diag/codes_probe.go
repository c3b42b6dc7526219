package diag

// Codes of attach points: their form (E0401…) and whether they exist (E0420…).
const (
	CodePointKind   Code = "E0401"
	CodeProbeParts  Code = "E0402"
	CodeProbeNumber Code = "E0403"
	CodeProbeTarget Code = "E0404"
	CodeProbeEvent  Code = "E0405"
	CodeProbeWild   Code = "E0406"
	CodeProbeOffset Code = "E0407"
	CodeProbeUnsafe Code = "E0408"
	CodeProbeSource Code = "E0409"
	CodeProbeWatch  Code = "E0410"
	CodeProbeName   Code = "E0411"
	CodeProbeLang   Code = "E0412"

	CodeNoTracepoint Code = "E0420"
	CodeNoKernelFunc Code = "E0421"
	CodeNoBinary     Code = "E0422"
	CodeNoUserSymbol Code = "E0423"
	CodeNoMatch      Code = "E0424"
	CodeNoBTF        Code = "E0425"
	CodeNoTracefs    Code = "E0426"
	CodeManyProbes   Code = "E0427"
	CodeNoModule     Code = "E0428"
	CodeNoIter       Code = "E0429"
	CodeNoUSDT       Code = "E0430"
	CodeNoSourceLine Code = "E0431"
	CodeNoDebugInfo  Code = "E0432"
	CodeUserPlace    Code = "E0433"

	WarnNoMatch Code = "W0401"
	WarnRenamed Code = "W0402"
	WarnWrapper Code = "W0403"

	NoteUnchecked Code = "N0401"
)

var probeCodes = []CodeDoc{
	{CodePointKind, "unknown probe kind",
		"A probe begins with its kind, such as kprobe, tracepoint, uprobe or interval, or the kind's short name.",
		"kprob:vfs_read { }"},
	{CodeProbeParts, "attach point of another form",
		"Each kind of probe has its own number of parts between colons; the note shows them.",
		"tracepoint:sched_switch { }"},
	{CodeProbeNumber, "bad number in an attach point",
		"Rates, periods, counts, offsets and addresses are numbers as elsewhere: 99, 1e6, 0xff, 10ms.",
		"interval:s:soon { }"},
	{CodeProbeTarget, "attach point lacks its target",
		"The function, event or binary that the probe is about is missing.",
		"kprobe: { }"},
	{CodeProbeEvent, "unknown event",
		"The kind has a fixed list of events or units, and this isn't one of them.",
		"software:page-fault:1 { }"},
	{CodeProbeWild, "wildcard not possible here",
		"This kind, or this part of it, takes one name and no wildcard.",
		"software:page-*:1 { }"},
	{CodeProbeOffset, "offset not possible here",
		"Entry probes take function+offset, one offset. Return probes fire at the return and have none.",
		"kretprobe:vfs_read+4 { }"},
	{CodeProbeUnsafe, "attach point needs --unsafe",
		"A plain address is not checked by anyone: a wrong one can break what runs there.",
		"kprobe:0xffffffff81000000 { }"},
	{CodeProbeSource, "malformed place in the source",
		"A line of the source is probed with uprobe:binary@file:line or uprobe:binary@file:line:column.",
		"uprobe:/bin/sh@main.c { }"},
	{CodeProbeWatch, "malformed watchpoint",
		"A watchpoint has an address, a length of 1, 2, 4 or 8, and a mode made of r, w and x.",
		"watchpoint:0x1000:3:w { }"},
	{CodeProbeName, "name used twice",
		"Each test and each benchmark of a script has a name of its own.",
		"test:a { }\ntest:a { }"},
	{CodeProbeLang, "unknown language of symbols",
		"Between binary and function may stand cpp, which matches demangled C++ names.",
		"uprobe:/bin/sh:rust:main { }"},
	{CodeNoTracepoint, "tracepoint not found",
		"This kernel has no such tracepoint. `-l 'tracepoint:*word*'` searches for one.",
		"tracepoint:sched:sched_swich { }"},
	{CodeNoKernelFunc, "kernel function not found",
		"This kernel has no such function, or none that can be traced: names change between versions, and the " +
			"compiler inlines functions. `-l 'kprobe:*word*'` searches for one.",
		"kprobe:__do_page_cache_readahead { }"},
	{CodeNoBinary, "binary not found",
		"The file of a user probe is looked for as it stands, in $PATH, and, when it begins with lib, among the system's libraries.",
		"uprobe:/bin/nosuch:main { }"},
	{CodeNoUserSymbol, "symbol not found in the binary",
		"The binary's symbol tables have no such function; it may be stripped or inlined. `-l 'uprobe:BINARY:*'` lists them.",
		"uprobe:/bin/sh:nosuch { }"},
	{CodeNoMatch, "nothing matches the attach point",
		"The wildcard matches no function or event that could be probed.",
		"tracepoint:nosuch:* { }"},
	{CodeNoBTF, "kernel type information missing",
		"The kernel has no BTF at /sys/kernel/btf/vmlinux: it was built without CONFIG_DEBUG_INFO_BTF.",
		""},
	{CodeNoTracefs, "tracepoint descriptions unreachable",
		"The descriptions of tracepoints are in tracefs, which isn't mounted or not readable for this user. " +
			"Mount it with `mount -t tracefs nodev /sys/kernel/tracing` or run as root.",
		""},
	{CodeManyProbes, "too many probes",
		"A wildcard matches more functions than the option max_probes allows (1024). Make it narrower, or raise the limit: config = { max_probes = 20000 }.",
		"config = { max_probes = 5 }\nkprobe:vfs_* { }"},
	{CodeNoModule, "kernel module not loaded",
		"The attach point names a module that isn't loaded, or a function that several modules have; then name the module.",
		"kprobe:nosuch_module:f { }"},
	{CodeNoIter, "iterator not found",
		"This kernel has no iterator of that name. `-l 'iter:*'` lists them.",
		"iter:tasks { }"},
	{CodeNoUSDT, "static event not found in the binary",
		"The binary's .note.stapsdt has no such event. `-l 'usdt:BINARY:*'` lists them.",
		"usdt:/bin/sh:nosuch { }"},
	{CodeNoSourceLine, "no code at that line",
		"The debug information has no statement that begins at the given line of the file.",
		""},
	{CodeNoDebugInfo, "no debug information",
		"Places in the source and typed arguments of user functions need DWARF in the binary.",
		"uprobe:/bin/sh@main.c:10 { }"},
	{CodeUserPlace, "place in a binary that can't be probed",
		"Where no instruction begins a breakpoint changes what the program does. So the place has to be in the binary's code, " +
			"inside of the function that's named, and at an instruction; --unsafe leaves that to you.",
		"uprobe:/bin/sh:0x1 { }"},
	{WarnNoMatch, "attach point skipped",
		"The script's missing_probes=warn lets it run without probes whose target doesn't exist.",
		"config = { missing_probes = warn }\nrawtracepoint:nosuch,rawtracepoint:sched_switch { }"},
	{WarnRenamed, "kernel function followed to today's name",
		"The script's renamed_functions=follow has a function that is gone replaced by what does its work today. " +
			"Arguments may differ: the note tells what is known of them.",
		"config = { renamed_functions = follow }\nkprobe:_do_fork { }"},
	{WarnWrapper, "kernel function that's hardly called",
		"The function is still there, but only for the few callers that weren't changed to another one, or have it inlined, so the probe would see next to nothing, or not all. " +
			"The message names the other one; renamed_functions=follow takes it.",
		"kprobe:mark_page_accessed { }"},
	{NoteUnchecked, "attach point or arguments not checked",
		"`skep check` reads only what this user may read. What is named here can be wrong without being told: " +
			"check the script as root, or let others read tracefs with `mount -o remount,mode=755 /sys/kernel/tracing`.",
		"fentry:bpf:my_prog { }"},
}
