// An iterator that prints processes.
#include "kernel.h"

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (task && task->pid == task->tgid)
		BPF_SEQ_PRINTF(ctx->meta->seq, "pid %d\n", task->pid);
	return 0;
}
