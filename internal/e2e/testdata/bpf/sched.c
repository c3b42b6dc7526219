// The least that is a scheduler: sched_ext does all by itself.
#include "kernel.h"

struct scx_exit_info;
struct sched_ext_ops {
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	char name[128];
};

SEC("struct_ops/exit")
void over(__u64 *ctx)
{
}

SEC(".struct_ops.link")
struct sched_ext_ops skep_sched = {
	.exit = (void *)over,
	.name = "skep_sched",
};
