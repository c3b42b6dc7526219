package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// taskCommLen is TASK_COMM_LEN, the bytes of a task's name with its NUL.
const taskCommLen = 16

// v5_17PaddedComm is the kernel that pads a task's name with zeroes when it's set
// (__set_task_comm, fs/exec.c), so that the bytes in the task are those of the helper.
const v5_17PaddedComm = 5<<16 | 17<<8

// CommKeepsRest reports whether bpf_get_current_comm of a kernel (KERNEL_VERSION) leaves
// the bytes after the NUL as they were: it padded with zeroes before 5.19 (strncpy) and
// does again since 6.5 (strscpy_pad), kernel/bpf/helpers.c.
func CommKeepsRest(kernel uint32) bool {
	return kernel >= 5<<16|19<<8 && kernel < 6<<16|5<<8
}

// commInto writes the current task's name: 16 bytes, read from the task where its type is
// known, by the helper otherwise.
func (c *fn) commInto(_ syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool) {
	if len(args) > 0 {
		c.commOf(args[0], dst, class, bytesOf(t))
		return
	}
	n := bytesOf(t)
	from, ok := c.taskComm()
	switch {
	case ok && n >= taskCommLen:
		c.copyWords(dst, class, from, taskCommLen)
	default:
		if padded && CommKeepsRest(c.info.Facts.Kernel) {
			c.zero(dst, min(n, taskCommLen), class, 8)
		}
		c.call(fnComm, ssa.I64, dst, c.constU(uint64(min(n, taskCommLen))))
	}
	if n > taskCommLen && padded {
		c.zero(c.addI(dst, taskCommLen), n-taskCommLen, class, 8)
	}
}

// taskComm is the name inside the current task. Programs that run once aren't worth the
// reading of the kernel's types.
func (c *fn) taskComm() (ref, bool) {
	f := c.info.Facts
	if f.Kernel < v5_17PaddedComm || !f.HasBTF || c.kind.Info().TestRun {
		return ref{}, false
	}
	st, ok := c.info.Env.Type("struct task_struct")
	if !ok {
		return ref{}, false
	}
	comm, ok := findField(st, "comm")
	if !ok || comm.Offset%4 != 0 {
		return ref{}, false
	}
	task := c.task(types.PointerTo(st, types.SpaceBTF))
	return ref{base: task.v, off: int64(comm.Offset), class: ssa.MemKernel}, task.btf
}

// copyWords copies n bytes, a multiple of 8, by direct loads.
func (c *fn) copyWords(dst *ssa.Value, class ssa.MemClass, from ref, n uint32) {
	w := uint32(8)
	if class == ssa.MemSlot {
		w = alignAt(dst) // the stack is the one place where the verifier insists
	}
	for off := uint32(0); off < n; off += w {
		v := c.load(from.base, from.off+int64(off), mem(w, from.class, false))
		c.store(dst, int64(off), v, w, class)
	}
}
