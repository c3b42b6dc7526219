package types

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// taskBuiltins tell about the task, the CPU and the system at hand.
func taskBuiltins() []Builtin {
	return []Builtin{
		{ID: BuiltinPid, Name: "pid", Max: 1, Var: true, check: checkPid, Doc: "the process id: pid, pid(curr_ns), or pid(init) as the first pid namespace sees it"},
		{ID: BuiltinTid, Name: "tid", Max: 1, Var: true, check: checkPid, Doc: "the thread id: tid, tid(curr_ns), or tid(init) as the first pid namespace sees it"},
		{ID: BuiltinUID, Name: "uid", Var: true, check: isUint64, Doc: "the user id"},
		{ID: BuiltinGID, Name: "gid", Var: true, check: isUint64, Doc: "the group id"},
		{ID: BuiltinComm, Name: "comm", Max: 1, Var: true, check: checkComm, Doc: "the thread's name, or of the process with an id: comm, comm(pid)"},
		{ID: BuiltinUsername, Name: "username", Var: true, check: checkUsername, Doc: "the user's name"},
		{ID: BuiltinCpid, Name: "cpid", Var: true, check: isUint64, Doc: "the id of the process that -c started"},
		{ID: BuiltinHasCpid, Name: "has_cpid", Var: true, check: checkHasCpid, Doc: "whether -c started a process"},
		{ID: BuiltinCPU, Name: "cpu", Var: true, check: isUint64, Doc: "the CPU that this runs on"},
		{ID: BuiltinNcpus, Name: "ncpus", Var: true, check: isUint64, Doc: "the number of CPUs"},
		{ID: BuiltinNumaid, Name: "numaid", Var: true, check: isUint64, Doc: "the NUMA node that this runs on"},
		{ID: BuiltinRand, Name: "rand", Var: true, check: isUint64, Doc: "a random number of 32 bits"},
		{ID: BuiltinCgroup, Name: "cgroup", Var: true, check: isUint64, Doc: "the id of the task's cgroup (version 2)"},
		{ID: BuiltinCgroupid, Name: "cgroupid", Min: 1, Max: 1, check: checkCgroupid, Doc: "the id of a cgroup by its path: cgroupid(\"/sys/fs/cgroup/…\")"},
		{ID: BuiltinCgroupPath, Name: "cgroup_path", Min: 1, Max: 2, Var: true, check: checkCgroupPath, Doc: "the path of a cgroup, to be printed: cgroup_path(id[, filter]); alone, the task's path in cgroup2"},
		{ID: BuiltinCurtask, Name: "curtask", Var: true, check: checkCurtask, Doc: "the current task's struct task_struct"},
		{ID: BuiltinPpid, Name: "ppid", Max: 1, Var: true, check: taskMember("real_parent", "pid"), Doc: "the parent's process id: ppid, ppid(task)"},
		{ID: BuiltinPcomm, Name: "pcomm", Max: 1, Var: true, check: taskMember("real_parent", "comm"), Doc: "the parent's name: pcomm, pcomm(task)"},
		{ID: BuiltinLeaderTid, Name: "leader_tid", Max: 1, Var: true, check: taskMember("group_leader", "pid"), Doc: "the thread id of the thread group's leader: leader_tid, leader_tid(task)"},
		{ID: BuiltinLeaderComm, Name: "leader_comm", Max: 1, Var: true, check: taskMember("group_leader", "comm"), Doc: "the name of the thread group's leader: leader_comm, leader_comm(task)"},
		{ID: BuiltinSignal, Name: "signal", Min: 1, Max: 1, Unsafe: true, Stmt: true, check: checkSignal, Doc: "sends a signal to the process: signal(9), signal(\"SIGKILL\")"},
		{ID: BuiltinSignalThread, Name: "signal_thread", Min: 1, Max: 1, Unsafe: true, Stmt: true, check: checkSignal, Doc: "sends a signal to the thread: signal_thread(\"SIGUSR1\")"},
	}
}

func isUint64(*checker, syntax.Expr, []syntax.Expr, *Builtin) *Type { return IntType(8, false) }

// commSize is TASK_COMM_LEN (include/linux/sched.h).
const commSize = 16

// checkPid: the argument names a pid namespace.
func checkPid(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	if len(args) == 1 {
		c.wordArg(args[0], b.Name, "curr_ns", "init")
	}
	return IntType(4, false)
}

// wordArg is an argument that is one of a few words.
func (c *checker) wordArg(e syntax.Expr, call string, words ...string) string {
	id, ok := unparen(e).(*syntax.Ident)
	if ok && contains(words, id.Name) {
		c.record(e, voidType())
		c.record(id, voidType())
		return id.Name
	}
	d := c.errorf(diag.CodeArgType, e.Span(), "%s() takes one of %s here", call, list(words))
	if ok {
		if near := nearest(id.Name, words); near != "" {
			d.Suggest(near)
		}
	}
	return ""
}

func list(words []string) string {
	s := words[0]
	for i, w := range words[1:] {
		if i == len(words)-2 {
			s += " and " + w
		} else {
			s += ", " + w
		}
	}
	return s
}

// taskFromPidSince says where bpf_task_from_pid may be called.
const taskFromPidSince = "programs of the kernel's types have since Linux 6.2, tracepoints and perf events since 6.12"

