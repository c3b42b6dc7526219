// A program that takes a member for granted that no kernel has.
#include "kernel.h"

struct task_struct___older {
	struct {
		int once;
	} there_was;
} __attribute__((preserve_access_index));

SEC("raw_tp/sys_enter")
int takes(void *ctx)
{
	struct task_struct___older *t = (void *)bpf_get_current_task();
	return BPF_CORE_READ(t, there_was.once);
}
