// A TCP congestion control with a function that no kernel asks for.
#include "kernel.h"

struct sock;
struct tcp_congestion_ops {
	int (*there_was_once)(struct sock *sk);
	char name[16];
};

SEC("struct_ops")
int once(__u64 *ctx)
{
	return 0;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops skep_older = {
	.there_was_once = (void *)once,
	.name = "skep_older",
};