// callsTasks reports whether the probe may call bpf_task_from_pid. It's one of the kernel
// functions of tracing programs, which tracepoints and perf events got to share in 6.12
// (bpf_prog_type_to_kfunc_hook, kernel/bpf/btf.c).
func (c *checker) callsTasks() bool {
	if _, ok := c.env.Kfunc("bpf_task_from_pid"); !ok {
		return false
	}
	switch c.kind().Info().Prog {
	case probe.ProgTracing:
		return true
	case probe.ProgTracepoint, probe.ProgPerfEvent:
		return c.info.Facts.Kernel >= 6<<16|12<<8
	}
	return false
}

func checkComm(c *checker, e syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
	if len(args) == 1 {
		t, ok := c.intArg(args[0], "comm")
		switch {
		case !ok:
			return worse(t)
		case !c.callsTasks():
			c.errorf(diag.CodeProbeKind, e.Span(), "comm(pid) isn't supported in %s probes", c.kind()).
				Note("it needs the kernel function bpf_task_from_pid, which %s", taskFromPidSince)
			return invalidType()
		}
		return StringType(nameSize).In(SpaceKernel)
	}
	return StringType(commSize).In(SpaceKernel)
}

func checkUsername(*checker, syntax.Expr, []syntax.Expr, *Builtin) *Type { return plain(Username) }

func checkHasCpid(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	c.setConst(e, &Const{Int: bit(c.opt.Child)}, false)
	return boolType()
}

func checkCgroupid(c *checker, e syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
	path, ok := c.constStr(args[0], "cgroupid")
	if !ok {
		return wrong(c.info.Types[args[0].ID()])
	}
	id, err := c.env.Cgroup(path)
	if err != nil {
		c.errorf(diag.CodeSymbol, args[0].Span(), "no cgroup %s: %v", path, err)
		return invalidType()
	}
	c.setConst(e, &Const{Int: id}, false)
	return IntType(8, false)
}

func checkCgroupPath(c *checker, _ syntax.Expr, args []syntax.Expr, _ *Builtin) *Type {
	if len(args) == 0 {
		return cgroupType(object.CgroupOwn)
	}
	t, ok := c.intArg(args[0], "cgroup_path")
	if !ok {
		return worse(t)
	}
	p := plain(CgroupPath)
	p.Format = "*"
	if len(args) == 2 {
		if p.Format, ok = c.constStr(args[1], "cgroup_path"); !ok {
			return invalidType()
		}
	}
	return p
}

// taskBTFSince is the first kernel with bpf_get_current_task_btf, 5.11.
const taskBTFSince = 5<<16 | 11<<8

func checkCurtask(c *checker, e syntax.Expr, _ []syntax.Expr, _ *Builtin) *Type {
	t, ok := c.lookupType("struct", "task_struct")
	if !ok {
		c.errorf(diag.CodeUnknownType, e.Span(), "curtask needs struct task_struct, which neither the kernel's BTF nor a header defines")
		return invalidType()
	}
	p := PointerTo(t, SpaceBTF)
	if k := c.info.Facts.Kernel; !followable(p) || k != 0 && k < taskBTFSince {
		p.Space = SpaceKernel
	}
	return p
}

// taskMember makes the check of what is read from the current task, or a given one, by
// way of another task.
func taskMember(via, name string) func(*checker, syntax.Expr, []syntax.Expr, *Builtin) *Type {
	return func(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
		var task *Type
		if len(args) == 0 {
			task = checkCurtask(c, e, nil, b)
		} else {
			task = c.expr(args[0])
		}
		if bad(task) {
			return task
		}
		if task.Kind == Pointer && task.Elem.Kind == Struct {
			if other := Select(task.Elem.S, via); other != nil && other.Field.Type.Kind == Pointer {
				if sel := Select(other.Field.Type.Elem.S, name); sel != nil {
					return c.loaded(sel.Field.Type, noBTF(task.Space), false)
				}
			}
		}
		c.errorf(diag.CodeArgType, e.Span(), "%s needs a pointer to struct task_struct, not %s", b.Name, task)
		return invalidType()
	}
}

func checkSignal(c *checker, _ syntax.Expr, args []syntax.Expr, b *Builtin) *Type {
	t := c.expr(args[0])
	if bad(t) {
		return t
	}
	k := c.info.Consts[args[0].ID()]
	switch {
	case k != nil && k.IsStr:
		n := signalNumber(k.Str)
		if n == 0 {
			d := c.errorf(diag.CodeRange, args[0].Span(), "unknown signal: %s", k.Str)
			if near := nearest(k.Str, signalNames()); near != "" {
				d.Suggest("\"" + near + "\"")
			}
			return invalidType()
		}
		c.info.Consts[args[0].ID()] = &Const{Int: n}
	case k != nil && (k.Int < 1 || k.Int > 64):
		c.errorf(diag.CodeRange, args[0].Span(), "signals are numbered 1 to 64, not %s", number(k, t))
	case !t.IsInt():
		c.errorf(diag.CodeArgType, args[0].Span(), "%s() needs a signal's name or number, not %s", b.Name, t)
	}
	return voidType()
}
