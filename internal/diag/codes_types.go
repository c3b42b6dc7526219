package diag

// Codes of names, types, calls and the config block.
const (
	CodeUndefinedVar Code = "E0250"
	CodeRedeclared   Code = "E0251"
	CodeUndefinedMap Code = "E0252"
	CodeUnknownName  Code = "E0253"
	CodeUnknownFunc  Code = "E0254"
	CodeUnknownField Code = "E0255"
	CodeUnknownType  Code = "E0256"
	CodeConfigName   Code = "E0257"
	CodeConfigValue  Code = "E0258"

	CodeMismatch    Code = "E0301"
	CodeKey         Code = "E0302"
	CodeMapKeys     Code = "E0303"
	CodeMapKind     Code = "E0304"
	CodeOperand     Code = "E0305"
	CodeCast        Code = "E0306"
	CodeArgCount    Code = "E0307"
	CodeArgType     Code = "E0308"
	CodeLiteral     Code = "E0309"
	CodeFormat      Code = "E0310"
	CodeFormatCount Code = "E0311"
	CodeCond        Code = "E0312"
	CodeJump        Code = "E0313"
	CodeReturn      Code = "E0314"
	CodeRecursion   Code = "E0337"
	CodeAggregate   Code = "E0315"
	CodeBranches    Code = "E0316"
	CodeIndex       Code = "E0317"
	CodeDeref       Code = "E0318"
	CodeProbeKind   Code = "E0319"
	CodeUnsafe      Code = "E0320"
	CodeFold        Code = "E0321"
	CodeRange       Code = "E0322"
	CodeStringLong  Code = "E0323"
	CodePrint       Code = "E0324"
	CodeFail        Code = "E0325"
	CodeComptime    Code = "E0326"
	CodeLoopType    Code = "E0327"
	CodeCommonField Code = "E0328"
	CodeFeature     Code = "E0329"
	CodeUnstable    Code = "E0330"
	CodeNoType      Code = "E0331"
	CodeNoFields    Code = "E0332"
	CodeSymbol      Code = "E0333"
	CodeArgsMissing Code = "E0334"
	CodeCgroup      Code = "E0335"
	CodeUnsupported Code = "E0399"

	CodeNeverAssigned  Code = "W0301"
	CodeUsedUnassigned Code = "W0302"
	CodeDiscarded      Code = "W0303"
	CodeNarrow         Code = "W0304"
	CodeSignedDiv      Code = "W0305"
	CodeConfigRetired  Code = "W0306"
	CodeWhile          Code = "W0307"
	CodeUselessCast    Code = "W0308"
	CodeStrLength      Code = "W0309"
	CodePrintLoop      Code = "W0310"
	WarnDebug          Code = "W0317"
	CodeUnusedMap      Code = "W0311"
	CodeMapRedeclared  Code = "W0318"
	WarnEnviron        Code = "W0319"
	CodeUnreachable    Code = "W0312"
	CodePointers       Code = "W0313"
	CodeUnstableUse    Code = "W0314"
	CodeEmptyString    Code = "W0315"
	CodeStackMode      Code = "W0316"
	CodeArgMoved       Code = "W0320"
)

