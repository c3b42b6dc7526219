// A program for each of some kinds of sections.
#include "kernel.h"

__u64 runs[4];

SEC("tc")
int classify(struct __sk_buff *skb)
{
	return skb->len > 9000;
}
SEC("socket")
int filter(struct __sk_buff *skb)
{
	return skb->len;
}
SEC("raw_tp/sys_enter")
int raw(void *ctx)
{
	runs[0]++;
	return 0;
}
SEC("tp_btf/sched_switch")
int typed(__u64 *ctx)
{
	struct task_struct *next = (void *)ctx[2];
	if (next->pid)
		runs[1]++;
	return 0;
}
SEC("tp/sched/sched_switch")
int point(void *ctx)
{
	runs[2]++;
	return 0;
}
SEC("?fentry/there_is_no_such_function")
int optional(void *ctx)
{
	return 0;
}
