// A variable of the kernel's with its type, of which each CPU has one.
#include "kernel.h"

struct rq {
	int cpu;
} __attribute__((preserve_access_index));
extern const struct rq runqueues __ksym;

int cpu = 99;

SEC("raw_tp/sys_enter")
int second(void *ctx)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, 1);
	if (rq)
		cpu = rq->cpu;
	return 0;
}