var typesCodes = []CodeDoc{
	{CodeUndefinedVar, "undefined variable",
		"A variable exists from its first assignment or `let` to the end of the block in which that stands.",
		"begin { print($x); }"},
	{CodeRedeclared, "declared twice",
		"A variable can't be declared again while it exists, also not in an inner block; functions and constants are declared once.",
		"begin { let $x = 1; let $x = 2; }"},
	{CodeUndefinedMap, "undefined map",
		"The map is read, and nothing is ever assigned to it: its name may be misspelt here, or where it's assigned.",
		"begin { print(@x); }"},
	{CodeUnknownName, "unknown name",
		"A bare name is a builtin, a macro, a constant, or an enumerator or macro of the kernel or of a header.",
		"begin { print(pidd); }"},
	{CodeUnknownFunc, "unknown function",
		"There is neither a builtin, nor a macro, nor a function of this name.",
		"begin { printff(1); }"},
	{CodeUnknownField, "unknown field",
		"The struct, the record or args has no field of this name. `skep -lv` lists those of probes.",
		"begin { print(curtask.nam); }"},
	{CodeUnknownType, "unknown type",
		"Neither the language, nor the script's C definitions, nor the kernel's BTF has a type of this name.",
		"begin { $x = (struct nope *)0; }"},
	{CodeConfigName, "unknown config variable",
		"The config block sets variables such as max_strlen, max_map_keys, missing_probes or stack_mode, by these names.",
		"config = { max_strlem = 5; }\nbegin { }"},
	{CodeConfigValue, "value not accepted by a config variable",
		"The message says which values there are. A value in the environment (BPFTRACE_…) goes before the script's.",
		"config = { stack_mode = perl; }\nbegin { }"},

	{WarnEnviron, "value in the environment not used",
		"BPFTRACE_BTF names a file with the kernel's types (raw BTF), BPFTRACE_COLOR is auto, always or never. The message says what isn't so.",
		""},
	{CodeMismatch, "value of another type assigned",
		"A variable or map keeps the type of its first value; integers and strings only grow. A declared type doesn't change at all.",
		"begin { $x = \"abc\"; $x = 5; }"},
	{CodeKey, "key of another type",
		"All keys of a map have one type. Contexts, histograms and values of no size can't be keys.",
		"begin { @x[1] = 1; @x[\"a\"] = 2; }"},
	{CodeMapKeys, "map used with and without keys",
		"A map either has keys in all of its uses, or in none.",
		"begin { @x = 1; @x[1] = 2; }"},
	{CodeMapKind, "kind of map doesn't hold such values",
		"Aggregations such as count() live in per-CPU kinds, everything else in the others.",
		"let @m = percpuhash(10);\nbegin { @m[1] = 1; }"},
	{CodeOperand, "operator doesn't work on these types",
		"Arithmetic takes integers; of pointers, an integer can be added or taken away. Strings, arrays and tuples can be compared with == and !=.",
		"begin { print(comm < \"a\"); }"},
	{CodeCast, "impossible cast",
		"Integers, pointers and bools can be cast to each other, and integers and arrays of the same size.",
		"begin { $x = (int8)comm; }"},
	{CodeArgCount, "wrong number of arguments",
		"The note shows how the function is called; what stands in brackets may be left out.",
		"begin { print(str()); }"},
	{CodeArgType, "argument of the wrong type",
		"The message says what the function needs at this place. A cast makes an integer or a pointer of another type, str() a string of a pointer.",
		"begin { print(bswap(\"a\")); }"},
	{CodeLiteral, "value has to be known at compile time",
		"A literal, or something computed from literals, has to stand here.",
		"begin { @x = lhist(1, 0, pid, 1); }"},
	{CodeFormat, "value doesn't go with its conversion",
		"%d, %x and their like print integers, pointers and bools, %f, %e and %g integers and what's computed from them, %r buffers, %s everything with a text form.",
		"begin { printf(\"%d\", \"abc\"); }"},
	{CodeFormatCount, "wrong number of values for a format",
		"Each conversion of the format takes one value.",
		"begin { printf(\"%d %d\", 1); }"},
	{CodeCond, "not a condition",
		"A condition is an integer, a pointer or a bool. A string is compared: comm != \"\".",
		"begin { if (comm) { } }"},
	{CodeJump, "break or continue outside of a loop",
		"They belong to a for, while or unroll around them. `return` ends the probe.",
		"begin { break; }"},
	{CodeReturn, "wrong value returned",
		"A probe returns an integer or nothing, a function what it declares.",
		"begin { return \"a\"; }"},
	{CodeRecursion, "function calls itself",
		"A function of the script may call others, but none that leads back to it: BPF has a stack of 512 bytes and no recursion. " +
			"What is recursive by nature is written as a loop.",
		"fn f($n: int64): int64 { return f($n - 1); }\nbegin { print(f(3)); }"},
	{CodeAggregate, "aggregation misused",
		"count(), sum() and the others belong to one map: they're assigned to it directly, and only the whole map can be printed. " +
			"Those of one number can be read as an integer, (int64)@x. What summary() gathers is printed by printf's %f: quantile(@x, 0.99).",
		"begin { $x = count(); }"},
	{CodeBranches, "branches of different types",
		"Both values of ?: or of an if that is a value have the same type, unless a literal as the condition picks one.",
		"begin { $x = pid ? comm : 5; }"},
	{CodeIndex, "impossible index",
		"Arrays, strings, tuples, pointers and maps have elements; the index is an unsigned integer below their number.",
		"begin { print((1, 2).5); }"},
	{CodeDeref, "not a pointer, or one to something without a size",
		"Cast it to a pointer to what is there: *(uint32 *)$x.",
		"begin { $x = *comm; }"},
	{CodeProbeKind, "builtin not known in this kind of probe",
		"retval is known where functions return, arg0 and args where they begin, ctx where there is a context to read.",
		"begin { print(retval); }"},
	{CodeUnsafe, "function needs --unsafe",
		"It changes the system or a process. Run with --unsafe to allow it.",
		"begin { system(\"ls\"); }"},
	{CodeFold, "constant can't be computed",
		"Literals are computed with 64 bits, and can't be divided by zero.",
		"begin { print(5 / 0); }"},
	{CodeRange, "value out of range",
		"The message says which values there are.",
		"begin { unroll (101) { } }"},
	{CodeStringLong, "string too long",
		"A string holds at most max_strlen bytes, the closing zero among them: config = { max_strlen = … }.",
		"config = { max_strlen = 8; }\nbegin { print(\"0123456789\"); }"},
	{CodePrint, "value can't be printed",
		"It has no value, or none that stands for itself.",
		"begin { print(clear(@x)); @x = 1; }"},
	{CodeFail, "the script's own check failed",
		"fail() or static_assert() of the script says so.",
		"begin { fail(\"not on this machine\"); }"},
	{CodeComptime, "not known at compile time",
		"`comptime`, `if comptime` and static_assert() need what can be computed from literals and types.",
		"begin { if comptime (pid == 1) { } }"},
	{CodeLoopType, "nothing to loop over",
		"A for loop runs over integers, or over a map whose values are no histograms.",
		"begin { for ($i : 0..comm) { } }"},
	{CodeCommonField, "common field of a tracepoint",
		"The kernel doesn't let programs read the first eight bytes of a tracepoint's record. pid, tid and cpu are builtins.",
		"tracepoint:sched:sched_switch { print(args.common_pid); }"},
	{CodeFeature, "kernel feature missing",
		"This kernel doesn't have what the function needs; the message says since when others do. Or the session lacks it, as a process whose stacks dw_ustack unwinds.",
		""},
	{CodeUnstable, "feature not enabled",
		"It may still change. A config variable enables it.",
		"begin { print(typeinfo(pid).full_type); }"},
	{CodeNoType, "type unknown",
		"Nothing is assigned to the variable, so it has no type. Declare one: let $x : uint64.",
		"begin { let $x; print($x); }"},
	{CodeNoFields, "value without fields",
		"Structs, pointers to structs, records and args have fields.",
		"begin { print(pid.x); }"},
	{CodeSymbol, "symbol, register or cgroup not found",
		"Addresses of the kernel are only known to root, and unless kernel.kptr_restrict hides them.",
		"begin { print(kaddr(\"no_such_symbol\")); }"},
	{CodeArgsMissing, "arguments of the probe not known",
		"args needs BTF of the kernel's function, the tracepoint's format, or DWARF of the binary. arg0, arg1 … do without.",
		"fentry:schedule { print(args.prev); }"},
	{CodeCgroup, "container, pod or cgroup not found",
		"A comparison of container, pod or cgroup_path with a name is decided in the kernel, by the cgroups that have the name when the script starts. " +
			"A container's name is its id, or at least 4 digits that begin no other's, or what its runtime calls it; a pod's is its uid, its name or NAMESPACE/NAME; a cgroup's is its path in cgroup2.",
		"interval:s:1 /container == \"no such container\"/ { }"},
	{CodeUnsupported, "not supported yet",
		"It's part of the language, but skep can't do it yet.",
		"begin { print(config); }"},

	{CodeNeverAssigned, "variable never assigned",
		"It's declared, but nothing is assigned to it.",
		"begin { let $x : int8; }"},
	{CodeUsedUnassigned, "variable used before it's assigned",
		"Its value is zero there.",
		"begin { let $x : int8; print($x); $x = 1; }"},
	{CodeDiscarded, "value not used",
		"An expression stands for itself, and its value is lost. Write `_ = …;` if that is meant.",
		"begin { 1 + pid; }"},
	{CodeNarrow, "value may not fit",
		"The value gets a type that doesn't hold all values of its own. An explicit cast says that this is meant.",
		"begin { $x = -1; let $y : uint16 = $x; }"},
	{CodeSignedDiv, "signed division",
		"BPF divides unsigned numbers only: of a negative one the result is nonsense.",
		"begin { $x = -5; print($x / (uint32)2); }"},
	{CodeConfigRetired, "old config variable",
		"It has another name now, or no effect any more.",
		"config = { strlen = 99; }\nbegin { }"},
	{CodeWhile, "while is deprecated",
		"A for loop over a range has an end that the verifier can see.",
		"begin { $i = 0; while ($i < 5) { $i++; } }"},
	{CodeUselessCast, "cast changes nothing",
		"The value has this type already.",
		"begin { $x = (uint32)pid; }"},
	{CodeStrLength, "string cut to max_strlen",
		"No string is longer than max_strlen, which the config block or BPFTRACE_MAX_STRLEN sets.",
		"begin { print(str(kptr(pid), 5000)); }"},
	{CodePrintLoop, "map printed in a loop, or options without effect",
		"A map is printed when user space gets to it: after the loop has run.",
		"begin { for ($i : 0..3) { @x = $i; print(@x); } }"},
	{WarnDebug, "for debugging only",
		"debugf() prints through bpf_trace_printk into the kernel's trace pipe, /sys/kernel/tracing/trace_pipe: slowly, for everyone who reads it, and by a lock that all CPUs share. " +
			"printf() is what scripts print with.",
		"begin { debugf(\"here\"); exit(); }"},
	{CodeUnusedMap, "map never used",
		"It's declared, and that's all.",
		"let @x = hash(10);\nbegin { }"},
	{CodeMapRedeclared, "map declared again",
		"The first declaration says what kind the map is and how many keys it holds.",
		"let @x = hash(10);\nlet @x = hash(20);\nbegin { @x[1] = 1; }"},
	{CodeUnreachable, "statement never reached",
		"The statement before it leaves the block.",
		"begin { return; print(1); }"},
	{CodePointers, "pointers to different types compared",
		"Cast one of them if that is meant.",
		"begin { $p = (uint8 *)0; print($p == curtask); }"},
	{CodeUnstableUse, "feature that may change",
		"A later version may give it another name or meaning. A config variable (unstable_…=enable) silences this.",
		"config = { unstable_tseries = warn }\nbegin { @ = tseries(1, 1s, 5); }"},
	{CodeEmptyString, "string is always empty",
		"All of its bytes are cut off.",
		"begin { print(\"a\" + 1); }"},
	{CodeStackMode, "stack mode doesn't fit",
		"Kernel frames have no build id, so their addresses are shown.",
		"config = { stack_mode = build_id; }\nbegin { print(kstack); }"},
	{CodeArgMoved, "argument is another one on this kernel",
		"Arguments of kernel functions move from version to version, and a script that was written for another kernel reads the wrong one. " +
			"The kernel's type information says which argument has the type that is cast to.",
		"kprobe:set_user_nice { print(((struct task_struct *)arg1).pid); }"},
}
