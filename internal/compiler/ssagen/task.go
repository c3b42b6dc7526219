package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// Kernel functions of tasks (kernel/bpf/helpers.c, 6.2).
const (
	kfTaskFromPid = "bpf_task_from_pid"
	kfTaskRelease = "bpf_task_release"
)

// relative makes the value function of a member of a task's relative: ppid, leader_comm and
// their like, of the current task or of a given one.
func relative(via, name string) valueFunc {
	return func(c *fn, e syntax.Expr, args []syntax.Expr) operand {
		t := c.typeOf(e)
		task := c.taskArg(args)
		if task.t.Elem == nil || task.t.Elem.S == nil {
			c.unsupported(e.Span(), "%s without the kernel's types", c.builtin(e).Name)
			return operand{t: t, v: c.constI(0)}
		}
		to := types.Select(task.t.Elem.S, via)
		sel := types.Select(to.Field.Type.Elem.S, name)
		other := c.memberOf(task, to, to.Field.Type)
		return c.memberOf(other, sel, t)
	}
}

// taskArg is the task that args name, or the current one.
func (c *fn) taskArg(args []syntax.Expr) operand {
	if len(args) > 0 {
		return c.expr(args[0])
	}
	st, ok := c.info.Env.Type("struct task_struct")
	if !ok {
		return operand{t: &types.Type{Kind: types.Pointer, Size: 8}}
	}
	return c.task(types.PointerTo(st, types.SpaceKernel))
}

// memberOf is a member of what pointer p points to.
func (c *fn) memberOf(p operand, sel *types.Selection, t *types.Type) operand {
	if p.btf && c.kind == probe.Iter {
		return c.guarded(p, sel, t)
	}
	return c.member(c.follow(p), sel, t)
}

// commOf writes the name of the process with an id: "N/A" when there's none.
func (c *fn) commOf(pid syntax.Expr, dst *ssa.Value, class ssa.MemClass, size uint32) {
	st, _ := c.info.Env.Type("struct task_struct")
	comm, ok := findField(st, "comm")
	if !ok {
		c.unsupported(pid.Span(), "comm(pid) without the kernel's types")
		return
	}
	task := c.kfunc(kfTaskFromPid, ssa.Ptr, c.intExpr(pid))
	c.zero(dst, size, class, 8)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(task, yes, no, 1)
	c.b = yes
	c.call(fnProbeReadKernelStr, ssa.I64, dst, c.constU(taskCommLen), c.addI(task, int64(comm.Offset)))
	c.kfunc(kfTaskRelease, ssa.Void, task)
	c.jump(join)
	c.b = no
	c.storeBytes(dst, class, []byte("N/A"), 4)
	c.reportText(siteNoTask)
	c.jump(join)
	c.b = join
}

// containerOf is container_of(p, struct s, member): p less the member's place.
func (c *fn) containerOf(e syntax.Expr, args []syntax.Expr) operand {
	p := c.expr(args[0])
	return operand{t: c.typeOf(e), v: c.bin(ssa.OpSub, c.asInt(p.v), c.constU(uint64(c.info.Fields[e.ID()].Offset)))}
}

// isErr is is_err(p): whether p is one of the last 4095 addresses, MAX_ERRNO (linux/err.h).
func (c *fn) isErr(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.cmp(ssa.OpULe, c.constI(-4095), c.intExpr(args[0]))}
}
