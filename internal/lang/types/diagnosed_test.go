package types

// diagnosed are scripts whose comments tell what is reported on the line.
var diagnosed = []string{
	`begin { $x = "abc"; $x = 5; /* ERROR "$x is string[4], and can't be assigned int8" */
}`,
	`begin { print($y); /* ERROR "undefined variable: $y" */
}`,
	`begin {
	if (1) { $b = 2; }
	print($b); /* ERROR "undefined variable: $b" */
}`,
	`begin { let $a = 1;
	let $a = 2; /* ERROR "already declared" */
}`,
	`begin { @a = 1;
	@a[1] = 2; /* ERROR "@a has no keys" */
}`,
	`begin { @a[1] = 1;
	@a = 2; /* ERROR "@a has keys" */
}`,
	`begin { @a = count();
	@a = 5; /* ERROR "@a is count_t, and can't be assigned int8" */
}`,
	`begin { @a = hist(1);
	$b = @a; /* ERROR "a variable can't hold a hist_t" */
}`,
	`begin { @a = count();
	@c = @a; /* ERROR "count_t can't be copied from one map to another" */
}`,
	`begin { $x = count(); /* ERROR "count() is assigned to a map directly" */
}`,
	`begin { @x[1] = 1;
	@x["a"] = 2; /* ERROR "Argument mismatch for @x: trying to access with arguments: 'string[2]' when map expects arguments: 'int8'" */
}`,
	`begin { break; /* ERROR "break outside of a loop" */
}`,
	`begin { return "a"; /* ERROR "a probe returns an integer, not string[2]" */
}`,
	`begin { print(5/0); /* ERROR "division by zero" */
}`,
	`begin { printf("%d", "abc"); /* ERROR "%d doesn't print string[4]" */
	printf("%d %d", 1); /* ERROR "the format takes 2 arguments, not 1" */
	printf("%a", 1); /* ERROR "%a doesn't print int8" */
	printf("%.2f", pid / 2 + comm); /* ERROR "%f prints integers and what's computed from them, not string[16]" */
	printf("%e", curtask); /* ERROR "%e prints integers and what's computed from them, not struct task_struct *" */
	printf("%#g", 1); /* ERROR "%g has no flag #" */
	printf("%.2f %d", 1 ? 2 / 3 : (1, 2), 1); /* ERROR "not (int8,int8)" */
	printf("%r", 1); /* ERROR "%r doesn't print int8" */
	printf("100%"); printf("%*d", 3, 4); printf("%5.3s|%-8lld|%hhx", "a", 1, 2);
	@h = hist(1); printf("%s", @h); /* ERROR "%s doesn't print hist_t" */
}`,
	`begin { print(foo); /* ERROR "unknown name: foo" */
	foo(1); /* ERROR "unknown function: foo" */
	printff("x"); /* ERROR "unknown function: printff" */
	print(str()); /* ERROR "str() takes 1 to 2 arguments, not 0" */
	$z = (struct nope *)0; /* ERROR "unknown type: struct nope" */
	print(curtask.foo); /* ERROR "struct task_struct has no field foo" */
	system("ls"); /* ERROR "needs --unsafe" */
	print(retval); /* ERROR "begin probes have no retval" */
	print(arg0); /* ERROR "begin probes have no arg0" */
	print(args.x); /* ERROR "begin probes have no args" */
	print((1, 2).5); /* ERROR "there is no element 5" */
	print(comm == 5); /* ERROR "string[16] can't be compared with int8" */
	print(comm < "a"); /* ERROR "< doesn't work on string[16] and string[2]" */
	$a = pid ? comm : 5; /* ERROR "one branch is string[16], the other int8" */
	$p = *comm; /* ERROR "string[16] is no pointer" */
	@l = lhist(1, 10, 5, 1); /* ERROR "minimum 10 is above its maximum 5" */
	@h = hist(1, 6); /* ERROR "0 to 5 bits, not 6" */
	unroll (101) { } /* ERROR "unroll maximum value is 100, not 101" */
	print(kaddr("nope")); /* ERROR "Failed to resolve kernel symbol: nope" */
	print(reg("ip")); /* ERROR "begin probes have no reg" */
	$s = strftime("%H", nsecs(monotonic)); /* ERROR "monotonic" */
	print(cgroupid("/nope")); /* ERROR "no cgroup /nope" */
	print(5, 6); /* ERROR "top and div go with a map" */
	$m = nsecs(never); /* ERROR "nsecs() takes one of boot, monotonic, tai and sw_tai" */
	$i = comm[20]; /* ERROR "the index 20 is out of bounds for array of size 16" */
	$t = (int8)comm; /* ERROR "string[16] can't be cast to int8" */
	if (comm) { } /* ERROR "a condition is an integer, a pointer or a bool, not string[16]" */
	if (container == "3fd2a1b4c5d7") { } /* ERROR "there is no container" */
	if (container != "3fd2") { } /* ERROR "3fd2a1, 3fd2b2" */
	if ("/ssh.service" == cgroup_path) { } /* ERROR "there is no cgroup" */
	if (pod == "x") { } /* ERROR "can't be looked for: no cgroup2" */
	if (container == comm) { } /* ERROR "container is compared with a string known at compile time" */
	$c = container; if ($c == "web") { } /* ERROR "what is kept of a cgroup can't be compared with its name" */
	if (container < "web") { } /* ERROR "< doesn't work on container_t and string[4]" */
	print(container(long)); /* ERROR "container() takes one of full and name here" */
	print(pod(name)); /* ERROR "pod() takes one of uid here" */
	@c[container] = 1; @c[pod] = 1; /* ERROR "container_t" */
	if (cgroup_path(cgroup) == "x") { } /* ERROR "can't be compared" */
	fail("no %d", 5); /* ERROR "no 5" */
	static_assert(1 == 2, "never"); /* ERROR "never" */
}`,
	`config = { unstable_tseries = enable } begin { @t = tseries(1, 0, 5); /* ERROR "interval_ns must be >= 1" */
	@u = tseries(1, 1s, 0); /* ERROR "num_intervals must be >= 1" */
	@v = tseries(1, 1s, 5, "most"); /* ERROR "one of the following aggregation functions: avg, max, min, sum" */
	@w = tseries(1, 1s, 5); @w = tseries(1, 1s, 6); /* ERROR "Different tseries bounds in a single map" */
}`,
	`config = { unstable_tseries = error } begin { @t = tseries(1, 1s, 5); /* ERROR "tseries feature is not enabled" */
}`,
	`begin { let $b : uint16 = -1; /* ERROR "$b is uint16, and can't be assigned int8" */
	$a = -1; let $c : uint16 = $a; /* WARN "int64 becomes uint16 here" */
	1; /* WARN "Return value discarded" */
	has_key(@m, 1); @m[1] = 1; /* WARN "Return value discarded" */
	delete(@m, 1);
	_ = has_key(@m, 1);
	while ($a < 5) { $a++; } /* WARN "while is deprecated" */
	$d = $a / (uint32)3; /* WARN "signed /" */
	let $never; /* WARN "$never is never assigned" */
}`,
	`begin { print(@x); /* ERROR "undefined map: @x" */
}`,
	`begin { print(typeof(1)); /* ERROR "a type is no value here" */
	if (typeof(1) /* ERROR "a type is no value here" */ == 2) { exit(); }
}`,
	`tracepoint:syscalls:sys_enter_openat { print(args.filenam); /* ERROR "args has no field filenam" */
	print(args.common_pid); /* ERROR "programs can't read the common fields" */
	print(ctx); /* ERROR "tracepoint probes have no ctx" */
}`,
	`kprobe:f { print(arg9); /* ERROR "there is no arg9" */
	for ($i : 0..3) { print(arg0); }
	unroll (3) { break; } /* ERROR "break outside of a loop" */
}`,
	`config = { max_strlem = 5; } /* ERROR "max_strlem: not a known configuration option" */
begin { }`,
	`config = { stack_mode = perl; } /* ERROR "no stack mode" */
begin { }`,
	`config = { strlen = 99; } /* WARN "strlen is now called max_strlen" */
begin { $s = str(0, 5); }`,
	`let @m = percpuhash(10); /* ERROR "only aggregations" */
begin { @m[1] = 1; }`,
	`let @unused = hash(10); /* WARN "Unused map: @unused" */
begin { }`,
	// What is made of an error is no error of its own.
	`begin { $x = curtask.nope; /* ERROR "struct task_struct has no field nope" */
	$y = $x + 1;
	@m = $y;
	print(@m);
	@k[$x] = 1;
	for ($kv : @k) {
		print($kv.0);
	}
	$z = @k[$x];
	if ($x) {
		@h = hist($x);
	}
	let $u : nosuch_t = 1; /* ERROR "unknown type: nosuch_t" */
	print($u);
	print($v); /* ERROR "undefined variable: $v" */
	print(nope); /* ERROR "unknown name: nope" */
}`,
	`begin { @h = hist(); /* ERROR "hist() takes 1 to 3 arguments, not 0" */
	print_log2(@h, "usecs");
	@s = sum(1 + comm); /* ERROR "+ doesn't work on int8 and string[16]" */
	@s = sum(2);
	@g = curtask.nope; /* ERROR "no field nope" */
	@g++;
	print_log2(@g, "usecs");
}`,
	// A map that is read and never assigned is zero; what is made of it isn't.
	`kprobe:vfs_read { print(((struct task_struct *)arg1).pid); /* WARN "arg1 of vfs_read isn't a struct task_struct * on this kernel: that's arg0, task" */
}`,
	`kprobe:vfs_read { print(((struct task_struct *)arg0).pid); print(((struct pt_regs *)arg1).di); }`,
	`kprobe:f { @usecs = hist((uint64)(nsecs - @start[tid]) / 1000); print(@usecs); }`,
	`begin { @a = @b; @b = @a; print((@a, @b)); }`,
	`begin { @few[1] = 2; @few[2] = 3; @few[3] = 4; @few[4] = 5;
	print((1, @few)); /* ERROR "@few has keys, but is used without one here" */
	$x = @few; /* ERROR "@few has keys, but is used without one here" */
	print($x);
	@few = "a"; /* ERROR "@few has keys, but is used without one here" */
	@one = 1;
	@one["k"] = comm; /* ERROR "@one has no keys, but is used with one here" */
}`,
	`begin { hask_ey(@m, 1); /* ERROR "unknown function: hask_ey" */
	@m[1] = 2;
	print(has_key(@m, 1));
}`,
	`fn three(): int64 { return 3; }
const N = three(); /* ERROR "the value of a constant has to be known at compile time: it can't be what a function returns" */
const one: uint64[1] = (3); /* ERROR "this is uint64[1], and can't be assigned int8" */
fn all($a: int32[]) { } /* ERROR "a parameter has a size: how many elements are in the array?" */
fn give(): int32[] { return (1, 2); } /* ERROR "a result has a size: how many elements are in the array?" */
fn none(): int64 {
	if (pid) { return; } /* ERROR "the value is missing: none returns int64" */
	return 1;
}
begin { let $a: int64[3] = (1, 2); /* ERROR "$a is int64[3], and can't be assigned (int8,int8)" */
	let $b: int64[] = (1, 2);
	print($b[2]); /* ERROR "the index 2 is out of bounds for array of size 2" */
	print((uint9)3); /* ERROR "unknown type: uint9" */
}`,
	`begin { $x = (count); /* ERROR "count() is assigned to a map directly" */
	print(clear); /* ERROR "clear is a function, and has to be called" */
	print(1.5); /* ERROR "numbers are integers: there are no fractions" */
	print((1,).1); /* ERROR "the tuple has 1 element; there is no element 1" */
	printf("%d\n" *(uint8 *)0); /* ERROR "* doesn't work on string[4] and uint8" */
	if comptime (has_field(typeof(nope), "x")) { } /* ERROR "unknown name: nope" */
}`,
	`begin { @s[1] = 1;
	@s[2] = "a"; /* ERROR "@s is int8, and can't be assigned string[2]" */
	@s[3] = "b";
	$v = 1;
	$v = "a"; /* ERROR "$v is int8, and can't be assigned string[2]" */
	$v = "b";
	for ($i : 0..nope) { /* ERROR "unknown name: nope" */
		@l = $i;
		@h = hist($i);
	}
	print_log2(@h, "usecs");
}`,
	// Of uses with and without keys the fewer are wrong.
	`begin { (@owner, 1); /* ERROR "@owner has keys, but is used without one here" */
	@owner[1] = 2;
	delete(@owner, 1);
	print(@owner[3]);
}`,
	`begin { @h = hist(2, pid); /* ERROR "hist() needs a number here that is known at compile time" */
	print_log2(@h, "usecs");
	print(retval(1)); /* ERROR "retval() takes no arguments" */
}`,
	`let @a = hash(5); let @a = hash(1); /* WARN "@a is already declared" */
	begin { @a[()] = 1; /* ERROR "a key can't be an empty tuple" */
	@b[2, ()] = 1; /* ERROR "a key can't be an empty tuple" */
	@a[1] = 2;
	print(@a, -1);
	print(@a, 1, -1); /* ERROR "known at compile time and isn't negative" */
	print(@a, comm); /* ERROR "known at compile time and isn't negative" */
}`,
	`config = { max_map_keys = 0 }
	let @a = hash(5);
	begin { @a[1] = 2; @s = 3;
	@b[1] = 2; /* ERROR "@b has keys, and max_map_keys is 0" */
}`,
	// A suggestion for a word doesn't change what the words mean.
	`begin { print(kstack(pefr, 3)); /* ERROR "kstack() takes one of bpftrace, perf, raw and build_id here" */
	print(kstack(raw, 3));
	print(kstack(build_id, 3)); /* ERROR "the kernel's frames have no build id" */
}`,
}
